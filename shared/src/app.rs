//! The composition root: the one place that names concrete adapters.

pub mod aws;
mod crm;
mod export;
pub mod forms;
pub mod inbox;
mod room;
mod wix;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

pub use self::{crm::Crm, export::Exporter, room::Room, wix::WixApp};
use crate::{
    adapters::{
        self,
        http::{self, Http, Limiters},
        hubspot::{self, TokenKeeper},
        mailchimp, pipedrive,
    },
    config::{self, ConfigError},
    flows::{
        contact::Contacts,
        setup::{self, SettingsError},
    },
    mapping::Mapping,
    model::{
        event::Event,
        fingerprint::Key,
        ids::{Pair, SiteId},
        site::{CrmAccess, Site, subscribers::MailingAccess},
    },
    ports::{
        Clock, ContactStore, ErrorKind, LinkStore, MailingService, Queue, RunStore, Secrets, SiteStore, Standing, StoreError, StoreResult,
    },
    webhook::{forms::service_names, messages::services},
};

/// How long what was read of a site holds: its settings, whether it asked to be left alone, and whether a run claims its budgets. What this process itself was refused its
/// limiters know at once; within that time it may draw one refusal that another process was given already.
pub const STANDING_LIFE: SignedDuration = SignedDuration::from_secs(10);

/// How to reach the vendors, with the secrets fetched.
#[derive(Clone)]
pub struct Vendors {
    /// The app at Wix.
    pub wix: WixApp,
    /// The HubSpot API.
    pub hubspot_base: Url,
    /// The dated version of HubSpot's CRM API.
    pub hubspot_version: String,
    /// The id of the HubSpot app.
    pub hubspot_app_id: Option<String>,
    /// The Pipedrive API; by default the host of each company.
    pub pipedrive_base: Option<Url>,
    /// The Mailchimp API; by default where each account's key says.
    pub mailchimp_base: Option<Url>,
}

impl Vendors {
    /// Fetches the vendors' secrets.
    ///
    /// # Errors
    /// Names the variable.
    pub async fn of(settings: config::Vendors, secrets: &dyn Secrets) -> Result<Self, ConfigError> {
        let config::Vendors { wix, hubspot_base, hubspot_version, hubspot_app_id, pipedrive_base, mailchimp_base } = settings;
        let wix = WixApp::of(wix, secrets).await?;
        Ok(Self { wix, hubspot_base, hubspot_version, hubspot_app_id, pipedrive_base, mailchimp_base })
    }
}

/// What the app stands on.
#[derive(Clone)]
pub struct Means {
    /// The links.
    pub links: Arc<dyn LinkStore>,
    /// The sites.
    pub sites: Arc<dyn SiteStore>,
    /// Their scheduled runs.
    pub runs: Arc<dyn RunStore>,
    /// The queue contact sync is fed from.
    pub queue: Arc<dyn Queue<Event>>,
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

/// How fast calls go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// As events come, with room for bursts.
    #[default]
    Live,
    /// Evenly, as fast as is allowed.
    Bulk,
}

/// The longest an answer to a call for many contacts is waited for.
const BULK_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(25);

/// The bridge, put together.
pub struct App {
    /// What it stands on.
    pub means: Means,
    pace: Pace,
    pool: reqwest::Client,
    limiters: Arc<Limiters>,
    /// What was read of each site, and when.
    standings: Mutex<HashMap<SiteId, (Timestamp, Arc<Standing>)>>,
    /// Each site's contacts, for the settings they hold.
    ready: Mutex<HashMap<SiteId, Contacts>>,
    /// Room for events beside runs.
    room: Room,
}

impl App {
    /// Puts the app together.
    pub fn new(means: Means) -> StoreResult<Self> {
        let pool = http::pool().map_err(|failure| failure.during("make the HTTP client"))?;
        let limiters = Arc::new(Limiters::new(means.clock.clone()));
        let room = Room::new(limiters.clone(), means.runs.clone(), means.clock.clone());
        let (standings, ready) = <_>::default();
        Ok(Self { means, pace: Pace::Live, pool, limiters, standings, ready, room })
    }

