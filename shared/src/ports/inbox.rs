//! What the relay of messages needs of the world.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{EventBus, StoreResult};
use crate::model::{
    contact::MatchKey,
    fingerprint::Digest,
    ids::{ConversationId, RecordId, SiteId},
    message::{Message, Person},
    post::{Post, Posted},
};

/// Where webhook intake hands messages over.
#[async_trait]
pub trait MessageBus: Send + Sync {
    /// Publishes messages; returns only when the bus has taken every one of them.
    async fn publish_messages(&self, messages: &[Message]) -> StoreResult<()>;
}

/// The whole bus.
pub trait Bus: EventBus + MessageBus {}

impl<T: EventBus + MessageBus + ?Sized> Bus for T {}

/// Which of several contacts comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The one that was created first.
    FirstCreated,
    /// The one that was active last.
    LastActive,
}

/// The contacts and conversations of one site.
///
/// After an error whose kind [`super::ErrorKind::is_ambiguous`] a write may have been carried out; after any other error it was not.
#[async_trait]
pub trait Inbox: Send + Sync {
    /// Finds the contacts that have an address, in this order, at most `most`; may lag behind writes by minutes.
    async fn contacts_of(&self, key: &MatchKey, order: Order, most: usize) -> StoreResult<Vec<RecordId>>;

    /// Makes a contact of a person; `Exists` if there is one with the address already, with its id where the vendor tells.
    async fn add_contact(&self, person: &Person) -> StoreResult<RecordId>;

    /// Returns the conversation with a contact; makes it if there is none. It is another one after the contact was merged, so it is asked for
    /// again before every post.
    async fn conversation_with(&self, contact: &RecordId) -> StoreResult<ConversationId>;

    /// Returns what the bridge posted to a conversation since `since`, oldest first. Sees every post that was acknowledged minutes ago.
    async fn posted(&self, conversation: &ConversationId, since: Timestamp) -> StoreResult<Vec<Posted>>;

    /// Posts to a conversation, as often as it is called, and returns the place of the post, where the vendor tells it. `NotFound` if the conversation was merged away;
    /// `Invalid` if the vendor cannot fetch a picture or a file.
    async fn post(&self, conversation: &ConversationId, post: &Post) -> StoreResult<Option<u64>>;
}

/// The right to post one message, and how far that has come. It holds ids alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Whose it is, a random text; nobody's when the message stands where it belongs.
    pub owner: Option<String>,
    /// Until when nobody else may take it.
    pub until: Timestamp,
    /// Since when the message may have been posted without anybody knowing.
    pub since: Timestamp,
    /// The contacts whose conversations are still to get it; none if that is to be found out again.
    pub left: Vec<RecordId>,
}

/// The place of a message in its line; the smaller one has its turn first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// When it was written.
    pub at: Timestamp,
    /// Which it is of those that were written in the same instant.
    pub order: u64,
    /// Which part of a message it is.
    pub part: u32,
    /// The message.
    pub message: Digest,
}

/// A message that waits in its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Its place.
    pub place: Place,
    /// When it lined up the last time.
    pub since: Timestamp,
}

/// So many tickets ahead are told, however long a line is.
pub const MOST_AHEAD: usize = 100;

/// What keeps messages to once and in order. Every sentence here is a test of the contract.
#[async_trait]
pub trait ClaimStore: Send + Sync {
    /// Returns the claim on a message. Sees every claim that was acknowledged.
    async fn claim(&self, site: &SiteId, message: &Digest) -> StoreResult<Option<Claim>>;

    /// Stores `new` in place of `known`, the claim as it was read or stored last; `Stale` if another is there by now. Neither there may be none.
    /// A claim without an owner is kept for a month and is never replaced. Called again after it was carried out, it is carried out.
    async fn swap_claim(&self, site: &SiteId, message: &Digest, known: Option<&Claim>, new: Option<&Claim>) -> StoreResult<()>;

    /// Notes that one of these posts is that of a message, the first that is no other's, unless one of them is known to be already; `false` if
    /// all are others'. Kept for a month, and never changed.
    async fn own_post(&self, site: &SiteId, places: &[u64], message: &Digest, now: Timestamp) -> StoreResult<bool>;

    /// Puts a ticket into a line, in place of an earlier one of the same place, and returns those ahead of it that lined up after `alive`: the
    /// nearest ones first, at most [`MOST_AHEAD`]. Of two that line up at once, the later sees the earlier or is there before it. A line may be
    /// of any length, and what a call costs does not grow with it.
    async fn line_up(&self, site: &SiteId, line: &Digest, ticket: &Ticket, alive: Timestamp) -> StoreResult<Vec<Ticket>>;

    /// Takes a ticket out of its line.
    async fn step_out(&self, site: &SiteId, line: &Digest, place: &Place) -> StoreResult<()>;
}
