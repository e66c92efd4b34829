//! Sites in memory.

use async_trait::async_trait;
use jiff::Timestamp;

use super::Store;
use crate::{
    model::{
        ids::{Pair, SiteId},
        site::Site,
    },
    ports::{ErrorKind, SiteStore, Standing, StoreError, StoreResult},
};

#[async_trait]
impl SiteStore for Store {
    async fn site(&self, site: &SiteId) -> StoreResult<Option<Site>> {
        Ok(self.state().sites.get(site).cloned())
    }

    async fn standing(&self, site: &SiteId, now: Timestamp) -> StoreResult<Option<Standing>> {
        let state = self.state();
        let own = state.of_sites.get(site);
        let cooling_down = own.and_then(|own| own.cool.values().max().copied()).filter(|until| *until > now);
        let claim = own.filter(|own| own.claimed).and_then(|own| own.runner.as_ref().map(|lease| lease.until).or(own.claimed_until));
        let claimed_until = claim.filter(|until| *until > now);
        Ok(state.sites.get(site).map(|site| Standing { site: site.clone(), cooling_down, claimed_until }))
    }

    async fn save_site(&self, site: &Site) -> StoreResult<()> {
        let mut state = self.state();
        let stored = state.sites.get(&site.site).map_or(0, |stored| stored.version);
        if site.version != stored + 1 {
            return Err(StoreError::new(ErrorKind::Stale, format!("save site {}", site.site)));
        }
        state.sites.insert(site.site.clone(), site.clone());
        Ok(())
    }

    async fn sites(&self) -> StoreResult<Vec<Site>> {
        Ok(self.state().sites.values().cloned().collect())
    }

    async fn purge(&self, site: &SiteId) -> StoreResult<()> {
        let mut state = self.state();
        state.sites.remove(site);
        if let Some(own) = state.of_sites.get_mut(site) {
            let gone = std::mem::take(&mut own.gone);
            *own = super::state::OfSite::default();
            own.gone = Pair {
                wix: gone.wix.into_iter().filter(|(_, tombstone)| tombstone.cause.is_of_erasure()).collect(),
                external: gone.external.into_iter().filter(|(_, tombstone)| tombstone.cause.is_of_erasure()).collect(),
            };
        }
        Ok(())
    }
}
