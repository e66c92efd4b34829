//! Whoever sends plain JSON with the signature of Standard Webhooks.

use jiff::Timestamp;
use secrecy::SecretString;

use super::{Filled, Opened, Refusal, Service, body::Bounded, json};
use crate::webhook::{Request, WebhookError, standard_webhooks::Delivery};

pub(super) struct Hosted;

impl Service for Hosted {
    fn verify(&self, request: &Request<'_>, secrets: &[SecretString], now: Timestamp) -> Result<(), WebhookError> {
        Delivery::of(request)?.verify(request, secrets, now)
    }

    fn read(&self, request: &Request<'_>, into: Bounded) -> Result<Opened, Refusal> {
        let delivery = Delivery::of(request)?;
        Ok(Opened::Filled(Filled { id: Some(delivery.id.to_owned()), at: delivery.at(), entries: json::read(request.body, into)? }))
    }
}
