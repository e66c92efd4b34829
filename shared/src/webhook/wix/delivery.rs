//! What a Wix token carries: an envelope in a string, and in it the event in another string.
//!
//! <https://dev.wix.com/docs/build-apps/develop-your-app/api-integrations/events-and-webhooks/about-webhooks>
//! <https://dev.wix.com/docs/rest/crm/members-contacts/contacts/contacts/contact-v4/contact-created>
//! <https://dev.wix.com/docs/rest/crm/communication/email-subscriptions/introduction>

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::{
    model::{
        entity::Entity,
        event::{Event, EventKind},
        ids::{RecordId, Side, SiteId},
        subscriber::Address,
    },
    webhook::{Payload, WebhookError, json},
};

/// EventBridge and SQS take 256 KiB with everything around; a record longer than this travels as its id alone.
const MAX_ENCLOSED_BYTES: usize = 128 * 1024;

/// A well-signed delivery, not read yet.
pub struct Delivery(String);

impl Delivery {
    pub(super) const fn new(envelope: String) -> Self {
        Self(envelope)
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
struct DomainEvent<'a> {
    id: Option<String>,
    entity_id: Option<String>,
    event_time: Option<String>,
    originated_from: Option<String>,
    triggered_by_anonymize_request: Option<bool>,
    #[serde(borrow)]
    created_event: Option<Enclosed<'a>>,
    #[serde(borrow)]
    updated_event: Option<Enclosed<'a>>,
    #[serde(borrow)]
    action_event: Option<Enclosed<'a>>,
}

/// What an event encloses, under one of several names, each as JSON or as a string of JSON; Wix has used all of them.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Enclosed<'a> {
    #[serde(borrow)]
    current_entity: Option<&'a RawValue>,
    #[serde(borrow)]
    current_entity_as_json: Option<&'a RawValue>,
    #[serde(borrow)]
    entity: Option<&'a RawValue>,
    #[serde(borrow)]
    entity_as_json: Option<&'a RawValue>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
    #[serde(borrow)]
    body_as_json: Option<&'a RawValue>,
}

/// The body of a merge.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Merge<'a> {
    target_contact_id: String,
    #[serde(default)]
    source_contact_ids: Vec<String>,
    #[serde(default, borrow)]
    target_contact: Option<&'a RawValue>,
}

/// What an event of an address encloses: it has neither an id, nor a time, nor the levels of the others.
#[derive(Deserialize)]
struct SubscriptionEvent {
    #[serde(alias = "emailSubscription", alias = "email_subscription")]
    subscription: Subscribed,
}

/// Whose subscription it is. What became of it is read where it is needed.
#[derive(Deserialize)]
struct Subscribed {
    #[serde(default, alias = "emailAddress", alias = "email_address")]
    email: String,
}

/// What the bridge does with an event type.
enum Topic {
    Created,
    Updated,
    Deleted,
    Merged,
    SubscriptionChanged,
    Installed,
    Removed,
}

