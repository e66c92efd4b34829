//! `AWSEvents`: `PutEvents` (<https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html>).

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Shared, error::ApiError, read};
use crate::cloud::bus::{Bus, Entry, EntryError, Put, PutError, check_call};

pub(super) fn call(shared: &Shared, operation: &str, body: &[u8]) -> Result<Value, ApiError> {
    match operation {
        "PutEvents" => put_events(shared, read(body)?),
        _ => Err(ApiError::unknown_operation()),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutEvents {
    entries: Vec<PutEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutEntry {
    source: Option<String>,
    detail_type: Option<String>,
    detail: Option<String>,
    #[serde(default)]
    resources: Vec<String>,
    time: Option<f64>,
    event_bus_name: Option<String>,
}

impl PutEntry {
    fn split(self) -> (String, Entry) {
        let entry = Entry {
            source: self.source,
            detail_type: self.detail_type,
            detail: self.detail,
            resources: self.resources,
            time_ms: self.time.map(millis),
        };
        (self.event_bus_name.unwrap_or_else(|| "default".to_owned()), entry)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a time out of range is cut to the end of the range")]
fn millis(seconds: f64) -> i64 {
    (seconds * 1_000.0).round() as i64
}

fn put_events(shared: &Shared, request: PutEvents) -> Result<Value, ApiError> {
    let (names, entries): (Vec<_>, Vec<_>) = request.entries.into_iter().map(PutEntry::split).unzip();
    let buses: Vec<_> = names.iter().map(|name| shared.resources.buses.iter().find(|bus| bus.is_called(name))).collect();
    let limit = buses.iter().flatten().map(|bus| bus.options().max_bytes).max();
    check_call(&entries, limit.unwrap_or(usize::MAX))?;
    let answers = put_by_bus(&buses, &entries)?;
    let failed = answers.iter().filter(|answer| answer.is_err()).count();
    let entries: Vec<_> = answers.iter().map(entry_json).collect();
    Ok(json!({ "FailedEntryCount": failed, "Entries": entries }))
}

/// Puts each run of entries for one bus in one call, keeping the order of the answers.
fn put_by_bus(buses: &[Option<&Bus>], entries: &[Entry]) -> Result<Vec<Put>, PutError> {
    let mut answers = Vec::with_capacity(entries.len());
    let mut rest = entries;
    for run in buses.chunk_by(|one, other| one.map(Bus::name) == other.map(Bus::name)) {
        let (now, later) = rest.split_at(run.len().min(rest.len()));
        rest = later;
        match run.first().copied().flatten() {
            Some(bus) => answers.extend(bus.put(now)?),
            None => answers.extend(now.iter().map(|_| Err(unknown_bus()))),
        }
    }
    Ok(answers)
}

/// The answer to an entry for an unknown bus is not documented; refusing the entry finds a wrong name soonest.
fn unknown_bus() -> EntryError {
    EntryError { code: "InvalidArgument", message: "The event bus does not exist.".to_owned() }
}

fn entry_json(answer: &Put) -> Value {
    match answer {
        Ok(id) => json!({ "EventId": id }),
        Err(error) => json!({ "ErrorCode": error.code, "ErrorMessage": error.message }),
    }
}

impl From<PutError> for ApiError {
    fn from(error: PutError) -> Self {
        match error {
            PutError::Count | PutError::Size => Self::new(400, "ValidationException", error.to_string()),
            PutError::Fault { status: 429 } => Self::new(400, "ThrottlingException", "Rate exceeded"),
            PutError::Fault { status } => Self::new(status, "InternalException", error.to_string()),
        }
    }
}
