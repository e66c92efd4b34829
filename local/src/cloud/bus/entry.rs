//! What is put on a bus, and what the bus refuses.

use serde_json::Value;

/// The most entries in one call
/// (<https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html>).
pub const MAX_ENTRIES: usize = 10;

/// One entry of a `PutEvents` call.
#[derive(Clone, Default)]
pub struct Entry {
    /// Who sends it.
    pub source: Option<String>,
    /// What kind of event it is.
    pub detail_type: Option<String>,
    /// A JSON object, as text.
    pub detail: Option<String>,
    /// ARNs the event is about.
    pub resources: Vec<String>,
    /// When it happened, if the sender says so.
    pub time_ms: Option<i64>,
}

/// The checked parts of an entry.
pub(super) struct Accepted<'a> {
    pub(super) source: &'a str,
    pub(super) detail_type: &'a str,
    pub(super) detail: Value,
}

impl Entry {
    /// The size that counts against the limit
    /// (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-putevent-size>).
    #[must_use]
    pub fn size(&self) -> usize {
        let texts = [&self.source, &self.detail_type, &self.detail];
        let texts: usize = texts.into_iter().flatten().map(String::len).sum();
        let resources: usize = self.resources.iter().map(String::len).sum();
        texts + resources + if self.time_ms.is_some() { 14 } else { 0 }
    }

    pub(super) fn accept(&self) -> Result<Accepted<'_>, EntryError> {
        let source = required(self.source.as_deref(), "Source")?;
        let detail_type = required(self.detail_type.as_deref(), "DetailType")?;
        let detail = required(self.detail.as_deref(), "Detail")?;
        let detail: Value = serde_json::from_str(detail).map_err(|_| EntryError::malformed())?;
        if !detail.is_object() {
            return Err(EntryError::malformed());
        }
        Ok(Accepted { source, detail_type, detail })
    }
}

fn required<'a>(value: Option<&'a str>, name: &str) -> Result<&'a str, EntryError> {
    value.filter(|value| !value.is_empty()).ok_or_else(|| EntryError {
        code: "InvalidArgument",
        message: format!("Parameter {name} is not valid. Reason: {name} is a required argument."),
    })
}

/// Why one entry was not taken
/// (<https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html>).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct EntryError {
    /// The error code of the entry.
    pub code: &'static str,
    /// Its text.
    pub message: String,
}

impl EntryError {
    /// The service's own fault, which a sender may try again.
    #[must_use]
    pub fn internal() -> Self {
        Self {
            code: "InternalFailure",
            message: "The request processing has failed because of an unknown error, exception or failure.".to_owned(),
        }
    }

    fn malformed() -> Self {
        Self { code: "MalformedDetail", message: "Detail is malformed.".to_owned() }
    }
}

/// Why a whole call was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PutError {
    /// There are no entries, or more than ten.
    #[error(
        "1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length between 1 and {MAX_ENTRIES}"
    )]
    Count,
    /// The entries are too large together.
    #[error("Total size of the entries in the request is over the limit.")]
    Size,
    /// A fault answers in the bus's place.
    #[error("An internal error occurred.")]
    Fault {
        /// The HTTP status.
        status: u16,
    },
}

/// Checks what holds for a call as a whole.
///
/// # Errors
/// [`PutError::Count`] or [`PutError::Size`].
pub fn check_call(entries: &[Entry], max_bytes: usize) -> Result<(), PutError> {
    if entries.is_empty() || entries.len() > MAX_ENTRIES {
        return Err(PutError::Count);
    }
    if entries.iter().map(Entry::size).sum::<usize>() > max_bytes {
        return Err(PutError::Size);
    }
    Ok(())
}
