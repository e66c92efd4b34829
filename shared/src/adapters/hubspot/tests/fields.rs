use super::*;
use crate::{
    model::{
        field::{Kind, Value},
        ids::Revision,
    },
    ports::ContactStore,
};

#[tokio::test]
async fn history_is_what_the_property_had_since_oldest_first() {
    let portal = Portal::new().await;
    let version = |value: &str, at: Json, kind: &str, source: Json| json!({"value": value, "timestamp": at, "sourceType": kind, "sourceId": source});
    let mut object = object("512", json!({}));
    object["propertiesWithHistory"] = json!({"firstname": [
        version("D", json!("2026-02-01T00:00:03Z"), "INTEGRATION", json!(77)),
        version("", json!("2026-02-01T00:00:02Z"), "CRM_UI", json!("userId:1")),
        version("B", json!(1_769_904_000_123_i64), "INTEGRATION", json!("78")),
        version("A", json!("2026-01-31T23:59:59Z"), "INTEGRATION", json!("77")),
    ]});
    portal.answer("GET", record("512"), 200, object).await;
    let past = portal.client.history(&"512".into(), &"firstname".into(), &Revision::new("2026-02-01T00:00:00.123Z")).await.unwrap();
    let past: Vec<_> = past.into_iter().map(|past| (past.value, past.ours)).collect();
    assert_eq!(past, [(Value::text("B"), false), (None, false), (Value::text("D"), true)]);
    let query = portal.server.received_requests().await.unwrap()[0].url.query().unwrap().to_owned();
    assert!(query.ends_with("&propertiesWithHistory=firstname"), "{query}");
}

#[tokio::test]
async fn a_history_that_is_not_understood_is_not_guessed() {
    for version in [json!({"value": "A"}), json!({"value": "A", "timestamp": "yesterday"}), json!({"value": [], "timestamp": 1})] {
        let portal = Portal::new().await;
        let mut object = object("512", json!({}));
        object["propertiesWithHistory"] = json!({ "firstname": [version] });
        portal.answer("GET", record("512"), 200, object).await;
        assert_eq!(kind(portal.client.history(&"512".into(), &"firstname".into(), &"x".into()).await), ErrorKind::Garbled);
    }
}

#[tokio::test]
async fn the_schema_is_the_list_of_properties() {
    let portal = Portal::new().await;
    let list = json!({"results": [{"name": "firstname", "type": "string", "fieldType": "text"},
        {"name": "createdate", "type": "datetime", "fieldType": "date", "modificationMetadata": {"readOnlyValue": true}}]});
    portal.answer("GET", PROPERTIES, 200, list).await;
    let schema = portal.client.schema().await.unwrap();
    let schema: Vec<_> = schema.iter().map(|spec| (spec.field.as_str(), &spec.kind, spec.writable)).collect();
    assert_eq!(schema, [("firstname", &Kind::Text, true), ("createdate", &Kind::Text, false)]);
}

#[tokio::test]
async fn dates_and_checkboxes_are_read_as_the_portal_declares_them() {
    let portal = Portal::with("token-1", &["since", "tags"]).await;
    let options = json!([{"value": "a"}, {"value": "b"}]);
    let list = json!({"results": [{"name": "since", "type": "date"},
        {"name": "tags", "type": "enumeration", "fieldType": "checkbox", "options": options}]});
    portal.answer("GET", PROPERTIES, 200, list).await;
    portal.answer("GET", record("1"), 200, object("1", json!({"since": "577929600000", "tags": "b;a"}))).await;
    let contact = portal.client.read("1", None).await.unwrap().unwrap();
    assert_eq!(text(&contact, "since"), Some("1988-04-25"));
    assert_eq!(contact.get(&"tags".into()), Some(&Value::List(vec!["b".to_owned(), "a".to_owned()])));
}

#[tokio::test]
async fn set_up_makes_what_is_missing_and_finds_it_again() {
    let portal = Portal::new().await;
    let (unique, labels) = (json!({"name": "wix_contact_id", "hasUniqueValue": true}), json!({"name": "wix_labels"}));
    portal.answer("GET", PROPERTIES, 200, json!({"results": []})).await;
    portal.answer("POST", PROPERTIES, 201, unique.clone()).await;
    portal.answer("POST", PROPERTIES, 409, json!({"category": "CONFLICT", "message": "A property named wix_labels already exists."})).await;
    portal.answer("GET", PROPERTIES, 200, json!({"results": [unique, labels]})).await;
    assert_eq!(portal.client.set_up().await.unwrap(), "wix_contact_id");
    let definition = json!({"name": "wix_contact_id", "label": "Wix contact ID", "type": "string", "fieldType": "text",
        "groupName": "contactinformation", "hasUniqueValue": true});
    assert_eq!((portal.body(1).await, portal.calls().await.len()), (definition, 4));
    portal.server.reset().await;
    portal.answer("GET", PROPERTIES, 200, json!({"results": [unique, labels]})).await;
    assert_eq!(portal.client.set_up().await.unwrap(), "wix_contact_id");
    assert_eq!(portal.calls().await.len(), 1);
}

#[tokio::test]
async fn a_property_of_our_name_that_is_not_unique_is_refused() {
    let portal = Portal::new().await;
    portal.answer("GET", PROPERTIES, 200, json!({"results": [{"name": "wix_contact_id"}]})).await;
    assert_eq!(kind(portal.client.set_up().await), ErrorKind::Exists(None));
}
