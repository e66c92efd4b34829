//! I5: whatever the order in which events are delivered, the end is the same.
//!
//! People do a few things while all workers sleep; then the events are delivered in every order, each time to the same world, made anew from its
//! seed. Each end is judged like any history at rest; and the ends must be alike but for the ids of records that the bridge made.
//!
//! Of one thing the order decides: whether somebody is to be asked who a record is, where people made, merged and erased records of one
//! person at once. Such a record, and whoever it is linked with in either end, is compared only where all orders ask, or none: with whom it is
//! linked decides of all its values what came over. The records that the note names as those it could be are compared.

use std::collections::{BTreeMap, BTreeSet};

use contact_bridge::{
    model::{
        event::Event,
        field::{Field, Value},
        ids::{RecordId, Side},
        link::{Link, Parked, ParkedReason, RowState, Slot},
        site::MappingRow,
    },
    ports::StoreResult,
};
use rand::{Rng, SeedableRng, rngs::SmallRng, seq::SliceRandom};

use super::{
    backend::Backend,
    check,
    people::{self, Act},
    plants::Plant,
    site::Running,
    world::{World, lock},
};

/// Things people do before the ones whose events are permuted.
const BEFORE: usize = 6;
/// Orders of one history that are tried: all, where there are no more than four events.
const MOST_ORDERS: usize = 24;

/// A world in which all workers slept while people did their last things.
struct Asleep {
    running: Running,
    /// What nobody has dealt with yet.
    events: Vec<Event>,
    /// When the workers fell asleep.
    since: i64,
    /// When they woke up.
    until: i64,
}

/// A record.
type Id = (Side, RecordId);

/// What is there at the end of one order.
#[derive(Debug, Default)]
struct End {
    /// Pairs, single records, and what waits for a person, without ids; with the ids that are the same in all orders.
    all: Vec<(BTreeSet<Id>, String)>,
    /// Of which records a person is asked who they are.
    asked: BTreeSet<Id>,
}

impl End {
    /// Returns what is to be alike in both of two ends.
    fn common<'a>(&'a self, other: &'a Self) -> [Vec<&'a str>; 2] {
        let mut open: BTreeSet<&Id> = self.asked.symmetric_difference(&other.asked).collect();
        let concerned = |open: &BTreeSet<&'a Id>, ids: &BTreeSet<Id>| ids.iter().any(|id| open.contains(id));
        loop {
            let linked = self.all.iter().chain(&other.all).filter(|(ids, _)| concerned(&open, ids)).flat_map(|(ids, _)| ids);
            let linked: Vec<&Id> = linked.filter(|id| !open.contains(id)).collect();
            if linked.is_empty() {
                break;
            }
            open.extend(linked);
        }
        [self, other].map(|end| {
            let closed = end.all.iter().filter(|(ids, _)| !concerned(&open, ids));
            let mut all: Vec<&str> = closed.map(|(_, text)| text.as_str()).collect();
            all.sort_unstable();
            all
        })
    }
}

/// Judges the orders of one history.
#[must_use]
pub fn judge(seed: u64, plant: Plant) -> Vec<String> {
    let mut rng = SmallRng::seed_from_u64(seed);
    let mut first = asleep(seed, plant);
    let events = first.events.len();
    let in_turn: Vec<usize> = (0..events).collect();
    let expected = first.end(&in_turn);
    let mut violations = first.violations();
    for order in orders(events, &mut rng) {
        let mut asleep = asleep(seed, plant);
        let found = asleep.end(&order);
        violations.extend(asleep.violations());
        let [own, other] = expected.common(&found);
        if own != other {
            violations.push(format!("I5: in the order {order:?} of {events} events it ends otherwise"));
            tracing::error!(expected = ?own, found = ?other, "I5");
        }
        if !violations.is_empty() {
            break;
        }
    }
    violations
}

/// A world in step, then some acts; with the events that nobody has dealt with yet.
fn asleep(seed: u64, plant: Plant) -> Asleep {
    let mut running = Running::still("site", seed, plant, &Backend::memory());
    for _ in 0..BEFORE {
        running.come_to_rest();
        running.act();
    }
    running.come_to_rest();
    let (acts, since) = {
        let mut world = lock(&running.world);
        (world.rng.random_range(2..4), world.now)
    };
    let mut done = 0;
    while done < acts {
        done += usize::from(running.act() != Act::Nothing);
    }
    let events = running.take_all();
    let until = lock(&running.world).now;
    Asleep { running, events, since, until }
}

