//! How a site's e-mail subscribers go to its mailing service.

use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

use serde::{Deserialize, Serialize};

use crate::model::field::Field;

/// The owner's settings of the e-mail subscribers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscribers {
    /// Whether anything is sent and carried back.
    #[serde(default = "enabled")]
    pub enabled: bool,
    /// The mailing service, and how to reach it.
    pub service: MailingAccess,
    /// From the begin of one run to the next, in minutes.
    #[serde(default = "interval_minutes")]
    pub interval_minutes: u32,
    /// From the begin of one complete pass over both sides to the next, in hours; it finds what lost webhooks left behind.
    #[serde(default = "full_hours")]
    pub full_hours: u32,
    /// The service's names of its fields, and the Wix fields they are filled with.
    #[serde(default = "fields")]
    pub fields: BTreeMap<String, Field>,
    /// The tag that everybody has who is sent.
    #[serde(default = "tag")]
    pub tag: String,
    /// Tags by the keys of the labels whose contacts have them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub label_tags: BTreeMap<String, String>,
    /// Only contacts with one of these labels are sent; all without.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

/// Which mailing service, and how to reach it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum MailingAccess {
    /// Mailchimp.
    Mailchimp {
        /// The name of the secret that holds the API key, or an access token with `-` and its data centre (`..-us6`).
        secret: String,
        /// The id of the audience.
        list: String,
    },
}

const fn enabled() -> bool {
    true
}

const fn interval_minutes() -> u32 {
    15
}

const fn full_hours() -> u32 {
    24
}

fn tag() -> String {
    "Wix".to_owned()
}

fn fields() -> BTreeMap<String, Field> {
    [("FNAME", "name.first"), ("LNAME", "name.last")].map(|(to, from)| (to.to_owned(), Field::from(from))).into()
}

/// Five minutes to thirty days.
const INTERVAL_MINUTES: RangeInclusive<u32> = 5..=30 * 24 * 60;
/// An hour to thirty days.
const FULL_HOURS: RangeInclusive<u32> = 1..=30 * 24;

impl Subscribers {
    /// Returns the service's id of the list.
    #[must_use]
    pub fn list(&self) -> &str {
        match &self.service {
            MailingAccess::Mailchimp { list, .. } => list,
        }
    }

    /// Checks the settings; returns the field and the rule it breaks.
    ///
    /// # Errors
    /// The first field that breaks a rule.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let MailingAccess::Mailchimp { secret, list } = &self.service;
        for (holds, field, rule) in [
            (!secret.trim().is_empty(), "subscribers.service.secret", "must name the secret that holds the API key"),
            (
                !list.is_empty() && list.bytes().all(|byte| byte.is_ascii_alphanumeric()),
                "subscribers.service.list",
                "must be the id of an audience, letters and digits",
            ),
            (INTERVAL_MINUTES.contains(&self.interval_minutes), "subscribers.interval_minutes", "must be 5 minutes to 30 days, 5 to 43200"),
            (FULL_HOURS.contains(&self.full_hours), "subscribers.full_hours", "must be an hour to 30 days, 1 to 720"),
            (!self.tag.trim().is_empty(), "subscribers.tag", "must not be empty"),
            (self.label_tags.values().all(|tag| !tag.trim().is_empty()), "subscribers.label_tags", "must not hold an empty tag"),
            (self.label_tags.values().all(|tag| *tag != self.tag), "subscribers.label_tags", "must not hold the tag that everybody has"),
            (
                self.fields.keys().all(|name| name != "EMAIL"),
                "subscribers.fields",
                "must not hold EMAIL: the address itself is always sent",
            ),
        ] {
            if !holds {
                return Err((field, rule));
            }
        }
        Ok(())
    }

    /// From the begin of one run to the next.
    #[must_use]
    pub const fn interval(&self) -> Duration {
        Duration::from_mins(self.interval_minutes as u64)
    }

    /// From the begin of one complete pass to the next.
    #[must_use]
    pub const fn full_interval(&self) -> Duration {
        Duration::from_hours(self.full_hours as u64)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_breaks_a_rule_is_named() {
        let service = json!({"kind": "mailchimp", "secret": "mailchimp/s", "list": "a1b2"});
        for (change, expected) in [
            (json!({}), None),
            (json!({"interval_minutes": 4}), Some("subscribers.interval_minutes")),
            (json!({"full_hours": 0}), Some("subscribers.full_hours")),
            (json!({"tag": " "}), Some("subscribers.tag")),
            (json!({"label_tags": {"custom.a": ""}}), Some("subscribers.label_tags")),
            (json!({"label_tags": {"custom.a": "Wix"}}), Some("subscribers.label_tags")),
            (json!({"fields": {"EMAIL": "email"}}), Some("subscribers.fields")),
            (json!({"service": {"kind": "mailchimp", "secret": "", "list": "a1b2"}}), Some("subscribers.service.secret")),
            (json!({"service": {"kind": "mailchimp", "secret": "s", "list": "../x"}}), Some("subscribers.service.list")),
        ] {
            let mut settings = json!({"service": service});
            if let (Value::Object(settings), Value::Object(change)) = (&mut settings, change.clone()) {
                settings.extend(change);
            }
            let settings: Subscribers = serde_json::from_value(settings).unwrap();
            assert_eq!(settings.check().err().map(|(field, _)| field), expected, "{change}");
        }
    }
}
