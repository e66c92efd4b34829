use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, Method};
use serde_json::{Value, json};

use super::*;
use crate::webhook::testing::headers;

const SECRETS: &str = "s=bridge:old, s=bridge:new\nother=bridge:theirs\n";

fn now() -> Timestamp {
    "2026-11-28T12:00:00Z".parse().unwrap()
}

fn basic(credentials: &str) -> HeaderMap {
    headers(&[("authorization", &format!("Basic {}", STANDARD.encode(credentials)))])
}

fn open(headers: &HeaderMap, body: &str) -> Result<Vec<Event>, WebhookError> {
    let request = Request::new(&Method::POST, "/webhooks/pipedrive/s", headers, body.as_bytes(), 10_000)?;
    PipedriveVerifier::new(&SECRETS.into()).verify(&request, &"s".into(), now())?.events()
}

#[expect(clippy::needless_pass_by_value, reason = "callers give json literals")]
fn notice(meta: Value) -> String {
    let all = json!({"action": "change", "entity": "person", "entity_id": "7", "id": "n-1", "version": "2.0", "attempt": 1,
        "timestamp": "2026-11-28T11:59:58.123Z", "change_source": "app"});
    let mut all = all.as_object().unwrap().clone();
    all.extend(meta.as_object().unwrap().clone());
    json!({"meta": all, "data": {"id": 7, "name": "Ada"}, "previous": null}).to_string()
}

#[test]
fn credentials_of_the_site_are_good_old_and_new() {
    let body = notice(json!({}));
    for (headers, expected) in [
        (basic("bridge:old"), Ok(1)),
        (basic("bridge:new"), Ok(1)),
        (basic("bridge:theirs"), Err(WebhookError::Signature)),
        (basic("bridge:new "), Err(WebhookError::Signature)),
        (basic("bridge"), Err(WebhookError::Signature)),
        (basic(""), Err(WebhookError::MalformedToken)),
        (headers(&[("authorization", &format!("BASIC {}", STANDARD.encode("bridge:new")))]), Ok(1)),
        (headers(&[("authorization", "Bearer bridge:new")]), Err(WebhookError::MalformedToken)),
        (headers(&[("authorization", "Basic ???")]), Err(WebhookError::MalformedToken)),
        (headers(&[("authorization", "Basic")]), Err(WebhookError::MalformedToken)),
        (HeaderMap::new(), Err(WebhookError::Unsigned)),
    ] {
        assert_eq!(open(&headers, &body).map(|events| events.len()), expected, "{headers:?}");
    }
    let request = Request { method: &Method::POST, target: "/", headers: &basic(":"), body: body.as_bytes() };
    assert!(PipedriveVerifier::new(&SecretString::default()).verify(&request, &"s".into(), now()).is_err());
}

#[test]
fn a_notice_becomes_an_event() {
    let gone = || EventKind::Deleted { by_merge: false };
    for (meta, record, kind) in [
        (json!({"action": "create"}), "7", EventKind::Created),
        (json!({"attempt": 4, "entity_id": 7}), "7", EventKind::Updated { changes: vec![] }),
        (json!({"action": "delete"}), "7", gone()),
        (json!({"action": "delete", "merged_to_id": "9"}), "9", EventKind::Merged { from: vec!["7".into()] }),
        (json!({"action": "delete", "merged_to_id": 9}), "9", EventKind::Merged { from: vec!["7".into()] }),
        (json!({"action": "delete", "merged_to_id": 7}), "7", gone()),
        (json!({"action": "delete", "merged_to_id": null}), "7", gone()),
    ] {
        let [event] = <[Event; 1]>::try_from(open(&basic("bridge:new"), &notice(meta.clone())).unwrap()).unwrap();
        assert_eq!((event.record, event.kind), (Some(record.into()), kind), "{meta}");
        assert_eq!((event.side, event.id.as_deref(), event.at), (Side::External, Some("n-1"), "2026-11-28T11:59:58.123Z".parse().unwrap()));
    }
    let undated = open(&basic("bridge:new"), &notice(json!({"timestamp": "soon"}))).unwrap();
    assert_eq!(undated[0].at, now());
}

#[test]
fn what_is_of_no_concern_yields_nothing() {
    for meta in [json!({"entity": "deal"}), json!({"action": "merge"}), json!({"entity": "person_v9", "entity_id": null})] {
        assert_eq!(open(&basic("bridge:new"), &notice(meta)).unwrap(), []);
    }
}

#[test]
fn what_is_not_documented_is_refused_by_name() {
    let missing = |field| WebhookError::Missing { part: "notice", field };
    for (body, expected) in [
        ("{}".to_owned(), missing("meta")),
        (json!({"meta": {"v": 1, "action": "updated", "object": "person", "id": 7}}).to_string(), missing("meta.entity")),
        (notice(json!({"action": null})), missing("meta.action")),
        (notice(json!({"entity_id": "seven"})), missing("meta.entity_id")),
        (notice(json!({"entity_id": null})), missing("meta.entity_id")),
    ] {
        assert_eq!(open(&basic("bridge:new"), &body).unwrap_err(), expected, "{body}");
    }
    assert!(matches!(open(&basic("bridge:new"), "ada@example.com").unwrap_err(), WebhookError::Unreadable { .. }));
}
