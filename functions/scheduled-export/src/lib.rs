//! Scheduled export: the timer requests the runs that are due, and each request runs one site for as long as the time allows.
//!
//! A run keeps its own state and is found again whatever happens to its message, so a message is done with once its run has ended or is
//! somebody else's.

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use contact_bridge::{
    app::Exporter,
    model::event::{Event, EventKind},
    ports::StoreResult,
};
use jiff::Timestamp;
use lambda_runtime::Error;
use serde::{Deserialize, de::IgnoredAny};
use tracing::{error, info, warn};

/// What wakes the function.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Wakeup {
    /// Requests, from the queue.
    Requests(SqsEvent),
    /// The timer.
    Timer {
        /// What the schedule calls itself.
        #[serde(rename = "detail-type")]
        detail_type: IgnoredAny,
    },
}

/// What the bus delivers: our event in its envelope.
#[derive(Deserialize)]
struct Envelope {
    detail: Event,
}

/// Requests what is due, or runs what is requested until `deadline` comes near.
///
/// # Errors
/// When the timer's requests could not be published: the next minute brings them again.
pub async fn handle(exporter: &Exporter, wakeup: Wakeup, deadline: Timestamp) -> Result<SqsBatchResponse, Error> {
    let mut response = SqsBatchResponse::default();
    match wakeup {
        Wakeup::Timer { .. } => {
            let requested = exporter.request_due().await?;
            info!(requested, "Looked for due runs.");
        }
        Wakeup::Requests(batch) => {
            for message in &batch.records {
                if !deal_with(exporter, message, deadline).await {
                    let mut failure = BatchItemFailure::default();
                    failure.item_identifier = message.message_id.clone().unwrap_or_default();
                    response.batch_item_failures.push(failure);
                }
            }
        }
    }
    Ok(response)
}

/// Deals with a request; tells whether it is done with. Otherwise the queue delivers it again.
async fn deal_with(exporter: &Exporter, message: &SqsMessage, deadline: Timestamp) -> bool {
    let body = message.body.as_deref().unwrap_or_default();
    let event = match serde_json::from_str::<Envelope>(body) {
        Ok(envelope) => envelope.detail,
        Err(unreadable) => {
            return bury(exporter, body, &format!("unreadable: {:?} at column {}", unreadable.classify(), unreadable.column())).await;
        }
    };
    match run(exporter, &event, deadline).await {
        Ok(()) => true,
        Err(failure) if failure.kind.is_transient() => {
            warn!(site = %event.site, error = %failure, "Left a request to the queue.");
            false
        }
        Err(failure) => {
            error!(site = %event.site, error = %failure, "Gave a request up.");
            bury(exporter, body, &failure.to_string()).await
        }
    }
}

async fn run(exporter: &Exporter, event: &Event, deadline: Timestamp) -> StoreResult<()> {
    if let EventKind::Requested { run, now } = event.kind {
        if now {
            exporter.ask(&event.site, run).await?;
        }
        let ended = exporter.run(&event.site, run, deadline).await?;
        info!(site = %event.site, run = run.name(), ended = ?ended, "Dealt with a request.");
    }
    Ok(())
}

async fn bury(exporter: &Exporter, body: &str, reason: &str) -> bool {
    let buried = exporter.app.means.queue.dead_letter(body, reason).await;
    buried.inspect_err(|failure| error!(error = %failure, "Could not put a message among the dead letters.")).is_ok()
}
