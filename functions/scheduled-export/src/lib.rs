//! Scheduled export: the timer wakes it every minute to request what is due; its queue feeds it the requests, one site at a time.
//!
//! How a request ends: `flows::queue`.

use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use contact_bridge::{
    app::Exporter,
    flows::queue::{Desk, End, Patience, tally},
    model::event::{Event, EventKind},
    ports::StoreResult,
};
use jiff::Timestamp;
use lambda_runtime::Error;
use serde::{Deserialize, de::IgnoredAny};
use tracing::info;

/// With the growing delay that is about a day. What is given up is requested again by the timer.
const PATIENCE: Patience = Patience { tries: 100, longest: Duration::from_mins(15) };

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
            let mut ends = Vec::with_capacity(batch.records.len());
            for message in &batch.records {
                ends.push((message.message_id.as_deref(), deal_with(exporter, message, deadline).await));
            }
            for failed in tally(ends) {
                response.add_failure(failed);
            }
        }
    }
    Ok(response)
}

async fn deal_with(exporter: &Exporter, message: &SqsMessage, deadline: Timestamp) -> End {
    let means = &exporter.app.means;
    let desk = Desk { queue: means.queue.as_ref(), clock: means.clock.as_ref(), patience: PATIENCE };
    let body = message.body.as_deref().unwrap_or_default();
    let event = match serde_json::from_str::<Envelope>(body) {
        Ok(envelope) => envelope.detail,
        Err(why) => return desk.give_up_unreadable(body, &why).await,
    };
    match run(exporter, &event, deadline).await {
        Ok(()) => End::Done,
        Err(failure) => desk.failed(event, failure).await,
    }
}

async fn run(exporter: &Exporter, event: &Event, deadline: Timestamp) -> StoreResult<()> {
    let (run, now) = match &event.kind {
        EventKind::Requested { run, now } => (*run, *now),
        EventKind::SubscriptionChanged { address } => return exporter.subscription_changed(&event.site, address).await,
        _ => return Ok(()),
    };
    if now {
        exporter.ask(&event.site, run).await?;
    }
    let ended = exporter.run(&event.site, run, deadline).await?;
    info!(site = %event.site, run = run.name(), ended = ?ended, "Dealt with a request.");
    Ok(())
}
