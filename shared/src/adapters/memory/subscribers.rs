//! What is remembered of e-mail addresses, in memory.

use async_trait::async_trait;

use super::Store;
use crate::{
    model::{fingerprint::Digest, ids::SiteId, subscriber::Remembered},
    ports::{ErrorKind, StoreError, StoreResult, SubscriberLog},
};

#[async_trait]
impl SubscriberLog for Store {
    async fn remembered(&self, site: &SiteId, addresses: &[Digest]) -> StoreResult<Vec<Remembered>> {
        let own = |address: &Digest| self.of_site(site, |own| own.subscribers.get(address).cloned().unwrap_or_default());
        Ok(addresses.iter().map(own).collect())
    }

    async fn remember(&self, site: &SiteId, address: &Digest, known: &Remembered) -> StoreResult<()> {
        self.of_site(site, |own| {
            let stored = own.subscribers.get(address).map_or(0, |stored| stored.version);
            if known.version != stored + 1 {
                return Err(StoreError::new(ErrorKind::Stale, format!("remember an address of {site}")));
            }
            own.subscribers.insert(*address, known.clone());
            Ok(())
        })
    }
}
