//! One site of a history: its timer, its runners, contact sync beside them, and the order in which things happen.

use std::sync::{Arc, Mutex, atomic::AtomicU32};

use contact_bridge::{
    flows::{
        contact::{Effect, Outcome, Skip},
        run::{Ended, request_due},
    },
    mapping::Mapping,
    model::{
        event::{Event, EventKind},
        fingerprint::Key,
        ids::{RecordId, Side},
        run::{Run, RunKind},
        site::Site,
    },
    ports::StoreResult,
    sync::export::Checkpoint,
};
use jiff::Timestamp;
use rand::{Rng, SeedableRng, rngs::SmallRng};

use super::{
    super::{
        backend::Backend,
        executor::Task,
        world::{Chaos, Refusals, World, lock},
    },
    Plant, draw,
    habits::Habits,
    people,
    shop::{Paces, Shop},
    stage::Stage,
    store::Table,
    witness,
};

/// After so many steps a history that does not come to rest is stuck.
const PATIENCE: u32 = 60_000;
/// How soon the queue delivers a request again whose worker died, in milliseconds.
const REQUEST_HIDDEN: i64 = 960_000;
/// How soon the queue delivers an event again whose worker died, in milliseconds.
const EVENT_HIDDEN: i64 = 30_000;
/// Workers at once.
const MOST_JOBS: usize = 4;
/// What the timer ticks by, in milliseconds.
const MINUTE: i64 = 60_000;

/// What a worker does.
enum Work {
    Timer,
    Request(Event),
    Event(Box<Event>),
}

/// How it ended.
enum End {
    Timer,
    Ran(StoreResult<Ended>),
    Applied(Box<Outcome>),
}

/// A worker.
struct Job {
    work: Work,
    /// When it is killed.
    until: i64,
    task: Task<End>,
}

/// One site of a history.
pub struct Running {
    /// The site.
    pub stage: Arc<Stage>,
    /// Requests and events dealt with.
    pub done: usize,
    /// The site's mapping and fingerprint key.
    pub known: (Mapping, Key),
    /// Contacts of Wix whose delete contact sync has dealt with.
    pub buried: Vec<RecordId>,
    /// Whether every run went on to its end so far.
    pub is_even: bool,
    is_fair: bool,
    paces: Paces,
    turns: u32,
    rng: SmallRng,
    jobs: Vec<Job>,
    /// So many events of vendors were sent, or lost.
    heard: usize,
    next_tick: i64,
    owners: Arc<AtomicU32>,
    stalled: usize,
    /// So many steps more to come to rest.
    patience: u32,
    are_people_about: bool,
}

