//! Webhooks: their management, their events, signatures and retries.

use serde_json::json;

use super::client::{Inbox, LIST, Letter, Mailchimp, START_MS, order, path_of};

const ADA: &str = "ada@example.com";

fn hooks() -> String {
    format!("{LIST}/webhooks")
}

async fn only(mailchimp: &Mailchimp, inbox: &Inbox) -> Letter {
    mailchimp.deliver().await;
    let mut letters = inbox.take();
    assert_eq!(letters.len(), 1);
    letters.remove(0)
}

#[tokio::test]
async fn a_secret_is_told_once() {
    let mailchimp = Mailchimp::start().await;
    let (inbox, made) = Inbox::of(&mailchimp).await;
    assert!(made["signing_secret"].as_str().unwrap().len() >= 24 && made["signing_enabled"] == true);
    assert_eq!(*inbox.probes.lock().unwrap(), 1);
    let path = format!("{}/{}", hooks(), made["id"].as_str().unwrap());
    let shown = mailchimp.get(&path).await.body;
    assert_eq!((shown.get("signing_secret"), &shown["signing_enabled"]), (None, &json!(true)));
    assert_eq!(mailchimp.get(&hooks()).await.body["webhooks"], json!([shown]));
    assert_eq!(mailchimp.delete(&path).await.status, 204);
    assert_eq!(mailchimp.get(&path).await.status, 404);
    assert_eq!(mailchimp.get(&hooks()).await.body["total_items"], 0);
}

#[tokio::test]
async fn an_address_must_answer_get_before_it_is_taken() {
    let mailchimp = Mailchimp::start().await;
    let inbox = Inbox::start().await;
    inbox.answer(&[405]);
    assert_eq!(mailchimp.post(&hooks(), order(&inbox.url, true)).await.field(), (400, "url"));
    assert_eq!(mailchimp.post(&hooks(), order("nowhere", true)).await.field(), (400, "url"));
    mailchimp.set("webhook_probe", "none");
    inbox.answer(&[405]);
    assert_eq!(mailchimp.post(&hooks(), order(&inbox.url, true)).await.status, 200);
    assert_eq!(mailchimp.post(&hooks(), order(&inbox.url, true)).await.field(), (400, "url"));
}

#[tokio::test]
async fn a_delivery_is_a_signed_form() {
    let mailchimp = Mailchimp::start().await;
    let (inbox, made) = Inbox::of(&mailchimp).await;
    let address = json!({"addr1": "1 Main St", "city": "Austin", "state": "TX", "zip": "78701"});
    let body = json!({"email_address": ADA, "status_if_new": "subscribed", "merge_fields": {"FNAME": "Zoë & Co", "ADDRESS": address}});
    mailchimp.put(&path_of(ADA), body).await;
    let letter = only(&mailchimp, &inbox).await;
    let form = |name: &str| letter.form.get(name).map(String::as_str);
    assert_eq!((form("type"), form("fired_at")), (Some("subscribe"), Some("2026-02-02 02:40:00")));
    assert_eq!((form("data[email]"), form("data[list_id]"), form("data[merges][EMAIL]")), (Some(ADA), Some("l1"), Some(ADA)));
    assert_eq!((form("data[merges][FNAME]"), form("data[merges][ADDRESS][city]")), (Some("Zoë & Co"), Some("Austin")));
    assert_eq!((form("data[merges][INTERESTS]"), form("data[email_type]")), (Some(""), Some("html")));
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, made["signing_secret"].as_str().unwrap().as_bytes());
    let (time, tag) = letter.signature.as_deref().unwrap().split_once(",v1=").unwrap();
    assert_eq!(time, format!("t={}", START_MS / 1000));
    let signed = format!("{}.{}", START_MS / 1000, letter.body);
    assert!(aws_lc_rs::hmac::verify(&key, signed.as_bytes(), &hex::decode(tag).unwrap()).is_ok());
}

#[tokio::test]
async fn events_follow_a_member_through_its_life() {
    let mailchimp = Mailchimp::start().await;
    let (inbox, _) = Inbox::of(&mailchimp).await;
    mailchimp.export(ADA).await;
    mailchimp.export(ADA).await;
    assert_eq!(inbox.types(&mailchimp).await, ["subscribe"]);
    mailchimp.put(&path_of(ADA), json!({"email_address": ADA, "merge_fields": {"FNAME": "Ada"}})).await;
    assert_eq!(inbox.types(&mailchimp).await, ["profile"]);
    mailchimp.patch(&path_of(ADA), json!({"email_address": "eve@example.com"})).await;
    mailchimp.deliver().await;
    let renamed = inbox.take();
    assert_eq!((renamed[0].form["type"].as_str(), renamed[1].form["type"].as_str()), ("profile", "upemail"));
    let upemail = &renamed[1].form;
    assert_eq!((&*upemail["data[old_email]"], &*upemail["data[new_email]"]), (ADA, "eve@example.com"));
    assert!(!upemail.contains_key("data[email]") && upemail["data[new_id]"] == renamed[0].form["data[id]"]);
    mailchimp.set_status("eve@example.com", "pending").await;
    assert!(inbox.types(&mailchimp).await.is_empty());
    mailchimp.act("confirm", "eve@example.com");
    mailchimp.delete(&path_of("eve@example.com")).await;
    assert_eq!(inbox.types(&mailchimp).await, ["subscribe", "unsubscribe"]);
}

