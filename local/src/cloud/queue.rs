//! A standard SQS queue: visibility timeout, delay, receive count, retention, dead letters and their redrive.
//!
//! Facts from <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/>: quotas-messages,
//! sqs-visibility-timeout, sqs-dead-letter-queues.

mod message;
mod state;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::Value;
use tokio::sync::Notify;

pub use message::{Attribute, Draft, Message, Received, SendError};
use state::State;

use super::{ACCOUNT, REGION, background::lock, ids::Ids};
use crate::vendors::kit::Clock;

/// The most messages one receive returns.
pub const MAX_BATCH: usize = 10;

/// The largest message, body and attributes together: 1 MiB
/// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>).
pub const MAX_MESSAGE_BYTES: usize = 1_048_576;

/// The longest delay of a single message.
pub const MAX_DELAY: Duration = Duration::from_mins(15);

/// How a queue behaves.
#[derive(Clone)]
pub struct QueueOptions {
    /// How long a received message stays hidden (SQS default 30 seconds).
    pub visibility: Duration,
    /// How long a message waits when it names no delay of its own (SQS default 0).
    pub delay: Duration,
    /// How long a message is kept, counted from when it was first sent (SQS default 4 days, at most 14).
    pub retention: Duration,
    /// Where messages go that were received too often.
    pub redrive: Option<Redrive>,
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self { visibility: Duration::from_secs(30), delay: Duration::ZERO, retention: Duration::from_hours(4 * 24), redrive: None }
    }
}

/// A queue's redrive policy.
#[derive(Clone)]
pub struct Redrive {
    /// The queue that takes the dead letters.
    pub dead_letters: Queue,
    /// How often a message is received before it counts as dead.
    pub max_receive_count: u32,
}

/// How many messages a queue holds, by what they wait for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Ready to be received.
    pub visible: usize,
    /// Received, and neither deleted nor visible again.
    pub in_flight: usize,
    /// Not yet due for the first time.
    pub delayed: usize,
}

/// A handle to one queue; clones share it.
#[derive(Clone)]
pub struct Queue(Arc<Inner>);

struct Inner {
    name: String,
    arn: String,
    clock: Clock,
    options: QueueOptions,
    ids: Ids,
    state: Mutex<State>,
    changed: Notify,
}

impl Queue {
    /// An empty queue.
    #[must_use]
    pub fn new(name: &str, clock: &Clock, options: QueueOptions) -> Self {
        Self(Arc::new(Inner {
            name: name.to_owned(),
            arn: format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"),
            clock: clock.clone(),
            options,
            ids: Ids::new(name, clock),
            state: Mutex::default(),
            changed: Notify::new(),
        }))
    }

    /// The queue's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The queue's ARN.
    #[must_use]
    pub fn arn(&self) -> &str {
        &self.0.arn
    }

    /// How the queue behaves.
    #[must_use]
    pub fn options(&self) -> &QueueOptions {
        &self.0.options
    }

    /// Takes a message as `SendMessage` does, and returns its id.
    ///
    /// # Errors
    /// What SQS refuses: an empty or oversized message, a delay over 15 minutes, malformed attributes.
    pub fn send(&self, draft: Draft) -> Result<String, SendError> {
        draft.check()?;
        let delay = draft.delay.unwrap_or(self.0.options.delay);
        Ok(self.put(draft, delay))
    }

    /// Takes a message from inside the cloud, later than the queue's own delay by `delay`, which has no limit.
    pub(super) fn deliver(&self, body: String, delay: Duration) -> String {
        self.put(Draft::new(body), delay.saturating_add(self.0.options.delay))
    }

    fn put(&self, draft: Draft, delay: Duration) -> String {
        let now = self.now();
        let id = self.0.ids.next();
        let message = Message::new(id.clone(), draft, now);
        lock(&self.0.state).add(now.saturating_add(ms(delay)), message);
        self.0.changed.notify_one();
        id
    }

