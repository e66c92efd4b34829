//! One history: people opt out and in, runs and events meet; then quiet, passes over everything, the judgement, and passes that write nothing.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use contact_bridge::{
    adapters::memory,
    flows::{
        run::{Ended, Means, Runner},
        setup,
        subscribers::Subscribers,
    },
    model::{
        fingerprint::Key,
        ids::SiteId,
        run::RunKind,
        site::{Site, subscribers},
    },
    ports::{RunStore, SiteStore, StoreResult},
};
use futures::FutureExt;
use jiff::SignedDuration;
use rand::Rng;
use serde_json::json;

use super::{
    super::{executor::Task, history::Verdict},
    Plant, check,
    ports::{Sides, WorldClock},
    world::{ADDRESSES, Chaos, Job, Shared, World, lock},
};

/// Workers at once.
const WORKERS: usize = 3;
/// After so many steps something feeds itself.
const MOST_STEPS: u32 = 100_000;
/// How soon the queue delivers again what its worker died of, in milliseconds.
const VISIBILITY: i64 = 180_000;
/// How soon it delivers again what failed, in milliseconds.
const AGAIN: i64 = 60_000;
/// How long a runner has, in milliseconds.
const LIFETIME: i64 = 300_000;
/// Longer than from one complete pass to the next, in milliseconds.
const A_DAY: i64 = 25 * 3_600_000;

/// How a job ended.
enum End {
    Changed(StoreResult<()>),
    Ran(StoreResult<Ended>),
}

/// A running history.
pub struct Running {
    /// The world.
    pub world: Shared,
    store: Arc<memory::Store>,
    site: Site,
    plant: Plant,
    owners: Arc<AtomicU32>,
    workers: Vec<(u64, Job, Task<End>)>,
    begun: u64,
    ended: usize,
    acts: usize,
}

/// The key addresses are remembered by.
#[must_use]
pub fn key() -> Key {
    Key::derive(b"simulation", &SiteId::new("site"))
}

/// Plays the history of a seed, and judges it. Its edits are what people did, its events the turns of workers.
#[must_use]
pub fn run(seed: u64, plant: Plant) -> Verdict {
    let mut running = Running::new(seed, plant);
    running.run();
    let world = lock(&running.world);
    Verdict { seed, traces: vec![world.trace_hash()], violations: world.violations.clone(), edits: running.acts, events: running.ended }
}

impl Running {
    fn new(seed: u64, plant: Plant) -> Self {
        let mut world = World::new(seed);
        for number in 0..ADDRESSES {
            if world.chance(20) {
                world.is_there_before(number);
            }
            if world.chance(50) {
                world.add_somebody(number);
            }
        }
        world.queue.clear();
        world.now += 3_600_000;
        let list: subscribers::Subscribers = serde_json::from_value(json!({
            "service": {"kind": "mailchimp", "secret": "none", "list": "list"}, "fields": {"FNAME": "name.first"},
        }))
        .expect("the settings are whole");
        let site = Site { version: 1, subscribers: Some(list), ..setup::defaults(&SiteId::new("site")) };
        let running = Self {
            world: Arc::new(Mutex::new(world)),
            store: Arc::new(memory::Store::new()),
            site,
            plant,
            owners: Arc::default(),
            workers: Vec::new(),
            begun: 0,
            ended: 0,
            acts: 0,
        };
        running.set_up();
        running
    }

    /// The settings are there; all else of the table may be lost.
    fn set_up(&self) {
        self.store.save_site(&self.site).now_or_never().expect("memory answers at once").expect("it is the first version");
    }

    fn run(&mut self) {
        let rounds = lock(&self.world).rng.random_range(2..6);
        for _ in 0..rounds {
            self.be_busy();
        }
        lock(&self.world).chaos = Chaos::NONE;
        self.look_at_everybody(3);
        check::at_rest(&mut lock(&self.world));
        let before = lock(&self.world).writes;
        self.look_at_everybody(2);
        let mut world = lock(&self.world);
        let writes = world.writes - before;
        if writes > 0 {
            world.violation(format!("I3: {writes} writes though nothing is new"));
        }
    }

    fn be_busy(&mut self) {
        {
            let mut world = lock(&self.world);
            let now = world.now;
            // Two timers at once, now and then.
            for _ in 0..world.rng.random_range(1..3) {
                world.deliver_at(now, Job::Run);
            }
        }
        let loses = lock(&self.world).chance(8);
        let steps = lock(&self.world).rng.random_range(50..400);
        (0..steps).for_each(|_| self.step());
        if loses {
            self.lose_the_table();
        }
        let mut world = lock(&self.world);
        world.now += world.rng.random_range(0..1_800_000);
    }

    fn lose_the_table(&self) {
        let mut world = lock(&self.world);
        world.trace("the table is lost");
        world.lost_at = world.now;
        world.wishes.values_mut().for_each(|wishes| wishes.is_noted = false);
        drop(world);
        self.store.purge(&self.site.site).now_or_never().expect("memory answers at once").expect("it is there");
        self.set_up();
    }

