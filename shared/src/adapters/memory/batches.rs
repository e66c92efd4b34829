//! Links in memory, many at a time.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Store, links::is_held, state::OfSite};
use crate::{
    model::{
        ids::{RecordId, Side, SiteId},
        link::{Link, Reservation, Slot},
    },
    ports::{Known, LinkBatches, LinkStore, Made, Noted, StoreResult},
};

impl OfSite {
    fn known(&self, side: Side, id: &RecordId) -> Known {
        let slot = self.slot(side, id);
        if matches!(slot, Slot::Linked(_)) {
            return Known { slot, parked: None, failed: None };
        }
        let failed = if side == Side::Wix { self.failed.get(id).cloned() } else { None };
        Known { slot, parked: self.parked.get(&(side, id.clone())).cloned(), failed }
    }
}

#[async_trait]
impl LinkBatches for Store {
    async fn look_up_many(&self, site: &SiteId, side: Side, ids: &[RecordId]) -> StoreResult<Vec<Known>> {
        Ok(self.of_site(site, |own| ids.iter().map(|id| own.known(side, id)).collect()))
    }

    async fn reserve_many(&self, site: &SiteId, reservations: &[Reservation], now: Timestamp) -> StoreResult<Vec<bool>> {
        let mut taken = Vec::with_capacity(reservations.len());
        for reservation in reservations {
            let gone = self.of_site(site, |own| own.gone.of(reservation.side).contains_key(&reservation.id));
            taken.push(!gone && self.reserve(site, reservation, now).await.is_ok());
        }
        Ok(taken)
    }

    async fn release_many(&self, site: &SiteId, reservations: &[Reservation]) -> StoreResult<()> {
        for reservation in reservations {
            self.release(site, reservation).await?;
        }
        Ok(())
    }

    async fn link_many(&self, site: &SiteId, links: &[Made], now: Timestamp) -> StoreResult<Vec<bool>> {
        Ok(self.of_site(site, |own| {
            let free = |own: &OfSite, link: &Link, owner: &str| {
                let taken = |side| {
                    own.link_of(side, link.id(side)).is_some() || is_held(own.reserved.of(side).get(link.id(side)), Some(owner), now)
                };
                !Side::BOTH.into_iter().any(taken)
            };
            let mut stored = Vec::with_capacity(links.len());
            for Made { link, notes, reservation } in links {
                let free = free(own, link, &reservation.owner);
                if free {
                    own.insert(Noted { link, notes });
                }
                stored.push(free);
            }
            stored
        }))
    }
}
