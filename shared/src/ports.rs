//! What the flows need of the world: traits, with the obligations of whoever implements them.

mod forms;
mod inbox;
mod links;
mod listing;
mod runs;
mod subscribers;
mod upload;

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use thiserror::Error;

pub use self::{
    links::{Known, LinkBatches, Made},
    listing::{Listing, ReadMany, Slice, Snapshot},
    runs::{Kept, RunStore, Taken},
    subscribers::{Consents, MailingService, Members, Roll, SubscriberLog},
    upload::{Row, Upload, Whose},
};
use crate::model::{
    contact::{Contact, Found, MatchKey},
    entity::Entity,
    event::Event,
    field::{Field, FieldSpec, Patch},
    ids::{RecordId, Revision, Side, SiteId},
    link::{Cause, Link, Notes, Parked, Reservation, Slot, Tombstone},
    site::Site,
};

pub use self::forms::{Claimed, Reserved, SubmissionStore, Subscriptions};
pub use inbox::{Bus, Claim, ClaimStore, Inbox, MOST_AHEAD, MessageBus, Order, Place, Ticket};

/// What kind of failure a port reports; callers match on this alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The record does not exist.
    NotFound,
    /// Something of that identity exists already; the id of the record that has it, where the vendor tells.
    Exists(Option<RecordId>),
    /// The record, or the item, was changed since it was read.
    Stale,
    /// The vendor refuses the values of these fields; empty where it does not say which.
    Invalid(Vec<Field>),
    /// The vendor refuses the operation on this record for good: a member cannot be deleted, a member's e-mail cannot be changed.
    Forbidden,
    /// The credentials are refused, or lack a scope: a person must act.
    AccessDenied,
    /// Over the vendor's limit: nothing may be sent before this instant.
    Throttled(Timestamp),
    /// A passing failure: timeout, connection, 5xx. The call may or may not have been carried out.
    Unavailable,
    /// The vendor's answer cannot be understood. A write may have been carried out.
    Garbled,
    /// The side has no such operation.
    Unsupported,
    /// The stored item, or the settings, cannot be understood.
    Corrupt,
}

impl ErrorKind {
    /// Tells whether the same call may succeed later without anybody acting.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Stale | Self::Throttled(_) | Self::Unavailable | Self::Garbled)
    }

    /// Tells whether a write that failed like this may have been carried out all the same.
    #[must_use]
    pub const fn is_ambiguous(&self) -> bool {
        matches!(self, Self::Unavailable | Self::Garbled)
    }

    /// Returns the short name used in logs and dead letters.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Exists(_) => "exists",
            Self::Stale => "stale",
            Self::Invalid(_) => "invalid",
            Self::Forbidden => "forbidden",
            Self::AccessDenied => "access_denied",
            Self::Throttled(_) => "throttled",
            Self::Unavailable => "unavailable",
            Self::Garbled => "garbled",
            Self::Unsupported => "unsupported",
            Self::Corrupt => "corrupt",
        }
    }
}

/// A port's failure. Its text names the operation, ids and the vendor's request id, never a value.
#[derive(Debug, Error)]
#[error("{operation}: {}{}", kind.name(), request.as_deref().map(|id| format!(" (request {id})")).unwrap_or_default())]
pub struct StoreError {
    /// What kind of failure.
    pub kind: ErrorKind,
    /// What was tried, with ids: `wix update 2712ae1d`.
    pub operation: String,
    /// The vendor's id of the request, for its support: `x-wix-request-id`, HubSpot's `correlationId`.
    pub request: Option<String>,
    /// The cause below.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl StoreError {
    /// Makes an error without a cause below.
    pub fn new(kind: ErrorKind, operation: impl Into<String>) -> Self {
        Self { kind, operation: operation.into(), request: None, source: None }
    }

    /// Adds the vendor's request id.
    #[must_use]
    pub fn with_request(mut self, request: Option<String>) -> Self {
        self.request = request;
        self
    }

