//! Links in memory.

use std::ops::Bound;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{
    Store,
    state::{Held, OfSite},
};
use crate::{
    model::{
        ids::{RecordId, Side, SiteId},
        link::{Cause, Link, Parked, Reservation, Slot, Tombstone},
    },
    ports::{ErrorKind, LinkStore, Noted, StoreError, StoreResult},
};

/// How many links a page of [`LinkStore::list_links`] has.
const PAGE: usize = 100;

fn refuse<T>(kind: ErrorKind, operation: &str, id: &RecordId) -> StoreResult<T> {
    refuse_as(kind, format!("{operation} {id}"))
}

pub(super) fn refuse_as<T>(kind: ErrorKind, operation: String) -> StoreResult<T> {
    Err(StoreError::new(kind, operation))
}

/// Tells whether somebody else holds a reservation that has not expired.
pub(super) fn is_held(held: Option<&Held>, owner: Option<&str>, now: Timestamp) -> bool {
    held.is_some_and(|held| held.until > now && Some(held.owner.as_str()) != owner)
}

impl OfSite {
    fn is_as_stored(&self, link: &Link, version: u64) -> bool {
        let stored = self.links.get(link.id(Side::Wix));
        stored.is_some_and(|stored| stored.version == version && stored.id(Side::External) == link.id(Side::External))
    }
}

#[async_trait]
impl LinkStore for Store {
    async fn look_up(&self, site: &SiteId, side: Side, id: &RecordId) -> StoreResult<Slot> {
        Ok(self.of_site(site, |own| own.slot(side, id)))
    }

    async fn reserve(&self, site: &SiteId, reservation: &Reservation, now: Timestamp) -> StoreResult<()> {
        self.of_site(site, |own| {
            let Reservation { side, id, keys, owner, until, draft } = reservation;
            let linked = own.link_of(*side, id).is_some();
            let held = is_held(own.reserved.of(*side).get(id), Some(owner), now)
                || keys.iter().any(|key| is_held(own.keys.get(key), Some(owner), now));
            if linked || held {
                return refuse(ErrorKind::Exists(None), "reserve", id);
            }
            let held = Held { owner: owner.clone(), until: *until, draft: None };
            own.reserved.of_mut(*side).insert(id.clone(), Held { draft: draft.clone(), ..held.clone() });
            own.keys.extend(keys.iter().map(|key| (*key, held.clone())));
            Ok(())
        })
    }

    async fn release(&self, site: &SiteId, reservation: &Reservation) -> StoreResult<()> {
        self.of_site(site, |own| {
            let Reservation { side, id, keys, owner, .. } = reservation;
            let ours = |held: Option<&Held>| held.is_some_and(|held| held.owner == *owner);
            if ours(own.reserved.of(*side).get(id)) {
                own.reserved.of_mut(*side).remove(id);
            }
            own.keys.retain(|key, held| !(keys.contains(key) && ours(Some(held))));
            Ok(())
        })
    }

    async fn link(&self, site: &SiteId, new: Noted<'_>, reservation: Option<&Reservation>, now: Timestamp) -> StoreResult<()> {
        self.of_site(site, |own| {
            let owner = reservation.map(|reservation| reservation.owner.as_str());
            for side in Side::BOTH {
                let id = new.link.id(side);
                if own.link_of(side, id).is_some() || is_held(own.reserved.of(side).get(id), owner, now) {
                    return refuse(ErrorKind::Exists(None), "link", id);
                }
            }
            own.insert(new);
            Ok(())
        })
    }

    async fn save(&self, site: &SiteId, new: Noted<'_>) -> StoreResult<()> {
        self.of_site(site, |own| {
            let is_next = new.link.version.checked_sub(1).is_some_and(|before| own.is_as_stored(new.link, before));
            if !is_next {
                return refuse(ErrorKind::Stale, "save link", new.link.id(Side::Wix));
            }
            own.insert(new);
            Ok(())
        })
    }

    async fn repoint(&self, site: &SiteId, old: &Link, new: Noted<'_>, now: Timestamp) -> StoreResult<()> {
        self.of_site(site, |own| {
            if !own.is_as_stored(old, old.version) {
                return refuse(ErrorKind::Stale, "re-point link", old.id(Side::Wix));
            }
            for side in Side::BOTH {
                let id = new.link.id(side);
                let taken = old.id(side) != id && (own.link_of(side, id).is_some() || is_held(own.reserved.of(side).get(id), None, now));
                if taken {
                    return refuse(ErrorKind::Exists(None), "re-point link", id);
                }
            }
            own.remove(old);
            own.insert(new);
            for side in Side::BOTH.into_iter().filter(|side| old.id(*side) != new.link.id(*side)) {
                own.entomb(side, old.id(side), Tombstone { at: now, cause: Cause::Merged, counterpart: None });
            }
            Ok(())
        })
    }

