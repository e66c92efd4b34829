//! What happened in a portal, as its webhooks tell it
//! (<https://developers.hubspot.com/docs/api-reference/legacy/webhooks/guide>).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{contact::Actor, policy::Policy, portal::Change};

/// HubSpot's object type id of contacts.
const CONTACT_TYPE: &str = "0-1";
const FIRST_SUBSCRIPTION: u64 = 3_327_000;

/// Properties a portal's app subscribes to unless told otherwise.
pub(super) const USUAL_PROPERTIES: &[&str] = &[
    "address",
    "city",
    "company",
    "country",
    "date_of_birth",
    "email",
    "fax",
    "firstname",
    "hs_additional_emails",
    "hs_email_optout",
    "hs_language",
    "hs_lead_status",
    "jobtitle",
    "lastname",
    "lifecyclestage",
    "mobilephone",
    "phone",
    "salutation",
    "state",
    "website",
    "zip",
];

/// Kinds of events, by the part of the name after the dot.
pub(super) const KINDS: &[&str] = &["creation", "deletion", "merge", "restore", "propertyChange", "privacyDeletion"];

/// What happened to a contact.
#[derive(Clone)]
pub(super) enum What {
    Creation,
    Deletion,
    Restore,
    PrivacyDeletion,
    /// Property and its new value.
    PropertyChange(String, String),
    Merge {
        primary: u64,
        merged: Vec<u64>,
        kept: u64,
        moved: usize,
    },
}

impl What {
    /// The part of the event's name after the dot.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Creation => "creation",
            Self::Deletion => "deletion",
            Self::Restore => "restore",
            Self::PrivacyDeletion => "privacyDeletion",
            Self::PropertyChange(..) => "propertyChange",
            Self::Merge { .. } => "merge",
        }
    }
}

/// One event, not yet delivered.
#[derive(Clone)]
pub(super) struct Event {
    pub what: What,
    pub object: u64,
    pub at_ms: i64,
    pub actor: Actor,
    pub id: u64,
    pub subscription: u64,
}

/// The events of a portal that wait to be sent, and what it is subscribed to.
#[derive(Clone)]
pub(super) struct Feed {
    properties: BTreeSet<String>,
    kinds: BTreeSet<String>,
    pending: Vec<Event>,
    next_event: u64,
}

impl Feed {
    /// A feed with the subscriptions given; `*` stands for every property.
    pub fn new(properties: BTreeSet<String>, kinds: BTreeSet<String>) -> Self {
        Self { properties, kinds, pending: Vec::new(), next_event: 100 }
    }

    /// Notes an event if the app is subscribed to it.
    pub fn emit(&mut self, object: u64, what: What, change: &Change<'_>) {
        let Some(subscription) = self.subscription(&what) else {
            return;
        };
        self.next_event += 1;
        self.pending.push(Event { what, object, at_ms: change.now_ms, actor: change.actor.clone(), id: self.next_event, subscription });
    }

    /// Takes what happened since the last time.
    pub fn take(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.pending)
    }

    /// How many events wait.
    pub fn mark(&self) -> usize {
        self.pending.len()
    }

    /// Forgets the events since the mark: what they tell was undone.
    pub fn rewind(&mut self, mark: usize) {
        self.pending.truncate(mark);
    }

    fn subscription(&self, what: &What) -> Option<u64> {
        if !self.kinds.contains(what.name()) {
            return None;
        }
        let kind = KINDS.iter().position(|kind| *kind == what.name())?;
        let mut number = FIRST_SUBSCRIPTION + u64::try_from(kind).ok()?;
        if let What::PropertyChange(name, _) = what {
            if !self.properties.contains(name) && !self.properties.contains("*") {
                return None;
            }
            let place = self.properties.iter().position(|each| each == name).unwrap_or(900);
            number += 50 + u64::try_from(place).ok()?;
        }
        Some(number)
    }
}

impl Event {
    /// The event as one element of the posted array.
    /// The number of the attempt is added when it is sent.
    pub fn render(&self, portal: u64, app: u64, policy: &Policy) -> Value {
        let name = self.name(policy);
        let mut json = Map::new();
        let mut put = |key: &str, value: Value| json.insert(key.to_owned(), value);
        put("eventId", self.id.into());
        put("subscriptionId", self.subscription.into());
        put("portalId", portal.into());
        put("appId", app.into());
        put("occurredAt", self.at_ms.into());
        put(if policy.event_type_name { "eventType" } else { "subscriptionType" }, name.into());
        put("objectId", self.object.into());
        if self.is_generic(policy) {
            put("objectTypeId", CONTACT_TYPE.into());
        }
        let (source, id) = self.source(policy);
        put("changeSource", source.into());
        if let Some(id) = id {
            put("sourceId", id.into());
        }
        json.extend(self.details(policy));
        json.into()
    }

    /// The event's full name.
    pub fn name(&self, policy: &Policy) -> String {
        let object = if self.is_generic(policy) { "object" } else { "contact" };
        format!("{object}.{}", self.what.name())
    }

    /// A privacy deletion has no generic form.
    fn is_generic(&self, policy: &Policy) -> bool {
        policy.generic_event_names && !matches!(self.what, What::PrivacyDeletion)
    }

    /// `changeSource` and `sourceId`.
    fn source(&self, policy: &Policy) -> (&'static str, Option<String>) {
        let covered = matches!(self.what, What::PropertyChange(..) | What::Deletion);
        let is_app = matches!(self.actor, Actor::App(_));
        if is_app && covered && !policy.own_app_marked {
            return ("API", None);
        }
        (self.actor.source(), Some(self.actor.id()))
    }

    fn details(&self, policy: &Policy) -> Map<String, Value> {
        let details = match &self.what {
            What::Creation => json!({"changeFlag": "CREATED"}),
            What::Deletion => json!({"changeFlag": "DELETED"}),
            What::Restore => json!({"changeFlag": "RESTORED"}),
            What::PrivacyDeletion => json!({}),
            What::PropertyChange(name, value) => {
                json!({"propertyName": name, "propertyValue": value, "isSensitive": false})
            }
            What::Merge { primary, merged, kept, moved } => {
                let object = if policy.merge_event_names_kept { kept } else { primary };
                json!({"changeFlag": "MERGED", "objectId": object, "primaryObjectId": primary,
                    "mergedObjectIds": merged, "newObjectId": kept, "numberOfPropertiesMoved": moved})
            }
        };
        match details {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }
}
