//! Running a stack until nothing is due.

use std::time::Duration;

use anyhow::bail;
use futures::future::join_all;
use serde::Serialize;

use super::{Stack, aws::Cloud};
use crate::cloud::{Background, queue::Queue, worker::Worker};

/// The most virtual time one settling takes: longer than Wix's retries of a webhook, and than the tries of an event.
const LONGEST: Duration = Duration::from_hours(48);
/// After so many rounds something feeds itself.
const MOST_ROUNDS: u32 = 200_000;
/// The timer goes off every minute.
const MINUTE_MS: i64 = 60_000;
/// How often a stack that follows the machine's clock looks for work.
const TICK: Duration = Duration::from_millis(50);

/// What settling did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Settled {
    /// Webhooks posted, repeated ones counted again.
    pub webhooks: usize,
    /// Messages handed to the functions behind queues, repeated ones counted again.
    pub messages: usize,
    /// Invocations of them from their queues.
    pub batches: usize,
    /// Requests handed to scheduled export, repeated ones counted again.
    pub runs: usize,
    /// How far the clock was moved.
    pub virtual_ms: i64,
    /// Whether nothing is due any more; otherwise the time was up.
    pub quiet: bool,
}

impl Stack {
    /// Runs everything until nothing is due: posts webhooks, feeds the functions, moves the clock to the next due instant, and again;
    /// retries and delays included, at most 48 hours of virtual time. Takes no real time but the work's. Dead letters stay, and runs that only
    /// wait for their interval to end go on waiting.
    ///
    /// # Errors
    /// When the work does not end although time stands still.
    pub async fn settle(&self) -> anyhow::Result<Settled> {
        self.settle_within(LONGEST).await
    }

    /// As [`Self::settle`], for at most `limit` of virtual time.
    ///
    /// # Errors
    /// As [`Self::settle`].
    pub async fn settle_within(&self, limit: Duration) -> anyhow::Result<Settled> {
        self.work(limit, false).await
    }

    /// Lets so much virtual time pass, with everything that happens in it, the runs that become due included.
    ///
    /// # Errors
    /// As [`Self::settle`].
    pub async fn live(&self, time: Duration) -> anyhow::Result<Settled> {
        self.work(time, true).await
    }

    async fn work(&self, limit: Duration, whole: bool) -> anyhow::Result<Settled> {
        let _turn = self.turn.lock().await;
        let start = self.clock.now_ms();
        let end = start.saturating_add(i64::try_from(limit.as_millis()).unwrap_or(i64::MAX));
        let mut settled = Settled::default();
        for _ in 0..MOST_ROUNDS {
            if self.work_off(&mut settled).await {
                continue;
            }
            let due = self.next_move(whole).await?;
            if let Some(due) = due.filter(|due| *due <= end) {
                self.clock.set_ms(due);
                continue;
            }
            if whole {
                self.clock.set_ms(end);
            }
            settled.virtual_ms = self.clock.now_ms() - start;
            settled.quiet = due.is_none();
            return Ok(settled);
        }
        bail!("the stack did not settle in {MOST_ROUNDS} rounds: {settled:?}")
    }

    /// Does what is due now, and tells whether there was anything.
    async fn work_off(&self, settled: &mut Settled) -> bool {
        self.cloud.timer.fire_due().await;
        let webhooks = self.deliver_webhooks().await;
        self.schedule.timer.fire_due().await;
        let workers = self.workers();
        let workers = workers.iter().flat_map(|employee| &employee.workers).chain([&self.form_worker]);
        let exports = self.schedule.worker.pump_once();
        let (taken, exports) = futures::join!(join_all(workers.map(Worker::pump_once)), exports);
        let messages: usize = taken.iter().sum();
        if messages > 0 && !self.invocation.is_zero() && self.clock.is_manual() {
            self.clock.advance(self.invocation);
        }
        settled.runs += exports;
        settled.webhooks += webhooks;
        settled.messages += messages;
        settled.batches += taken.iter().filter(|messages| **messages > 0).count();
        webhooks + messages + exports > 0
    }

    async fn deliver_webhooks(&self) -> usize {
        let crms = self.hubspot.deliver_due().await + self.pipedrive.deliver_due().await;
        self.wix.deliver_due().await + crms + self.mailchimp.deliver_due().await
    }

    /// When there is something to do next, runs included.
    async fn next_move(&self, resting: bool) -> anyhow::Result<Option<i64>> {
        let (due, tick) = (self.next_due(), self.schedule.timer.next_due().unwrap_or_default());
        // Runs begin with a tick of the timer: before the next one, the store need not be asked for them.
        if due.is_some_and(|due| due <= tick) {
            return Ok(due);
        }
        let run = self.next_run(resting).await?.map(|run| tick + ((run - tick).max(0) + MINUTE_MS - 1) / MINUTE_MS * MINUTE_MS);
        Ok(due.into_iter().chain(run).min())
    }

    /// When a webhook or a message is, or was, due next. Schedules go on for ever and are nothing to wait for.
    #[must_use]
    pub fn next_due(&self) -> Option<i64> {
        let Cloud { queue, form_queue, message_queue, export_queue, .. } = &self.cloud;
        let queues = [queue, form_queue, message_queue, export_queue].map(Queue::next_due);
        let vendors = [self.wix.next_due(), self.hubspot.next_due(), self.mailchimp.next_due(), self.pipedrive.next_due()];
        vendors.into_iter().chain(queues).flatten().min()
    }

    /// Lets the stack work by itself as real time goes by, until what this returns is dropped. A manual clock is moved along with the
    /// machine's, so waits of the bridge still take no time.
    pub fn run(&self) -> Background {
        let stack = self.clone();
        Background::spawn(async move {
            let mut before = std::time::Instant::now();
            loop {
                tokio::time::sleep(TICK).await;
                let _turn = stack.turn.lock().await;
                let elapsed = before.elapsed();
                before += elapsed;
                if stack.clock.is_manual() {
                    stack.clock.advance(elapsed);
                }
                stack.work_off(&mut Settled::default()).await;
            }
        })
    }
}