impl Running {
    /// Makes a site whose whole history comes of one seed.
    #[must_use]
    pub fn new(name: &str, seed: u64, plant: Plant, backend: &Backend) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let is_fair = rng.random_ratio(1, 8);
        let chaos = if is_fair { Chaos::NONE } else { draw::chaos(&mut rng) };
        let mut world = World::new(name, rng.random(), chaos);
        world.refusals = Refusals { values: rng.random(), ..Refusals::default() };
        let site = draw::site(name, &mut rng);
        let overlap = i64::from(site.export.overlap_minutes) * MINUTE;
        let habits = Habits::draw(&mut rng, overlap, !is_fair);
        world.chaos.lag = habits.lags.external;
        tracing::debug!(site = name, ?site.export, ?site.on_delete, ?habits, ?chaos);
        let mapping = Mapping::new(&site.mapping, site.default_country.as_deref());
        let key = Key::derive(b"simulation", &site.site);
        let stage = Stage::new(Arc::new(Mutex::new(world)), backend.clone(), habits, plant);
        let paces = Paces::new(&stage);
        let running = Self {
            stage,
            done: 0,
            known: (mapping, key),
            buried: Vec::new(),
            is_even: is_fair,
            is_fair,
            paces,
            turns: rng.random_range(4..14),
            rng,
            jobs: Vec::new(),
            heard: 0,
            next_tick: 0,
            owners: Arc::default(),
            stalled: 0,
            patience: PATIENCE,
            are_people_about: true,
        };
        running.settle_in(&site);
        running
    }

    /// Some people are there before the app is.
    fn settle_in(&self, site: &Site) {
        let stage = &self.stage;
        for (side, most) in [(Side::Wix, 18), (Side::External, 6)] {
            for _ in 0..stage.below(most) {
                let pause = stage.below(3) * stage.below(1_500);
                let mut world = lock(&stage.world);
                world.now += pause;
                people::add(&mut world, side);
            }
        }
        lock(&stage.world).queue.clear();
        stage.observe();
        let pause = stage.below(2) * 1_000_000;
        lock(&stage.world).now += pause;
        let backend = &stage.backend;
        if let Err(error) = backend.finish(backend.sites.save_site(site)) {
            stage.violation("store", error.to_string());
        }
        people::save(stage, |_| {});
    }

    /// Lets people do something, and the workers go on for a while; tells whether people are still at it.
    pub fn turn(&mut self) -> bool {
        if self.turns == 0 {
            return false;
        }
        self.turns -= 1;
        for _ in 0..self.rng.random_range(0..3) {
            people::act(&self.stage);
        }
        self.revoke();
        let target = self.stage.now() + *[0, 0, 20_000, 120_000, 400_000, 1_200_000].get(self.rng.random_range(0..6)).unwrap_or(&0);
        let least = self.rng.random_range(0..40);
        for steps in 0..1_500 {
            if steps >= least && self.stage.now() >= target {
                break;
            }
            self.step(target);
        }
        true
    }

    /// Now and then a side's credentials are refused for a while.
    fn revoke(&mut self) {
        let side = self.rng.random_ratio(1, 2);
        let revoked = !self.is_fair && self.rng.random_ratio(1, 20);
        self.stage.become_with(|habits| habits.revoked = revoked.then_some(if side { Side::Wix } else { Side::External }));
    }

    /// One step: an idle worker takes something up, a busy one goes on to its next await point or dies there, or time passes.
    fn step(&mut self, until: i64) {
        self.stage.observe();
        self.hear();
        if self.are_people_about && self.rng.random_ratio(6, 1_000) {
            people::act(&self.stage);
        }
        self.tick();
        self.kill_overdue();
        if self.jobs.len() < MOST_JOBS && self.rng.random_bool(0.5) && self.begin_something() {
            return;
        }
        if self.jobs.is_empty() {
            self.pass_time(until);
            return;
        }
        let nth = self.rng.random_range(0..self.jobs.len());
        let crashes = lock(&self.stage.world).chaos.crashes;
        if crashes > 0 && self.rng.random_range(0..1_000) < crashes {
            self.crash(nth);
        } else {
            self.go_on(nth);
        }
    }

    /// Vendors send webhooks, and some never come.
    fn hear(&mut self) {
        let percent = self.stage.habits().webhooks;
        let mut world = lock(&self.stage.world);
        while let Some(id) = world.events.get(self.heard).map(|event| event.id.clone()) {
            self.heard += 1;
            if !world.chance(percent) {
                world.queue.retain(|_, queued| queued.id != id);
            }
        }
    }

    /// When the timer is to look at a run next.
    fn due(&self) -> Option<i64> {
        RunKind::ALL.iter().filter_map(|kind| self.run_of(*kind).due).map(Timestamp::as_millisecond).min()
    }

    /// Every minute the timer goes off, if there is anything for it to do; sometimes twice.
    fn tick(&mut self) {
        let now = self.stage.now();
        if now < self.next_tick {
            return;
        }
        self.next_tick = (now / MINUTE + 1) * MINUTE;
        if self.due().is_none_or(|due| due > now) {
            return;
        }
        let times = 1 + u32::from(self.stage.chance(self.stage.habits().twin_ticks));
        for _ in 0..times {
            let table = Table(self.stage.clone());
            let task = Task::new(async move {
                let now = lock(&table.0.world).instant();
                // What was not requested is still due.
                let _ = request_due(&table, &table, now).await;
                End::Timer
            });
            self.jobs.push(Job { work: Work::Timer, until: now + MINUTE, task });
        }
    }

    /// Nobody is at work: the time of the next thing comes.
    fn pass_time(&self, until: i64) {
        let tick = self.due().map(|due| ((due + MINUTE - 1) / MINUTE * MINUTE).max(self.next_tick));
        let request = self.stage.books().requests.keys().next().map(|(due, _)| *due);
        let mut world = lock(&self.stage.world);
        let event = world.queue.keys().next().map(|(due, _)| *due);
        let next = [tick, request, event, Some(until)].into_iter().flatten().min();
        world.now = world.now.max(next.unwrap_or(world.now));
    }

    fn begin_something(&mut self) -> bool {
        if let Some(event) = self.stage.take_request() {
            self.begin_run(event);
            return true;
        }
        let event = lock(&self.stage.world).take_due();
        let Some(event) = event else { return false };
        lock(&self.stage.world).trace(("event begins", event.id.as_deref(), event.record.as_ref().map(RecordId::as_str)));
        let (shop, own) = (self.shop(), event.clone());
        let task = Task::new(async move { End::Applied(Box::new(shop.apply(&own).await)) });
        self.jobs.push(Job { work: Work::Event(Box::new(event)), until: i64::MAX, task });
        true
    }

    fn begin_run(&mut self, event: Event) {
        let habits = self.stage.habits();
        let now = self.stage.now();
        let deadline = now + habits.lifetime;
        let until = if self.stage.chance(habits.overtime) { deadline + 400_000 } else { deadline };
        lock(&self.stage.world).trace(("run begins", until));
        let (shop, own) = (self.shop(), event.clone());
        let deadline = Timestamp::from_millisecond(deadline).unwrap_or(Timestamp::MAX);
        let task = Task::new(async move { End::Ran(shop.run(&own, deadline).await) });
        self.jobs.push(Job { work: Work::Request(event), until, task });
    }

    fn shop(&self) -> Shop {
        Shop { stage: self.stage.clone(), known: self.known.clone(), owners: self.owners.clone(), paces: self.paces.clone() }
    }

    fn kill_overdue(&mut self) {
        let now = self.stage.now();
        while let Some(nth) = self.jobs.iter().position(|job| job.until < now) {
            self.crash(nth);
        }
    }

    /// A worker dies: what it was given is delivered again later.
    fn crash(&mut self, nth: usize) {
        let job = self.jobs.swap_remove(nth);
        drop(job.task);
        let now = self.stage.now();
        self.is_even = false;
        lock(&self.stage.world).trace(("crash", nth));
        match job.work {
            Work::Timer => {}
            Work::Request(event) => self.stage.request_at(now + REQUEST_HIDDEN, event),
            Work::Event(event) => lock(&self.stage.world).deliver_at(now + EVENT_HIDDEN, *event),
        }
    }

    fn go_on(&mut self, nth: usize) {
        let Some(job) = self.jobs.get_mut(nth) else { return };
        let ended = job.task.step();
        if let Some(ended) = ended {
            let job = self.jobs.swap_remove(nth);
            self.end(job, &ended);
            return;
        }
        self.stalled = if self.stage.has_stirred() { 0 } else { self.stalled + 1 };
        if self.stalled > 3 * self.jobs.len() {
            self.let_sleepers_wake();
        }
    }

    /// Everybody waits: until the first of them goes on, or something else happens.
    fn let_sleepers_wake(&mut self) {
        self.stalled = 0;
        let first = self.stage.first_to_wake();
        let mut world = lock(&self.stage.world);
        let event = world.queue.keys().next().map(|(due, _)| *due).filter(|due| *due > world.now);
        if let Some(next) = first.into_iter().chain(event.filter(|_| first.is_some())).min() {
            world.now = world.now.max(next);
        }
    }

    fn end(&mut self, job: Job, ended: &End) {
        self.stalled = 0;
        let now = self.stage.now();
        let mut world = lock(&self.stage.world);
        match (job.work, ended) {
            (Work::Request(event), End::Ran(ended)) => {
                world.trace(("run ends", format!("{ended:?}")));
                drop(world);
                self.is_even &= matches!(ended, Ok(Ended::Rested | Ended::Busy | Ended::Closed));
                match ended {
                    Ok(_) => self.done += 1,
                    Err(_) => self.stage.request_at(now + REQUEST_HIDDEN, event),
                }
            }
            (Work::Event(event), End::Applied(outcome)) => {
                world.trace(("event ends", event.id.as_deref(), format!("{outcome:?}")));
                drop(world);
                self.end_event(*event, outcome);
            }
            (Work::Timer | Work::Request(_) | Work::Event(_), _) => world.trace("timer ends"),
        }
    }

    fn end_event(&mut self, mut event: Event, outcome: &Outcome) {
        let mut world = lock(&self.stage.world);
        match outcome {
            Outcome::Done(effect) => {
                self.done += 1;
                // While the app is away, nothing is heard of.
                let is_heard = *effect != Effect::Skipped(Skip::Removed);
                if is_heard && event.side == Side::Wix && matches!(event.kind, EventKind::Deleted { .. }) {
                    self.buried.extend(event.record);
                }
            }
            Outcome::Later(later) => {
                event.attempts += u32::from(later.counts);
                let due = later.until.as_millisecond().max(world.now + 1);
                world.deliver_at(due, event);
            }
            Outcome::Poison(error) => world.violation("I12", format!("poison: {error}")),
        }
    }

    /// No more acts, no more faults.
    pub fn calm_down(&mut self) {
        self.are_people_about = false;
        self.stage.become_with(Habits::calm_down);
        {
            let mut world = lock(&self.stage.world);
            world.chaos = Chaos { lag: world.chaos.lag, ..Chaos::NONE };
        }
        people::come_back(&self.stage);
        people::save(&self.stage, |site| site.export.enabled = true);
        let (backend, site, now) = (&self.stage.backend, &self.stage.site, lock(&self.stage.world).instant());
        for kind in RunKind::ALL {
            if self.run_of(kind).orders.paused {
                let _ = backend.finish(backend.runs.resume(site, kind, now));
            }
        }
    }

    /// Everything that is due happens, until nothing is to be done but to wait for the next pass, and `is_enough`.
    pub fn come_to_rest(&mut self, is_enough: impl Fn(&Self) -> bool) {
        if self.patience == 0 {
            return;
        }
        for _ in 0..self.patience {
            if self.is_quiet() && is_enough(self) {
                return;
            }
            self.step(i64::MAX);
        }
        self.patience = 0;
        let backend = &self.stage.backend;
        let failed = backend.finish(backend.runs.failed(&self.stage.site, None, 1)).unwrap_or_default();
        let runs = RunKind::ALL.map(|kind| self.run_of(kind)).map(|run| (run.lease, run.due, run.progress.next, run.progress.trouble));
        self.stage.violation("I12", format!("the site does not come to rest: {runs:?} {failed:?}"));
    }

    fn is_quiet(&self) -> bool {
        let backend = &self.stage.backend;
        let waits = || !backend.finish(backend.runs.failed(&self.stage.site, None, 1)).unwrap_or_default().is_empty();
        let is_empty = self.jobs.is_empty() && self.stage.books().requests.is_empty() && lock(&self.stage.world).queue.is_empty();
        is_empty && RunKind::ALL.iter().all(|kind| self.run_of(*kind).rests()) && !waits()
    }

    /// Returns a run as it is stored.
    #[must_use]
    pub fn run_of(&self, kind: RunKind) -> Run {
        let backend = &self.stage.backend;
        backend.finish(backend.runs.run(&self.stage.site, kind)).unwrap_or_default()
    }

    /// Returns how far the export has come.
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        witness::checkpoint(RunKind::Export, &self.run_of(RunKind::Export).progress.checkpoint).unwrap_or_default()
    }

    /// Returns the settings.
    #[must_use]
    pub fn settings(&self) -> Option<Site> {
        let backend = &self.stage.backend;
        backend.finish(backend.sites.site(&self.stage.site)).ok()?
    }
}
