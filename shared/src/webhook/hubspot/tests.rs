use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::*;
use crate::{
    model::{
        event::{Event, EventKind, FieldChange},
        ids::RecordId,
    },
    webhook::testing::{LIMIT, hubspot_headers},
};

const PUBLIC_URL: &str = "https://bridge.example.com";
const SECRETS: &str = "test-client-secret-1, test-client-secret-2, site-3=test-client-secret-3";
const NOW_MS: i64 = 1_795_176_000_000;

fn open(secret: &str, site: &str, body: &[u8]) -> Result<Vec<Event>, WebhookError> {
    let target = format!("/webhooks/hubspot/{site}");
    let headers = hubspot_headers(secret, &format!("{PUBLIC_URL}{target}"), body, NOW_MS);
    let request = Request::new(&Method::POST, &target, &headers, body, LIMIT)?;
    let verifier = HubspotVerifier::new(PUBLIC_URL, SECRETS)?;
    verifier.verify(&request, &SiteId::new(site), Timestamp::from_millisecond(NOW_MS).unwrap())?.events()
}

impl From<SetUpError> for WebhookError {
    fn from(error: SetUpError) -> Self {
        panic!("{error}")
    }
}

fn read(notices: &Value) -> Result<Vec<Event>, WebhookError> {
    open("test-client-secret-1", "site-1", notices.to_string().as_bytes())
}

/// What each event is about and of what kind.
fn kinds(notices: &Value) -> Vec<(String, EventKind)> {
    let events = read(notices).unwrap();
    events.into_iter().map(|event| (event.record.unwrap().as_str().to_owned(), event.kind)).collect()
}

fn updated(changes: &[(&str, i64)]) -> EventKind {
    let at = |ms| Timestamp::from_millisecond(ms).unwrap();
    EventKind::Updated {
        changes: changes.iter().map(|(field, ms)| FieldChange { field: (*field).to_owned(), at: at(*ms), ours: false }).collect(),
    }
}

fn changed(id: u64, property: &str, at: i64) -> Value {
    json!({"subscriptionType": "contact.propertyChange", "objectId": id, "propertyName": property, "propertyValue": "x", "occurredAt": at})
}

fn noted(subscription_type: &str, id: u64, at: i64) -> Value {
    json!({"subscriptionType": subscription_type, "objectId": id, "occurredAt": at})
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    now_ms: i64,
    method: String,
    target: String,
    headers: BTreeMap<String, String>,
    body: String,
    expect: String,
}

impl Vector {
    fn verdict(&self) -> String {
        let pair = |(name, value): (&String, &String)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        let headers: HeaderMap = self.headers.iter().map(pair).collect();
        let method: Method = self.method.parse().unwrap();
        let request = Request::new(&method, &self.target, &headers, self.body.as_bytes(), LIMIT).unwrap();
        let now = Timestamp::from_millisecond(self.now_ms).unwrap();
        let outcome = HubspotVerifier::new(PUBLIC_URL, SECRETS).unwrap().verify(&request, &SiteId::new("site-1"), now);
        outcome.map_or_else(|error| format!("{error:?}"), |_| "valid".to_owned())
    }
}

/// The vectors were computed with another implementation of HMAC.
#[test]
fn every_vector_is_judged_right() {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("vectors.json")).unwrap();
    for vector in &vectors {
        assert_eq!(vector.verdict(), vector.expect, "{}", vector.name);
    }
}

#[test]
fn a_site_with_its_own_app_accepts_no_other_secret() {
    for (secret, site, expected) in [
        ("test-client-secret-3", "site-3", Ok(vec![])),
        ("test-client-secret-1", "site-3", Err(WebhookError::Signature)),
        ("test-client-secret-2", "site-1", Ok(vec![])),
        ("test-client-secret-3", "site-1", Err(WebhookError::Signature)),
    ] {
        assert_eq!(open(secret, site, b"[]"), expected, "{secret} {site}");
    }
}

