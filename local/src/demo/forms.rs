//! The forms of the demonstration's shop, as the README shows them, and whoever posts to them.

use anyhow::Context;
use contact_bridge::model::site::form::Forms;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::vendors::kit::plain_http;

/// The token of the form `contact`.
pub(super) const TOKEN: &str = "demo-form-token";
/// The name of the secret that holds it.
pub(super) const SECRET: &str = "forms/contact";

/// The settings of the forms.
pub(super) fn settings() -> anyhow::Result<Forms> {
    let field = |from: &str, to: &str| json!({"from": from, "to": to});
    let settings = json!({
        "contact": {
            "sender": {"kind": "token", "secrets": [SECRET]},
            "fields": [
                field("email", "email"), field("first_name", "name.first"), field("last_name", "name.last"), field("phone", "phone"),
                field("company", "company"), field("job", "jobTitle"),
                {"from": "born", "to": "birthdate", "transform": {"kind": "date", "pattern": "DD.MM.YYYY"}},
            ],
        },
        "newsletter": {
            "sender": {"kind": "public", "origins": ["http://localhost:8000"]},
            "fields": [field("email", "email"), field("first_name", "name.first")],
            "consent": {"field": "newsletter", "text_version": "2026-11"},
            "honeypot": "website",
        },
    });
    serde_json::from_value(settings).context("the forms of the demonstration")
}

/// What a form answers; empty is what was not said.
#[derive(Deserialize)]
pub(super) struct Answer {
    pub submission: String,
    #[serde(default)]
    pub contact: String,
    #[serde(default)]
    pub action: String,
    #[serde(default)]
    pub rejected: Vec<Rejected>,
}

/// A value that was not taken.
#[derive(Deserialize)]
pub(super) struct Rejected {
    pub field: String,
}

/// Posts to the form `contact`.
pub(super) async fn post(address: &str, fields: &Value) -> anyhow::Result<Answer> {
    let http = plain_http()?;
    Ok(http.post(format!("{address}/contact")).bearer_auth(TOKEN).json(fields).send().await?.json().await?)
}
