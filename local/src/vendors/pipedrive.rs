//! A strict simulator of Pipedrive's persons: version 2 of the API with what only version 1 has (merge, webhooks, fields), for several
//! companies. Organizations are not simulated.
//!
//! Written from Pipedrive's published documents alone; what they leave open is a switch. The bans of receivers that fail often, and the
//! end of webhooks without success for days, are not simulated.

mod body;
mod carrier;
mod control;
mod definitions;
mod events;
mod fields;
mod hooks;
mod limits;
mod listing;
mod options;
mod person;
mod persons;
mod refusal;
mod routes;
mod search;
mod switches;
mod world;

use std::{net::SocketAddr, sync::Arc};

use serde_json::Value;

use self::{carrier::PipedriveCarrier, world::World};
pub use self::{
    options::{CompanyOptions, Options},
    switches::SWITCHES,
};
use super::kit::{Calls, ControlError, Core, Faults, Limits, Outbox, Serving, Switches, Vendor, serve};

/// A running Pipedrive. Clones share it; it stops when the last one is dropped.
#[derive(Clone)]
pub struct Simulator {
    world: World,
    serving: Arc<Serving>,
}

impl Simulator {
    /// Serves Pipedrive at `listen`; port 0 takes a free one. On a real clock it delivers webhooks by itself.
    ///
    /// # Errors
    /// When the address cannot be bound or a company is set up wrongly.
    pub async fn start(listen: SocketAddr, options: Options) -> anyhow::Result<Self> {
        let (clock, faults) = (options.clock.clone(), Faults::default());
        let switches = Switches::new(SWITCHES);
        let outbox = Outbox::new(clock.clone(), faults.clone(), Box::new(PipedriveCarrier { switches: switches.clone() }));
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

    /// What stands for `https://<company>.pipedrive.com`.
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

    /// Adds a company.
    ///
    /// # Errors
    /// When its name, id or token is taken, or a field is wrong.
    pub fn add_company(&self, company: &CompanyOptions) -> anyhow::Result<()> {
        self.world.add_company(company).map_err(plain)
    }

    /// Puts persons into a company, as `POST /_control/seed`.
    ///
    /// # Errors
    /// Names the field that is wrong.
    pub fn seed(&self, request: &Value) -> anyhow::Result<Value> {
        self.world.seed(request).map_err(plain)
    }

    /// All persons of a company (or of all) as the API shows them, with `site`, `deleted` and `mergedInto`.
    ///
    /// # Errors
    /// When the company is unknown.
    pub fn contacts(&self, site: Option<&str>) -> anyhow::Result<Vec<Value>> {
        let found = self.world.contacts(site).map_err(plain)?;
        Ok(found.get("contacts").and_then(Value::as_array).cloned().unwrap_or_default())
    }

    /// Forgets persons, definitions, webhooks, faults and counts; switches go to their defaults.
    pub fn reset(&self) {
        self.core().reset();
        Vendor::reset(&self.world);
    }
}

fn plain(ControlError(text): ControlError) -> anyhow::Error {
    anyhow::anyhow!(text)
}
