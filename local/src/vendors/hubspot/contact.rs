//! One contact with the history of its values.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::text;

/// Who made a change.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Actor {
    /// The app under test, by API.
    App(u64),
    /// A person in HubSpot.
    Person(u64),
    /// A file import by a person.
    Import,
}

impl Actor {
    /// `changeSource` and `sourceType`.
    pub fn source(&self) -> &'static str {
        match self {
            Self::App(_) => "INTEGRATION",
            Self::Person(_) => "CRM_UI",
            Self::Import => "IMPORT",
        }
    }

    /// `sourceId`.
    pub fn id(&self) -> String {
        match self {
            Self::App(app) => app.to_string(),
            Self::Person(user) => format!("userId:{user}"),
            Self::Import => "importId:1".to_owned(),
        }
    }

    /// Whether read-only states that only people change may be set.
    pub fn is_person(&self) -> bool {
        !matches!(self, Self::App(_))
    }
}

/// One version of a value; empty means cleared.
#[derive(Clone)]
pub(super) struct Version {
    pub value: String,
    pub at_ms: i64,
    pub actor: Actor,
}

impl Version {
    fn render(&self) -> Value {
        let mut json = json!({"value": self.value, "timestamp": text::iso(self.at_ms),
            "sourceType": self.actor.source(), "sourceId": self.actor.id()});
        if let (Actor::Person(user), Some(json)) = (&self.actor, json.as_object_mut()) {
            json.insert("updatedByUserId".to_owned(), (*user).into());
        }
        json
    }
}

/// Why a record is no longer there for good.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Gone {
    /// Merged into this record.
    Merged(u64),
    /// Erased for privacy.
    Erased,
}

/// A contact record.
#[derive(Clone)]
pub(super) struct Contact {
    pub id: u64,
    pub created_ms: i64,
    /// When this record came to be; later than `createdate` for a merged one.
    pub appeared_ms: i64,
    /// Values by property, the newest version last.
    pub values: BTreeMap<String, Vec<Version>>,
    pub archived_ms: Option<i64>,
    pub gone: Option<(Gone, i64)>,
    /// Ids of the records merged into this one.
    pub merged: BTreeSet<u64>,
    /// Keys under which the portal's index knows this contact.
    pub keys: Vec<(String, String)>,
}

impl Contact {
    pub fn new(id: u64, created_ms: i64) -> Self {
        Self {
            id,
            created_ms,
            appeared_ms: created_ms,
            values: BTreeMap::new(),
            archived_ms: None,
            gone: None,
            merged: BTreeSet::new(),
            keys: Vec::new(),
        }
    }

    pub fn is_live(&self) -> bool {
        self.gone.is_none() && self.archived_ms.is_none()
    }

    /// The current value, `None` when never set or cleared.
    pub fn value(&self, name: &str) -> Option<&str> {
        let version = self.values.get(name)?.last()?;
        Some(version.value.as_str()).filter(|value| !value.is_empty())
    }

    /// The value as it was at that time.
    pub fn value_at(&self, name: &str, at_ms: i64) -> Option<&str> {
        let versions = self.values.get(name)?;
        let version = versions.iter().rev().find(|version| version.at_ms <= at_ms)?;
        Some(version.value.as_str()).filter(|value| !value.is_empty())
    }

    /// Whether a listing that sees the world as of `at_ms` holds this contact.
    pub fn listed_at(&self, at_ms: i64, archived: bool) -> bool {
        let was_archived = self.archived_ms.is_some_and(|ms| ms <= at_ms);
        let was_gone = match self.gone {
            Some((Gone::Erased, _)) => true,
            Some((Gone::Merged(_), ms)) => ms <= at_ms,
            None => false,
        };
        self.appeared_ms <= at_ms && !was_gone && was_archived == archived
    }

    pub fn set(&mut self, name: &str, value: &str, at_ms: i64, actor: &Actor) {
        self.values.entry(name.to_owned()).or_default().push(Version { value: value.to_owned(), at_ms, actor: actor.clone() });
    }

    /// Stamps the last modification.
    pub fn touch(&mut self, at_ms: i64, actor: &Actor) {
        self.set("lastmodifieddate", &text::iso(at_ms), at_ms, actor);
    }

    pub fn updated_ms(&self) -> i64 {
        self.value("lastmodifieddate").and_then(text::millis).unwrap_or(self.created_ms)
    }

    /// The additional e-mails, without empties.
    pub fn additional_emails(&self) -> Vec<String> {
        let list = self.value("hs_additional_emails").unwrap_or_default();
        list.split(';').filter(|each| !each.is_empty()).map(str::to_owned).collect()
    }

    /// History of the named properties, newest first.
    pub fn history<'a>(&self, names: impl Iterator<Item = &'a str>) -> Value {
        let mut map = Map::new();
        for name in names {
            let versions = self.values.get(name).map(Vec::as_slice).unwrap_or_default();
            let list: Vec<Value> = versions.iter().rev().map(Version::render).collect();
            map.insert(name.to_owned(), list.into());
        }
        map.into()
    }
}
