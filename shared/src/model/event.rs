//! Events as the bus carries them.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    entity::Entity,
    ids::{RecordId, Side, SiteId},
    run::RunKind,
    subscriber::Address,
};

/// A hint that something happened to a record, or to a site.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The site.
    pub site: SiteId,
    /// The side it happened on.
    pub side: Side,
    /// What it happened to; `None` for events of the whole site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordId>,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
    /// When, by the sender's clock.
    pub at: Timestamp,
    /// The sender's id of the event, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The record as the sender enclosed it; left out of events that would be too large for the bus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity: Option<Entity>,
    /// How often it was tried and failed for a passing reason.
    #[serde(default)]
    pub attempts: u32,
}

/// Shows ids only: the enclosed entity is contact data.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("site", &self.site)
            .field("side", &self.side)
            .field("record", &self.record)
            .field("kind", &self.kind)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A field change as the sender tells it, to find edits that a write of ours overwrote. Never logged.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// The field, in its side's vocabulary.
    pub field: String,
    /// When it changed.
    pub at: Timestamp,
    /// Whether the sender says that the bridge itself made the change. Spares a look into the history; decides nothing else.
    #[serde(default)]
    pub ours: bool,
}

impl fmt::Debug for FieldChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.field)
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventKind {
    /// The record was created.
    Created,
    /// The record was changed (labels included).
    Updated {
        /// Which fields, where the sender says so.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        changes: Vec<FieldChange>,
    },
    /// The record was deleted.
    Deleted {
        /// The delete is a part of a merge.
        #[serde(default)]
        by_merge: bool,
    },
    /// A privacy request erased the record.
    Erased,
    /// Records were merged: `record` is the winner.
    Merged {
        /// The ids that went into the winner.
        from: Vec<RecordId>,
    },
    /// A person brought a deleted record back.
    Restored,
    /// A person, or a sweep, asks for this one record to be synchronised again.
    Resync {
        /// A delete that waits for approval is approved.
        #[serde(default)]
        approve_delete: bool,
        /// Conflicts of this record are decided for this side.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        prefer: Option<Side>,
    },
    /// The subscription of an e-mail address may have changed: on the side of Wix, or of the mailing service.
    SubscriptionChanged {
        /// The address.
        address: Address,
    },
    /// The app was installed on the site.
    Installed,
    /// The app was removed from the site.
    Removed,
    /// A scheduled run of the site is to begin, or to go on.
    Requested {
        /// Which one.
        run: RunKind,
        /// A person asks for it, whatever the interval says.
        #[serde(default)]
        now: bool,
    },
}

impl EventKind {
    /// Returns the short name used in logs, metrics and as the bus's detail type.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated { .. } => "updated",
            Self::Deleted { .. } => "deleted",
            Self::Erased => "erased",
            Self::Merged { .. } => "merged",
            Self::Restored => "restored",
            Self::Resync { .. } => "resync",
            Self::SubscriptionChanged { .. } => "changed",
            Self::Installed => "installed",
            Self::Removed => "removed",
            Self::Requested { .. } => "requested",
        }
    }
}

impl Event {
    /// Asks for a scheduled run of a site.
    #[must_use]
    pub fn requested(site: &SiteId, run: RunKind, at: Timestamp) -> Self {
        Self {
            site: site.clone(),
            side: Side::Wix,
            record: None,
            kind: EventKind::Requested { run, now: false },
            at,
            id: None,
            entity: None,
            attempts: 0,
        }
    }

    /// Asks for one record to be synchronised again.
    #[must_use]
    pub fn resync(site: &SiteId, side: Side, record: &RecordId, at: Timestamp) -> Self {
        let kind = EventKind::Resync { approve_delete: false, prefer: None };
        Self { site: site.clone(), side, record: Some(record.clone()), kind, at, id: None, entity: None, attempts: 0 }
    }

    /// Tells that the subscription of an address may have changed.
    #[must_use]
    pub const fn subscription_changed(site: SiteId, side: Side, address: Address, at: Timestamp) -> Self {
        let kind = EventKind::SubscriptionChanged { address };
        Self { site, side, record: None, kind, at, id: None, entity: None, attempts: 0 }
    }

    /// The `source` of all events on the bus.
    pub const SOURCE: &'static str = "contact-bridge";

    /// Returns the detail type on the bus: `contact.updated`, `site.removed`, `export.requested`, `subscriber.changed`.
    #[must_use]
    pub fn detail_type(&self) -> String {
        let subject = match self.kind {
            EventKind::Requested { .. } => "export",
            EventKind::SubscriptionChanged { .. } => "subscriber",
            _ if self.record.is_some() => "contact",
            _ => "site",
        };
        format!("{subject}.{}", self.kind.name())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_enclosed_record_comes_through_as_it_was() {
        let text = r#"{"site":"s","side":"wix","record":"w","kind":"updated","at":"2026-11-20T12:00:00Z","entity":{"b": 1.50, "a":"\u00e9"},"attempts":0}"#;
        let event: Event = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&event).unwrap(), text);
        assert_eq!(event.entity.as_ref().and_then(Entity::read), Some(json!({"b": 1.5, "a": "é"})));
        let tree: Event = serde_json::from_value(serde_json::to_value(&event).unwrap()).unwrap();
        assert_eq!(tree.entity.and_then(|entity| entity.read()), Some(json!({"b": 1.5, "a": "é"})));
    }
}
