//! A strict simulator of Mailchimp's Marketing API 3.0: audiences, members, merge fields, tags and signed webhooks, for several
//! accounts. Whom Mailchimp would mail is written down, so that a test can prove that nobody was.
//!
//! Written from Mailchimp's published documents alone; what they leave open is a switch. Batch operations (`/batches`) are not
//! simulated and answer 404.

mod batch;
mod carrier;
mod consent;
mod control;
mod events;
mod hooks;
mod listing;
mod lists;
mod mail;
mod member;
mod members;
mod merge;
mod options;
mod people;
mod problem;
mod projection;
mod routes;
mod status;
mod switches;
mod trigger;
mod wish;
mod world;

use std::{net::SocketAddr, sync::Arc};

use serde_json::Value;

use self::{carrier::MailchimpCarrier, world::World};
pub use self::{
    options::{AccountOptions, ListOptions, Options},
    switches::SWITCHES,
};
use super::kit::{Calls, ControlError, Core, Faults, Limits, Outbox, Serving, Switches, Vendor, serve};

/// A running Mailchimp. Clones share it; it stops when the last one is dropped.
#[derive(Clone)]
pub struct Simulator {
    world: World,
    serving: Arc<Serving>,
}

impl Simulator {
    /// Serves Mailchimp at `listen`; port 0 takes a free one. On a real clock it delivers webhooks by itself.
    ///
    /// # Errors
    /// When the address cannot be bound or an account is set up wrongly.
    pub async fn start(listen: SocketAddr, options: Options) -> anyhow::Result<Self> {
        let (clock, faults) = (options.clock.clone(), Faults::default());
        let switches = Switches::new(SWITCHES);
        let outbox = Outbox::new(clock.clone(), faults.clone(), Box::new(MailchimpCarrier { switches: switches.clone() }));
        let core = Core { clock, switches, faults, calls: Calls::default(), limits: Limits::default(), outbox };
        let world = World::new(core, &options).map_err(plain)?;
        let mut serving = serve(listen, routes::router(world.clone())).await?;
        if !options.clock.is_manual() {
            serving.attach(tokio::spawn(world.core.outbox.clone().run()));
        }
        Ok(Self { world, serving: Arc::new(serving) })
    }

    /// The address served at.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.serving.addr()
    }

    /// What stands for `https://<dc>.api.mailchimp.com`; calls go to `/3.0` under it.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr())
    }

    /// Clock, switches, faults, call counts and the outbox.
    #[must_use]
    pub fn core(&self) -> &Core {
        &self.world.core
    }

    /// Posts every webhook due now and returns how many events were attempted.
    pub async fn deliver_due(&self) -> usize {
        self.core().outbox.deliver_due().await
    }

    /// When the next webhook is due, in Unix milliseconds.
    #[must_use]
    pub fn next_due(&self) -> Option<i64> {
        self.core().outbox.next_due()
    }

    /// Sets one switch.
    ///
    /// # Errors
    /// When the switch or the value does not exist.
    pub fn switch(&self, name: &str, value: impl Into<Value>) -> anyhow::Result<()> {
        self.core().switches.put(name, value).map_err(|text| anyhow::anyhow!(text))
    }

    /// Adds an account with its audiences.
    ///
    /// # Errors
    /// When its name, its key or an audience is taken, or a merge field is wrong.
    pub fn add_account(&self, account: &AccountOptions) -> anyhow::Result<()> {
        self.world.add_account(account).map_err(plain)
    }

    /// Puts members into an audience, as `POST /_control/seed`.
    ///
    /// # Errors
    /// Names the field that is wrong.
    pub fn seed(&self, request: &Value) -> anyhow::Result<Value> {
        self.world.seed(request).map_err(plain)
    }

    /// All members of an account or an audience (or of all), as `GET /_control/contacts`.
    ///
    /// # Errors
    /// When the account is unknown.
    pub fn contacts(&self, site: Option<&str>) -> anyhow::Result<Vec<Value>> {
        let found = self.world.contacts(site).map_err(plain)?;
        Ok(found.get("contacts").and_then(Value::as_array).cloned().unwrap_or_default())
    }

    /// Everything that Mailchimp would have mailed so far, as `GET /_control/mails`.
    #[must_use]
    pub fn mails(&self) -> Vec<Value> {
        self.world.mails(None)
    }

    /// The most calls of an account that were at work at once.
    #[must_use]
    pub fn most_connections(&self, account: &str) -> usize {
        self.world.seats.most(account)
    }

    /// A person acts: `unsubscribe`, `complain`, `bounce`, `confirm`, `signup` or `campaign`, as `POST /_control/<act>`.
    ///
    /// # Errors
    /// Names the field that is wrong.
    pub fn act(&self, act: &str, request: &Value) -> anyhow::Result<Value> {
        self.world.act(act, request).map_err(plain)
    }

    /// Forgets members, definitions, mails, faults, counts and webhooks; switches go to their defaults.
    pub fn reset(&self) {
        self.core().reset();
        Vendor::reset(&self.world);
    }
}

fn plain(ControlError(text): ControlError) -> anyhow::Error {
    anyhow::anyhow!(text)
}