    /// Complete passes go by, with nobody at work meanwhile.
    fn look_at_everybody(&mut self, times: u32) {
        for _ in 0..times {
            self.come_to_rest();
            let now = {
                let mut world = lock(&self.world);
                world.now += A_DAY;
                let now = world.now;
                world.deliver_at(now, Job::Run);
                now
            };
            let asked = self.store.ask(&self.site.site, RunKind::Subscribers, World::instant(now));
            asked.now_or_never().expect("memory answers at once").expect("it is there");
            self.come_to_rest();
        }
    }

    fn come_to_rest(&mut self) {
        for _ in 0..MOST_STEPS {
            if self.workers.is_empty() && lock(&self.world).queue.is_empty() {
                return;
            }
            self.step();
        }
        lock(&self.world).violation("I12: it does not come to rest".to_owned());
    }

    /// Lets one worker go on to its next await point, or crash there; without one, takes a job or lets time pass.
    fn step(&mut self) {
        let (acts, crashes, nth, begins) = {
            let mut world = lock(&self.world);
            let chaos = world.chaos;
            (world.seldom(chaos.acts), world.seldom(chaos.crashes), world.rng.random_range(0..WORKERS), world.rng.random_bool(0.3))
        };
        if acts {
            self.acts += 1;
            if nth == 0 { self.hear_at_once() } else { lock(&self.world).act() }
        }
        if self.workers.len() < WORKERS && (begins || self.workers.is_empty()) {
            self.begin();
        } else if crashes {
            let (_, job, _) = self.workers.swap_remove(nth % self.workers.len());
            let mut world = lock(&self.world);
            world.trace("crash");
            let due = world.now + VISIBILITY;
            world.deliver_at(due, job);
        } else {
            self.go_on(nth % self.workers.len());
        }
    }

    fn begin(&mut self) {
        let due = {
            let mut world = lock(&self.world);
            let due = world.take_due();
            if let (None, true, Some((next, _))) = (&due, self.workers.is_empty(), world.queue.keys().next().copied()) {
                world.now = world.now.max(next);
            }
            due
        };
        if let Some(job) = due {
            self.begin_with(job);
        }
    }

    /// Somebody opts out who may be about to be sent, and a worker deals with it before anybody else goes on.
    fn hear_at_once(&mut self) {
        let number = {
            let mut world = lock(&self.world);
            let open: Vec<usize> = (0..ADDRESSES).filter(|number| world.member(*number).is_none()).collect();
            let nth = if open.is_empty() { 0 } else { world.rng.random_range(0..open.len()) };
            let Some(number) = open.get(nth).copied() else { return };
            world.opt_out_in_wix(number);
            number
        };
        self.begin_with(Job::Changed(number));
        let others = self.workers.len() - 1;
        while self.workers.len() > others {
            self.go_on(others);
        }
    }

    fn begin_with(&mut self, job: Job) {
        self.begun += 1;
        lock(&self.world).trace(("begin", self.begun, job));
        let (flow, site) = (self.flow(), self.site.clone());
        let task = match job {
            Job::Changed(number) => Task::new(async move { End::Changed(flow.changed(&super::world::address(number)).await) }),
            Job::Run => Task::new(async move { End::Ran(ran(flow, &site).await) }),
        };
        self.workers.push((self.begun, job, task));
    }

    fn flow(&self) -> Subscribers {
        let sides = Arc::new(Sides { world: self.world.clone(), below: self.store.clone(), plant: self.plant });
        let owners = self.owners.clone();
        Subscribers {
            site: self.site.clone(),
            settings: self.site.subscribers.clone().expect("it has a list"),
            key: key(),
            consents: sides.clone(),
            contacts: sides.clone(),
            service: sides.clone(),
            log: sides,
            means: Means {
                runs: self.store.clone(),
                sites: self.store.clone(),
                links: self.store.clone(),
                bus: Arc::new(memory::Bus::default()),
                clock: Arc::new(WorldClock(self.world.clone())),
                owner: Arc::new(move || owners.fetch_add(1, Ordering::Relaxed).to_string()),
                pace: Arc::new(|_| ()),
            },
        }
    }

    fn go_on(&mut self, nth: usize) {
        let Some((worker, job, task)) = self.workers.get_mut(nth) else { return };
        let job = *job;
        lock(&self.world).worker = *worker;
        let Some(end) = task.step() else { return };
        self.workers.swap_remove(nth);
        self.ended += 1;
        let mut world = lock(&self.world);
        let due = world.now + AGAIN;
        match end {
            End::Changed(Ok(())) => world.trace("heard"),
            End::Changed(Err(error)) => {
                world.trace(("not heard", error.kind.name()));
                world.deliver_at(due, job);
            }
            End::Ran(ended) => world.trace(("ran", format!("{ended:?}"))),
        }
    }
}

async fn ran(flow: Subscribers, site: &Site) -> StoreResult<Ended> {
    let deadline = flow.means.clock.now() + SignedDuration::from_millis(LIFETIME);
    let means = flow.means.clone();
    match Runner::take(&means, site, RunKind::Subscribers, deadline).await? {
        Some(runner) => flow.run(runner).await,
        None => Ok(Ended::Busy),
    }
}
