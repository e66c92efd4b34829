//! JSON as senders nest it.

use std::borrow::Cow;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};

use super::WebhookError;

/// JSON with no more opening brackets than this is not nested too deeply, however they stand: `serde_json` goes down 127 levels.
const SURELY_SHALLOW: usize = 127;

/// Reads JSON without letting any of it into the error. Depth is bounded by `serde_json`'s recursion limit of 128.
pub(super) fn parse<'a, T: Deserialize<'a>>(part: &'static str, text: &'a [u8]) -> Result<T, WebhookError> {
    serde_json::from_slice(text).map_err(|error| unreadable(part, &error))
}

/// Reads JSON that is known to be text.
pub(super) fn parse_text<'a, T: Deserialize<'a>>(part: &'static str, text: &'a str) -> Result<T, WebhookError> {
    serde_json::from_str(text).map_err(|error| unreadable(part, &error))
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
pub(super) fn from_tree<T: DeserializeOwned>(part: &'static str, tree: Value) -> Result<T, WebhookError> {
    serde_json::from_value(tree).map_err(|error| unreadable(part, &error))
}

/// Returns the JSON of a value that is either JSON itself or a string of JSON, when it is sure that whoever reads it later can.
pub(super) fn unnest<'a>(part: &'static str, value: &'a RawValue) -> Result<Cow<'a, RawValue>, WebhookError> {
    let json = if value.get().starts_with('"') {
        let text = parse_text(part, value.get())?;
        Cow::Owned(RawValue::from_string(text).map_err(|error| unreadable(part, &error))?)
    } else {
        Cow::Borrowed(value)
    };
    check_depth(part, json.get())?;
    Ok(json)
}

/// A raw value may be nested without bound. Counting its brackets costs next to nothing, and what has few needs no second look.
fn check_depth(part: &'static str, json: &str) -> Result<(), WebhookError> {
    if opening_brackets(json) <= SURELY_SHALLOW { Ok(()) } else { parse_text::<Value>(part, json).map(drop) }
}

/// Counts in pieces whose count fits a byte: a tenth of the time.
fn opening_brackets(json: &str) -> usize {
    let count = |piece: &[u8]| piece.iter().map(|byte| u8::from(matches!(byte, b'[' | b'{'))).sum::<u8>();
    json.as_bytes().chunks(usize::from(u8::MAX)).map(|piece| usize::from(count(piece))).sum()
}

fn unreadable(part: &'static str, error: &serde_json::Error) -> WebhookError {
    WebhookError::Unreadable { part, line: error.line(), column: error.column() }
}
