//! What holds for every service, and what the tests of each one share.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use http::{HeaderName, HeaderValue, Method};
use serde::Deserialize;
use serde_json::Value;

use super::*;
use crate::webhook::testing::{LIMIT, headers};

const PUBLIC_URL: &str = "https://bridge.example.com";
const NOW: i64 = 1_795_176_000;
/// Each is a text, and the base64 of a key, so that it will do for every service.
const SECRETS: [&str; 3] =
    ["b25lIHNlY3JldCBvZiBlbm91Z2ggYnl0ZXM=", "YW5vdGhlciBzZWNyZXQgb2YgYnl0ZXMh", "c29tZWJvZHkgZWxzZSdzIHNlY3JldCBrZXk="];

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

/// Reads a body as one that was verified; plain messages have the id `msg_1`.
pub(super) fn read_bytes(service: &str, body: &[u8]) -> Result<Vec<Message>, WebhookError> {
    let headers = headers(&[("webhook-id", "msg_1")]);
    let channel = Channel::new(service, "site-1", None).unwrap();
    Verified { payload: Delivery { channel: &channel, headers: &headers, body }, received: now() }.messages()
}

/// As [`read_bytes`], from JSON.
pub(super) fn read(service: &str, body: &Value) -> Result<Vec<Message>, WebhookError> {
    read_bytes(service, body.to_string().as_bytes())
}

/// The words of a message.
pub(super) fn text(message: &Message) -> String {
    match &message.content {
        Content::Message { text, .. } | Content::Activity { text, .. } => text.clone(),
    }
}

/// What the tests of all services post, unless a service has another form.
pub(super) const BODY: &str = r#"{"contact": {"email": "ada@example.com"}, "text": "Hi"}"#;

/// How a service signs.
pub(super) struct Signing {
    /// What it posts.
    pub(super) body: &'static str,
    /// The header with the signature.
    pub(super) header: &'static str,
    /// How old a request may be, in seconds, where the time is signed.
    pub(super) window: Option<i64>,
    /// Requests with the verdict on them, as JSON.
    pub(super) vectors: &'static str,
    /// Makes the headers.
    pub(super) sign: fn(&Signed<'_>) -> Vec<(&'static str, String)>,
}

/// What is signed.
pub(super) struct Signed<'a> {
    pub(super) secret: &'a str,
    pub(super) url: String,
    pub(super) body: &'a str,
    /// When it is sent, in seconds.
    pub(super) sent: i64,
}

/// A message authentication code.
pub(super) fn tag(algorithm: hmac::Algorithm, key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(algorithm, key), text.as_bytes()).as_ref().to_vec()
}

fn signing(service: &str) -> Signing {
    service_of(service).unwrap().signing()
}

/// A request as its sender makes it.
#[derive(Clone)]
struct Sent {
    channel: Channel,
    target: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Sent {
    /// A request of a service, signed with a secret so many seconds from now.
    fn by(service: &str, secret: &str, after: i64) -> Self {
        let Signing { body, sign, .. } = signing(service);
        let channel = Channel::new(service, "site-1", Some("own")).unwrap();
        let target = format!("/webhooks/{service}/site-1/own");
        let signed = sign(&Signed { secret, url: format!("{PUBLIC_URL}{target}"), body, sent: NOW + after });
        let headers = signed.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())).collect();
        Self { channel, target, headers, body: body.as_bytes().to_vec() }
    }

    fn verdict(&self, secrets: &str) -> Result<(), WebhookError> {
        let secrets: Vec<_> = services().into_iter().map(|service| (service, SecretString::from(secrets))).collect();
        let request = Request::new(&Method::POST, &self.target, &self.headers, &self.body, LIMIT)?;
        MessagesVerifier::new(PUBLIC_URL, &secrets).verify(&request, &self.channel, now()).map(drop)
    }

    fn without(mut self, header: &str) -> Self {
        self.headers.remove(header).unwrap();
        self
    }

    fn with(mut self, header: &'static str, value: &str) -> Self {
        self.headers.insert(header, HeaderValue::from_str(value).unwrap());
        self
    }
}

#[test]
fn every_service_is_verified_with_the_secret_of_its_source() {
    for service in services() {
        let sent = Sent::by(service, SECRETS[0], 0);
        for (secrets, expected) in [
            (format!("site-1/own={}", SECRETS[0]), Ok(())),
            (format!("*={}", SECRETS[0]), Ok(())),
            (format!("site-1={},site-1={}", SECRETS[1], SECRETS[0]), Ok(())),
            (format!("site-1={},site-1={}", SECRETS[0], SECRETS[1]), Ok(())),
            (format!("*={},site-1={}", SECRETS[0], SECRETS[2]), Err(WebhookError::Signature)),
            (format!("site-1/other={}", SECRETS[0]), Err(WebhookError::Signature)),
            (format!("site-2={}", SECRETS[0]), Err(WebhookError::Signature)),
            (String::new(), Err(WebhookError::Signature)),
        ] {
            assert_eq!(sent.verdict(&secrets), expected, "{service} {secrets}");
        }
    }
}

