//! Webhooks of Pipedrive, version 2: a JSON object without a signature. What vouches for it are the Basic credentials its webhook was made
//! with. <https://pipedrive.readme.io/docs/guide-for-webhooks-v2>

#[cfg(test)]
mod tests;

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use http::header::AUTHORIZATION;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

use super::{Payload, Request, SetUpError, Verified, WebhookError, json, keys, keys::Keys, mac, secret};
use crate::{
    config,
    model::{
        event::{Event, EventKind},
        ids::{RecordId, Side, SiteId},
    },
    ports::Secrets,
};

/// The name of the sender: in the path, and in the name of the parameter that holds its secrets.
pub const NAME: &str = "pipedrive";

/// Vouches for webhooks of Pipedrive, with a site's credentials.
pub struct PipedriveVerifier(Keys);

impl PipedriveVerifier {
    /// Makes a verifier from a list of `site=user:password`, one entry a line or separated by commas; several of a site while one is replaced.
    #[must_use]
    pub fn new(secrets: &SecretString) -> Self {
        Self(Keys::parse(NAME, secrets.expose_secret()))
    }

    /// Makes a verifier from settings, fetching the secrets once. Without settings, or without secrets, it refuses everything.
    pub async fn from_settings(settings: &config::MessageWebhooks, secrets: &dyn Secrets) -> Result<Self, SetUpError> {
        let list = keys::listed(settings.secret_prefix.as_deref(), NAME, secrets).await?;
        Ok(Self::new(&list.unwrap_or_default()))
    }

    /// Verifies a request sent for `site`; the body is not parsed before its credentials are good.
    pub fn verify<'a>(&self, request: &Request<'a>, site: &SiteId, now: Timestamp) -> Result<Verified<Notice<'a>>, WebhookError> {
        let header = mac::header(request.headers, AUTHORIZATION.as_str(), WebhookError::Unsigned)?;
        let (scheme, encoded) = header.split_once(' ').ok_or(WebhookError::MalformedToken)?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return Err(WebhookError::MalformedToken);
        }
        let given = STANDARD.decode(encoded.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let given = SecretString::from(given.ok_or(WebhookError::MalformedToken)?);
        if secret::is_one_of(given.expose_secret(), self.0.of_site(site)) {
            Ok(Verified { payload: Notice { site: site.clone(), body: request.body }, received: now })
        } else {
            Err(WebhookError::Signature)
        }
    }
}

impl fmt::Debug for PipedriveVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PipedriveVerifier").finish_non_exhaustive()
    }
}

/// A notice whose sender is known, not read yet.
pub struct Notice<'a> {
    site: SiteId,
    body: &'a [u8],
}

#[derive(Deserialize)]
struct Body {
    meta: Option<Meta>,
}

/// What happened. The person's values are left out: they may be old by now, and are read again.
#[derive(Deserialize)]
struct Meta {
    /// `create`, `change`, `delete`; version 1 had other words.
    action: Option<String>,
    /// `person`, `deal`, ..
    entity: Option<String>,
    entity_id: Option<Id>,
    /// The winner, where a person is gone because it was merged.
    merged_to_id: Option<Id>,
    timestamp: Option<String>,
    /// The notice's own id.
    id: Option<Value>,
}

/// An id: a text in notices, a number everywhere else.
#[derive(Deserialize)]
#[serde(untagged)]
enum Id {
    Number(u64),
    Text(String),
}

impl Id {
    fn record(self) -> Option<RecordId> {
        let number = match self {
            Self::Number(number) => Some(number),
            Self::Text(text) => text.parse().ok(),
        };
        number.map(|number| RecordId::new(number.to_string()))
    }
}

impl Payload for Notice<'_> {
    fn events(self, received: Timestamp) -> Result<Vec<Event>, WebhookError> {
        let missing = |field| WebhookError::Missing { part: "notice", field };
        let body: Body = json::parse("notice", self.body)?;
        let meta = body.meta.ok_or_else(|| missing("meta"))?;
        // Version 1 has no such member: whoever made a webhook of it learns so.
        let entity = meta.entity.ok_or_else(|| missing("meta.entity"))?;
        let action = meta.action.ok_or_else(|| missing("meta.action"))?;
        if entity != "person" || !["create", "change", "delete"].contains(&&*action) {
            return Ok(Vec::new());
        }
        let record = meta.entity_id.and_then(Id::record).ok_or_else(|| missing("meta.entity_id"))?;
        let winner = meta.merged_to_id.and_then(Id::record).filter(|winner| *winner != record);
        let (record, kind) = match (&*action, winner) {
            ("create", _) => (record, EventKind::Created),
            ("delete", Some(winner)) => (winner, EventKind::Merged { from: vec![record] }),
            ("delete", None) => (record, EventKind::Deleted { by_merge: false }),
            _ => (record, EventKind::Updated { changes: Vec::new() }),
        };
        let at = meta.timestamp.and_then(|text| text.parse().ok()).unwrap_or(received);
        let id = meta.id.as_ref().and_then(Value::as_str).map(str::to_owned);
        let (site, side) = (self.site, Side::External);
        Ok(vec![Event { site, side, record: Some(record), kind, at, id, entity: None, attempts: 0 }])
    }
}
