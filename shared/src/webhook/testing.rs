//! Signed requests for the tests of this module.

use aws_lc_rs::hmac;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http::{HeaderMap, HeaderValue, Method};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};

/// The private and public key of the app, as a test key.
pub(super) const CURRENT: (&str, &str) =
    keys(include_str!("../../../events/keys/wix-webhook.private.pem"), include_str!("../../../events/keys/wix-webhook.public.pem"));
/// The app's next key, during a rotation.
pub(super) const NEXT: (&str, &str) = keys(
    include_str!("../../../events/keys/wix-webhook-next.private.pem"),
    include_str!("../../../events/keys/wix-webhook-next.public.pem"),
);
/// Another app's key.
pub(super) const OTHER: (&str, &str) =
    keys(include_str!("../../../events/keys/other-app.private.pem"), include_str!("../../../events/keys/other-app.public.pem"));

const fn keys(private: &'static str, public: &'static str) -> (&'static str, &'static str) {
    (private, public)
}

/// A limit no test reaches by accident.
pub(super) const LIMIT: usize = 1024 * 1024;

/// Signs a token of Wix's shape.
pub(super) fn token(private: &str, claims: &Value) -> String {
    let key = EncodingKey::from_rsa_pem(private.as_bytes()).unwrap();
    sealed(&json!({"kid": "LGuapkSD", "alg": "RS256"}), claims, |message| crypto::sign(message, &key, Algorithm::RS256).unwrap())
}

/// Makes a token with any header and any signature.
pub(super) fn sealed(header: &Value, claims: &Value, sign: impl Fn(&[u8]) -> String) -> String {
    let message = format!("{}.{}", encode(header), encode(claims));
    let signature = sign(message.as_bytes());
    format!("{message}.{signature}")
}

fn encode(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

/// Makes the headers HubSpot sends with a body.
pub(super) fn hubspot_headers(secret: &str, url: &str, body: &[u8], sent_ms: i64) -> HeaderMap {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let source = [Method::POST.as_str().as_bytes(), url.as_bytes(), body, sent_ms.to_string().as_bytes()].concat();
    let tag = STANDARD.encode(hmac::sign(&key, &source));
    headers(&[("x-hubspot-signature-v3", &tag), ("x-hubspot-request-timestamp", &sent_ms.to_string())])
}

/// Makes headers.
pub(super) fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())).collect()
}
