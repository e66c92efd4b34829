//! The composition root: the one place that names concrete adapters.

pub mod aws;
pub mod forms;
mod wix;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

pub use self::wix::WixApp;
use crate::{
    adapters::{
        self,
        http::{self, Http, Limiters},
        hubspot::{self, TokenKeeper},
    },
    flows::{
        contact::Contacts,
        setup::{self, SettingsError},
    },
    mapping::Mapping,
    model::{
        fingerprint::Key,
        ids::{Pair, Side, SiteId},
        site::{CrmAccess, Site},
    },
    ports::{Clock, ContactStore, ErrorKind, LinkStore, Secrets, SiteStore, StoreError, StoreResult, WorkQueue},
    webhook::forms::service_names,
};

/// How long a site's settings are used before they are read again.
const SETTINGS_LIFE: SignedDuration = SignedDuration::from_secs(30);

/// How to reach the vendors, with the secrets fetched.
#[derive(Clone)]
pub struct Vendors {
    /// The Wix API.
    pub wix_base: Url,
    /// The id of the Wix app.
    pub wix_app_id: String,
    /// The secret of the Wix app.
    pub wix_app_secret: SecretString,
    /// The HubSpot API.
    pub hubspot_base: Url,
    /// The dated version of HubSpot's CRM API.
    pub hubspot_version: String,
    /// The id of the HubSpot app.
    pub hubspot_app_id: Option<String>,
}

/// What the app stands on.
#[derive(Clone)]
pub struct Means {
    /// The links.
    pub links: Arc<dyn LinkStore>,
    /// The sites.
    pub sites: Arc<dyn SiteStore>,
    /// The queue contact sync is fed from.
    pub queue: Arc<dyn WorkQueue>,
    /// The sites' secrets.
    pub secrets: Arc<dyn Secrets>,
    /// Where a secret goes that a vendor replaced.
    pub keeper: Arc<dyn TokenKeeper>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The secret all fingerprint keys are derived from.
    pub fingerprint_secret: SecretString,
    /// The vendors.
    pub vendors: Vendors,
}

/// How long the answer whether a site asked to be left alone holds. What this process itself was told, its limiters know at once.
const COOLING_LIFE: SignedDuration = SignedDuration::from_secs(5);

/// A site ready for work, and when its settings were read.
struct Ready {
    read_at: Timestamp,
    contacts: Contacts,
}

/// The bridge, put together.
pub struct App {
    /// What it stands on.
    pub means: Means,
    pool: reqwest::Client,
    limiters: Limiters,
    ready: Mutex<HashMap<SiteId, Ready>>,
    /// When each site's cool-down was read, and what it was.
    asked: Mutex<HashMap<SiteId, (Timestamp, Option<Timestamp>)>>,
}

impl App {
    /// Puts the app together.
    pub fn new(means: Means) -> StoreResult<Self> {
        let pool = http::pool().map_err(|failure| failure.during("make the HTTP client"))?;
        let limiters = Limiters::new(means.clock.clone());
        Ok(Self { means, pool, limiters, ready: Mutex::new(HashMap::new()), asked: Mutex::new(HashMap::new()) })
    }

    /// Returns a site's contacts, ready to be synchronised; `None` if the site is not known.
    pub async fn contacts(&self, site: &SiteId) -> StoreResult<Option<Contacts>> {
        let now = self.means.clock.now();
        if let Some(contacts) = self.cached(site, |ready| now < ready.read_at + SETTINGS_LIFE) {
            return Ok(Some(contacts));
        }
        let Some(settings) = self.means.sites.site(site).await? else { return Ok(None) };
        let contacts = match self.cached(site, |ready| ready.contacts.site == settings) {
            Some(contacts) => contacts,
            None => self.assemble(settings).await.map_err(without_access)?,
        };
        self.ready().insert(site.clone(), Ready { read_at: now, contacts: contacts.clone() });
        Ok(Some(contacts))
    }

    /// Forgets what was read of a site, because its settings were just saved.
    pub fn forget(&self, site: &SiteId) {
        self.ready().remove(site);
    }

    /// Saves a site's settings as its owner wants them, checked against what both sides have.
    pub async fn save(&self, wanted: Site) -> Result<Site, SettingsError> {
        let stores = self.connect(&wanted).await?;
        let services: Vec<_> = service_names().collect();
        let saved = setup::save(self.means.sites.as_ref(), &stores, wanted, &services).await?;
        self.forget(&saved.site);
        Ok(saved)
    }

