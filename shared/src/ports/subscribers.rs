//! What the sync of e-mail subscribers needs of the world.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{ErrorKind, StoreResult};
use crate::model::{
    contact::Contact,
    field::Field,
    fingerprint::Digest,
    ids::SiteId,
    listing::{Ask, Page},
    subscriber::{Address, Entry, Lowered, Member, Remembered},
    subscription::{Subscription, SubscriptionStatus},
};

/// Members of a mailing list to be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roll {
    /// Only those that changed at or after this instant.
    pub since: Option<Timestamp>,
    /// Those that were taken off the list instead of those on it.
    pub archived: bool,
    /// How many of them to skip.
    pub offset: usize,
}

/// A page of members.
#[derive(Clone, Debug)]
pub struct Members {
    /// The members.
    pub rows: Vec<Member>,
    /// How many there are in all that were asked for.
    pub total: usize,
    /// When the page was listed, at the latest, by the service's clock.
    pub as_of: Timestamp,
}

/// A mailing list of a mailing service.
///
/// None of its operations raises the status of an address that the list has.
#[async_trait]
pub trait MailingService: Send + Sync {
    /// Returns the names of the list's fields.
    async fn fields(&self) -> StoreResult<Vec<String>>;

    /// Lists members, oldest first. May lag behind writes by minutes, and may miss some where others come and go meanwhile.
    async fn members(&self, roll: &Roll) -> StoreResult<Members>;

    /// Reads one member as it is now; nothing if the list never had the address.
    async fn member(&self, address: &Address) -> StoreResult<Option<Member>>;

    /// The most entries that can be added at a time.
    fn most_added(&self) -> usize;

    /// Adds addresses that the list does not have: as subscribed, or as asked to confirm where the list wants that. One outcome for each, in
    /// their order: `Exists` where the list has it, which then stays as it is in all respects, `Forbidden` where the service does not take the
    /// address for good, `Invalid` where it refuses what it was sent.
    async fn add(&self, entries: &[Entry]) -> StoreResult<Vec<Result<(), ErrorKind>>>;

    /// Changes fields and tags of an address that the list has, whatever its status, and returns it as it then is; nothing, and adds nobody, where
    /// the list does not have it. `Forbidden` and `Invalid` as in [`MailingService::add`].
    async fn put(&self, entry: &Entry) -> StoreResult<Option<Member>>;

    /// Unsubscribes an address; one that the list does not have, or that gets no mails, is unsubscribed.
    async fn opt_out(&self, address: &Address) -> StoreResult<()>;
}

/// The e-mail subscriptions of a Wix site, many at a time, and lowered where somebody opted out elsewhere.
#[async_trait]
pub trait Consents: Send + Sync {
    /// Reads what is known of addresses, in their order; of one that was never heard of nothing is set. As it is now, not from an index.
    async fn subscriptions(&self, addresses: &[Address]) -> StoreResult<Vec<Subscription>>;

    /// Lowers what was just read of an address, leaving all else as it is, and returns what is known of it then.
    async fn lower(&self, address: &Address, known: &Subscription, to: Lowered) -> StoreResult<Subscription>;

    /// Finds contacts by their primary addresses. May lag behind writes by minutes.
    async fn contacts_of(&self, addresses: &[Address]) -> StoreResult<Vec<Contact>>;

    /// Lists contacts whose address has this status, as [`super::Listing::page`] does, with these fields, their addresses and their labels.
    /// What a contact shows of its address may lag.
    async fn contacts(&self, ask: &Ask, status: SubscriptionStatus, fields: &[Field]) -> StoreResult<Page>;
}

/// What is remembered of addresses, by their keyed digests.
#[async_trait]
pub trait SubscriberLog: Send + Sync {
    /// Reads what is remembered of addresses, in their order.
    async fn remembered(&self, site: &SiteId, addresses: &[Digest]) -> StoreResult<Vec<Remembered>>;

    /// Stores what is remembered of an address with its version one higher than what is stored; `Stale` otherwise.
    async fn remember(&self, site: &SiteId, address: &Digest, known: &Remembered) -> StoreResult<()>;
}
