//! The events changes raise, in the nested form Wix sends,
//! <https://dev.wix.com/docs/build-apps/develop-your-app/api-integrations/events-and-webhooks/about-webhooks>.

use serde_json::{Map, Value, json};

use super::{auth::Identity, contact::Contact, state::Desk};
use crate::vendors::kit::rfc3339;

/// What happened to an entity.
pub(super) enum Change<'a> {
    Created(Value),
    Updated {
        now: Value,
        before: Option<&'a Value>,
    },
    Deleted(Value),
    Merged(Value),
    /// Something else that was done, by its slug.
    Acted(&'static str, Value),
}

impl Change<'_> {
    fn slug(&self) -> &'static str {
        match self {
            Self::Created(_) => "created",
            Self::Updated { .. } => "updated",
            Self::Deleted(_) => "deleted",
            Self::Merged(_) => "merged",
            Self::Acted(slug, _) => slug,
        }
    }
}

/// What an event is about, beside the change itself.
#[derive(Clone, Copy)]
pub(super) struct About<'a> {
    pub family: &'static str,
    pub entity: &'a str,
    pub id: &'a str,
    pub from_merge: bool,
    pub anonymized: bool,
}

impl<'a> About<'a> {
    pub fn contact(id: &'a str) -> Self {
        Self { family: "wix.contacts.v4", entity: "contact", id, from_merge: false, anonymized: false }
    }

    /// A message or a conversation.
    pub fn inbox(entity: &'a str, id: &'a str) -> Self {
        Self { family: "wix.crm.inbox.v2", entity, ..Self::contact(id) }
    }
}

