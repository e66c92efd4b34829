//! What a HubSpot request carries: an array of notices, fewer than a hundred, in no order.
//!
//! <https://developers.hubspot.com/docs/apps/developer-platform/add-features/configure-webhooks>

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    model::{
        event::{Event, EventKind, FieldChange},
        ids::{RecordId, Side, SiteId},
    },
    webhook::{Payload, WebhookError, json},
};

/// HubSpot's type id of contacts, in its generic notices.
const CONTACT: &str = "0-1";

/// A well-signed array of notices, not read yet.
pub struct Batch {
    site: SiteId,
    body: Vec<u8>,
}

impl Batch {
    pub(super) const fn new(site: SiteId, body: Vec<u8>) -> Self {
        Self { site, body }
    }
}

/// One notice. The value of a changed property is left out: it may be old by now, and is read again.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notice {
    object_id: Option<Id>,
    occurred_at: Option<i64>,
    property_name: Option<String>,
    primary_object_id: Option<Id>,
    merged_object_ids: Option<Vec<Id>>,
    new_object_id: Option<Id>,
    app_id: Option<Id>,
    change_source: Option<String>,
    source_id: Option<Id>,
}

/// An id: a number in notices, a text everywhere else.
#[derive(Deserialize)]
#[serde(untagged)]
enum Id {
    Number(u64),
    Text(String),
}

impl From<Id> for RecordId {
    fn from(id: Id) -> Self {
        match id {
            Id::Number(number) => Self::new(number.to_string()),
            Id::Text(text) => Self::new(text),
        }
    }
}

