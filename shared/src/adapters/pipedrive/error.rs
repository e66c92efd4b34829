//! What Pipedrive's refusals mean.
//!
//! The status decides; of the text only a field's name is read, and none of it is kept: it may quote contact data.
//! <https://pipedrive.readme.io/docs/core-api-concepts-http-status-codes>

use std::time::Duration;

use jiff::Timestamp;
use reqwest::StatusCode;
use serde_json::Value as Json;

use crate::{
    adapters::http::{Habits, Reply, retry_after},
    model::field::Field,
    ports::{ErrorKind, StoreError},
};

/// Pipedrive's habits; answers carry the id of the request in this header.
pub const HABITS: Habits = Habits { request_id: "x-correlation-id", not_before };

/// What stands before the name of the field that is refused.
const VALIDATION: &str = "Validation failed: ";
/// How long who did not heed refusals is kept out: <https://pipedrive.readme.io/docs/core-api-concepts-rate-limiting>
const KEPT_OUT: Duration = Duration::from_mins(10);
/// The day of the budget begins at a full or half hour of a zone that is not told.
const HALF_HOUR: i64 = 30 * 60;
/// The window that calls and searches are counted in.
const WINDOW: u64 = 2;

/// Reads before when nothing may be sent, from a refusal for pace; nothing was carried out then.
fn not_before(reply: &Reply, now: Timestamp) -> Option<Timestamp> {
    let after = |wait: Duration| now.saturating_add(wait).unwrap_or(Timestamp::MAX);
    match reply.status {
        // A machine in front of the API, which knows no JSON.
        StatusCode::FORBIDDEN if !is_theirs(reply) => Some(after(KEPT_OUT)),
        StatusCode::TOO_MANY_REQUESTS if is_day_over(reply) => Some(next_half_hour(now)),
        StatusCode::TOO_MANY_REQUESTS => Some(retry_after(reply, now).unwrap_or_else(|| {
            let reset = number(reply, "x-ratelimit-reset").and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(WINDOW);
            after(Duration::from_secs(reset.clamp(1, 60)))
        })),
        _ => None,
    }
}

/// Tells whether it is the day's budget that is used up: nothing is left of it, or there is room in the window of two seconds.
fn is_day_over(reply: &Reply) -> bool {
    let left_today = number(reply, "x-daily-ratelimit-token-remaining");
    left_today.is_some_and(|left| left <= 0) || number(reply, "x-ratelimit-remaining").is_some_and(|left| left > 0)
}

fn number(reply: &Reply, header: &str) -> Option<i64> {
    reply.headers.get(header)?.to_str().ok()?.trim().parse().ok()
}

fn next_half_hour(now: Timestamp) -> Timestamp {
    let next = (now.as_second().div_euclid(HALF_HOUR) + 1).saturating_mul(HALF_HOUR);
    Timestamp::from_second(next).unwrap_or(Timestamp::MAX)
}

fn is_theirs(reply: &Reply) -> bool {
    reply.json::<Json>().is_ok_and(|body| body.is_object())
}

/// Makes the error of a reply that is not a success.
pub(super) fn refusal(reply: &Reply, operation: &str) -> StoreError {
    let kind = match reply.status.as_u16() {
        // One that is not Pipedrive's own (a proxy's, a wrong address') must not pass for a record's absence.
        404 if is_theirs(reply) => ErrorKind::NotFound,
        404 => ErrorKind::Garbled,
        401..=403 => ErrorKind::AccessDenied,
        405 | 410 | 415 | 501 => ErrorKind::Unsupported,
        408 | 429 | 500.. => ErrorKind::Unavailable,
        _ => ErrorKind::Invalid(refused_field(reply).into_iter().collect()),
    };
    StoreError::new(kind, operation).with_request(reply.request_id.clone())
}

/// Finds the field in `Validation failed: emails: must be a list`.
fn refused_field(reply: &Reply) -> Option<Field> {
    let body: Json = reply.json().ok()?;
    let (_, rest) = body.get("error")?.as_str()?.split_once(VALIDATION)?;
    let name = rest.split([':', ' ']).next()?;
    let name = name.strip_prefix("custom_fields.").unwrap_or(name);
    let is_name = !name.is_empty() && name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then(|| Field::new(name))
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderMap, HeaderName};
    use serde_json::json;

    use super::*;

    fn reply(status: u16, headers: &[(&'static str, &str)], body: &str) -> Reply {
        let headers: HeaderMap = headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect();
        Reply { status: StatusCode::from_u16(status).unwrap(), headers, body: body.into(), request_id: None }
    }

    #[test]
    fn a_refusal_for_pace_says_how_long_it_holds() {
        let now: Timestamp = "2026-02-03T11:40:07Z".parse().unwrap();
        for (status, headers, body, expected) in [
            (429, vec![("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "2")], "{}", Some("2026-02-03T11:40:09Z")),
            (429, vec![("retry-after", "7")], "{}", Some("2026-02-03T11:40:14Z")),
            (429, vec![], "", Some("2026-02-03T11:40:09Z")),
            (429, vec![("x-daily-ratelimit-token-remaining", "0"), ("retry-after", "2")], "{}", Some("2026-02-03T12:00:00Z")),
            (429, vec![("x-ratelimit-remaining", "9")], "{}", Some("2026-02-03T12:00:00Z")),
            (403, vec![], "<html>1015</html>", Some("2026-02-03T11:50:07Z")),
            (403, vec![], "{}", None),
            (503, vec![("retry-after", "7")], "{}", None),
        ] {
            let until = not_before(&reply(status, &headers, body), now);
            assert_eq!(until, expected.map(|at| at.parse().unwrap()), "{status} {headers:?}");
        }
    }

    #[test]
    fn a_refusal_is_told_by_its_status_and_names_the_field() {
        let named = |text: &str| json!({"success": false, "error": text}).to_string();
        for (status, body, expected) in [
            (400, named("Validation failed: emails: must be a list"), ErrorKind::Invalid(vec!["emails".into()])),
            (400, named("Validation failed: custom_fields.abc: is no date"), ErrorKind::Invalid(vec!["abc".into()])),
            (400, named("Validation failed: ada@example.com is no good"), ErrorKind::Invalid(vec![])),
            (400, named("Bad request"), ErrorKind::Invalid(vec![])),
            (422, String::new(), ErrorKind::Invalid(vec![])),
            (401, named("unauthorized access"), ErrorKind::AccessDenied),
            (402, String::new(), ErrorKind::AccessDenied),
            (403, named("Forbidden"), ErrorKind::AccessDenied),
            (404, named("Person not found"), ErrorKind::NotFound),
            (404, "<html>".to_owned(), ErrorKind::Garbled),
            (405, String::new(), ErrorKind::Unsupported),
            (503, String::new(), ErrorKind::Unavailable),
        ] {
            assert_eq!(refusal(&reply(status, &[], &body), "test").kind, expected, "{status} {body}");
        }
    }
}
