//! What the intake function needs, put together.

use std::sync::Arc;

use super::{
    HubspotVerifier, MailchimpVerifier, MessagesVerifier, PipedriveVerifier, Request, Sender, SetUpError, WebhookError, WixVerifier,
};
use crate::{
    config,
    model::{event::Event, ids::SiteId, message::Message},
    ports::{Bus, Clock, Secrets, StoreResult},
};

/// What the intake function needs: who may send, and where events go.
pub struct Intake {
    bus: Arc<dyn Bus>,
    clock: Arc<dyn Clock>,
    wix: WixVerifier,
    hubspot: HubspotVerifier,
    pipedrive: PipedriveVerifier,
    mailchimp: MailchimpVerifier,
    messages: MessagesVerifier,
    max_body_bytes: usize,
}

/// What a request brought.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Taken {
    /// Events of contacts and sites.
    pub events: Vec<Event>,
    /// Messages for the Inbox.
    pub messages: Vec<Message>,
}

impl Taken {
    /// Returns how many of either there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.events.len() + self.messages.len()
    }

    /// Tells whether the request was of no concern.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the site; all that comes in one request is of one.
    #[must_use]
    pub fn site(&self) -> Option<&SiteId> {
        let event = self.events.first().map(|event| &event.site);
        event.or_else(|| self.messages.first().map(|message| &message.site))
    }
}

impl Intake {
    /// Puts the verifiers together from settings, fetching the secrets they name once.
    pub async fn from_settings(
        settings: &config::Intake,
        secrets: &dyn Secrets,
        bus: Arc<dyn Bus>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SetUpError> {
        Ok(Self {
            bus,
            clock,
            wix: WixVerifier::from_settings(&settings.wix, secrets).await?,
            hubspot: HubspotVerifier::from_settings(&settings.hubspot, secrets).await?,
            pipedrive: PipedriveVerifier::from_settings(&settings.messages, secrets).await?,
            mailchimp: MailchimpVerifier::from_settings(&settings.messages, secrets).await?,
            messages: MessagesVerifier::from_settings(&settings.messages, secrets).await?,
            max_body_bytes: settings.max_body_bytes,
        })
    }

    /// Returns the longest body that is looked at.
    #[must_use]
    pub const fn max_body_bytes(&self) -> usize {
        self.max_body_bytes
    }

    /// Verifies and reads a request. No I/O.
    pub fn open(&self, sender: &Sender, request: &Request<'_>) -> Result<Taken, WebhookError> {
        let now = self.clock.now();
        let events = |events| Taken { events, messages: Vec::new() };
        match sender {
            Sender::Wix => self.wix.verify(request, now)?.events().map(events),
            Sender::Hubspot(site) => self.hubspot.verify(request, site, now)?.events().map(events),
            Sender::Pipedrive(site) => self.pipedrive.verify(request, site, now)?.events().map(events),
            Sender::Mailchimp(site) => self.mailchimp.verify(request, site, now)?.events().map(events),
            Sender::Messages(channel) => {
                let messages = self.messages.verify(request, channel, now)?.messages()?;
                Ok(Taken { events: Vec::new(), messages })
            }
        }
    }

    /// Hands over what was taken; when this returns without an error the bus has all of it.
    pub async fn publish(&self, taken: &Taken) -> StoreResult<()> {
        if !taken.events.is_empty() {
            self.bus.publish(&taken.events).await?;
        }
        if !taken.messages.is_empty() {
            self.bus.publish_messages(&taken.messages).await?;
        }
        Ok(())
    }
}
