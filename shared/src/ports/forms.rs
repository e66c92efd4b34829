//! What the flow of forms needs of the world.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreResult;
use crate::model::{
    fingerprint::Digest,
    ids::{FormId, RecordId, SiteId, SubmissionId},
    submission::{Claim, ConsentProof, Effect, Progress, Record},
    subscription::Subscription,
};

/// What came of asking for the right to deal with a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// The caller has it.
    Taken,
    /// Somebody else has it until then.
    Busy(Timestamp),
    /// The submission is dealt with.
    Done(Effect),
}

/// What came of asking for the right to make a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reserved {
    /// The caller has it.
    Taken,
    /// Somebody else has it until then.
    Busy(Timestamp),
    /// The contact was made a moment ago.
    Made(RecordId),
}

/// What is remembered of submissions, and the rights to deal with them. Holds no value of a contact: ids and keyed digests alone.
#[async_trait]
pub trait SubmissionStore: Send + Sync {
    /// Takes the right to deal with a submission, unless another holds it, or it is done and not new (`claim.anew_since`). One that was
    /// given up can be claimed again. A claim that is taken makes the submission pending.
    async fn claim(&self, site: &SiteId, claim: &Claim, now: Timestamp) -> StoreResult<Claimed>;

    /// Takes the exclusive right to make the contact with these addresses, until `claim.until`: all of them or none.
    async fn reserve_addresses(&self, site: &SiteId, claim: &Claim, keys: &[Digest], now: Timestamp) -> StoreResult<Reserved>;

    /// Stores what became of a submission and ends the claim; `Stale` if another holds it by now. Where it is done, `reserved` addresses
    /// lead to its contact for ten minutes, longer than the vendor's search lags; else they are given back.
    async fn settle(&self, site: &SiteId, claim: &Claim, progress: &Progress, reserved: &[Digest]) -> StoreResult<()>;

    /// Returns what is remembered of a submission.
    async fn submission(&self, site: &SiteId, id: &SubmissionId) -> StoreResult<Option<Record>>;

    /// Keeps the proof of a consent; the same one again changes nothing.
    async fn prove(&self, site: &SiteId, proof: &ConsentProof) -> StoreResult<()>;

    /// Counts one more post to a form from this address within the minute of `now`, unless `limit` are counted already; tells whether it
    /// was counted. Exact, however many workers count.
    async fn count_post(&self, site: &SiteId, form: &FormId, from: &Digest, limit: u32, now: Timestamp) -> StoreResult<bool>;
}

/// The e-mail subscriptions of one side of one site.
#[async_trait]
pub trait Subscriptions: Send + Sync {
    /// Reads what is known of an address; one that was never heard of is not set.
    async fn subscription(&self, email: &str) -> StoreResult<Subscription>;

    /// Subscribes an address that was just read, leaving all else as it is; returns what is known of it then, for a side may decline
    /// without saying so.
    async fn subscribe(&self, email: &str, known: &Subscription) -> StoreResult<Subscription>;
}
