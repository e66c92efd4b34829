//! Webhooks: their management, their events, retries.

use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Inbox, PERSONS, Pipedrive, order};

const HOOKS: &str = "/v1/webhooks";

#[tokio::test]
async fn a_webhook_is_made_listed_and_deleted() {
    let pipedrive = Pipedrive::start().await;
    let made = pipedrive.post(HOOKS, order("https://bridge.example.com/hook")).await;
    assert_eq!((made.status, &made.body["status"], &made.data()["version"]), (201, &json!("ok"), &json!("2.0")));
    assert_eq!((&made.data()["company_id"], &made.data()["is_active"]), (&json!(7), &json!(1)));
    assert_eq!(pipedrive.get("/api/v1/webhooks").await.data(), &json!([made.data()]));
    assert_eq!(pipedrive.delete(&format!("{HOOKS}/{}", made.id())).await.status, 200);
    assert_eq!(pipedrive.delete(&format!("{HOOKS}/{}", made.id())).await.status, 404);
}

#[tokio::test]
async fn orders_are_checked_and_forty_is_the_most() {
    let pipedrive = Pipedrive::start().await;
    for (field, value) in [
        ("subscription_url", json!("bridge")),
        ("event_action", json!("updated")),
        ("event_object", json!("contact")),
        ("name", json!(null)),
        ("version", json!("1.0")),
    ] {
        let mut body = order("https://bridge.example.com/hook");
        body[field] = value;
        assert_eq!(pipedrive.post(HOOKS, body).await.refuses(field), (400, true), "{field}");
    }
    pipedrive.set("webhook_name_required", false);
    let nameless = json!({"subscription_url": "https://bridge.example.com", "event_action": "*", "event_object": "*"});
    for _ in 0..40 {
        assert_eq!(pipedrive.post(HOOKS, nameless.clone()).await.status, 201);
    }
    assert_eq!(pipedrive.post(HOOKS, nameless).await.status, 400);
}

#[tokio::test]
async fn a_delivery_has_credentials_and_says_who_did_it() {
    let pipedrive = Pipedrive::start().await;
    let inbox = Inbox::of(&pipedrive).await;
    pipedrive.create("Ada").await;
    pipedrive.by_hand(Method::PATCH, &format!("{PERSONS}/1"), json!({"name": "Ann"})).await.id();
    let got = inbox.take(&pipedrive).await;
    // base64 of bridge:secret
    assert_eq!(got[0].0.as_deref(), Some("Basic YnJpZGdlOnNlY3JldA=="));
    let meta = &got[0].1["meta"];
    for (key, value) in [
        ("action", json!("create")),
        ("entity", json!("person")),
        ("entity_id", json!("1")),
        ("company_id", json!("7")),
        ("version", json!("2.0")),
        ("change_source", json!("api")),
        ("attempt", json!(1)),
        ("timestamp", json!("2026-02-02T02:40:00.000Z")),
    ] {
        assert_eq!(meta[key], value, "{key}");
    }
    assert_eq!((&got[0].1["data"]["name"], &got[0].1["previous"]), (&json!("Ada"), &Value::Null));
    assert_eq!((&got[1].1["meta"]["change_source"], &got[1].1["meta"]["user_id"]), (&json!("app"), &json!("2")));
    assert_ne!(got[0].1["meta"]["id"], got[1].1["meta"]["id"]);
}

