//! Pipedrive's JSON, read leniently: unknown members are ignored, `null` is absent, numbers pass for text.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// What stands around every answer.
/// <https://pipedrive.readme.io/docs/core-api-concepts-responses>
#[derive(Deserialize)]
pub(super) struct Envelope<T> {
    /// What was asked for.
    pub data: T,
    /// Where a list goes on.
    #[serde(default)]
    pub additional_data: Option<More>,
}

impl<T> Envelope<T> {
    /// Returns where the next page begins; nothing on the last one.
    pub fn next(&self) -> Option<String> {
        self.additional_data.as_ref()?.next_cursor.clone().filter(|cursor| !cursor.is_empty())
    }
}

/// Where a list goes on.
#[derive(Deserialize)]
pub(super) struct More {
    /// What to ask for the next page with.
    #[serde(default)]
    next_cursor: Option<String>,
}

/// A person. What may be emptied must be there: a person without it would look emptied.
#[derive(Clone, Deserialize)]
pub(super) struct Person {
    /// The record's id.
    #[serde(deserialize_with = "text")]
    pub id: String,
    /// The whole name.
    #[serde(default)]
    pub name: Option<String>,
    /// The e-mail addresses.
    #[serde(deserialize_with = "or_default")]
    pub emails: Vec<Item>,
    /// The phone numbers.
    #[serde(deserialize_with = "or_default")]
    pub phones: Vec<Item>,
    /// The values of custom fields, by the fields' keys; one without a value is `null` or left out.
    #[serde(deserialize_with = "or_default")]
    pub custom_fields: Map<String, Value>,
    /// When the person was created.
    #[serde(default)]
    pub add_time: Option<String>,
    /// When the person was last changed, to the second.
    #[serde(default)]
    pub update_time: Option<String>,
    /// Whether the person was deleted; it is kept for thirty days.
    #[serde(default, deserialize_with = "or_default")]
    pub is_deleted: bool,
}

/// Shows the id only.
impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person").field("id", &self.id).finish_non_exhaustive()
    }
}

/// An e-mail address or a phone number.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Item {
    /// The address or the number.
    #[serde(default, deserialize_with = "or_default")]
    pub value: String,
    /// Whether it is the one to use.
    #[serde(default, deserialize_with = "or_default")]
    pub primary: bool,
    /// What it is for: `work`, `home`, `mobile`, `other`.
    #[serde(default, deserialize_with = "or_default")]
    pub label: String,
}

/// The persons a search finds.
#[derive(Deserialize)]
pub(super) struct Hits {
    /// Each with a score.
    pub items: Vec<Hit>,
}

/// A person that a search finds.
#[derive(Deserialize)]
pub(super) struct Hit {
    /// The person, in a form of the search's own.
    pub item: HitItem,
}

/// What is used of a person that a search finds.
#[derive(Deserialize)]
pub(super) struct HitItem {
    /// The record's id.
    #[serde(deserialize_with = "text")]
    pub id: String,
}

/// A field of persons.
/// <https://developers.pipedrive.com/docs/api/v1/PersonFields>
#[derive(Clone, Deserialize)]
pub(super) struct PersonField {
    /// Its key: a hash if it is a custom field.
    #[serde(rename = "field_code")]
    pub code: String,
    /// What people call it.
    #[serde(rename = "field_name")]
    pub name: String,
    /// `varchar`, `text`, `double`, `date`, `enum`, `set`, ..
    #[serde(rename = "field_type")]
    pub kind: String,
    /// What can be chosen.
    #[serde(default, deserialize_with = "or_default")]
    pub options: Vec<Choice>,
    /// Whether the company made it.
    #[serde(default, deserialize_with = "or_default")]
    pub is_custom_field: bool,
}

/// Something that can be chosen.
#[derive(Clone, Deserialize)]
pub(super) struct Choice {
    /// Its id, which values hold.
    pub id: Value,
    /// What people see.
    #[serde(default, deserialize_with = "or_default")]
    pub label: String,
}

/// Reads `null` as the default.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// Reads a text, or a number as text.
fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = match Value::deserialize(from)? {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    if text.is_empty() { Err(serde::de::Error::custom("neither text nor number")) } else { Ok(text) }
}
