//! What HubSpot's refusals mean.
//!
//! Every member of an error body is optional, and the bodies differ by endpoint and age, so the status decides first and the codes
//! second. The texts are read for ids and property names only and never kept: they quote contact data.
//! <https://developers.hubspot.com/docs/api-reference/error-handling>

use std::{collections::BTreeSet, time::Duration};

use jiff::{Timestamp, ToSpan, tz::TimeZone};
use reqwest::StatusCode;
use serde_json::Value as Json;

use crate::{
    adapters::http::{Failure, Habits, Reply, retry_after},
    model::{field::Field, ids::RecordId},
    ports::{ErrorKind, StoreError},
};

/// HubSpot's habits; the id of a request comes in the body, as `correlationId`, and in this header.
pub const HABITS: Habits = Habits { request_id: "x-hubspot-correlation-id", not_before };

/// What a status or a code means; where several come together, the last in this order counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Meaning {
    /// A value is refused, and no code says why or which.
    Refused,
    /// A value is refused for itself.
    Invalid,
    NotFound,
    Exists,
    Forbidden,
    Unsupported,
    Unavailable,
    Denied,
    Throttled,
}

/// The one table of statuses and codes.
const TABLE: &[(&[&str], Meaning)] = &[
    (&["400", "413", "422", "VALIDATION_ERROR", "BAD_REQUEST"], Meaning::Refused),
    (
        &[
            "INVALID_OPTION",
            "INVALID_EMAIL",
            "INVALID_DATE",
            "INVALID_LONG",
            "INVALID_INTEGER",
            "INVALID_NUMBER",
            "INVALID_STRING",
            "INVALID_PHONE_NUMBER",
            "INVALID_OWNER_ID",
            "PROPERTY_DOESNT_EXIST",
            "READ_ONLY_VALUE",
            "REQUIRED_FIELD",
            "VALUE_TOO_LONG",
        ],
        Meaning::Invalid,
    ),
    (&["404", "OBJECT_NOT_FOUND", "CONTACT_NOT_FOUND", "RESOURCE_NOT_FOUND"], Meaning::NotFound),
    (&["409", "CONFLICT", "CONTACT_EXISTS", "OBJECT_ALREADY_EXISTS", "CONFLICTING_UNIQUE_VALUE"], Meaning::Exists),
    // 414 also stands for a record that was merged too often.
    (&["414", "MERGE_LIMIT_EXCEEDED"], Meaning::Forbidden),
    (&["405", "415"], Meaning::Unsupported),
    (&["408", "500", "502", "503", "504", "521", "523", "524", "INTERNAL_ERROR"], Meaning::Unavailable),
    (&["401", "403", "INVALID_AUTHENTICATION", "EXPIRED_AUTHENTICATION", "MISSING_SCOPES"], Meaning::Denied),
    (&["423", "429", "477", "RATE_LIMIT", "RATE_LIMITS"], Meaning::Throttled),
];

fn meaning(code: &str) -> Option<Meaning> {
    TABLE.iter().find(|(codes, _)| codes.contains(&code)).map(|(_, meaning)| *meaning)
}

/// Reads before when nothing may be sent, from a refusal for pace; nothing was carried out then.
fn not_before(reply: &Reply, now: Timestamp) -> Option<Timestamp> {
    let wait = match reply.status.as_u16() {
        // The account is locked by a large import, or being moved to another data centre.
        423 => Wait::Pause(2),
        477 => Wait::Pause(60),
        429 => Wait::of(&reply.json().unwrap_or_default()),
        _ => return None,
    };
    Some(retry_after(reply, now).unwrap_or_else(|| wait.end(now)))
}

/// How long a refusal for pace holds where no `Retry-After` says, and on a 429 none is promised.
/// <https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines>
#[derive(Debug, PartialEq, Eq)]
enum Wait {
    /// So many seconds.
    Pause(u32),
    /// Until the day is over. The account's zone is not known here.
    Day,
}

impl Wait {
    /// Reads the policy, or the text where there is none: `You have reached your secondly limit.`
    fn of(body: &Json) -> Self {
        let said = |member: &str| body.get(member).and_then(Json::as_str).unwrap_or_default().to_ascii_lowercase();
        let (policy, message) = (said("policyName"), said("message"));
        let text = if policy.is_empty() { message } else { policy };
        if text.contains("daily") {
            Self::Day
        } else if text.contains("secondly") && !text.contains("ten") {
            Self::Pause(1)
        } else {
            Self::Pause(10)
        }
    }

    fn end(&self, now: Timestamp) -> Timestamp {
        match self {
            Self::Pause(seconds) => now.saturating_add(Duration::from_secs((*seconds).into())).unwrap_or(Timestamp::MAX),
            Self::Day => {
                let tomorrow = now.to_zoned(TimeZone::UTC).start_of_day().and_then(|day| day.checked_add(1.day()));
                tomorrow.map_or(Timestamp::MAX, |day| day.timestamp())
            }
        }
    }
}

/// What an error body says, without the values it quotes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Complaint {
    codes: BTreeSet<String>,
    fields: BTreeSet<Field>,
    existing: Option<RecordId>,
    /// A text says that something exists already.
    clash: bool,
    request: Option<String>,
}

impl Complaint {
    /// Reads the body of a reply, or a row of a batch's errors.
    pub fn read(body: &Json) -> Self {
        let mut complaint = Self::default();
        complaint.add(body);
        complaint
    }

