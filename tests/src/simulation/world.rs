//! One site's world: both vendors, the queue, the clock, and what the checker remembers.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use contact_bridge::{
    model::{
        entity::Entity,
        event::{Event, EventKind},
        field::{Field, Fields, Value},
        ids::{Pair, RecordId, Revision, Side, SiteId},
    },
    ports::{Clock, ErrorKind},
};
use jiff::Timestamp;
use rand::{Rng, SeedableRng, rngs::SmallRng};

use super::{edits::Edits, witness::Witness};

/// When every history begins, in milliseconds.
pub const EPOCH: i64 = 1_790_000_000_000;

/// How bad a history is, in percent of the calls or deliveries concerned.
#[derive(Clone, Copy, Debug)]
pub struct Chaos {
    /// Vendor calls that are throttled.
    pub throttled: u32,
    /// Vendor calls that fail before they are carried out.
    pub failed: u32,
    /// Writes that are carried out and whose reply is lost.
    pub lost_replies: u32,
    /// Await points at which the worker crashes, in per mille.
    pub crashes: u32,
    /// Deliveries that come twice.
    pub repeats: u32,
    /// The longest delay of a delivery, in milliseconds.
    pub delay: i64,
    /// How long a search does not see a write, in milliseconds.
    pub lag: i64,
}

impl Chaos {
    /// Nothing goes wrong.
    pub const NONE: Self = Self { throttled: 0, failed: 0, lost_replies: 0, crashes: 0, repeats: 0, delay: 0, lag: 0 };

    /// Draws how bad a history is.
    pub fn draw(rng: &mut SmallRng) -> Self {
        Self {
            throttled: rng.random_range(0..8),
            failed: rng.random_range(0..10),
            lost_replies: rng.random_range(0..12),
            crashes: rng.random_range(0..25),
            repeats: rng.random_range(0..40),
            delay: *[0, 50, 5_000, 90_000].get(rng.random_range(0..4)).unwrap_or(&0),
            lag: *[0, 0, 2_000, 120_000].get(rng.random_range(0..4)).unwrap_or(&0),
        }
    }
}

/// What the vendors refuse for good in a history.
#[derive(Clone, Debug, Default)]
pub struct Refusals {
    /// The CRM does not take some values.
    pub values: bool,
    /// Wix does not let some contacts be deleted.
    pub members: bool,
    /// A record that can be found and never be read.
    pub unreadable: Option<(Side, RecordId)>,
}

impl Refusals {
    /// Draws what is refused: in half of the histories nothing is.
    pub fn draw(rng: &mut SmallRng) -> Self {
        if rng.random() {
            return Self::default();
        }
        let unreadable = rng.random_ratio(1, 8).then(|| (Side::External, RecordId::from("e2")));
        Self { values: rng.random(), members: rng.random(), unreadable }
    }
}

/// A record of a vendor.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its filled fields.
    pub fields: Fields,
    /// Counts its changes.
    pub counter: u64,
    /// When it was created.
    pub created: i64,
    /// When it was changed last.
    pub updated: i64,
    /// The counterpart's id as written on it.
    pub counterpart: Option<RecordId>,
    /// Whether it is deleted.
    pub deleted: bool,
    /// Earlier values: field, value, when, whether the bridge wrote it.
    pub past: Vec<(Field, Option<Value>, i64, bool)>,
    /// For which record the bridge made it.
    pub made_for: Option<RecordId>,
}

/// One vendor.
#[derive(Debug, Default)]
pub struct Vendor {
    /// Its records, deleted ones too.
    pub records: BTreeMap<RecordId, Record>,
    /// Ids that went into another.
    pub merged: BTreeMap<RecordId, RecordId>,
    /// When another record last went into one.
    pub merged_at: BTreeMap<RecordId, i64>,
    /// Counts ids.
    pub ids: u32,
    /// Writes by the bridge.
    pub writes: u32,
    /// Records that the bridge deleted.
    pub deleted_by_bridge: BTreeSet<RecordId>,
    /// Records that a privacy request erased, and the record each was linked with at that time.
    pub erased: BTreeMap<RecordId, Option<RecordId>>,
}

impl Vendor {
    /// Returns a record that is there.
    #[must_use]
    pub fn present(&self, id: &RecordId) -> Option<&Record> {
        self.records.get(id).filter(|record| !record.deleted)
    }

    /// Returns the ids of all records that are there.
    #[must_use]
    pub fn present_ids(&self) -> Vec<RecordId> {
        self.records.iter().filter(|(_, record)| !record.deleted).map(|(id, _)| id.clone()).collect()
    }

    /// Follows merges.
    #[must_use]
    pub fn surviving<'a>(&'a self, id: &'a RecordId) -> &'a RecordId {
        let mut id = id;
        while let Some(winner) = self.merged.get(id) {
            id = winner;
        }
        id
    }
}

