//! One site of a history: its world, its workers, and the order in which things happen.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use contact_bridge::{
    flows::contact::{Contacts, Outcome},
    mapping::Mapping,
    model::{
        event::Event,
        fingerprint::Key,
        ids::{Pair, RecordId, Side, SiteId},
        site::{CrmAccess, OnConflict, OnDelete, OnMerge, Rails, Site, Status, WixAccess},
    },
    ports::{ContactStore, ErrorKind},
};
use rand::{Rng, SeedableRng, rngs::SmallRng};

use super::{
    backend::Backend,
    executor::Task,
    links::Pausing,
    people::{self, Act},
    plants::Plant,
    vendor::SimulatedVendor,
    world::{Chaos, Refusals, Shared, World, WorldClock, lock},
};

/// Steps after which a history that is not quiet is stuck.
const PATIENCE: u32 = 60_000;
/// How long a queue waits for a crashed worker before it delivers its event again, in milliseconds.
const VISIBILITY: i64 = 30_000;

/// How a site's history goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// Faults as drawn, two workers, people who do not wait.
    Rough,
    /// No faults, but two workers and people who do not wait.
    Fair,
    /// No faults, one worker, and all is quiet before somebody does the next thing.
    Still,
}

impl Weather {
    /// Draws it: rough in seven of eight histories.
    fn draw(rng: &mut SmallRng) -> Self {
        match rng.random_range(0..16) {
            0 => Self::Still,
            1 => Self::Fair,
            _ => Self::Rough,
        }
    }
}

/// One site of a history.
pub struct Running {
    /// Its world.
    pub world: Shared,
    /// Its settings.
    pub site: Site,
    /// The flows over it.
    pub contacts: Contacts,
    /// The link store without await points, for the checker.
    pub backend: Backend,
    /// Events dealt with.
    pub done: usize,
    /// Turns that people still take.
    turns: u32,
    weather: Weather,
    rng: SmallRng,
    plant: Plant,
    workers: Vec<(Event, Task<Outcome>)>,
    /// Writes that acts may still bring about whose events became dead letters, or whose records wait.
    owed: Pair<u32>,
}