#[tokio::test]
async fn people_leave_for_different_reasons() {
    let mailchimp = Mailchimp::start().await;
    let (inbox, _) = Inbox::of(&mailchimp).await;
    for (act, event, reason) in
        [("unsubscribe", "unsubscribe", "manual"), ("complain", "unsubscribe", "abuse"), ("bounce", "cleaned", "hard")]
    {
        mailchimp.act("signup", ADA);
        inbox.types(&mailchimp).await;
        mailchimp.sim.act(act, &json!({"email": ADA, "campaign": "c1"})).unwrap();
        let form = only(&mailchimp, &inbox).await.form;
        assert_eq!((&*form["type"], &*form["data[reason]"], &*form["data[campaign_id]"]), (event, reason, "c1"));
    }
    mailchimp.set("complaint_is_unsubscribe", false);
    mailchimp.act("signup", ADA);
    inbox.types(&mailchimp).await;
    mailchimp.act("complain", ADA);
    let form = only(&mailchimp, &inbox).await.form;
    assert_eq!((&*form["type"], &*form["data[reason]"]), ("cleaned", "abuse"));
}

#[tokio::test]
async fn sources_keep_the_apis_own_writes_away() {
    let mailchimp = Mailchimp::start().await;
    let inbox = Inbox::start().await;
    mailchimp.post(&hooks(), order(&inbox.url, false)).await;
    mailchimp.export(ADA).await;
    assert!(inbox.types(&mailchimp).await.is_empty());
    mailchimp.act("unsubscribe", ADA);
    mailchimp.sim.act("campaign", &json!({"list": "l1", "subject": "Hi"})).unwrap();
    assert_eq!(inbox.types(&mailchimp).await, ["unsubscribe", "campaign"]);
}

#[tokio::test]
async fn switches_shape_the_events() {
    let mailchimp = Mailchimp::start().await;
    mailchimp.set("webhook_signing", "on_request");
    let (inbox, made) = Inbox::of(&mailchimp).await;
    assert_eq!((made.get("signing_secret"), &made["signing_enabled"]), (None, &json!(false)));
    for (switch, value) in [("fired_at_zone", "account"), ("upemail_order", "upemail_first"), ("archive_fires", "nothing")] {
        mailchimp.set(switch, value);
    }
    mailchimp.set("profile_with_subscribe", true);
    mailchimp.export(ADA).await;
    let letter = only(&mailchimp, &inbox).await;
    assert_eq!((letter.signature, &*letter.form["fired_at"]), (None, "2026-02-01 21:40:00"));
    mailchimp.patch(&path_of(ADA), json!({"email_address": "eve@example.com"})).await;
    mailchimp.delete(&path_of("eve@example.com")).await;
    assert_eq!(inbox.types(&mailchimp).await, ["upemail", "profile"]);
    mailchimp.patch(&path_of("eve@example.com"), json!({"status": "subscribed", "merge_fields": {"FNAME": "Eve"}})).await;
    assert_eq!(inbox.types(&mailchimp).await, ["subscribe", "profile"]);
}

#[tokio::test]
async fn retries_are_signed_anew_and_end_after_75_minutes() {
    let mailchimp = Mailchimp::start().await;
    let (inbox, _) = Inbox::of(&mailchimp).await;
    inbox.answer(&[500; 8]);
    mailchimp.export(ADA).await;
    let mut minutes = Vec::new();
    mailchimp.sim.deliver_due().await;
    while let Some(due) = mailchimp.sim.next_due() {
        minutes.push((due - mailchimp.sim.core().clock.now_ms()) / 60_000);
        mailchimp.sim.core().clock.set_ms(due);
        mailchimp.sim.deliver_due().await;
    }
    assert!(minutes.iter().sum::<i64>() == 75 && minutes.is_sorted(), "{minutes:?}");
    let letters = inbox.take();
    assert_eq!(letters.len(), 8);
    assert!(letters[0].body == letters[7].body && letters[0].signature != letters[7].signature);
    assert_eq!(mailchimp.sim.core().outbox.to_json()["given_up"], 1);
}
