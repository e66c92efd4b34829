//! JSON as a flat list of names and texts: `{"name": {"first": "Ada"}, "likes": ["tea"]}` is `name.first` and `likes`.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Refusal, body::Bounded};
use crate::model::submission::Entries;

/// Reads an object.
pub(super) fn read(body: &[u8], mut into: Bounded) -> Result<Entries, Refusal> {
    let tree: Value = parse(body)?;
    if !tree.is_object() {
        return Err(Refusal::body("must be a JSON object"));
    }
    flatten(String::new(), &tree, &mut into)?;
    Ok(into.into_entries())
}

/// Reads JSON; depth is bounded by `serde_json`'s recursion limit of 128.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => Refusal::body("must be JSON of the documented form"),
        _ => Refusal::body("must be JSON in UTF-8"),
    })
}

/// Adds every text of a tree. An array's texts have its name; what is nested deeper in it has its place as well.
pub(super) fn flatten(name: String, tree: &Value, into: &mut Bounded) -> Result<(), Refusal> {
    match tree {
        Value::Null => Ok(()),
        Value::Bool(flag) => into.push(name, flag.to_string()),
        Value::Number(number) => into.push(name, number.to_string()),
        Value::String(text) => into.push(name, text),
        Value::Array(items) => items.iter().enumerate().try_for_each(|(place, item)| {
            let is_nested = item.is_object() || item.is_array();
            flatten(if is_nested { format!("{name}.{place}") } else { name.clone() }, item, into)
        }),
        Value::Object(members) => members
            .iter()
            .try_for_each(|(key, item)| flatten(if name.is_empty() { key.clone() } else { format!("{name}.{key}") }, item, into)),
    }
}