impl Running {
    /// Makes a site whose whole history comes of one seed.
    #[must_use]
    pub fn new(name: &str, seed: u64, plant: Plant, backend: &Backend) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let weather = Weather::draw(&mut rng);
        Self::begun(name, rng, (weather, plant), backend)
    }

    /// Makes a site where nothing goes wrong and everybody waits for their turn.
    #[must_use]
    pub fn still(name: &str, seed: u64, plant: Plant, backend: &Backend) -> Self {
        Self::begun(name, SmallRng::seed_from_u64(seed), (Weather::Still, plant), backend)
    }

    fn begun(name: &str, mut rng: SmallRng, (weather, plant): (Weather, Plant), backend: &Backend) -> Self {
        let chaos = if weather == Weather::Rough { Chaos::draw(&mut rng) } else { Chaos::NONE };
        let mut world = World::new(name, rng.random(), chaos);
        world.refusals = Refusals::draw(&mut rng);
        let world: Shared = Arc::new(Mutex::new(world));
        let site = draw_site(name, &mut rng);
        let contacts = flows(&site, &world, plant, backend);
        tracing::debug!(site = name, ?site.system_of_record, ?site.on_conflict, ?site.on_delete, ?site.on_merge, ?chaos);
        people::settle_in(&world);
        let turns = rng.random_range(20..90);
        Self {
            world,
            site,
            contacts,
            backend: backend.clone(),
            done: 0,
            turns,
            weather,
            rng,
            plant,
            workers: Vec::new(),
            owed: Pair::default(),
        }
    }

    /// Returns all writes by the bridge so far.
    #[must_use]
    pub fn writes(&self) -> Pair<u32> {
        lock(&self.world).sides.as_ref().map(|_, vendor| vendor.writes)
    }

    /// Lets somebody do something, and the workers go on for a while; tells whether people are still at it.
    pub fn turn(&mut self) -> bool {
        if self.turns == 0 {
            return false;
        }
        self.turns -= 1;
        if self.weather == Weather::Still {
            self.still_turn();
        } else {
            people::act(&self.world);
            for _ in 0..self.rng.random_range(0..12) {
                self.step();
            }
        }
        true
    }

    /// I3: of one act come at most as many writes as it takes. What an act did not bring about because its event became a dead letter, or its
    /// record waits for others, may come of a later one.
    fn still_turn(&mut self) {
        self.come_to_rest();
        let (before, waiting) = (self.writes(), self.waiting());
        let act = people::act(&self.world);
        self.come_to_rest();
        let after = self.writes();
        for side in Side::BOTH {
            let (writes, most) = (after.of(side) - before.of(side), act.most_writes(side) + self.owed.of(side));
            if writes > most {
                lock(&self.world).violation("I3", format!("{writes} writes to {side} came of {act:?}"));
            }
            let left = most.saturating_sub(writes);
            let waits = self.waiting() > waiting;
            *self.owed.of_mut(side) = if waits { left } else { left.min(*self.owed.of(side)) };
        }
    }

    /// Counts the dead letters, and the records that wait because of what others are.
    fn waiting(&self) -> usize {
        let notes = self.backend.finish(self.backend.links.parked(&self.site.site)).unwrap_or_default();
        lock(&self.world).dead_letters.len() + notes.iter().filter(|note| !note.because_of.is_empty()).count()
    }

    /// Lets somebody do something while all workers sleep.
    pub fn act(&mut self) -> Act {
        people::act(&self.world)
    }

    /// Takes all that is due out of the queue.
    #[must_use]
    pub fn take_all(&mut self) -> Vec<Event> {
        let mut world = lock(&self.world);
        std::mem::take(&mut world.queue).into_values().collect()
    }

    /// Has a worker deal with one event from beginning to end.
    pub fn deal_with(&mut self, event: Event) {
        self.begin(event);
        while !self.workers.is_empty() {
            self.go_on(0);
        }
    }

    /// One step: an idle worker takes an event, or a busy one goes on to its next await point, or crashes there.
    fn step(&mut self) {
        let most = if self.weather == Weather::Still { 1 } else { 2 };
        if self.workers.len() < most && self.rng.random_bool(0.6) {
            let event = lock(&self.world).take_due();
            if let Some(event) = event {
                self.begin(event);
                return;
            }
        }
        if self.workers.is_empty() {
            return;
        }
        let nth = self.rng.random_range(0..self.workers.len());
        let crashes = lock(&self.world).chaos.crashes;
        if crashes > 0 && self.rng.random_range(0..1000) < crashes {
            self.crash(nth);
        } else {
            self.go_on(nth);
        }
    }

    /// Has a worker take an event.
    pub fn begin(&mut self, event: Event) {
        lock(&self.world).trace(("worker begins", event.id.as_deref(), event.record.as_ref().map(RecordId::as_str)));
        let (contacts, own) = (self.contacts.clone(), event.clone());
        self.workers.push((event, Task::new(async move { contacts.apply(&own).await })));
    }

    /// Crashes a worker: its event is delivered again later.
    pub fn crash(&mut self, nth: usize) {
        let (event, _) = self.workers.swap_remove(nth);
        let mut world = lock(&self.world);
        world.trace(("worker crashes", event.id.as_deref()));
        let due = world.now + VISIBILITY;
        world.deliver_at(due, event);
    }

    /// Tells whether there is such a worker, with work to do.
    #[must_use]
    pub fn is_busy(&self, nth: usize) -> bool {
        nth < self.workers.len()
    }

    /// Lets a worker go on to its next await point.
    pub fn go_on(&mut self, nth: usize) {
        let Some((_, task)) = self.workers.get_mut(nth) else { return };
        if let Some(outcome) = task.step() {
            let (event, _) = self.workers.swap_remove(nth);
            self.end(event, &outcome);
        }
    }

    fn end(&mut self, mut event: Event, outcome: &Outcome) {
        let mut world = lock(&self.world);
        world.trace(("worker ends", event.id.as_deref(), format!("{outcome:?}")));
        match outcome {
            Outcome::Done(_) => self.done += 1,
            Outcome::Later(_) if self.plant == Plant::AcknowledgesFailures => self.done += 1,
            Outcome::Later(later) => {
                event.attempts += u32::from(later.counts);
                let due = later.until.as_millisecond().max(world.now + 1);
                world.deliver_at(due, event);
            }
            Outcome::Poison(error) => {
                if world.refusals.unreadable.is_none() || error.kind != ErrorKind::Corrupt {
                    world.violation("I12", format!("poison: {error}"));
                }
                world.dead_letters.extend(event.id);
                world.dead.extend(event.record.map(|record| (event.side, record)));
            }
        }
    }

    /// No more edits, no more faults: everything that is due happens, until nothing is.
    pub fn come_to_rest(&mut self) {
        {
            let mut world = lock(&self.world);
            world.chaos = Chaos { lag: world.chaos.lag, ..Chaos::NONE };
        }
        for _ in 0..PATIENCE {
            if self.workers.is_empty() {
                let mut world = lock(&self.world);
                let Some((due, _)) = world.queue.keys().next().copied() else { return };
                world.now = world.now.max(due);
            }
            self.step();
        }
        lock(&self.world).violation("I12", "the queue does not run dry");
    }

    /// Delivers every event ever raised once more, in any order; or only those that were dealt with.
    pub fn replay(&mut self, dead_letters_too: bool) {
        {
            let mut world = lock(&self.world);
            let mut events = world.events.clone();
            events.retain(|event| dead_letters_too || event.id.as_ref().is_none_or(|id| !world.dead_letters.contains(id)));
            while !events.is_empty() {
                let event = events.swap_remove(self.rng.random_range(0..events.len()));
                let now = world.now;
                world.deliver_at(now, event);
            }
        }
        self.come_to_rest();
    }
}

