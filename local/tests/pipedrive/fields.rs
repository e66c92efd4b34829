//! Custom fields: definitions in both versions, and the values they take.

use serde_json::{Value, json};

use super::client::{PERSONS, Pipedrive};

const FIELDS: &str = "/api/v2/personFields";

/// Makes a field of this type, with an option for each of the labels.
async fn define(pipedrive: &Pipedrive, kind: &str, labels: &str) -> String {
    let options: Vec<Value> = labels.split_whitespace().map(|label| json!({"label": label})).collect();
    let made = pipedrive.post(FIELDS, json!({"field_name": kind, "field_type": kind, "options": options})).await;
    made.data()["field_code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn definitions_are_known_by_a_hash() {
    let pipedrive = Pipedrive::start().await;
    let code = define(&pipedrive, "varchar", "").await;
    assert!(code.len() == 40 && code.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let shown = pipedrive.get(&format!("{FIELDS}/{code}")).await;
    assert_eq!((&shown.data()["field_name"], &shown.data()["is_custom_field"]), (&json!("varchar"), &json!(true)));
    assert_eq!(pipedrive.get(&format!("{FIELDS}/name")).await.data()["is_custom_field"], false);
    assert_ne!(define(&pipedrive, "varchar", "").await, code);
    let first = pipedrive.get(&format!("{FIELDS}?limit=11")).await;
    let rest = pipedrive.get(&format!("{FIELDS}?limit=11&cursor={}", first.cursor().unwrap())).await;
    assert_eq!((first.data()[10]["field_code"].as_str(), rest.data().as_array().unwrap().len(), rest.cursor()), (Some(&*code), 1, None));
    for (field, body) in [
        ("field_name", json!({"field_type": "varchar"})),
        ("field_type", json!({"field_name": "x", "field_type": "url"})),
        ("options", json!({"field_name": "x", "field_type": "enum"})),
    ] {
        assert_eq!(pipedrive.post(FIELDS, body).await.refuses(field), (400, true));
    }
}

#[tokio::test]
async fn version_1_knows_the_same_fields() {
    let pipedrive = Pipedrive::start().await;
    let made = pipedrive.post("/v1/personFields", json!({"name": "Wix ID", "field_type": "varchar"})).await;
    let key = made.data()["key"].as_str().unwrap().to_owned();
    assert_eq!(made.status, 201);
    assert_eq!(pipedrive.get(&format!("{FIELDS}/{key}")).await.data()["field_name"], "Wix ID");
    let listed = pipedrive.get("/api/v1/personFields?start=10&limit=1").await;
    assert_eq!((&listed.data()[0]["key"], &listed.data()[0]["edit_flag"]), (&json!(key), &json!(true)));
    assert_eq!(listed.body["additional_data"]["pagination"]["more_items_in_collection"], false);
}

#[tokio::test]
async fn values_are_checked_by_type() {
    let pipedrive = Pipedrive::start().await;
    let long = "x".repeat(256);
    for (kind, labels, good, bad) in [
        ("varchar", "", json!("x"), json!(long)),
        ("text", "", json!(long), json!(1)),
        ("double", "", json!(1.5), json!("1.5")),
        ("date", "", json!("2026-09-01"), json!("01.09.2026")),
        ("enum", "a b", json!(1), json!("a")),
        ("set", "c d", json!([3, 4]), json!([])),
        ("phone", "", json!("+1"), json!(1)),
        ("monetary", "", json!({"value": 5, "currency": "EUR"}), json!(5)),
        ("address", "", json!({"value": "1 Main St"}), json!("1 Main St")),
        ("user", "", json!(1), json!("1")),
        ("daterange", "", json!({"value": "2026-09-01", "until": "2026-09-02"}), json!({"value": "2026-09-01"})),
    ] {
        let code = define(&pipedrive, kind, labels).await;
        let body = |value: &Value| json!({"name": "Ada", "custom_fields": {code.clone(): value}});
        assert_eq!(pipedrive.post(PERSONS, body(&bad)).await.refuses(&code), (400, true), "{kind}");
        let made = pipedrive.post(PERSONS, body(&good)).await;
        assert_eq!(made.data()["custom_fields"][&code], good, "{kind}");
        let cleared = pipedrive.patch(&format!("{PERSONS}/{}", made.id()), body(&Value::Null)).await;
        assert_eq!(cleared.data()["custom_fields"][&code], Value::Null, "{kind}");
    }
}

#[tokio::test]
async fn a_patch_keeps_the_custom_fields_it_does_not_send() {
    let pipedrive = Pipedrive::start().await;
    let (one, two) = (define(&pipedrive, "varchar", "").await, define(&pipedrive, "text", "").await);
    let made = pipedrive.post(PERSONS, json!({"name": "Ada", "custom_fields": {one.clone(): "1"}})).await;
    let path = format!("{PERSONS}/{}", made.id());
    let changed = pipedrive.patch(&path, json!({"custom_fields": {two.clone(): "2"}})).await;
    assert_eq!(changed.data()["custom_fields"], json!({one.clone(): "1", two.clone(): "2"}));
    let chosen = pipedrive.get(&format!("{path}?custom_fields={two}")).await;
    assert_eq!(chosen.data()["custom_fields"], json!({two.clone(): "2"}));
    let many = vec!["x"; 16].join(",");
    assert_eq!(pipedrive.get(&format!("{path}?custom_fields={many}")).await.refuses("custom_fields"), (400, true));
    pipedrive.set("null_custom_fields", "absent");
    pipedrive.patch(&path, json!({"custom_fields": {one.clone(): null}})).await;
    assert_eq!(pipedrive.get(&path).await.data()["custom_fields"], json!({two: "2"}));
    assert_eq!(pipedrive.delete(&format!("{FIELDS}/{one}")).await.status, 200);
    assert_eq!(pipedrive.patch(&path, json!({"custom_fields": {one.clone(): "1"}})).await.refuses(&one), (400, true));
}