impl Topic {
    /// Returns the topic of an event type; `None` for labels, extended fields and everything else. Nothing of the Inbox is one: what the
    /// bridge posted comes back, what people write in Wix stays there, and a contact's conversation is asked for before every post. Wix's
    /// documentation writes the last part with `-` where its SDK writes `_`.
    fn of(event_type: &str) -> Option<Self> {
        match event_type {
            "AppInstalled" => return Some(Self::Installed),
            "AppRemoved" => return Some(Self::Removed),
            "com.wixpress.emailsubscriptions.v1.EmailSubscriptionChanged" => return Some(Self::SubscriptionChanged),
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
        let envelope: Envelope = json::parse_text("envelope", &self.0)?;
        let Some(topic) = Topic::of(&envelope.event_type) else {
            return Ok(Vec::new());
        };
        let site = envelope.instance_id.filter(|id| !id.is_empty());
        let site = SiteId::new(site.ok_or(WebhookError::Missing { part: "envelope", field: "instanceId" })?);
        let data = match envelope.data {
            Value::String(text) => text,
            tree => tree.to_string(),
        };
        let event = match topic {
            Topic::Installed => site_event(site, EventKind::Installed, received),
            Topic::Removed => site_event(site, EventKind::Removed, received),
            Topic::SubscriptionChanged => subscription_event(site, &data, received)?,
            Topic::Created => DomainEvent::read(&data)?.created(site, received)?,
            Topic::Updated => DomainEvent::read(&data)?.updated(site, received)?,
            Topic::Deleted => DomainEvent::read(&data)?.deleted(site, received)?,
            Topic::Merged => DomainEvent::read(&data)?.merged(site, received)?,
        };
        Ok(vec![event])
    }
}

/// Events of the app itself have neither an id nor a time of their own.
fn site_event(site: SiteId, kind: EventKind, at: Timestamp) -> Event {
    Event { site, side: Side::Wix, record: None, kind, at, id: None, entity: None, attempts: 0 }
}

fn subscription_event(site: SiteId, data: &str, at: Timestamp) -> Result<Event, WebhookError> {
    let event: SubscriptionEvent = json::parse_text("event", data)?;
    let email = event.subscription.email.trim();
    if email.is_empty() {
        return Err(WebhookError::Missing { part: "event", field: "subscription.email" });
    }
    Ok(Event::subscription_changed(site, Side::Wix, Address::new(email), at))
}

impl<'a> DomainEvent<'a> {
    fn read(data: &'a str) -> Result<Self, WebhookError> {
        json::parse_text("event", data)
    }

    fn created(mut self, site: SiteId, received: Timestamp) -> Result<Event, WebhookError> {
        let body = self.created_event.take().unwrap_or_default();
        let entity = enclosed(body.entity.or(body.entity_as_json))?;
        let record = self.record(entity.as_ref())?;
        Ok(self.event(site, record, EventKind::Created, entity, received))
    }

    /// An update by a privacy request is an update: what it left empty is empty on the other side as well.
    fn updated(mut self, site: SiteId, received: Timestamp) -> Result<Event, WebhookError> {
        let body = self.updated_event.take().unwrap_or_default();
        let current = body.current_entity.or(body.current_entity_as_json);
        let entity = enclosed(current.or(body.entity).or(body.entity_as_json))?;
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
        let body = self.action_event.take().unwrap_or_default();
        let body = body.body.or(body.body_as_json).ok_or(WebhookError::Missing { part: "event", field: "body" })?;
        let body = json::unnest("merge", body)?;
        let merge: Merge<'_> = json::parse_text("merge", body.get())?;
        let winner = RecordId::new(merge.target_contact_id);
        let losers = merge.source_contact_ids.into_iter().map(RecordId::new).filter(|id| *id != winner).collect();
        let entity = enclosed(merge.target_contact)?;
        Ok(self.event(site, winner, EventKind::Merged { from: losers }, entity, received))
    }

    fn record(&mut self, entity: Option<&Entity>) -> Result<RecordId, WebhookError> {
        let named = self.entity_id.take().filter(|id| !id.is_empty());
        let enclosed = || entity.and_then(Entity::read::<Identified>).map(|entity| entity.id);
        named.or_else(enclosed).map(RecordId::new).ok_or(WebhookError::Missing { part: "event", field: "entityId" })
    }

    fn event(self, site: SiteId, record: RecordId, kind: EventKind, entity: Option<Entity>, received: Timestamp) -> Event {
        let at = self.event_time.and_then(|time| time.parse().ok()).unwrap_or(received);
        Event { site, side: Side::Wix, record: Some(record), kind, at, id: self.id, entity, attempts: 0 }
    }
}

/// The one thing of an enclosed record that is looked at here, where the event itself does not say it.
#[derive(Deserialize)]
struct Identified {
    id: String,
}

/// Returns the enclosed record, unless it is none or would not fit.
fn enclosed(value: Option<&RawValue>) -> Result<Option<Entity>, WebhookError> {
    let Some(value) = value else { return Ok(None) };
    let json = json::unnest("entity", value)?;
    let carried = json.get().starts_with('{') && json.get().len() <= MAX_ENCLOSED_BYTES;
    Ok(carried.then(|| Entity::new(json.into_owned())))
}
