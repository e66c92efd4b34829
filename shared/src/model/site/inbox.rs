//! A site's sources of messages and activities, as the owner saves them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

use crate::model::{ids::SourceId, message::Author};

/// The sources by name, the last part of the path their webhooks are sent to.
pub type Inbox = BTreeMap<SourceId, Source>;

/// One source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The service that sends: `twilio`, `calendly`, `plain` and others; no other one is listened to.
    pub kind: String,
    /// Whether its messages are relayed; those that come while it is off are dropped.
    #[serde(default = "on")]
    pub enabled: bool,
    /// Whose conversation gets a message if several contacts have its address.
    #[serde(default)]
    pub several_matches: SeveralMatches,
    /// What happens to a message of somebody who is no contact.
    #[serde(default)]
    pub no_match: NoMatch,
    /// Who sees the messages.
    #[serde(default)]
    pub visibility: Visibility,
    /// What marks the messages in the Inbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub badge: Option<Badge>,
    /// The address of the icon beside activities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// Where activities lead that have no link of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// Shows everything as if it went this way, whoever wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Way>,
    /// Whether Wix notifies people of the messages.
    #[serde(default)]
    pub notify: bool,
}

const fn on() -> bool {
    true
}

/// Whose conversation gets a message if several contacts have its address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeveralMatches {
    /// The contact that was created first.
    #[default]
    FirstCreated,
    /// The contact that was active last.
    LastActive,
    /// All of them.
    All,
    /// None: the message waits for a person.
    None,
}

/// What happens to a message of somebody who is no contact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoMatch {
    /// A contact is created.
    Create,
    /// The message waits for a person.
    #[default]
    Park,
}

/// Who sees a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// The business alone.
    #[default]
    Business,
    /// The business, and the customer in the chat of the site.
    Everybody,
}

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// From the customer to the business.
    ToBusiness,
    /// From the business to the customer.
    ToParticipant,
}

impl Way {
    /// Returns who writes this way.
    #[must_use]
    pub const fn author(self) -> Author {
        match self {
            Self::ToBusiness => Author::Participant,
            Self::ToParticipant => Author::Business,
        }
    }
}

/// What marks a message in the Inbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Badge {
    /// Its text.
    pub text: String,
    /// The address of its icon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
}

/// A rule that a source breaks.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("inbox.{source_name}{dot}{field}: {rule}", dot = if field.is_empty() { "" } else { "." })]
pub struct SourceError {
    /// The source.
    pub source_name: SourceId,
    /// The field; empty for the source's name.
    pub field: &'static str,
    /// The rule.
    pub rule: &'static str,
}

/// Longer addresses are refused by Wix: <https://dev.wix.com/docs/rest/crm/communication/inbox/messages/message-object>.
pub const LONGEST_URL: usize = 2_000;
/// Room for a word or two.
const LONGEST_BADGE: usize = 50;

/// Checks all sources; `known` are the names of the services there are.
///
/// # Errors
/// The first rule that is broken.
pub fn check(inbox: &Inbox, known: &[&str]) -> Result<(), SourceError> {
    inbox.iter().try_for_each(|(name, source)| {
        let refuse = |field, rule| Err(SourceError { source_name: name.clone(), field, rule });
        let checks = [
            ("", is_source(name.as_str()), "a name has 1 to 32 lower-case letters, digits, - and _"),
            ("kind", known.contains(&source.kind.as_str()), "there is no such service"),
            ("badge.text", source.badge.as_ref().is_none_or(Badge::has_text), "must have 1 to 50 characters"),
            ("badge.icon", source.badge.as_ref().is_none_or(|badge| is_address(badge.icon.as_deref())), WEB),
            ("icon", is_address(source.icon.as_deref()), WEB),
            ("link", is_address(source.link.as_deref()), WEB),
        ];
        checks.into_iter().find(|(_, holds, _)| !holds).map_or(Ok(()), |(field, _, rule)| refuse(field, rule))
    })
}

const WEB: &str = "must be an http or https address of at most 2000 characters";

impl Badge {
    fn has_text(&self) -> bool {
        (1..=LONGEST_BADGE).contains(&self.text.trim().chars().count())
    }
}

/// Tells whether a text can be the name of a source.
#[must_use]
pub fn is_source(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    (1..=32).contains(&text.len()) && text.bytes().all(plain)
}

/// Tells whether a text is an address on the web that Wix takes.
#[must_use]
pub fn is_web(text: &str) -> bool {
    let web = |url: Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    text.chars().count() <= LONGEST_URL && Url::parse(text).is_ok_and(web)
}

fn is_address(text: Option<&str>) -> bool {
    text.is_none_or(is_web)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn verdict(name: &str, source: &Value) -> String {
        let inbox: Inbox = serde_json::from_value(json!({name: source})).unwrap();
        check(&inbox, &["twilio"]).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn defaults_are_safe() {
        let source: Source = serde_json::from_value(json!({"kind": "twilio"})).unwrap();
        assert!(source.enabled && !source.notify);
        assert_eq!(
            (source.several_matches, source.no_match, source.visibility),
            (SeveralMatches::FirstCreated, NoMatch::Park, Visibility::Business)
        );
        assert_eq!(verdict("sms", &json!({"kind": "twilio"})), "");
    }

    #[test]
    fn what_breaks_a_rule_is_named() {
        let long = format!("https://example.com/{}", "x".repeat(2_000));
        for (name, source, expected) in [
            ("SMS", json!({"kind": "twilio"}), "inbox.SMS: a name has 1 to 32 lower-case letters, digits, - and _"),
            ("sms", json!({"kind": "twillio"}), "inbox.sms.kind: there is no such service"),
            ("sms", json!({"kind": "twilio", "badge": {"text": " "}}), "inbox.sms.badge.text: must have 1 to 50 characters"),
            (
                "sms",
                json!({"kind": "twilio", "badge": {"text": "SMS", "icon": "sms.png"}}),
                "inbox.sms.badge.icon: must be an http or https address of at most 2000 characters",
            ),
            ("sms", json!({"kind": "twilio", "icon": long}), "inbox.sms.icon: must be an http or https address of at most 2000 characters"),
            (
                "sms",
                json!({"kind": "twilio", "link": "javascript:alert(1)"}),
                "inbox.sms.link: must be an http or https address of at most 2000 characters",
            ),
        ] {
            assert_eq!(verdict(name, &source), expected);
        }
    }

    #[test]
    fn unknown_fields_are_refused() {
        assert!(serde_json::from_value::<Source>(json!({"kind": "twilio", "visible": true})).is_err());
    }
}
