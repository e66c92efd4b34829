//! Ticked boxes.

use contact_bridge_local::vendors::kit::{Fault, FaultKind};
use serde_json::{Value, json};

use super::desk::Desk;
use crate::scenarios::{
    lab::Lab,
    switches::{Position, Vendor, at, at_every_switch, at_every_switch_but, at_switches},
};

const UPSERT: &str = "POST /email-marketing/v1/email-subscriptions";

impl Desk {
    async fn status(&self, email: &str) -> String {
        let known = self.lab.subscription(email).await;
        known.pointer("/subscriptionStatus").and_then(Value::as_str).unwrap_or("NOT_SET").to_owned()
    }

    async fn subscribe(&self, email: &str) -> String {
        self.post(json!({"email": email, "subscribe": "yes"})).await.text("subscription").to_owned()
    }

    /// The proofs of consents that the table holds.
    fn proofs(&self) -> Vec<Value> {
        let items = self.lab.stack.dynamo().map(|dynamo| dynamo.items("contact-bridge").unwrap()).unwrap_or_default();
        let own = format!("site#{}", self.lab.site.id);
        let is_proof = |item: &Value| item["PK"]["S"] == own && item["SK"]["S"].as_str().is_some_and(|key| key.starts_with("consent#"));
        items.into_iter().filter(is_proof).collect()
    }
}

#[tokio::test]
async fn a_ticked_box_subscribes_and_nothing_else_does() {
    at_every_switch(async |lab| {
        let desk = Desk::open(lab).await;
        assert_eq!(desk.subscribe("ada@example.com").await, "subscribed");
        assert_eq!(desk.status("ada@example.com").await, "SUBSCRIBED");
        for (number, box_) in [Value::Null, json!(""), json!("no"), json!("false"), json!("off"), json!(false), json!(0)].iter().enumerate()
        {
            let email = format!("person{number}@example.com");
            let answer = desk.post(json!({"email": email, "subscribe": box_})).await;
            assert_eq!((answer.status, answer.body.get("subscription")), (200, None), "{box_}");
            assert_eq!(desk.status(&email).await, "NOT_SET", "{box_}");
        }
        assert_eq!(desk.calls(UPSERT), 1);
    })
    .await;
}

#[tokio::test]
async fn every_consent_has_its_proof_and_the_proof_no_address() {
    at(&[Position::dynamodb()], async |lab| {
        let desk = Desk::open(lab).await;
        let answer = desk.post(json!({"email": "Ada@Example.com", "subscribe": true})).await;
        let proofs = desk.proofs();
        assert_eq!(proofs.len(), 1);
        assert_eq!(proofs[0]["form_id"]["S"], "contact");
        assert_eq!(proofs[0]["text_version"]["S"], "2026-11");
        assert_eq!(proofs[0]["submission"]["S"], answer.text("submission"));
        assert!(proofs[0]["SK"]["S"].as_str().unwrap().ends_with('Z'), "when: {proofs:?}");
        assert!(!proofs[0].to_string().to_lowercase().contains("ada@"), "{proofs:?}");
        desk.post(json!({"email": "ben@example.com"})).await;
        assert_eq!(desk.proofs().len(), 1, "no consent, no proof");
    })
    .await;
}

#[tokio::test]
async fn nobody_is_subscribed_before_the_proof_is_stored() {
    at(&[Position::dynamodb()], async |lab| {
        let desk = Desk::open(lab).await;
        // The proof comes between the contact and the subscription: whatever fails after it leaves the address as it was, with the proof.
        desk.lab.fault(Vendor::Wix, Fault { times: 9, status: Some(503), ..Fault::once(FaultKind::Status, UPSERT) });
        let answer = desk.post(json!({"email": "ada@example.com", "subscribe": "on"})).await;
        assert_eq!((answer.status, desk.status("ada@example.com").await.as_str(), desk.proofs().len()), (202, "NOT_SET", 1));
        desk.lab.settle().await;
        assert_eq!((desk.status("ada@example.com").await.as_str(), desk.proofs().len()), ("SUBSCRIBED", 1));
        let ended = desk.progress(&answer.id()).await;
        assert_eq!((ended.text("action"), ended.text("subscription")), ("created", "subscribed"));
    })
    .await;
}

#[tokio::test]
async fn whoever_unsubscribed_stays_so() {
    at_every_switch(async |lab| {
        let desk = Desk::open(lab).await;
        for (email, status, deliverability) in [
            ("out@example.com", "UNSUBSCRIBED", "VALID"),
            ("angry@example.com", "NOT_SET", "SPAM_COMPLAINT"),
            ("angrier@example.com", "UNSUBSCRIBED", "SPAM_COMPLAINT"),
        ] {
            desk.lab.set_subscription(email, status, deliverability).await;
            desk.lab.stack.clock().advance(std::time::Duration::from_hours(1));
            assert_eq!(desk.subscribe(email).await, "opted_out", "{email}");
            assert_eq!(desk.status(email).await, status, "{email}");
        }
        assert_eq!(desk.calls(UPSERT), 0);
    })
    .await;
}

