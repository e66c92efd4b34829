//! What a Wix token carries: an envelope in a string, and in it the event in another string.
//!
//! <https://dev.wix.com/docs/build-apps/develop-your-app/api-integrations/events-and-webhooks/about-webhooks>
//! <https://dev.wix.com/docs/rest/crm/members-contacts/contacts/contacts/contact-v4/contact-created>

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    model::{
        event::{Event, EventKind},
        ids::{RecordId, Side, SiteId},
    },
    webhook::{Payload, WebhookError, json},
};

use super::inbox;

/// EventBridge and SQS take 256 KiB with everything around; a record longer than this travels as its id alone.
const MAX_ENCLOSED_BYTES: usize = 128 * 1024;

/// A well-signed delivery, not read yet.
pub struct Delivery {
    envelope: String,
    app_id: String,
}

impl Delivery {
    pub(super) const fn new(envelope: String, app_id: String) -> Self {
        Self { envelope, app_id }
    }
}

/// The level around the event. `identity` and `accountInfo` are left alone: who caused an event is no proof of an echo.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    event_type: String,
    #[serde(default)]
    instance_id: Option<String>,
    #[serde(default)]
    data: Value,
}

/// The event itself.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DomainEvent {
    id: Option<String>,
    entity_id: Option<String>,
    event_time: Option<String>,
    originated_from: Option<String>,
    triggered_by_anonymize_request: Option<bool>,
    created_event: Option<Map<String, Value>>,
    updated_event: Option<Map<String, Value>>,
    action_event: Option<Map<String, Value>>,
}

/// The body of a merge.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MergeBody {
    target_contact_id: String,
    #[serde(default)]
    source_contact_ids: Vec<String>,
    #[serde(default)]
    target_contact: Option<Value>,
}

/// What the bridge does with an event type.
enum Topic {
    Created,
    Updated,
    Deleted,
    Merged,
    Installed,
    Removed,
}

impl Topic {
    /// Returns the topic of an event type; `None` for labels, extended fields and everything else. Wix's documentation writes the last
    /// part with `-` where its SDK writes `_`.
    fn of(event_type: &str) -> Option<Self> {
        match event_type {
            "AppInstalled" => return Some(Self::Installed),
            "AppRemoved" => return Some(Self::Removed),
            _ => {}
        }
        match event_type.strip_prefix("wix.contacts.v4.contact")?.strip_prefix(['_', '-'])? {
            "created" => Some(Self::Created),
            "updated" => Some(Self::Updated),
            "deleted" => Some(Self::Deleted),
            "merged" | "merge" => Some(Self::Merged),
            _ => None,
        }
    }
}

impl Payload for Delivery {
    fn events(self, received: Timestamp) -> Result<Vec<Event>, WebhookError> {
        let envelope: Envelope = json::parse("envelope", self.envelope.as_bytes())?;
        let Some(topic) = Topic::of(&envelope.event_type) else {
            if let Some(notice) = inbox::Notice::of(&envelope.event_type, &envelope.data, &self.app_id) {
                tracing::debug!(site = envelope.instance_id, ?notice, "Heard of the Inbox.");
            }
            return Ok(Vec::new());
        };
        let site = envelope.instance_id.filter(|id| !id.is_empty());
        let site = SiteId::new(site.ok_or(WebhookError::Missing { part: "envelope", field: "instanceId" })?);
        let event = match topic {
            Topic::Installed => site_event(site, EventKind::Installed, received),
            Topic::Removed => site_event(site, EventKind::Removed, received),
            Topic::Created => DomainEvent::read(envelope.data)?.created(site, received)?,
            Topic::Updated => DomainEvent::read(envelope.data)?.updated(site, received)?,
            Topic::Deleted => DomainEvent::read(envelope.data)?.deleted(site, received)?,
            Topic::Merged => DomainEvent::read(envelope.data)?.merged(site, received)?,
        };
        Ok(vec![event])
    }
}

/// Events of the app itself have neither an id nor a time of their own.
fn site_event(site: SiteId, kind: EventKind, at: Timestamp) -> Event {
    Event { site, side: Side::Wix, record: None, kind, at, id: None, entity: None, attempts: 0 }
}

