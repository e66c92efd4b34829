//! Definitions of merge fields and the values they take.

use serde_json::{Value, json};

use super::client::{LIST, Mailchimp, path_of};

const ADA: &str = "ada@example.com";

async fn define(mailchimp: &Mailchimp, field: Value) -> super::client::Answer {
    mailchimp.post(&format!("{LIST}/merge-fields"), field).await
}

async fn write(mailchimp: &Mailchimp, query: &str, values: Value) -> super::client::Answer {
    let body = json!({"email_address": ADA, "status_if_new": "subscribed", "merge_fields": values});
    mailchimp.put(&format!("{}{query}", path_of(ADA)), body).await
}

#[tokio::test]
async fn definitions_have_tags_of_their_own() {
    let mailchimp = Mailchimp::start().await;
    let made = define(&mailchimp, json!({"name": "Wix ID", "type": "text", "tag": "wixid"})).await;
    assert_eq!((&made.body["tag"], &made.body["merge_id"], &made.body["required"]), (&json!("WIXID"), &json!(6), &json!(false)));
    assert_eq!(define(&mailchimp, json!({"name": "Other", "type": "number"})).await.body["tag"], "MMERGE7");
    assert_eq!(define(&mailchimp, json!({"name": "Again", "type": "text", "tag": "WIXID"})).await.title(), (400, "Invalid Resource"));
    assert_eq!(define(&mailchimp, json!({"name": "X", "type": "text", "tag": "far_too_long_a_tag"})).await.field(), (400, "tag"));
    assert_eq!(define(&mailchimp, json!({"name": "X", "type": "colour"})).await.field(), (400, "type"));
    assert_eq!(define(&mailchimp, json!({"name": "X", "type": "dropdown"})).await.field(), (400, "options.choices"));
    let listed = mailchimp.get(&format!("{LIST}/merge-fields?count=100&type=text&fields=merge_fields.tag")).await.body;
    assert_eq!(listed, json!({"merge_fields": [{"tag": "FNAME"}, {"tag": "LNAME"}, {"tag": "WIXID"}]}));
    mailchimp.set("merge_fields_most", 7);
    assert_eq!(define(&mailchimp, json!({"name": "One more", "type": "text"})).await.status, 400);
}

#[tokio::test]
async fn a_deleted_definition_takes_its_values_along() {
    let mailchimp = Mailchimp::start().await;
    write(&mailchimp, "", json!({"FNAME": "Ada"})).await.member();
    assert_eq!(mailchimp.delete(&format!("{LIST}/merge-fields/1")).await.status, 204);
    let again = write(&mailchimp, "", json!({"FNAME": "Ada", "LNAME": "L"})).await;
    assert_eq!((again.body["merge_fields"].get("FNAME"), &again.body["merge_fields"]["LNAME"]), (None, &json!("L")));
    mailchimp.set("unknown_merge_field", "refused");
    assert_eq!(write(&mailchimp, "", json!({"FNAME": "Ada"})).await.field(), (400, "FNAME"));
}

#[tokio::test]
async fn values_are_checked_by_type() {
    let mailchimp = Mailchimp::start().await;
    for field in [
        json!({"tag": "N", "name": "n", "type": "number"}),
        json!({"tag": "D", "name": "d", "type": "date"}),
        json!({"tag": "U", "name": "u", "type": "url"}),
        json!({"tag": "Z", "name": "z", "type": "zip"}),
        json!({"tag": "C", "name": "c", "type": "dropdown", "options": {"choices": ["red", "blue"]}}),
        json!({"tag": "US", "name": "us", "type": "phone", "options": {"phone_format": "US"}}),
    ] {
        assert_eq!(define(&mailchimp, field).await.status, 200);
    }
    let whole = json!({"addr1": "1 Main St", "city": "Austin", "state": "TX", "zip": "78701"});
    let long = "x".repeat(256);
    for (tag, good, bad) in [
        ("FNAME", json!("Ada"), json!(long)),
        ("ADDRESS", whole, json!({"addr1": "1 Main St"})),
        ("PHONE", json!("+44 20"), json!([1])),
        ("BIRTHDAY", json!("02/29"), json!("30/02")),
        ("N", json!("12.5"), json!("many")),
        ("D", json!("2026-09-01"), json!("soon")),
        ("U", json!("https://example.com"), json!("example")),
        ("Z", json!("78701"), json!("787")),
        ("C", json!("red"), json!("green")),
        ("US", json!("(404) 555-1212"), json!("555")),
    ] {
        assert_eq!(write(&mailchimp, "?skip_merge_validation=true", json!({tag: bad})).await.field(), (400, tag));
        let answer = write(&mailchimp, "", json!({tag: good})).await;
        assert_ne!(answer.body["merge_fields"][tag], "", "{tag}: {}", answer.body);
        assert_eq!(write(&mailchimp, "", json!({tag: ""})).await.body["merge_fields"][tag], "");
    }
}

#[tokio::test]
async fn a_required_field_is_required_unless_the_check_is_skipped() {
    let mailchimp = Mailchimp::start().await;
    define(&mailchimp, json!({"name": "Company", "type": "text", "tag": "COMPANY", "required": true})).await;
    let refused = write(&mailchimp, "", json!({"FNAME": "Ada"})).await;
    assert_eq!((refused.field(), &refused.body["detail"]), ((400, "COMPANY"), &json!("Your merge fields were invalid.")));
    assert_eq!(write(&mailchimp, "?skip_merge_validation=true", json!({"FNAME": "Ada"})).await.member(), "subscribed");
    assert_eq!(write(&mailchimp, "", json!({"COMPANY": ""})).await.field(), (400, "COMPANY"));
    assert_eq!(mailchimp.set_status(ADA, "unsubscribed").await.member(), "unsubscribed");
}
