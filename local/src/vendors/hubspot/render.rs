//! Contacts as the objects API shows them.

use serde_json::{Map, Value, json};

use super::{
    contact::Contact,
    policy::{Cleared, Policy},
    portal::Portal,
    text,
};

/// Shown when a call names no properties.
const USUAL: &[&str] = &["createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"];
/// Shown whatever a call names.
const ALWAYS: &[&str] = &["createdate", "hs_object_id", "lastmodifieddate"];

/// What a read asks for.
#[derive(Default)]
pub(super) struct Wanted {
    /// Names of properties; empty for the usual ones.
    pub properties: Vec<String>,
    /// Names of properties whose history is wanted too.
    pub history: Vec<String>,
}

/// A contact as a read shows it, as of `at_ms`: a defined but empty property is null, an undefined one left out.
pub(super) fn read(portal: &Portal, contact: &Contact, wanted: &Wanted, at_ms: i64, policy: &Policy) -> Value {
    let asked = wanted.properties.iter().chain(&wanted.history).map(String::as_str);
    let names: Vec<&str> = if wanted.properties.is_empty() && wanted.history.is_empty() {
        USUAL.to_vec()
    } else {
        asked.chain(ALWAYS.iter().copied()).collect()
    };
    let mut properties = Map::new();
    for name in names.into_iter().filter(|name| portal.schema.get(name).is_some()) {
        properties.insert(name.to_owned(), contact.value_at(name, at_ms).into());
    }
    let mut object = frame(portal, contact, properties);
    if !wanted.history.is_empty() && policy.history_available {
        let names = wanted.history.iter().map(String::as_str);
        let history = contact.history(names.filter(|name| portal.schema.get(name).is_some()));
        object.insert("propertiesWithHistory".to_owned(), history);
    }
    object.into()
}

/// A contact as the reply to a write shows it: what was written, and what HubSpot adds.
pub(super) fn written(portal: &Portal, contact: &Contact, input: &Map<String, Value>, policy: &Policy) -> Map<String, Value> {
    let mut properties = Map::new();
    for name in input.keys().map(String::as_str).chain(ALWAYS.iter().copied()) {
        match (contact.value(name), policy.cleared) {
            (Some(value), _) => properties.insert(name.to_owned(), value.into()),
            (None, Cleared::Empty) => properties.insert(name.to_owned(), "".into()),
            (None, Cleared::Null) => properties.insert(name.to_owned(), Value::Null),
            (None, Cleared::Absent) => None,
        };
    }
    frame(portal, contact, properties)
}

fn frame(portal: &Portal, contact: &Contact, properties: Map<String, Value>) -> Map<String, Value> {
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| object.insert(name.to_owned(), value);
    put("id", contact.id.to_string().into());
    put("properties", properties.into());
    put("createdAt", text::iso(contact.created_ms).into());
    put("updatedAt", text::iso(contact.updated_ms()).into());
    put("archived", contact.archived_ms.is_some().into());
    if let Some(at) = contact.archived_ms {
        put("archivedAt", text::iso(at).into());
    }
    put("url", format!("https://app.hubspot.com/contacts/{}/record/0-1/{}", portal.id, contact.id).into());
    object
}

/// The envelope of a batch's answer.
pub(super) fn batch(results: &[Value], errors: &[Value], now_ms: i64) -> Value {
    let mut body = json!({"status": "COMPLETE", "results": results, "startedAt": text::iso(now_ms),
        "completedAt": text::iso(now_ms)});
    if let (false, Some(body)) = (errors.is_empty(), body.as_object_mut()) {
        body.insert("numErrors".to_owned(), errors.len().into());
        body.insert("errors".to_owned(), errors.to_vec().into());
    }
    body
}