    async fn bury(&self, site: &SiteId, ended: Noted<'_>, at: Timestamp, cause: Cause) -> StoreResult<()> {
        let link = ended.link;
        self.of_site(site, |own| {
            if !own.is_as_stored(link, link.version) {
                return refuse(ErrorKind::Stale, "bury link", link.id(Side::Wix));
            }
            own.remove(link);
            own.note(ended.notes);
            for side in Side::BOTH {
                let counterpart = (!cause.is_of_erasure()).then(|| link.id(side.opposite()).clone());
                own.entomb(side, link.id(side), Tombstone { at, cause, counterpart });
            }
            Ok(())
        })
    }

    async fn entomb(&self, site: &SiteId, side: Side, id: &RecordId, tombstone: &Tombstone) -> StoreResult<()> {
        self.of_site(site, |own| {
            if own.link_of(side, id).is_some() || is_held(own.reserved.of(side).get(id), None, tombstone.at) {
                return refuse(ErrorKind::Stale, "entomb", id);
            }
            own.entomb(side, id, tombstone.clone());
            Ok(())
        })
    }

    async fn exhume(&self, site: &SiteId, side: Side, id: &RecordId) -> StoreResult<()> {
        self.of_site(site, |own| {
            if own.gone.of(side).get(id).is_some_and(|stored| !stored.cause.is_of_erasure()) {
                own.gone.of_mut(side).remove(id);
            }
        });
        Ok(())
    }

    async fn count_links(&self, site: &SiteId, at_most: u32) -> StoreResult<u32> {
        Ok(self.of_site(site, |own| u32::try_from(own.links.len()).unwrap_or(u32::MAX).min(at_most)))
    }

    async fn list_links(&self, site: &SiteId, after: Option<&RecordId>) -> StoreResult<Vec<Link>> {
        Ok(self.of_site(site, |own| {
            let behind = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
            own.links.range::<RecordId, _>(behind).take(PAGE).map(|(_, link)| link.clone()).collect()
        }))
    }

    async fn knows_account(&self, site: &SiteId, now: Timestamp) -> StoreResult<bool> {
        Ok(self.of_site(site, |own| {
            !own.links.is_empty()
                || Side::BOTH.into_iter().flat_map(|side| own.reserved.of(side).values()).any(|held| held.until > now)
                || own.gone.of(Side::External).values().any(|tombstone| !tombstone.cause.is_of_erasure())
                || own.parked.keys().any(|(side, _)| *side == Side::External)
        }))
    }

    async fn spend_delete(&self, site: &SiteId, now: Timestamp, limit: u32) -> StoreResult<bool> {
        Ok(self.of_site(site, |own| own.deletes.spend(now, limit)))
    }

    async fn park(&self, site: &SiteId, parked: &Parked) -> StoreResult<()> {
        self.of_site(site, |own| {
            if own.link_of(parked.side, &parked.id).is_some() {
                return refuse(ErrorKind::Exists(None), "park", &parked.id);
            }
            own.parked.insert((parked.side, parked.id.clone()), parked.clone());
            Ok(())
        })
    }

    async fn unpark(&self, site: &SiteId, side: Side, id: &RecordId) -> StoreResult<()> {
        self.of_site(site, |own| {
            if own.link_of(side, id).is_none() {
                own.parked.remove(&(side, id.clone()));
            }
        });
        Ok(())
    }

    async fn parked(&self, site: &SiteId) -> StoreResult<Vec<Parked>> {
        Ok(self.of_site(site, |own| own.parked.values().cloned().collect()))
    }

    async fn cool_down(&self, site: &SiteId, side: Side, until: Timestamp) -> StoreResult<()> {
        self.of_site(site, |own| {
            let stored = own.cool.entry(side).or_insert(until);
            *stored = (*stored).max(until);
        });
        Ok(())
    }

    async fn cooling_down(&self, site: &SiteId, side: Side, now: Timestamp) -> StoreResult<Option<Timestamp>> {
        Ok(self.of_site(site, |own| own.cool.get(&side).copied().filter(|until| *until > now)))
    }
}
