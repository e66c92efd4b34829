//! The link store of a history: a real one, with an await point before and after each operation, and planted bugs.

use async_trait::async_trait;
use contact_bridge::{
    mapping::Mapping,
    model::{
        fingerprint::Key,
        ids::{RecordId, RowId, Side, SiteId},
        link::{Cause, Intent, IntentRow, Link, Parked, Reservation, Slot, Tombstone},
    },
    ports::{ErrorKind, LinkStore, Noted, StoreResult},
    sync::recover::{Fate, Unfinished},
};
use jiff::Timestamp;

use super::{
    backend::Backend,
    executor::point,
    plants::Plant,
    vendor::contact,
    world::{Shared, lock},
};

/// A link store with await points.
pub struct Pausing {
    /// The store below.
    pub below: Backend,
    /// The world: it traces and witnesses what is stored.
    pub world: Shared,
    /// The site's mapping and fingerprint key, for a planted bug.
    pub known: (Mapping, Key),
    /// How many deletes the site lets pass in an hour.
    pub rail: u32,
    /// The planted bug, if any.
    pub plant: Plant,
}

macro_rules! paused {
    ($self:ident.$operation:ident($($argument:expr),*) of $subject:expr) => {
        paused!($self.$operation($($argument),*) of $subject, |_world, _value| ())
    };
    ($self:ident.$operation:ident($($argument:expr),*) of $subject:expr, |$world:ident, $value:pat_param| $witness:expr) => {{
        point().await;
        let result = $self.below.finish($self.below.links.$operation($($argument),*));
        {
            let mut $world = lock(&$self.world);
            $world.trace((stringify!($operation), $subject.as_str(), result.as_ref().err().map(|error| error.kind.name())));
            if let Ok($value) = &result {
                $witness;
            }
        }
        point().await;
        result
    }};
}

impl Pausing {
    fn stored(&self, site: &SiteId, link: &Link) -> Option<Link> {
        match self.below.finish(self.below.links.look_up(site, Side::Wix, link.id(Side::Wix))) {
            Ok(Slot::Linked(stored)) => Some(*stored),
            _ => None,
        }
    }

    /// Settles an unfinished write as if one row that has arrived showed that all have.
    fn by_coincidence(&self, link: Link) -> Link {
        let Some(intent) = link.intent.clone() else { return link };
        let world = lock(&self.world);
        let there = world.sides.of(intent.side).present(link.id(intent.side));
        let expired = intent.until <= world.instant();
        let (Some(there), true) = (there.map(|record| contact(intent.side, link.id(intent.side), record)), expired) else { return link };
        let one = |row: &RowId| Intent { rows: intent.rows.iter().filter(|(own, _)| *own == row).map(own).collect(), ..intent.clone() };
        let arrived =
            |row: &RowId| Unfinished { link: &link, intent: &one(row), key: &self.known.1, mapping: &self.known.0 }.is_whole_in(&there);
        if !intent.rows.keys().any(arrived) {
            return link;
        }
        let unfinished = Unfinished { link: &link, intent: &intent, key: &self.known.1, mapping: &self.known.0 };
        Link { intent: None, ..unfinished.settle(Fate::Written(None), &there) }
    }
}

fn own((row, wrote): (&RowId, &IntentRow)) -> (RowId, IntentRow) {
    (row.clone(), wrote.clone())
}

/// Tells whether a link differs from the stored one in its versions alone.
fn only_notes_versions(link: &Link, stored: &Link) -> bool {
    let mut same = stored.clone();
    same.version = link.version;
    for side in Side::BOTH {
        same.anchors.of_mut(side).revision.clone_from(&link.anchors.of(side).revision);
    }
    same == *link
}

#[async_trait]
impl LinkStore for Pausing {
    async fn look_up(&self, site: &SiteId, side: Side, id: &RecordId) -> StoreResult<Slot> {
        let slot = paused!(self.look_up(site, side, id) of id)?;
        Ok(match slot {
            Slot::Gone(_) if self.plant == Plant::NoTombstones => Slot::Free,
            Slot::Linked(link) if self.plant == Plant::CoincidenceIsProof => Slot::Linked(Box::new(self.by_coincidence(*link))),
            slot => slot,
        })
    }

