//! The sites in memory.

use async_trait::async_trait;

use super::Store;
use crate::{
    model::{ids::SiteId, site::Site},
    ports::{ErrorKind, SiteStore, StoreError, StoreResult},
};

#[async_trait]
impl SiteStore for Store {
    async fn site(&self, site: &SiteId) -> StoreResult<Option<Site>> {
        Ok(self.lock().sites.get(site).cloned())
    }

    async fn save_site(&self, site: &Site) -> StoreResult<()> {
        let mut state = self.lock();
        let stored = state.sites.get(&site.site).map_or(0, |stored| stored.version);
        if site.version.checked_sub(1) != Some(stored) {
            return Err(StoreError::new(ErrorKind::Stale, format!("save site {}", site.site)));
        }
        state.sites.insert(site.site.clone(), site.clone());
        Ok(())
    }

    async fn sites(&self) -> StoreResult<Vec<Site>> {
        Ok(self.lock().sites.values().cloned().collect())
    }

    async fn purge(&self, site: &SiteId) -> StoreResult<()> {
        let mut state = self.lock();
        state.sites.remove(site);
        if let Some(shelf) = state.shelves.get_mut(site) {
            shelf.purge();
        }
        Ok(())
    }
}
