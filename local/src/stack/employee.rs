//! Instances of contact sync and of the inbox relay.

use std::{sync::Arc, time::Duration};

use contact_bridge::app::{App, inbox::Relays};
use lambda_runtime::LambdaEvent;

use super::aws::Cloud;
use crate::cloud::{
    Function, event_function,
    worker::{Worker, WorkerOptions},
};

/// An instance of each function at its queue, with nothing in common with the others but the stores.
#[derive(Clone)]
pub(crate) struct Employee {
    pub app: Arc<App>,
    pub relays: Arc<Relays>,
    /// Contact sync's and the relay's.
    pub workers: [Worker; 2],
}

/// How long one invocation may take, as in the template.
const TIMEOUT: Duration = Duration::from_mins(1);

impl Employee {
    /// `batch` is the most messages of one invocation.
    pub fn new(app: Arc<App>, relays: Arc<Relays>, cloud: &Cloud, batch: usize) -> Self {
        let options = || WorkerOptions { batch_size: batch, ..WorkerOptions::default() };
        let workers = [
            Worker::new(&cloud.queue, contact_sync_of(Arc::clone(&app)), options()),
            Worker::new(&cloud.message_queue, inbox_relay_of(Arc::clone(&relays)), options()),
        ];
        Self { app, relays, workers }
    }
}

/// Contact sync as its queue calls it.
fn contact_sync_of(app: Arc<App>) -> Function {
    event_function(move |event: LambdaEvent<_>| {
        let app = Arc::clone(&app);
        async move { contact_sync::handle(&app, event.payload, TIMEOUT).await }
    })
}

/// The relay as its queue calls it.
fn inbox_relay_of(relays: Arc<Relays>) -> Function {
    event_function(move |event: LambdaEvent<_>| {
        let relays = Arc::clone(&relays);
        async move { inbox_relay::handle(&relays, event.payload).await }
    })
}
