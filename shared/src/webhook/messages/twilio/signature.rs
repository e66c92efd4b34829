//! Twilio's signature: over the URL it was told, and the parameters in order.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::{digest, hmac};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::Method;
use url::form_urlencoded;

use super::super::{Trust, mac};
use crate::webhook::{Request, WebhookError};

/// The parameter that binds a body which is no form.
const BODY_DIGEST: &str = "bodySHA256";

/// Checks a request against each of the secrets. There is no time in it: a copy is known by its message's id.
pub(super) fn check(request: &Request<'_>, trust: &Trust<'_>) -> Result<(), WebhookError> {
    let signature = mac::header(request.headers, "x-twilio-signature", WebhookError::Unsigned)?;
    let tags = [STANDARD.decode(signature).map_err(|_| WebhookError::Signature)?];
    let bound = body_digest(request.target);
    let parameters = if bound.is_none() && request.method == Method::POST { sorted(request.body) } else { String::new() };
    let url = format!("{}{}", trust.public_url, request.target);
    let signed =
        |url: &String| mac::is_signed(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, trust.secrets, &[url.as_bytes(), parameters.as_bytes()], &tags);
    if !forms(url).iter().any(signed) {
        return Err(WebhookError::Signature);
    }
    if bound.is_none_or(|bound| bound == digest::digest(&digest::SHA256, request.body).as_ref()) {
        Ok(())
    } else {
        Err(WebhookError::Signature)
    }
}

/// Signs the one form that the tests of all services post.
#[cfg(test)]
pub(super) fn sign(signed: &super::super::tests::Signed<'_>) -> Vec<(&'static str, String)> {
    let text = format!("{}BodyHiFrom+12025550143MessageSidSM1", signed.url);
    let tag = super::super::tests::tag(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, signed.secret.as_bytes(), &text);
    vec![("x-twilio-signature", STANDARD.encode(tag))]
}

/// Returns the digest of the body that the URL names; an empty one if it is none.
fn body_digest(target: &str) -> Option<Vec<u8>> {
    let (_, query) = target.split_once('?')?;
    let (_, value) = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == BODY_DIGEST)?;
    Some(hex::decode(value.as_bytes()).unwrap_or_default())
}

/// Returns names and values of a form one after the other: names in order, the values of a repeated one in order and each once.
fn sorted(body: &[u8]) -> String {
    let mut parameters: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(body) {
        parameters.entry(name).or_default().insert(value);
    }
    let pairs = parameters.iter().flat_map(|(name, values)| values.iter().flat_map(move |value| [name.as_ref(), value.as_ref()]));
    pairs.collect()
}

/// Returns the URL as it is, and with or without the port that goes without saying: Twilio's servers do not agree on it.
fn forms(url: String) -> Vec<String> {
    let parts = url.split_once("://").and_then(|(scheme, rest)| {
        let port = match scheme {
            "https" => ":443",
            "http" => ":80",
            _ => return None,
        };
        let (host, path) = rest.find(['/', '?']).map_or((rest, ""), |at| rest.split_at(at));
        Some((format!("{scheme}://"), host, port, path))
    });
    let other = parts.and_then(|(scheme, host, port, path)| match host.strip_suffix(port) {
        Some(bare) => Some(format!("{scheme}{bare}{path}")),
        None if host.rsplit('@').next().is_some_and(|host| !host.contains(':')) => Some(format!("{scheme}{host}{port}{path}")),
        None => None,
    });
    [Some(url), other].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_port_may_be_there_or_not() {
        for (url, other) in [
            ("https://a.example/x?y", Some("https://a.example:443/x?y")),
            ("https://a.example:443/x", Some("https://a.example/x")),
            ("http://u:p@a.example/x", Some("http://u:p@a.example:80/x")),
            ("https://a.example:8443/x", None),
            ("https://a.example:80/x", None),
        ] {
            assert_eq!(forms(url.to_owned()).get(1).map(String::as_str), other, "{url}");
        }
    }
}
