//! The signature of Standard Webhooks 1.0.0, for every sender that signs so: over the delivery's id, the time of sending and the raw body.
//!
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>
//!
//! The specification's own library asks the machine for the time and brings a second HMAC; its rules are these few lines.

use aws_lc_rs::hmac::Key;
use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderMap;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::{Request, WebhookError, secret};

/// How far the time of sending may be from now, in seconds, in either direction.
const WINDOW: u64 = 300;
/// A shorter key can be guessed; the specification wants 24 bytes and more.
const SHORTEST_KEY: usize = 8;

/// What a delivery says of itself.
pub(super) struct Delivery<'a> {
    /// Its id: a repeat has the same one.
    pub id: &'a str,
    sent: &'a str,
    seconds: i64,
}

impl<'a> Delivery<'a> {
    /// Reads the headers. Nothing they say is worth anything before [`Self::verify`].
    pub fn of(request: &'a Request<'_>) -> Result<Self, WebhookError> {
        let (id, sent) = (id(request.headers)?, header(request.headers, "webhook-timestamp")?);
        let seconds = sent.parse().map_err(|_| WebhookError::MalformedTimestamp)?;
        Ok(Self { id, sent, seconds })
    }

    /// When it was sent.
    pub fn at(&self) -> Option<Timestamp> {
        Timestamp::from_second(self.seconds).ok()
    }

    /// Verifies that it was sent a moment ago by somebody who has one of the secrets.
    pub fn verify(&self, request: &Request<'_>, secrets: &[SecretString], now: Timestamp) -> Result<(), WebhookError> {
        let signatures = header(request.headers, "webhook-signature")?;
        if now.as_second().abs_diff(self.seconds) > WINDOW {
            return Err(WebhookError::Stale);
        }
        let message = [self.id.as_bytes(), b".", self.sent.as_bytes(), b".", request.body].concat();
        let keys: Vec<Key> = secrets.iter().flat_map(keys).collect();
        let mut tags = signatures.split(' ').filter_map(|signature| signature.strip_prefix("v1,"));
        if tags.any(|tag| secret::check(tag, &message, keys.iter().cloned()).is_ok()) { Ok(()) } else { Err(WebhookError::Signature) }
    }
}

/// Returns the delivery's id, the same one for a repeat.
pub(super) fn id(headers: &HeaderMap) -> Result<&str, WebhookError> {
    header(headers, "webhook-id")
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, WebhookError> {
    let value = headers.get(name).ok_or(WebhookError::Unsigned)?;
    value.to_str().ok().filter(|text| !text.is_empty()).ok_or(WebhookError::Signature)
}

/// Returns what a secret can stand for: base64 of the key, as the specification wants it, or without the prefix the key itself.
fn keys(secret: &SecretString) -> impl Iterator<Item = Key> + use<> {
    let secret = secret.expose_secret();
    let encoded = secret.strip_prefix("whsec_");
    let decoded = STANDARD.decode(encoded.unwrap_or(secret)).ok();
    let raw = encoded.is_none().then(|| secret.as_bytes().to_vec());
    decoded.into_iter().chain(raw).filter(|key| key.len() >= SHORTEST_KEY).map(|key| secret::key(&key))
}
