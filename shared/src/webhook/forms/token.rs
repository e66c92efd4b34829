//! The form's own token: in the `Authorization` header, or in the query where a sender can set nothing but an address.

use http::header::AUTHORIZATION;
use secrecy::SecretString;
use url::form_urlencoded;

use super::secret;
use crate::webhook::{Request, WebhookError};

/// Checks the token of a request.
pub(super) fn verify(request: &Request<'_>, secrets: &[SecretString]) -> Result<(), WebhookError> {
    let token = token(request).ok_or(WebhookError::Unsigned)?;
    if secret::is_one_of(&token, secrets) { Ok(()) } else { Err(WebhookError::Token) }
}

fn token(request: &Request<'_>) -> Option<String> {
    if let Some(header) = request.headers.get(AUTHORIZATION) {
        let (scheme, token) = header.to_str().ok()?.split_once(' ')?;
        return scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned());
    }
    let (_, query) = request.target.split_once('?')?;
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(name, _)| name == "token").map(|(_, token)| token.into_owned())
}
