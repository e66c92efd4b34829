//! What waits in the queues, and what was given up.

use serde_json::Value;

use super::Stack;
use crate::cloud::queue::Queue;

impl Stack {
    /// Every queue with its dead letters.
    fn queues(&self) -> [(&Queue, &Queue); 4] {
        let cloud = &self.cloud;
        [
            (&cloud.queue, &cloud.dead_letters),
            (&cloud.form_queue, &cloud.form_dead_letters),
            (&cloud.message_queue, &cloud.message_dead_letters),
            (&cloud.export_queue, &cloud.export_dead_letters),
        ]
    }

    /// The dead letters, with their reasons among the attributes.
    #[must_use]
    pub fn dead_letters(&self) -> Vec<Value> {
        let letters = |(_, dead): (&Queue, &Queue)| match dead.to_json() {
            Value::Array(letters) => letters,
            _ => Vec::new(),
        };
        self.queues().into_iter().flat_map(letters).collect()
    }

    /// Sends the dead letters back to their queues and returns how many.
    #[expect(clippy::unused_async, reason = "queues are asked asynchronously everywhere else")]
    pub async fn redrive(&self) -> usize {
        self.queues().into_iter().map(|(queue, dead)| dead.redrive_to(queue)).sum()
    }

    /// Drops everything that waits in a queue, and all dead letters.
    pub fn purge(&self) {
        self.queues().into_iter().flat_map(|(queue, dead)| [queue, dead]).for_each(Queue::purge);
    }
}
