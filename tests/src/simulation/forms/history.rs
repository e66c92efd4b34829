//! One history: people fill the form in, workers deal with it, and in the end everything comes to rest; twice.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use contact_bridge::{
    adapters::memory,
    flows::{form::Forms, setup},
    model::{
        fingerprint::Key,
        ids::{FormId, SiteId},
        site::{Site, form::Form},
        submission::Submission,
    },
};
use rand::Rng;

use super::{
    super::{executor::Task, history::Verdict},
    Plant,
    chaos::Chaos,
    check,
    ports::SimulatedWix,
    posts::{self, PEOPLE, REFUSED},
    store::{SimulatedQueue, SimulatedSubmissions, WorldClock},
    workers::{Ended, Worker},
    world::{Job, Shared, Turn, World, lock},
};

/// Workers at once.
const WORKERS: usize = 3;
/// After so many steps something feeds itself.
const MOST_STEPS: u32 = 400_000;

/// A running history.
pub struct Running {
    /// The world.
    pub world: Shared,
    /// The form, as its owner set it.
    pub form: Form,
    pub(super) forms: Forms,
    pub(super) plant: Plant,
    pub(super) workers: Vec<Worker>,
    begun: u64,
    pub(super) ended: usize,
}

/// Plays the history of a seed, and judges it. Its edits are the submissions, its events the turns of workers.
#[must_use]
pub fn run(seed: u64, plant: Plant) -> Verdict {
    let mut running = Running::new(seed, plant);
    running.run();
    let world = lock(&running.world);
    let violations = world.violations.clone();
    Verdict { seed, traces: vec![world.trace_hash()], violations, edits: world.posts.len(), events: running.ended }
}

impl Running {
    fn new(seed: u64, plant: Plant) -> Self {
        let mut world = World::new(seed);
        let form = posts::draw_form(&mut world);
        world.overrides = form.on_filled != contact_bridge::model::site::form::OnFilled::Keep;
        world.resubscribes = form.consent.as_ref().is_some_and(|consent| consent.resubscribe);
        for person in (0..PEOPLE).filter(|person| *person != REFUSED) {
            world.now -= 3_600_000;
            if world.chance(30) {
                world.add_by_hand(person);
            }
            world.now += 3_600_000;
        }
        let world = Arc::new(Mutex::new(world));
        let forms = assemble(&world, &form, plant);
        Self { world, form, forms, plant, workers: Vec::new(), begun: 0, ended: 0 }
    }

    fn run(&mut self) {
        let chaos = lock(&self.world).chaos;
        for _ in 0..2 {
            lock(&self.world).chaos = chaos;
            self.be_busy();
            self.come_to_rest();
            check::at_rest(self);
            let mut world = lock(&self.world);
            world.now += 600_000;
            world.edit_all();
            world.quiet = world.now;
        }
        // Services send everything again, a day later.
        {
            let mut world = lock(&self.world);
            world.now += 24 * 3_600_000;
            let named: Vec<_> = world.posts.iter().filter(|post| post.token.is_some()).map(|post| post.number).collect();
            for number in named {
                world.deliver_within(0, Job::Post(number));
            }
        }
        self.come_to_rest();
        check::at_rest(self);
    }

    fn be_busy(&mut self) {
        let count = lock(&self.world).rng.random_range(2..9);
        for _ in 0..count {
            {
                let mut world = lock(&self.world);
                world.now += world.rng.random_range(0..40_000);
                let number = posts::fill_in(&mut world);
                let delay = world.chaos.delay;
                world.deliver_within(delay, Job::Post(number));
            }
            let steps = lock(&self.world).rng.random_range(0..60);
            (0..steps).for_each(|_| self.step());
        }
        (0..500).for_each(|_| self.step());
    }

