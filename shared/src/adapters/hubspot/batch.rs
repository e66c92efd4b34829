//! Batches: which rows landed, and why the others did not.
//!
//! A batch answers 200, or 207 with some rows' errors, or refuses as a whole. Neither the order of the rows nor the word `COMPLETE` says
//! anything: a row is done when its record is there, failed when an error names it, and anything else is not known.
//! <https://developers.hubspot.com/docs/api-reference/error-handling#multi-status-errors>

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value as Json;

use super::{
    error::row_refusal,
    wire::{Batch, Object},
};
use crate::ports::{ErrorKind, StoreError};

/// What became of the rows of a batch; every row is in one of the two.
#[derive(Debug)]
pub struct BatchOutcome<T> {
    /// The rows that landed, under the keys they were sent with.
    pub done: Vec<(String, T)>,
    /// The rows that did not, each with the reason.
    pub failed: Vec<(String, StoreError)>,
}

impl<T> Default for BatchOutcome<T> {
    fn default() -> Self {
        Self { done: Vec::new(), failed: Vec::new() }
    }
}

impl<T> BatchOutcome<T> {
    /// Adds another batch's rows.
    pub(super) fn append(&mut self, other: Self) {
        self.done.extend(other.done);
        self.failed.extend(other.failed);
    }
}

/// A batch as it was sent.
#[derive(Clone, Copy)]
pub(super) struct Sent<'a> {
    /// The keys of the rows, without repetition.
    pub keys: &'a [String],
    /// The property that holds the key in a record; absent: its id.
    pub property: Option<&'a str>,
    /// What was tried, for the rows' errors.
    pub operation: &'a str,
    /// What a row is that the answer does not mention.
    pub unmentioned: fn() -> ErrorKind,
}

impl Sent<'_> {
    /// Accounts for every row.
    pub fn account(&self, batch: Batch, request: Option<&str>, now: Timestamp) -> BatchOutcome<Object> {
        let mut open: BTreeSet<&str> = self.keys.iter().map(String::as_str).collect();
        let mut outcome = BatchOutcome::default();
        for object in batch.results {
            if let Some(key) = self.key_of(&object, &open).map(str::to_owned) {
                open.remove(&*key);
                outcome.done.push((key, object));
            }
        }
        let mut nameless = Vec::new();
        for error in &batch.errors {
            let named: Vec<_> = keys_in(error).into_iter().filter_map(|key| open.take(&*key)).collect();
            if named.is_empty() {
                nameless.push(error);
            }
            outcome.failed.extend(named.into_iter().map(|key| self.failure(key, error, request, now)));
        }
        let complete = batch.status.as_deref() == Some("COMPLETE") && batch.num_errors == 0 && batch.errors.is_empty();
        outcome.failed.extend(open.iter().map(|key| match nameless.as_slice() {
            [error] => self.failure(key, error, request, now),
            [] if complete => self.rest(key, (self.unmentioned)(), request),
            _ => self.rest(key, ErrorKind::Garbled, request),
        }));
        outcome
    }

    fn failure(&self, key: &str, error: &Json, request: Option<&str>, now: Timestamp) -> (String, StoreError) {
        (key.to_owned(), row_refusal(error, &format!("{} {key}", self.operation), request, now))
    }

    fn rest(&self, key: &str, kind: ErrorKind, request: Option<&str>) -> (String, StoreError) {
        (key.to_owned(), StoreError::new(kind, format!("{} {key}", self.operation)).with_request(request.map(str::to_owned)))
    }

    /// Finds the row of a record: by the caller's own id, else by its key.
    fn key_of<'k>(&self, object: &Object, open: &BTreeSet<&'k str>) -> Option<&'k str> {
        let own = match self.property {
            None => Some(object.id.as_str()),
            Some(property) => object.properties.get(property).and_then(Json::as_str),
        };
        let named = [object.object_write_trace_id.as_deref(), own].into_iter().flatten().find_map(|key| open.get(key).copied());
        let only = || open.first().copied().filter(|_| self.keys.len() == 1);
        named.or_else(only)
    }
}

