//! Submissions from the queue.

use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use contact_bridge::{
    app::forms::FormApp,
    flows::queue::{End, tally, unreadable},
    model::submission::Submission,
    ports::StoreResult,
};
use futures::future::join_all;
use tracing::warn;

use super::post::PATIENCE;

/// Deals with a batch. A message named as failed is delivered again by the queue; all others are done with.
pub(crate) async fn handle(app: &FormApp, batch: SqsEvent) -> SqsBatchResponse {
    let ends = join_all(batch.records.iter().map(|message| deal_with(app, message))).await;
    let ends = ends.into_iter().map(|end| {
        end.unwrap_or_else(|failure| {
            warn!(error = %failure, "Left a submission to the queue.");
            End::Failed
        })
    });
    let mut response = SqsBatchResponse::default();
    for failed in tally(batch.records.iter().map(|message| message.message_id.as_deref()).zip(ends)) {
        response.add_failure(failed);
    }
    response
}

async fn deal_with(app: &FormApp, message: &SqsMessage) -> StoreResult<End> {
    let body = message.body.as_deref().unwrap_or_default();
    let give_up = async |reason: &str| app.means.queue.give_up_unread(body, reason).await.map(|()| End::Dead);
    let submission: Submission = match serde_json::from_str(body) {
        Ok(submission) => submission,
        Err(why) => return give_up(&unreadable(&why)).await,
    };
    let Some(forms) = app.site(&submission.site).await? else { return give_up("the site is not known").await };
    if let Ok(end) = tokio::time::timeout(PATIENCE, forms.work_off(&submission)).await {
        return end;
    }
    // Whatever is still under way is found by whoever takes the submission up again.
    let submission = Submission { attempts: submission.attempts + 1, ..submission };
    forms.hold(&submission, Duration::from_mins(1)).await.map(|()| End::Later)
}
