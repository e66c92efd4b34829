//! Writing and reading single members.

use serde_json::json;

use super::client::{MEMBERS, Mailchimp, hash, path_of};

const ADA: &str = "Ada@Example.com";

#[tokio::test]
async fn a_put_adds_once_and_changes_after() {
    let mailchimp = Mailchimp::start().await;
    let body =
        json!({"email_address": ADA, "status_if_new": "subscribed", "merge_fields": {"FNAME": "Ada"}, "language": "en", "vip": true});
    let added = mailchimp.put(&path_of(ADA), body.clone()).await;
    assert_eq!((added.member(), &added.body["id"]), ("subscribed", &json!(hash("ada@example.com"))));
    assert_eq!((&added.body["merge_fields"]["FNAME"], &added.body["merge_fields"]["PHONE"]), (&json!("Ada"), &json!("")));
    assert_eq!((&added.body["vip"], &added.body["last_changed"]), (&json!(true), &json!("2026-02-02T02:40:00+00:00")));
    mailchimp.advance(5);
    assert_eq!(mailchimp.put(&path_of(ADA), body).await.body, added.body);
    let changed = mailchimp.put(&path_of(ADA), json!({"email_address": ADA, "merge_fields": {"LNAME": "Lovelace"}})).await;
    assert_eq!(changed.body["full_name"], "Ada Lovelace");
    assert_eq!(changed.body["last_changed"], "2026-02-02T02:40:05+00:00");
    assert_eq!(mailchimp.get(MEMBERS).await.body["total_items"], 1);
}

#[tokio::test]
async fn a_put_needs_the_address_and_a_status_for_who_is_new() {
    let mailchimp = Mailchimp::start().await;
    let put = async |body| mailchimp.put(&path_of(ADA), body).await;
    assert_eq!(put(json!({"status_if_new": "subscribed"})).await.field(), (400, "email_address"));
    assert_eq!(put(json!({"email_address": ADA})).await.field(), (400, "status_if_new"));
    assert_eq!(put(json!({"email_address": ADA, "status_if_new": "archived"})).await.field(), (400, "status_if_new"));
    assert_eq!(put(json!({"email_address": "other@example.com", "status_if_new": "pending"})).await.field(), (400, "email_address"));
    assert_eq!(put(json!({"email_address": ADA, "status_if_new": "subscribed", "vip": "yes"})).await.field(), (400, "vip"));
    assert_eq!(put(json!({"email_address": ADA, "status": "subscribed"})).await.member(), "subscribed");
    mailchimp.set("status_if_new_required", true);
    assert_eq!(put(json!({"email_address": ADA})).await.field(), (400, "status_if_new"));
}

