//! One site's Wix and mailing list, the queue, the clock, and what the checker remembers.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, MutexGuard},
};

use contact_bridge::{
    model::{
        contact,
        field::{Field, Fields, Value},
        ids::{RecordId, Revision},
        subscriber::{Address, MemberStatus},
        subscription::SubscriptionStatus,
    },
    ports::ErrorKind,
};
use jiff::Timestamp;
use rand::{Rng, SeedableRng, rngs::SmallRng};
use tracing::debug;

/// So many addresses there are.
pub const ADDRESSES: usize = 5;
/// How far a pass looks back, in milliseconds.
pub const OVERLAP: i64 = 300_000;

/// How bad a history is, in percent of the calls or deliveries concerned.
#[derive(Clone, Copy, Debug)]
pub struct Chaos {
    /// Calls that fail before they are carried out.
    pub failed: u32,
    /// Calls that are carried out and whose reply is lost.
    pub lost_replies: u32,
    /// Calls that take some seconds.
    pub slow: u32,
    /// Await points at which the worker crashes, in per mille.
    pub crashes: u32,
    /// Steps at which a person does something, in per mille.
    pub acts: u32,
    /// Events that never come.
    pub silent: u32,
    /// Events that come twice.
    pub repeats: u32,
    /// The longest delay of a delivery, in milliseconds.
    pub delay: i64,
}

impl Chaos {
    /// Nothing goes wrong.
    pub const NONE: Self = Self { failed: 0, lost_replies: 0, slow: 0, crashes: 0, acts: 0, silent: 0, repeats: 0, delay: 0 };

    fn draw(rng: &mut SmallRng) -> Self {
        Self {
            failed: rng.random_range(0..6),
            lost_replies: rng.random_range(0..8),
            slow: rng.random_range(0..10),
            crashes: rng.random_range(0..15),
            acts: rng.random_range(5..60),
            silent: *[0, 0, 30, 100].get(rng.random_range(0..4)).unwrap_or(&0),
            repeats: rng.random_range(0..30),
            delay: *[0, 50, 5_000, 90_000].get(rng.random_range(0..4)).unwrap_or(&0),
        }
    }
}

/// What was the case since when, and since when listings show it.
#[derive(Clone, Debug)]
pub struct Versions<T>(Vec<(i64, i64, T)>);

impl<T> Default for Versions<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Versions<T> {
    /// Returns what is the case, and since when.
    #[must_use]
    pub fn now(&self) -> Option<(i64, &T)> {
        self.0.last().map(|(at, _, value)| (*at, value))
    }

    /// Returns what listings show.
    #[must_use]
    pub fn shown(&self, now: i64) -> Option<(i64, &T)> {
        self.0.iter().rfind(|(_, shows_at, _)| *shows_at <= now).map(|(at, _, value)| (*at, value))
    }

    /// Returns since when there is something.
    #[must_use]
    pub fn since(&self) -> i64 {
        self.0.first().map_or(0, |(at, ..)| *at)
    }
}

/// A contact of Wix.
#[derive(Clone, Debug)]
pub struct Contact {
    /// Its address, by number.
    pub address: usize,
    /// Its name, by number.
    pub name: u64,
}

/// A member of the list.
#[derive(Clone, Debug)]
pub struct Member {
    /// Where it stands.
    pub status: MemberStatus,
    /// Its tags.
    pub tags: BTreeSet<String>,
}

/// What people did about an address, and when they last did it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wishes {
    /// Opted out, on either side.
    pub out: i64,
    /// Opted in again, or first, in Wix.
    pub in_wix: i64,
    /// Signed up in the mailing service.
    pub in_service: i64,
    /// The opt-out in the mailing service was noted as carried over.
    pub noted: i64,
    /// An opt-out of the list is in the table as carried over.
    pub is_noted: bool,
    /// Opted out of it again before the bridge noted that they had signed up since: that looks like the opt-out before.
    pub is_hidden: bool,
    /// The list's owner took the member off it once.
    pub was_archived: bool,
}

/// What a worker is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Job {
    /// An address whose subscription may have changed.
    Changed(usize),
    /// A request for a run.
    Run,
}

