//! Scheduled export at its queue, and the timer that wakes it every minute.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use contact_bridge::app::Exporter;
use lambda_runtime::LambdaEvent;
use serde_json::json;

use super::aws::Cloud;
use crate::{
    cloud::{
        Function, event_function,
        timer::Timer,
        worker::{Worker, WorkerOptions},
    },
    vendors::kit::Clock,
};

/// As in `template.yaml`.
const TIME: Duration = Duration::from_mins(15);
const EVERY: Duration = Duration::from_mins(1);

/// Scheduled export.
#[derive(Clone)]
pub(crate) struct Schedule {
    pub timer: Timer,
    pub worker: Worker,
    time_ms: Arc<AtomicU64>,
}

impl Schedule {
    /// Puts the function at its queue and under the timer.
    pub fn new(exporter: &Arc<Exporter>, cloud: &Cloud, clock: &Clock) -> Self {
        let time_ms = Arc::new(AtomicU64::new(0));
        let function = function_of(Arc::clone(exporter), Arc::clone(&time_ms));
        let worker = Worker::new(&cloud.export_queue, Arc::clone(&function), WorkerOptions { batch_size: 1, ..WorkerOptions::default() });
        let timer = Timer::new(clock);
        timer.add("scheduled-export", EVERY, move |_| {
            let wakened = function(json!({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}));
            async move {
                if let Err(failure) = wakened.await {
                    tracing::error!(failure = %failure, "The timer could not request what is due.");
                }
            }
        });
        let schedule = Self { timer, worker, time_ms };
        schedule.give(TIME);
        schedule
    }

    /// Sets how much time an invocation has.
    pub fn give(&self, time: Duration) {
        self.time_ms.store(u64::try_from(time.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// The function, whose deadline is told by the clock of everything else.
fn function_of(exporter: Arc<Exporter>, time_ms: Arc<AtomicU64>) -> Function {
    event_function(move |event: LambdaEvent<_>| {
        let exporter = Arc::clone(&exporter);
        let time = Duration::from_millis(time_ms.load(Ordering::Relaxed));
        async move {
            let deadline = exporter.app.means.clock.now() + time;
            scheduled_export::handle(&exporter, event.payload, deadline).await
        }
    })
}