#[test]
fn without_secrets_nothing_is_accepted() {
    let headers = hubspot_headers("", PUBLIC_URL, b"[]", NOW_MS);
    let request = Request::new(&Method::POST, "", &headers, b"[]", LIMIT).unwrap();
    let verifier = HubspotVerifier::new(PUBLIC_URL, " , ").unwrap();
    let outcome = verifier.verify(&request, &SiteId::new("site-1"), Timestamp::from_millisecond(NOW_MS).unwrap());
    assert_eq!(outcome.err(), Some(WebhookError::Signature));
    assert!(HubspotVerifier::new(PUBLIC_URL, "a,site-1=").is_err());
}

#[test]
fn each_kind_is_read_under_both_names() {
    let kinds_of = |action: &str| {
        let id = 512;
        let contact = kinds(&json!([noted(&format!("contact.{action}"), id, NOW_MS)]));
        let object = json!([{"eventType": format!("object.{action}"), "objectTypeId": "0-1", "objectId": "512", "occurredAt": NOW_MS}]);
        assert_eq!(contact, kinds(&object));
        contact
    };
    for (action, kind) in [
        ("creation", EventKind::Created),
        ("propertyChange", updated(&[])),
        ("deletion", EventKind::Deleted { by_merge: false }),
        ("privacyDeletion", EventKind::Erased),
        ("restore", EventKind::Restored),
        ("merge", EventKind::Merged { from: vec![] }),
    ] {
        assert_eq!(kinds_of(action), [("512".to_owned(), kind)]);
    }
}

#[test]
fn what_is_no_concern_of_ours_yields_nothing() {
    let notices = json!([
        {"subscriptionType": "contact.associationChange", "fromObjectId": 1, "toObjectId": 2},
        {"subscriptionType": "contact.somethingNew", "objectId": {"a": 1}},
        {"subscriptionType": "company.creation", "objectId": 1},
        {"subscriptionType": "object.creation", "objectTypeId": "0-2", "objectId": 1},
        {"subscriptionType": "object.creation", "objectId": 1},
        {"subscriptionType": "conversation.newMessage"},
        {"subscriptionType": ""},
    ]);
    assert_eq!(read(&notices), Ok(vec![]));
}

#[test]
fn property_changes_of_one_contact_become_one_event() {
    let notices = json!([changed(1, "email", 20), changed(2, "email", 15), changed(1, "city", 10), changed(1, "city", 10)]);
    let expected = [("2".to_owned(), updated(&[("email", 15)])), ("1".to_owned(), updated(&[("city", 10), ("email", 20)]))];
    assert_eq!(kinds(&notices), expected);
}

#[test]
fn a_change_that_names_its_own_app_as_author_is_ours() {
    for (source, ours) in [
        (json!({"changeSource": "INTEGRATION", "sourceId": "7", "appId": 7}), true),
        (json!({"changeSource": "INTEGRATION", "sourceId": 7, "appId": "7"}), true),
        (json!({"changeSource": "INTEGRATION", "sourceId": "8", "appId": 7}), false),
        (json!({"changeSource": "INTEGRATION"}), false),
        (json!({"changeSource": "CRM_UI", "sourceId": "7", "appId": 7}), false),
    ] {
        let mut notice = changed(1, "email", 20);
        notice.as_object_mut().unwrap().extend(source.as_object().unwrap().clone());
        let [(_, EventKind::Updated { changes })] = &kinds(&json!([notice]))[..] else { panic!("{source}") };
        assert_eq!(changes.iter().map(|change| change.ours).collect::<Vec<_>>(), [ours], "{source}");
    }
}

#[test]
fn the_order_of_notices_does_not_matter() {
    let notices = [changed(1, "email", 20), noted("contact.creation", 1, 10), changed(1, "city", 10), noted("contact.deletion", 1, 30)];
    let expected = kinds(&json!(notices));
    assert_eq!(expected.iter().map(|(_, kind)| kind.name()).collect::<Vec<_>>(), ["created", "updated", "deleted"]);
    for turn in 0..notices.len() {
        let mut turned = notices.clone();
        turned.rotate_left(turn);
        assert_eq!(kinds(&json!(turned)), expected);
        turned.reverse();
        assert_eq!(kinds(&json!(turned)), expected);
    }
}

