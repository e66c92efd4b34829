//! The ports in memory, for tests and simulations: the same semantics as the real ones, nothing kept after the process.

mod links;
mod shelf;
mod sites;

use std::{
    collections::BTreeMap,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::SecretString;

use self::shelf::Shelf;
use crate::{
    model::{event::Event, ids::SiteId, site::Site},
    ports::{Clock, ErrorKind, EventBus, Secrets, StoreError, StoreResult, WorkQueue},
};

/// Links and sites in memory: the twin of the table, with the same answers.
pub struct Store {
    state: Mutex<State>,
    clock: Arc<dyn Clock>,
}

/// Everything the store holds.
#[derive(Default)]
struct State {
    sites: BTreeMap<SiteId, Site>,
    shelves: BTreeMap<SiteId, Shelf>,
}

impl State {
    /// Returns what is kept about a site, to change.
    fn shelf(&mut self, site: &SiteId) -> &mut Shelf {
        if !self.shelves.contains_key(site) {
            self.shelves.insert(site.clone(), Shelf::default());
        }
        self.shelves.entry(site.clone()).or_default()
    }
}

impl Store {
    /// Makes an empty store; the clock tells which reservations have expired.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { state: Mutex::default(), clock }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// A panic elsewhere leaves the data whole: every change is made after its checks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A bus that keeps what was published.
#[derive(Default)]
pub struct Bus(Mutex<Vec<Event>>);

impl Bus {
    /// Takes what was published since the last call, oldest first.
    pub fn take(&self) -> Vec<Event> {
        mem::take(&mut lock(&self.0))
    }
}

#[async_trait]
impl EventBus for Bus {
    async fn publish(&self, events: &[Event]) -> StoreResult<()> {
        lock(&self.0).extend_from_slice(events);
        Ok(())
    }
}

/// A queue that keeps what was put back and what was given up.
#[derive(Default)]
pub struct Queue {
    deferred: Mutex<Vec<(Event, Duration)>>,
    dead: Mutex<Vec<DeadLetter>>,
}

/// A message that was given up. Its body is contact data.
#[derive(Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The message as it came.
    pub body: String,
    /// Why it was given up.
    pub reason: String,
}

impl Queue {
    /// Takes what was put back since the last call, with the delay asked for.
    pub fn take_deferred(&self) -> Vec<(Event, Duration)> {
        mem::take(&mut lock(&self.deferred))
    }

    /// Takes what was given up since the last call.
    pub fn take_dead(&self) -> Vec<DeadLetter> {
        mem::take(&mut lock(&self.dead))
    }
}

#[async_trait]
impl WorkQueue for Queue {
    async fn defer(&self, event: &Event, delay: Duration) -> StoreResult<()> {
        lock(&self.deferred).push((event.clone(), delay));
        Ok(())
    }

    async fn dead_letter(&self, body: &str, reason: &str) -> StoreResult<()> {
        lock(&self.dead).push(DeadLetter { body: body.to_owned(), reason: reason.to_owned() });
        Ok(())
    }
}

/// Secrets that are simply given.
#[derive(Default)]
pub struct Vault(Mutex<BTreeMap<String, SecretString>>);

impl Vault {
    /// Puts a secret in, or another in its place.
    pub fn put(&self, name: impl Into<String>, secret: impl Into<String>) {
        lock(&self.0).insert(name.into(), SecretString::from(secret.into()));
    }
}

#[async_trait]
impl Secrets for Vault {
    async fn secret(&self, name: &str) -> StoreResult<SecretString> {
        let found = lock(&self.0).get(name).cloned();
        found.ok_or_else(|| StoreError::new(ErrorKind::NotFound, format!("secret {name}")))
    }
}

/// A clock that moves only when it is told to, or slept on.
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// Makes a clock that stands at `now`.
    #[must_use]
    pub const fn new(now: Timestamp) -> Self {
        Self(Mutex::new(now))
    }

    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        let mut now = lock(&self.0);
        *now = now.saturating_add(by).unwrap_or(Timestamp::MAX);
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *lock(&self.0)
    }

    async fn sleep(&self, duration: Duration) {
        self.advance(duration);
    }
}