fn orders(events: usize, rng: &mut SmallRng) -> Vec<Vec<usize>> {
    let mut all = permutations(events.min(4));
    for order in &mut all {
        order.extend(4..events);
        if events > 4 {
            order.shuffle(rng);
        }
    }
    all.truncate(MOST_ORDERS);
    all
}

fn permutations(of: usize) -> Vec<Vec<usize>> {
    if of == 0 {
        return vec![Vec::new()];
    }
    let shorter = permutations(of - 1);
    (0..of).flat_map(|at| shorter.iter().map(move |order| inserted(order, at, of - 1))).collect()
}

fn inserted(order: &[usize], at: usize, new: usize) -> Vec<usize> {
    let mut order = order.to_vec();
    order.insert(at.min(order.len()), new);
    order
}

impl Asleep {
    /// Delivers the events in an order, judges the end, and returns it.
    fn end(&mut self, order: &[usize]) -> End {
        for event in order.iter().filter_map(|nth| self.events.get(*nth)) {
            self.running.deal_with(event.clone());
        }
        self.running.come_to_rest();
        check::at_rest(&self.running);
        let (backend, site) = (&self.running.backend, &self.running.site.site);
        let world = lock(&self.running.world);
        let mut end = End::default();
        let slot = |side, id: &RecordId| backend.finish(backend.links.look_up(site, side, id));
        for side in Side::BOTH {
            for id in world.sides.of(side).present_ids() {
                let slot = slot(side, &id);
                end.all.push((self.stable(&world, (side, &id), &slot), self.describe(&world, (side, &id), slot)));
            }
        }
        for note in backend.finish(backend.links.parked(site)).unwrap_or_default() {
            let slot = slot(note.side, &note.id);
            let ids = self.stable(&world, (note.side, &note.id), &slot);
            end.asked.extend(asks_who(&note).filter(|(side, id)| self.is_stable(&world, *side, id)));
            end.all.push((ids, format!("{} waits: {:?}", self.describe(&world, (note.side, &note.id), slot), note.reason)));
        }
        end
    }

    fn violations(&self) -> Vec<String> {
        lock(&self.running.world).violations.clone()
    }

    /// Returns a record and its counterpart, if they have the same ids whatever the order.
    fn stable(&self, world: &World, (side, id): (Side, &RecordId), slot: &StoreResult<Slot>) -> BTreeSet<Id> {
        let counterpart = match slot {
            Ok(Slot::Linked(link)) => Some((side.opposite(), link.id(side.opposite()).clone())),
            Ok(Slot::Gone(_) | Slot::Free | Slot::Reserved { .. }) | Err(_) => None,
        };
        std::iter::once((side, id.clone())).chain(counterpart).filter(|(side, id)| self.is_stable(world, *side, id)).collect()
    }

    fn is_stable(&self, world: &World, side: Side, id: &RecordId) -> bool {
        world.sides.of(side).records.get(id).is_some_and(|record| record.created <= self.until)
    }

    fn describe(&self, world: &World, (side, id): (Side, &RecordId), slot: StoreResult<Slot>) -> String {
        let other = side.opposite();
        let text = match slot {
            Ok(Slot::Linked(link)) => {
                let pair = [(side, id), (other, link.id(other))];
                let [own, counterpart] = pair.map(|record| {
                    let mut values = self.settled(world, record, &pair);
                    self.leave_refused(&mut values, world, (record.0, &link));
                    values
                });
                format!("{own:?} linked with {counterpart:?}, held {:?}, rows {:?}", link.held, link.rows)
            }
            Ok(Slot::Gone(tombstone)) => {
                format!("{:?} ended: {:?}", self.settled(world, (side, id), &[(side, id)]), tombstone.cause)
            }
            Ok(Slot::Free | Slot::Reserved { .. }) | Err(_) => format!("{:?} is alone", values(world, side, id)),
        };
        format!("{side} {text}")
    }

    /// What a record has, but for what people did last to records that it, or its counterpart, is not linked with any more: the order decides
    /// whether that came over before the link ended, and either is right.
    fn settled(&self, world: &World, (side, id): (Side, &RecordId), pair: &[(Side, &RecordId)]) -> Values {
        let mut own = values(world, side, id);
        // What a merge filled in came from the record on the same side, or over from the other in its spelling, whichever merge was first.
        let is_merged = |(side, id): &(Side, &RecordId)| world.sides.of(*side).merged_at.get(*id).is_some_and(|at| *at >= self.since);
        if pair.iter().any(is_merged) {
            own.values_mut().flatten().for_each(|item| *item = essence(item));
        }
        for (side, id) in pair {
            let other = side.opposite();
            let former = world.witness.counterparts(*side, id).filter(|former| !pair.contains(&(other, *former)));
            for former in former {
                self.leave_open(&mut own, world, (other, former), pair);
            }
        }
        own
    }

