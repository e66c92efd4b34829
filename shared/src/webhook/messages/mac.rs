//! Message authentication codes, compared in constant time.

use aws_lc_rs::hmac::{self, Algorithm};
use http::HeaderMap;
use secrecy::{ExposeSecret, SecretString};

use crate::webhook::WebhookError;

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
