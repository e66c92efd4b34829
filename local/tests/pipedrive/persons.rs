//! Writing and reading single persons.

use reqwest::Method;
use serde_json::json;

use super::client::{PERSONS, Pipedrive};

#[tokio::test]
async fn a_person_has_one_primary_address() {
    let pipedrive = Pipedrive::start().await;
    let body = json!({"name": "Ada Mary Lovelace", "emails": [{"value": "a@example.com"}, {"value": "b@example.com", "label": "home"}]});
    let made = pipedrive.post(PERSONS, body).await;
    let person = made.data();
    let emails = json!([
        {"value": "a@example.com", "primary": true, "label": "work"}, {"value": "b@example.com", "primary": false, "label": "home"},
    ]);
    assert_eq!((&person["emails"], &person["phones"], &person["is_deleted"]), (&emails, &json!([]), &json!(false)));
    assert_eq!((&person["first_name"], &person["last_name"]), (&json!("Ada"), &json!("Mary Lovelace")));
    assert_eq!((&person["add_time"], &person["update_time"]), (&json!("2026-02-02T02:40:00Z"), &json!("2026-02-02T02:40:00Z")));
    pipedrive.set("name_split", "last_word");
    let shown = pipedrive.get(&format!("{PERSONS}/{}", made.id())).await;
    assert_eq!((&shown.data()["first_name"], &shown.data()["last_name"]), (&json!("Ada Mary"), &json!("Lovelace")));
}

#[tokio::test]
async fn a_patch_changes_what_it_sends() {
    let pipedrive = Pipedrive::start().await;
    let path = format!("{PERSONS}/{}", pipedrive.create("Ada").await);
    pipedrive.advance(5_000);
    let phones = json!([{"value": "+1 555", "primary": true, "label": "mobile"}]);
    let changed = pipedrive.patch(&path, json!({"phones": phones, "org_id": 3})).await;
    let person = changed.data();
    assert_eq!((&person["name"], &person["phones"], &person["org_id"]), (&json!("Ada"), &phones, &json!(3)));
    assert_eq!(person["update_time"], "2026-02-02T02:40:05Z");
    pipedrive.advance(5_000);
    assert_eq!(pipedrive.patch(&path, json!({"phones": phones})).await.data()["update_time"], "2026-02-02T02:40:05Z");
    let cleared = pipedrive.patch(&path, json!({"emails": [], "org_id": null})).await;
    assert_eq!((&cleared.data()["emails"], &cleared.data()["org_id"]), (&json!([]), &json!(null)));
}

#[tokio::test]
async fn bodies_are_checked_strictly() {
    let pipedrive = Pipedrive::start().await;
    for (field, body) in [
        ("name", json!({})),
        ("name", json!({"name": " "})),
        ("owner_id", json!({"name": "Ada", "owner_id": "1"})),
        ("emails", json!({"name": "Ada", "emails": ["a@example.com"]})),
        ("emails", json!({"name": "Ada", "emails": [{"value": "a", "primary": true}, {"value": "b", "primary": true}]})),
        ("phones", json!({"name": "Ada", "phones": [{"value": "1", "primary": 1}]})),
        ("visible_to", json!({"name": "Ada", "visible_to": 2})),
        ("custom_fields", json!({"name": "Ada", "custom_fields": []})),
        ("nickname", json!({"name": "Ada", "nickname": "A"})),
        ("add_time", json!({"name": "Ada", "add_time": "2026-01-01 10:00:00"})),
    ] {
        assert_eq!(pipedrive.post(PERSONS, body.clone()).await.refuses(field), (400, true), "{body}");
    }
    assert_eq!(pipedrive.post(PERSONS, json!({"name": "Ada", "job_title": "CEO"})).await.refuses("job_title"), (403, true));
    assert_eq!(pipedrive.post(PERSONS, json!([])).await.status, 400);
    assert!(pipedrive.sim.contacts(None).unwrap().is_empty());
    pipedrive.set("unknown_key", "ignored");
    pipedrive.set("create_status", "201");
    assert_eq!(pipedrive.post(PERSONS, json!({"name": "Ada", "nickname": "A"})).await.status, 201);
}

#[tokio::test]
async fn nothing_keeps_two_persons_from_the_same_address() {
    let pipedrive = Pipedrive::start().await;
    assert_ne!(pipedrive.create("Ada").await, pipedrive.create("Ada").await);
}

#[tokio::test]
async fn a_deleted_person_can_be_looked_at_for_a_month() {
    let pipedrive = Pipedrive::start().await;
    let path = format!("{PERSONS}/{}", pipedrive.create("Ada").await);
    assert_eq!(pipedrive.delete(&path).await.data(), &json!({"id": 1}));
    assert_eq!(pipedrive.get(&path).await.data()["is_deleted"], true);
    assert_eq!((pipedrive.delete(&path).await.status, pipedrive.patch(&path, json!({"name": "Eve"})).await.status), (404, 404));
    pipedrive.set("deleted_get", "not_found");
    assert_eq!(pipedrive.get(&path).await.status, 404);
    pipedrive.set("deleted_get", "returned");
    pipedrive.advance(30 * 86_400_000);
    assert_eq!(pipedrive.get(&path).await.status, 404);
}

#[tokio::test]
async fn people_act_in_their_company() {
    let pipedrive = Pipedrive::start().await;
    let body = json!({"name": "Ada"});
    pipedrive.by_hand(Method::POST, PERSONS, body.clone()).await.id();
    pipedrive.send(pipedrive.request(Method::POST, PERSONS).header("x-actor", "user").header("x-company", "8").json(&body)).await.id();
    let seeded = json!({"site": "b", "contacts": [{"name": "Bob"}, {"name": "Eve"}]});
    assert_eq!(pipedrive.post("/_control/seed", seeded).await.body["ids"], json!([2, 3]));
    assert_eq!(pipedrive.sim.contacts(Some("a")).unwrap().len(), 1);
    assert_eq!(pipedrive.get("/_control/contacts?site=8").await.body["contacts"][2]["name"], "Eve");
}
