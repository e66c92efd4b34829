//! One site's Wix, the queue, the clock, and what the checker remembers.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, MutexGuard},
};

use contact_bridge::{
    model::{
        fingerprint::Digest,
        ids::{RecordId, SubmissionId},
        submission::Submission,
        subscription::Subscription,
    },
    ports::ErrorKind,
};
use jiff::Timestamp;
use rand::{Rng, SeedableRng, rngs::SmallRng};
use tracing::debug;

use super::{
    chaos::{Chaos, Habits},
    posts::Post,
    wix::Contact,
};

/// What a worker is given.
#[derive(Clone)]
pub enum Job {
    /// A delivery of a form by its sender, who waits.
    Post(usize),
    /// A submission from the queue.
    Queued(Box<Submission>),
}

/// What the witness knows of a worker.
#[derive(Clone)]
pub struct Turn {
    /// The submission it deals with.
    pub id: SubmissionId,
    /// The form that was filled in.
    pub number: usize,
    /// When it was submitted, as far as the worker knows.
    pub at: i64,
    /// Whether it has the right to deal with it.
    pub claimed: bool,
    /// When it last read what is known of the address.
    pub read: i64,
}

/// One site.
pub struct World {
    /// All that is drawn.
    pub rng: SmallRng,
    /// Now, in milliseconds.
    pub now: i64,
    /// How bad it is at present.
    pub chaos: Chaos,
    /// What Wix's documentation leaves open.
    pub habits: Habits,
    /// Whether the owner has paused the site.
    pub paused: bool,
    /// Whether the form wins over what is filled.
    pub overrides: bool,
    /// Whether the form may bring back who unsubscribed.
    pub resubscribes: bool,
    /// The contacts, those that are gone too.
    pub contacts: BTreeMap<RecordId, Contact>,
    /// What is known of each address.
    pub subscriptions: BTreeMap<String, Subscription>,
    /// When the owner of an address last decided against e-mails.
    pub opt_outs: BTreeMap<String, i64>,
    /// The forms that were filled in.
    pub posts: Vec<Post>,
    /// Jobs by due time.
    pub queue: BTreeMap<(i64, u64), Job>,
    /// What was given up, by id, with the reason.
    pub dead: BTreeMap<SubmissionId, String>,
    /// The worker that goes on now.
    pub worker: u64,
    /// What each worker is at.
    pub turns: BTreeMap<u64, Turn>,
    /// When the submissions that were dealt with had been submitted.
    pub done: BTreeMap<SubmissionId, i64>,
    /// The proofs that are stored.
    pub proofs: BTreeSet<(SubmissionId, Digest)>,
    /// The phone numbers that people deleted.
    pub deleted: BTreeSet<String>,
    /// When all was quiet the last time.
    pub quiet: i64,
    /// What was violated.
    pub violations: Vec<String>,
    sequence: u64,
    trace: DefaultHasher,
}

/// A handle on a world.
pub type Shared = Arc<Mutex<World>>;

/// Locks a world; it is never poisoned, everything runs on one thread.
///
/// # Panics
/// Never, see above.
pub fn lock(world: &Shared) -> MutexGuard<'_, World> {
    world.lock().expect("one thread")
}

impl World {
    /// Makes an empty world.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let now = 1_790_000_000_000;
        Self {
            chaos: Chaos::draw(&mut rng),
            habits: Habits::draw(&mut rng),
            rng,
            now,
            paused: false,
            overrides: false,
            resubscribes: false,
            contacts: BTreeMap::new(),
            subscriptions: BTreeMap::new(),
            opt_outs: BTreeMap::new(),
            posts: Vec::new(),
            queue: BTreeMap::new(),
            dead: BTreeMap::new(),
            worker: 0,
            turns: BTreeMap::new(),
            done: BTreeMap::new(),
            proofs: BTreeSet::new(),
            deleted: BTreeSet::new(),
            quiet: now,
            violations: Vec::new(),
            sequence: 0,
            trace: DefaultHasher::new(),
        }
    }

    /// Draws with a chance in percent.
    pub fn chance(&mut self, percent: u32) -> bool {
        percent > 0 && self.rng.random_range(0..100) < percent
    }

    /// Draws with a chance in per mille.
    pub fn seldom(&mut self, per_mille: u32) -> bool {
        per_mille > 0 && self.rng.random_range(0..1000) < per_mille
    }

    /// Adds to the trace that makes histories comparable.
    pub fn trace(&mut self, what: impl Hash + Debug) {
        debug!(now = self.now, worker = self.worker, ?what);
        what.hash(&mut self.trace);
        self.now.hash(&mut self.trace);
    }

    /// Returns the trace's hash.
    #[must_use]
    pub fn trace_hash(&self) -> u64 {
        self.trace.finish()
    }

    /// Returns now as an instant.
    #[must_use]
    pub fn instant(&self) -> Timestamp {
        Timestamp::from_millisecond(self.now).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Returns the next number of a kind that never comes again.
    pub const fn next(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// Delivers a job some time.
    pub fn deliver_within(&mut self, most: i64, job: Job) {
        let delay = if most == 0 { 0 } else { self.rng.random_range(0..most) };
        self.deliver_at(self.now + delay, job);
    }

    /// Puts a job into the queue.
    pub fn deliver_at(&mut self, due: i64, job: Job) {
        let number = self.next();
        self.queue.insert((due, number), job);
    }

    /// Takes a due job, not always the first one.
    pub fn take_due(&mut self) -> Option<Job> {
        let due = self.queue.range(..=(self.now, u64::MAX)).count();
        if due == 0 {
            return None;
        }
        let nth = if self.chaos.delay > 0 { self.rng.random_range(0..due) } else { 0 };
        let key = *self.queue.keys().nth(nth)?;
        self.queue.remove(&key)
    }

    /// Lets the time of a call pass.
    pub fn pass(&mut self) {
        self.now += 1;
        if self.chance(self.chaos.slow) {
            self.now += self.rng.random_range(0..15_000);
        }
    }

    /// Draws what happens to a call of Wix before it is carried out.
    pub fn draw_refusal(&mut self) -> Option<ErrorKind> {
        if self.chance(self.chaos.throttled) {
            let wait = self.rng.random_range(1_000..10_000);
            return Timestamp::from_millisecond(self.now + wait).ok().map(ErrorKind::Throttled);
        }
        self.chance(self.chaos.failed).then_some(ErrorKind::Unavailable)
    }

    /// Returns what the worker that goes on now is at.
    #[must_use]
    pub fn turn(&self) -> Option<&Turn> {
        self.turns.get(&self.worker)
    }
}