/// Returns the keys an error names.
fn keys_in(error: &Json) -> Vec<String> {
    let context = ["objectWriteTraceId", "ids", "id"].map(|member| error.pointer(&format!("/context/{member}")));
    let top = ["objectWriteTraceId", "id"].map(|member| error.get(member));
    context.into_iter().chain(top).flatten().flat_map(texts).collect()
}

fn texts(json: &Json) -> Vec<String> {
    match json {
        Json::String(text) => vec![text.clone()],
        Json::Number(number) => vec![number.to_string()],
        Json::Array(items) => items.iter().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn account(keys: &[&str], batch: Json) -> (Vec<(String, String)>, Vec<(String, &'static str)>) {
        let keys: Vec<_> = keys.iter().map(|key| (*key).to_owned()).collect();
        let sent =
            Sent { keys: &keys, property: Some("wix_contact_id"), operation: "hubspot upsert", unmentioned: || ErrorKind::NotFound };
        let outcome = sent.account(serde_json::from_value(batch).unwrap(), Some("r1"), Timestamp::UNIX_EPOCH);
        let mut failed: Vec<_> = outcome.failed.into_iter().map(|(key, error)| (key, error.kind.name())).collect();
        failed.sort();
        (outcome.done.into_iter().map(|(key, object)| (key, object.id)).collect(), failed)
    }

    fn pairs<T: From<&'static str>>(pairs: &[(&str, &'static str)]) -> Vec<(String, T)> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), T::from(value))).collect()
    }

    #[test]
    fn rows_are_matched_by_trace_then_by_key() {
        let batch = json!({"status": "COMPLETE", "results": [
            {"id": "2", "properties": {"wix_contact_id": "b"}},
            {"id": "1", "properties": {}, "objectWriteTraceId": "a"}]});
        assert_eq!(account(&["a", "b"], batch), (pairs(&[("b", "2"), ("a", "1")]), vec![]));
    }

    #[test]
    fn failed_rows_are_named_in_every_shape() {
        let exists = |context: Json| json!({"category": "CONFLICT", "message": "no", "context": context});
        for error in [
            exists(json!({"objectWriteTraceId": "b"})),
            exists(json!({"objectWriteTraceId": ["b"]})),
            exists(json!({"ids": ["b"]})),
            exists(json!({"id": "b"})),
            exists(json!({})),
            json!({"category": "CONFLICT", "objectWriteTraceId": "b"}),
        ] {
            let batch = json!({"status": "COMPLETE", "numErrors": 1, "errors": [error],
                "results": [{"id": "1", "properties": {"wix_contact_id": "a"}}]});
            assert_eq!(account(&["a", "b"], batch), (pairs(&[("a", "1")]), pairs(&[("b", "exists")])), "{error}");
        }
    }

    #[test]
    fn rows_that_nobody_mentions_are_not_taken_for_done() {
        let one = json!({"category": "CONFLICT"});
        let two = json!([one, {"category": "VALIDATION_ERROR"}]);
        for (batch, expected) in [
            (json!({"status": "COMPLETE", "results": []}), "not_found"),
            (json!({"status": "COMPLETE", "numErrors": 2, "results": null}), "garbled"),
            (json!({"status": "PROCESSING", "results": []}), "garbled"),
            (json!({"status": "COMPLETE", "errors": two}), "garbled"),
            (json!({"errors": [one]}), "exists"),
            (json!({}), "garbled"),
        ] {
            let batch_text = batch.to_string();
            assert_eq!(account(&["a", "b"], batch), (vec![], pairs(&[("a", expected), ("b", expected)])), "{batch_text}");
        }
    }

    #[test]
    fn the_only_row_needs_no_name() {
        let batch = json!({"status": "COMPLETE", "results": [{"id": "1", "properties": {}}]});
        assert_eq!(account(&["a"], batch), (pairs(&[("a", "1")]), vec![]));
    }
}
