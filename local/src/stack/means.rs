//! What the other functions stand on: as much of the bridge's means as they need.

use std::sync::Arc;

use contact_bridge::{
    app::{
        App, Exporter, Means, Pace,
        forms::{FormApp, FormMeans},
        inbox::RelayMeans,
    },
    model::{message::Message, submission::Submission},
    ports::{self, ClaimStore, StoreResult, SubmissionStore},
};

use super::{
    aws::{Cloud, Stores},
    door::form_function,
};
use crate::cloud::{
    queue::Queue,
    worker::{Worker, WorkerOptions},
};

/// As in `template.yaml`.
const MAX_FORM_BYTES: usize = 256 * 1024;

/// The same means as the bridge's, as far as forms need them.
pub(crate) fn form_means(means: &Means, submissions: Arc<dyn SubmissionStore>, queue: Arc<dyn ports::Queue<Submission>>) -> FormMeans {
    FormMeans {
        sites: means.sites.clone(),
        submissions,
        links: means.links.clone(),
        queue,
        secrets: means.secrets.clone(),
        clock: means.clock.clone(),
        fingerprint_secret: means.fingerprint_secret.clone(),
        wix: means.vendors.wix.clone(),
        max_body_bytes: MAX_FORM_BYTES,
    }
}

/// The same means as the bridge's, as far as the relay needs them.
pub(crate) fn relay_means(means: &Means, claims: Arc<dyn ClaimStore>, queue: Arc<dyn ports::Queue<Message>>) -> RelayMeans {
    RelayMeans {
        sites: means.sites.clone(),
        claims,
        links: means.links.clone(),
        queue,
        secrets: means.secrets.clone(),
        clock: means.clock.clone(),
        fingerprint_secret: means.fingerprint_secret.clone(),
        wix: means.vendors.wix.clone(),
    }
}

/// Scheduled export, with nothing in common with contact sync but the stores.
pub(crate) fn exporter(means: &Means, stores: &Stores, cloud: &Cloud) -> StoreResult<Arc<Exporter>> {
    let means = Means { queue: cloud.export_queue(), ..means.clone() };
    Ok(Arc::new(Exporter {
        app: App::new(means)?.at(Pace::Bulk),
        batches: stores.batches.clone(),
        log: stores.log.clone(),
        bus: cloud.publisher(),
    }))
}

/// The taking in of forms at its queue.
pub(crate) fn form_worker(app: &Arc<FormApp>, queue: &Queue) -> Worker {
    let app = Arc::clone(app);
    Worker::new(queue, form_function(move || Some(Arc::clone(&app))), WorkerOptions::default())
}
