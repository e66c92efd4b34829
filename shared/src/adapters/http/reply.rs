//! What comes back, or why nothing does.

use std::fmt;

use jiff::{SignedDuration, Timestamp, fmt::rfc2822::DateTimeParser};
use reqwest::{
    StatusCode,
    header::{DATE, HeaderMap, RETRY_AFTER},
};
use serde::de::DeserializeOwned;
use thiserror::Error;

use super::{Safety, later};
use crate::ports::{ErrorKind, StoreError};

/// A whole reply, of any status.
#[derive(Clone)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
    /// The vendor's id of the request.
    pub request_id: Option<String>,
}

impl Reply {
    /// Understands the body as JSON.
    ///
    /// # Errors
    /// [`Failure::Malformed`], which says where, and no value.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        let mut json = serde_json::Deserializer::from_slice(&self.body);
        let value = serde_path_to_error::deserialize(&mut json).map_err(|error| Failure::Malformed {
            path: error.path().to_string(),
            line: error.inner().line(),
            column: error.inner().column(),
        })?;
        json.end().map_err(|error| Failure::Malformed { path: ".".to_owned(), line: error.line(), column: error.column() })?;
        Ok(value)
    }

    /// Returns when the server says that it answered, by its own clock, in whole seconds.
    #[must_use]
    pub fn date(&self) -> Option<Timestamp> {
        parse_http_date(self.headers.get(DATE)?.to_str().ok()?.trim())
    }
}

/// Shows no header and no body.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("status", &self.status).field("request_id", &self.request_id).finish_non_exhaustive()
    }
}

/// Why there is no reply, or none that can be understood. Its text holds no value and no address.
#[derive(Debug, Error)]
pub enum Failure {
    /// Nothing may be sent before this instant; what was to be sent was not carried out.
    #[error("throttled until {0}")]
    Throttled(Timestamp),
    /// No connection was made: nothing was carried out.
    #[error("cannot connect")]
    Unsent(#[source] reqwest::Error),
    /// No reply came in time, or the connection broke: nobody knows whether it was carried out.
    #[error("no reply")]
    Lost(#[source] reqwest::Error),
    /// The reply ends in the middle.
    #[error("the reply is cut")]
    Cut(#[source] Option<reqwest::Error>),
    /// The reply is longer than allowed.
    #[error("the reply is too long")]
    TooLong,
    /// The reply is not the JSON that was expected.
    #[error("the reply is not understood at {path}, line {line} column {column}")]
    Malformed {
        /// Where in the document.
        path: String,
        /// The line.
        line: usize,
        /// The column.
        column: usize,
    },
    /// A token, a key or an id holds characters that cannot be sent.
    #[error("a header's value cannot be sent")]
    Unfit,
}

impl Failure {
    pub(super) fn from_reqwest(error: reqwest::Error) -> Self {
        let error = error.without_url();
        if error.is_connect() || error.is_builder() { Self::Unsent(error) } else { Self::Lost(error) }
    }

    /// Tells whether the same request may simply be sent again.
    pub(super) const fn allows_retry(&self, safety: Safety) -> bool {
        match self {
            Self::Unsent(_) => true,
            Self::Lost(_) | Self::Cut(_) => matches!(safety, Safety::Read),
            Self::Throttled(_) | Self::TooLong | Self::Malformed { .. } | Self::Unfit => false,
        }
    }

    /// Returns the kind of failure a port reports for this.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Throttled(until) => ErrorKind::Throttled(*until),
            Self::Unsent(_) | Self::Lost(_) => ErrorKind::Unavailable,
            Self::Cut(_) | Self::TooLong | Self::Malformed { .. } => ErrorKind::Garbled,
            Self::Unfit => ErrorKind::AccessDenied,
        }
    }

    /// Makes a port's failure of this, for `operation` (a verb and ids).
    pub fn during(self, operation: impl Into<String>) -> StoreError {
        StoreError::new(self.kind(), operation).caused_by(self)
    }
}

/// Reads `Retry-After` in either of its forms, seconds or an HTTP date.
#[must_use]
pub fn retry_after(reply: &Reply, now: Timestamp) -> Option<Timestamp> {
    let text = reply.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match text.parse::<u32>() {
        Ok(seconds) => Some(later(now, std::time::Duration::from_secs(seconds.into()))),
        Err(_) => parse_http_date(text),
    }
}

/// The weekday is not checked: a wrong one does not make the instant wrong.
fn parse_http_date(text: &str) -> Option<Timestamp> {
    // A vendor that cannot tell the date must not stop a site for years.
    const FARTHEST: SignedDuration = SignedDuration::from_hours(24 * 366 * 100);
    let instant = DateTimeParser::new().relaxed_weekday(true).parse_timestamp(text).ok()?;
    (instant.duration_since(Timestamp::UNIX_EPOCH) < FARTHEST).then_some(instant)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(after: &str) -> Reply {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, after.parse().unwrap());
        Reply { status: StatusCode::TOO_MANY_REQUESTS, headers, body: Vec::new(), request_id: None }
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let now: Timestamp = "2026-02-03T11:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("7", Some("2026-02-03T11:00:07Z")),
            (" 0 ", Some("2026-02-03T11:00:00Z")),
            ("Tue, 03 Feb 2026 11:00:30 GMT", Some("2026-02-03T11:00:30Z")),
            ("soon", None),
            ("-3", None),
        ] {
            assert_eq!(retry_after(&reply(text), now), expected.map(|at| at.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_told_by_place_and_never_by_value() {
        #[derive(Debug, serde::Deserialize)]
        struct Contact {
            #[expect(dead_code, reason = "only its type matters")]
            revision: u64,
        }
        for body in [r#"{"revision":"ada@example.com"}"#, r#"{"revision":1"#, "<html>ada@example.com", r#"{"revision":1} ada@example.com"#]
        {
            let failure = Reply { body: body.into(), ..reply("1") }.json::<Contact>().unwrap_err();
            assert_eq!(failure.kind(), ErrorKind::Garbled);
            assert!(!format!("{failure} {failure:?}").contains("ada"), "{failure:?}");
        }
    }
}