impl DomainEvent {
    fn read(data: Value) -> Result<Self, WebhookError> {
        match data {
            Value::String(text) => json::parse("event", text.as_bytes()),
            tree => json::from_tree("event", tree),
        }
    }

    fn created(mut self, site: SiteId, received: Timestamp) -> Result<Event, WebhookError> {
        let entity = enclosed(self.created_event.take(), &["entity", "entityAsJson"])?;
        let record = self.record(entity.as_ref())?;
        Ok(self.event(site, record, EventKind::Created, entity, received))
    }

    /// An update by a privacy request is an update: what it left empty is empty on the other side as well.
    fn updated(mut self, site: SiteId, received: Timestamp) -> Result<Event, WebhookError> {
        let names = ["currentEntity", "currentEntityAsJson", "entity", "entityAsJson"];
        let entity = enclosed(self.updated_event.take(), &names)?;
        let record = self.record(entity.as_ref())?;
        Ok(self.event(site, record, EventKind::Updated { changes: Vec::new() }, entity, received))
    }

    /// What a delete encloses (`deletedEntity`, where there is one) is not carried on: nobody needs it, and it may have to be forgotten.
    fn deleted(mut self, site: SiteId, received: Timestamp) -> Result<Event, WebhookError> {
        let kind = if self.triggered_by_anonymize_request == Some(true) {
            EventKind::Erased
        } else {
            EventKind::Deleted { by_merge: self.originated_from.as_deref().is_some_and(|from| from.eq_ignore_ascii_case("merge")) }
        };
        let record = self.record(None)?;
        Ok(self.event(site, record, kind, None, received))
    }

    fn merged(mut self, site: SiteId, received: Timestamp) -> Result<Event, WebhookError> {
        let body = enclosed(self.action_event.take(), &["body", "bodyAsJson"])?;
        let body: MergeBody = json::from_tree("merge", body.ok_or(WebhookError::Missing { part: "event", field: "body" })?)?;
        let winner = RecordId::new(body.target_contact_id);
        let losers = body.source_contact_ids.into_iter().map(RecordId::new).filter(|id| *id != winner).collect();
        Ok(self.event(site, winner, EventKind::Merged { from: losers }, body.target_contact, received))
    }

    fn record(&mut self, entity: Option<&Value>) -> Result<RecordId, WebhookError> {
        let named = self.entity_id.take().filter(|id| !id.is_empty());
        let enclosed = || entity.and_then(|entity| entity.get("id")).and_then(Value::as_str).map(str::to_owned);
        named.or_else(enclosed).map(RecordId::new).ok_or(WebhookError::Missing { part: "event", field: "entityId" })
    }

    fn event(self, site: SiteId, record: RecordId, kind: EventKind, entity: Option<Value>, received: Timestamp) -> Event {
        let at = self.event_time.and_then(|time| time.parse().ok()).unwrap_or(received);
        let entity = entity.filter(|entity| entity.is_object() && length(entity) <= MAX_ENCLOSED_BYTES);
        Event { site, side: Side::Wix, record: Some(record), kind, at, id: self.id, entity, attempts: 0 }
    }
}

/// Returns what an event encloses: under one of several names, as JSON or as a string of JSON; Wix has used all of them.
fn enclosed(body: Option<Map<String, Value>>, names: &[&str]) -> Result<Option<Value>, WebhookError> {
    let Some(mut body) = body else { return Ok(None) };
    let found = names.iter().find_map(|name| body.remove(*name).filter(|value| !value.is_null()));
    found.map(|value| json::unnest("entity", value)).transpose()
}

/// Returns at least the length of a tree as JSON, without writing it.
fn length(tree: &Value) -> usize {
    match tree {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(_) => 24,
        // A character may be escaped as six.
        Value::String(text) => text.len() + 2 + 5 * text.bytes().filter(|byte| *byte < 0x20 || *byte == b'"' || *byte == b'\\').count(),
        Value::Array(items) => 2 + items.iter().map(|item| 1 + length(item)).sum::<usize>(),
        Value::Object(fields) => 2 + fields.iter().map(|(name, value)| name.len() + 4 + length(value)).sum::<usize>(),
    }
}
