//! Links, many at a time.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreResult;
use crate::model::{
    ids::{RecordId, Side, SiteId},
    link::{Link, Notes, Parked, Reservation, Slot},
    run::FailedRow,
};

/// Everything the store knows of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its link, or what stands in for it. A reservation whose time is over still shows.
    pub slot: Slot,
    /// The note on it, where it is not linked.
    pub parked: Option<Parked>,
    /// The failed row of it, where it is not linked.
    pub failed: Option<FailedRow>,
}

/// A link of a pair that was just made, to be stored under the reservation of its source.
#[derive(Clone, Debug)]
pub struct Made {
    /// The link.
    pub link: Link,
    /// The notes that change with it.
    pub notes: Notes,
    /// The reservation.
    pub reservation: Reservation,
}

/// What [`super::LinkStore`] does, for many records in few calls. Each record stands and falls alone.
#[async_trait]
pub trait LinkBatches: Send + Sync {
    /// Returns what is known of each record, in the order of `ids`. May be a moment old.
    async fn look_up_many(&self, site: &SiteId, side: Side, ids: &[RecordId]) -> StoreResult<Vec<Known>>;

    /// Takes reservations, and tells of each whether it is taken: not if the record is linked, or it or one of its keys is reserved by another,
    /// or it ended. No two of them may have a key in common.
    async fn reserve_many(&self, site: &SiteId, reservations: &[Reservation], now: Timestamp) -> StoreResult<Vec<bool>>;

    /// Gives reservations back, with their keys; those that are another's by now stay.
    async fn release_many(&self, site: &SiteId, reservations: &[Reservation]) -> StoreResult<()>;

    /// Stores new links and what is noted of them, and tells of each whether it is stored: not if either record is linked, or reserved by
    /// another. Ends the reservations' hold on the records; their keys stay until they expire.
    async fn link_many(&self, site: &SiteId, links: &[Made], now: Timestamp) -> StoreResult<Vec<bool>>;
}
