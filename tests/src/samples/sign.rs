//! Signs samples as Wix and HubSpot do, with test keys.

use aws_lc_rs::hmac;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};

use super::{PUBLIC_URL, SITE, Sent};

const WIX_PRIVATE_KEY: &str = include_str!("../../../events/keys/wix-webhook.private.pem");
pub(super) const WIX_PUBLIC_KEY: &str = include_str!("../../../events/keys/wix-webhook.public.pem");
pub(super) const HUBSPOT_SECRET: &str = include_str!("../../../events/keys/hubspot-client-secret.txt");

/// Makes a request of Wix: the body is one compact token.
pub(super) fn wix(name: &'static str, claims: &Value) -> Sent {
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let message = format!("{}.{}", encode(&json!({"kid": "LGuapkSD", "alg": "RS256"})), encode(claims));
    let key = EncodingKey::from_rsa_pem(WIX_PRIVATE_KEY.as_bytes()).expect("the test key is a key");
    let signature = crypto::sign(message.as_bytes(), &key, Algorithm::RS256).expect("an RSA key signs");
    Sent {
        name,
        path: "/webhooks/wix".to_owned(),
        headers: vec![("content-type", "text/plain".to_owned())],
        body: format!("{message}.{signature}"),
    }
}

/// Makes a request of HubSpot: the URL is signed as well.
pub(super) fn hubspot(name: &'static str, notices: &Value, now: Timestamp) -> Sent {
    let (path, body, sent) = (format!("/webhooks/hubspot/{SITE}"), notices.to_string(), now.as_millisecond().to_string());
    let key = hmac::Key::new(hmac::HMAC_SHA256, HUBSPOT_SECRET.as_bytes());
    let signature = STANDARD.encode(hmac::sign(&key, format!("POST{PUBLIC_URL}{path}{body}{sent}").as_bytes()));
    let headers =
        vec![("content-type", "application/json".to_owned()), ("x-hubspot-request-timestamp", sent), ("x-hubspot-signature-v3", signature)];
    Sent { name, path, headers, body }
}
