//! One history: people, events, workers, crashes; then quiet; then the judgement.

use std::sync::Arc;

use contact_bridge::{
    flows::contact::{Contacts, Outcome},
    mapping::Mapping,
    model::{
        event::Event,
        fingerprint::Key,
        ids::{Pair, RecordId, Side, SiteId},
        site::{CrmAccess, OnConflict, OnDelete, OnMerge, Rails, Site, Status, WixAccess},
    },
    ports::{ContactStore, LinkStore},
};
use rand::{Rng, SeedableRng, rngs::SmallRng};

use super::{
    check,
    executor::Task,
    links::Pausing,
    people,
    plants::Plant,
    vendor::SimulatedVendor,
    world::{Chaos, Shared, World, WorldClock, lock},
};

/// Steps after which a history that is not quiet is stuck.
const PATIENCE: u32 = 60_000;
/// How long a queue waits for a crashed worker before it delivers its event again, in milliseconds.
const VISIBILITY: i64 = 30_000;

/// What one history shows.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Its seed.
    pub seed: u64,
    /// The hash of everything that happened.
    pub trace: u64,
    /// What the checker found.
    pub violations: Vec<String>,
    /// Edits by people.
    pub edits: usize,
    /// Events dealt with.
    pub events: usize,
}

/// Makes the link store of a history.
pub type Stores = dyn Fn() -> Arc<dyn LinkStore>;

/// Runs the history of a seed over two sites that share one store.
#[must_use]
pub fn run(seed: u64, plant: Plant, stores: &Stores) -> Verdict {
    let mut rng = SmallRng::seed_from_u64(seed);
    let below = stores();
    let mut sites: Vec<Running> = ["site-a", "site-b"].iter().map(|name| Running::new(name, &mut rng, plant, &below)).collect();
    let turns = rng.random_range(20..90);
    for running in &sites {
        people::settle_in(&running.world);
    }
    for _ in 0..turns {
        let steps = rng.random_range(0..12);
        for running in &mut sites {
            people::act(&running.world);
            for _ in 0..steps {
                running.step(&mut rng);
            }
        }
    }
    for running in &mut sites {
        running.come_to_rest(&mut rng);
    }
    judge(seed, &mut sites, &mut rng)
}

fn judge(seed: u64, sites: &mut [Running], rng: &mut SmallRng) -> Verdict {
    let mut verdict = Verdict { seed, trace: 0, violations: Vec::new(), edits: 0, events: 0 };
    for running in sites {
        check::at_rest(running);
        // What waits for a person may find its way at another look, when what stood in the way is gone; then nothing is left to do.
        running.replay(rng);
        let writes = running.writes();
        running.replay(rng);
        check::after_replay(running, writes);
        let world = lock(&running.world);
        verdict.trace = verdict.trace.rotate_left(17) ^ world.trace_hash();
        verdict.edits += world.edits.len();
        verdict.events += running.done;
        verdict.violations.extend(world.violations.iter().map(|violation| format!("{}: {violation}", world.site)));
    }
    verdict
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
    pub links: Arc<dyn LinkStore>,
    /// Events dealt with.
    pub done: usize,
    /// Events given up.
    pub dead: usize,
    plant: Plant,
    workers: Vec<(Event, Task<Outcome>)>,
}

impl Running {
    fn new(name: &str, rng: &mut SmallRng, plant: Plant, below: &Arc<dyn LinkStore>) -> Self {
        let chaos = Chaos::draw(rng);
        let world: Shared = Arc::new(std::sync::Mutex::new(World::new(name, rng.random(), chaos)));
        let site = draw_site(name, rng);
        let vendor = |side| -> Arc<dyn ContactStore> { Arc::new(SimulatedVendor { world: world.clone(), side, plant }) };
        let owners = std::sync::atomic::AtomicU32::new(0);
        let contacts = Contacts {
            mapping: Mapping::new(&site.mapping, site.default_country.as_deref()),
            key: Key::derive(b"simulation", &site.site),
            stores: Pair { wix: vendor(Side::Wix), external: vendor(Side::External) },
            links: Arc::new(Pausing { below: below.clone(), world: world.clone(), plant }),
            clock: Arc::new(WorldClock(world.clone())),
            owner: Arc::new(move || owners.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_string()),
            site: site.clone(),
        };
        Self { world, site, contacts, links: below.clone(), done: 0, dead: 0, plant, workers: Vec::new() }
    }

    /// Returns all writes by the bridge so far.
    #[must_use]
    pub fn writes(&self) -> u32 {
        let world = lock(&self.world);
        world.sides.wix.writes + world.sides.external.writes
    }

    /// One step: an idle worker takes an event, or a busy one goes on to its next await point, or crashes there.
    fn step(&mut self, rng: &mut SmallRng) {
        if self.workers.len() < 2 && rng.random_bool(0.6) {
            let event = lock(&self.world).take_due();
            if let Some(event) = event {
                self.begin(event);
                return;
            }
        }
        if self.workers.is_empty() {
            return;
        }
        let nth = rng.random_range(0..self.workers.len());
        let crashes = lock(&self.world).chaos.crashes;
        if crashes > 0 && rng.random_range(0..1000) < crashes {
            let (event, task) = self.workers.swap_remove(nth);
            drop(task);
            let mut world = lock(&self.world);
            world.trace(("worker crashes", event.id.as_deref()));
            let due = world.now + VISIBILITY;
            world.deliver_at(due, event);
            return;
        }
        let Some((_, task)) = self.workers.get_mut(nth) else { return };
        if let Some(outcome) = task.step() {
            let (event, _) = self.workers.swap_remove(nth);
            self.end(event, &outcome);
        }
    }

    fn begin(&mut self, event: Event) {
        lock(&self.world).trace(("worker begins", event.id.as_deref(), event.record.as_ref().map(RecordId::as_str)));
        let (contacts, own) = (self.contacts.clone(), event.clone());
        self.workers.push((event, Task::new(async move { contacts.apply(&own).await })));
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
                self.dead += 1;
                world.violation("I12", format!("poison: {error}"));
            }
        }
    }

    /// No more edits, no more faults: everything that is due happens, until nothing is.
    fn come_to_rest(&mut self, rng: &mut SmallRng) {
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
            self.step(rng);
        }
        lock(&self.world).violation("I12", "the queue does not run dry");
    }

    /// Delivers every event ever raised once more, in any order.
    fn replay(&mut self, rng: &mut SmallRng) {
        {
            let mut world = lock(&self.world);
            let mut events = world.events.clone();
            while !events.is_empty() {
                let event = events.swap_remove(rng.random_range(0..events.len()));
                let now = world.now;
                world.deliver_at(now, event);
            }
        }
        self.come_to_rest(rng);
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
        rails: Rails { deletes_per_hour: 3, percent_per_hour: 100 },
        default_country: Some("US".to_owned()),
        wix: WixAccess::App,
        crm: CrmAccess::Hubspot { secret: "none".to_owned() },
        mapping: people::mapping(),
        generations: std::collections::BTreeMap::new(),
        mirror_field: None,
        forms: std::collections::BTreeMap::new(),
    }
}
