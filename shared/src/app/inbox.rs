//! The part of the bridge that relays messages. It reaches Wix alone: no CRM's credentials are needed here.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::{STANDING_LIFE, lock, wix::WixApp};
use crate::{
    adapters::{
        http::{self, Http, Limiters},
        wix,
    },
    flows::inbox::Relay,
    model::{fingerprint::Key, ids::SiteId, message::Message, site::Site},
    ports::{ClaimStore, Clock, LinkStore, Queue, Secrets, SiteStore, StoreResult},
};

/// What the relay stands on.
#[derive(Clone)]
pub struct RelayMeans {
    /// The sites.
    pub sites: Arc<dyn SiteStore>,
    /// Claims and lines.
    pub claims: Arc<dyn ClaimStore>,
    /// Where it is noted that Wix asked to be left alone.
    pub links: Arc<dyn LinkStore>,
    /// The queue the relay is fed from.
    pub queue: Arc<dyn Queue<Message>>,
    /// The sites' secrets.
    pub secrets: Arc<dyn Secrets>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The secret all fingerprint keys are derived from.
    pub fingerprint_secret: SecretString,
    /// The app at Wix.
    pub wix: WixApp,
}

/// A site ready for work, and what was read of it.
#[derive(Clone)]
struct Ready {
    read_at: Timestamp,
    cooling_down: Option<Timestamp>,
    relay: Relay,
}

/// The relays of all sites.
pub struct Relays {
    /// What they stand on.
    pub means: RelayMeans,
    pool: reqwest::Client,
    limiters: Limiters,
    ready: Mutex<HashMap<SiteId, Ready>>,
}

/// How a site's relay stands.
#[derive(Clone)]
pub enum Standing {
    /// The site is not known.
    Unknown,
    /// Nothing may be sent to Wix for the site before this instant.
    CoolingDown(Timestamp, Box<Relay>),
    /// It works.
    Ready(Box<Relay>),
}

impl Relays {
    /// Puts the relays together.
    pub fn new(means: RelayMeans) -> StoreResult<Self> {
        let pool = http::pool().map_err(|failure| failure.during("make the HTTP client"))?;
        let limiters = Limiters::new(means.clock.clone());
        Ok(Self { means, pool, limiters, ready: Mutex::default() })
    }

    /// Returns how a site's relay stands, as it was read within the last seconds.
    pub async fn of(&self, site: &SiteId) -> StoreResult<Standing> {
        let now = self.means.clock.now();
        let fresh = lock(&self.ready).get(site).filter(|ready| now < ready.read_at + STANDING_LIFE).cloned();
        let ready = match fresh {
            Some(ready) => ready,
            None => match self.read(site, now).await? {
                Some(ready) => ready,
                None => return Ok(Standing::Unknown),
            },
        };
        let relay = Box::new(ready.relay);
        Ok(match ready.cooling_down.filter(|until| *until > now) {
            Some(until) => Standing::CoolingDown(until, relay),
            None => Standing::Ready(relay),
        })
    }

    /// Forgets what was read of a site, because its settings were just saved.
    pub fn forget(&self, site: &SiteId) {
        lock(&self.ready).remove(site);
    }

    async fn read(&self, site: &SiteId, now: Timestamp) -> StoreResult<Option<Ready>> {
        let Some(standing) = self.means.sites.standing(site, now).await? else { return Ok(None) };
        let known = lock(&self.ready).get(site).map(|ready| ready.relay.clone()).filter(|relay| relay.site == standing.site);
        let relay = match known {
            Some(relay) => relay,
            None => self.assemble(standing.site).await?,
        };
        let ready = Ready { read_at: now, cooling_down: standing.cooling_down, relay };
        lock(&self.ready).insert(site.clone(), ready.clone());
        Ok(Some(ready))
    }

    async fn assemble(&self, site: Site) -> StoreResult<Relay> {
        let (means, clock) = (&self.means, &self.means.clock);
        let limiter = self.limiters.of(&site.site, "wix", wix::RATE);
        let http = Http::new(self.pool.clone(), clock.clone(), limiter, wix::HABITS);
        // A contact made for a message has no counterpart yet, and its mirror field stays empty.
        let inbox = means.wix.client(&site, None, &means.secrets, (http, clock.clone())).await?;
        Ok(Relay {
            key: Key::derive(means.fingerprint_secret.expose_secret().as_bytes(), &site.site),
            inbox: Arc::new(inbox),
            claims: means.claims.clone(),
            links: means.links.clone(),
            clock: clock.clone(),
            owner: Arc::new(|| uuid::Uuid::new_v4().to_string()),
            site,
        })
    }
}