/// The events of one request, one for each record and kind.
type Folded = BTreeMap<(RecordId, &'static str), Event>;

impl Payload for Batch {
    /// One unreadable notice does not hold up the others, since HubSpot would send the same request again and again; a request of
    /// nothing else is refused.
    fn events(self, received: Timestamp) -> Result<Vec<Event>, WebhookError> {
        let notices: Vec<Value> = json::parse("batch", &self.body)?;
        let mut folded = Folded::new();
        let (mut readable, mut refused) = (0_usize, None);
        for notice in notices {
            match read(notice, &self.site, received) {
                Ok(event) => {
                    readable += 1;
                    if let Some(event) = event {
                        fold(&mut folded, event);
                    }
                }
                Err(error) => {
                    tracing::warn!(site = %self.site, %error, "Left out a notice that cannot be read.");
                    refused = Some(error);
                }
            }
        }
        refused.filter(|_| readable == 0).map_or(Ok(()), Err)?;
        Ok(in_order(folded))
    }
}

/// Returns a notice as an event; `None` if it is no concern of the bridge, whatever else is in it.
fn read(notice: Value, site: &SiteId, received: Timestamp) -> Result<Option<Event>, WebhookError> {
    let Some(action) = Action::of(&notice)? else { return Ok(None) };
    let notice: Notice = json::from_tree("notice", notice)?;
    let at = notice.occurred_at.and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or(received);
    let (record, kind) = notice.subject(&action, at)?;
    Ok(Some(Event { site: site.clone(), side: Side::External, record: Some(record), kind, at, id: None, entity: None, attempts: 0 }))
}

/// What happened to a contact.
enum Action {
    Creation,
    PropertyChange,
    Deletion,
    PrivacyDeletion,
    Restore,
    Merge,
}

impl Action {
    /// Returns the action of a notice; `None` for other objects, associations and whatever HubSpot may add.
    fn of(notice: &Value) -> Result<Option<Self>, WebhookError> {
        let text = |name| notice.get(name).and_then(Value::as_str);
        // `eventType` is what `subscriptionType` was called.
        let name = text("subscriptionType").or_else(|| text("eventType"));
        let name = name.ok_or(WebhookError::Missing { part: "notice", field: "subscriptionType" })?;
        let action = match name.split_once('.') {
            Some(("contact", action)) => action,
            Some(("object", action)) if text("objectTypeId") == Some(CONTACT) => action,
            _ => return Ok(None),
        };
        Ok(match action {
            "creation" => Some(Self::Creation),
            "propertyChange" => Some(Self::PropertyChange),
            "deletion" => Some(Self::Deletion),
            "privacyDeletion" => Some(Self::PrivacyDeletion),
            "restore" => Some(Self::Restore),
            "merge" => Some(Self::Merge),
            _ => None,
        })
    }
}

impl Notice {
    /// Tells whether the notice names the app it is sent to as the author of the change.
    fn is_ours(&self) -> bool {
        let text = |id: &Option<Id>| match id {
            Some(Id::Number(number)) => Some(number.to_string()),
            Some(Id::Text(text)) => Some(text.clone()),
            None => None,
        };
        let app = text(&self.app_id);
        self.change_source.as_deref() == Some("INTEGRATION") && app.is_some() && app == text(&self.source_id)
    }

    fn subject(self, action: &Action, at: Timestamp) -> Result<(RecordId, EventKind), WebhookError> {
        let kind = match action {
            Action::Merge => return self.merge(),
            Action::Creation => EventKind::Created,
            Action::PropertyChange => {
                let ours = self.is_ours();
                EventKind::Updated { changes: self.property_name.into_iter().map(|field| FieldChange { field, at, ours }).collect() }
            }
            Action::Deletion => EventKind::Deleted { by_merge: false },
            Action::PrivacyDeletion => EventKind::Erased,
            Action::Restore => EventKind::Restored,
        };
        let record = self.object_id.ok_or(WebhookError::Missing { part: "notice", field: "objectId" })?;
        Ok((record.into(), kind))
    }

    /// The record after a merge may be a third one; which id is which differs between accounts.
    fn merge(self) -> Result<(RecordId, EventKind), WebhookError> {
        let [new, primary, object] = [self.new_object_id, self.primary_object_id, self.object_id].map(|id| id.map(RecordId::from));
        let winner = new.or_else(|| primary.clone()).or_else(|| object.clone());
        let winner = winner.ok_or(WebhookError::Missing { part: "notice", field: "objectId" })?;
        let merged = self.merged_object_ids.into_iter().flatten().map(RecordId::from);
        let mut from: Vec<_> = primary.into_iter().chain(merged).chain(object).collect();
        from.retain(|id| *id != winner);
        from.sort();
        from.dedup();
        Ok((winner, EventKind::Merged { from }))
    }
}

/// Adds an event to those of its record and kind; in whatever order notices come, the result is the same.
fn fold(folded: &mut Folded, event: Event) {
    let Some(record) = event.record.clone() else { return };
    let key = (record, event.kind.name());
    let Some(known) = folded.get_mut(&key) else {
        folded.insert(key, event);
        return;
    };
    known.at = known.at.max(event.at);
    match (&mut known.kind, event.kind) {
        (EventKind::Updated { changes }, EventKind::Updated { changes: more }) => {
            changes.extend(more);
            changes.sort_by(|a, b| (a.at, &a.field, a.ours).cmp(&(b.at, &b.field, b.ours)));
            changes.dedup();
        }
        (EventKind::Merged { from }, EventKind::Merged { from: more }) => {
            from.extend(more);
            from.sort();
            from.dedup();
        }
        _ => {}
    }
}

/// Returns the events by time, deletes that belong to a merge of the same request marked as such.
fn in_order(folded: Folded) -> Vec<Event> {
    let mut events: Vec<Event> = folded.into_values().collect();
    let merged: Vec<RecordId> = events.iter().flat_map(|event| losers(&event.kind).iter().cloned()).collect();
    for event in &mut events {
        if let EventKind::Deleted { by_merge } = &mut event.kind {
            *by_merge = event.record.as_ref().is_some_and(|record| merged.contains(record));
        }
    }
    events.sort_by_key(|event| event.at);
    events
}

fn losers(kind: &EventKind) -> &[RecordId] {
    if let EventKind::Merged { from } = kind { from } else { &[] }
}
