//! What tests of adapters share.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Habits, Http, Limiter, Rate, retry_after};
use crate::ports::Clock;

/// A clock that moves only when somebody sleeps.
pub(crate) struct StubClock(Mutex<Timestamp>);

impl StubClock {
    /// Makes a clock that stands at 2026-02-03T11:00:00Z.
    pub(crate) fn shared() -> Arc<Self> {
        Arc::new(Self(Mutex::new("2026-02-03T11:00:00Z".parse().unwrap())))
    }
}

#[async_trait]
impl Clock for StubClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        let mut now = self.0.lock().unwrap();
        *now += duration;
    }
}

/// A client with a generous limiter, on a stub clock.
pub(crate) fn http(clock: &Arc<StubClock>, habits: Habits) -> Http {
    let many = 1_000_000.try_into().unwrap();
    let rate = Rate { requests: many, per: Duration::from_secs(1), burst: many, longest_wait: Duration::from_secs(5) };
    Http::new(super::pool().unwrap(), clock.clone(), Arc::new(Limiter::new(rate, clock.clone())), habits)
}

/// A vendor that refuses for pace with `Retry-After` alone.
pub(crate) const PLAIN: Habits = Habits { request_id: "x-request-id", not_before: retry_after };
