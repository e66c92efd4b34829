//! Signatures with a shared secret, and tokens, for every sender that has them: compared in constant time, with any of several secrets.

use aws_lc_rs::{constant_time, digest, hmac};
use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretString};

use super::WebhookError;

/// Checks a base64 tag of HMAC-SHA-256 over a message with any of the secrets.
pub(super) fn check_base64(tag: &str, message: &[u8], secrets: &[SecretString]) -> Result<(), WebhookError> {
    let keys = secrets.iter().map(ExposeSecret::expose_secret).filter(|secret| !secret.is_empty()).map(str::as_bytes);
    check(tag, message, keys.map(key))
}

/// Checks a base64 tag with any of the keys.
pub(super) fn check(tag: &str, message: &[u8], mut keys: impl Iterator<Item = hmac::Key>) -> Result<(), WebhookError> {
    let tag = STANDARD.decode(tag).map_err(|_| WebhookError::Signature)?;
    if keys.any(|key| hmac::verify(&key, message, &tag).is_ok()) { Ok(()) } else { Err(WebhookError::Signature) }
}

pub(super) fn key(secret: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret)
}

/// Tells whether a text is one of the secrets; takes the same time for every text, of whatever length.
pub(super) fn is_one_of(text: &str, secrets: &[SecretString]) -> bool {
    let hash = |text: &str| digest::digest(&digest::SHA256, text.as_bytes());
    let given = hash(text);
    let secrets = secrets.iter().map(ExposeSecret::expose_secret).filter(|secret| !secret.is_empty());
    secrets.fold(false, |found, secret| constant_time::verify_slices_are_equal(given.as_ref(), hash(secret).as_ref()).is_ok() | found)
}
