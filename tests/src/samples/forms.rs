//! What is posted to forms, and what waits in their queue.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    SITE, Sample,
    aws::{Call, forwarded, message},
    sample,
};

/// The token of the sample forms, and the secret of their services.
pub const FORM_SECRET: &str = include_str!("../../../events/keys/form-secret.txt");
/// The page the public form lies on.
const ORIGIN: &str = "https://shop.example";
const POST: &str = "POST /forms/{site}/{form}";
const BOUNDARY: &str = "xYzZY";
/// An id as the function makes them.
const SUBMISSION: &str = "5f0c9b7e6d0a4c1e9a512b8f";

/// Returns the settings of the forms the samples are posted to.
#[must_use]
pub fn settings() -> Value {
    let field = |from: &str, to: &str| json!({"from": from, "to": to});
    let fields = json!([field("email", "email"), field("first_name", "name.first"), field("company", "company")]);
    let service = |name: &str| json!({"sender": {"kind": "service", "service": name, "secrets": ["forms/secret"]}, "fields": fields});
    json!({
        "contact": {"sender": {"kind": "token", "secrets": ["forms/secret"]}, "fields": fields,
            "consent": {"field": "newsletter", "text_version": "2026-11"}},
        "newsletter": {"sender": {"kind": "public", "origins": [ORIGIN]}, "fields": fields, "honeypot": "website",
            "thank_you": "https://shop.example/thanks", "consent": {"field": "newsletter", "text_version": "2026-11"}},
        "jotform": service("jotform"), "standard-webhooks": service("standard_webhooks"), "tally": service("tally"),
        "typeform": service("typeform"),
    })
}

/// Returns the samples.
pub(super) fn all(now: Timestamp) -> Vec<Sample> {
    let mut events = vec![
        ("json", plain("application/json", &ada().to_string(), now)),
        ("urlencoded", browser("email=ada%40example.com&first_name=Ada&company=Works&newsletter=on&website=", now)),
        ("multipart", plain(&format!("multipart/form-data; boundary={BOUNDARY}"), &multipart(&[("email", "ada@example.com")]), now)),
        ("preflight", preflight(now)),
        ("submission", submission(now)),
        ("queued", queued(now)),
    ];
    events.extend([("typeform", typeform(now)), ("tally", tally(now)), ("jotform", jotform(now)), ("standard-webhooks", standard(now))]);
    events.into_iter().map(|(name, event)| sample("form-upsert", name, event)).collect()
}

fn ada() -> Value {
    json!({"email": "ada@example.com", "first_name": "Ada", "company": "Works"})
}

fn tag(message: &str) -> String {
    STANDARD.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, FORM_SECRET.as_bytes()), message.as_bytes()))
}

