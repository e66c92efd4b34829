//! Merging two persons.

use reqwest::Method;
use serde_json::json;

use super::client::{Inbox, PERSONS, Pipedrive};

/// Ada (1) with a phone and Bob (2) with a phone and an organization; both have an address.
async fn two() -> Pipedrive {
    let pipedrive = Pipedrive::start().await;
    for (name, org) in [("Ada", None), ("Bob", Some(9))] {
        let email = format!("{}@example.com", name.to_lowercase());
        let body = json!({"name": name, "org_id": org, "emails": [{"value": email}], "phones": [{"value": name}]});
        pipedrive.post(PERSONS, body).await.id();
    }
    pipedrive
}

#[tokio::test]
async fn the_person_merged_with_keeps_its_values_and_gains_the_rest() {
    let pipedrive = two().await;
    let merged = pipedrive.put("/v1/persons/2/merge", json!({"merge_with_id": 1})).await;
    let person = merged.data();
    assert_eq!(
        (&person["id"], &person["name"], &person["org_id"], &person["merge_what_id"]),
        (&json!(1), &json!("Ada"), &json!(9), &json!(2))
    );
    let emails = json!([
        {"value": "ada@example.com", "primary": true, "label": "work"}, {"value": "bob@example.com", "primary": false, "label": "work"},
    ]);
    assert_eq!((&person["emails"], person["phones"].as_array().unwrap().len()), (&emails, 2));
    assert_eq!(pipedrive.get(PERSONS).await.names(), ["Ada"]);
    assert_eq!(pipedrive.get(&format!("{PERSONS}/2")).await.status, 404);
    pipedrive.set("merged_get", "deleted");
    assert_eq!(pipedrive.get(&format!("{PERSONS}/2")).await.data()["is_deleted"], true);
    assert_eq!(pipedrive.sim.contacts(None).unwrap()[1]["mergedInto"], 1);
}

#[tokio::test]
async fn a_merge_tells_of_a_delete_and_a_change() {
    let pipedrive = two().await;
    let inbox = Inbox::of(&pipedrive).await;
    pipedrive.by_hand(Method::PUT, "/api/v1/persons/2/merge", json!({"merge_with_id": 1})).await.id();
    let events = inbox.events(&pipedrive).await;
    let told: Vec<(&str, &str, &str)> = events
        .iter()
        .map(|event| {
            let text = |key: &str| event["meta"][key].as_str().unwrap_or_default();
            (text("action"), text("entity_id"), text("merged_to_id"))
        })
        .collect();
    assert_eq!(told, [("delete", "2", "1"), ("change", "1", "")]);
    assert_eq!(events[1]["previous"].get("org_id"), Some(&json!(null)));
    assert_eq!(events[0]["meta"]["change_source"], "app");
}

#[tokio::test]
async fn switches_turn_the_events_round_and_hide_the_winner() {
    let pipedrive = two().await;
    let inbox = Inbox::of(&pipedrive).await;
    pipedrive.set("merge_order", "change_first");
    pipedrive.set("merged_to_id", false);
    pipedrive.put("/v1/persons/2/merge", json!({"merge_with_id": 1})).await.id();
    let events = inbox.events(&pipedrive).await;
    assert_eq!((&events[0]["meta"]["action"], &events[1]["meta"]["action"]), (&json!("change"), &json!("delete")));
    assert!(events[1]["meta"].get("merged_to_id").is_none());
}

#[tokio::test]
async fn only_two_different_persons_can_be_merged() {
    let pipedrive = two().await;
    let merge = async |id: u64, with: serde_json::Value| {
        pipedrive.put(&format!("/v1/persons/{id}/merge"), json!({"merge_with_id": with})).await.status
    };
    assert_eq!(
        (merge(1, json!(1)).await, merge(1, json!("2")).await, merge(1, json!(3)).await, merge(3, json!(1)).await),
        (400, 400, 404, 404)
    );
}
