//! Instances of contact sync.

use std::{sync::Arc, time::Duration};

use contact_bridge::app::App;
use lambda_runtime::LambdaEvent;

use crate::cloud::{
    Function, event_function,
    queue::Queue,
    worker::{Worker, WorkerOptions},
};

/// An instance of contact sync at the queue, with nothing in common with the others but the stores.
#[derive(Clone)]
pub(crate) struct Employee {
    pub app: Arc<App>,
    pub worker: Worker,
}

/// How long one invocation may take, as in the template.
const TIMEOUT: Duration = Duration::from_mins(1);

impl Employee {
    /// `batch` is the most messages of one invocation.
    pub fn new(app: Arc<App>, queue: &Queue, batch: usize) -> Self {
        let worker = Worker::new(queue, function_of(Arc::clone(&app)), WorkerOptions { batch_size: batch, ..WorkerOptions::default() });
        Self { app, worker }
    }
}

/// Contact sync as the queue calls it.
fn function_of(app: Arc<App>) -> Function {
    event_function(move |event: LambdaEvent<_>| {
        let app = Arc::clone(&app);
        async move { contact_sync::handle(&app, event.payload, TIMEOUT).await }
    })
}
