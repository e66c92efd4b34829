//! Who may subscribe whom, and who is mailed for it.

use serde_json::{Value, json};

use super::client::{Mailchimp, path_of};

const ADA: &str = "ada@example.com";
const COMPLIANCE: (u16, &str) = (400, "Member In Compliance State");

#[tokio::test]
async fn status_if_new_never_undoes_what_is_there() {
    let mailchimp = Mailchimp::start().await;
    mailchimp.export(ADA).await;
    mailchimp.set_status(ADA, "unsubscribed").await;
    assert_eq!(mailchimp.export(ADA).await.member(), "unsubscribed");
    let overwritten = mailchimp.put(&path_of(ADA), json!({"email_address": ADA, "status": "subscribed"})).await;
    assert_eq!(overwritten.member(), "subscribed");
}

#[tokio::test]
async fn only_the_person_comes_back_from_its_own_unsubscribe() {
    for act in ["unsubscribe", "complain", "bounce"] {
        let mailchimp = Mailchimp::start().await;
        mailchimp.export(ADA).await;
        mailchimp.act(act, ADA);
        assert_eq!(mailchimp.set_status(ADA, "subscribed").await.title(), COMPLIANCE, "{act}");
        let answer = mailchimp.put(&path_of(ADA), json!({"email_address": ADA, "status": "subscribed"})).await;
        assert!(answer.body["detail"].as_str().unwrap().starts_with("ada@example.com is in a compliance state"));
        assert_eq!(mailchimp.act("signup", ADA)["status"], "subscribed");
        assert_eq!(mailchimp.set_status(ADA, "subscribed").await.member(), "subscribed");
    }
}

#[tokio::test]
async fn pending_asks_and_only_a_yes_ends_the_compliance_state() {
    let mailchimp = Mailchimp::start().await;
    mailchimp.export(ADA).await;
    mailchimp.act("unsubscribe", ADA);
    assert_eq!(mailchimp.set_status(ADA, "pending").await.member(), "pending");
    assert_eq!(mailchimp.mailed(), ["welcome", "confirmation"]);
    assert_eq!(mailchimp.set_status(ADA, "subscribed").await.title(), COMPLIANCE);
    assert_eq!(mailchimp.act("confirm", ADA)["status"], "subscribed");
    assert!(mailchimp.sim.act("confirm", &json!({"email": ADA})).is_err());
    mailchimp.act("unsubscribe", ADA);
    mailchimp.set("compliance_pending", "refused");
    assert_eq!(mailchimp.set_status(ADA, "pending").await.title(), COMPLIANCE);
}

#[tokio::test]
async fn archiving_does_not_wash_an_unsubscribe_off() {
    let mailchimp = Mailchimp::start().await;
    mailchimp.export(ADA).await;
    mailchimp.act("unsubscribe", ADA);
    mailchimp.delete(&path_of(ADA)).await;
    assert_eq!(mailchimp.set_status(ADA, "subscribed").await.title(), COMPLIANCE);
    mailchimp.set("put_archived", "as_new");
    assert_eq!(mailchimp.export(ADA).await.title(), COMPLIANCE);
}

#[tokio::test]
async fn an_unsubscribe_by_api_may_be_final_too() {
    let mailchimp = Mailchimp::start().await;
    mailchimp.set("api_unsubscribe", "final");
    mailchimp.export(ADA).await;
    mailchimp.set_status(ADA, "unsubscribed").await;
    assert_eq!(mailchimp.set_status(ADA, "subscribed").await.title(), COMPLIANCE);
}

#[tokio::test]
async fn people_act_through_the_same_calls() {
    let mailchimp = Mailchimp::start().await;
    mailchimp.export(ADA).await;
    let request = |actor: &str, status: &str| {
        mailchimp.request(reqwest::Method::PATCH, &path_of(ADA)).header("x-actor", actor).json(&json!({"status": status}))
    };
    assert_eq!(mailchimp.send(request("user", "unsubscribed")).await.member(), "unsubscribed");
    assert_eq!(mailchimp.send(request("admin", "subscribed")).await.title(), COMPLIANCE);
    assert_eq!(mailchimp.set_status(ADA, "subscribed").await.title(), COMPLIANCE);
    assert_eq!(mailchimp.send(request("user", "subscribed")).await.member(), "subscribed");
    let calls = mailchimp.sim.core().calls.to_json();
    assert_eq!(calls["user"]["PATCH /3.0/lists/{list}/members/{hash}"], 3);
}