#[test]
fn what_is_forged_is_refused_by_every_service() {
    let secrets = format!("*={}", SECRETS[0]);
    for service in services() {
        let sent = Sent::by(service, SECRETS[0], 0);
        let header = signing(service).header;
        let tampered = Sent { body: [sent.body.as_slice(), b" "].concat(), ..sent.clone() };
        for (what, request, expected) in [
            ("another body", tampered, WebhookError::Signature),
            ("another secret", Sent::by(service, SECRETS[2], 0), WebhookError::Signature),
            ("no signature", sent.clone().without(header), WebhookError::Unsigned),
        ] {
            assert_eq!(request.verdict(&secrets), Err(expected), "{service}: {what}");
        }
        for malformed in ["", "v1", "v1,", "v1,é", "sha1=", "t=,v1=", "t=1795176000,v1=", "%%%", "AAAA"] {
            let verdict = sent.clone().with(header, malformed).verdict(&secrets).unwrap_err();
            assert_eq!(verdict.status(), http::StatusCode::UNAUTHORIZED, "{service}: {malformed}");
        }
    }
}

#[test]
fn what_was_sent_too_long_ago_or_ahead_is_refused() {
    let secrets = format!("*={}", SECRETS[0]);
    for service in services() {
        let Some(window) = signing(service).window else { continue };
        for (after, expected) in [
            (-window, Ok(())),
            (window, Ok(())),
            (-window - 1, Err(WebhookError::Stale)),
            (window + 1, Err(WebhookError::Stale)),
            (-NOW, Err(WebhookError::Stale)),
        ] {
            assert_eq!(Sent::by(service, SECRETS[0], after).verdict(&secrets), expected, "{service} {after}");
        }
    }
}

#[test]
fn a_time_that_is_none_is_refused() {
    let secrets = format!("*={}", SECRETS[0]);
    let plain = Sent::by("plain", SECRETS[0], 0);
    for sent in ["soon", "1795176000.5", "99999999999999999999"] {
        assert_eq!(plain.clone().with("webhook-timestamp", sent).verdict(&secrets), Err(WebhookError::MalformedTimestamp), "{sent}");
        let calendly = Sent::by("calendly", SECRETS[0], 0).with("calendly-webhook-signature", &format!("t={sent},v1=00"));
        assert_eq!(calendly.verdict(&secrets), Err(WebhookError::MalformedTimestamp), "{sent}");
    }
    for header in ["webhook-timestamp", "webhook-id"] {
        assert_eq!(plain.clone().without(header).verdict(&secrets), Err(WebhookError::Unsigned), "{header}");
    }
}

#[test]
fn a_message_is_of_the_channel_it_came_in_by() {
    let message = &read_bytes("twilio", signing("twilio").body.as_bytes()).unwrap()[0];
    assert_eq!((message.site.as_str(), message.source.as_str(), message.service.as_str()), ("site-1", "twilio", "twilio"));
    assert_eq!(message.at, now());
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    secret: String,
    now_ms: i64,
    method: String,
    url: String,
    headers: BTreeMap<String, String>,
    body: String,
    expect: String,
}

impl Vector {
    fn verdict(&self, service: &dyn Service) -> &'static str {
        let pair = |(name, value): (&String, &String)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        let headers: HeaderMap = self.headers.iter().map(pair).collect();
        let method: Method = self.method.parse().unwrap();
        let host = self.url.find("://").unwrap() + 3;
        let (public_url, target) = self.url.split_at(host + self.url[host..].find('/').unwrap());
        let request = Request::new(&method, target, &headers, self.body.as_bytes(), LIMIT).unwrap();
        let secrets = [SecretString::from(self.secret.as_str())];
        let trust = Trust { secrets: &secrets, public_url, now: Timestamp::from_millisecond(self.now_ms).unwrap() };
        if service.verify(&request, &trust).is_ok() { "valid" } else { "invalid" }
    }
}

/// The vectors are the vendors' own, or were made with their SDKs or by the recipe they publish; `source` says which.
#[test]
fn every_vector_is_judged_right() {
    for service in SERVICES {
        let vectors: Vec<Vector> = serde_json::from_str(service.signing().vectors).unwrap();
        assert!(vectors.len() > 1, "{} has no vectors", service.name());
        for vector in &vectors {
            assert_eq!(vector.verdict(*service), vector.expect, "{}", vector.name);
        }
    }
}
