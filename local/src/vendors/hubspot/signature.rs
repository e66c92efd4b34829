//! HubSpot's request signatures
//! (<https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests>).

use aws_lc_rs::{digest, hmac};
use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Escapes that are decoded in the URI before it is signed; all others stay as they are.
const DECODED: &[(&str, &str)] = &[
    ("%3A", ":"),
    ("%2F", "/"),
    ("%3F", "?"),
    ("%40", "@"),
    ("%21", "!"),
    ("%24", "$"),
    ("%27", "'"),
    ("%28", "("),
    ("%29", ")"),
    ("%2A", "*"),
    ("%2C", ","),
    ("%3B", ";"),
];

/// `X-HubSpot-Signature-v3`: base64 HMAC-SHA256 of method, URI, body and timestamp.
pub(super) fn v3(secret: &str, url: &str, body: &str, timestamp_ms: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let source = format!("POST{}{body}{timestamp_ms}", signed_uri(url));
    STANDARD.encode(hmac::sign(&key, source.as_bytes()))
}

/// `X-HubSpot-Signature`, version 1: hex SHA-256 of secret and body.
pub(super) fn v1(secret: &str, body: &str) -> String {
    let source = format!("{secret}{body}");
    hex::encode(digest::digest(&digest::SHA256, source.as_bytes()))
}

fn signed_uri(url: &str) -> String {
    let url = url.split('#').next().unwrap_or(url);
    DECODED.iter().fold(url.to_owned(), |uri, (escape, plain)| uri.replace(escape, plain).replace(&escape.to_lowercase(), plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy";

    #[test]
    fn the_table_decodes_only_its_own_escapes() {
        let uri = signed_uri("https://h.example/a%20b%2Fc?x=%40y%26#frag");
        assert_eq!(uri, "https://h.example/a%20b/c?x=@y%26");
    }

    #[test]
    fn version_one_hashes_secret_and_body() {
        assert_eq!(v1(SECRET, "").len(), 64);
        assert_ne!(v1(SECRET, "[]"), v1("other", "[]"));
    }
}
