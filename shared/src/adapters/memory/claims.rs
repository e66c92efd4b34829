//! Claims and lines in memory.

use async_trait::async_trait;
use jiff::Timestamp;

use super::Store;
use crate::{
    model::{fingerprint::Digest, ids::SiteId},
    ports::{Claim, ClaimStore, ErrorKind, MOST_AHEAD, Place, StoreError, StoreResult, Ticket},
};

#[async_trait]
impl ClaimStore for Store {
    async fn claim(&self, site: &SiteId, message: &Digest) -> StoreResult<Option<Claim>> {
        Ok(self.of_site(site, |own| own.claims.get(message).cloned()))
    }

    async fn swap_claim(&self, site: &SiteId, message: &Digest, known: Option<&Claim>, new: Option<&Claim>) -> StoreResult<()> {
        let holder = |claim: Option<&Claim>| claim.map(|claim| (claim.owner.clone(), claim.until));
        self.of_site(site, |own| {
            let stored = own.claims.get(message);
            if stored == new {
                return Ok(());
            }
            let is_done = stored.is_some_and(|claim| claim.owner.is_none());
            if is_done || holder(stored) != holder(known) {
                return Err(StoreError::new(ErrorKind::Stale, format!("swap claim {}", message.hex())));
            }
            match new {
                Some(claim) => own.claims.insert(*message, claim.clone()),
                None => own.claims.remove(message),
            };
            Ok(())
        })
    }

    async fn own_post(&self, site: &SiteId, places: &[u64], message: &Digest, _now: Timestamp) -> StoreResult<bool> {
        Ok(self.of_site(site, |own| {
            let is_known = places.iter().any(|place| own.own_posts.get(place) == Some(message));
            is_known || places.iter().any(|place| own.own_posts.entry(*place).or_insert(*message) == message)
        }))
    }

    async fn line_up(&self, site: &SiteId, line: &Digest, ticket: &Ticket, alive: Timestamp) -> StoreResult<Vec<Ticket>> {
        Ok(self.of_site(site, |own| {
            let tickets = own.lines.entry(*line).or_default();
            tickets.insert(ticket.place, ticket.since);
            let ahead = tickets.range(..ticket.place).rev().map(|(place, since)| Ticket { place: *place, since: *since });
            ahead.filter(|other| other.since > alive).take(MOST_AHEAD).collect()
        }))
    }

    async fn step_out(&self, site: &SiteId, line: &Digest, place: &Place) -> StoreResult<()> {
        self.of_site(site, |own| own.lines.entry(*line).or_default().remove(place));
        Ok(())
    }
}
