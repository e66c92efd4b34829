//! The simulator of Wix: Contacts v4, labels, extended fields, Inbox v2, email subscriptions v1, OAuth client
//! credentials and webhooks of one app on any number of sites. Written from Wix's public documents; what they leave open is a switch.

mod auth;
mod contact;
mod contact_fields;
mod contacts;
mod control;
mod definition_calls;
mod definitions;
mod directory;
mod entry;
mod events;
mod filter;
mod inbox;
mod info;
mod items;
mod jobs;
mod keys;
mod labelling;
mod listing;
mod mails;
mod merge;
mod naming;
mod params;
mod people;
mod phone;
mod refusal;
mod routes;
mod sent;
mod state;
mod subscriptions;
mod switches;

use std::{net::SocketAddr, sync::Arc};

use anyhow::anyhow;
use serde_json::Value;

pub use self::{contact::Flags, inbox::ParticipantId, switches::SWITCHES};
use self::{
    keys::{Keys, WixCarrier},
    state::{App, State, World},
};
use crate::vendors::kit::{Calls, Clock, ControlError, Core, Fault, Faults, Ids, Limits, Outbox, Serving, Switches, serve};

/// A site with the app on it.
#[derive(Debug, Clone)]
pub struct SiteIds {
    /// The site's id, sent as `wix-site-id` with API keys.
    pub site_id: String,
    /// The id of the app's instance on the site.
    pub instance_id: String,
}

/// How to start the simulator.
#[derive(Clone)]
pub struct Options {
    /// The clock.
    pub clock: Clock,
    /// The seed of all ids.
    pub seed: u64,
    /// The app's id.
    pub app_id: String,
    /// The app's secret.
    pub app_secret: String,
    /// API keys accepted raw in `Authorization`.
    pub api_keys: Vec<String>,
    /// The sites; the first is the one meant when none is named.
    pub sites: Vec<SiteIds>,
    /// Where every event is posted.
    pub webhook_urls: Vec<String>,
    /// The webhook key pair as a PKCS#8 PEM; a new one without.
    pub private_key_pem: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            clock: Clock::real(),
            seed: 1,
            app_id: "df7c18eb-009b-4868-9891-15e19dddbe67".to_owned(),
            app_secret: "simulated-app-secret".to_owned(),
            api_keys: vec!["simulated-api-key".to_owned()],
            sites: vec![SiteIds {
                site_id: "5f3a1c5e-0d5b-4f0c-9a55-0c2f1a7b9e01".to_owned(),
                instance_id: "ddec7f5e-5c32-4c6f-9c37-6b1a7f2d1b11".to_owned(),
            }],
            webhook_urls: Vec::new(),
            private_key_pem: None,
        }
    }
}

/// A running simulator; it ends when the last clone is dropped.
#[derive(Clone)]
pub struct Simulator {
    world: World,
    serving: Arc<Serving>,
}

impl Simulator {
    /// Starts the simulator; on a real clock it delivers webhooks by itself.
    ///
    /// # Errors
    /// When the address cannot be bound or the key cannot be read.
    pub async fn start(listen: SocketAddr, options: Options) -> anyhow::Result<Self> {
        let world = world(options)?;
        let mut serving = serve(listen, routes::router(world.clone())).await?;
        if !world.core.clock.is_manual() {
            serving.attach(tokio::spawn(world.core.outbox.clone().run()));
        }
        Ok(Self { world, serving: Arc::new(serving) })
    }

