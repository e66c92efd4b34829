//! Where a browser's post comes from. A program can claim any origin: this keeps other sites' pages out, the rate limit bounds the rest.

use http::{
    HeaderMap,
    header::{ORIGIN, REFERER},
};
use url::Url;

use crate::webhook::{Request, WebhookError};

/// Checks that a request comes from a page of one of these origins.
pub(super) fn verify(request: &Request<'_>, origins: &[String]) -> Result<(), WebhookError> {
    allowed(origins, request.headers).map(drop).ok_or(WebhookError::Origin)
}

/// Returns the origin of a request's page, if it is one of these. Browsers that leave out `Origin` send `Referer`.
pub(super) fn allowed<'a>(origins: &'a [String], headers: &HeaderMap) -> Option<&'a str> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let origin = match text(ORIGIN) {
        Some(origin) => origin.to_ascii_lowercase(),
        None => Url::parse(text(REFERER)?).ok()?.origin().ascii_serialization(),
    };
    origins.iter().map(String::as_str).find(|allowed| *allowed == origin)
}
