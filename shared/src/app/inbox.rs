//! The relay of messages, put together.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use secrecy::ExposeSecret;

use super::{App, SETTINGS_LIFE};
use crate::{
    flows::inbox::Relay,
    model::{
        fingerprint::Key,
        ids::{Side, SiteId},
        site::Site,
    },
    ports::{ClaimStore, MessageQueue, StoreResult},
};

/// A site ready for work, and when its settings were read.
struct Ready {
    read_at: Timestamp,
    relay: Relay,
}

/// The relays of all sites.
pub struct Relays {
    /// The bridge.
    pub app: Arc<App>,
    /// The queue the relay is fed from.
    pub queue: Arc<dyn MessageQueue>,
    claims: Arc<dyn ClaimStore>,
    ready: Mutex<HashMap<SiteId, Ready>>,
}

impl Relays {
    /// Puts the relays together.
    #[must_use]
    pub fn new(app: Arc<App>, claims: Arc<dyn ClaimStore>, queue: Arc<dyn MessageQueue>) -> Self {
        Self { app, queue, claims, ready: Mutex::default() }
    }

    /// Returns a site's relay; `None` if the site is not known. Its settings are read again after half a minute.
    pub async fn of(&self, site: &SiteId) -> StoreResult<Option<Relay>> {
        let now = self.app.means.clock.now();
        if let Some(relay) = self.cached(site, |ready| now < ready.read_at + SETTINGS_LIFE) {
            return Ok(Some(relay));
        }
        let Some(settings) = self.app.means.sites.site(site).await? else { return Ok(None) };
        let relay = match self.cached(site, |ready| ready.relay.site == settings) {
            Some(relay) => relay,
            None => self.assemble(settings).await?,
        };
        self.ready().insert(site.clone(), Ready { read_at: now, relay: relay.clone() });
        Ok(Some(relay))
    }

    /// Returns until when nothing may be sent to Wix for a site, if it asked to be left alone.
    pub async fn cooling_down(&self, site: &SiteId) -> StoreResult<Option<Timestamp>> {
        self.app.means.links.cooling_down(site, Side::Wix, self.app.means.clock.now()).await
    }

    /// Forgets what was read of a site, because its settings were just saved.
    pub fn forget(&self, site: &SiteId) {
        self.ready().remove(site);
    }

    async fn assemble(&self, site: Site) -> StoreResult<Relay> {
        let means = &self.app.means;
        Ok(Relay {
            key: Key::derive(means.fingerprint_secret.expose_secret().as_bytes(), &site.site),
            inbox: self.app.wix_client(&site).await?,
            claims: self.claims.clone(),
            links: means.links.clone(),
            clock: means.clock.clone(),
            owner: Arc::new(|| uuid::Uuid::new_v4().to_string()),
            site,
        })
    }

    fn ready(&self) -> MutexGuard<'_, HashMap<SiteId, Ready>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cached(&self, site: &SiteId, usable: impl Fn(&Ready) -> bool) -> Option<Relay> {
        self.ready().get(site).filter(|ready| usable(ready)).map(|ready| ready.relay.clone())
    }
}