    async fn reserve(&self, site: &SiteId, reservation: &Reservation, now: Timestamp) -> StoreResult<()> {
        let result = paused!(self.reserve(site, reservation, now) of reservation.id);
        match result {
            Err(error) if self.plant == Plant::CreateIsNotIdempotent && matches!(error.kind, ErrorKind::Exists(_)) => Ok(()),
            result => result,
        }
    }

    async fn release(&self, site: &SiteId, reservation: &Reservation) -> StoreResult<()> {
        paused!(self.release(site, reservation) of reservation.id)
    }

    async fn link(&self, site: &SiteId, new: Noted<'_>, reservation: Option<&Reservation>, now: Timestamp) -> StoreResult<()> {
        paused!(self.link(site, new, reservation, now) of new.link.id(Side::Wix), |world, ()| world.saw_link(new.link))
    }

    async fn save(&self, site: &SiteId, new: Noted<'_>) -> StoreResult<()> {
        let mut link = new.link.clone();
        match self.plant {
            Plant::NoIntent => link.intent = None,
            Plant::SavesUnconditionally => {
                link.intent = None;
                link.version = self.stored(site, &link).map_or(link.version, |stored| stored.version + 1);
            }
            Plant::VersionsAreNotNoted if self.stored(site, &link).is_some_and(|stored| only_notes_versions(&link, &stored)) => {
                return Ok(());
            }
            _ => {}
        }
        let new = Noted { link: &link, ..new };
        paused!(self.save(site, new) of link.id(Side::Wix), |world, ()| world.saw_save(&link))
    }

    async fn repoint(&self, site: &SiteId, old: &Link, new: Noted<'_>, now: Timestamp) -> StoreResult<()> {
        paused!(self.repoint(site, old, new, now) of old.id(Side::Wix), |world, ()| {
            world.saw_end(old);
            world.saw_link(new.link);
        })
    }

    async fn bury(&self, site: &SiteId, ended: Noted<'_>, at: Timestamp, cause: Cause) -> StoreResult<()> {
        paused!(self.bury(site, ended, at, cause) of ended.link.id(Side::Wix), |world, ()| world.saw_end(ended.link))
    }

    async fn entomb(&self, site: &SiteId, side: Side, id: &RecordId, tombstone: &Tombstone) -> StoreResult<()> {
        paused!(self.entomb(site, side, id, tombstone) of id)
    }

    async fn exhume(&self, site: &SiteId, side: Side, id: &RecordId) -> StoreResult<()> {
        paused!(self.exhume(site, side, id) of id)
    }

    async fn count_links(&self, site: &SiteId, at_most: u32) -> StoreResult<u32> {
        paused!(self.count_links(site, at_most) of site)
    }

    async fn knows_account(&self, site: &SiteId, now: Timestamp) -> StoreResult<bool> {
        self.below.links.knows_account(site, now).await
    }

    async fn list_links(&self, site: &SiteId, after: Option<&RecordId>) -> StoreResult<Vec<Link>> {
        self.below.links.list_links(site, after).await
    }

    async fn spend_delete(&self, site: &SiteId, now: Timestamp, limit: u32) -> StoreResult<bool> {
        let limit = if self.plant == Plant::NoRails { u32::MAX } else { limit };
        paused!(self.spend_delete(site, now, limit) of site, |world, allowed| world.saw_rail(*allowed, self.rail))
    }

    async fn park(&self, site: &SiteId, parked: &Parked) -> StoreResult<()> {
        paused!(self.park(site, parked) of parked.id)
    }

    async fn unpark(&self, site: &SiteId, side: Side, id: &RecordId) -> StoreResult<()> {
        paused!(self.unpark(site, side, id) of id)
    }

    async fn parked(&self, site: &SiteId) -> StoreResult<Vec<Parked>> {
        paused!(self.parked(site) of site)
    }

    async fn cool_down(&self, site: &SiteId, side: Side, until: Timestamp) -> StoreResult<()> {
        paused!(self.cool_down(site, side, until) of site)
    }

    async fn cooling_down(&self, site: &SiteId, side: Side, now: Timestamp) -> StoreResult<Option<Timestamp>> {
        self.below.links.cooling_down(site, side, now).await
    }
}
