//! The simulator's clock.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::sync::{Notify, futures::Notified};

/// A clock that either follows the machine's (plus an offset) or moves only when told.
#[derive(Debug, Clone)]
pub struct Clock {
    manual: bool,
    /// Manual: the time itself. Real: the offset to the machine's clock. Milliseconds.
    value: Arc<AtomicI64>,
    /// Whenever somebody moved it.
    moved: Arc<Notify>,
}

impl Clock {
    /// A clock that follows the machine's clock.
    #[must_use]
    pub fn real() -> Self {
        Self { manual: false, value: Arc::default(), moved: Arc::default() }
    }

    /// A clock that stands at `start_ms` (Unix milliseconds) until it is moved.
    #[must_use]
    pub fn manual(start_ms: i64) -> Self {
        Self { manual: true, value: Arc::new(AtomicI64::new(start_ms)), moved: Arc::default() }
    }

    /// The present time in Unix milliseconds.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        let value = self.value.load(Ordering::SeqCst);
        if self.manual { value } else { machine_ms() + value }
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX / 4);
        self.value.fetch_add(by, Ordering::SeqCst);
        self.moved.notify_waiters();
    }

    /// Moves the clock to `to_ms`; a time in the past is ignored, because a clock that goes back would reuse ids
    /// and order events wrongly.
    pub fn set_ms(&self, to_ms: i64) {
        let behind = to_ms - self.now_ms();
        if behind > 0 {
            self.value.fetch_add(behind, Ordering::SeqCst);
            self.moved.notify_waiters();
        }
    }

    /// Waits until somebody moves the clock. That the machine's clock goes on is no move.
    pub fn moved(&self) -> Notified<'_> {
        self.moved.notified()
    }

    /// Whether the clock moves only when told.
    #[must_use]
    pub fn is_manual(&self) -> bool {
        self.manual
    }
}

fn machine_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told_and_never_back() {
        let clock = Clock::manual(1_000);
        clock.advance(Duration::from_millis(5));
        clock.set_ms(10);
        assert_eq!(clock.now_ms(), 1_005);
        clock.set_ms(2_000);
        assert_eq!(clock.now_ms(), 2_000);
        assert!(clock.is_manual());
    }

    #[test]
    fn a_real_clock_can_be_put_forward() {
        let clock = Clock::real();
        let before = clock.now_ms();
        clock.advance(Duration::from_hours(1));
        assert!(clock.now_ms() >= before + 3_600_000);
    }
}
