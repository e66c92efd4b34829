//! Schedules: every so often on the clock, a closure.

use std::{
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::{FutureExt, future::BoxFuture};

use super::background::{Background, lock};
use crate::vendors::kit::Clock;

/// The longest a background timer waits before it looks at the clock again, which may have been moved by hand.
const LONGEST_WAIT: Duration = Duration::from_millis(200);

type Action = Arc<dyn Fn(i64) -> BoxFuture<'static, ()> + Send + Sync>;

/// Named schedules on one clock; clones share them.
#[derive(Clone)]
pub struct Timer {
    clock: Clock,
    schedules: Arc<Mutex<Vec<Schedule>>>,
}

#[derive(Clone)]
struct Schedule {
    name: String,
    every_ms: i64,
    next_ms: i64,
    action: Action,
}

impl Timer {
    /// A timer without schedules.
    #[must_use]
    pub fn new(clock: &Clock) -> Self {
        Self { clock: clock.clone(), schedules: Arc::default() }
    }

    /// Calls `action` with the scheduled moment (milliseconds since 1970), first one interval from now.
    pub fn add<F, Fut>(&self, name: &str, every: Duration, action: F)
    where
        F: Fn(i64) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let every_ms = i64::try_from(every.as_millis()).unwrap_or(i64::MAX).max(1);
        lock(&self.schedules).push(Schedule {
            name: name.to_owned(),
            every_ms,
            next_ms: self.clock.now_ms().saturating_add(every_ms),
            action: Arc::new(move |at| action(at).boxed()),
        });
    }

    /// Removes the schedules called `name`.
    pub fn remove(&self, name: &str) {
        lock(&self.schedules).retain(|schedule| schedule.name != name);
    }

    /// The earliest moment at which something is, or was, due.
    #[must_use]
    pub fn next_due(&self) -> Option<i64> {
        lock(&self.schedules).iter().map(|schedule| schedule.next_ms).min()
    }

    /// Calls what is due, in order of time and name, and returns how many. A schedule that missed several moments, because the clock
    /// was moved far, is called once.
    pub async fn fire_due(&self) -> usize {
        let due = self.take_due();
        let count = due.len();
        for schedule in due {
            (schedule.action)(schedule.next_ms).await;
        }
        count
    }

    fn take_due(&self) -> Vec<Schedule> {
        let now = self.clock.now_ms();
        let mut due = Vec::new();
        for schedule in lock(&self.schedules).iter_mut().filter(|schedule| schedule.next_ms <= now) {
            due.push(schedule.clone());
            let missed = (now - schedule.next_ms) / schedule.every_ms;
            schedule.next_ms = schedule.next_ms.saturating_add((missed + 1).saturating_mul(schedule.every_ms));
        }
        due.sort_by(|one, other| (one.next_ms, &one.name).cmp(&(other.next_ms, &other.name)));
        due
    }

    /// Fires in the background, as real time goes by.
    pub fn run(&self) -> Background {
        let timer = self.clone();
        Background::spawn(async move {
            loop {
                timer.fire_due().await;
                tokio::time::sleep(timer.wait()).await;
            }
        })
    }

    fn wait(&self) -> Duration {
        let wait = self.next_due().map(|due| due.saturating_sub(self.clock.now_ms()).max(1));
        let wait = wait.and_then(|wait| u64::try_from(wait).ok()).map(Duration::from_millis);
        wait.map_or(LONGEST_WAIT, |wait| wait.min(LONGEST_WAIT))
    }
}