impl Desk<'_> {
    pub fn raise_created(&mut self, contact: &Contact) {
        self.raise(About::contact(&contact.id), &Change::Created(contact.to_json()));
    }

    pub fn raise_updated(&mut self, contact: &Contact, before: &Contact) {
        let before = before.to_json();
        self.raise(About::contact(&contact.id), &Change::Updated { now: contact.to_json(), before: Some(&before) });
    }

    pub fn raise_deleted(&mut self, contact: &Contact) {
        self.raise(About::contact(&contact.id), &Change::Deleted(contact.to_json()));
    }

    /// Puts the event into the outbox, if anybody is to hear of it.
    pub fn raise(&mut self, about: About<'_>, change: &Change<'_>) {
        if self.silent || self.urls.is_empty() {
            return;
        }
        let event_type = self.event_type(about, change);
        let inner = Value::Object(self.inner(about, change)).to_string();
        self.send(&event_type, &inner, true);
    }

    /// Sends an event that has neither id nor entity, such as those of the app's own life.
    pub fn send(&mut self, event_type: &str, inner: &str, with_identity: bool) {
        let mut envelope = Map::new();
        envelope.insert("eventType".to_owned(), event_type.into());
        envelope.insert("instanceId".to_owned(), self.site.instance_id.clone().into());
        envelope.insert("data".to_owned(), inner.into());
        if let Some(identity) = self.identity().filter(|_| with_identity) {
            envelope.insert("identity".to_owned(), identity.to_string().into());
        }
        if self.world.flag("account_info") {
            let account = json!({"accountId": self.site.owner_id, "siteId": self.site.id});
            envelope.insert("accountInfo".to_owned(), account);
        }
        let delay_ms = self.world.core.switches.number("webhook_delay_ms");
        let payload = Value::Object(envelope).to_string();
        self.world.core.outbox.post(&self.site.instance_id, event_type, &self.urls, &payload, delay_ms);
    }

    fn identity(&self) -> Option<Value> {
        match &self.asked.identity {
            Identity::User(id) | Identity::Key(id) => Some(json!({"identityType": "WIX_USER", "wixUserId": id})),
            Identity::Visitor(id) => Some(json!({"identityType": "ANONYMOUS_VISITOR", "anonymousVisitorId": id})),
            Identity::Member(id) => Some(json!({"identityType": "MEMBER", "memberId": id})),
            Identity::App(id) if self.world.flag("identity_for_app_writes") => Some(json!({"identityType": "APP", "appId": id})),
            Identity::App(_) => None,
        }
    }

    fn event_type(&self, about: About<'_>, change: &Change<'_>) -> String {
        let About { family, entity, .. } = about;
        match change {
            Change::Acted(slug, _) if self.world.is("inbox_event_names", "hyphen") => {
                format!("{family}.{entity}_{}", slug.replace('_', "-"))
            }
            change if entity == "extended_field" && self.world.is("event_name", "hyphen") => {
                format!("{family}.extended-field_{}", change.slug())
            }
            change => format!("{family}.{entity}_{}", change.slug()),
        }
    }

    fn inner(&mut self, about: About<'_>, change: &Change<'_>) -> Map<String, Value> {
        let slug = if change.slug() == "merged" { self.world.core.switches.word("merged_slug") } else { change.slug().to_owned() };
        let mut inner = Map::new();
        inner.insert("id".to_owned(), self.world.ids.guid().into());
        inner.insert("entityFqdn".to_owned(), format!("{}.{}", about.family, about.entity).into());
        inner.insert("slug".to_owned(), slug.into());
        inner.insert("entityId".to_owned(), about.id.into());
        inner.insert("eventTime".to_owned(), self.event_time().into());
        inner.insert("triggeredByAnonymizeRequest".to_owned(), about.anonymized.into());
        if about.from_merge {
            inner.insert("originatedFrom".to_owned(), "merge".into());
        }
        let sequence = self.site.sequences.entry(format!("{}/{}", about.entity, about.id)).or_default();
        *sequence += 1;
        if self.world.flag("event_sequence") {
            inner.insert("entityEventSequence".to_owned(), sequence.to_string().into());
        }
        let (key, body) = self.change_body(change);
        inner.insert(key.to_owned(), body);
        inner
    }

    /// Event times carry microseconds; the last three digits are made up.
    fn event_time(&self) -> String {
        let millis = rfc3339(self.now_ms);
        format!("{}{:03}Z", millis.trim_end_matches('Z'), self.world.ids.below(1000))
    }

    fn change_body(&self, change: &Change<'_>) -> (&'static str, Value) {
        match change {
            Change::Created(entity) => ("createdEvent", Value::Object(self.form("entity", entity))),
            Change::Updated { now, before } => {
                let mut body = self.form("currentEntity", now);
                if let Some(before) = before.filter(|_| self.world.flag("modified_fields")) {
                    body.insert("modifiedFields".to_owned(), Value::Object(old_values(before, now)));
                }
                ("updatedEvent", Value::Object(body))
            }
            Change::Deleted(entity) if self.world.flag("deleted_entity") => {
                ("deletedEvent", Value::Object(self.form("deletedEntity", entity)))
            }
            Change::Deleted(_) => ("deletedEvent", json!({})),
            Change::Merged(body) | Change::Acted(_, body) => ("actionEvent", Value::Object(self.form("body", body))),
        }
    }

    /// The entity as an object, or as text under the older name.
    fn form(&self, key: &str, entity: &Value) -> Map<String, Value> {
        if self.world.is("entity_form", "string") {
            return Map::from_iter([(format!("{key}AsJson"), entity.to_string().into())]);
        }
        Map::from_iter([(key.to_owned(), entity.clone())])
    }
}

/// Changed paths with their old values; dots in keys escaped, list positions in brackets.
fn old_values(before: &Value, now: &Value) -> Map<String, Value> {
    let mut changed = Map::new();
    compare("", before, Some(now), &mut changed);
    changed
}

fn compare(path: &str, before: &Value, now: Option<&Value>, changed: &mut Map<String, Value>) {
    match before {
        Value::Object(map) => {
            for (key, value) in map {
                let key = key.replace('.', "\\.");
                let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                compare(&inner, value, now.and_then(|now| now.get(key.replace("\\.", "."))), changed);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                compare(&format!("{path}[{index}]"), value, now.and_then(|now| now.get(index)), changed);
            }
        }
        scalar if now != Some(scalar) => {
            changed.insert(path.to_owned(), scalar.clone());
        }
        _ => {}
    }
}
