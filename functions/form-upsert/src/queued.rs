//! Submissions from the queue.

use std::{collections::BTreeMap, time::Duration};

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use contact_bridge::{
    app::forms::FormApp,
    flows::form::End,
    model::submission::Submission,
    ports::{StoreError, StoreResult},
};
use futures::future::join_all;
use tracing::{info, warn};

use super::post::PATIENCE;

/// Deals with a batch. A message named as failed is delivered again by the queue; all others are done with.
pub(crate) async fn handle(app: &FormApp, batch: SqsEvent) -> SqsBatchResponse {
    let ends = join_all(batch.records.iter().map(|message| deal_with(app, message))).await;
    let mut tally = BTreeMap::<End, u32>::new();
    let mut response = SqsBatchResponse::default();
    for (message, end) in batch.records.iter().zip(ends) {
        match end {
            Ok(end) => *tally.entry(end).or_default() += 1,
            Err(failure) => {
                warn!(error = %failure, "Left a submission to the queue.");
                let mut failed = BatchItemFailure::default();
                failed.item_identifier = message.message_id.clone().unwrap_or_default();
                response.batch_item_failures.push(failed);
            }
        }
    }
    let count = |end| tally.get(&end).copied().unwrap_or(0);
    let failed = response.batch_item_failures.len();
    info!(done = count(End::Done), later = count(End::Later), dead = count(End::Dead), failed, "Dealt with a batch.");
    response
}

async fn deal_with(app: &FormApp, message: &SqsMessage) -> StoreResult<End> {
    let body = message.body.as_deref().unwrap_or_default();
    let bury = async |reason: &str| -> Result<End, StoreError> { app.means.queue.give_up(body, reason).await.map(|()| End::Dead) };
    let submission: Submission = match serde_json::from_str(body) {
        Ok(submission) => submission,
        Err(unreadable) => return bury(&format!("unreadable: {:?} at column {}", unreadable.classify(), unreadable.column())).await,
    };
    let Some(forms) = app.site(&submission.site).await? else { return bury("the site is not known").await };
    if let Ok(end) = tokio::time::timeout(PATIENCE, forms.work_off(&submission)).await {
        return end;
    }
    // Whatever is still under way is found by whoever takes the submission up again.
    let submission = Submission { attempts: submission.attempts + 1, ..submission };
    forms.hold(&submission, Duration::from_mins(1)).await.map(|()| End::Later)
}
