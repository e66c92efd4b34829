//! The door: lets in what can prove where it comes from, and turns it into events. May import `model`, `ports` and `config`.
//!
//! A [`Request`] is what came over the wire. Nothing of it can be read from outside until one of the verifiers has made a [`Verified`]
//! payload of it, and only such a payload can be turned into [`Event`]s.

mod error;
pub mod forms;
pub mod hubspot;
mod intake;
mod json;
mod keys;
mod mac;
pub mod mailchimp;
pub mod messages;
pub mod pipedrive;
mod secret;
mod sender;
mod standard_webhooks;
#[cfg(test)]
mod testing;
pub mod wix;

use http::{HeaderMap, Method};
use jiff::Timestamp;

use crate::model::event::Event;
pub use error::{SetUpError, WebhookError};
pub use hubspot::HubspotVerifier;
pub use intake::{Intake, Taken};
pub use mailchimp::MailchimpVerifier;
pub use messages::{Answer, Channel, MessagesVerifier, services};
pub use pipedrive::PipedriveVerifier;
pub use sender::Sender;
pub use wix::WixVerifier;

/// An HTTP request that nobody has vouched for yet.
pub struct Request<'a> {
    method: &'a Method,
    target: &'a str,
    headers: &'a HeaderMap,
    body: &'a [u8],
}

impl<'a> Request<'a> {
    /// Takes a request as it came: `target` is path and query below the public URL, `body` the raw bytes.
    ///
    /// # Errors
    /// [`WebhookError::TooLarge`] if the body is longer than `limit`; nothing of it has been looked at then.
    pub fn new(method: &'a Method, target: &'a str, headers: &'a HeaderMap, body: &'a [u8], limit: usize) -> Result<Self, WebhookError> {
        if body.len() > limit {
            return Err(WebhookError::TooLarge { bytes: body.len() });
        }
        Ok(Self { method, target, headers, body })
    }
}

/// A payload whose sender is known. Only a verifier makes one.
pub struct Verified<P> {
    payload: P,
    received: Timestamp,
}

impl<P: Payload> Verified<P> {
    /// Reads the payload. What is well-signed but of no concern to the bridge yields no events.
    ///
    /// # Errors
    /// [`WebhookError::Unreadable`] or [`WebhookError::Missing`] if it is not what its sender documents.
    pub fn events(self) -> Result<Vec<Event>, WebhookError> {
        self.payload.events(self.received)
    }
}

/// A sender's own form of a payload.
pub trait Payload {
    /// Reads the payload; `received` stands in where the sender does not say when something happened.
    fn events(self, received: Timestamp) -> Result<Vec<Event>, WebhookError>;
}