    /// Adds the cause below; its text must be free of contact data and secrets.
    #[must_use]
    pub fn caused_by(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }
}

/// What a port returns.
pub type StoreResult<T> = Result<T, StoreError>;

/// A new record to be made.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The id of the counterpart: written on the new record, so that a half-finished create can be found again.
    pub counterpart: RecordId,
    /// The filled fields.
    pub fields: crate::model::field::Fields,
}

/// A value a record's field had, from the vendor's history.
#[derive(Clone, Debug)]
pub struct PastValue {
    /// The value, `None` for empty.
    pub value: Option<crate::model::field::Value>,
    /// Since when, by the side's clock.
    pub at: Timestamp,
    /// Whether the bridge itself wrote it.
    pub ours: bool,
}

impl PastValue {
    /// Returns the value as the only filled field of a record.
    #[must_use]
    pub fn fields(&self, field: &Field) -> crate::model::field::Fields {
        self.value.iter().map(|value| (field.clone(), value.clone())).collect()
    }
}

/// The fields of a side that people are known by.
#[derive(Clone, Copy, Debug, Default)]
pub struct KnownBy {
    /// Those that hold e-mail addresses.
    pub emails: &'static [&'static str],
    /// Those that hold phone numbers.
    pub phones: &'static [&'static str],
}

/// The contacts of one side of one site.
///
/// After an error whose kind [`ErrorKind::is_ambiguous`] a write may have been carried out; after any other error it was not.
#[async_trait]
pub trait ContactStore: Send + Sync {
    /// Reads one record by id, as it is now: never from an index that lags.
    async fn get(&self, id: &RecordId) -> StoreResult<Found>;

    /// Understands a record that an event enclosed; `None` if it is not whole.
    fn enclosed(&self, entity: &Entity) -> Option<Contact>;

    /// Returns the fields that people are known by, mapped or not.
    fn known_by(&self) -> KnownBy;

    /// Finds records by a key; may miss writes of the last minutes, but what is returned is as it is now. At most ten, oldest first.
    async fn find(&self, key: &MatchKey) -> StoreResult<Vec<Contact>>;

    /// Finds the record that names `counterpart` as its own: an earlier, half-finished create.
    async fn find_counterpart(&self, counterpart: &RecordId) -> StoreResult<Option<Contact>>;

    /// Makes a record and returns it as the side has it. `Exists` if the side holds one of the same identity.
    async fn create(&self, draft: &Draft) -> StoreResult<Contact>;

    /// Changes a record that was just read and returns it as the side has it. Where the side has revisions the write is conditional on
    /// `current`'s, and fails with `Stale`.
    async fn update(&self, current: &Contact, patch: &Patch) -> StoreResult<Contact>;

    /// Writes the id of the counterpart on a record that was just read, and returns the record as the side has it. An id that is there already
    /// is replaced where it is the bridge's key (the CRM), and stays where it is there for people to see (Wix).
    async fn set_counterpart(&self, current: &Contact, counterpart: &RecordId) -> StoreResult<Contact>;

    /// Deletes a record; one that is absent already is deleted.
    async fn delete(&self, id: &RecordId) -> StoreResult<()>;

    /// Erases a person for good, on a privacy request; an absent one is erased.
    async fn erase(&self, id: &RecordId) -> StoreResult<()>;

    /// Merges `loser` into `winner` and returns the merged record, whose id may be new.
    async fn merge(&self, winner: &Contact, loser: &RecordId) -> StoreResult<Contact>;

    /// Returns the values a field had since `since`, oldest first; `Unsupported` where the side keeps no history.
    async fn history(&self, id: &RecordId, field: &Field, since: &Revision) -> StoreResult<Vec<PastValue>>;

    /// Returns the fields of this side, with what they hold.
    async fn schema(&self) -> StoreResult<Vec<FieldSpec>>;

