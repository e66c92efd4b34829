//! The function's clock: virtual, and the vendors are told whenever it moves.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use aws_sdk_dynamodb::{
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::{BeforeSerializationInterceptorContextRef, FinalizerInterceptorContextRef},
    },
    error::BoxError,
};
use contact_bridge::ports;
use contact_bridge_local::vendors::kit::plain_http;
use jiff::Timestamp;
use tokio::sync::Notify;

/// A clock that the wait which ends first moves.
#[derive(Debug)]
pub(super) struct VirtualClock {
    now_ms: AtomicI64,
    /// The ends of all waits, each with a number of its own.
    waits: Mutex<(u64, BTreeSet<(i64, u64)>)>,
    /// Whenever the clock moved, or a wait was given up, or the table answered.
    changed: Notify,
    /// Calls of the table that are under way: it takes no virtual time.
    asked: AtomicUsize,
    http: reqwest::Client,
    url: String,
}

impl VirtualClock {
    pub(super) fn new(start_ms: i64, vendors: &str) -> anyhow::Result<Self> {
        let http = plain_http()?;
        Ok(Self {
            now_ms: AtomicI64::new(start_ms),
            waits: Mutex::default(),
            changed: Notify::new(),
            asked: AtomicUsize::new(0),
            http,
            url: format!("{vendors}/clock"),
        })
    }

    pub(super) fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::SeqCst)
    }

    /// Moves the clock; the vendors know before anybody here does.
    pub(super) async fn move_to(&self, to_ms: i64) {
        let told = self.http.post(format!("{}/{to_ms}", self.url)).send().await;
        assert!(told.is_ok_and(|reply| reply.status().is_success()), "the vendors are gone");
        self.now_ms.fetch_max(to_ms, Ordering::SeqCst);
        self.changed.notify_waiters();
    }

    /// Whoever asked the table was given up, and hears no answer.
    pub(super) fn forget_calls(&self) {
        self.asked.store(0, Ordering::SeqCst);
    }

    /// Waits until the clock has moved, or may move.
    pub(super) async fn moved(&self) {
        self.changed.notified().await;
    }

    fn queue(&self, end: i64) -> Turn<'_> {
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        waits.0 += 1;
        let place = (end, waits.0);
        waits.1.insert(place);
        Turn { clock: self, place }
    }
}

#[async_trait]
impl ports::Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.now_ms()).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    async fn sleep(&self, duration: Duration) {
        let wait = i64::try_from(duration.as_micros().div_ceil(1_000)).unwrap_or(i64::MAX / 4);
        let end = self.now_ms().saturating_add(wait);
        let turn = self.queue(end);
        loop {
            // Whoever has something to send does it first; the vendors take calls in the order in which they come, and the clock's is one of them.
            tokio::task::yield_now().await;
            let changed = self.changed.notified();
            let may_move = turn.is_first() && self.asked.load(Ordering::SeqCst) == 0;
            match (self.now_ms() < end, may_move) {
                (false, _) => return,
                (true, true) => self.move_to(end).await,
                (true, false) => changed.await,
            }
        }
    }
}

/// Has the clock stand still while the table is asked.
#[derive(Debug)]
pub(super) struct Still(pub Arc<VirtualClock>);

impl Intercept for Still {
    fn name(&self) -> &'static str {
        "Still"
    }

    fn read_before_execution(&self, _: &BeforeSerializationInterceptorContextRef<'_>, _: &mut ConfigBag) -> Result<(), BoxError> {
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn read_after_execution(
        &self,
        _: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.asked.fetch_sub(1, Ordering::SeqCst);
        self.0.changed.notify_waiters();
        Ok(())
    }
}

/// A place among the waits, given up when the wait ends or is abandoned.
struct Turn<'a> {
    clock: &'a VirtualClock,
    place: (i64, u64),
}

impl Turn<'_> {
    fn is_first(&self) -> bool {
        self.clock.waits.lock().unwrap_or_else(PoisonError::into_inner).1.first() == Some(&self.place)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.clock.waits.lock().unwrap_or_else(PoisonError::into_inner).1.remove(&self.place);
        self.clock.changed.notify_waiters();
    }
}