    fn come_to_rest(&mut self) {
        {
            let mut world = lock(&self.world);
            (world.chaos, world.paused) = (Chaos::NONE, false);
        }
        for _ in 0..MOST_STEPS {
            if self.workers.is_empty() && lock(&self.world).queue.is_empty() {
                return;
            }
            self.step();
        }
    }

    /// Returns the flow as the settings are now.
    #[must_use]
    pub fn forms(&self) -> Forms {
        let paused = lock(&self.world).paused;
        Forms { site: Site { paused, ..self.forms.site.clone() }, ..self.forms.clone() }
    }

    /// Lets one worker go on to its next await point, or crash there; without one, takes a job or lets time pass.
    fn step(&mut self) {
        let (acts, crashes, nth, begins) = {
            let mut world = lock(&self.world);
            let chaos = world.chaos;
            (world.seldom(chaos.acts), world.seldom(chaos.crashes), world.rng.random_range(0..WORKERS), world.rng.random_bool(0.3))
        };
        if acts {
            lock(&self.world).act();
        }
        if self.workers.len() < WORKERS && (begins || self.workers.is_empty()) {
            self.begin();
        } else if crashes {
            self.crash(nth % self.workers.len());
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
        let Some(job) = due else { return };
        let (forms, submission) = (self.forms(), self.submission(&job));
        self.begun += 1;
        let turn = Turn {
            id: submission.id.clone(),
            number: self.number_of(&job, &submission),
            at: submission.at.as_millisecond(),
            claimed: false,
            read: i64::MIN,
        };
        let mut world = lock(&self.world);
        world.trace(("begin", self.begun, turn.number, turn.at, matches!(job, Job::Post(_))));
        world.turns.insert(self.begun, turn);
        let begun = Some(world.now);
        drop(world);
        let (own, is_post) = (submission.clone(), matches!(job, Job::Post(_)));
        let task = Task::new(async move {
            if is_post { Ended::Answered(forms.submit(&own).await) } else { Ended::Worked(forms.work_off(&own).await) }
        });
        self.workers.push(Worker { number: self.begun, job, submission, begun, task });
    }

    /// Reads what is delivered, as the function does.
    fn submission(&self, job: &Job) -> Submission {
        let number = match job {
            Job::Queued(submission) => return (**submission).clone(),
            Job::Post(number) => *number,
        };
        let filled = lock(&self.world).posts.get(number).map(posts::Post::filled).unwrap_or_default();
        let submission = self.forms.read(&FormId::from("form"), &self.form, &filled).expect("everybody gives an address");
        if let Some(post) = lock(&self.world).posts.get_mut(number) {
            post.id = Some(submission.id.clone());
        }
        submission
    }

    fn number_of(&self, job: &Job, submission: &Submission) -> usize {
        match job {
            Job::Post(number) => *number,
            Job::Queued(_) => {
                let world = lock(&self.world);
                world.posts.iter().find(|post| post.id.as_ref() == Some(&submission.id)).map_or(usize::MAX, |post| post.number)
            }
        }
    }
}

fn assemble(world: &Shared, form: &Form, plant: Plant) -> Forms {
    let id = SiteId::new("site");
    let mut shown = form.clone();
    if plant == Plant::OverridesFilled {
        shown.on_filled = posts::overriding();
    }
    let (key, store, owners) = (Key::derive(b"simulation", &id), Arc::new(memory::Store::new()), AtomicU32::new(0));
    let wix = Arc::new(SimulatedWix { world: world.clone(), key: key.clone(), plant });
    Forms {
        site: Site { forms: [(FormId::from("form"), shown)].into(), ..setup::defaults(&id) },
        key,
        contacts: wix.clone(),
        subscriptions: wix,
        submissions: Arc::new(SimulatedSubmissions { below: store.clone(), world: world.clone(), plant }),
        queue: Arc::new(SimulatedQueue(world.clone())),
        links: store,
        clock: Arc::new(WorldClock(world.clone())),
        owner: Arc::new(move || owners.fetch_add(1, Ordering::Relaxed).to_string()),
    }
}