    /// Returns which of these fields the side does not have, as it is now: one that its owner deleted looks empty in every record.
    async fn lacks(&self, fields: &[Field]) -> StoreResult<Vec<Field>>;

    /// Makes what the bridge needs on this side (the unique property, the mirror field) and returns its name; finds it when called again.
    async fn set_up(&self) -> StoreResult<String>;
}

/// A link to be stored or ended, and what becomes of the notes about its records: both or neither, in one transaction.
#[derive(Clone, Copy)]
pub struct Noted<'a> {
    /// The link.
    pub link: &'a Link,
    /// The notes that change; most often none.
    pub notes: &'a Notes,
}

/// The links of all sites, and what guards them. Every write is conditional.
#[async_trait]
pub trait LinkStore: Send + Sync {
    /// Returns what is known of a record. May be a moment old: every write that follows from it is conditional.
    async fn look_up(&self, site: &SiteId, side: Side, id: &RecordId) -> StoreResult<Slot>;

    /// Takes a reservation; `Exists` if the record is linked, or the record or one of the keys is reserved by another and not expired.
    async fn reserve(&self, site: &SiteId, reservation: &Reservation, now: Timestamp) -> StoreResult<()>;

    /// Gives a reservation back; nothing happens if it is another's by now. The keys are kept until they expire when `keep_keys`.
    async fn release(&self, site: &SiteId, reservation: &Reservation) -> StoreResult<()>;

