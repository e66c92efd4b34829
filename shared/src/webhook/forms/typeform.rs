//! Typeform: JSON, its signature in a header. No time is signed: a repeat is known by the submission's token.
//!
//! <https://www.typeform.com/developers/webhooks/secure-your-webhooks/>,
//! <https://www.typeform.com/developers/webhooks/example-payload/>

use std::collections::BTreeMap;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use super::{Filled, Opened, Refusal, Service, body::Bounded, json, secret};
use crate::webhook::{Request, WebhookError};

pub(super) struct Hosted;

#[derive(Deserialize)]
struct Delivery {
    event_type: String,
    form_response: Option<Response>,
}

#[derive(Deserialize)]
struct Response {
    token: String,
    submitted_at: Option<String>,
    #[serde(default)]
    hidden: BTreeMap<String, Value>,
    #[serde(default)]
    answers: Vec<Answer>,
}

#[derive(Deserialize)]
struct Answer {
    r#type: String,
    field: Question,
    #[serde(flatten)]
    given: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Question {
    id: String,
    r#ref: Option<String>,
}

impl Service for Hosted {
    fn verify(&self, request: &Request<'_>, secrets: &[SecretString], _now: Timestamp) -> Result<(), WebhookError> {
        let header = request.headers.get("typeform-signature").ok_or(WebhookError::Unsigned)?;
        let tag = header.to_str().ok().and_then(|text| text.strip_prefix("sha256=")).ok_or(WebhookError::Signature)?;
        secret::check_base64(tag, request.body, secrets)
    }

    fn read(&self, request: &Request<'_>, mut into: Bounded) -> Result<Opened, Refusal> {
        let delivery: Delivery = json::parse(request.body)?;
        // Partial responses are sent as well, where a form asks for it.
        let ("form_response", Some(response)) = (delivery.event_type.as_str(), delivery.form_response) else { return Ok(Opened::Other) };
        for answer in &response.answers {
            let name = answer.field.r#ref.as_ref().unwrap_or(&answer.field.id);
            for text in answer.given.get(&answer.r#type).map(texts).unwrap_or_default() {
                into.push(name, text)?;
            }
        }
        for (name, value) in &response.hidden {
            json::flatten(format!("hidden.{name}"), value, &mut into)?;
        }
        let at = response.submitted_at.and_then(|text| text.parse().ok());
        Ok(Opened::Filled(Filled { id: Some(response.token), at, entries: into.into_entries() }))
    }
}

/// Returns the texts of an answer: of a choice its label, of several theirs, in either of the forms that were seen.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Bool(_) | Value::Number(_) => vec![value.to_string()],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(members) => {
            let known = ["label", "labels", "choices", "other"].into_iter().filter_map(|name| members.get(name));
            known.flat_map(texts).collect()
        }
        Value::Null => Vec::new(),
    }
}
