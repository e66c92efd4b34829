use super::*;
use crate::{
    model::{
        contact::Contact,
        field::{Fields, Patch, Value},
    },
    ports::{ContactStore, Draft},
};

fn draft() -> Draft {
    let fields = Fields::from([("email".into(), Value::text("ada@example.com").unwrap())]);
    Draft { counterpart: "w1".into(), fields }
}

fn patch() -> Patch {
    Patch::from([("firstname".into(), None), ("email".into(), Value::text("ada@example.com"))])
}

fn upserts() -> String {
    format!("{CONTACTS}/batch/upsert")
}

async fn present(portal: &Portal, id: &str) -> Contact {
    portal.answer("GET", record(id), 200, object(id, json!({}))).await;
    let contact = portal.client.read(id, None).await.unwrap().unwrap();
    portal.server.reset().await;
    contact
}

#[tokio::test]
async fn a_create_is_an_upsert_that_can_be_repeated() {
    let portal = Portal::new().await;
    let row = object("512", json!({"email": "ada@example.com", "wix_contact_id": "w1"}));
    portal.answer("POST", upserts(), 200, json!({"status": "COMPLETE", "results": [row]})).await;
    let contact = portal.client.create(&draft()).await;
    assert_eq!(contact.unwrap().id, "512".into());
    let input = json!({"id": "w1", "idProperty": "wix_contact_id", "objectWriteTraceId": "w1",
        "properties": {"email": "ada@example.com", "wix_contact_id": "w1"}});
    assert_eq!(portal.body(0).await, json!({ "inputs": [input] }));
    assert_eq!(portal.calls().await.len(), 1);
}

#[tokio::test]
async fn a_contact_that_has_the_email_is_named_in_every_form() {
    let clash = "Contact already exists. Existing ID: 512";
    let row = json!({"status": "error", "category": "CONFLICT", "message": clash, "context": {"objectWriteTraceId": ["w1"]}});
    let multi = |row: Json| json!({"status": "COMPLETE", "results": [], "numErrors": 1, "errors": [row]});
    let some = ErrorKind::Exists(Some("512".into()));
    for (status, body, expected) in [
        (207, multi(row.clone()), some.clone()),
        (207, multi(json!({"category": "CONFLICT", "message": clash, "context": {"ids": ["w1"]}})), some.clone()),
        (207, multi(json!({"category": "CONFLICT", "message": "Contact already exists."})), ErrorKind::Exists(None)),
        (200, multi(row), some.clone()),
        (400, json!({"status": "error", "category": "VALIDATION_ERROR", "message": clash}), some.clone()),
        (409, json!({"status": "error", "category": "CONFLICT", "message": clash}), some),
        (409, json!({"status": "error", "category": "CONFLICT", "message": "Contact already exists."}), ErrorKind::Exists(None)),
    ] {
        let portal = Portal::new().await;
        portal.answer("POST", upserts(), status, body.clone()).await;
        let error = portal.client.create(&draft()).await.unwrap_err();
        assert_eq!((error.kind, &*error.operation), (expected, "hubspot create for w1"), "{body}");
        assert_eq!(portal.calls().await.len(), 1);
    }
}

#[tokio::test]
async fn a_lost_create_is_ambiguous_and_not_repeated_from_here() {
    for reply in [ResponseTemplate::new(502), ResponseTemplate::new(200).set_body_string("{\"status\":\"COMP")] {
        let portal = Portal::new().await;
        portal.reply("POST", upserts(), reply).await;
        assert!(kind(portal.client.create(&draft()).await).is_ambiguous());
        assert_eq!(portal.calls().await.len(), 1);
    }
}

#[tokio::test]
async fn an_update_clears_with_the_empty_text_and_returns_the_record_as_it_is() {
    let portal = Portal::new().await;
    let current = present(&portal, "512").await;
    let partial = json!({"id": "512", "updatedAt": "2026-02-02T00:00:00Z", "properties": {"email": "ada@example.com", "firstname": ""}});
    portal.answer("PATCH", record("512"), 200, partial).await;
    portal.answer("GET", record("512"), 200, object("512", json!({"email": "ada@example.com", "phone": "1"}))).await;
    let contact = portal.client.update(&current, &patch()).await.unwrap();
    assert_eq!((text(&contact, "email"), text(&contact, "phone")), (Some("ada@example.com"), Some("1")));
    assert_eq!(portal.body(0).await, json!({"properties": {"email": "ada@example.com", "firstname": ""}}));
}

#[tokio::test]
async fn a_failure_behind_a_write_does_not_look_like_no_write() {
    for (status, body) in [(429, json!({"policyName": "DAILY"})), (403, json!({})), (200, json!({"id": "512"}))] {
        let portal = Portal::new().await;
        let current = present(&portal, "512").await;
        portal.answer("PATCH", record("512"), 200, json!({"id": "512", "properties": {}})).await;
        portal.answer("GET", record("512"), status, body).await;
        assert!(kind(portal.client.update(&current, &patch()).await).is_ambiguous());
    }
}