/// One site's world.
pub struct World {
    /// The site.
    pub site: SiteId,
    /// All that is drawn.
    pub rng: SmallRng,
    /// Now, in milliseconds.
    pub now: i64,
    /// How bad it is at present.
    pub chaos: Chaos,
    /// What is refused for good.
    pub refusals: Refusals,
    /// Both vendors.
    pub sides: Pair<Vendor>,
    /// Deliveries by due time.
    pub queue: BTreeMap<(i64, u64), Event>,
    /// Every event ever raised.
    pub events: Vec<Event>,
    /// What people did.
    pub edits: Edits,
    /// Records whose events became dead letters.
    pub dead: BTreeSet<(Side, RecordId)>,
    /// The ids of those events.
    pub dead_letters: BTreeSet<String>,
    /// What an onlooker of the store knows.
    pub witness: Witness,
    /// What the checker found on the way.
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
    pub fn new(site: &str, seed: u64, chaos: Chaos) -> Self {
        Self {
            site: SiteId::new(site),
            rng: SmallRng::seed_from_u64(seed),
            now: EPOCH,
            chaos,
            refusals: Refusals::default(),
            sides: Pair::default(),
            queue: BTreeMap::new(),
            events: Vec::new(),
            edits: Edits::default(),
            dead: BTreeSet::new(),
            dead_letters: BTreeSet::new(),
            witness: Witness::default(),
            violations: Vec::new(),
            sequence: 0,
            trace: DefaultHasher::new(),
        }
    }

    /// Draws with a chance in percent.
    pub fn chance(&mut self, percent: u32) -> bool {
        percent > 0 && self.rng.random_range(0..100) < percent
    }

    /// Adds to the trace that makes histories comparable, and that a person may read.
    pub fn trace(&mut self, what: impl Hash + Debug) {
        tracing::debug!(site = %self.site, now = self.now - EPOCH, "{what:?}");
        what.hash(&mut self.trace);
        self.now.hash(&mut self.trace);
    }

    /// Returns the trace's hash.
    #[must_use]
    pub fn trace_hash(&self) -> u64 {
        self.trace.finish()
    }

    /// Notes a violation.
    pub fn violation(&mut self, invariant: &str, what: impl AsRef<str>) {
        tracing::error!(site = %self.site, now = self.now - EPOCH, "{invariant}: {}", what.as_ref());
        self.violations.push(format!("{invariant}: {}", what.as_ref()));
    }

    /// Returns now as an instant.
    #[must_use]
    pub fn instant(&self) -> Timestamp {
        Timestamp::from_millisecond(self.now).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Raises an event: it is delivered at least once, some time.
    pub fn raise(&mut self, side: Side, record: &RecordId, kind: EventKind) {
        self.sequence += 1;
        let event = Event {
            site: self.site.clone(),
            side,
            record: Some(record.clone()),
            kind,
            at: self.instant(),
            id: Some(format!("e{}", self.sequence)),
            entity: self.entity(side, record),
            attempts: 0,
        };
        self.trace(("event", event.id.as_deref(), side, record.as_str(), event.kind.name()));
        self.events.push(event.clone());
        if self.chance(self.chaos.repeats) {
            self.enqueue(event.clone());
        }
        self.enqueue(event);
    }

    /// Wix encloses the record in its events.
    fn entity(&self, side: Side, record: &RecordId) -> Option<Entity> {
        let present = self.sides.of(side).present(record).filter(|_| side == Side::Wix)?;
        Entity::write(&super::vendor::enclose(record, present)).ok()
    }

    fn enqueue(&mut self, event: Event) {
        let delay = if self.chaos.delay == 0 { 0 } else { self.rng.random_range(0..self.chaos.delay) };
        self.deliver_at(self.now + delay, event);
    }

    /// Puts an event into the queue.
    pub fn deliver_at(&mut self, due: i64, event: Event) {
        self.sequence += 1;
        self.queue.insert((due, self.sequence), event);
    }

    /// Takes a due event, not always the first one.
    pub fn take_due(&mut self) -> Option<Event> {
        let due = self.queue.range(..=(self.now, u64::MAX)).count();
        if due == 0 {
            return None;
        }
        let nth = if self.chaos.delay > 0 { self.rng.random_range(0..due) } else { 0 };
        let key = *self.queue.keys().nth(nth)?;
        self.queue.remove(&key)
    }

    /// Draws what happens to a vendor call before it is carried out.
    pub fn draw_failure(&mut self) -> Option<ErrorKind> {
        if self.chance(self.chaos.throttled) {
            let wait = self.rng.random_range(1_000..10_000);
            return Timestamp::from_millisecond(self.now + wait).ok().map(ErrorKind::Throttled);
        }
        self.chance(self.chaos.failed).then_some(ErrorKind::Unavailable)
    }

    /// Returns a record's version as its side names it.
    #[must_use]
    pub fn revision(side: Side, record: &Record) -> Option<Revision> {
        Some(match side {
            Side::Wix => Revision::new(record.counter.to_string()),
            Side::External => Revision::new(Timestamp::from_millisecond(record.updated).ok()?.to_string()),
        })
    }
}

/// The world's clock.
#[derive(Clone)]
pub struct WorldClock(pub Shared);

#[async_trait]
impl Clock for WorldClock {
    fn now(&self) -> Timestamp {
        lock(&self.0).instant()
    }

    async fn sleep(&self, duration: Duration) {
        lock(&self.0).now += i64::try_from(duration.as_millis()).unwrap_or(0);
    }
}