#[test]
fn the_winner_of_a_merge_is_the_record_that_is_there_afterwards() {
    let merged = |from: &[&str]| EventKind::Merged { from: from.iter().map(|id| RecordId::from(*id)).collect() };
    for (ids, winner, from) in [
        (json!({"objectId": 1, "primaryObjectId": 1, "mergedObjectIds": [2], "newObjectId": 3}), "3", vec!["1", "2"]),
        (json!({"objectId": 3, "primaryObjectId": 1, "mergedObjectIds": [2, 4], "newObjectId": 3}), "3", vec!["1", "2", "4"]),
        (json!({"objectId": 1, "primaryObjectId": 1, "mergedObjectIds": ["2"], "newObjectId": "1"}), "1", vec!["2"]),
        (json!({"objectId": 1, "primaryObjectId": 1, "mergedObjectIds": [2]}), "1", vec!["2"]),
        (json!({"objectId": 1, "mergedObjectIds": [2], "newObjectId": null}), "1", vec!["2"]),
    ] {
        let mut notice = noted("contact.merge", 0, NOW_MS);
        notice.as_object_mut().unwrap().extend(ids.as_object().unwrap().clone());
        assert_eq!(kinds(&json!([notice])), [(winner.to_owned(), merged(&from))], "{ids}");
    }
}

#[test]
fn a_delete_of_a_record_that_was_merged_in_the_same_request_says_so() {
    let merge = json!({"subscriptionType": "contact.merge", "primaryObjectId": 1, "mergedObjectIds": [2], "occurredAt": 20});
    let notices = json!([noted("contact.deletion", 2, 10), merge, noted("contact.deletion", 9, 30)]);
    let deleted = |by_merge| EventKind::Deleted { by_merge };
    let kinds: Vec<_> = kinds(&notices).into_iter().map(|(_, kind)| kind).collect();
    assert_eq!(kinds, [deleted(true), EventKind::Merged { from: vec!["2".into()] }, deleted(false)]);
}

#[test]
fn one_unreadable_notice_does_not_hold_up_the_others() {
    let bad = json!({"subscriptionType": "contact.creation", "objectId": null});
    assert_eq!(kinds(&json!([bad, 7, noted("contact.creation", 5, 10)])), [("5".to_owned(), EventKind::Created)]);
    assert_eq!(read(&json!([bad])), Err(WebhookError::Missing { part: "notice", field: "objectId" }));
    assert_eq!(read(&json!([7])), Err(WebhookError::Missing { part: "notice", field: "subscriptionType" }));
}

#[test]
fn a_time_that_is_missing_or_absurd_is_the_time_of_arrival() {
    for at in [Value::Null, json!(i64::MAX)] {
        let notice = json!({"subscriptionType": "contact.creation", "objectId": 5, "occurredAt": at});
        assert_eq!(read(&json!([notice])).unwrap()[0].at.as_millisecond(), NOW_MS);
    }
}

#[test]
fn a_body_that_is_no_array_is_unparsable() {
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    for body in ["", "{}", "null", "[", "[{}", "eventId=1", deep.as_str()] {
        let status = open("test-client-secret-1", "site-1", body.as_bytes()).unwrap_err().status();
        assert_eq!(status, StatusCode::BAD_REQUEST);
    }
}

#[test]
fn more_notices_than_hubspot_sends_are_read() {
    let notices: Vec<Value> = (0..500).map(|id| noted("contact.creation", id, NOW_MS)).collect();
    assert_eq!(read(&json!(notices)).unwrap().len(), 500);
}

#[test]
fn ten_megabytes_are_refused_unread() {
    let body = vec![b'['; 10 * 1024 * 1024];
    assert_eq!(open("test-client-secret-1", "site-1", &body).unwrap_err().status(), StatusCode::PAYLOAD_TOO_LARGE);
}
