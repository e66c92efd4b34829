//! Wix out of reach, sites that are paused: what was accepted is done later, once.

use std::{sync::Arc, time::Duration};

use contact_bridge::{
    adapters::memory::NoQueue,
    app::forms::{FormApp, FormMeans},
    model::{ids::FormId, submission::Filled},
};
use contact_bridge_local::{
    cloud::queue::Draft,
    vendors::kit::{Fault, FaultKind},
};
use serde_json::json;

use super::desk::{Desk, ada};
use crate::scenarios::switches::{Position, Vendor, at, at_every_switch};

fn down() -> Fault {
    Fault { times: 9_999, status: Some(503), ..Fault::any(FaultKind::Status) }
}

#[tokio::test]
async fn wix_down_for_an_hour_loses_nothing_and_doubles_nothing() {
    at_every_switch(async |lab| {
        let desk = Desk::open(lab).await;
        desk.lab.fault(Vendor::Wix, down());
        let accepted = desk.post(ada()).await;
        let again = desk.post(ada()).await;
        let typed = desk.post_as_typeform("t-1", &[("email", "ada@example.com"), ("city", "York")]).await;
        assert_eq!([accepted.status, again.status, typed.status], [202, 202, 202]);
        assert_eq!((accepted.text("state"), accepted.id()), ("pending", again.id()));
        assert_eq!(desk.progress(&accepted.id()).await.text("state"), "pending");
        desk.lab.settle_within(3_600).await;
        assert_eq!(desk.lab.wix_ids().len(), 0);
        desk.lab.clear_faults();
        desk.lab.settle().await;
        let ended = desk.progress(&accepted.id()).await;
        assert_eq!((ended.status, ended.text("state")), (200, "done"));
        let contact = desk.lab.wix(desk.only_contact()["id"].as_str().unwrap());
        assert_eq!([contact.get("company"), contact.get("city")], ["Works", "York"]);
        assert!(desk.lab.stack.form_queue().is_empty() && desk.lab.stack.dead_letters().is_empty());
        desk.lab.assert_in_step();
    })
    .await;
}

#[tokio::test]
async fn a_submission_that_waited_does_not_override_what_changed_since() {
    at(&[Position::defaults(), Position::dynamodb()], async |lab| {
        let desk = Desk::open(lab).await;
        let decision = json!({"kind": "override", "allowed_by": "Grace", "allowed_at": "2026-03-01T12:00:00Z"});
        desk.adjust("contact", json!({"on_filled": decision})).await;
        let id = desk.lab.wix_create(json!({"firstname": "Ada", "email": "ada@example.com", "company": "Mills"})).await;
        let posted = json!({"email": "ada@example.com", "company": "Works"});
        desk.lab.fault(Vendor::Wix, down());
        let waiting = desk.post(posted.clone()).await;
        assert_eq!(waiting.status, 202);
        desk.lab.settle_within(1_800).await;
        desk.lab.clear_faults();
        desk.lab.wix_edit(&id, json!({"company": "Bakery"})).await;
        desk.lab.settle().await;
        let ended = desk.progress(&waiting.id()).await;
        assert_eq!((ended.text("state"), desk.lab.wix(&id).get("company")), ("done", "Bakery"));
        assert_eq!(ended.rejected(), [("company".to_owned(), "filled".to_owned())]);
        desk.post(posted).await;
        assert_eq!(desk.lab.wix(&id).get("company"), "Works", "whoever sends it now knows better");
    })
    .await;
}