    /// Makes calls at another pace.
    #[must_use]
    pub const fn at(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// Returns a site's contacts, ready to be synchronised; `None` if the site is not known.
    pub async fn contacts(&self, site: &SiteId) -> StoreResult<Option<Contacts>> {
        let Some(standing) = self.standing(site).await? else { return Ok(None) };
        let ready = lock(&self.ready).get(site).filter(|contacts| contacts.site == standing.site).cloned();
        if ready.is_some() {
            return Ok(ready);
        }
        let contacts = self.assemble(standing.site.clone()).await.map_err(without_access)?;
        lock(&self.ready).insert(site.clone(), contacts.clone());
        Ok(Some(contacts))
    }

    /// Returns until when nothing may be sent for a site, if any of its sides asked to be left alone.
    pub async fn cooling_down(&self, site: &SiteId) -> StoreResult<Option<Timestamp>> {
        let now = self.means.clock.now();
        Ok(self.standing(site).await?.and_then(|standing| standing.cooling_down).filter(|until| *until > now))
    }

    async fn standing(&self, site: &SiteId) -> StoreResult<Option<Arc<Standing>>> {
        let now = self.means.clock.now();
        let known = lock(&self.standings).get(site).filter(|(at, _)| now < *at + STANDING_LIFE).map(|(_, standing)| Arc::clone(standing));
        if known.is_some() {
            return Ok(known);
        }
        let Some(standing) = self.means.sites.standing(site, now).await?.map(Arc::new) else { return Ok(None) };
        lock(&self.standings).insert(site.clone(), (now, Arc::clone(&standing)));
        Ok(Some(standing))
    }

    /// Forgets what was read of a site, because its settings were just saved.
    pub fn forget(&self, site: &SiteId) {
        lock(&self.standings).remove(site);
        lock(&self.ready).remove(site);
    }

    /// Saves a site's settings as its owner wants them, checked against what both sides have.
    pub async fn save(&self, wanted: Site) -> Result<Site, SettingsError> {
        let stores = self.connect(&wanted).await?;
        let list_fields = match &wanted.subscribers {
            Some(subscribers) if subscribers.check().is_ok() => self.mailing(&wanted, &subscribers.service).await?.fields().await?,
            _ => Vec::new(),
        };
        let services = setup::Services { forms: service_names().collect(), messages: services(), list_fields };
        let Means { sites, runs, links, clock, .. } = &self.means;
        let registry = setup::Registry { sites: sites.as_ref(), runs: runs.as_ref(), links: links.as_ref(), clock: clock.as_ref() };
        let saved = setup::save(registry, &stores, wanted, &services).await?;
        self.forget(&saved.site);
        Ok(saved)
    }

    /// Connects both sides of a site.
    pub async fn connect(&self, site: &Site) -> StoreResult<Pair<Arc<dyn ContactStore>>> {
        Ok(Pair { wix: self.wix(site).await?, external: self.crm(site).await?.contacts })
    }

    async fn assemble(&self, site: Site) -> StoreResult<Contacts> {
        let stores = self.connect(&site).await?;
        Ok(self.contacts_over(site, stores))
    }

    fn contacts_over(&self, site: Site, stores: Pair<Arc<dyn ContactStore>>) -> Contacts {
        Contacts {
            mapping: Mapping::new(&site.row_keys(setup::rows(&site)), site.default_country.as_deref()),
            key: self.key_of(&site.site),
            stores,
            links: self.means.links.clone(),
            clock: self.means.clock.clone(),
            owner: Arc::new(random_text),
            site,
        }
    }

    async fn wix(&self, site: &Site) -> StoreResult<Arc<adapters::wix::Client>> {
        let app = &self.means.vendors.wix;
        let rate = if self.pace == Pace::Bulk { adapters::wix::BULK_RATE } else { adapters::wix::RATE };
        let http = self.http(&site.site, "wix", rate, adapters::wix::HABITS);
        let means = (http, self.means.clock.clone());
        Ok(Arc::new(app.client(site, site.mirror_field.clone(), &self.means.secrets, means).await?))
    }

    /// Connects the CRM: adding one is an arm here.
    pub async fn crm(&self, site: &Site) -> StoreResult<Crm> {
        match &site.crm {
            CrmAccess::Hubspot { secret } => Ok(Crm::of(self.hubspot(site, secret).await?)),
            CrmAccess::Pipedrive { company, secret } => Ok(Crm::of(self.pipedrive(site, company, secret).await?)),
        }
    }

    async fn hubspot(&self, site: &Site, secret: &str) -> StoreResult<hubspot::Client> {
        let vendors = &self.means.vendors;
        let mut settings = hubspot::Settings::new(vendors.hubspot_base.clone(), mapped(site));
        settings.version.clone_from(&vendors.hubspot_version);
        settings.app_id.clone_from(&vendors.hubspot_app_id);
        settings.country.clone_from(&site.default_country);
        let rate = if self.pace == Pace::Bulk { hubspot::BULK_RATE } else { hubspot::RATE };
        let means = hubspot::Means {
            http: self.http(&site.site, "hubspot", rate, hubspot::HABITS),
            search: self.http(&site.site, "hubspot search", hubspot::SEARCH_RATE, hubspot::HABITS),
            clock: self.means.clock.clone(),
            secrets: self.means.secrets.clone(),
            keeper: self.means.keeper.clone(),
        };
        let credentials = hubspot::Credentials::read(secret, &self.means.secrets.secret(secret).await?)?;
        Ok(hubspot::Client::new(settings, means, credentials))
    }

    async fn pipedrive(&self, site: &Site, company: &str, secret: &str) -> StoreResult<pipedrive::Client> {
        let base = self.means.vendors.pipedrive_base.clone().or_else(|| pipedrive::base_of(company));
        let base = base.ok_or_else(|| StoreError::new(ErrorKind::Corrupt, "pipedrive company"))?;
        let country = site.default_country.clone();
        let settings = pipedrive::Settings { base, secret: secret.to_owned(), country, fields: mapped(site) };
        let rate = if self.pace == Pace::Bulk { pipedrive::BULK_RATE } else { pipedrive::RATE };
        let means = pipedrive::Means {
            http: self.http(&site.site, "pipedrive", rate, pipedrive::HABITS),
            search: self.http(&site.site, "pipedrive search", pipedrive::SEARCH_RATE, pipedrive::HABITS),
            clock: self.means.clock.clone(),
            secrets: self.means.secrets.clone(),
        };
        Ok(pipedrive::Client::new(settings, means, &self.means.secrets.secret(secret).await?))
    }

    /// Connects a site's mailing service: adding one is an arm here.
    async fn mailing(&self, site: &Site, access: &MailingAccess) -> StoreResult<Arc<dyn MailingService>> {
        match access {
            MailingAccess::Mailchimp { secret, list } => {
                let settings = mailchimp::Settings { base: self.means.vendors.mailchimp_base.clone(), list: list.clone() };
                let http = self.http(&site.site, "mailchimp", mailchimp::RATE, mailchimp::HABITS);
                let key = self.means.secrets.secret(secret).await?;
                Ok(Arc::new(mailchimp::Client::new(&settings, http, &key, self.means.clock.clone())?))
            }
        }
    }

    fn key_of(&self, site: &SiteId) -> Key {
        Key::derive(self.means.fingerprint_secret.expose_secret().as_bytes(), site)
    }

    fn http(&self, site: &SiteId, system: &'static str, rate: http::Rate, habits: http::Habits) -> Http {
        let http = Http::new(self.pool.clone(), self.means.clock.clone(), self.limiters.of(site, system, rate), habits);
        if self.pace == Pace::Bulk { http.with_timeout(BULK_TIMEOUT) } else { http }
    }
}

/// Returns the mapped fields of a site's CRM.
fn mapped(site: &Site) -> Vec<String> {
    setup::rows(site).iter().map(|row| row.external.as_str().to_owned()).collect()
}

/// Whoever panicked left a cache whole.
fn lock<T>(cache: &Mutex<T>) -> MutexGuard<'_, T> {
    cache.lock().unwrap_or_else(PoisonError::into_inner)
}

fn random_text() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// Credentials that are missing or cannot be read are as good as refused ones: a person must act, and nothing is lost until then.
fn without_access(error: StoreError) -> StoreError {
    match error.kind {
        ErrorKind::NotFound | ErrorKind::Corrupt => StoreError { kind: ErrorKind::AccessDenied, ..error },
        _ => error,
    }
}