#[tokio::test]
async fn events_follow_a_person_through_its_life() {
    let pipedrive = Pipedrive::start().await;
    let inbox = Inbox::of(&pipedrive).await;
    let path = format!("{PERSONS}/{}", pipedrive.create("Ada").await);
    pipedrive.advance(1_000);
    pipedrive.patch(&path, json!({"name": "Ada"})).await;
    pipedrive.patch(&path, json!({"name": "Ann"})).await;
    pipedrive.delete(&path).await;
    let events = inbox.events(&pipedrive).await;
    let actions: Vec<&str> = events.iter().map(|event| event["meta"]["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["create", "change", "delete"]);
    let previous = json!({"name": "Ada", "first_name": "Ada", "update_time": "2026-02-02T02:40:00Z"});
    assert_eq!((&events[1]["data"]["name"], &events[1]["previous"]), (&json!("Ann"), &previous));
    assert_eq!((&events[2]["data"], &events[2]["previous"]["name"]), (&Value::Null, &json!("Ann")));
}

#[tokio::test]
async fn switches_shape_the_events() {
    let pipedrive = Pipedrive::start().await;
    let field = json!({"field_name": "x", "field_type": "set", "options": [{"label": "a"}]});
    let code = pipedrive.post("/api/v2/personFields", field).await.data()["field_code"].as_str().unwrap().to_owned();
    let inbox = Inbox::of(&pipedrive).await;
    let body = json!({"name": "Ada", "custom_fields": {code.clone(): [1]}});
    let path = format!("{PERSONS}/{}", pipedrive.post(PERSONS, body).await.id());
    assert_eq!(inbox.events(&pipedrive).await[0]["data"]["custom_fields"][&code], json!({"type": "set", "values": [{"id": 1}]}));
    for (switch, value) in
        [("webhook_custom_fields", "plain"), ("meta_ids", "numbers"), ("delete_payload", "data"), ("previous_form", "full")]
    {
        pipedrive.set(switch, value);
    }
    pipedrive.set("noop_fires", true);
    pipedrive.patch(&path, json!({"name": "Ada"})).await;
    pipedrive.delete(&path).await;
    let events = inbox.events(&pipedrive).await;
    assert_eq!((&events[0]["meta"]["entity_id"], &events[0]["previous"]["name"]), (&json!(1), &json!("Ada")));
    assert_eq!(events[0]["data"]["custom_fields"][&code], json!([1]));
    assert_eq!((&events[1]["data"]["name"], &events[1]["previous"]), (&json!("Ada"), &Value::Null));
}

#[tokio::test]
async fn a_webhook_hears_only_what_it_asked_for() {
    let pipedrive = Pipedrive::start().await;
    let inbox = Inbox::of(&pipedrive).await;
    pipedrive.delete(&format!("{HOOKS}/1")).await;
    let mut deletes = order(&inbox.url);
    deletes["event_action"] = json!("delete");
    pipedrive.post(HOOKS, deletes).await.id();
    let mut deals = order(&inbox.url);
    deals["event_object"] = json!("deal");
    pipedrive.post(HOOKS, deals).await.id();
    let id = pipedrive.create("Ada").await;
    pipedrive.delete(&format!("{PERSONS}/{id}")).await;
    let events = inbox.events(&pipedrive).await;
    assert_eq!((events.len(), &events[0]["meta"]["action"]), (1, &json!("delete")));
}

#[tokio::test]
async fn three_retries_count_their_attempts() {
    let pipedrive = Pipedrive::start().await;
    let inbox = Inbox::of(&pipedrive).await;
    inbox.answer(&[500; 4]);
    pipedrive.create("Ada").await;
    let mut seconds = Vec::new();
    let mut attempts: Vec<Value> = inbox.events(&pipedrive).await;
    while let Some(due) = pipedrive.sim.next_due() {
        seconds.push((due - pipedrive.sim.core().clock.now_ms()) / 1_000);
        pipedrive.sim.core().clock.set_ms(due);
        attempts.extend(inbox.events(&pipedrive).await);
    }
    let numbers: Vec<u64> = attempts.iter().map(|event| event["meta"]["attempt"].as_u64().unwrap()).collect();
    assert_eq!((seconds, numbers), (vec![3, 30, 150], vec![1, 2, 3, 4]));
    assert_eq!(attempts[0]["meta"]["id"], attempts[3]["meta"]["id"]);
}