#[tokio::test]
async fn every_mail_is_written_down() {
    let mailchimp = Mailchimp::start().await;
    mailchimp.export(ADA).await;
    mailchimp.export(ADA).await;
    let only = json!([{"list": "l1", "email": ADA, "kind": "welcome", "source": "api", "at": "2026-02-02T02:40:00+00:00", "at_ms": 1_770_000_000_000_i64}]);
    assert_eq!(mailchimp.get("/_control/mails?list=l1").await.body["mails"], only);
    assert_eq!(mailchimp.get("/_control/mails?list=l2").await.body["mails"], json!([]));
    assert_eq!(mailchimp.delete("/_control/mails").await.status, 200);
    assert_eq!(mailchimp.sim.act("campaign", &json!({"list": "l1"})).unwrap()["mailed"], 1);
    assert_eq!(mailchimp.mailed(), ["campaign"]);
}

#[tokio::test]
async fn a_confirmation_is_mailed_as_often_as_it_is_asked_for() {
    let mailchimp = Mailchimp::start().await;
    let asks = json!({"email_address": ADA, "status": "pending", "status_if_new": "pending"});
    for _ in 0..2 {
        mailchimp.put(&path_of(ADA), asks.clone()).await;
    }
    assert_eq!(mailchimp.mailed(), ["confirmation", "confirmation"]);
    mailchimp.set("pending_again_mails", false);
    mailchimp.put(&path_of(ADA), asks).await;
    mailchimp.put(&path_of(ADA), json!({"email_address": ADA, "status_if_new": "pending"})).await;
    assert_eq!(mailchimp.mailed().len(), 2);
}

#[tokio::test]
async fn a_form_with_double_opt_in_asks_first() {
    let mailchimp = Mailchimp::start().await;
    let body = json!({"list": "l2", "email": ADA, "merge_fields": {"FNAME": "Ada"}});
    assert_eq!(mailchimp.post("/_control/signup", body.clone()).await.body["status"], "pending");
    assert_eq!(mailchimp.post("/_control/confirm", body).await.body["status"], "subscribed");
    assert_eq!(mailchimp.mailed(), ["confirmation", "welcome"]);
    let listed = mailchimp.get("/lists/l2").await.body;
    assert_eq!((&listed["double_optin"], &listed["stats"]["member_count"]), (&json!(true), &json!(1)));
    assert_eq!(mailchimp.post("/_control/signup", json!({"list": "l2", "email": 1})).await.body["error"], "email: must be a text");
}

#[tokio::test]
async fn tags_start_automations_unless_they_are_synchronised() {
    let mailchimp = Mailchimp::start().await;
    mailchimp.set("welcome_on_api", false);
    mailchimp.export(ADA).await;
    let tag = |name: &str, syncing: bool| json!({"tags": [{"name": name, "status": "active"}], "is_syncing": syncing});
    let path = format!("{}/tags", path_of(ADA));
    mailchimp.post(&path, tag("a", true)).await;
    assert!(mailchimp.mailed().is_empty());
    mailchimp.post(&path, tag("b", false)).await;
    mailchimp.post(&path, tag("b", false)).await;
    assert_eq!(mailchimp.mailed(), ["tag_automation"]);
}

#[tokio::test]
async fn seeding_mails_nobody_and_tells_nobody() {
    let mailchimp = Mailchimp::start().await;
    let contacts = json!([{"email_address": ADA, "status": "unsubscribed", "compliance": true}, {"email_address": "bob@example.com"}]);
    assert_eq!(mailchimp.post("/_control/seed", json!({"site": "a", "contacts": contacts})).await.status, 200);
    assert_eq!((mailchimp.mailed().len(), mailchimp.sim.core().outbox.waiting().len()), (0, 0));
    assert_eq!(mailchimp.set_status(ADA, "subscribed").await.title(), COMPLIANCE);
    let statuses = |site| -> Vec<Value> { mailchimp.sim.contacts(site).unwrap().iter().map(|member| member["status"].clone()).collect() };
    assert_eq!((statuses(None).len(), statuses(Some("a")).len(), statuses(Some("b")).len()), (2, 2, 0));
    assert!(mailchimp.sim.contacts(Some("c")).is_err());
}