    /// Receives up to `limit` (at most ten) due messages, the longest due first, and hides them. Messages received too
    /// often move to the dead letters instead.
    #[must_use]
    pub fn receive(&self, limit: usize) -> Vec<Received> {
        self.receive_hidden(limit, self.0.options.visibility)
    }

    /// As [`Queue::receive`], with a visibility timeout of the caller's.
    #[must_use]
    pub fn receive_hidden(&self, limit: usize, visibility: Duration) -> Vec<Received> {
        let now = self.now();
        let rules = state::Rules {
            now,
            hidden_until: now.saturating_add(ms(visibility)),
            sent_after: now.saturating_sub(ms(self.0.options.retention)),
            max_receive_count: self.0.options.redrive.as_ref().map(|redrive| redrive.max_receive_count),
        };
        let taken = lock(&self.0.state).take(limit.min(MAX_BATCH), &rules);
        if let Some(redrive) = &self.0.options.redrive {
            for message in taken.dead {
                redrive.dead_letters.bury(message, &self.0.arn);
            }
        }
        taken.received
    }

    /// Takes a dead letter of the queue `source`. It keeps its id, its attributes and the time it was first sent.
    fn bury(&self, mut message: Message, source: &str) {
        message.dead_letter_source = Some(source.to_owned());
        lock(&self.0.state).add(self.now(), message);
        self.0.changed.notify_one();
    }

    /// Deletes a received message. `false` if the receipt is stale: the message became visible and was received again.
    #[must_use]
    pub fn delete(&self, receipt: &str) -> bool {
        lock(&self.0.state).delete(receipt)
    }

    /// Makes a received message visible again after `after`, as `ChangeMessageVisibility` does. `false` if the receipt is stale.
    #[must_use]
    pub fn release(&self, receipt: &str, after: Duration) -> bool {
        let released = lock(&self.0.state).release(receipt, self.now().saturating_add(ms(after)));
        self.0.changed.notify_one();
        released
    }

    /// How many messages are due at `now_ms`.
    #[must_use]
    pub fn due(&self, now_ms: i64) -> usize {
        lock(&self.0.state).due(now_ms)
    }

    /// When the next message is, or was, due; for a hidden one that is the end of its visibility timeout.
    #[must_use]
    pub fn next_due(&self) -> Option<i64> {
        lock(&self.0.state).next_due()
    }

    /// How many messages there are.
    #[must_use]
    pub fn counts(&self) -> Counts {
        lock(&self.0.state).counts(self.now())
    }

    /// `true` if nothing is left, due or not.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.next_due().is_none()
    }

    /// How long the oldest message has been here, in milliseconds.
    #[must_use]
    pub fn oldest_age_ms(&self) -> Option<i64> {
        let oldest = lock(&self.0.state).messages().map(|message| message.sent_ms).min();
        oldest.map(|sent| self.now().saturating_sub(sent))
    }

    /// Every message without receiving it, in the order in which they are due.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        lock(&self.0.state).messages().cloned().collect()
    }

    /// Every message as JSON: id, body (parsed if it is JSON), attributes, message attributes.
    #[must_use]
    pub fn to_json(&self) -> Value {
        lock(&self.0.state).messages().map(Message::to_json).collect()
    }

    /// Sends every message of this dead-letter queue back to `target`, as new messages, and returns how many
    /// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html>).
    #[must_use]
    pub fn redrive_to(&self, target: &Self) -> usize {
        let moved = lock(&self.0.state).drain();
        let count = moved.len();
        for message in moved {
            target.put(message.into_draft(), Duration::ZERO);
        }
        count
    }

    /// Drops every message.
    pub fn purge(&self) {
        drop(lock(&self.0.state).drain());
    }

    /// Waits until a message arrives or is released.
    pub async fn changed(&self) {
        self.0.changed.notified().await;
    }

    /// The clock this queue runs on.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    fn now(&self) -> i64 {
        self.0.clock.now_ms()
    }
}

/// A duration in whole milliseconds.
fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
