use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::Deserialize;

use super::*;
use crate::{
    model::event::EventKind,
    webhook::testing::{LIMIT, headers},
};

const NOW: i64 = 1_795_176_000;
const BODY: &str = "type=unsubscribe&data%5Bemail%5D=ada%40example.com";

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn site() -> SiteId {
    SiteId::new("site-1")
}

fn signature(secret: &str, sent: i64, body: &str) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), format!("{sent}.{body}").as_bytes());
    format!("t={sent},v1={}", hex::encode(tag))
}

fn open_with(secrets: &str, headers: &HeaderMap, body: &[u8]) -> Result<Vec<Event>, WebhookError> {
    let request = Request::new(&Method::POST, "/webhooks/mailchimp/site-1", headers, body, LIMIT)?;
    MailchimpVerifier::new(&secrets.into()).verify(&request, &site(), now())?.events()
}

/// The verdict on a header, with the one secret `own`.
fn verdict(header: &str) -> Option<WebhookError> {
    open_with("site-1=own", &headers(&[("x-mailchimp-signature", header)]), BODY.as_bytes()).err()
}

/// Reads a body as one that was verified: each address, with the time.
fn read(body: &[u8]) -> Result<Vec<String>, WebhookError> {
    let events = Verified { payload: Notice { site: site(), body }, received: now() }.events()?;
    let shown = |event: Event| {
        assert_eq!((&event.site, event.side, event.record, event.at), (&site(), Side::External, None, now()));
        let EventKind::SubscriptionChanged { address } = event.kind else { panic!("another kind") };
        address.as_str().to_owned()
    };
    Ok(events.into_iter().map(shown).collect())
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    secret: String,
    now_ms: i64,
    headers: BTreeMap<String, String>,
    body: String,
    expect: String,
}

/// Made by the recipe Mailchimp publishes, with two other implementations of HMAC.
#[test]
fn every_vector_is_judged_right() {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("vectors.json")).unwrap();
    assert_eq!(vectors.len(), 7);
    for vector in &vectors {
        let pair = |(name, value): (&String, &String)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        let headers: HeaderMap = vector.headers.iter().map(pair).collect();
        let request = Request::new(&Method::POST, "/", &headers, vector.body.as_bytes(), LIMIT).unwrap();
        let verifier = MailchimpVerifier::new(&format!("site-1={}", vector.secret).into());
        let verdict = verifier.verify(&request, &site(), Timestamp::from_millisecond(vector.now_ms).unwrap());
        assert_eq!(if verdict.is_ok() { "valid" } else { "invalid" }, vector.expect, "{}", vector.name);
        assert!(verdict.is_err() || verdict.unwrap().events().unwrap().len() == 1, "{}", vector.name);
    }
}

#[test]
fn what_was_sent_too_long_ago_or_ahead_is_refused() {
    for (after, expected) in [(0, None), (300, None), (-300, None), (301, Some(WebhookError::Stale)), (-301, Some(WebhookError::Stale))] {
        assert_eq!(verdict(&signature("own", NOW + after, BODY)), expected, "{after}");
    }
}

#[test]
fn a_malformed_header_is_refused() {
    let good = signature("own", NOW, BODY);
    let tag = good.rsplit_once('=').unwrap().1;
    for (header, expected) in [
        (String::new(), WebhookError::Unsigned),
        (format!("v1={tag}"), WebhookError::MalformedTimestamp),
        (format!("t=,v1={tag}"), WebhookError::MalformedTimestamp),
        (format!("t=soon,v1={tag}"), WebhookError::MalformedTimestamp),
        (format!("t=99999999999999999999,v1={tag}"), WebhookError::MalformedTimestamp),
        (format!("t={NOW}"), WebhookError::Signature),
        (format!("t={NOW},v1="), WebhookError::Signature),
        (format!("t={NOW},v1={}", &tag[..62]), WebhookError::Signature),
        (format!("t={NOW},v1={}", tag.to_uppercase()), WebhookError::Signature),
        (format!("t={NOW},v0={tag}"), WebhookError::Signature),
    ] {
        assert_eq!(verdict(&header), Some(expected), "{header}");
    }
    assert_eq!(open_with("site-1=own", &HeaderMap::new(), BODY.as_bytes()), Err(WebhookError::Unsigned));
    assert_eq!(verdict(&format!("v1={}, {good}", "0".repeat(64))), None);
}

#[test]
fn only_the_secrets_of_the_site_count() {
    let headers = headers(&[("x-mailchimp-signature", &signature("own", NOW, BODY))]);
    for (secrets, expected) in [
        ("site-1=own", true),
        ("site-1=old,site-1=own", true),
        ("site-1=own\nsite-1=new", true),
        ("*=own", true),
        ("site-1=new,*=own", false),
        ("site-2=own", false),
        ("site-1=", false),
        ("", false),
    ] {
        let opened = open_with(secrets, &headers, BODY.as_bytes());
        assert_eq!(opened.as_ref().err(), (!expected).then_some(&WebhookError::Signature), "{secrets}");
    }
    assert_eq!(open_with("site-1=own", &headers, b"type=campaign"), Err(WebhookError::Signature));
}

#[test]
fn every_address_of_a_notice_is_told() {
    for (body, expected) in [
        ("type=subscribe&fired_at=2009-03-26+21%3A35%3A57&data%5Bid%5D=8&data%5Bemail%5D=a%2Bb%40example.com", vec!["a+b@example.com"]),
        ("data[email]=ada%40example.com&type=profile&data[merges][EMAIL]=eve%40example.com", vec!["ada@example.com"]),
        ("type=cleaned&data[email]=%C3%A4da@example.com&data[reason]=hard", vec!["äda@example.com"]),
        ("type=unsubscribe&data[action]=delete&data[email]=ada@example.com", vec!["ada@example.com"]),
        ("type=upemail&data[new_email]=new@example.com&data[old_email]=old@example.com", vec!["old@example.com", "new@example.com"]),
        ("type=campaign&data[subject]=News&data[status]=sent", vec![]),
        ("type=of+the+future&data[email]=ada@example.com", vec![]),
    ] {
        assert_eq!(read(body.as_bytes()), Ok(expected.into_iter().map(str::to_owned).collect()), "{body}");
    }
}

#[test]
fn a_notice_that_says_not_whose_it_is_is_refused_by_name() {
    let long = format!("type=profile&data[email]={}", "x".repeat(321));
    for (body, expected) in [
        (&b""[..], "notice lacks type"),
        (b"{\"type\":\"subscribe\"}", "notice lacks type"),
        (b"type=subscribe", "notice lacks data[email]"),
        (b"type=subscribe&data[email]=+", "notice lacks data[email]"),
        (b"type=upemail&data[old_email]=a@example.com", "notice lacks data[new_email]"),
        (b"type=profile&data[email]=%FF@example.com", "data[email]: must be text in UTF-8"),
        (long.as_bytes(), "data[email]: must be an address of at most 320 bytes"),
    ] {
        assert_eq!(read(body).unwrap_err().to_string(), expected);
    }
}