    /// Leaves out of a record's values what may have come of the last acts on another.
    fn leave_open(&self, own: &mut Values, world: &World, former: (Side, &RecordId), pair: &[(Side, &RecordId)]) {
        for row in people::mapping() {
            let versions = self.versions(world, former, &row);
            // Where somebody typed into the other record as well, the conflict rule decided, or there was no conflict.
            let others: Vec<_> = pair.iter().flat_map(|record| self.versions(world, *record, &row)).collect();
            let Some(mine) = own.get_mut(row.id.as_str()) else { continue };
            if row.id.as_str() == LABELS {
                let first = versions.first().cloned().unwrap_or_default();
                let moved = |item: &str| versions.iter().any(|version| version.contains(item) != first.contains(item));
                mine.retain(|item| !moved(&essence(item)));
            } else if versions.len() > 1 && versions.iter().chain(&others).any(|version| is_version(mine, version)) {
                mine.clear();
            }
        }
    }

    /// Leaves out what a side that refuses the latest value of a row has of the earlier ones: the order decides which of them it was sent.
    fn leave_refused(&self, own: &mut Values, world: &World, (side, link): (Side, &Link)) {
        for row in people::mapping() {
            let state = link.rows.get(&row.id);
            let refuses = matches!(state, Some(RowState::Refused(by) | RowState::Unconvertible(by)) if *by == side);
            let versions = self.versions(world, (side.opposite(), link.id(side.opposite())), &row);
            let Some(mine) = own.get_mut(row.id.as_str()).filter(|_| refuses) else { continue };
            if versions.len() > 1
                && (versions.iter().any(|version| is_version(mine, version))
                    || self.versions(world, (side, link.id(side)), &row).first().is_some_and(|first| is_version(mine, first)))
            {
                mine.clear();
            }
        }
    }

    /// What a row of a record had when the workers fell asleep, and what people made of it since.
    fn versions(&self, world: &World, (side, id): (Side, &RecordId), row: &MappingRow) -> Vec<BTreeSet<String>> {
        let past = world.sides.of(side).records.get(id).into_iter().flat_map(|record| &record.past);
        let past = past.filter(|(own, ..)| own == field(side, row));
        let (before, since): (Vec<_>, Vec<_>) = past.partition(|(_, _, at, _)| *at < self.since);
        let first = before.last().map(|(_, value, ..)| items(value.as_ref())).unwrap_or_default();
        let typed = since.iter().filter(|(.., ours)| !ours).map(|(_, value, ..)| items(value.as_ref()));
        let versions = std::iter::once(first).chain(typed);
        versions.map(|version| version.iter().map(|item| essence(item)).collect()).collect()
    }
}

/// Returns the record of which a note asks who it is.
fn asks_who(note: &Parked) -> Option<Id> {
    let unclear = matches!(
        note.reason,
        ParkedReason::SeveralMatches | ParkedReason::MatchIsLinked | ParkedReason::UnlinkedByMerge | ParkedReason::ErasureUnclear
    );
    unclear.then(|| (note.side, note.id.clone()))
}

/// So many digits at the end tell the numbers of the histories apart.
const SUBSCRIBER: usize = 7;
/// The row of labels.
const LABELS: &str = "lb";

/// A record's values by row, element by element.
type Values = BTreeMap<String, Vec<String>>;

fn values(world: &World, side: Side, id: &RecordId) -> Values {
    let record = world.sides.of(side).present(id);
    let value = |row: &MappingRow| record.and_then(|record| record.fields.get(field(side, row)));
    people::mapping().iter().map(|row| (row.id.as_str().to_owned(), items(value(row)))).collect()
}

fn field(side: Side, row: &MappingRow) -> &Field {
    if side == Side::Wix { &row.wix } else { &row.external }
}

fn items(value: Option<&Value>) -> Vec<String> {
    let elements = value.map(Value::elements).unwrap_or_default();
    elements.iter().flat_map(|item| item.split(';')).map(str::to_owned).collect()
}

fn is_version(mine: &[String], version: &BTreeSet<String>) -> bool {
    mine.iter().map(|item| essence(item)).collect::<BTreeSet<_>>() == *version
}

/// A value in small letters and digits alone; a number without the country's.
fn essence(item: &str) -> String {
    let essence: String = item.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let is_number = essence.len() > SUBSCRIBER && essence.chars().all(|c| c.is_ascii_digit());
    if is_number { essence.chars().skip(essence.len() - SUBSCRIBER).collect() } else { essence }
}
