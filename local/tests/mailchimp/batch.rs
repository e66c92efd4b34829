//! Many members in one call.

use serde_json::{Value, json};

use super::client::{LIST, Mailchimp, path_of};

fn row(name: &str, status: &str) -> Value {
    json!({"email_address": format!("{name}@example.com"), "status": status})
}

#[tokio::test]
async fn every_row_is_taken_or_refused_for_itself() {
    let mailchimp = Mailchimp::start().await;
    mailchimp.export("bob@example.com").await;
    mailchimp.export("eve@example.com").await;
    mailchimp.act("unsubscribe", "eve@example.com");
    let members =
        [row("ada", "subscribed"), row("bob", "unsubscribed"), row("eve", "subscribed"), json!({"email_address": "x@example.com"})];
    let answer = mailchimp.post(LIST, json!({"members": members, "update_existing": true})).await.body;
    assert_eq!((&answer["total_created"], &answer["total_updated"], &answer["error_count"]), (&json!(1), &json!(1), &json!(2)));
    assert_eq!(answer["updated_members"][0]["status"], "unsubscribed");
    let errors = answer["errors"].as_array().unwrap();
    assert!(errors[0]["error"].as_str().unwrap().contains("compliance state"));
    assert_eq!((&errors[0]["error_code"], &errors[0]["email_address"]), (&json!("ERROR_GENERIC"), &json!("eve@example.com")));
    assert_eq!((&errors[1]["field"], &errors[1]["email_address"]), (&json!("status"), &json!("x@example.com")));
}

#[tokio::test]
async fn who_is_there_is_refused_without_update_existing() {
    let mailchimp = Mailchimp::start().await;
    mailchimp.export("ada@example.com").await;
    let answer = mailchimp.post(LIST, json!({"members": [row("ada", "unsubscribed")]})).await.body;
    assert_eq!(answer["errors"][0]["error_code"], "ERROR_CONTACT_EXISTS");
    assert_eq!(mailchimp.get(&path_of("ada@example.com")).await.member(), "subscribed");
}

#[tokio::test]
async fn an_update_overwrites_the_status_and_mails() {
    let mailchimp = Mailchimp::start().await;
    mailchimp.export("ada@example.com").await;
    mailchimp.set_status("ada@example.com", "unsubscribed").await;
    mailchimp.post(LIST, json!({"members": [row("ada", "subscribed")], "update_existing": true})).await;
    assert_eq!(mailchimp.get(&path_of("ada@example.com")).await.member(), "subscribed");
    assert_eq!(mailchimp.mailed(), ["welcome", "welcome"]);
}

#[tokio::test]
async fn at_most_500_rows_and_each_address_once() {
    let mailchimp = Mailchimp::start().await;
    let rows: Vec<Value> = (0..501).map(|n| row(&format!("p{n}"), "subscribed")).collect();
    assert_eq!(mailchimp.post(LIST, json!({"members": rows})).await.field(), (400, "members"));
    assert_eq!(mailchimp.post(LIST, json!({"members": &rows[1..]})).await.body["total_created"], 500);
    let twice = json!({"members": [row("ada", "subscribed"), row("ADA", "unsubscribed")]});
    let skipped = mailchimp.post(&format!("{LIST}?skip_duplicate_check=true"), twice.clone()).await.body;
    assert_eq!((&skipped["total_created"], &skipped["error_count"]), (&json!(1), &json!(0)));
    let told = mailchimp.post(LIST, twice).await.body;
    assert_eq!(
        (&told["errors"][0]["error_code"], &told["errors"][1]["error_code"]),
        (&json!("ERROR_CONTACT_EXISTS"), &json!("ERROR_GENERIC"))
    );
}

#[tokio::test]
async fn tags_are_added_or_made_the_same() {
    let mailchimp = Mailchimp::start().await;
    let tagged = |tags: &[&str]| json!({"email_address": "ada@example.com", "status": "subscribed", "tags": tags});
    let names = async || {
        let member = mailchimp.get(&path_of("ada@example.com")).await.body;
        member["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    mailchimp.post(LIST, json!({"members": [tagged(&["a"])]})).await;
    mailchimp.post(LIST, json!({"members": [tagged(&["b"])], "update_existing": true})).await;
    assert_eq!(names().await, ["a", "b"]);
    mailchimp.post(LIST, json!({"members": [tagged(&["b", "c"])], "update_existing": true, "sync_tags": true})).await;
    assert_eq!(names().await, ["b", "c"]);
    assert_eq!(mailchimp.mailed(), ["tag_automation", "welcome", "tag_automation", "tag_automation"]);
}

#[tokio::test]
async fn batch_operations_are_not_there() {
    let mailchimp = Mailchimp::start().await;
    assert_eq!(mailchimp.post("/batches", json!({"operations": []})).await.title(), (404, "Resource Not Found"));
}
