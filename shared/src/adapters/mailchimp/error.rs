//! What Mailchimp's refusals mean.
//!
//! The status decides first: what comes from the machines before the API is a page of HTML. The texts are read for a few known phrases and
//! never kept: they quote addresses.
//! <https://mailchimp.com/developer/marketing/docs/errors/>

use std::time::Duration;

use jiff::Timestamp;
use reqwest::StatusCode;
use serde::Deserialize;

use super::wire::{RowError, or_default};
use crate::{
    adapters::http::{Habits, Reply, retry_after},
    model::field::Field,
    ports::{ErrorKind, StoreError},
};

/// Mailchimp's habits. Its id of a request is `instance` in an error; this header is there as well.
pub const HABITS: Habits = Habits { request_id: "x-request-id", not_before };

/// After a refusal for too many connections at once. No `Retry-After` is documented; one that comes all the same counts.
const PAUSE: Duration = Duration::from_secs(1);
/// After a page of the machines before the API, which refuse when there are very many calls.
const LONG_PAUSE: Duration = Duration::from_secs(30);
/// A field's name is short; anything else may be a value.
const LONGEST_NAME: usize = 64;

/// What Mailchimp says about an address that it does not take for good.
const FOR_GOOD: [&str; 5] =
    ["compliance state", "forgotten email", "permanently deleted", "looks fake or invalid", "provide a valid email address"];
/// What it says about an address that the audience has.
const EXISTS: [&str; 2] = ["member exists", "already a list member"];
/// How it calls the address among the fields.
const ADDRESS: [&str; 2] = ["email_address", "email address"];

/// Reads before when nothing may be sent, from a refusal for pace; nothing was carried out then. A 403 for lack of a right is JSON, one for
/// very many calls is not.
fn not_before(reply: &Reply, now: Timestamp) -> Option<Timestamp> {
    let pause = match reply.status {
        StatusCode::TOO_MANY_REQUESTS => PAUSE,
        StatusCode::FORBIDDEN if reply.json::<Problem>().is_err() => LONG_PAUSE,
        _ => return None,
    };
    Some(retry_after(reply, now).unwrap_or_else(|| now.saturating_add(pause).unwrap_or(Timestamp::MAX)))
}

/// Mailchimp's error document.
#[derive(Default, Deserialize)]
struct Problem {
    #[serde(default, deserialize_with = "or_default")]
    title: String,
    #[serde(default, deserialize_with = "or_default")]
    detail: String,
    #[serde(default, deserialize_with = "or_default")]
    instance: String,
    #[serde(default, deserialize_with = "or_default")]
    errors: Vec<Wrong>,
}

/// A field that is wrong.
#[derive(Deserialize)]
struct Wrong {
    #[serde(default, deserialize_with = "or_default")]
    field: String,
}

/// Says what a reply that is no success means.
pub(super) fn refusal(reply: &Reply, operation: &str) -> StoreError {
    let problem: Problem = reply.json().unwrap_or_default();
    let kind = match reply.status.as_u16() {
        400 => meaning(&[&problem.title, &problem.detail], problem.errors.iter().map(|wrong| wrong.field.as_str())),
        401 | 403 => ErrorKind::AccessDenied,
        404 => ErrorKind::NotFound,
        405 | 414 | 426 => ErrorKind::Unsupported,
        408 | 500..=599 => ErrorKind::Unavailable,
        402..=499 => ErrorKind::Invalid(Vec::new()),
        _ => ErrorKind::Garbled,
    };
    let instance = Some(problem.instance).filter(|id| is_plain(id));
    StoreError::new(kind, operation).with_request(instance.or_else(|| reply.request_id.clone()))
}

/// Says what the error of one of many rows means.
pub(super) fn row_refusal(row: &RowError) -> ErrorKind {
    if row.error_code == "ERROR_CONTACT_EXISTS" {
        ErrorKind::Exists(None)
    } else {
        meaning(&[&row.error], [row.field.as_str()].into_iter())
    }
}

fn meaning<'a>(texts: &[&str], fields: impl Iterator<Item = &'a str>) -> ErrorKind {
    let says = |phrases: &[&str]| texts.iter().any(|text| phrases.iter().any(|phrase| text.to_lowercase().contains(phrase)));
    let fields: Vec<&str> = fields.map(|name| name.strip_prefix("merge_fields.").unwrap_or(name)).collect();
    if says(&EXISTS) {
        ErrorKind::Exists(None)
    } else if says(&FOR_GOOD) || fields.iter().any(|name| ADDRESS.contains(name)) {
        ErrorKind::Forbidden
    } else {
        ErrorKind::Invalid(fields.into_iter().filter(|name| is_plain(name)).map(Field::from).collect())
    }
}

fn is_plain(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(fits)
}
