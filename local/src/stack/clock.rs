//! The simulators' clock as the bridge sees it.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use contact_bridge::ports;
use jiff::Timestamp;

use super::lock;
use crate::vendors::kit::Clock;

/// How much real time whatever is on its way gets before a manual clock moves on: a request that was sent in time must not arrive late.
const PAUSE: Duration = Duration::from_millis(1);
/// As often everybody on the thread gets a turn instead, where there is one thread: enough for a request, its work and the answer.
const TURNS: usize = 16;

/// The bridge's view of the clock. On a manual clock a wait moves the clock; of several waits the one that ends first.
#[derive(Clone, Debug)]
pub(crate) struct FlowClock {
    clock: Clock,
    waits: Waits,
    hurried: bool,
}

/// The ends of all waits, each with a number of its own.
#[derive(Clone, Debug, Default)]
struct Waits(Arc<Mutex<Places>>);

/// How many waits there were, and those there are.
type Places = (u64, BTreeSet<(i64, u64)>);

impl FlowClock {
    pub fn new(clock: &Clock) -> Self {
        Self { clock: clock.clone(), waits: Waits::default(), hurried: false }
    }

    /// A clock that waits for nobody on other threads.
    pub fn hurried(self, hurried: bool) -> Self {
        Self { hurried, ..self }
    }

    async fn pause(&self) {
        if !self.hurried {
            return tokio::time::sleep(PAUSE).await;
        }
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
        }
    }
}

#[async_trait]
impl ports::Clock for FlowClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.clock.now_ms()).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    async fn sleep(&self, duration: Duration) {
        if !self.clock.is_manual() {
            return tokio::time::sleep(duration).await;
        }
        let wait = i64::try_from(duration.as_micros().div_ceil(1_000)).unwrap_or(i64::MAX / 4);
        let end = self.clock.now_ms().saturating_add(wait);
        let turn = self.waits.queue(end);
        while self.clock.now_ms() < end {
            self.pause().await;
            if turn.is_first() {
                self.clock.set_ms(end);
            }
        }
    }
}

impl Waits {
    fn queue(&self, end: i64) -> Turn {
        let mut waits = lock(&self.0);
        waits.0 += 1;
        let place = (end, waits.0);
        waits.1.insert(place);
        Turn { waits: self.clone(), place }
    }
}

/// A place among the waits, given up when the wait ends or is abandoned.
struct Turn {
    waits: Waits,
    place: (i64, u64),
}

impl Turn {
    fn is_first(&self) -> bool {
        lock(&self.waits.0).1.first() == Some(&self.place)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        lock(&self.waits.0).1.remove(&self.place);
    }
}

#[cfg(test)]
mod tests {
    use contact_bridge::ports::Clock as _;
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn waits_at_the_same_time_do_not_add_up() {
        let clock = FlowClock::new(&Clock::manual(1_000));
        let seen = async |wait| {
            clock.sleep(wait).await;
            clock.now().as_millisecond()
        };
        let ends = tokio::join!(seen(Duration::from_micros(7_300)), seen(Duration::from_millis(5)), seen(Duration::ZERO));
        assert_eq!(ends, (1_008, 1_005, 1_000));
    }

    #[tokio::test]
    async fn an_abandoned_wait_holds_nobody_up() {
        let clock = FlowClock::new(&Clock::manual(0));
        assert!(clock.sleep(Duration::from_millis(1)).now_or_never().is_none());
        clock.sleep(Duration::from_millis(9)).await;
        assert_eq!(clock.now().as_millisecond(), 9);
    }
}
