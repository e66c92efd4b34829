//! HubSpot's JSON, read leniently: unknown members are ignored, `null` is absent, numbers pass for text.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// A CRM object as HubSpot returns it. `properties` must be there: an object without them would look emptied.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Object {
    /// The record's id.
    #[serde(deserialize_with = "text")]
    pub id: String,
    /// The properties' values: text, or `null` for empty.
    pub properties: Map<String, Value>,
    /// When the record was created.
    #[serde(default)]
    pub created_at: Option<String>,
    /// When the record was last changed: its revision.
    #[serde(default)]
    pub updated_at: Option<String>,
    /// Whether it lies in the recycle bin.
    #[serde(default, deserialize_with = "or_default")]
    pub archived: bool,
    /// The caller's own id of a batch's row.
    #[serde(default, rename = "objectWriteTraceId")]
    pub trace: Option<String>,
    /// Whether an upsert made it.
    #[serde(default, deserialize_with = "or_default")]
    pub new: bool,
    /// Earlier values of the properties they were asked of.
    #[serde(default, deserialize_with = "or_default")]
    pub properties_with_history: BTreeMap<String, Vec<Version>>,
}

impl Object {
    /// Completes what a write returned by what was read right after it. What was written is what the write says, and of its revision: the read may
    /// show somebody's edit in between, which has an event of its own.
    pub fn completed_by(self, read: Self) -> Self {
        let mut properties = read.properties;
        properties.extend(self.properties);
        Self { properties, updated_at: self.updated_at.or(read.updated_at), ..read }
    }
}

/// Shows the id only.
impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A value a property had.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Version {
    /// The value, text or `null`.
    #[serde(default)]
    pub value: Value,
    /// Since when: RFC 3339, or milliseconds since 1970.
    #[serde(default)]
    pub timestamp: Value,
    /// What kind of actor wrote it: `INTEGRATION`, `CRM_UI`, ..
    #[serde(default)]
    pub source_type: Option<String>,
    /// Which one: the app's id for an integration.
    #[serde(default, deserialize_with = "text_or_none")]
    pub source_id: Option<String>,
}

/// A page of a listing or a search.
#[derive(Deserialize)]
pub(super) struct Page<T> {
    /// The page's elements.
    pub results: Vec<T>,
    /// How many a search finds in all.
    #[serde(default)]
    pub total: Option<u64>,
    /// Where a listing goes on.
    #[serde(default)]
    pub paging: Option<Paging>,
}

/// Where a listing goes on.
#[derive(Deserialize)]
pub(super) struct Paging {
    /// The next page; absent on the last one.
    #[serde(default)]
    pub next: Option<Next>,
}

/// The next page of a listing.
#[derive(Deserialize)]
pub(super) struct Next {
    /// What to ask for it with.
    #[serde(deserialize_with = "text")]
    pub after: String,
}

/// The answer to a batch call, whole or in part (207).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Batch {
    /// `COMPLETE` says that HubSpot is through with it, not that every row landed.
    #[serde(default)]
    pub status: Option<String>,
    /// The rows that landed.
    #[serde(default, deserialize_with = "or_default")]
    pub results: Vec<Object>,
    /// How many did not.
    #[serde(default, deserialize_with = "or_default")]
    pub num_errors: u64,
    /// Why they did not.
    #[serde(default, deserialize_with = "or_default")]
    pub errors: Vec<Value>,
}

/// The answer of the token endpoint.
#[derive(Deserialize)]
pub(super) struct Token {
    /// The token for calls.
    #[serde(rename = "access_token")]
    pub access: secrecy::SecretString,
    /// The token for the next refresh.
    #[serde(default, rename = "refresh_token")]
    pub refresh: Option<secrecy::SecretString>,
    /// For how many seconds the token for calls is good.
    #[serde(default = "Token::half_an_hour")]
    pub expires_in: u32,
}

impl Token {
    /// The life of a token, where the reply does not say.
    /// <https://developers.hubspot.com/docs/api-reference/auth-oauth-v1/guide>
    const fn half_an_hour() -> u32 {
        1_800
    }
}

/// Reads `null` as the default.
pub(super) fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// Reads a text, or a number as text.
fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    text_or_none(from)?.filter(|text| !text.is_empty()).ok_or_else(|| serde::de::Error::custom("neither text nor number"))
}

/// Reads a text, or a number as text; anything else as nothing.
fn text_or_none<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}
