//! `ContactInfo`: what a caller may write, checked and put into Wix's shape,
//! <https://dev.wix.com/docs/rest/crm/members-contacts/contacts/contacts/contact-v4/contact-object>.

use serde_json::{Map, Value, json};

use super::{
    definitions::Definitions,
    items,
    refusal::{Refusal, object, texts},
};
use crate::vendors::kit::{Ids, Switches};

/// Longest name, company and job title.
const LONGEST_TEXT: usize = 1000;
/// Most labels of a contact.
const MOST_LABELS: usize = 2000;
/// Extended fields Wix itself writes,
/// <https://dev.wix.com/docs/rest/crm/members-contacts/contacts/extended-fields/introduction>.
const READ_ONLY: &[&str] = &["contacts.", "members.", "ecom.", "emailSubscriptions."];

/// What is needed to check an info.
pub(super) struct Rules<'a> {
    pub switches: &'a Switches,
    pub ids: &'a Ids,
    pub labels: &'a Definitions,
    pub fields: &'a Definitions,
}

/// How a property sent as `null` or `""` is taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sent {
    Absent,
    Cleared,
    Given,
}

impl Rules<'_> {
    /// The info of a new contact.
    ///
    /// # Errors
    /// 400 for whatever breaks a rule of the contact object.
    pub fn create(&self, sent: &Map<String, Value>) -> Result<Map<String, Value>, Refusal> {
        self.update(&Map::new(), sent).map(|(info, _)| info)
    }

    /// `before` with the properties sent; the flag says whether anything writable was sent at all.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn update(&self, before: &Map<String, Value>, sent: &Map<String, Value>) -> Result<(Map<String, Value>, bool), Refusal> {
        let mut info = before.clone();
        let mut written = false;
        for (key, value) in sent {
            let how = self.how_sent(value);
            if how == Sent::Absent || !WRITABLE.contains(&key.as_str()) {
                continue;
            }
            written = true;
            match (how, self.property(key, sent, before)?) {
                (Sent::Given, Some(value)) => info.insert(key.clone(), value),
                _ => info.remove(key),
            };
        }
        Ok((info, written))
    }

    fn how_sent(&self, value: &Value) -> Sent {
        let clears = |which| self.switches.is("patch_clearing", which) || self.switches.is("patch_clearing", "both");
        match value {
            Value::Null if clears("null") => Sent::Cleared,
            Value::String(text) if text.is_empty() && clears("empty_string") => Sent::Cleared,
            Value::Null => Sent::Absent,
            Value::String(text) if text.is_empty() => Sent::Absent,
            _ => Sent::Given,
        }
    }

    /// The new value of one property; `None` leaves the contact without it.
    fn property(&self, key: &str, sent: &Map<String, Value>, before: &Map<String, Value>) -> Result<Option<Value>, Refusal> {
        let scalar = |key| text(sent, key, &format!("info.{key}"), LONGEST_TEXT);
        Ok(match key {
            "company" | "jobTitle" => scalar(key)?.map(Value::from),
            "birthdate" => scalar(key)?.map(birthdate).transpose()?,
            "locale" => scalar(key)?.map(locale).transpose()?,
            "name" => object(sent, key)?.map(|name| self.name(name, before)).transpose()?,
            "picture" => object(sent, key)?.map(picture).transpose()?,
            "labelKeys" => object(sent, key)?.map(|keys| self.label_keys(keys)).transpose()?,
            "extendedFields" => object(sent, key)?.map(|fields| self.extended_fields(fields, before)).transpose()?,
            list => object(sent, list)?.map(|wrapper| items::read(self, list, wrapper)).transpose()?,
        })
    }

    fn name(&self, sent: &Map<String, Value>, before: &Map<String, Value>) -> Result<Value, Refusal> {
        let mut name = match before.get("name") {
            Some(Value::Object(name)) if self.switches.is("patch_name", "merge") => name.clone(),
            _ => Map::new(),
        };
        for part in ["first", "last"] {
            match sent.get(part).map_or(Sent::Absent, |value| self.how_sent(value)) {
                Sent::Absent => {}
                Sent::Cleared => {
                    name.remove(part);
                }
                Sent::Given => {
                    let value = text(sent, part, &format!("info.name.{part}"), LONGEST_TEXT)?;
                    name.insert(part.to_owned(), value.unwrap_or_default().into());
                }
            }
        }
        Ok(Value::Object(name))
    }

    fn label_keys(&self, sent: &Map<String, Value>) -> Result<Value, Refusal> {
        let mut keys = self.known_labels(texts(sent, "items")?)?;
        if keys.len() > MOST_LABELS {
            return Err(too_many("info.labelKeys.items", MOST_LABELS));
        }
        let mut seen = std::collections::BTreeSet::new();
        keys.retain(|key| seen.insert(key.clone()));
        Ok(json!({"items": keys}))
    }

    /// The keys that exist.
    ///
    /// # Errors
    /// For an unknown one, unless those are dropped.
    pub fn known_labels(&self, keys: Vec<String>) -> Result<Vec<String>, Refusal> {
        let (known, unknown): (Vec<_>, Vec<_>) = keys.into_iter().partition(|key| self.labels.contains(key));
        let text = "A label key does not exist.";
        match (unknown.is_empty(), self.switches.word("unknown_label").as_str()) {
            (true, _) | (_, "ignore") => Ok(known),
            (_, "404") => Err(Refusal::coded(404, "LABEL_NOT_FOUND", text)),
            _ => Err(Refusal::coded(400, "INVALID_LABEL", text)),
        }
    }

    fn extended_fields(&self, sent: &Map<String, Value>, before: &Map<String, Value>) -> Result<Value, Refusal> {
        let mut items = match before.get("extendedFields").and_then(|fields| fields.get("items")) {
            Some(Value::Object(items)) if self.switches.is("patch_extended_fields", "merge") => items.clone(),
            _ => Map::new(),
        };
        let empty = Map::new();
        for (key, value) in object(sent, "items")?.unwrap_or(&empty) {
            let how = self.how_sent(value);
            let Some((key, kind)) = self.writable_field(key)? else {
                continue;
            };
            match how {
                Sent::Absent => {}
                Sent::Cleared => {
                    items.remove(&key);
                }
                Sent::Given if suits(&kind, value) => {
                    items.insert(key, value.clone());
                }
                Sent::Given => return Err(invalid_field(&key)),
            }
        }
        Ok(json!({"items": items}))
    }

    /// The stored key and data type of a field callers may write; `None` = to be dropped.
    fn writable_field(&self, sent: &str) -> Result<Option<(String, String)>, Refusal> {
        let refuse = |switch: &str| {
            if self.switches.is(switch, "reject") { Err(invalid_field(sent)) } else { Ok(None) }
        };
        if sent.eq_ignore_ascii_case("invoices.vatId") {
            return Ok(Some(("invoices.vatId".to_owned(), "TEXT".to_owned())));
        }
        if READ_ONLY.iter().any(|namespace| sent.starts_with(namespace)) {
            return refuse("read_only_extended_field");
        }
        let key = sent.to_lowercase();
        match self.fields.get(&key) {
            Some(field) => Ok(Some((key, field.data_type.clone()))),
            None => refuse("unknown_extended_field"),
        }
    }
}

