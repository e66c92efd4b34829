//! Custom fields of persons: definitions and the values they take
//! (<https://pipedrive.readme.io/docs/pipedrive-api-v2-migration-guide>).

use serde_json::{Map, Value, json};

use super::refusal::Refusal;

const LONGEST_VARCHAR: usize = 255;
const LONGEST_TEXT: usize = 65_535;

/// What a field holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Varchar,
    VarcharAuto,
    Text,
    Double,
    Monetary,
    Phone,
    Date,
    DateRange,
    Time,
    TimeRange,
    Set,
    Enum,
    Address,
    Org,
    People,
    User,
}

const KINDS: [(&str, Kind); 16] = [
    ("varchar", Kind::Varchar),
    ("varchar_auto", Kind::VarcharAuto),
    ("text", Kind::Text),
    ("double", Kind::Double),
    ("monetary", Kind::Monetary),
    ("phone", Kind::Phone),
    ("date", Kind::Date),
    ("daterange", Kind::DateRange),
    ("time", Kind::Time),
    ("timerange", Kind::TimeRange),
    ("set", Kind::Set),
    ("enum", Kind::Enum),
    ("address", Kind::Address),
    ("org", Kind::Org),
    ("people", Kind::People),
    ("user", Kind::User),
];

/// A custom field.
#[derive(Clone)]
pub(super) struct Field {
    /// The number version 1 knows it by.
    pub id: u64,
    /// The hash that is its key.
    pub code: String,
    pub kind: Kind,
    name: String,
    /// Ids and labels.
    options: Vec<(u64, String)>,
}

/// Fields every company has, with their types.
const STANDARD: [(&str, &str, &str); 10] = [
    ("id", "ID", "int"),
    ("name", "Name", "varchar"),
    ("emails", "Email", "varchar"),
    ("phones", "Phone", "phone"),
    ("org_id", "Organization", "org"),
    ("owner_id", "Owner", "user"),
    ("add_time", "Person created", "date"),
    ("update_time", "Update time", "date"),
    ("visible_to", "Visible to", "visible_to"),
    ("label_ids", "Labels", "set"),
];

impl Kind {
    pub fn name(self) -> &'static str {
        KINDS.iter().find(|(_, kind)| *kind == self).map_or("varchar", |(name, _)| name)
    }
}

impl Field {
    /// Reads a create call; the keys of name and type differ between the versions. `first_option` is the next free id.
    pub fn read(body: &Map<String, Value>, keys: (&str, &str), code: String, ids: (u64, u64)) -> Result<Self, Refusal> {
        let text = |key: &str| body.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let name = text(keys.0).ok_or_else(|| Refusal::field(keys.0, "is required"))?;
        let kind = text(keys.1).ok_or_else(|| Refusal::field(keys.1, "is required"))?;
        let kind = KINDS.iter().find(|(each, _)| *each == kind).map(|(_, kind)| *kind);
        let kind = kind.ok_or_else(|| Refusal::field(keys.1, "is not a type of custom fields"))?;
        let labels = body.get("options").and_then(Value::as_array).into_iter().flatten();
        let labels = labels.filter_map(|option| option.get("label").and_then(Value::as_str)).map(str::to_owned);
        let options: Vec<(u64, String)> = (ids.1..).zip(labels).collect();
        if matches!(kind, Kind::Set | Kind::Enum) == options.is_empty() {
            return Err(Refusal::field("options", "are required for set and enum, and for no other type"));
        }
        Ok(Self { id: ids.0, code, kind, name: name.to_owned(), options })
    }

    /// As version 2 shows it.
    pub fn to_json(&self) -> Value {
        json!({
            "field_name": self.name, "field_code": self.code, "field_type": self.kind.name(), "options": self.shown_options(),
            "subfields": null, "is_custom_field": true, "is_optional_response_field": false,
        })
    }