#[tokio::test]
async fn addresses_that_are_none_are_turned_away() {
    let mailchimp = Mailchimp::start().await;
    for (email, text) in
        [("ada", "valid email address"), ("a b@example.com", "valid email address"), ("ada@shop.invalid", "looks fake or invalid")]
    {
        let answer = mailchimp.export(email).await;
        assert_eq!(answer.title(), (400, "Invalid Resource"));
        assert!(answer.body["detail"].as_str().unwrap().contains(text), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_patch_changes_only_who_is_there() {
    let mailchimp = Mailchimp::start().await;
    assert_eq!(mailchimp.set_status(ADA, "unsubscribed").await.title(), (404, "Resource Not Found"));
    mailchimp.export(ADA).await;
    assert_eq!(mailchimp.set_status(ADA, "unsubscribed").await.member(), "unsubscribed");
    assert_eq!(mailchimp.get(&path_of(ADA)).await.body["email_address"], ADA);
}

#[tokio::test]
async fn a_post_adds_only_who_is_not_there() {
    let mailchimp = Mailchimp::start().await;
    let body = json!({"email_address": ADA, "status": "subscribed", "tags": ["wix"]});
    assert_eq!(mailchimp.post(MEMBERS, json!({"email_address": ADA})).await.field(), (400, "status"));
    assert_eq!(mailchimp.post(MEMBERS, body.clone()).await.body["tags"][0]["name"], "wix");
    assert_eq!(mailchimp.post(MEMBERS, body.clone()).await.title(), (400, "Member Exists"));
    mailchimp.set("member_exists_title", "Invalid Resource");
    assert_eq!(mailchimp.post(MEMBERS, body).await.title(), (400, "Invalid Resource"));
}

#[tokio::test]
async fn an_archived_member_is_there_but_out_of_sight() {
    let mailchimp = Mailchimp::start().await;
    mailchimp.export(ADA).await;
    assert_eq!(mailchimp.delete(&path_of(ADA)).await.status, 204);
    assert_eq!(mailchimp.get(&path_of(ADA)).await.member(), "archived");
    assert_eq!(mailchimp.get(MEMBERS).await.body["total_items"], 0);
    assert_eq!(mailchimp.get(&format!("{MEMBERS}?status=archived")).await.body["total_items"], 1);
    for (word, status) in [("404", 404), ("204", 204), ("405", 405)] {
        mailchimp.set("archive_again", word);
        assert_eq!(mailchimp.delete(&path_of(ADA)).await.status, status);
    }
    assert_eq!(mailchimp.export(ADA).await.member(), "archived");
    mailchimp.set("put_archived", "as_new");
    assert_eq!(mailchimp.export(ADA).await.member(), "subscribed");
}

#[tokio::test]
async fn a_permanently_deleted_address_cannot_be_put_back() {
    let mailchimp = Mailchimp::start().await;
    mailchimp.export(ADA).await;
    assert_eq!(mailchimp.post(&format!("{}/actions/delete-permanent", path_of(ADA)), json!({})).await.status, 204);
    assert_eq!(mailchimp.get(&path_of(ADA)).await.status, 404);
    assert_eq!(mailchimp.export(ADA).await.title(), (400, "Forgotten Email Not Subscribed"));
    let asks = json!({"email_address": ADA, "status": "pending", "status_if_new": "pending"});
    assert_eq!(mailchimp.put(&path_of(ADA), asks.clone()).await.title(), (400, "Forgotten Email Not Subscribed"));
    mailchimp.set("forgotten_pending", "accepted");
    assert_eq!(mailchimp.put(&path_of(ADA), asks).await.member(), "pending");
}

#[tokio::test]
async fn a_changed_address_has_another_hash() {
    let mailchimp = Mailchimp::start().await;
    mailchimp.export(ADA).await;
    mailchimp.export("bob@example.com").await;
    let old = mailchimp.get(&path_of(ADA)).await.body;
    assert_eq!(mailchimp.patch(&path_of(ADA), json!({"email_address": "BOB@example.com"})).await.title(), (400, "Member Exists"));
    let renamed = mailchimp.put(&path_of(ADA), json!({"email_address": "eve@example.com", "status_if_new": "subscribed"})).await;
    assert_eq!((&renamed.body["id"], &renamed.body["contact_id"]), (&json!(hash("eve@example.com")), &old["contact_id"]));
    assert_ne!(renamed.body["unique_email_id"], old["unique_email_id"]);
    assert_eq!(mailchimp.get(&path_of(ADA)).await.status, 404);
}

#[tokio::test]
async fn switches_say_what_another_address_in_a_put_does() {
    let mailchimp = Mailchimp::start().await;
    mailchimp.export(ADA).await;
    let other = json!({"email_address": "eve@example.com", "status_if_new": "subscribed"});
    mailchimp.set("put_other_address", "ignored");
    assert_eq!(mailchimp.put(&path_of(ADA), other.clone()).await.body["email_address"], ADA);
    mailchimp.set("put_other_address", "refused");
    assert_eq!(mailchimp.put(&path_of(ADA), other).await.field(), (400, "email_address"));
}

#[tokio::test]
async fn tags_come_and_go() {
    let mailchimp = Mailchimp::start().await;
    mailchimp.export(ADA).await;
    let tags = format!("{}/tags", path_of(ADA));
    let set = async |name: &str, status: &str| {
        mailchimp.post(&tags, json!({"tags": [{"name": name, "status": status}], "is_syncing": true})).await
    };
    assert_eq!(set("wix", "active").await.status, 204);
    assert_eq!(set("gone", "inactive").await.status, 204);
    assert_eq!(set("x", "on").await.field(), (400, "tags.status"));
    let member = mailchimp.get(&path_of(ADA)).await.body;
    assert_eq!((&member["tags"], &member["tags_count"]), (&json!([{"id": 1, "name": "wix"}]), &json!(1)));
    set("wix", "inactive").await;
    assert_eq!(mailchimp.get(&tags).await.body["total_items"], 0);
}
