//! JSON as senders nest it.

use serde::Deserialize;
use serde_json::Value;

use super::WebhookError;

/// Reads JSON without letting any of it into the error. Depth is bounded by `serde_json`'s recursion limit of 128.
pub(super) fn parse<'a, T: Deserialize<'a>>(part: &'static str, text: &'a [u8]) -> Result<T, WebhookError> {
    serde_json::from_slice(text).map_err(|error| unreadable(part, &error))
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