    /// As version 1 shows it.
    pub fn to_json_v1(&self) -> Value {
        json!({
            "id": self.id, "key": self.code, "name": self.name, "field_type": self.kind.name(), "options": self.shown_options(),
            "active_flag": true, "edit_flag": true, "mandatory_flag": false,
        })
    }

    fn shown_options(&self) -> Value {
        if self.options.is_empty() {
            return Value::Null;
        }
        self.options.iter().map(|(id, label)| json!({"id": id, "label": label})).collect()
    }

    /// The largest id of an option.
    pub fn last_option(&self) -> u64 {
        self.options.iter().map(|(id, _)| *id).max().unwrap_or_default()
    }

    /// The value as stored; null clears.
    pub fn accept(&self, sent: &Value) -> Result<Value, Refusal> {
        let fits = match self.kind {
            Kind::Varchar | Kind::VarcharAuto | Kind::Phone => is_text(sent, LONGEST_VARCHAR),
            Kind::Text => is_text(sent, LONGEST_TEXT),
            Kind::Double => sent.is_number(),
            Kind::Date => is_date(sent),
            Kind::Enum => self.has_option(sent),
            Kind::Set => sent.as_array().is_some_and(|list| !list.is_empty() && list.iter().all(|each| self.has_option(each))),
            Kind::Org | Kind::People | Kind::User => sent.is_u64(),
            Kind::Monetary => sent.get("value").is_some_and(Value::is_number) && sent.get("currency").is_some_and(Value::is_string),
            Kind::DateRange => ["value", "until"].iter().all(|part| sent.get(part).is_some_and(is_date)),
            Kind::Time | Kind::Address => sent.get("value").is_some_and(Value::is_string),
            Kind::TimeRange => ["value", "until"].iter().all(|part| sent.get(part).is_some_and(Value::is_string)),
        };
        if sent.is_null() || fits {
            return Ok(sent.clone());
        }
        Err(Refusal::field(&self.code, &format!("is not a value of type {}", self.kind.name())))
    }

    fn has_option(&self, sent: &Value) -> bool {
        sent.as_u64().is_some_and(|id| self.options.iter().any(|(each, _)| *each == id))
    }

    /// The value as an event tells it.
    pub fn typed(&self, value: &Value) -> Value {
        if value.is_null() {
            return Value::Null;
        }
        let kind = self.kind.name();
        match (self.kind, value) {
            (Kind::Enum, value) => json!({"type": kind, "id": value}),
            (Kind::Set, Value::Array(ids)) => json!({"type": kind, "values": ids.iter().map(|id| json!({"id": id})).collect::<Vec<_>>()}),
            (_, Value::Object(parts)) => {
                let mut typed = parts.clone();
                typed.insert("type".to_owned(), kind.into());
                typed.into()
            }
            (_, value) => json!({"type": kind, "value": value}),
        }
    }
}

/// The fields every company has, as version 2 shows them.
pub(super) fn standard() -> Vec<Value> {
    let shown = STANDARD.iter().map(|(code, name, kind)| {
        json!({
            "field_name": name, "field_code": code, "field_type": kind, "options": null, "subfields": null, "is_custom_field": false,
            "is_optional_response_field": false,
        })
    });
    shown.collect()
}

/// The same as version 1 shows them.
pub(super) fn standard_v1() -> Vec<Value> {
    let shown = (9_000..).zip(&STANDARD).map(|(id, (code, name, kind)): (u64, _)| {
        json!({"id": id, "key": code, "name": name, "field_type": kind, "options": null, "active_flag": true, "edit_flag": false})
    });
    shown.collect()
}

fn is_text(sent: &Value, longest: usize) -> bool {
    sent.as_str().is_some_and(|text| text.chars().count() <= longest)
}

fn is_date(sent: &Value) -> bool {
    sent.as_str().is_some_and(|text| jiff::civil::Date::strptime("%Y-%m-%d", text).is_ok())
}
