//! One site of a history as scheduled runs see it: its world, and what lies beside it.

use std::{
    collections::{BTreeMap, VecDeque},
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use contact_bridge::{
    adapters::http::{Failure, Limiter},
    model::{
        event::Event,
        ids::{Pair, Side, SiteId},
    },
    ports::{Clock, ErrorKind, Standing, StoreError, StoreResult},
};
use jiff::Timestamp;
use rand::Rng;

use super::{
    super::{
        backend::Backend,
        executor::point,
        world::{Shared, lock},
    },
    Plant,
    habits::Habits,
    index::Index,
    witness::Witness,
};

/// What lies beside a site's world.
#[derive(Default)]
pub struct Books {
    /// What each side's listings show.
    pub indexes: Pair<Index>,
    /// Requests for runs by due time.
    pub requests: BTreeMap<(i64, u64), Event>,
    /// What the checker saw of runs.
    pub witness: Witness,
    /// When calls arrived at each side, as far as its window reaches.
    arrived: Pair<VecDeque<i64>>,
    /// How often people did something.
    pub acts: usize,
    /// What contact sync read of the site, and when.
    pub standing: Option<(i64, Standing)>,
    /// Who waits for an instant, by a number.
    sleepers: BTreeMap<u64, i64>,
    /// Whether a worker came past an await point since this was last asked.
    stirred: bool,
    /// So many events of the vendors are in their listings.
    observed: usize,
    sequence: u64,
}

/// One site of a history.
pub struct Stage {
    /// The site.
    pub site: SiteId,
    /// Its vendors, events and clock.
    pub world: Shared,
    /// The store without await points.
    pub backend: Backend,
    /// How this history's vendors and workers are.
    pub habits: Mutex<Habits>,
    /// The planted bug, if any.
    pub plant: Plant,
    books: Mutex<Books>,
}

impl Stage {
    /// Sets up a site.
    #[must_use]
    pub fn new(world: Shared, backend: Backend, habits: Habits, plant: Plant) -> Arc<Self> {
        let site = lock(&world).site.clone();
        Arc::new(Self { site, world, backend, habits: Mutex::new(habits), plant, books: Mutex::default() })
    }

    /// Locks what lies beside the world; never while the world is locked elsewhere.
    ///
    /// # Panics
    /// Never: everything runs on one thread.
    pub fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().expect("one thread")
    }

    /// Returns how this history is.
    ///
    /// # Panics
    /// Never: everything runs on one thread.
    #[must_use]
    pub fn habits(&self) -> Habits {
        *self.habits.lock().expect("one thread")
    }

    /// Changes how this history is.
    ///
    /// # Panics
    /// Never: everything runs on one thread.
    pub fn become_with(&self, change: impl FnOnce(&mut Habits)) {
        change(&mut self.habits.lock().expect("one thread"));
    }

    /// Returns now, in milliseconds.
    #[must_use]
    pub fn now(&self) -> i64 {
        lock(&self.world).now
    }

    /// Draws with a chance in percent.
    pub fn chance(&self, percent: u32) -> bool {
        lock(&self.world).chance(percent)
    }

    /// Draws a number below `end`.
    pub fn below(&self, end: i64) -> i64 {
        if end <= 0 { 0 } else { lock(&self.world).rng.random_range(0..end) }
    }

    /// An await point.
    pub async fn point(&self) {
        point().await;
        self.books().stirred = true;
    }

    /// Tells whether somebody came past an await point since this was asked last.
    pub fn has_stirred(&self) -> bool {
        std::mem::take(&mut self.books().stirred)
    }

    /// Returns when the first of those who wait goes on.
    #[must_use]
    pub fn first_to_wake(&self) -> Option<i64> {
        self.books().sleepers.values().min().copied()
    }

    /// Puts a request into the queue of runs.
    pub fn request_at(&self, due: i64, event: Event) {
        let mut books = self.books();
        books.sequence += 1;
        let number = books.sequence;
        books.requests.insert((due, number), event);
    }

    /// Takes the first due request.
    pub fn take_request(&self) -> Option<Event> {
        let now = self.now();
        let mut books = self.books();
        let key = *books.requests.range(..=(now, u64::MAX)).next()?.0;
        books.requests.remove(&key)
    }

    /// A call arrives at a side: at its turn, if its sender keeps a pace; the side counts it, and may refuse it.
    pub async fn arrive(self: &Arc<Self>, side: Side, pace: Option<&Limiter>, operation: &str) -> StoreResult<()> {
        self.point().await;
        let _place = match pace {
            None => None,
            Some(pace) => match pace.admit().await {
                Ok(place) => Some(place),
                Err(Failure::Throttled(until)) => return Err(StoreError::new(ErrorKind::Throttled(until), operation)),
                Err(_) => None,
            },
        };
        let habits = self.habits();
        if habits.is_limited && self.is_excess(side) {
            self.violation("I13", format!("{side} sees more calls than its limit: {operation}"));
        }
        let mut world = lock(&self.world);
        world.now += 1;
        if world.chance(habits.slow) {
            world.now += world.rng.random_range(0..20_000);
        }
        drop(world);
        let revoked = habits.revoked.is_some_and(|revoked| revoked == side);
        if revoked { Err(StoreError::new(ErrorKind::AccessDenied, operation)) } else { Ok(()) }
    }

    /// Counts a call in the side's window, and tells whether there are too many.
    fn is_excess(&self, side: Side) -> bool {
        let (most, window) = *Habits::LIMITS.of(side);
        let now = self.now();
        let mut books = self.books();
        let arrived = books.arrived.of_mut(side);
        while arrived.front().is_some_and(|first| *first <= now - window) {
            arrived.pop_front();
        }
        arrived.push_back(now);
        arrived.len() > most
    }

    /// Has both sides' listings show what happened since, some time.
    pub fn observe(&self) {
        let lags = self.habits().lags;
        let mut world = lock(&self.world);
        let mut books = self.books();
        if std::mem::replace(&mut books.observed, world.events.len()) == world.events.len() {
            return;
        }
        for side in Side::BOTH {
            books.indexes.of_mut(side).observe(&mut world, side, *lags.of(side));
        }
    }
}

/// The clock of a site, on which those who wait are passed by the others.
#[derive(Clone)]
pub struct StageClock(pub Arc<Stage>);

#[async_trait]
impl Clock for StageClock {
    fn now(&self) -> Timestamp {
        lock(&self.0.world).instant()
    }

    async fn sleep(&self, duration: Duration) {
        let until = self.0.now() + i64::try_from(duration.as_millis()).unwrap_or(0).max(1);
        let number = {
            let mut books = self.0.books();
            books.sequence += 1;
            books.sequence
        };
        Nap { stage: self.0.clone(), number, until }.await;
    }
}

/// Somebody waits for an instant.
struct Nap {
    stage: Arc<Stage>,
    number: u64,
    until: i64,
}

impl Future for Nap {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.stage.now() >= self.until {
            self.stage.books().stirred = true;
            return Poll::Ready(());
        }
        self.stage.books().sleepers.insert(self.number, self.until);
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Nap {
    fn drop(&mut self) {
        self.stage.books().sleepers.remove(&self.number);
    }
}
