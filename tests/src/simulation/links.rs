//! The link store of a history: a real one, with an await point before and after each operation, and planted bugs.

use std::sync::Arc;

use async_trait::async_trait;
use contact_bridge::{
    model::{
        ids::{RecordId, Side, SiteId},
        link::{Cause, Link, Parked, Reservation, Slot, Tombstone},
    },
    ports::{ErrorKind, LinkStore, StoreResult},
};
use jiff::Timestamp;

use super::{
    executor::point,
    plants::Plant,
    world::{Shared, lock},
};

/// A link store with await points.
pub struct Pausing {
    /// The store below.
    pub below: Arc<dyn LinkStore>,
    /// The world, for its trace.
    pub world: Shared,
    /// The planted bug, if any.
    pub plant: Plant,
}

macro_rules! paused {
    ($self:ident.$operation:ident($site:ident, $($rest:expr),*)) => {{
        point().await;
        let result = $self.below.$operation($site, $($rest),*).await;
        lock(&$self.world).trace((stringify!($operation), result.as_ref().err().map(|error| error.kind.name())));
        point().await;
        result
    }};
}

#[async_trait]
impl LinkStore for Pausing {
    async fn look_up(&self, site: &SiteId, side: Side, id: &RecordId) -> StoreResult<Slot> {
        let slot = paused!(self.look_up(site, side, id))?;
        Ok(if self.plant == Plant::NoTombstones && matches!(slot, Slot::Gone(_)) { Slot::Free } else { slot })
    }

    async fn reserve(&self, site: &SiteId, reservation: &Reservation, now: Timestamp) -> StoreResult<()> {
        let result = paused!(self.reserve(site, reservation, now));
        match result {
            Err(error) if self.plant == Plant::CreateIsNotIdempotent && matches!(error.kind, ErrorKind::Exists(_)) => Ok(()),
            result => result,
        }
    }

    async fn release(&self, site: &SiteId, reservation: &Reservation) -> StoreResult<()> {
        paused!(self.release(site, reservation))
    }

    async fn link(&self, site: &SiteId, link: &Link, reservation: Option<&Reservation>, now: Timestamp) -> StoreResult<()> {
        paused!(self.link(site, link, reservation, now))
    }

    async fn save(&self, site: &SiteId, link: &Link) -> StoreResult<()> {
        let mut link = link.clone();
        if self.plant == Plant::NoIntent {
            link.intent = None;
        }
        if self.plant == Plant::SavesUnconditionally {
            link.intent = None;
            if let Slot::Linked(stored) = self.below.look_up(site, Side::Wix, link.id(Side::Wix)).await? {
                link.version = stored.version + 1;
            }
        }
        paused!(self.save(site, &link))
    }

    async fn repoint(&self, site: &SiteId, old: &Link, new: &Link, now: Timestamp) -> StoreResult<()> {
        paused!(self.repoint(site, old, new, now))
    }

    async fn bury(&self, site: &SiteId, link: &Link, at: Timestamp, cause: Cause) -> StoreResult<()> {
        paused!(self.bury(site, link, at, cause))
    }

    async fn entomb(&self, site: &SiteId, side: Side, id: &RecordId, tombstone: &Tombstone) -> StoreResult<()> {
        paused!(self.entomb(site, side, id, tombstone))
    }

    async fn exhume(&self, site: &SiteId, side: Side, id: &RecordId) -> StoreResult<()> {
        paused!(self.exhume(site, side, id))
    }

    async fn count_links(&self, site: &SiteId, at_most: u32) -> StoreResult<u32> {
        paused!(self.count_links(site, at_most))
    }

    async fn list_links(&self, site: &SiteId, after: Option<&RecordId>) -> StoreResult<Vec<Link>> {
        self.below.list_links(site, after).await
    }

    async fn spend_delete(&self, site: &SiteId, now: Timestamp, limit: u32) -> StoreResult<bool> {
        let allowed = paused!(self.spend_delete(site, now, limit))?;
        Ok(allowed || self.plant == Plant::NoRails)
    }

    async fn park(&self, site: &SiteId, parked: &Parked) -> StoreResult<()> {
        paused!(self.park(site, parked))
    }

    async fn unpark(&self, site: &SiteId, side: Side, id: &RecordId) -> StoreResult<()> {
        paused!(self.unpark(site, side, id))
    }

    async fn parked(&self, site: &SiteId) -> StoreResult<Vec<Parked>> {
        self.below.parked(site).await
    }

    async fn cool_down(&self, site: &SiteId, side: Side, until: Timestamp) -> StoreResult<()> {
        paused!(self.cool_down(site, side, until))
    }

    async fn cooling_down(&self, site: &SiteId, side: Side, now: Timestamp) -> StoreResult<Option<Timestamp>> {
        self.below.cooling_down(site, side, now).await
    }
}