/// One site.
pub struct World {
    /// All that is drawn.
    pub rng: SmallRng,
    /// Now, in milliseconds.
    pub now: i64,
    /// How bad it is at present.
    pub chaos: Chaos,
    /// The longest that listings do not show what happened, in milliseconds.
    pub lag: i64,
    /// Wix's contacts; those that are gone are nothing.
    pub contacts: BTreeMap<RecordId, Versions<Option<Contact>>>,
    /// What Wix knows of each address.
    pub consents: BTreeMap<usize, Versions<SubscriptionStatus>>,
    /// The mailing list.
    pub members: BTreeMap<usize, Versions<Member>>,
    /// Jobs by due time.
    pub queue: BTreeMap<(i64, u64), Job>,
    /// The worker that goes on now.
    pub worker: u64,
    /// What each worker was last told of each address.
    pub told: BTreeMap<(u64, usize), SubscriptionStatus>,
    /// What people did about each address.
    pub wishes: BTreeMap<usize, Wishes>,
    /// When the table was lost the last time.
    pub lost_at: i64,
    /// How often something was written.
    pub writes: u64,
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

/// Returns an address by its number.
#[must_use]
pub fn address(number: usize) -> Address {
    Address::new(format!("p{number}@example.com"))
}

/// Returns the number of an address.
#[must_use]
pub fn number(address: &str) -> usize {
    address.trim_start_matches('p').trim_end_matches("@example.com").parse().unwrap_or(usize::MAX)
}

impl World {
    /// Makes an empty world.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        Self {
            chaos: if rng.random_ratio(1, 8) { Chaos { acts: 20, ..Chaos::NONE } } else { Chaos::draw(&mut rng) },
            lag: *[0, 2_000, OVERLAP / 2, OVERLAP - 5_000].get(rng.random_range(0..4)).unwrap_or(&0),
            rng,
            now: 1_790_000_000_000,
            contacts: BTreeMap::new(),
            consents: BTreeMap::new(),
            members: BTreeMap::new(),
            queue: BTreeMap::new(),
            worker: 0,
            told: BTreeMap::new(),
            wishes: BTreeMap::new(),
            lost_at: 0,
            writes: 0,
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

    /// Notes a violation.
    pub fn violation(&mut self, what: String) {
        debug!(now = self.now, violation = what);
        self.violations.push(what);
    }

    /// Returns an instant.
    #[must_use]
    pub fn instant(at: i64) -> Timestamp {
        Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Returns the next number of a kind that never comes again.
    pub const fn next(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    fn version<T>(&mut self, value: T) -> (i64, i64, T) {
        self.now += 1;
        let lag = if self.lag == 0 { 0 } else { self.rng.random_range(0..self.lag) };
        (self.now, self.now + lag, value)
    }

    /// A contact is written, or goes.
    pub fn put_contact(&mut self, id: &RecordId, contact: Option<Contact>) {
        let version = self.version(contact);
        self.contacts.entry(id.clone()).or_default().0.push(version);
    }

    /// Wix knows something else of an address.
    pub fn put_consent(&mut self, number: usize, status: SubscriptionStatus) {
        let version = self.version(status);
        self.consents.entry(number).or_default().0.push(version);
    }

    /// The list has something else of an address.
    pub fn put_member(&mut self, number: usize, member: Member) {
        let version = self.version(member);
        self.members.entry(number).or_default().0.push(version);
    }

    /// Returns what Wix knows of an address.
    #[must_use]
    pub fn consent(&self, number: usize) -> SubscriptionStatus {
        self.consents.get(&number).and_then(Versions::now).map_or(SubscriptionStatus::NotSet, |(_, status)| *status)
    }

    /// Returns what the list has of an address.
    #[must_use]
    pub fn member(&self, number: usize) -> Option<Member> {
        self.members.get(&number).and_then(Versions::now).map(|(_, member)| member.clone())
    }

    /// Returns the contacts that are there.
    #[must_use]
    pub fn present(&self) -> Vec<(RecordId, Contact)> {
        let contact = |(id, versions): (&RecordId, &Versions<Option<Contact>>)| Some((id.clone(), versions.now()?.1.clone()?));
        self.contacts.iter().filter_map(contact).collect()
    }

    /// Returns a contact as ports do.
    #[must_use]
    pub fn seen(&self, id: &RecordId, contact: &Contact, updated: i64) -> contact::Contact {
        let text = |field: &str, value: String| Value::text(value).map(|value| (Field::from(field), value));
        let own = [text("email", format!("P{}@example.com", contact.address)), text("name.first", format!("v{}", contact.name))];
        contact::Contact {
            id: id.clone(),
            revision: Some(Revision::new(updated.to_string())),
            created_at: Some(Self::instant(self.contacts.get(id).map_or(0, Versions::since))),
            updated_at: Some(Self::instant(updated)),
            counterpart: None,
            fields: own.into_iter().flatten().collect::<Fields>(),
            native: serde_json::Value::Null,
        }
    }

    /// Tells the bridge that something about an address changed, unless that is lost.
    pub fn tell(&mut self, number: usize) {
        if self.chance(self.chaos.silent) {
            return;
        }
        let copies = 1 + u32::from(self.chance(self.chaos.repeats));
        for _ in 0..copies {
            let delay = if self.chaos.delay == 0 { 0 } else { self.rng.random_range(0..self.chaos.delay) };
            self.deliver_at(self.now + delay, Job::Changed(number));
        }
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

    /// Draws what happens to a call before it is carried out.
    pub fn draw_refusal(&mut self) -> Option<ErrorKind> {
        self.now += 1;
        if self.chance(self.chaos.slow) {
            self.now += self.rng.random_range(0..15_000);
        }
        self.chance(self.chaos.failed).then_some(ErrorKind::Unavailable)
    }
}
