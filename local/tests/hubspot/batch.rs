//! Upserts of a hundred rows.

use serde_json::{Value, json};

use super::client::{CONTACTS, HubSpot};

fn row(n: u32, properties: &Value) -> Value {
    json!({"id": format!("w{n}"), "idProperty": "wix_contact_id", "properties": properties, "objectWriteTraceId": format!("t{n}")})
}

async fn upsert(hubspot: &HubSpot, rows: Vec<Value>) -> super::client::Answer {
    hubspot.post(&format!("{CONTACTS}/batch/upsert"), json!({"inputs": rows})).await
}

#[tokio::test]
async fn a_hundred_rows_are_taken_and_one_more_is_not() {
    let hubspot = HubSpot::start().await;
    let rows = |count| (0..count).map(|n| row(n, &json!({"firstname": format!("p{n}")}))).collect();
    assert_eq!(upsert(&hubspot, rows(101)).await.status, 400);
    let first = upsert(&hubspot, rows(100)).await;
    assert_eq!((first.status, first.names().len(), &first.body["results"][0]["new"]), (200, 100, &json!(true)));
    assert_eq!(upsert(&hubspot, rows(100)).await.body["results"][99]["new"], false);
}

#[tokio::test]
async fn one_bad_row_costs_only_itself() {
    let hubspot = HubSpot::start().await;
    hubspot.post(CONTACTS, json!({"properties": {"email": "taken@example.com"}})).await;
    let rows = vec![
        row(1, &json!({"firstname": "Ada"})),
        row(2, &json!({"email": "taken@example.com"})),
        row(3, &json!({"no_such_property": "x"})),
        row(4, &json!({"firstname": "Eve"})),
    ];
    let answer = upsert(&hubspot, rows.clone()).await;
    assert_eq!((answer.status, answer.names(), &answer.body["numErrors"]), (207, vec!["Ada", "Eve"], &json!(2)));
    let traces: Vec<&Value> =
        answer.body["errors"].as_array().unwrap().iter().map(|error| &error["context"]["objectWriteTraceId"][0]).collect();
    assert_eq!(traces, [&json!("t2"), &json!("t3")]);
    hubspot.set("upsert_conflict", "batch");
    assert_eq!(upsert(&hubspot, rows).await.status, 400);
}
