//! Events: their shape, their switches, delivery and retries.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::client::{CONTACTS, Inbox, START_MS, Wix, claims, named, open};

async fn created(wix: &Wix, inbox: &Inbox) -> Value {
    wix.create(named("Ada")).await.id();
    wix.deliver().await;
    inbox.events(wix).remove(0)
}

#[tokio::test]
async fn a_delivery_is_a_jwt_in_plain_text_with_three_claims() {
    let wix = Wix::start().await;
    let inbox = Inbox::of(&wix).await;
    wix.create(named("Ada")).await.id();
    wix.deliver().await;
    let (kind, jwt) = inbox.take().remove(0);
    assert_eq!(kind, "text/plain");
    let header = jsonwebtoken::decode_header(&jwt).unwrap();
    assert_eq!((header.typ, header.kid.unwrap().len()), (None, 8));
    let claims = claims(&wix, &jwt);
    assert_eq!(claims.as_object().unwrap().keys().collect::<Vec<_>>(), ["data", "exp", "iat"]);
    assert_eq!((&claims["iat"], &claims["exp"]), (&json!(START_MS / 1000), &json!(START_MS / 1000 + 3_600_000)));
    let event = open(&wix, &jwt);
    assert_eq!((&event["eventType"], &event["instanceId"]), (&json!("wix.contacts.v4.contact_created"), &json!("i1")));
    assert_eq!(event["identity"], json!({"identityType": "APP", "appId": "app"}));
    let data = &event["data"];
    assert_eq!((&data["slug"], &data["entityFqdn"]), (&json!("created"), &json!("wix.contacts.v4.contact")));
    assert_eq!((&data["entityEventSequence"], &data["triggeredByAnonymizeRequest"]), (&json!("1"), &json!(false)));
    assert_eq!(data["createdEvent"]["entity"]["id"], data["entityId"]);
    assert_eq!(data["eventTime"].as_str().unwrap().len(), "2026-02-02T02:40:00.000000Z".len());
}

#[tokio::test]
async fn events_follow_a_contact_through_its_life() {
    let wix = Wix::start().await;
    let inbox = Inbox::of(&wix).await;
    let id = wix.create(named("Ada")).await.id();
    wix.update(&id, named("Eve")).await.id();
    wix.delete(&format!("{CONTACTS}/{id}")).await;
    wix.deliver().await;
    let events = inbox.events(&wix);
    assert_eq!(events[1]["data"]["updatedEvent"]["currentEntity"]["info"]["name"]["first"], "Eve");
    assert_eq!(events[2]["data"]["deletedEvent"], json!({}));
    assert_eq!(events[2]["data"]["entityEventSequence"], "3");
}

#[tokio::test]
async fn switches_shape_the_events() {
    let wix = Wix::start().await;
    let inbox = Inbox::of(&wix).await;
    for (switch, value) in [
        ("entity_form", json!("string")),
        ("identity_for_app_writes", json!(false)),
        ("account_info", json!(true)),
        ("modified_fields", json!(true)),
        ("deleted_entity", json!(true)),
        ("event_sequence", json!(false)),
    ] {
        wix.set(switch, value);
    }
    let first = created(&wix, &inbox).await;
    assert!(first["data"]["createdEvent"]["entityAsJson"].is_string());
    assert!(first.get("identity").is_none() && first["accountInfo"]["siteId"] == "s1");
    assert!(first["data"].get("entityEventSequence").is_none());
    let id = first["data"]["entityId"].as_str().unwrap().to_owned();
    wix.update(&id, named("Eve")).await.id();
    wix.delete(&format!("{CONTACTS}/{id}")).await;
    wix.deliver().await;
    let events = inbox.events(&wix);
    assert_eq!(events[0]["data"]["updatedEvent"]["modifiedFields"]["info.name.first"], "Ada");
    assert!(events[1]["data"]["deletedEvent"]["deletedEntityAsJson"].is_string());
}

#[tokio::test]
async fn issuer_audience_and_lifetime_are_open() {
    let wix = Wix::start().await;
    let inbox = Inbox::of(&wix).await;
    wix.set("iss_aud", true);
    wix.set("token_lifetime_s", 60);
    wix.create(named("Ada")).await.id();
    wix.deliver().await;
    let claims = claims(&wix, &inbox.take().remove(0).1);
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!("wix.com"), &json!("app")));
    assert_eq!(claims["exp"], START_MS / 1000 + 60);
}

#[tokio::test]
async fn a_persons_change_names_the_person() {
    let wix = Wix::start().await;
    let inbox = Inbox::of(&wix).await;
    let request = wix.request(Method::POST, CONTACTS).header("x-actor", "user");
    wix.send(request.json(&json!({"info": named("Ada")}))).await.id();
    wix.deliver().await;
    assert_eq!(inbox.events(&wix)[0]["identity"]["identityType"], "WIX_USER");
}

