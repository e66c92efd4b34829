//! A strict simulator of HubSpot's contacts: objects, properties, OAuth and webhooks, for several accounts.
//!
//! Written from HubSpot's published documents alone; what they leave open is a switch.

mod batch;
mod carrier;
mod contact;
mod control;
mod errors;
mod events;
mod hub;
mod merge;
mod oauth;
mod objects;
mod options;
mod policy;
mod portal;
mod properties;
mod render;
mod schema;
mod search;
mod signature;
mod standard;
mod text;
mod tokens;
mod values;

use std::{net::SocketAddr, sync::Arc};

use axum::{Router, middleware};
use serde_json::Value;

pub use self::options::{Options, PortalOptions};
use self::{carrier::HubSpotCarrier, contact::Actor, hub::Hub};
use super::kit::{Calls, Clock, ControlError, Core, Faults, Limits, Outbox, Serving, Switches, Vendor, control_router, gate, serve};

/// A running HubSpot. Clones share it; it stops when the last one is dropped.
#[derive(Clone)]
pub struct Simulator {
    hub: Hub,
    serving: Arc<Serving>,
}

impl Simulator {
    /// Serves HubSpot at `listen`; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address cannot be bound or a portal is set up wrongly.
    pub async fn start(listen: SocketAddr, options: Options) -> anyhow::Result<Self> {
        let (clock, faults) = (options.clock.clone(), Faults::default());
        let switches = Switches::new(policy::SWITCHES);
        let carrier = HubSpotCarrier { secret: options.client_secret.clone(), switches: switches.clone() };
        let outbox = Outbox::new(clock.clone(), faults.clone(), Box::new(carrier));
        let (calls, limits) = (Calls::default(), Limits::default());
        let core = Core { clock, switches, faults, calls, limits, outbox };
        let hub = Hub::new(core, &options).map_err(|ControlError(error)| anyhow::anyhow!(error))?;
        let mut serving = serve(listen, router(&hub)).await?;
        hub.set_base_url(format!("http://{}", serving.addr()));
        if !options.clock.is_manual() {
            serving.attach(tokio::spawn(hub.core().outbox.clone().run()));
        }
        Ok(Self { hub, serving: Arc::new(serving) })
    }

    /// The address served at.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.serving.addr()
    }

    /// The base URL of the API.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr())
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.hub.core().clock
    }

    /// The open behaviours.
    #[must_use]
    pub fn switches(&self) -> &Switches {
        &self.hub.core().switches
    }

    /// The faults waiting.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.hub.core().faults
    }

    /// The call counts.
    #[must_use]
    pub fn calls(&self) -> &Calls {
        &self.hub.core().calls
    }

    /// The webhooks on their way.
    #[must_use]
    pub fn outbox(&self) -> &Outbox {
        &self.hub.core().outbox
    }

    /// Posts every webhook due now and returns how many events were attempted.
    pub async fn deliver_due(&self) -> usize {
        self.outbox().deliver_due().await
    }

    /// When the next webhook is due, in Unix milliseconds.
    #[must_use]
    pub fn next_due(&self) -> Option<i64> {
        self.outbox().next_due()
    }

    /// All contacts of a portal (by id or site name) or of all, as `GET /_control/contacts`.
    ///
    /// # Errors
    /// When the portal is unknown.
    pub fn contacts(&self, site: Option<&str>) -> Result<Value, ControlError> {
        self.hub.contacts(site)
    }

    /// Puts contacts into a portal, as `POST /_control/seed`.
    ///
    /// # Errors
    /// Names the field that is wrong.
    pub fn seed(&self, request: &Value) -> Result<Value, ControlError> {
        self.hub.seed(request)
    }

    /// Adds a portal.
    ///
    /// # Errors
    /// When its id is taken or a property is wrong.
    pub fn add_portal(&self, portal: PortalOptions) -> Result<(), ControlError> {
        self.hub.add_portal(portal)
    }

    /// Restores an archived contact as a person does.
    ///
    /// # Errors
    /// When the contact is not archived, or its e-mail is taken meanwhile.
    pub fn restore(&self, site: Option<&str>, id: u64) -> Result<(), ControlError> {
        self.hub.act(site, &Actor::Person(123), |session| session.portal.restore(id, &session.change))
    }

    /// An authorization code for a portal, as after an install.
    #[must_use]
    pub fn authorization_code(&self, portal: u64) -> String {
        self.hub.code(portal)
    }

    /// Ends every token of a portal, as a person does who uninstalls the app.
    pub fn revoke(&self, portal: u64) {
        self.hub.with_world(|world| world.tokens.revoke(portal));
    }

    /// Brings the tokens of a portal back that it was set up with.
    pub fn reinstall(&self, portal: u64) {
        self.hub.with_world(|world| {
            if let Some(options) = world.accounts.get(&portal).map(|account| account.options.clone()) {
                world.tokens.install(&options);
            }
        });
    }

    /// Forgets contacts, definitions, faults, counts and webhooks; switches go to their defaults.
    pub fn reset(&self) {
        self.hub.core().reset();
        Vendor::reset(&self.hub);
    }
}

fn router(hub: &Hub) -> Router {
    let api = objects::router().merge(properties::router()).merge(oauth::router());
    let guarded = api.route_layer(middleware::from_fn_with_state(hub.clone(), gate::<Hub>));
    guarded.merge(control::router()).with_state(hub.clone()).merge(control_router(hub.clone()))
}
