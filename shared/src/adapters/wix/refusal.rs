//! What Wix refuses, and what that means to the flows: the one place that knows Wix's error codes.
//!
//! Codes: the "Errors" sections of
//! <https://dev.wix.com/docs/api-reference/crm/members-contacts/contacts/contacts/contact-v4>, of
//! <https://dev.wix.com/docs/rest/crm/communication/inbox/messages/introduction>, and their methods; the envelope:
//! <https://dev.wix.com/docs/api-reference/articles/work-with-wix-apis/troubleshooting/about-errors>.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::place::refused_fields;
use crate::{
    adapters::http::{Habits, Reply, retry_after},
    model::field::Field,
    ports::{ErrorKind, StoreError},
};

/// How long Wix asks to be left alone where it does not say: "wait a minute, then retry"
/// (<https://dev.wix.com/docs/rest/articles/getting-started/rate-limits>).
const USUAL_WAIT: SignedDuration = SignedDuration::from_secs(60);

/// Wix's habits, for the HTTP client.
pub const HABITS: Habits = Habits { request_id: "x-wix-request-id", not_before };

/// A failed call, with what special cases need to know of it.
#[derive(Debug)]
pub(super) struct Refusal {
    /// The status, if there was a reply.
    pub(super) status: Option<StatusCode>,
    /// Wix's code.
    pub(super) code: Option<String>,
    /// What the port reports.
    pub(super) error: Box<StoreError>,
}

impl Refusal {
    pub(super) fn has_code(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self { status: None, code: None, error: Box::new(error) }
    }
}

impl From<Refusal> for StoreError {
    fn from(refusal: Refusal) -> Self {
        *refusal.error
    }
}

/// Status and code of a refusal, as the cause of the port's error.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    code: Option<String>,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status.as_u16(), self.code.as_deref().unwrap_or("without a code"))
    }
}