/// Returns the shipped flows over a world.
fn flows(site: &Site, world: &Shared, plant: Plant, backend: &Backend) -> Contacts {
    let vendor = |side| -> Arc<dyn ContactStore> { Arc::new(SimulatedVendor { world: world.clone(), side, plant }) };
    let mapping = Mapping::new(&site.mapping, site.default_country.as_deref());
    let key = Key::derive(b"simulation", &site.site);
    let rail = site.rails.deletes_per_hour;
    let owners = AtomicU32::new(0);
    Contacts {
        stores: Pair { wix: vendor(Side::Wix), external: vendor(Side::External) },
        links: Arc::new(Pausing { below: backend.clone(), world: world.clone(), known: (mapping.clone(), key.clone()), rail, plant }),
        clock: Arc::new(WorldClock(world.clone())),
        owner: Arc::new(move || owners.fetch_add(1, Ordering::Relaxed).to_string()),
        site: site.clone(),
        mapping,
        key,
    }
}

fn draw_site(name: &str, rng: &mut SmallRng) -> Site {
    Site {
        site: SiteId::new(name),
        version: 1,
        status: Status::Installed,
        status_at: None,
        paused: false,
        system_of_record: Some(if rng.random_bool(0.5) { Side::Wix } else { Side::External }),
        on_conflict: if rng.random_ratio(1, 5) { OnConflict::Park } else { OnConflict::SystemOfRecord },
        on_delete: if rng.random_bool(0.5) { OnDelete::Propagate } else { OnDelete::Unlink },
        on_merge: if rng.random_bool(0.5) { OnMerge::Propagate } else { OnMerge::Unlink },
        export: contact_bridge::model::site::Export::default(),
        rails: Rails { deletes_per_hour: 3, percent_per_hour: 100 },
        default_country: Some("US".to_owned()),
        wix: WixAccess::App,
        crm: CrmAccess::Hubspot { secret: "none".to_owned() },
        mapping: people::mapping(),
        subscribers: None,
        generations: std::collections::BTreeMap::new(),
        mirror_field: None,
        forms: std::collections::BTreeMap::new(),
        inbox: std::collections::BTreeMap::new(),
    }
}