#[tokio::test]
async fn an_erasure_says_so_and_leaves_nothing() {
    let wix = Wix::start().await;
    let id = wix.create(named("Ada")).await.id();
    let inbox = Inbox::of(&wix).await;
    assert_eq!(wix.post("/_control/anonymize", json!({"site": "s1", "contact": id})).await.status, 200);
    wix.deliver().await;
    let data = inbox.events(&wix)[0]["data"].clone();
    assert_eq!((&data["slug"], &data["triggeredByAnonymizeRequest"]), (&json!("deleted"), &json!(true)));
    assert!(wix.sim.contacts(None).unwrap()[0]["info"].get("name").is_none());
}

#[tokio::test]
async fn the_app_tells_of_its_install_and_removal() {
    let wix = Wix::start().await;
    let inbox = Inbox::of(&wix).await;
    wix.post("/_control/remove", json!({"site": "s2"})).await;
    wix.post("/_control/install", json!({"site": "s2", "origin_instance": "i1"})).await;
    wix.deliver().await;
    let events = inbox.events(&wix);
    assert_eq!(events[0], json!({"eventType": "AppRemoved", "instanceId": "i2", "data": {"appId": "app"}}));
    assert_eq!(events[1]["data"], json!({"appId": "app", "originInstanceId": "i1"}));
}

#[tokio::test]
async fn definitions_raise_events_with_their_key() {
    let wix = Wix::start().await;
    let inbox = Inbox::of(&wix).await;
    wix.post("/contacts/v4/labels", json!({"displayName": "VIP"})).await;
    wix.post("/contacts/v4/extended-fields", json!({"displayName": "one", "dataType": "TEXT"})).await;
    wix.set("event_name", "underscore");
    wix.delete("/contacts/v4/extended-fields/custom.one").await;
    wix.deliver().await;
    let events = inbox.events(&wix);
    let types: Vec<&str> = events.iter().map(|event| event["eventType"].as_str().unwrap()).collect();
    assert_eq!(
        types,
        ["wix.contacts.v4.label_created", "wix.contacts.v4.extended-field_created", "wix.contacts.v4.extended_field_deleted"]
    );
    assert_eq!(events[1]["data"]["entityId"], "custom.one");
}

#[tokio::test]
async fn only_200_is_success_and_twelve_retries_follow() {
    let wix = Wix::start().await;
    let inbox = Inbox::of(&wix).await;
    inbox.answer(&[204, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500]);
    wix.create(named("Ada")).await.id();
    let mut minutes = Vec::new();
    wix.sim.deliver_due().await;
    while let Some(due) = wix.sim.next_due() {
        minutes.push((due - wix.sim.clock().now_ms()) / 60_000);
        wix.sim.clock().set_ms(due);
        wix.sim.deliver_due().await;
    }
    assert_eq!(minutes, [1, 10, 60, 120, 120, 120, 240, 240, 240, 480, 480, 720]);
    assert_eq!(inbox.take().len(), 13);
    assert_eq!(wix.sim.core().outbox.to_json()["given_up"], 1);
}

#[tokio::test]
async fn a_retry_sends_the_same_bytes_unless_it_resigns() {
    let wix = Wix::start().await;
    let inbox = Inbox::of(&wix).await;
    for (resigns, same) in [(false, true), (true, false)] {
        wix.set("retry_resigns", resigns);
        inbox.answer(&[503]);
        wix.create(named("Ada")).await.id();
        wix.sim.deliver_due().await;
        wix.sim.clock().advance(Duration::from_mins(1));
        wix.sim.deliver_due().await;
        let got = inbox.take();
        assert_eq!(got[0].1 == got[1].1, same);
    }
}

#[tokio::test]
async fn rotated_keys_sign_anew() {
    let wix = Wix::start().await;
    let old = wix.get("/_control/keys").await.body;
    let new = wix.post("/_control/keys/rotate", json!({})).await.body;
    assert_ne!((&old["kid"], &old["public_key_pem"]), (&new["kid"], &new["public_key_pem"]));
    let inbox = Inbox::of(&wix).await;
    assert_eq!(created(&wix, &inbox).await["data"]["slug"], "created");
}

#[tokio::test]
async fn a_first_delivery_can_be_held_back() {
    let wix = Wix::start().await;
    let inbox = Inbox::of(&wix).await;
    wix.set("webhook_delay_ms", 500);
    wix.create(named("Ada")).await.id();
    assert_eq!((wix.sim.deliver_due().await, wix.sim.next_due()), (0, Some(START_MS + 500)));
    wix.sim.clock().advance(Duration::from_millis(500));
    assert_eq!((wix.sim.deliver_due().await, inbox.take().len()), (1, 1));
}
