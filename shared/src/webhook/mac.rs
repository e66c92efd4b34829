//! Message authentication codes, compared in constant time.

use aws_lc_rs::hmac::{self, Algorithm};
use http::HeaderMap;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use crate::webhook::WebhookError;

/// A header of the form `t=<seconds>,v1=<hex>,..`: when it was sent, and tags of which one is to be that of the time, a dot and the body.
pub(super) struct Stamped<'a> {
    /// The time as it is signed.
    pub stamp: &'a str,
    /// The tags.
    pub tags: Vec<&'a str>,
}

impl<'a> Stamped<'a> {
    /// Reads the header of this name.
    pub fn of(headers: &'a HeaderMap, name: &str) -> Result<Self, WebhookError> {
        let header = header(headers, name, WebhookError::Unsigned)?;
        let values = |name| header.split(',').filter_map(move |pair| pair.trim().split_once('=').filter(|(own, _)| *own == name));
        let stamp = values("t").map(|(_, value)| value).next().ok_or(WebhookError::MalformedTimestamp)?;
        Ok(Self { stamp, tags: values("v1").map(|(_, tag)| tag).collect() })
    }

    /// Returns the time in seconds since 1970.
    pub fn sent(&self) -> Result<i64, WebhookError> {
        self.stamp.parse().map_err(|_| WebhookError::MalformedTimestamp)
    }
}

/// Refuses an instant more than so many seconds from now, in either direction.
pub(super) fn check_time(now: Timestamp, sent: i64, seconds: u64) -> Result<(), WebhookError> {
    if now.as_millisecond().abs_diff(sent.saturating_mul(1000)) > seconds * 1000 { Err(WebhookError::Stale) } else { Ok(()) }
}

/// Returns a header that must be there, as text.
pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str, absent: WebhookError) -> Result<&'a str, WebhookError> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim).filter(|value| !value.is_empty()).ok_or(absent)
}

/// Tells whether one of the tags is that of the text under one of the secrets, taken as they are.
pub(super) fn is_signed(algorithm: Algorithm, secrets: &[SecretString], text: &[&[u8]], tags: &[Vec<u8>]) -> bool {
    secrets.iter().any(|secret| is_signed_by(algorithm, secret.expose_secret().as_bytes(), text, tags))
}

/// As [`is_signed`], under one key.
pub(super) fn is_signed_by(algorithm: Algorithm, key: &[u8], text: &[&[u8]], tags: &[Vec<u8>]) -> bool {
    let key = hmac::Key::new(algorithm, key);
    let mut context = hmac::Context::with_key(&key);
    for part in text {
        context.update(part);
    }
    let expected = context.sign();
    tags.iter().any(|tag| aws_lc_rs::constant_time::verify_slices_are_equal(expected.as_ref(), tag).is_ok())
}