/// A post to a form with these headers.
fn post(form: &str, query: &str, headers: &[(&'static str, String)], body: &str, now: Timestamp) -> Value {
    let path = format!("/forms/{SITE}/{form}");
    let is_text = headers.iter().any(|(name, value)| *name == "content-type" && value == "application/json");
    forwarded(&Call { route: POST, path: &path, query, headers, body, is_text }, now)
}

fn plain(kind: &str, body: &str, now: Timestamp) -> Value {
    let headers = [("content-type", kind.to_owned()), ("authorization", format!("Bearer {FORM_SECRET}"))];
    post("contact", "", &headers, body, now)
}

fn browser(body: &str, now: Timestamp) -> Value {
    let headers = [
        ("accept", "text/html,application/xhtml+xml,*/*;q=0.8".to_owned()),
        ("content-type", "application/x-www-form-urlencoded".to_owned()),
        ("origin", ORIGIN.to_owned()),
    ];
    post("newsletter", "", &headers, body, now)
}

fn multipart(fields: &[(&str, &str)]) -> String {
    let part = |(name, text): &(&str, &str)| format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n");
    format!("{}--{BOUNDARY}--\r\n", fields.iter().map(part).collect::<String>())
}

fn preflight(now: Timestamp) -> Value {
    let headers = [("origin", ORIGIN.to_owned()), ("access-control-request-method", "POST".to_owned())];
    let path = format!("/forms/{SITE}/newsletter");
    forwarded(&Call { route: "OPTIONS /forms/{site}/{form}", path: &path, query: "", headers: &headers, body: "", is_text: true }, now)
}

fn submission(now: Timestamp) -> Value {
    let path = format!("/forms/{SITE}/submissions/{SUBMISSION}");
    forwarded(&Call { route: "GET /forms/{site}/submissions/{id}", path: &path, query: "", headers: &[], body: "", is_text: true }, now)
}

fn queued(now: Timestamp) -> Value {
    let submission = json!({
        "site": SITE, "form": "contact", "id": SUBMISSION, "named": false, "at": now,
        "values": {"email": ["ada@example.com"], "name.first": ["Ada"]}, "consent": true, "attempts": 1,
    });
    json!({"Records": [message(&submission.to_string(), "form-upsert", 1, now)]})
}

/// A body of JSON with a header that signs it.
fn signed(form: &str, body: &Value, sign: impl Fn(&str) -> Vec<(&'static str, String)>, now: Timestamp) -> Value {
    let body = body.to_string();
    let headers: Vec<_> = [("content-type", "application/json".to_owned())].into_iter().chain(sign(&body)).collect();
    post(form, "", &headers, &body, now)
}

fn typeform(now: Timestamp) -> Value {
    let answer = |kind: &str, value: &str, name: &str| json!({"type": kind, kind: value, "field": {"id": "SMEUb7VJz92Q", "type": kind, "ref": name}});
    let answers = [answer("email", "ada@example.com", "email"), answer("text", "Ada", "first_name")];
    let response = json!({
        "form_id": "lT4Z3j", "token": "a3a12ec67a1365927098a606107fac15", "submitted_at": now, "landed_at": now,
        "definition": {"id": "lT4Z3j", "title": "Contact", "fields": []}, "answers": answers,
    });
    let body = json!({"event_id": "LtWXD3crgy", "event_type": "form_response", "form_response": response});
    signed("typeform", &body, |body| vec![("typeform-signature", format!("sha256={}", tag(body)))], now)
}

fn tally(now: Timestamp) -> Value {
    let field = |key: &str, label: &str, kind: &str, value: &str| json!({"key": key, "label": label, "type": kind, "value": value});
    let fields =
        [field("question_VY7Qaj", "email", "INPUT_EMAIL", "ada@example.com"), field("question_OYq4Za", "first_name", "INPUT_TEXT", "Ada")];
    let data = json!({"responseId": "Z9Z97Go", "submissionId": "Z9Z97Go", "respondentId": "Pdgjl70", "formId": "XxA4WO",
        "formName": "Contact", "createdAt": now, "fields": fields});
    let body = json!({"eventId": "ce9f355d-2fc8-4f16-b56f-db656ef57f4a", "eventType": "FORM_RESPONSE", "createdAt": now, "data": data});
    signed("tally", &body, |body| vec![("tally-signature", tag(body))], now)
}

fn jotform(now: Timestamp) -> Value {
    let raw = ada().to_string();
    let fields = [("formID", "240000000000000"), ("submissionID", "5900000000000000001"), ("rawRequest", raw.as_str()), ("pretty", "..")];
    let headers = [("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))];
    post("jotform", &format!("token={FORM_SECRET}"), &headers, &multipart(&fields), now)
}

fn standard(now: Timestamp) -> Value {
    let (id, sent) = ("msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", now.as_second().to_string());
    let sign = |body: &str| {
        let signature = format!("v1,{}", tag(&format!("{id}.{sent}.{body}")));
        vec![("webhook-id", id.to_owned()), ("webhook-timestamp", sent.clone()), ("webhook-signature", signature)]
    };
    signed("standard-webhooks", &ada(), sign, now)
}