    fn add(&mut self, body: &Json) {
        for member in ["category", "code", "error", "errorType"] {
            self.codes.extend(body.get(member).and_then(Json::as_str).map(str::to_owned));
        }
        self.request = self.request.take().or_else(|| body.get("correlationId")?.as_str().filter(|id| is_id(id)).map(str::to_owned));
        self.add_names(body.get("name"));
        self.add_names(body.get("in"));
        for member in ["propertyName", "propertyNames", "property", "properties"] {
            self.add_names(body.pointer(&format!("/context/{member}")));
        }
        let holder = body.pointer("/identityProfile/vid").and_then(Json::as_u64);
        self.existing = self.existing.take().or_else(|| holder.map(|id| RecordId::new(id.to_string())));
        if let Some(text) = body.get("message").and_then(Json::as_str) {
            self.add_message(text);
        }
        for member in ["errors", "validationResults"] {
            body.get(member).and_then(Json::as_array).into_iter().flatten().for_each(|error| self.add(error));
        }
    }

    fn add_message(&mut self, text: &str) {
        // `Property values were not valid: [{"isValid":false,"error":"INVALID_EMAIL","name":"email",..}]`
        let embedded = text.find('[').and_then(|start| text.get(start..));
        let embedded = embedded.and_then(|json| serde_json::Deserializer::from_str(json).into_iter::<Vec<Json>>().next());
        if let Some(Ok(errors)) = embedded
            && errors.iter().all(Json::is_object)
            && !errors.is_empty()
        {
            errors.iter().for_each(|error| self.add(error));
            return;
        }
        self.clash |= text.contains("already exists") || text.contains("already has that value");
        self.existing = self.existing.take().or_else(|| existing_id(text));
        self.add_quoted(text, "Property \"", '"');
        self.add_quoted(text, "propertyName=", ',');
    }

    fn add_quoted(&mut self, text: &str, before: &str, after: char) {
        let name = text.split_once(before).and_then(|(_, rest)| rest.split_once(after)).map(|(name, _)| Json::from(name));
        self.add_names(name.as_ref());
    }

    /// Adds a name, or a list of them; what does not look like a property's name is none.
    fn add_names(&mut self, names: Option<&Json>) {
        match names {
            Some(Json::String(name)) => {
                let name = name.rsplit('.').next().unwrap_or_default();
                self.fields.extend(is_name(name).then(|| Field::new(name)));
            }
            Some(Json::Array(names)) => names.iter().for_each(|name| self.add_names(Some(name))),
            _ => {}
        }
    }

    /// Returns what the refusal of a call, or of a row (which has no status), means.
    pub fn kind(self, status: Option<StatusCode>, wait: impl FnOnce() -> Timestamp) -> ErrorKind {
        let said = status.and_then(|status| {
            let fallback = if status.is_server_error() { Meaning::Unavailable } else { Meaning::Refused };
            Some(meaning(status.as_str()).unwrap_or(fallback)).filter(|meaning| *meaning != Meaning::Refused)
        });
        let coded = || self.codes.iter().filter_map(|code| meaning(code)).max().unwrap_or(Meaning::Refused);
        match said.unwrap_or_else(coded) {
            // Only where no code says that a value is wrong in itself: the text may quote anything.
            Meaning::Refused if self.clash => ErrorKind::Exists(self.existing),
            Meaning::Refused | Meaning::Invalid => ErrorKind::Invalid(self.fields.into_iter().collect()),
            Meaning::NotFound => ErrorKind::NotFound,
            Meaning::Exists => ErrorKind::Exists(self.existing),
            Meaning::Forbidden => ErrorKind::Forbidden,
            Meaning::Unsupported => ErrorKind::Unsupported,
            Meaning::Unavailable => ErrorKind::Unavailable,
            Meaning::Denied => ErrorKind::AccessDenied,
            Meaning::Throttled => ErrorKind::Throttled(wait()),
        }
    }
}

/// Makes the error of a reply that is not a success.
pub(super) fn refusal(reply: &Reply, operation: &str, now: Timestamp) -> StoreError {
    let body: Result<Json, Failure> = reply.json();
    // A 404 that is not HubSpot's own (a proxy's, a wrong address') must not pass for a record's absence.
    if reply.status == StatusCode::NOT_FOUND && !body.as_ref().is_ok_and(Json::is_object) {
        return StoreError::new(ErrorKind::Garbled, operation).with_request(reply.request_id.clone());
    }
    let mut complaint = Complaint::read(&body.unwrap_or_default());
    let request = complaint.request.take().or_else(|| reply.request_id.clone());
    let kind = complaint.kind(Some(reply.status), || not_before(reply, now).unwrap_or(now));
    StoreError::new(kind, operation).with_request(request)
}

/// Makes the error of a batch's row.
pub(super) fn row_refusal(row: &Json, operation: &str, request: Option<&str>, now: Timestamp) -> StoreError {
    let mut complaint = Complaint::read(row);
    let request = complaint.request.take().or_else(|| request.map(str::to_owned));
    StoreError::new(complaint.kind(None, || Wait::of(row).end(now)), operation).with_request(request)
}

/// Finds the id in `Contact already exists. Existing ID: 512` and in `Cannot set .. on 511. 512 already has that value.`
fn existing_id(text: &str) -> Option<RecordId> {
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
    let behind = text.rsplit_once("Existing ID:").map(|(_, rest)| digits(rest.trim_start()));
    let before = text.rsplit_once(" already has that value").and_then(|(rest, _)| rest.rsplit(' ').next()).map(digits);
    behind.or(before).filter(|id| !id.is_empty()).map(RecordId::new)
}

/// Tells whether a text has the form of a property's name.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn is_id(text: &str) -> bool {
    text.len() <= 64 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

#[cfg(test)]
mod tests;
