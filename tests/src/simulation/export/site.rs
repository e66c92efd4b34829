//! One site of a history: its timer, its runners, contact sync beside them, and the order in which things happen.

use std::{
    num::NonZeroU32,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use contact_bridge::{
    adapters::http::{Limiter, Limiters, Rate},
    app::{Room, STANDING_LIFE},
    flows::{
        audit::Audit,
        contact::{Contacts, Effect, Outcome, Skip},
        export::Export,
        queue::Later,
        run::{Ended, Means, Runner, request_due},
        setup,
    },
    mapping::Mapping,
    model::{
        event::{Event, EventKind},
        fingerprint::Key,
        ids::{Pair, RecordId, Side},
        run::{Run, RunKind},
        site::{Export as Settings, Include, OnDelete, Rails, Site, Status},
    },
    ports::{ContactStore, RunStore, SiteStore, Standing, StoreResult},
    sync::export::Checkpoint,
};
use jiff::{SignedDuration, Timestamp};
use rand::{Rng, SeedableRng, rngs::SmallRng};

use super::{
    super::{
        backend::Backend,
        executor::Task,
        links::Pausing,
        people as others, plants,
        vendor::SimulatedVendor,
        world::{Chaos, Refusals, World, lock},
    },
    Plant,
    habits::Habits,
    listing::Reader,
    people,
    stage::{Stage, StageClock},
    store::Table,
    vendor::Counted,
    witness,
};

/// After so many steps a history that does not come to rest is stuck.
const PATIENCE: u32 = 300_000;
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
    are_people_about: bool,
}