#[tokio::test]
async fn whoever_unsubscribed_stays_so_however_the_address_is_written() {
    at_switches(&["subscription_case", "subscription_keys"], async |lab| {
        let desk = Desk::open(lab).await;
        desk.lab.set_subscription("Ada@Example.com", "UNSUBSCRIBED", "VALID").await;
        desk.lab.stack.clock().advance(std::time::Duration::from_hours(1));
        for (email, expected) in [
            ("ADA@example.com", "opted_out"),
            ("ada@example.com", "opted_out"),
            ("Ben@Example.com", "subscribed"),
            ("BEN@example.com", "already"),
        ] {
            assert_eq!(desk.subscribe(email).await, expected, "{email}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_form_that_may_brings_back_who_ticked_after_opting_out() {
    at_every_switch_but(&["resubscribe_by_app"], async |lab| {
        let desk = Desk::open(lab).await;
        let consent = json!({"field": "subscribe", "text_version": "2026-11", "resubscribe": true});
        desk.adjust("contact", json!({"consent": consent})).await;
        desk.lab.set_subscription("back@example.com", "UNSUBSCRIBED", "BOUNCED").await;
        desk.lab.stack.clock().advance(std::time::Duration::from_mins(5));
        assert_eq!(desk.subscribe("back@example.com").await, "subscribed");
        let known = desk.lab.subscription("back@example.com").await;
        assert_eq!((&known["subscriptionStatus"], &known["deliverabilityStatus"]), (&json!("SUBSCRIBED"), &json!("BOUNCED")));
    })
    .await;
}

#[tokio::test]
async fn what_wix_declines_is_told() {
    at_switches(&["resubscribe_by_app"], async |lab| {
        let desk = Desk::open(lab).await;
        let consent = json!({"field": "subscribe", "text_version": "2026-11", "resubscribe": true});
        desk.adjust("contact", json!({"consent": consent})).await;
        desk.lab.set_subscription("back@example.com", "UNSUBSCRIBED", "VALID").await;
        desk.lab.stack.clock().advance(std::time::Duration::from_mins(5));
        let (told, is) = (desk.subscribe("back@example.com").await, desk.status("back@example.com").await);
        let expected = if desk.lab.stack.wix.core().switches.is("resubscribe_by_app", "allowed") {
            ("subscribed", "SUBSCRIBED")
        } else {
            ("refused", "UNSUBSCRIBED")
        };
        assert_eq!((told.as_str(), is.as_str()), expected);
    })
    .await;
}

#[tokio::test]
async fn an_opt_out_after_the_tick_wins_even_if_the_form_comes_late() {
    at_every_switch(opt_out_after_the_tick).await;
    at_switches(&["clock_ahead_ms", "clock_behind_ms"], opt_out_after_the_tick).await;
}

async fn opt_out_after_the_tick(lab: Lab) {
    let desk = Desk::open(lab).await;
    let consent = json!({"field": "subscribe", "text_version": "2026-11", "resubscribe": true});
    desk.adjust("contact", json!({"consent": consent})).await;
    desk.lab.fault(Vendor::Wix, Fault { times: 99, status: Some(503), ..Fault::any(FaultKind::Status) });
    let answer = desk.post(json!({"email": "ada@example.com", "subscribe": "yes"})).await;
    assert_eq!(answer.status, 202);
    desk.lab.stack.clock().advance(std::time::Duration::from_secs(30));
    desk.lab.set_subscription("ada@example.com", "UNSUBSCRIBED", "VALID").await;
    desk.lab.clear_faults();
    desk.lab.settle().await;
    assert_eq!(desk.progress(&answer.id()).await.text("subscription"), "opted_out");
    assert_eq!(desk.status("ada@example.com").await, "UNSUBSCRIBED");
}

#[tokio::test]
async fn an_address_that_is_to_confirm_is_left_to_confirm() {
    at_switches(&["pending_mail"], async |lab| {
        let desk = Desk::open(lab).await;
        desk.lab.set_subscription("ada@example.com", "PENDING", "NOT_SET").await;
        assert_eq!(desk.subscribe("ada@example.com").await, "pending");
        assert_eq!(desk.status("ada@example.com").await, "PENDING");
        assert_eq!(desk.post(json!({"tel": "646-555-0132", "subscribe": "yes"})).await.text("subscription"), "no_address");
    })
    .await;
}

#[tokio::test]
async fn a_subscription_whose_reply_is_lost_is_made_once() {
    at_every_switch(async |lab| {
        let desk = Desk::open(lab).await;
        for kind in [FaultKind::LoseReply, FaultKind::Cut, FaultKind::Timeout] {
            let email = format!("{kind:?}@example.com").to_lowercase();
            desk.lab.fault(Vendor::Wix, Fault::once(kind, UPSERT));
            let answer = desk.post(json!({"email": email, "subscribe": "yes"})).await;
            desk.lab.settle().await;
            desk.lab.clear_faults();
            let ended = desk.progress(&answer.id()).await;
            assert_eq!((ended.text("state"), ended.text("action"), ended.text("subscription")), ("done", "created", "already"), "{kind:?}");
            assert_eq!(desk.status(&email).await, "SUBSCRIBED");
        }
        assert_eq!(desk.calls(UPSERT), 3);
    })
    .await;
}