#[tokio::test]
async fn wix_that_asks_to_be_left_alone_is_left_alone() {
    at(&[Position::defaults(), Position::dynamodb()], async |lab| {
        let desk = Desk::open(lab).await;
        desk.lab.fault(Vendor::Wix, Fault { retry_after: Some("40".to_owned()), ..Fault::status(429, "POST /contacts/**") });
        assert_eq!(desk.post(ada()).await.status, 202);
        let throttled = desk.lab.stack.wix.core().calls.total();
        desk.lab.stack.clock().advance(Duration::from_secs(30));
        assert_eq!(desk.post(json!({"email": "ben@example.com"})).await.status, 202);
        assert_eq!(desk.lab.stack.wix.core().calls.total(), throttled, "nothing is sent before the time is over");
        desk.lab.settle().await;
        assert_eq!(desk.lab.wix_ids().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn credentials_that_are_refused_wait_for_a_person() {
    at(&[Position::defaults()], async |lab| {
        let desk = Desk::open(lab).await;
        desk.lab.fault(Vendor::Wix, Fault { times: 40, status: Some(401), ..Fault::any(FaultKind::Status) });
        let answer = desk.post(ada()).await;
        assert_eq!(answer.status, 202);
        desk.lab.settle_within(4 * 3_600).await;
        assert_eq!(desk.progress(&answer.id()).await.text("state"), "pending");
        desk.lab.clear_faults();
        desk.lab.settle().await;
        assert_eq!(desk.progress(&answer.id()).await.text("state"), "done");
    })
    .await;
}

#[tokio::test]
async fn what_is_tried_for_days_becomes_a_dead_letter_and_can_be_sent_back() {
    at(&[Position::defaults(), Position::dynamodb()], async |lab| {
        let desk = Desk::open(lab).await;
        desk.lab.fault(Vendor::Wix, down());
        let answer = desk.post(ada()).await;
        desk.lab.settle().await;
        let letters = desk.lab.stack.dead_letters();
        assert_eq!(letters.len(), 1);
        let failed = desk.progress(&answer.id()).await;
        assert_eq!((failed.text("state"), failed.text("reason")), ("failed", "gave up after 100 tries: unavailable"));
        desk.lab.clear_faults();
        assert_eq!(desk.lab.stack.redrive().await, 1);
        desk.lab.settle().await;
        assert_eq!((desk.progress(&answer.id()).await.text("state"), desk.lab.wix_ids().len()), ("done", 1));
    })
    .await;
}

#[tokio::test]
async fn a_paused_site_keeps_what_it_is_given() {
    at(&[Position::defaults(), Position::dynamodb()], async |lab| {
        let desk = Desk::open(lab).await;
        desk.lab.adjust(|site| site.paused = true).await;
        let answer = desk.post(ada()).await;
        assert_eq!(answer.status, 202);
        desk.lab.settle_within(24 * 3_600).await;
        assert_eq!(desk.lab.stack.wix.core().calls.total(), 0);
        desk.lab.adjust(|site| site.paused = false).await;
        desk.lab.settle().await;
        assert_eq!(desk.progress(&answer.id()).await.text("state"), "done");
    })
    .await;
}

#[tokio::test]
async fn what_the_queue_cannot_keep_is_not_accepted() {
    at(&[Position::defaults()], async |lab| {
        let desk = Desk::open(lab).await;
        let app = FormApp::new(FormMeans { queue: Arc::new(NoQueue), ..desk.lab.stack.forms.means.clone() }).unwrap();
        let forms = app.site(&desk.lab.site.id).await.unwrap().unwrap();
        let (id, entries) = (FormId::from("contact"), [("email", "ada@example.com")].into_iter().collect());
        let submission = forms.read(&id, &forms.site.forms[&id], &Filled { entries, ..Filled::default() }).unwrap();
        desk.lab.fault(Vendor::Wix, down());
        assert!(forms.submit(&submission).await.is_err());
        desk.lab.clear_faults();
        let again = desk.post(json!({"email": "ada@example.com"})).await;
        assert_eq!((again.status, again.text("action")), (200, "created"), "it is not held against the sender");
    })
    .await;
}

#[tokio::test]
async fn messages_that_are_no_submissions_become_dead_letters_one_by_one() {
    at(&[Position::defaults()], async |lab| {
        let desk = Desk::open(lab).await;
        let stray = json!({"site": "nowhere", "form": "f", "id": "0123456789abcdef01234567", "named": false,
            "at": "2026-03-28T23:30:00Z", "values": {"email": ["ada@example.com"]}});
        let formless = json!({"site": desk.lab.site.id, "form": "gone", "id": "0123456789abcdef01234567", "named": false,
            "at": "2026-03-28T23:30:00Z", "values": {"email": ["ada@example.com"]}});
        for body in ["", "{", "[]", "{\"site\": 1}", &stray.to_string(), &formless.to_string()] {
            if !body.is_empty() {
                desk.lab.stack.form_queue().send(Draft::new(body)).unwrap();
            }
        }
        desk.post(ada()).await;
        desk.lab.settle().await;
        assert_eq!((desk.lab.stack.dead_letters().len(), desk.lab.wix_ids().len()), (5, 1));
        let reasons = desk.lab.stack.dead_letters().iter().map(ToString::to_string).collect::<String>();
        assert!(reasons.contains("the site is not known") && reasons.contains("form gone: not_found"), "{reasons}");
    })
    .await;
}
