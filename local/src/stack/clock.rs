//! The simulators' clock as the bridge sees it.

use std::time::Duration;

use async_trait::async_trait;
use contact_bridge::ports;
use jiff::Timestamp;

use crate::vendors::kit::Clock;

/// The bridge's view of the clock. On a manual clock a wait moves the clock instead of taking time.
#[derive(Clone, Debug)]
pub(super) struct FlowClock(pub Clock);

impl FlowClock {
    fn millis(&self) -> i64 {
        self.0.now_ms()
    }
}

#[async_trait]
impl ports::Clock for FlowClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.millis()).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    async fn sleep(&self, duration: Duration) {
        if !self.0.is_manual() {
            return tokio::time::sleep(duration).await;
        }
        // The end is fixed before others get their turn: who waits at the same time must not wait twice as long.
        let wait = i64::try_from(duration.as_micros().div_ceil(1_000)).unwrap_or(i64::MAX / 4);
        let end = self.millis().saturating_add(wait);
        tokio::task::yield_now().await;
        self.0.set_ms(end);
    }
}

#[cfg(test)]
mod tests {
    use contact_bridge::ports::Clock as _;

    use super::*;

    #[tokio::test]
    async fn waits_at_the_same_time_do_not_add_up() {
        let clock = FlowClock(Clock::manual(1_000));
        tokio::join!(clock.sleep(Duration::from_millis(5)), clock.sleep(Duration::from_micros(7_300)));
        assert_eq!(clock.now().as_millisecond(), 1_008);
    }
}