    /// Stores a new link together with its pointer, in one transaction; `Exists` if either record is linked, or reserved by another.
    /// The link's version is stored as it is. Ends `reservation`'s hold on the record; its keys stay until they expire.
    async fn link(&self, site: &SiteId, new: Noted<'_>, reservation: Option<&Reservation>, now: Timestamp) -> StoreResult<()>;

    /// Stores a link again, with its version one higher than what is stored; `Stale` otherwise.
    async fn save(&self, site: &SiteId, new: Noted<'_>) -> StoreResult<()>;

    /// Replaces a link by one between other records (after a merge), in one transaction: `old` must be as stored, or `Stale`; the new
    /// records must be free or `old`'s, or `Exists`. Tombstones with cause `Merged` stay for records that only `old` had.
    async fn repoint(&self, site: &SiteId, old: &Link, new: Noted<'_>, now: Timestamp) -> StoreResult<()>;

    /// Ends a link, leaving a tombstone for both its records, in one transaction; `Stale` if it changed. Each tombstone names the other
    /// record as its counterpart, unless the cause is of an erasure.
    async fn bury(&self, site: &SiteId, ended: Noted<'_>, at: Timestamp, cause: Cause) -> StoreResult<()>;

    /// Leaves a tombstone for a record that has no link; keeps an older one that does not give way to it ([`Cause::gives_way_to`]). `Stale` if it is linked, or reserved at
    /// the tombstone's instant: then its counterpart is being made.
    async fn entomb(&self, site: &SiteId, side: Side, id: &RecordId, tombstone: &Tombstone) -> StoreResult<()>;

    /// Takes a tombstone away, because a person brought the record back; one of an erasure stays.
    async fn exhume(&self, site: &SiteId, side: Side, id: &RecordId) -> StoreResult<()>;

    /// Counts the site's links, but not beyond `at_most`.
    async fn count_links(&self, site: &SiteId, at_most: u32) -> StoreResult<u32>;

    /// Returns the site's links, a page at a time, for people and checks; `after` continues behind the last one of the page before.
    async fn list_links(&self, site: &SiteId, after: Option<&RecordId>) -> StoreResult<Vec<Link>>;

    /// Tells whether anything is kept that goes by the ids of one account of the CRM: links, what is being made at `now`, and tombstones and notes
    /// of its records. Erasures do not count, as they outlive even the site.
    async fn knows_account(&self, site: &SiteId, now: Timestamp) -> StoreResult<bool>;

    /// Counts one more propagated delete, unless `limit` are counted in the sixty minutes before `now`; tells whether it was counted.
    async fn spend_delete(&self, site: &SiteId, now: Timestamp, limit: u32) -> StoreResult<bool>;

    /// Notes that a record without a link waits for a person; replaces an earlier note on the same record. `Exists` if it is linked.
    async fn park(&self, site: &SiteId, parked: &Parked) -> StoreResult<()>;

    /// Takes the note on a record away, unless it is linked: then the note is the link's.
    async fn unpark(&self, site: &SiteId, side: Side, id: &RecordId) -> StoreResult<()>;

    /// Returns what waits for a person.
    async fn parked(&self, site: &SiteId) -> StoreResult<Vec<Parked>>;

    /// Notes that nothing may be sent to a side before `until`; an earlier, later instant stays.
    async fn cool_down(&self, site: &SiteId, side: Side, until: Timestamp) -> StoreResult<()>;

    /// Returns until when nothing may be sent to a side, if that is after `now`.
    async fn cooling_down(&self, site: &SiteId, side: Side, now: Timestamp) -> StoreResult<Option<Timestamp>>;
}

/// What a worker has to know of a site before it looks at an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// The settings.
    pub site: Site,
    /// Until when nothing may be sent to one side or the other, if that is still to come.
    pub cooling_down: Option<Timestamp>,
    /// Until when a scheduled run may use up the vendors' budgets, if one claims them.
    pub claimed_until: Option<Timestamp>,
}

/// The sites and their settings.
#[async_trait]
pub trait SiteStore: Send + Sync {
    /// Returns a site's settings.
    async fn site(&self, site: &SiteId) -> StoreResult<Option<Site>>;

    /// Returns a site's settings, and whether it is cooling down or its budgets are claimed at `now`, in one read. May be a moment old.
    async fn standing(&self, site: &SiteId, now: Timestamp) -> StoreResult<Option<Standing>>;

    /// Stores a site's settings with `site.version` one higher than what is stored (1 for a new site); `Stale` otherwise.
    async fn save_site(&self, site: &Site) -> StoreResult<()>;

    /// Returns all sites.
    async fn sites(&self) -> StoreResult<Vec<Site>>;

    /// Deletes everything stored about a site but its erasure tombstones.
    async fn purge(&self, site: &SiteId) -> StoreResult<()>;
}

/// Where webhook intake hands events over.
#[async_trait]
pub trait EventBus: Send + Sync {
    /// Publishes events; returns only when the bus has taken every one of them.
    async fn publish(&self, events: &[Event]) -> StoreResult<()>;
}

/// The queue a worker is fed its jobs from, and the dead letters of it. It is encrypted, and keeps nothing for ever.
#[async_trait]
pub trait Queue<T>: Send + Sync {
    /// Puts a job into the queue, to be delivered after `delay` (at most 15 minutes are honoured at a time).
    async fn put_back(&self, job: &T, delay: Duration) -> StoreResult<()>;

    /// Puts a job among the dead letters, with the reason in a field, in a form that can be moved back into the queue.
    async fn give_up(&self, job: &T, reason: &str) -> StoreResult<()>;

    /// Puts a message that is no job among the dead letters, as it came.
    async fn give_up_unread(&self, body: &str, reason: &str) -> StoreResult<()>;
}

/// Secrets by name.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// Returns a secret, perhaps as it was some minutes ago; `NotFound` if there is none of that name.
    async fn secret(&self, name: &str) -> StoreResult<secrecy::SecretString>;

    /// Returns a secret as it is now: the one at hand was refused, and a person or another worker may have replaced it.
    async fn fresh_secret(&self, name: &str) -> StoreResult<secrecy::SecretString> {
        self.secret(name).await
    }
}

/// The clock, injected everywhere.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Returns now.
    fn now(&self) -> Timestamp;

    /// Waits; a test's clock moves instead.
    async fn sleep(&self, duration: Duration);
}
