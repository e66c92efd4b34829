//! Claims and lines in memory.

use async_trait::async_trait;

use super::Store;
use crate::{
    model::{fingerprint::Digest, ids::SiteId},
    ports::{Claim, ClaimStore, ErrorKind, Line, StoreError, StoreResult, Ticket},
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

    async fn line_up(&self, site: &SiteId, line: &Digest, ticket: &Ticket) -> StoreResult<Line> {
        Ok(self.of_site(site, |own| {
            let line = own.lines.entry(*line).or_default();
            line.tickets.retain(|other| other.message != ticket.message);
            line.tickets.push(*ticket);
            line.clone()
        }))
    }

    async fn step_out(&self, site: &SiteId, line: &Digest, message: &Digest, place: Option<u64>) -> StoreResult<()> {
        self.of_site(site, |own| {
            let line = own.lines.entry(*line).or_default();
            line.tickets.retain(|ticket| ticket.message != *message);
            line.last = line.last.max(place.unwrap_or_default());
        });
        Ok(())
    }
}
