//! What the intake function needs, put together.

use std::sync::Arc;

use super::{HubspotVerifier, Request, Sender, SetUpError, WebhookError, WixVerifier};
use crate::{
    config,
    model::event::Event,
    ports::{Clock, EventBus, Secrets, StoreResult},
};

/// What the intake function needs: who may send, and where events go.
pub struct Intake {
    bus: Arc<dyn EventBus>,
    clock: Arc<dyn Clock>,
    wix: WixVerifier,
    hubspot: HubspotVerifier,
    max_body_bytes: usize,
}

impl Intake {
    /// Puts the verifiers together from settings, fetching the secrets they name once.
    pub async fn from_settings(
        settings: &config::Intake,
        secrets: &dyn Secrets,
        bus: Arc<dyn EventBus>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SetUpError> {
        Ok(Self {
            bus,
            clock,
            wix: WixVerifier::from_settings(&settings.wix, secrets).await?,
            hubspot: HubspotVerifier::from_settings(&settings.hubspot, secrets).await?,
            max_body_bytes: settings.max_body_bytes,
        })
    }

    /// Returns the longest body that is looked at.
    #[must_use]
    pub const fn max_body_bytes(&self) -> usize {
        self.max_body_bytes
    }

    /// Verifies and reads a request. No I/O.
    pub fn open(&self, sender: &Sender, request: &Request<'_>) -> Result<Vec<Event>, WebhookError> {
        let now = self.clock.now();
        match sender {
            Sender::Wix => self.wix.verify(request, now)?.events(),
            Sender::Hubspot(site) => self.hubspot.verify(request, site, now)?.events(),
        }
    }

    /// Hands events over; when this returns without an error the bus has every one of them.
    pub async fn publish(&self, events: &[Event]) -> StoreResult<()> {
        if events.is_empty() {
            return Ok(());
        }
        self.bus.publish(events).await
    }
}
