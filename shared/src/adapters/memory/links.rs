//! The links in memory.

use std::ops::Bound;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Store, shelf::Claim};
use crate::{
    model::{
        ids::{RecordId, Side, SiteId},
        link::{Cause, Link, Parked, Reservation, Slot, Tombstone},
    },
    ports::{ErrorKind, LinkStore, StoreError, StoreResult},
};

/// Links on one page of a listing.
const PAGE: usize = 100;

fn exists(operation: &str, id: &RecordId) -> StoreError {
    StoreError::new(ErrorKind::Exists(None), format!("{operation} {id}"))
}

fn stale(operation: &str, id: &RecordId) -> StoreError {
    StoreError::new(ErrorKind::Stale, format!("{operation} {id}"))
}

#[async_trait]
impl LinkStore for Store {
    async fn look_up(&self, site: &SiteId, side: Side, id: &RecordId) -> StoreResult<Slot> {
        let now = self.clock.now();
        Ok(self.lock().shelves.get(site).map_or(Slot::Free, |shelf| shelf.slot(side, id, now)))
    }

    async fn reserve(&self, site: &SiteId, reservation: &Reservation, now: Timestamp) -> StoreResult<()> {
        let Reservation { side, id, keys, owner, .. } = reservation;
        let mut state = self.lock();
        let shelf = state.shelf(site);
        let barred = shelf.is_taken(*side, id, Some(owner), now) || keys.iter().any(|key| shelf.is_key_taken(key, owner, now));
        if barred {
            return Err(exists("reserve", id));
        }
        shelf.claims.of_mut(*side).insert(id.clone(), Claim::of(reservation));
        shelf.keys.extend(keys.iter().map(|key| (*key, Claim::of(reservation))));
        Ok(())
    }

    async fn release(&self, site: &SiteId, reservation: &Reservation) -> StoreResult<()> {
        let mut state = self.lock();
        let shelf = state.shelf(site);
        let claims = shelf.claims.of_mut(reservation.side);
        if claims.get(&reservation.id).is_some_and(|claim| claim.is_of(reservation)) {
            claims.remove(&reservation.id);
        }
        shelf.keys.retain(|key, claim| !(reservation.keys.contains(key) && claim.is_of(reservation)));
        Ok(())
    }

    async fn link(&self, site: &SiteId, link: &Link, reservation: Option<&Reservation>, now: Timestamp) -> StoreResult<()> {
        let owner = reservation.map(|reservation| reservation.owner.as_str());
        let mut state = self.lock();
        let shelf = state.shelf(site);
        if Side::BOTH.into_iter().any(|side| shelf.is_taken(side, link.id(side), owner, now)) {
            return Err(exists("link", link.id(Side::Wix)));
        }
        shelf.put(link);
        Ok(())
    }

    async fn save(&self, site: &SiteId, link: &Link) -> StoreResult<()> {
        let mut state = self.lock();
        let shelf = state.shelf(site);
        if !link.version.checked_sub(1).is_some_and(|before| shelf.holds(link, before)) {
            return Err(stale("save link", link.id(Side::Wix)));
        }
        shelf.links.insert(link.id(Side::Wix).clone(), link.clone());
        Ok(())
    }

    async fn repoint(&self, site: &SiteId, old: &Link, new: &Link, now: Timestamp) -> StoreResult<()> {
        let mut state = self.lock();
        let shelf = state.shelf(site);
        if !shelf.holds(old, old.version) {
            return Err(stale("repoint", old.id(Side::Wix)));
        }
        let moved = || Side::BOTH.into_iter().filter(|side| old.id(*side) != new.id(*side));
        if moved().any(|side| shelf.is_taken(side, new.id(side), None, now)) {
            return Err(exists("repoint", old.id(Side::Wix)));
        }
        shelf.remove(old);
        shelf.put(new);
        for side in moved() {
            shelf.entomb(side, old.id(side), &Tombstone { at: now, cause: Cause::Merged });
        }
        Ok(())
    }

    async fn bury(&self, site: &SiteId, link: &Link, tombstone: &Tombstone) -> StoreResult<()> {
        let mut state = self.lock();
        let shelf = state.shelf(site);
        if !shelf.holds(link, link.version) {
            return Err(stale("bury", link.id(Side::Wix)));
        }
        shelf.remove(link);
        for side in Side::BOTH {
            shelf.entomb(side, link.id(side), tombstone);
        }
        Ok(())
    }

    async fn entomb(&self, site: &SiteId, side: Side, id: &RecordId, tombstone: &Tombstone) -> StoreResult<()> {
        let mut state = self.lock();
        let shelf = state.shelf(site);
        if shelf.link_of(side, id).is_some() {
            return Err(stale("entomb", id));
        }
        shelf.entomb(side, id, tombstone);
        Ok(())
    }

    async fn exhume(&self, site: &SiteId, side: Side, id: &RecordId) -> StoreResult<()> {
        let mut state = self.lock();
        let tombstones = state.shelf(site).tombstones.of_mut(side);
        if tombstones.get(id).is_some_and(|tombstone| tombstone.cause != Cause::Erased) {
            tombstones.remove(id);
        }
        Ok(())
    }

    async fn count_links(&self, site: &SiteId, at_most: u32) -> StoreResult<u32> {
        let links = self.lock().shelves.get(site).map_or(0, |shelf| shelf.links.len());
        Ok(u32::try_from(links).unwrap_or(u32::MAX).min(at_most))
    }

    async fn list_links(&self, site: &SiteId, after: Option<&RecordId>) -> StoreResult<Vec<Link>> {
        let state = self.lock();
        let Some(shelf) = state.shelves.get(site) else { return Ok(Vec::new()) };
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        Ok(shelf.links.range::<RecordId, _>((from, Bound::Unbounded)).take(PAGE).map(|(_, link)| link.clone()).collect())
    }

    async fn spend_delete(&self, site: &SiteId, now: Timestamp, limit: u32) -> StoreResult<bool> {
        let mut state = self.lock();
        let spent = state.shelf(site).spent.entry(now.as_second().div_euclid(3600)).or_default();
        let allowed = *spent < limit;
        if allowed {
            *spent += 1;
        }
        Ok(allowed)
    }

    async fn park(&self, site: &SiteId, parked: &Parked) -> StoreResult<()> {
        self.lock().shelf(site).parked.insert((parked.side, parked.id.clone()), parked.clone());
        Ok(())
    }

    async fn unpark(&self, site: &SiteId, side: Side, id: &RecordId) -> StoreResult<()> {
        self.lock().shelf(site).parked.remove(&(side, id.clone()));
        Ok(())
    }

    async fn parked(&self, site: &SiteId) -> StoreResult<Vec<Parked>> {
        Ok(self.lock().shelves.get(site).map(|shelf| shelf.parked.values().cloned().collect()).unwrap_or_default())
    }

    async fn cool_down(&self, site: &SiteId, side: Side, until: Timestamp) -> StoreResult<()> {
        let mut state = self.lock();
        let cooling = state.shelf(site).cooling.of_mut(side);
        *cooling = (*cooling).max(Some(until));
        Ok(())
    }

    async fn cooling_down(&self, site: &SiteId, side: Side, now: Timestamp) -> StoreResult<Option<Timestamp>> {
        let until = self.lock().shelves.get(site).and_then(|shelf| *shelf.cooling.of(side));
        Ok(until.filter(|until| *until > now))
    }
}
