//! An event source mapping: due messages of a queue become invocations of a function, and its answer decides their fate.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html> and
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>.

mod batch;

use std::time::Duration;

use futures::future::join_all;

use super::{
    Background, Function,
    queue::{MAX_BATCH, Queue, Received},
};

/// The longest a background worker waits before it looks at the clock again, which may have been moved by hand.
const LONGEST_WAIT: Duration = Duration::from_millis(200);

/// How a worker takes messages.
#[derive(Clone, Copy, Debug)]
pub struct WorkerOptions {
    /// The most messages in one invocation, at most ten.
    pub batch_size: usize,
    /// How many invocations run at once.
    pub concurrency: usize,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self { batch_size: MAX_BATCH, concurrency: 1 }
    }
}

/// Feeds one function from one queue.
#[derive(Clone)]
pub struct Worker {
    queue: Queue,
    function: Function,
    options: WorkerOptions,
}

impl Worker {
    /// A worker that does nothing until it is pumped or run.
    #[must_use]
    pub fn new(queue: &Queue, function: Function, options: WorkerOptions) -> Self {
        Self { queue: queue.clone(), function, options }
    }

    /// The queue it takes from.
    #[must_use]
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// When there is, or was, something to do.
    #[must_use]
    pub fn next_due(&self) -> Option<i64> {
        self.queue.next_due()
    }

    /// Takes one batch per concurrent invocation, waits for the answers, and returns how many messages were taken.
    /// Messages that move to the dead letters are not counted.
    pub async fn pump_once(&self) -> usize {
        let batches: Vec<_> = (0..self.options.concurrency.max(1)).map(|_| self.take()).filter(|batch| !batch.is_empty()).collect();
        let taken = batches.iter().map(Vec::len).sum();
        join_all(batches.iter().map(|batch| self.handle(batch))).await;
        taken
    }

    /// Pumps until nothing is due, and returns how many messages were taken. The clock is not moved.
    pub async fn drain(&self) -> usize {
        let mut taken = 0;
        while self.queue.due(self.queue.clock().now_ms()) > 0 {
            taken += self.pump_once().await;
        }
        taken
    }

    /// Works in the background, as real time goes by.
    pub fn run(&self) -> Background {
        Background::all((0..self.options.concurrency.max(1)).map(|_| {
            let worker = self.clone();
            Background::spawn(async move { worker.run_one().await })
        }))
    }

    async fn run_one(&self) {
        loop {
            let batch = self.take();
            if batch.is_empty() {
                // Whichever comes first: a new message, or one that becomes due meanwhile.
                let _ = tokio::time::timeout(LONGEST_WAIT, self.queue.changed()).await;
            } else {
                self.handle(&batch).await;
            }
        }
    }

    fn take(&self) -> Vec<Received> {
        self.queue.receive(self.options.batch_size)
    }

    async fn handle(&self, batch: &[Received]) {
        let answer = (self.function)(batch::event(batch, self.queue.arn())).await;
        if let Err(error) = &answer {
            tracing::warn!(queue = self.queue.name(), error.kind = %error.error_type, "An invocation failed.");
        }
        let failed = batch::failed(&answer, batch);
        for received in batch.iter().filter(|received| !failed.contains(received.message.id.as_str())) {
            if !self.queue.delete(&received.receipt) {
                tracing::warn!(message.id = %received.message.id, "A message became visible again while it was handled.");
            }
        }
        // The failed ones stay hidden until their visibility timeout ends, as in the cloud.
    }
}