    /// The address listened at.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.serving.addr()
    }

    /// What stands for `https://www.wixapis.com`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr())
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.world.core.clock.clone()
    }

    /// Switches, faults, call counts and the outbox.
    #[must_use]
    pub fn core(&self) -> &Core {
        &self.world.core
    }

    /// Posts every webhook due now; the number of attempts.
    pub async fn deliver_due(&self) -> usize {
        self.world.core.outbox.deliver_due().await
    }

    /// When the next webhook is due.
    #[must_use]
    pub fn next_due(&self) -> Option<i64> {
        self.world.core.outbox.next_due()
    }

    /// The public key webhooks can be verified with.
    #[must_use]
    pub fn public_key_pem(&self) -> String {
        self.world.keys.public_pem()
    }

    /// Signs webhooks with a new key from now on.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn rotate_keys(&self) -> anyhow::Result<()> {
        self.world.keys.rotate(&self.world.ids)
    }

    /// Signs any claims as Wix would, for forged or odd webhooks.
    #[must_use]
    pub fn sign(&self, claims: &Value) -> String {
        self.world.keys.sign(claims)
    }

    /// Sets one switch.
    ///
    /// # Errors
    /// When the switch or the value does not exist.
    pub fn switch(&self, name: &str, value: impl Into<Value>) -> anyhow::Result<()> {
        self.world.core.switches.put(name, value).map_err(|text| anyhow!(text))
    }

    /// Adds a fault.
    ///
    /// # Errors
    /// When a field of it is wrong.
    pub fn fault(&self, fault: Fault) -> anyhow::Result<()> {
        self.world.core.faults.add(fault).map_err(|text| anyhow!(text))
    }

    /// Replaces the addresses events are posted to.
    pub fn set_webhook_urls(&self, urls: Vec<String>) {
        self.world.with(|state| state.webhook_urls = urls);
    }

    /// Adds a site.
    pub fn add_site(&self, site: &SiteIds) {
        self.world.add_site(&site.site_id, &site.instance_id);
    }

    /// Creates contacts as a person of the site (by site or instance id; the first without); their ids.
    ///
    /// # Errors
    /// When the site is unknown or an info is refused.
    pub fn seed(&self, site: Option<&str>, infos: &[Value]) -> anyhow::Result<Vec<String>> {
        self.world.seed_contacts(site, infos).map_err(plain)
    }

    /// All contacts of a site or of all sites as the API shows them, with `site`, `deleted`, `mergedInto`, `flags`.
    ///
    /// # Errors
    /// When the site is unknown.
    pub fn contacts(&self, site: Option<&str>) -> anyhow::Result<Vec<Value>> {
        let found = self.world.all_contacts(site).map_err(plain)?;
        Ok(found.get("contacts").and_then(Value::as_array).cloned().unwrap_or_default())
    }

    /// Sets what forbids deleting a contact.
    ///
    /// # Errors
    /// When site or contact is unknown.
    pub fn set_flags(&self, site: Option<&str>, contact: &str, flags: Flags) -> anyhow::Result<()> {
        self.world.set_flags(site, contact, |_| flags).map_err(plain)
    }

    /// Erases a contact for a privacy request.
    ///
    /// # Errors
    /// When site or contact is unknown.
    pub fn anonymize(&self, site: Option<&str>, contact: &str) -> anyhow::Result<()> {
        self.world.anonymize(site, contact).map_err(plain)
    }

    /// Installs the app (again) and raises `AppInstalled`.
    ///
    /// # Errors
    /// When the site is unknown.
    pub fn install(&self, site: Option<&str>) -> anyhow::Result<()> {
        self.world.install(site, None).map_err(plain)
    }

    /// Removes the app and raises `AppRemoved`; its tokens fail from now on.
    ///
    /// # Errors
    /// When the site is unknown.
    pub fn remove(&self, site: Option<&str>) -> anyhow::Result<()> {
        self.world.remove(site).map_err(plain)
    }
}

fn plain(error: ControlError) -> anyhow::Error {
    anyhow!(error.0)
}

fn world(options: Options) -> anyhow::Result<World> {
    let ids = Ids::new(options.seed);
    let keys = Keys::new(options.private_key_pem.as_deref(), &ids)?;
    let (clock, switches, faults) = (options.clock, Switches::new(SWITCHES), Faults::default());
    let carrier = WixCarrier { keys: keys.clone(), switches: switches.clone(), app_id: options.app_id.clone() };
    let outbox = Outbox::new(clock.clone(), faults.clone(), Box::new(carrier));
    let core = Core { clock, switches, faults, calls: Calls::default(), limits: Limits::default(), outbox };
    let app = App { id: options.app_id, secret: options.app_secret, api_keys: options.api_keys };
    let state = State { webhook_urls: options.webhook_urls, ..State::default() };
    let world = World { core, ids, keys, app: Arc::new(app), state: Arc::new(state.into()) };
    for site in &options.sites {
        world.add_site(&site.site_id, &site.instance_id);
    }
    Ok(world)
}
