//! Tally: JSON, its signature in a header. No time is signed: a repeat is known by the submission's id.
//!
//! <https://tally.so/help/webhooks>

use jiff::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use super::{Filled, Opened, Refusal, Service, body::Bounded, json, secret};
use crate::webhook::{Request, WebhookError};

pub(super) struct Hosted;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Delivery {
    event_type: String,
    data: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    submission_id: String,
    created_at: Option<String>,
    #[serde(default)]
    fields: Vec<Question>,
}

#[derive(Deserialize)]
struct Question {
    key: String,
    label: Option<String>,
    #[serde(default)]
    value: Value,
    options: Option<Vec<Choice>>,
}

#[derive(Deserialize)]
struct Choice {
    id: String,
    text: String,
}

impl Service for Hosted {
    fn verify(&self, request: &Request<'_>, secrets: &[SecretString], _now: Timestamp) -> Result<(), WebhookError> {
        let header = request.headers.get("tally-signature").ok_or(WebhookError::Unsigned)?;
        let tag = header.to_str().map_err(|_| WebhookError::Signature)?;
        secret::check_base64(tag, request.body, secrets)
    }

    fn read(&self, request: &Request<'_>, mut into: Bounded) -> Result<Opened, Refusal> {
        let delivery: Delivery = json::parse(request.body)?;
        let ("FORM_RESPONSE", Some(data)) = (delivery.event_type.as_str(), delivery.data) else { return Ok(Opened::Other) };
        let response: Response = serde_json::from_value(data).map_err(|_| Refusal::body("must be JSON of the documented form"))?;
        for question in &response.fields {
            let value = question.chosen();
            json::flatten(question.key.clone(), &value, &mut into)?;
            // Keys are made up by Tally: people may name a question by what it says.
            if let Some(label) = question.label.as_ref().filter(|label| **label != question.key) {
                json::flatten(label.clone(), &value, &mut into)?;
            }
        }
        let at = response.created_at.and_then(|text| text.parse().ok());
        Ok(Opened::Filled(Filled { id: Some(response.submission_id), at, entries: into.into_entries() }))
    }
}

impl Question {
    /// Returns the value with the texts of chosen options in place of their ids; a text that is no id stays.
    fn chosen(&self) -> Value {
        let Some(options) = &self.options else { return self.value.clone() };
        let text = |value: &Value| {
            let chosen = options.iter().find(|option| value.as_str() == Some(&option.id));
            chosen.map_or_else(|| value.clone(), |option| Value::from(option.text.as_str()))
        };
        match &self.value {
            Value::Array(ids) => ids.iter().map(text).collect(),
            value => text(value),
        }
    }
}
