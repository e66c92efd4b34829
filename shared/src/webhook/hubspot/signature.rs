//! Version 3 of HubSpot's request signature.
//!
//! <https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation>

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderMap;
use jiff::Timestamp;

use crate::{
    model::ids::SiteId,
    webhook::{Request, SetUpError, WebhookError},
};

/// HubSpot's own bound for the age of a request; its SDK leaves the future open, which this does not.
const WINDOW_MS: u64 = 300_000;

/// What HubSpot writes in clear before it signs a URL; every other escape is signed as it is.
const DECODED: [(&str, char); 12] = [
    ("3A", ':'),
    ("2F", '/'),
    ("3F", '?'),
    ("40", '@'),
    ("21", '!'),
    ("24", '$'),
    ("27", '\''),
    ("28", '('),
    ("29", ')'),
    ("2A", '*'),
    ("2C", ','),
    ("3B", ';'),
];

/// The client secrets of the HubSpot apps that may send.
pub(super) struct ClientSecrets {
    shared: Vec<hmac::Key>,
    of_site: BTreeMap<SiteId, Vec<hmac::Key>>,
}

impl ClientSecrets {
    pub(super) fn parse(text: &str) -> Result<Self, SetUpError> {
        let mut secrets = Self { shared: Vec::new(), of_site: BTreeMap::new() };
        for (index, entry) in text.split(',').map(str::trim).enumerate().filter(|(_, entry)| !entry.is_empty()) {
            let (site, secret) = entry.split_once('=').map_or((None, entry), |(site, secret)| (Some(site), secret));
            if secret.is_empty() {
                return Err(SetUpError::EmptySecret { index: index + 1 });
            }
            let keys = match site {
                Some(site) => secrets.of_site.entry(SiteId::new(site)).or_default(),
                None => &mut secrets.shared,
            };
            keys.push(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()));
        }
        Ok(secrets)
    }

    /// Returns the secrets that sign for a site. A site with an app of its own accepts no other's.
    pub(super) fn of(&self, site: &SiteId) -> &[hmac::Key] {
        self.of_site.get(site).unwrap_or(&self.shared)
    }
}

/// A signature and the time it covers, as the headers carry them.
pub(super) struct Signature<'a> {
    tag: Vec<u8>,
    timestamp: &'a str,
}

impl<'a> Signature<'a> {
    /// Reads the headers. Older signatures, which may stand beside this one, cover less and are never used instead.
    pub(super) fn of(headers: &'a HeaderMap) -> Result<Self, WebhookError> {
        let signature = headers.get("x-hubspot-signature-v3").ok_or(WebhookError::Unsigned)?;
        let tag = STANDARD.decode(signature.as_bytes()).map_err(|_| WebhookError::Signature)?;
        let timestamp = headers.get("x-hubspot-request-timestamp").and_then(|value| value.to_str().ok());
        Ok(Self { tag, timestamp: timestamp.ok_or(WebhookError::MalformedTimestamp)? })
    }

    /// Checks that the request was sent within five minutes of now.
    pub(super) fn check_time(&self, now: Timestamp) -> Result<(), WebhookError> {
        let sent: i64 = self.timestamp.parse().map_err(|_| WebhookError::MalformedTimestamp)?;
        if now.as_millisecond().abs_diff(sent) > WINDOW_MS { Err(WebhookError::Stale) } else { Ok(()) }
    }

    /// Checks the signature in constant time, against each of the secrets.
    pub(super) fn check(&self, secrets: &[hmac::Key], public_url: &str, request: &Request<'_>) -> Result<(), WebhookError> {
        let mut source = request.method.as_str().as_bytes().to_vec();
        source.extend_from_slice(decode(public_url).as_bytes());
        source.extend_from_slice(decode(request.target).as_bytes());
        source.extend_from_slice(request.body);
        source.extend_from_slice(self.timestamp.as_bytes());
        if secrets.iter().any(|key| hmac::verify(key, &source, &self.tag).is_ok()) { Ok(()) } else { Err(WebhookError::Signature) }
    }
}

/// Writes in clear what HubSpot writes in clear.
fn decode(url: &str) -> String {
    let mut parts = url.split('%');
    let mut clear = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let listed = DECODED.iter().find_map(|(code, character)| Some((*character, part.strip_prefix(code)?)));
        let (character, rest) = listed.unwrap_or(('%', part));
        clear.push(character);
        clear.push_str(rest);
    }
    clear
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_listed_escapes_are_decoded() {
        for (url, expected) in [
            ("/a?b=c", "/a?b=c"),
            ("/a?r=https%3A%2F%2Fx%3Fy%40z", "/a?r=https://x?y@z"),
            ("%21%24%27%28%29%2A%2C%3B", "!$'()*,;"),
            ("%20%25%26%3a%2f%", "%20%25%26%3a%2f%"),
            ("%%3A", "%:"),
            ("", ""),
        ] {
            assert_eq!(decode(url), expected, "{url}");
        }
    }
}
