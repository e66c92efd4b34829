//! Whoever sends plain JSON with the signature of Standard Webhooks.

use jiff::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use super::{Filled, Opened, Refusal, Service, body::Bounded, json};
use crate::webhook::{Request, WebhookError, standard_webhooks::Delivery};

pub(super) struct Hosted;

impl Service for Hosted {
    fn verify(&self, request: &Request<'_>, secrets: &[SecretString], now: Timestamp) -> Result<(), WebhookError> {
        Delivery::of(request)?.verify(request, secrets, now)
    }

    fn read(&self, request: &Request<'_>, into: Bounded) -> Result<Opened, Refusal> {
        let delivery = Delivery::of(request)?;
        let entries = json::read(request.body, into)?;
        Ok(Opened::Filled(Filled { id: Some(delivery.id.to_owned()), at: filled_at(&delivery, request.body), entries }))
    }
}

/// When the form was filled in. The header tells when this delivery was sent, which may be hours later; the body's own `timestamp` is that of the
/// event, by the section "Payload structure" of the specification.
fn filled_at(delivery: &Delivery<'_>, body: &[u8]) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct Payload {
        timestamp: Option<Value>,
    }

    let payload: Option<Payload> = serde_json::from_slice(body).ok();
    let happened = payload.and_then(|payload| payload.timestamp?.as_str()?.parse::<Timestamp>().ok());
    let sent = delivery.at();
    happened.filter(|happened| sent.is_none_or(|sent| *happened <= sent)).or(sent)
}
