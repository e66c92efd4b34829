//! JSON as senders nest it.

use serde::Deserialize;
use serde_json::Value;

use super::WebhookError;

/// Reads JSON without letting any of it into the error. Depth is bounded by `serde_json`'s recursion limit of 128.
pub(super) fn parse<'a, T: Deserialize<'a>>(part: &'static str, text: &'a [u8]) -> Result<T, WebhookError> {
    serde_json::from_slice(text).map_err(|error| unreadable(part, &error))
}

/// As [`parse`], for senders who are told which field is wrong: the path of a field holds the names of ours that lead to it.
pub(super) fn parse_named<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T, WebhookError> {
    let wrong = |field: &str| WebhookError::Field {
        field: if field == "." { "body".to_owned() } else { field.to_owned() },
        rule: "is not what it should be",
    };
    let mut reader = serde_json::Deserializer::from_slice(text);
    let read = serde_path_to_error::deserialize(&mut reader).map_err(|error| wrong(&error.path().to_string()))?;
    reader.end().map_err(|_| wrong("."))?;
    Ok(read)
}

/// Reads a tree that is there already.
pub(super) fn from_tree<T: serde::de::DeserializeOwned>(part: &'static str, tree: Value) -> Result<T, WebhookError> {
    serde_json::from_value(tree).map_err(|error| unreadable(part, &error))
}

/// Returns the tree of a value that is either JSON itself or a string of JSON.
pub(super) fn unnest(part: &'static str, value: Value) -> Result<Value, WebhookError> {
    match value {
        Value::String(text) => parse(part, text.as_bytes()),
        tree => Ok(tree),
    }
}

fn unreadable(part: &'static str, error: &serde_json::Error) -> WebhookError {
    WebhookError::Unreadable { part, line: error.line(), column: error.column() }
}
