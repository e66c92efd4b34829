//! I5: whatever the order in which events are delivered, the end is the same.
//!
//! People do a few things while all workers sleep; then the events are delivered in every order, each time to the same world, made anew from its
//! seed. The ends must be alike but for the ids of records that the bridge made.

use contact_bridge::model::{
    event::Event,
    field::Fields,
    ids::{RecordId, Side},
    link::Slot,
};
use rand::{Rng, SeedableRng, rngs::SmallRng, seq::SliceRandom};

use super::{backend::Backend, people::Act, plants::Plant, site::Running, world::lock};

/// Things people do before the ones whose events are permuted.
const BEFORE: usize = 6;
/// Orders of one history that are tried: all, where there are no more than four events.
const MOST_ORDERS: usize = 24;

/// Judges the orders of one history.
#[must_use]
pub fn judge(seed: u64, plant: Plant) -> Vec<String> {
    let mut rng = SmallRng::seed_from_u64(seed);
    let (mut first, events) = asleep(seed, plant);
    for event in events.clone() {
        first.deal_with(event);
    }
    let expected = end(&mut first);
    let mut violations = lock(&first.world).violations.clone();
    for order in orders(events.len(), &mut rng) {
        let (mut other, events) = asleep(seed, plant);
        for event in order.iter().filter_map(|nth| events.get(*nth)) {
            other.deal_with(event.clone());
        }
        let found = end(&mut other);
        if found != expected {
            violations.push(format!("I5: in the order {order:?} of {} events it ends otherwise", events.len()));
            tracing::error!(?expected, ?found, "I5");
            break;
        }
    }
    violations
}

/// A world in step, then some acts; with the events that nobody has dealt with yet.
fn asleep(seed: u64, plant: Plant) -> (Running, Vec<Event>) {
    let mut running = Running::still("site", seed, plant, &Backend::memory());
    for _ in 0..BEFORE {
        running.come_to_rest();
        running.act();
    }
    running.come_to_rest();
    let acts = lock(&running.world).rng.random_range(2..4);
    let mut done = 0;
    while done < acts {
        done += usize::from(running.act() != Act::Nothing);
    }
    let events = running.take_all();
    (running, events)
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

/// What is there at the end, without ids: pairs, single records, and what waits for a person.
fn end(running: &mut Running) -> Vec<String> {
    running.come_to_rest();
    let world = lock(&running.world);
    let mut all = Vec::new();
    for side in Side::BOTH {
        for id in world.sides.of(side).present_ids() {
            let slot = running.backend.finish(running.backend.links.look_up(&running.site.site, side, &id));
            let own = values(&world, side, &id);
            all.push(match slot {
                Ok(Slot::Linked(link)) => {
                    let other = values(&world, side.opposite(), link.id(side.opposite()));
                    format!("{side} {own} linked with {other}, held {:?}, rows {:?}", link.held, link.rows)
                }
                Ok(Slot::Gone(tombstone)) => format!("{side} {own} ended: {:?}", tombstone.cause),
                Ok(Slot::Free | Slot::Reserved { .. }) | Err(_) => format!("{side} {own} is alone"),
            });
        }
    }
    let notes = running.backend.finish(running.backend.links.parked(&running.site.site)).unwrap_or_default();
    all.extend(notes.iter().map(|note| format!("{} {} waits: {:?}", note.side, values(&world, note.side, &note.id), note.reason)));
    all.sort();
    all
}

fn values(world: &super::world::World, side: Side, id: &RecordId) -> String {
    let fields: Option<&Fields> = world.sides.of(side).present(id).map(|record| &record.fields);
    serde_json::to_string(&fields).unwrap_or_default()
}
