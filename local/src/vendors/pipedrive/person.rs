//! One person.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::fields::Field;
use crate::vendors::kit::Switches;

/// A person as stored.
#[derive(Clone, PartialEq)]
pub(super) struct Person {
    pub id: u64,
    pub name: String,
    pub owner_id: u64,
    pub org_id: Option<u64>,
    pub visible_to: u64,
    pub label_ids: Vec<u64>,
    pub emails: Vec<Item>,
    pub phones: Vec<Item>,
    /// Values of custom fields by code; those without a value are absent.
    pub custom: BTreeMap<String, Value>,
    /// What only companies with contact sync have.
    pub synced: Map<String, Value>,
    pub added_ms: i64,
    pub updated_ms: i64,
    pub gone: Option<Gone>,
}

/// When a person was deleted, and why.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Gone {
    pub at_ms: i64,
    pub merged_into: Option<u64>,
}

/// An e-mail address or a phone.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Item {
    pub value: String,
    pub primary: bool,
    pub label: String,
}

impl Item {
    fn to_json(&self) -> Value {
        json!({"value": self.value, "primary": self.primary, "label": self.label})
    }
}

/// Pipedrive's times have no fractions of a second.
pub(super) fn iso(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).unwrap_or_default().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

impl Person {
    /// A person without values.
    pub fn new(id: u64, owner_id: u64, now_ms: i64) -> Self {
        Self {
            id,
            name: String::new(),
            owner_id,
            org_id: None,
            visible_to: 3,
            label_ids: Vec::new(),
            emails: Vec::new(),
            phones: Vec::new(),
            custom: BTreeMap::new(),
            synced: Map::new(),
            added_ms: now_ms,
            updated_ms: now_ms,
            gone: None,
        }
    }

    pub fn is_live(&self) -> bool {
        self.gone.is_none()
    }

    /// The person as version 2 of the API shows it.
    pub fn to_json(&self, fields: &[Field], switches: &Switches) -> Value {
        let absent = switches.is("null_custom_fields", "absent");
        let custom = fields.iter().map(|field| (field.code.clone(), self.custom.get(&field.code).cloned().unwrap_or_default()));
        let custom: Map<String, Value> = custom.filter(|(_, value)| !absent || !value.is_null()).collect();
        let mut shown = self.frame(switches);
        shown.insert("custom_fields".to_owned(), custom.into());
        shown.into()
    }

    /// The person as an event shows it.
    pub fn to_event(&self, fields: &[Field], switches: &Switches) -> Map<String, Value> {
        let plain = switches.is("webhook_custom_fields", "plain");
        let custom = fields.iter().map(|field| {
            let value = self.custom.get(&field.code).cloned().unwrap_or_default();
            (field.code.clone(), if plain { value } else { field.typed(&value) })
        });
        let custom: Map<String, Value> = custom.collect();
        let mut shown = self.frame(switches);
        shown.insert("custom_fields".to_owned(), custom.into());
        shown
    }

    fn frame(&self, switches: &Switches) -> Map<String, Value> {
        let items = |list: &[Item]| -> Vec<Value> { list.iter().map(Item::to_json).collect() };
        let (first, last) = self.split(switches.is("name_split", "first_word"));
        let shown = json!({
            "id": self.id, "name": self.name, "first_name": first, "last_name": last, "owner_id": self.owner_id, "org_id": self.org_id,
            "add_time": iso(self.added_ms), "update_time": iso(self.updated_ms), "emails": items(&self.emails),
            "phones": items(&self.phones), "is_deleted": !self.is_live(), "visible_to": self.visible_to, "label_ids": self.label_ids,
            "picture_id": null,
        });
        let mut shown = shown.as_object().cloned().unwrap_or_default();
        shown.extend(self.synced.clone());
        shown
    }

    fn split(&self, at_first: bool) -> (Option<&str>, Option<&str>) {
        let parts = if at_first { self.name.split_once(' ') } else { self.name.rsplit_once(' ') };
        parts.map_or((Some(self.name.as_str()), None), |(first, last)| (Some(first), Some(last)))
    }
}