impl std::error::Error for Answer {}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Envelope {
    message: Option<String>,
    details: Option<Details>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Details {
    application_error: Option<ApplicationError>,
    validation_error: Option<ValidationError>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ApplicationError {
    code: Option<String>,
    data: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ValidationError {
    field_violations: Vec<Violation>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Violation {
    field: String,
}

impl Envelope {
    fn of(reply: &Reply) -> Option<Self> {
        reply.json::<Option<Self>>().ok().flatten()
    }

    /// Returns the code, if it looks like one: it goes to logs.
    fn code(&self) -> Option<&str> {
        let code = self.details.as_ref()?.application_error.as_ref()?.code.as_deref()?;
        let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        (!code.is_empty() && code.len() <= 80 && code.bytes().all(plain)).then_some(code)
    }
}

/// Makes the failure of a call from a reply that is not a success; `sent` is the `info` that was sent, to name refused fields.
pub(super) fn refuse(reply: &Reply, operation: &str, sent: Option<&Value>) -> Refusal {
    let envelope = Envelope::of(reply);
    let code = envelope.as_ref().and_then(Envelope::code).map(str::to_owned);
    let kind = match (&code, &envelope) {
        (Some(code), Some(envelope)) => kind_of_code(code, envelope).unwrap_or_else(|| kind_of_status(reply.status, true)),
        (_, envelope) => kind_of_status(reply.status, envelope.is_some()),
    };
    let kind = match (kind, envelope.and_then(|envelope| envelope.details?.validation_error)) {
        (ErrorKind::Invalid(_), Some(error)) => {
            ErrorKind::Invalid(refused_fields(error.field_violations.iter().map(|violation| violation.field.as_str()), sent))
        }
        (kind, _) => kind,
    };
    let cause = Answer { status: reply.status, code: code.clone() };
    let error = StoreError::new(kind, operation).with_request(reply.request_id.clone()).caused_by(cause);
    Refusal { status: Some(reply.status), code, error: Box::new(error) }
}

fn kind_of_code(code: &str, envelope: &Envelope) -> Option<ErrorKind> {
    Some(match code {
        "INSUFFICIENT_CONTACT_DATA"
        | "INSUFFICIENT_UPDATE_CONTACT_DATA"
        | "CANNOT_HAVE_MULTIPLE_PRIMARY_INFO"
        | "INVALID_EXTENDED_FIELD_VALUE" => ErrorKind::Invalid(Vec::new()),
        "DUPLICATE_CONTACT_EXISTS" => ErrorKind::Exists(duplicate_id(envelope)),
        "CONTACT_ID_ALREADY_EXISTS" => ErrorKind::Exists(None),
        "CONTACT_ALREADY_CHANGED" => ErrorKind::Stale,
        // A conversation that was merged away is as good as none: the one it went into is asked for again.
        "CONTACT_NOT_FOUND" | "CONVERSATION_NOT_FOUND" | "NOT_JOINED_CHATROOM" | "NOT_OWNED_BY_BUSINESS" | "IDENTITY_DOES_NOT_MATCH" => {
            ErrorKind::NotFound
        }
        "INVALID_MEDIA_URL" => ErrorKind::Invalid(vec![Field::from("media")]),
        "CANNOT_UPDATE_MEMBER_EMAIL"
        | "CANNOT_DELETE_MEMBER"
        | "CANNOT_DELETE_SITE_MEMBERS"
        | "CANNOT_DELETE_CONTACT_WITH_BILLING_SUBSCRIPTION"
        | "CANNOT_DELETE_MEMBER_OWNER_OR_CONTRIBUTOR"
        | "FAILED_PRECONDITION"
        | "ILLEGAL_MERGE"
        // The quota is the site's number of fields or labels: waiting does not help, although the first one comes with status 429.
        | "FIELDS_QUOTA_EXCEEDED"
        | "LABELS_QUOTA_REACHED"
        // The site has no Inbox; its owner can add it.
        | "INBOX_INSTANCE_NOT_FOUND"
        | "NO_INBOX_INSTANCE" => ErrorKind::Forbidden,
        "INSUFFICIENT_PERMISSION" => ErrorKind::AccessDenied,
        "FAILED_DELETE_CONTACT" | "FAILED_DELETE_CONTACT_AFTER_MEMBER_DELETION" => ErrorKind::Unavailable,
        "UNSUPPORTED_SORT_FIELD"
        | "INVALID_SORT"
        | "ILLEGAL_LIMIT"
        | "MALFORMED_FILTER"
        | "UNSUPPORTED_FILTER"
        | "UNSUPPORTED_FILTER_FIELD"
        | "UNSUPPORTED_FILTER_FIELD_UNKNOWN"
        | "UNSUPPORTED_FILTER_OPERATOR"
        | "UNSUPPORTED_FILTER_VALUE"
        | "UNSUPPORTED_FILTER_VALUE_TYPE"
        | "NEITHER_FILTER_NOR_SEARCH" => ErrorKind::Unsupported,
        _ => return None,
    })
}

/// Reads a reply without a known code. What does not even have Wix's envelope did not come from Wix's contacts, so it says nothing of
/// a contact; nor does a 404 that does not say that a contact is missing.
fn kind_of_status(status: StatusCode, has_envelope: bool) -> ErrorKind {
    match status.as_u16() {
        401 => ErrorKind::AccessDenied,
        408 | 429 | 500.. => ErrorKind::Unavailable,
        _ if !has_envelope => ErrorKind::Garbled,
        400 | 413 | 422 => ErrorKind::Invalid(Vec::new()),
        403 => ErrorKind::AccessDenied,
        // Wix has two kinds of conflict; after this one the record is read again, which is right for both.
        409 => ErrorKind::Stale,
        428 => ErrorKind::Forbidden,
        _ => ErrorKind::Garbled,
    }
}

fn duplicate_id(envelope: &Envelope) -> Option<crate::model::ids::RecordId> {
    let data = envelope.details.as_ref()?.application_error.as_ref()?.data.as_ref()?;
    Some(data.get("duplicateContactId")?.as_str()?.into())
}

fn not_before(reply: &Reply, now: Timestamp) -> Option<Timestamp> {
    let wait = || Some(retry_after(reply, now).unwrap_or_else(|| now.saturating_add(USUAL_WAIT).unwrap_or(Timestamp::MAX)));
    match reply.status.as_u16() {
        429 => {
            let envelope = Envelope::of(reply).unwrap_or_default();
            let quota = envelope.code().is_some_and(|code| kind_of_code(code, &envelope).is_some());
            if quota { None } else { wait() }
        }
        503 => retry_after(reply, now),
        // Bursts were seen refused with 403, an empty message and empty details
        // (https://github.com/wix/skills, skills/wix-replatform/resources/rp-target-wix/SKILL.md).
        403 if is_silent(reply) => wait(),
        _ => None,
    }
}

fn is_silent(reply: &Reply) -> bool {
    Envelope::of(reply).is_some_and(|envelope| {
        envelope.message.as_deref() == Some("")
            && envelope.details.is_some_and(|details| details.application_error.is_none() && details.validation_error.is_none())
    })
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderMap, RETRY_AFTER};
    use serde_json::json;

    use super::*;

    fn reply(status: u16, body: impl Into<Vec<u8>>) -> Reply {
        let status = StatusCode::from_u16(status).unwrap();
        Reply { status, headers: HeaderMap::new(), body: body.into(), request_id: Some("r-1".to_owned()) }
    }

    fn coded(status: u16, code: &str) -> Reply {
        let data = json!({"duplicateContactId": "c-2", "duplicateEmail": "ada@example.com"});
        let body = json!({"message": "ada@example.com", "details": {"applicationError": {"code": code, "description": "", "data": data}}});
        reply(status, body.to_string())
    }

    #[test]
    fn every_code_has_its_kind() {
        let invalid = ErrorKind::Invalid(Vec::new());
        for (status, code, kind) in [
            (400, "INSUFFICIENT_CONTACT_DATA", invalid.clone()),
            (400, "INSUFFICIENT_UPDATE_CONTACT_DATA", invalid.clone()),
            (400, "CANNOT_HAVE_MULTIPLE_PRIMARY_INFO", invalid.clone()),
            (400, "INVALID_EXTENDED_FIELD_VALUE", invalid.clone()),
            (409, "DUPLICATE_CONTACT_EXISTS", ErrorKind::Exists(Some("c-2".into()))),
            (409, "CONTACT_ID_ALREADY_EXISTS", ErrorKind::Exists(None)),
            (404, "CONVERSATION_NOT_FOUND", ErrorKind::NotFound),
            (401, "NOT_JOINED_CHATROOM", ErrorKind::NotFound),
            (403, "NOT_OWNED_BY_BUSINESS", ErrorKind::NotFound),
            (403, "IDENTITY_DOES_NOT_MATCH", ErrorKind::NotFound),
            (400, "INVALID_MEDIA_URL", ErrorKind::Invalid(vec!["media".into()])),
            (404, "INBOX_INSTANCE_NOT_FOUND", ErrorKind::Forbidden),
            (401, "NO_INBOX_INSTANCE", ErrorKind::Forbidden),
            (409, "CONTACT_ALREADY_CHANGED", ErrorKind::Stale),
            (404, "CONTACT_NOT_FOUND", ErrorKind::NotFound),
            (428, "CANNOT_UPDATE_MEMBER_EMAIL", ErrorKind::Forbidden),
            (428, "CANNOT_DELETE_MEMBER", ErrorKind::Forbidden),
            (428, "CANNOT_DELETE_SITE_MEMBERS", ErrorKind::Forbidden),
            (428, "CANNOT_DELETE_CONTACT_WITH_BILLING_SUBSCRIPTION", ErrorKind::Forbidden),
            (428, "CANNOT_DELETE_MEMBER_OWNER_OR_CONTRIBUTOR", ErrorKind::Forbidden),
            (428, "FAILED_PRECONDITION", ErrorKind::Forbidden),
            (400, "ILLEGAL_MERGE", ErrorKind::Forbidden),
            (429, "FIELDS_QUOTA_EXCEEDED", ErrorKind::Forbidden),
            (428, "LABELS_QUOTA_REACHED", ErrorKind::Forbidden),
            (403, "INSUFFICIENT_PERMISSION", ErrorKind::AccessDenied),
            (500, "FAILED_DELETE_CONTACT_AFTER_MEMBER_DELETION", ErrorKind::Unavailable),
            (500, "FAILED_DELETE_CONTACT", ErrorKind::Unavailable),
            (400, "UNSUPPORTED_SORT_FIELD", ErrorKind::Unsupported),
            (400, "INVALID_SORT", ErrorKind::Unsupported),
            (400, "ILLEGAL_LIMIT", ErrorKind::Unsupported),
            (400, "MALFORMED_FILTER", ErrorKind::Unsupported),
            (400, "UNSUPPORTED_FILTER", ErrorKind::Unsupported),
            (400, "UNSUPPORTED_FILTER_FIELD", ErrorKind::Unsupported),
            (400, "UNSUPPORTED_FILTER_FIELD_UNKNOWN", ErrorKind::Unsupported),
            (400, "UNSUPPORTED_FILTER_OPERATOR", ErrorKind::Unsupported),
            (400, "UNSUPPORTED_FILTER_VALUE", ErrorKind::Unsupported),
            (400, "UNSUPPORTED_FILTER_VALUE_TYPE", ErrorKind::Unsupported),
            (400, "NEITHER_FILTER_NOR_SEARCH", ErrorKind::Unsupported),
            (400, "SOMETHING_NEW", invalid),
            (409, "SOMETHING_NEW", ErrorKind::Stale),
        ] {
            let refusal = refuse(&coded(status, code), "wix update c-1", None);
            assert_eq!(refusal.error.kind, kind, "{code}");
            assert!(refusal.has_code(code));
            assert!(!format!("{refusal:?}").contains("ada"), "{refusal:?}");
        }
    }

    #[test]
    fn a_status_without_a_code_is_read_with_care() {
        let envelope = r#"{"message":"no","details":{}}"#;
        for (status, body, kind) in [
            (400, envelope, ErrorKind::Invalid(Vec::new())),
            (400, r#"{"message":"Expected an object"}"#, ErrorKind::Invalid(Vec::new())),
            (400, "<html>", ErrorKind::Garbled),
            (401, "", ErrorKind::AccessDenied),
            (403, envelope, ErrorKind::AccessDenied),
            (403, "<html>", ErrorKind::Garbled),
            (404, envelope, ErrorKind::Garbled),
            (404, "<html>", ErrorKind::Garbled),
            (428, envelope, ErrorKind::Forbidden),
            (302, "", ErrorKind::Garbled),
            (500, "", ErrorKind::Unavailable),
            (503, r#"{"message":"","details":{}}"#, ErrorKind::Unavailable),
        ] {
            assert_eq!(refuse(&reply(status, body), "wix get c-1", None).error.kind, kind, "{status} {body}");
        }
    }

    #[test]
    fn refused_fields_are_named_in_our_words() {
        let body = json!({"message": "contact is invalid", "details": {"validationError": {"fieldViolations": [
            {"field": "contact.info.addresses[0].address.subdivision", "description": "no", "violatedRule": "FORMAT"},
            {"field": "info.name.first", "description": "too long"}]}}});
        let refusal = refuse(&reply(400, body.to_string()), "wix update c-1", None);
        assert_eq!(refusal.error.kind, ErrorKind::Invalid(vec!["address.subdivision".into(), "name.first".into()]));
    }

    #[test]
    fn a_quota_is_no_throttling_and_a_silent_403_is() {
        let now: Timestamp = "2026-02-03T11:00:00Z".parse().unwrap();
        let minute = Some(now + SignedDuration::from_secs(60));
        assert_eq!(not_before(&coded(429, "FIELDS_QUOTA_EXCEEDED"), now), None);
        assert_eq!(not_before(&reply(429, "Too many"), now), minute);
        assert_eq!(not_before(&reply(403, r#"{"message":"","details":{}}"#), now), minute);
        assert_eq!(not_before(&reply(403, r#"{"message":"no","details":{}}"#), now), None);
        assert_eq!(not_before(&reply(503, ""), now), None);
        let mut told = reply(429, "");
        told.headers.insert(RETRY_AFTER, "2".parse().unwrap());
        assert_eq!(not_before(&told, now), Some(now + SignedDuration::from_secs(2)));
    }
}
