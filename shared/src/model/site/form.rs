//! A form's settings, as the owner saves them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Transform;
use crate::model::{field::Field, ids::FormId};

/// The forms of a site, by the ids that their addresses end in.
pub type Forms = BTreeMap<FormId, Form>;

/// A form that lies somewhere else and whose submissions become contacts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// Whether it takes submissions.
    #[serde(default = "enabled")]
    pub enabled: bool,
    /// Who may submit, and how that is proved.
    pub sender: FormSender,
    /// Which of its fields goes where. One of them at least goes to an e-mail address or a phone number.
    pub fields: Vec<FormField>,
    /// What happens to a single value that the contact has already, differently.
    #[serde(default)]
    pub on_filled: OnFilled,
    /// The keys of the labels that everybody who submits gets.
    #[serde(default)]
    pub labels: Vec<String>,
    /// The box with which a person subscribes to e-mails.
    #[serde(default)]
    pub consent: Option<ConsentBox>,
    /// Where a browser goes after a submission; without one it shows a plain page.
    #[serde(default)]
    pub thank_you: Option<String>,
    /// The field that people do not see: whoever fills it in is a program, and is thanked without effect.
    #[serde(default)]
    pub honeypot: Option<String>,
    /// How much is taken.
    #[serde(default)]
    pub limits: FormLimits,
}

const fn enabled() -> bool {
    true
}

impl Form {
    /// Tells whether anybody may submit, so that an answer must not tell what is known of a contact.
    #[must_use]
    pub const fn is_public(&self) -> bool {
        matches!(self.sender, FormSender::Public { .. })
    }

    /// Returns the name in the form of the first field that leads to a Wix field, or to a part of the same list.
    #[must_use]
    pub fn name_of(&self, field: &Field) -> Option<&str> {
        let list = |field: &Field| field.as_str().split('.').next().unwrap_or_default().trim_end_matches('s').to_owned();
        let exact = self.fields.iter().find(|own| own.to == *field);
        let near = || self.fields.iter().find(|own| ["email", "phone"].contains(&list(field).as_str()) && list(&own.to) == list(field));
        exact.or_else(near).map(|own| own.from.as_str())
    }
}

/// Who may submit a form, and how that is proved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum FormSender {
    /// A service that hosts the form and calls its address.
    Service {
        /// The service.
        service: String,
        /// The names of the secrets it signs with, several during a rotation.
        secrets: Vec<String>,
    },
    /// Whoever knows the form's token: a program, a server with a form of its own.
    Token {
        /// The names of the secrets that hold the token, several during a rotation.
        secrets: Vec<String>,
    },
    /// Every visitor of these pages.
    Public {
        /// The origins of the pages with the form: `https://shop.example`.
        origins: Vec<String>,
    },
}

/// One field of a form, and where its value goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormField {
    /// Its name in the form: `email`, and `data.email` of nested JSON.
    pub from: String,
    /// The Wix field.
    pub to: Field,
    /// How the value is converted.
    #[serde(default)]
    pub transform: Transform,
}

/// What happens to a single value that the contact has already, differently. E-mail addresses, phone numbers and postal addresses are
/// lists: theirs are added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum OnFilled {
    /// The contact's value stays, and the form's is reported.
    #[default]
    Keep,
    /// The form's value takes its place.
    Override {
        /// Who decided that.
        allowed_by: String,
        /// When.
        allowed_at: Timestamp,
    },
}

/// The box with which a person subscribes to e-mails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentBox {
    /// Its name in the form.
    pub field: String,
    /// The values that mean that it is ticked; any other does not.
    #[serde(default = "ticked")]
    pub ticked: Vec<String>,
    /// The version of the text beside it; kept with every consent, as its proof.
    pub text_version: String,
    /// Whether it may bring back an address that unsubscribed before the box was ticked.
    #[serde(default)]
    pub resubscribe: bool,
}

fn ticked() -> Vec<String> {
    ["on", "true", "yes", "1"].map(str::to_owned).into()
}

/// How much a form takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FormLimits {
    /// The longest body, in bytes; the deployment's own limit holds as well.
    pub body_bytes: usize,
    /// The most fields of a submission.
    pub fields: usize,
    /// The longest value that goes to a contact, in characters.
    pub value_chars: usize,
    /// The most submissions of a public form from one internet address within a minute.
    pub per_minute: u32,
}

impl Default for FormLimits {
    fn default() -> Self {
        Self { body_bytes: 65_536, fields: 200, value_chars: 1_000, per_minute: 20 }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_left_out_is_safe() {
        let form = json!({"sender": {"kind": "token", "secrets": ["forms/contact"]}, "fields": [{"from": "email", "to": "email"}],
            "consent": {"field": "news", "text_version": "2026-11"}});
        let form: Form = serde_json::from_value(form).unwrap();
        assert!(form.enabled && !form.is_public());
        assert_eq!(form.on_filled, OnFilled::Keep);
        let consent = form.consent.unwrap();
        assert_eq!((consent.ticked, consent.resubscribe), (ticked(), false));
    }

    #[test]
    fn unknown_settings_are_refused() {
        for form in [
            json!({"sender": {"kind": "token", "secrets": []}, "fields": [], "tokens": []}),
            json!({"sender": {"kind": "token", "secrets": [], "origins": []}, "fields": []}),
            json!({"sender": {"kind": "anybody"}, "fields": []}),
            json!({"sender": {"kind": "token", "secrets": []}, "fields": [], "on_filled": {"kind": "override"}}),
        ] {
            assert!(serde_json::from_value::<Form>(form.clone()).is_err(), "{form}");
        }
    }
}
