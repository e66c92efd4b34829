mod bodies;
mod senders;
mod services;

use std::collections::BTreeMap;

use aws_lc_rs::hmac as mac;
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, Method};
use serde::Deserialize;
use serde_json::{Value, json};

use super::*;

const NOW: &str = "2026-11-20T12:00:00Z";

/// A post to a form.
struct Post {
    target: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Post {
    fn new(kind: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { target: "/forms/s/f".to_owned(), headers: HeaderMap::new(), body: body.into() }.header("content-type", kind)
    }

    fn json(body: &Value) -> Self {
        Self::new("application/json", body.to_string())
    }

    fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap());
        self
    }

    fn query(mut self, query: &str) -> Self {
        self.target = format!("{}?{query}", self.target);
        self
    }

    fn open(&self, sender: &Value, secrets: &[&str], now: Timestamp) -> Result<Opened, Refusal> {
        let form = json!({"sender": sender, "fields": [{"from": "email", "to": "email"}], "limits": {"fields": 4}});
        let form: Form = serde_json::from_value(form).unwrap();
        let secrets: Vec<_> = secrets.iter().map(|secret| SecretString::from(*secret)).collect();
        let request = Request::new(&Method::POST, &self.target, &self.headers, &self.body, usize::MAX).unwrap();
        open(&form, &secrets, &request, now)
    }

    fn opened(&self, sender: &Value, secrets: &[&str]) -> Result<Filled, Refusal> {
        match self.open(sender, secrets, now())? {
            Opened::Filled(filled) => Ok(filled),
            Opened::Other => panic!("nothing was filled in"),
        }
    }

    fn refused(&self, sender: &Value, secrets: &[&str]) -> Refusal {
        self.open(sender, secrets, now()).unwrap_err()
    }
}

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn service(name: &str) -> Value {
    json!({"kind": "service", "service": name, "secrets": ["s"]})
}

fn token() -> Value {
    json!({"kind": "token", "secrets": ["s"]})
}

fn tag(secret: &[u8], message: &[u8]) -> String {
    STANDARD.encode(mac::sign(&mac::Key::new(mac::HMAC_SHA256, secret), message))
}

/// What was filled in, as `name=text`.
fn lines(filled: &Filled) -> Vec<String> {
    filled.entries.iter().map(|(name, text)| format!("{name}={text}")).collect()
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    service: String,
    secret: String,
    now_ms: i64,
    headers: BTreeMap<String, String>,
    body: String,
    valid: bool,
}

#[test]
fn every_published_signature_is_judged_right() {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("tests/vectors.json")).unwrap();
    assert_eq!(vectors.len(), 14);
    for vector in vectors {
        let post = vector.headers.iter().fold(Post::new("application/json", vector.body), |post, (name, value)| post.header(name, value));
        let opened = post.open(&service(&vector.service), &[&vector.secret], Timestamp::from_millisecond(vector.now_ms).unwrap());
        let refused = matches!(opened, Err(Refusal::Unproven(_)));
        assert_eq!(refused, !vector.valid, "{}", vector.name);
    }
}

#[test]
fn every_service_has_a_name() {
    assert_eq!(service_names().collect::<Vec<_>>(), ["jotform", "standard_webhooks", "tally", "typeform"]);
    let refusal = Post::json(&json!({})).refused(&service("formly"), &["k"]);
    assert_eq!((refusal.status().as_u16(), refusal.field()), (404, "form"));
}