const WRITABLE: &[&str] =
    &["name", "emails", "phones", "addresses", "company", "jobTitle", "birthdate", "locale", "labelKeys", "extendedFields", "picture"];

/// The text under `key`, not longer than `longest` characters.
///
/// # Errors
/// 400 for another type or a longer text.
pub(super) fn text(of: &Map<String, Value>, key: &str, path: &str, longest: usize) -> Result<Option<String>, Refusal> {
    match of.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.chars().count() > longest => {
            Err(Refusal::field(path, "MAX_LENGTH", &format!("has size above {longest}"), &json!({"threshold": longest})))
        }
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Refusal::field(path, "TYPE", "must be a text", &json!({}))),
    }
}

pub(super) fn too_many(path: &str, most: usize) -> Refusal {
    Refusal::field(path, "MAX_SIZE", &format!("has size above {most}"), &json!({"threshold": most}))
}

fn birthdate(text: String) -> Result<Value, Refusal> {
    if is_date(&text) { Ok(text.into()) } else { Err(Refusal::format("contact.birthdate", "LOCAL_DATE")) }
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

fn locale(text: String) -> Result<Value, Refusal> {
    let mut parts = text.split(['-', '_']);
    let language = parts.next().is_some_and(|part| (2..=3).contains(&part.len()) && is_word(part));
    let rest = parts.all(|part| (2..=8).contains(&part.len()) && is_word(part));
    if language && rest { Ok(text.into()) } else { Err(Refusal::format("contact.locale", "LANGUAGE_TAG")) }
}

fn is_word(part: &str) -> bool {
    part.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn picture(sent: &Map<String, Value>) -> Result<Value, Refusal> {
    let mut image = Map::new();
    for (key, value) in object(sent, "image")?.into_iter().flatten() {
        if ["id", "url", "height", "width", "altText"].contains(&key.as_str()) {
            image.insert(key.clone(), value.clone());
        }
    }
    Ok(json!({"image": image}))
}

fn suits(kind: &str, value: &Value) -> bool {
    match kind {
        "NUMBER" => value.is_number(),
        "DATE" => value.as_str().is_some_and(is_date),
        "URL" => value.as_str().is_some_and(|text| url::Url::parse(text).is_ok()),
        _ => value.is_string(),
    }
}

fn invalid_field(key: &str) -> Refusal {
    Refusal::with_data(400, "INVALID_EXTENDED_FIELD_VALUE", "Extended field value is invalid.", &json!({"key": key}))
}