impl Running {
    /// Makes a site whose whole history comes of one seed.
    #[must_use]
    pub fn new(name: &str, seed: u64, plant: Plant, backend: &Backend) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let is_fair = rng.random_ratio(1, 8);
        let chaos = if is_fair { Chaos::NONE } else { draw_chaos(&mut rng) };
        let mut world = World::new(name, rng.random(), chaos);
        world.refusals = Refusals { values: rng.random(), ..Refusals::default() };
        let site = draw_site(name, &mut rng);
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
        people::save(&self.stage, |site| {
            site.status = Status::Installed;
            site.export.enabled = true;
        });
        let (backend, site, now) = (&self.stage.backend, &self.stage.site, lock(&self.stage.world).instant());
        for kind in RunKind::ALL {
            if self.run_of(kind).orders.paused {
                let _ = backend.finish(backend.runs.resume(site, kind, now));
            }
        }
    }

    /// Everything that is due happens, until nothing is to be done but to wait for the next pass, and `is_enough`.
    pub fn come_to_rest(&mut self, is_enough: impl Fn(&Self) -> bool) {
        for _ in 0..PATIENCE {
            if self.is_quiet() && is_enough(self) {
                return;
            }
            self.step(i64::MAX);
        }
        let told = format!("the site does not come to rest: {:?}", self.run_of(RunKind::Export).progress.trouble);
        self.stage.violation("I12", told);
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

/// What a worker is made of.
#[derive(Clone)]
pub struct Shop {
    stage: Arc<Stage>,
    known: (Mapping, Key),
    owners: Arc<AtomicU32>,
    paces: Paces,
}

/// How the two functions keep to the sides' budgets: each has limiters of its own.
#[derive(Clone)]
struct Paces {
    live: Arc<Limiters>,
    bulk: Arc<Limiters>,
    room: Arc<Room>,
}

impl Paces {
    fn new(stage: &Arc<Stage>) -> Self {
        let clock = Arc::new(StageClock(stage.clone()));
        let [live, bulk] = [(), ()].map(|()| Arc::new(Limiters::new(clock.clone())));
        let room = Arc::new(Room::new(live.clone(), Arc::new(Table(stage.clone())), clock));
        Self { live, bulk, room }
    }

    /// Returns the pace of a function's calls to a side.
    fn of(&self, stage: &Stage, side: Side, is_bulk: bool) -> Option<Arc<Limiter>> {
        let (rates, limiters, wait) =
            if is_bulk { (Habits::BULK, &self.bulk, Duration::from_mins(1)) } else { (Habits::LIVE, &self.live, Duration::from_secs(5)) };
        let (requests, burst) = *rates.of(side);
        let per = Duration::from_millis(Habits::LIMITS.of(side).1.unsigned_abs());
        let rate = Rate { requests: NonZeroU32::new(requests)?, per, burst: NonZeroU32::new(burst)?, longest_wait: wait };
        let name = if side == Side::Wix { "wix" } else { "crm" };
        stage.habits().is_limited.then(|| limiters.of(&stage.site, name, rate))
    }
}

impl Shop {
    fn contacts(&self, site: Site, is_bulk: bool) -> Contacts {
        let vendor = |side| -> Arc<dyn ContactStore> {
            let below = SimulatedVendor { world: self.stage.world.clone(), side, plant: plants::Plant::None };
            Arc::new(Counted { stage: self.stage.clone(), below, pace: self.paces.of(&self.stage, side, is_bulk) })
        };
        let links = Pausing {
            below: self.stage.backend.clone(),
            world: self.stage.world.clone(),
            known: self.known.clone(),
            rail: site.rails.deletes_per_hour,
            plant: plants::Plant::None,
        };
        Contacts {
            stores: Pair { wix: vendor(Side::Wix), external: vendor(Side::External) },
            links: Arc::new(links),
            clock: Arc::new(StageClock(self.stage.clone())),
            owner: self.owner(),
            mapping: self.known.0.clone(),
            key: self.known.1.clone(),
            site,
        }
    }

    fn owner(&self) -> Arc<dyn Fn() -> String + Send + Sync> {
        let owners = self.owners.clone();
        Arc::new(move || owners.fetch_add(1, Ordering::Relaxed).to_string())
    }

    fn reader(&self, side: Side) -> Reader {
        Reader { stage: self.stage.clone(), side, pace: self.paces.of(&self.stage, side, true) }
    }

    /// Deals with an event of a contact, as the function and its composition root do.
    async fn apply(&self, event: &Event) -> Outcome {
        let now = lock(&self.stage.world).instant();
        let unread =
            |_| Outcome::Later(Later { until: now + SignedDuration::from_secs(30), reason: "the table does not answer", counts: false });
        let standing = match self.standing(now).await {
            Ok(standing) => standing,
            Err(error) => return unread(error),
        };
        let room = match self.paces.room.make(&self.stage.site, standing.as_ref()).await {
            Ok(room) => room,
            Err(error) => return unread(error),
        };
        let cooling = standing.as_ref().and_then(|standing| standing.cooling_down).filter(|until| *until > now);
        if let Some(until) = cooling.max(room) {
            return Outcome::Later(Later { until, reason: "the site is left alone for now", counts: false });
        }
        let site = standing.map_or_else(|| setup::defaults(&self.stage.site), |standing| standing.site);
        self.contacts(site, false).apply(event).await
    }

    /// What contact sync knows of the site.
    async fn standing(&self, now: Timestamp) -> StoreResult<Option<Standing>> {
        let known = self.stage.books().standing.clone();
        let life = i64::try_from(STANDING_LIFE.as_millis()).unwrap_or(0);
        if let Some((_, standing)) = known.filter(|(at, _)| now.as_millisecond() < at + life) {
            return Ok(Some(standing));
        }
        let standing = Table(self.stage.clone()).standing(&self.stage.site, now).await?;
        self.stage.books().standing = standing.clone().map(|standing| (now.as_millisecond(), standing));
        Ok(standing)
    }

    /// Deals with a request, as the function and its composition root do.
    async fn run(&self, event: &Event, deadline: Timestamp) -> StoreResult<Ended> {
        let EventKind::Requested { run: kind, .. } = event.kind else { return Ok(Ended::Closed) };
        let table = Table(self.stage.clone());
        let Some(site) = table.site(&self.stage.site).await? else {
            table.schedule(&self.stage.site, kind, None).await?;
            return Ok(Ended::Closed);
        };
        let contacts = self.contacts(self.as_planted(&site), true);
        let means = self.means(&contacts);
        let Some(runner) = Runner::take(&means, &site, kind, deadline).await? else { return Ok(Ended::Busy) };
        let [wix, crm] = Side::BOTH.map(|side| Arc::new(self.reader(side)));
        let batches = Arc::new(table);
        match kind {
            RunKind::Export => Export { contacts, listing: wix, upload: crm, batches, means: means.clone() }.run(runner).await,
            RunKind::Audit => {
                let reads = Pair { wix: wix.clone() as Arc<_>, external: crm.clone() as Arc<_> };
                Audit { contacts, listing: wix, snapshot: crm, reads, batches, means: means.clone() }.run(runner).await
            }
        }
    }

    fn as_planted(&self, site: &Site) -> Site {
        let mut site = site.clone();
        if self.stage.plant == Plant::LooksBackNowhere {
            site.export.overlap_minutes = 0;
        }
        site
    }

    fn means(&self, contacts: &Contacts) -> Means {
        let table = Arc::new(Table(self.stage.clone()));
        let (limiters, site) = (self.paces.bulk.clone(), self.stage.site.clone());
        Means {
            runs: table.clone(),
            sites: table.clone(),
            links: contacts.links.clone(),
            bus: table,
            clock: contacts.clock.clone(),
            owner: self.owner(),
            pace: Arc::new(move |percent| limiters.keep_to(&site, percent)),
        }
    }
}

fn draw_chaos(rng: &mut SmallRng) -> Chaos {
    Chaos {
        throttled: rng.random_range(0..4),
        failed: rng.random_range(0..6),
        lost_replies: rng.random_range(0..8),
        crashes: *[0, 1, 4, 10].get(rng.random_range(0..4)).unwrap_or(&0),
        repeats: rng.random_range(0..40),
        delay: *[0, 50, 5_000, 90_000].get(rng.random_range(0..4)).unwrap_or(&0),
        lag: 0,
    }
}

fn draw_site(name: &str, rng: &mut SmallRng) -> Site {
    let export = Settings {
        enabled: true,
        interval_minutes: rng.random_range(5..20),
        include: if rng.random() { Include::Created } else { Include::CreatedAndUpdated },
        overlap_minutes: rng.random_range(1..7),
        busy_share: 50,
        audit_hours: if rng.random_ratio(1, 4) { 3 } else { 0 },
    };
    let side = if rng.random() { Side::Wix } else { Side::External };
    Site {
        version: 1,
        system_of_record: Some(side),
        on_delete: if rng.random() { OnDelete::Propagate } else { OnDelete::Unlink },
        rails: Rails { deletes_per_hour: 5, percent_per_hour: 100 },
        default_country: Some("US".to_owned()),
        mapping: others::mapping(),
        export,
        ..setup::defaults(&name.into())
    }
}
