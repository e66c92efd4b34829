//! A ticked box becomes a subscription, after its proof is stored.

use super::{Forms, Stop, job::Job};
use crate::{
    model::{
        normal,
        submission::{ConsentProof, Subscribed},
        subscription::SubscriptionStatus,
    },
    ports::{ErrorKind, StoreError},
    sync::consent::{self, Consent},
};

impl Forms {
    /// Subscribes the address of a submission whose box was ticked; `None` if it was not.
    pub(super) async fn consent(&self, job: &Job<'_>) -> Result<Option<Subscribed>, Stop> {
        let Some(consent) = job.form.consent.as_ref().filter(|_| job.submission.consent) else { return Ok(None) };
        let Some(email) = job.email() else { return Ok(Some(Subscribed::NoAddress)) };
        let proof = ConsentProof {
            address: self.key.digest("consent", &normal::email(email)),
            form: job.submission.form.clone(),
            submission: job.submission.id.clone(),
            at: job.submission.at,
            text_version: consent.text_version.clone(),
        };
        self.submissions.prove(&self.site.site, &proof).await?;
        let known = self.subscriptions.subscription(email).await?;
        match consent::decide(&known, job.submission.at, consent.resubscribe) {
            Consent::Leave(subscribed) => Ok(Some(subscribed)),
            Consent::Subscribe => Ok(Some(declined(self.subscriptions.subscribe(email, &known).await)?)),
        }
    }
}

/// Reads the answer to a wish to subscribe: Wix may decline it aloud or without a word.
fn declined(answer: Result<crate::model::subscription::Subscription, StoreError>) -> Result<Subscribed, StoreError> {
    match answer {
        Ok(now) if now.status == SubscriptionStatus::Subscribed => Ok(Subscribed::Subscribed),
        Ok(now) if now.status == SubscriptionStatus::Pending => Ok(Subscribed::Pending),
        Ok(_) => Ok(Subscribed::Refused),
        Err(error) if matches!(error.kind, ErrorKind::Forbidden | ErrorKind::Invalid(_)) => Ok(Subscribed::Refused),
        Err(error) => Err(error),
    }
}