#[tokio::test]
async fn a_refused_update_says_why() {
    let clash = json!({"category": "CONFLICT", "message": "Contact already exists. Existing ID: 7"});
    let invalid = json!({"category": "VALIDATION_ERROR", "message": "no",
        "errors": [{"message": "no", "code": "INVALID_EMAIL", "context": {"propertyName": ["email"]}}]});
    for (status, body, expected) in [
        (409, clash, ErrorKind::Exists(Some("7".into()))),
        (400, invalid, ErrorKind::Invalid(vec!["email".into()])),
        (404, not_found(), ErrorKind::NotFound),
        (403, json!({"category": "MISSING_SCOPES"}), ErrorKind::AccessDenied),
        (500, json!({}), ErrorKind::Unavailable),
    ] {
        let portal = Portal::new().await;
        let current = present(&portal, "512").await;
        portal.answer("PATCH", record("512"), status, body).await;
        assert_eq!(kind(portal.client.update(&current, &patch()).await), expected);
        assert_eq!(portal.calls().await.len(), 1);
    }
}

#[tokio::test]
async fn nothing_to_write_is_not_sent() {
    let portal = Portal::new().await;
    let mut current = present(&portal, "512").await;
    portal.client.update(&current, &Patch::new()).await.unwrap();
    let split = Patch::from([("tags".into(), Some(Value::List(vec!["a;b".to_owned()])))]);
    assert_eq!(kind(portal.client.update(&current, &split).await), ErrorKind::Invalid(vec!["tags".into()]));
    current.counterpart = Some("w1".into());
    assert_eq!(portal.client.set_counterpart(&current, &"w1".into()).await.unwrap().counterpart, Some("w1".into()));
    assert!(portal.calls().await.is_empty());
}

#[tokio::test]
async fn a_counterpart_is_written_over_none_and_over_one_that_ended() {
    for before in [None, Some("w9".into())] {
        let portal = Portal::new().await;
        let mut current = present(&portal, "512").await;
        current.counterpart = before;
        portal.answer("PATCH", record("512"), 200, object("512", json!({"wix_contact_id": "w1"}))).await;
        assert_eq!(portal.client.set_counterpart(&current, &"w1".into()).await.unwrap().counterpart, Some("w1".into()));
        assert_eq!(portal.body(0).await, json!({"properties": {"wix_contact_id": "w1"}}));
    }
}

#[tokio::test]
async fn deleting_what_is_gone_is_done() {
    let portal = Portal::new().await;
    portal.reply("DELETE", record("1"), ResponseTemplate::new(204)).await;
    portal.answer("DELETE", record("1"), 404, not_found()).await;
    portal.reply("POST", format!("{CONTACTS}/gdpr-delete"), ResponseTemplate::new(204)).await;
    portal.answer("POST", format!("{CONTACTS}/gdpr-delete"), 404, not_found()).await;
    for _ in 0..2 {
        portal.client.delete(&"1".into()).await.unwrap();
        portal.client.erase(&"1".into()).await.unwrap();
    }
    assert_eq!(portal.body(1).await, json!({"objectId": "1"}));
    portal.reply("DELETE", record("2"), ResponseTemplate::new(404).set_body_string("<html>")).await;
    assert_eq!(kind(portal.client.delete(&"2".into()).await), ErrorKind::Garbled);
}

#[tokio::test]
async fn a_merge_returns_the_record_that_is_left() {
    let portal = Portal::new().await;
    let winner = present(&portal, "1").await;
    portal.answer("POST", format!("{CONTACTS}/merge"), 200, object("3", json!({"hs_merged_object_ids": "1;2"}))).await;
    assert_eq!(portal.client.merge(&winner, &"2".into()).await.unwrap().id, "3".into());
    assert_eq!(portal.body(0).await, json!({"primaryObjectId": "1", "objectIdToMerge": "2"}));
}

#[tokio::test]
async fn a_merge_that_was_carried_out_before_is_done() {
    for (left, merged, done) in [("3", "1;2", true), ("1", "2", true), ("4", "2", false)] {
        let portal = Portal::new().await;
        let winner = present(&portal, "1").await;
        portal.answer("POST", format!("{CONTACTS}/merge"), 400, json!({"category": "VALIDATION_ERROR", "message": "no"})).await;
        portal.answer("GET", record("2"), 200, object(left, json!({"hs_merged_object_ids": merged}))).await;
        assert_eq!(portal.client.merge(&winner, &"2".into()).await.is_ok(), done, "{left}");
    }
}

#[tokio::test]
async fn the_primary_address_is_not_among_the_additional_ones() {
    let list = |items: &[&str]| Value::list(items.iter().map(|item| (*item).to_owned()));
    let cases = [
        (Patch::from([("hs_additional_emails".into(), list(&["b@x.io", "A@x.io"]))]), json!({"hs_additional_emails": "b@x.io"})),
        (Patch::from([("email".into(), Value::text("c@x.io"))]), json!({"email": "c@x.io", "hs_additional_emails": ""})),
        (Patch::from([("firstname".into(), Value::text("Ada"))]), json!({"firstname": "Ada"})),
    ];
    for (patch, expected) in cases {
        let portal = Portal::with("token-1", &["firstname", "email", "hs_additional_emails"]).await;
        let known = object("512", json!({"email": "a@x.io", "hs_additional_emails": "c@x.io"}));
        portal.answer("GET", record("512"), 200, known.clone()).await;
        let current = portal.client.read("512", None).await.unwrap().unwrap();
        portal.answer("PATCH", record("512"), 200, known).await;
        portal.client.update(&current, &patch).await.unwrap();
        assert_eq!(portal.body(1).await, json!({ "properties": expected }));
    }
}