    /// Connects both sides of a site.
    pub async fn connect(&self, site: &Site) -> StoreResult<Pair<Arc<dyn ContactStore>>> {
        Ok(Pair { wix: self.wix(site).await?, external: self.crm(site).await? })
    }

    fn ready(&self) -> MutexGuard<'_, HashMap<SiteId, Ready>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cached(&self, site: &SiteId, usable: impl Fn(&Ready) -> bool) -> Option<Contacts> {
        self.ready().get(site).filter(|ready| usable(ready)).map(|ready| ready.contacts.clone())
    }

    async fn assemble(&self, site: Site) -> StoreResult<Contacts> {
        Ok(Contacts {
            mapping: Mapping::new(&setup::rows(&site), site.default_country.as_deref()),
            key: Key::derive(self.means.fingerprint_secret.expose_secret().as_bytes(), &site.site),
            stores: self.connect(&site).await?,
            links: self.means.links.clone(),
            clock: self.means.clock.clone(),
            owner: Arc::new(|| uuid::Uuid::new_v4().to_string()),
            site,
        })
    }

    async fn wix(&self, site: &Site) -> StoreResult<Arc<dyn ContactStore>> {
        let vendors = &self.means.vendors;
        let app = WixApp { base: vendors.wix_base.clone(), id: vendors.wix_app_id.clone(), secret: vendors.wix_app_secret.clone() };
        let http = self.http(&site.site, "wix", adapters::wix::RATE, adapters::wix::HABITS);
        let means = (http, self.means.clock.clone());
        Ok(Arc::new(app.client(site, site.mirror_field.clone(), &self.means.secrets, means).await?))
    }

    /// Connects the CRM: adding one is an arm here.
    async fn crm(&self, site: &Site) -> StoreResult<Arc<dyn ContactStore>> {
        match &site.crm {
            CrmAccess::Hubspot { secret } => self.hubspot(site, secret).await,
        }
    }

    async fn hubspot(&self, site: &Site, secret: &str) -> StoreResult<Arc<dyn ContactStore>> {
        let vendors = &self.means.vendors;
        let properties = setup::rows(site).iter().map(|row| row.external.as_str().to_owned()).collect();
        let mut settings = hubspot::Settings::new(vendors.hubspot_base.clone(), properties);
        settings.version.clone_from(&vendors.hubspot_version);
        settings.app_id.clone_from(&vendors.hubspot_app_id);
        settings.country.clone_from(&site.default_country);
        let means = hubspot::Means {
            http: self.http(&site.site, "hubspot", hubspot::RATE, hubspot::HABITS),
            search: self.http(&site.site, "hubspot search", hubspot::SEARCH_RATE, hubspot::HABITS),
            clock: self.means.clock.clone(),
            secrets: self.means.secrets.clone(),
            keeper: self.means.keeper.clone(),
        };
        let credentials = hubspot::Credentials::read(secret, &self.means.secrets.secret(secret).await?)?;
        Ok(Arc::new(hubspot::Client::new(settings, means, credentials)))
    }

    fn http(&self, site: &SiteId, system: &'static str, rate: http::Rate, habits: http::Habits) -> Http {
        Http::new(self.pool.clone(), self.means.clock.clone(), self.limiters.of(site, system, rate), habits)
    }

    /// Returns until when nothing may be sent for a site, if any of its sides asked to be left alone.
    pub async fn cooling_down(&self, site: &SiteId) -> StoreResult<Option<Timestamp>> {
        let now = self.means.clock.now();
        let asked = self.asked().get(site).copied().filter(|(at, _)| now < *at + COOLING_LIFE);
        if let Some((_, until)) = asked {
            return Ok(until.filter(|until| *until > now));
        }
        let mut until = None;
        for side in Side::BOTH {
            until = until.max(self.means.links.cooling_down(site, side, now).await?);
        }
        self.asked().insert(site.clone(), (now, until));
        Ok(until)
    }

    fn asked(&self) -> MutexGuard<'_, HashMap<SiteId, (Timestamp, Option<Timestamp>)>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Credentials that are missing or cannot be read are as good as refused ones: a person must act, and nothing is lost until then.
fn without_access(error: StoreError) -> StoreError {
    match error.kind {
        ErrorKind::NotFound | ErrorKind::Corrupt => StoreError { kind: ErrorKind::AccessDenied, ..error },
        _ => error,
    }
}
