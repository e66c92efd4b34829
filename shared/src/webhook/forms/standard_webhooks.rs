//! Standard Webhooks 1.0.0: JSON, signed together with its id and the time of sending.
//!
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>
//!
//! The specification's own library asks the machine for the time and brings a second HMAC; its rules are these few lines.

use aws_lc_rs::hmac::Key;
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::{Filled, Opened, Refusal, Service, body::Bounded, hmac, json};
use crate::webhook::{Request, WebhookError};

/// How far the time of sending may be from now, in seconds, in either direction.
const WINDOW: u64 = 300;
/// A shorter key can be guessed; the specification wants 24 bytes and more.
const SHORTEST_KEY: usize = 8;

pub(super) struct Hosted;

impl Service for Hosted {
    fn verify(&self, request: &Request<'_>, secrets: &[SecretString], now: Timestamp) -> Result<(), WebhookError> {
        let (id, sent) = (header(request, "webhook-id")?, header(request, "webhook-timestamp")?);
        let signatures = header(request, "webhook-signature")?;
        let seconds: i64 = sent.parse().map_err(|_| WebhookError::MalformedTimestamp)?;
        if now.as_second().abs_diff(seconds) > WINDOW {
            return Err(WebhookError::Stale);
        }
        let message = [id.as_bytes(), b".", sent.as_bytes(), b".", request.body].concat();
        let keys: Vec<Key> = secrets.iter().flat_map(keys).collect();
        let mut tags = signatures.split(' ').filter_map(|signature| signature.strip_prefix("v1,"));
        if tags.any(|tag| hmac::check(tag, &message, keys.iter().cloned()).is_ok()) { Ok(()) } else { Err(WebhookError::Signature) }
    }

    fn read(&self, request: &Request<'_>, into: Bounded) -> Result<Opened, Refusal> {
        let at = header(request, "webhook-timestamp").ok().and_then(|sent| Timestamp::from_second(sent.parse().ok()?).ok());
        let id = header(request, "webhook-id").ok().map(str::to_owned);
        Ok(Opened::Filled(Filled { id, at, entries: json::read(request.body, into)? }))
    }
}

fn header<'a>(request: &'a Request<'_>, name: &str) -> Result<&'a str, WebhookError> {
    let value = request.headers.get(name).ok_or(WebhookError::Unsigned)?;
    value.to_str().ok().filter(|text| !text.is_empty()).ok_or(WebhookError::Signature)
}

/// Returns what a secret can stand for: base64 of the key, as the specification wants it, or without the prefix the key itself.
fn keys(secret: &SecretString) -> impl Iterator<Item = Key> + use<> {
    let secret = secret.expose_secret();
    let encoded = secret.strip_prefix("whsec_");
    let decoded = STANDARD.decode(encoded.unwrap_or(secret)).ok();
    let raw = encoded.is_none().then(|| secret.as_bytes().to_vec());
    decoded.into_iter().chain(raw).filter(|key| key.len() >= SHORTEST_KEY).map(|key| hmac::key(&key))
}
