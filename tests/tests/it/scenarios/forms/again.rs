//! The same person at once, the same submission again, workers that die in between.

use contact_bridge::{
    app::forms::FormApp,
    flows::form::Answer as Flow,
    model::{ids::FormId, submission::Filled},
};
use contact_bridge_local::vendors::kit::FaultKind;
use futures::future::join_all;
use serde_json::{Value, json};

use super::desk::{Desk, ada};
use crate::scenarios::{
    crash::die_after,
    lab::at_call,
    people,
    switches::{Position, Vendor, at, at_every_switch, at_switches},
};

/// Two posts at the same moment; the contacts that were there before, by how many have the address.
async fn at_once(desk: &Desk, matches: usize) {
    let mut there = Vec::new();
    for number in 0..matches {
        there.push(desk.lab.wix_create(json!({"firstname": format!("Ada{number}"), "email": "ada@example.com"})).await);
        desk.lab.stack.clock().advance(std::time::Duration::from_secs(100));
    }
    desk.lab.settle().await;
    let answers = join_all([desk.post(ada()), desk.post(ada())]).await;
    desk.lab.settle().await;
    assert!(answers.iter().all(|answer| [200, 202].contains(&answer.status)), "{answers:?}");
    assert_eq!(answers[0].id(), answers[1].id());
    let ended = desk.progress(&answers[0].id()).await;
    assert_eq!(ended.text("state"), "done");
    assert_eq!(desk.lab.wix_ids().len(), matches.max(1));
    if let Some(oldest) = there.first() {
        assert_eq!(ended.text("contact"), oldest, "the one that was created first");
    }
    assert_eq!(desk.lab.wix(ended.text("contact")).get("company"), "Works");
}

#[tokio::test]
async fn d12_a_form_submitted_twice_makes_one_contact() {
    at_every_switch(async |lab| at_once(&Desk::open(lab).await, 0).await).await;
}

#[tokio::test]
async fn d12_a_form_submitted_twice_updates_the_one_contact() {
    at_every_switch(async |lab| at_once(&Desk::open(lab).await, 1).await).await;
}

#[tokio::test]
async fn d12_a_form_submitted_twice_updates_the_first_of_several_contacts() {
    at_every_switch(async |lab| at_once(&Desk::open(lab).await, 3).await).await;
}

#[tokio::test]
async fn different_forms_of_one_new_person_at_once_make_one_contact() {
    at_every_switch(async |lab| {
        let desk = Desk::open(lab).await;
        let shop = desk.post(json!({"email": "Ada@Example.com", "company": "Works"}));
        let news = desk.post_publicly(json!({"email": "ada@example.com", "first": "Ada"}));
        let typed = desk.post_as_typeform("t-1", &[("email", "ada@example.com"), ("city", "York")]);
        let (shop, news, typed) = futures::join!(shop, news, typed);
        desk.lab.settle().await;
        assert!([&shop, &news, &typed].iter().all(|answer| [200, 202].contains(&answer.status)), "{shop:?} {news:?} {typed:?}");
        let contact = desk.lab.wix(desk.only_contact()["id"].as_str().unwrap());
        assert_eq!([contact.get("company"), contact.get("firstname"), contact.get("city")], ["Works", "Ada", "York"]);
        desk.lab.assert_in_step();
    })
    .await;
}

/// A submission of Ada's on an instance of the function with nothing in common with others but the stores.
async fn submit_on(app: &FormApp, desk: &Desk, company: &str) -> Flow {
    let forms = app.site(&desk.lab.site.id).await.unwrap().unwrap();
    let id = FormId::from("contact");
    let entries = [("email", "ada@example.com"), ("company", company)].into_iter().collect();
    let submission = forms.read(&id, &forms.site.forms[&id], &Filled { entries, ..Filled::default() }).unwrap();
    forms.submit(&submission).await.unwrap()
}

#[tokio::test]
async fn instances_of_the_function_share_who_makes_a_contact() {
    at_switches(&["visibility_lag_ms", "duplicate_check"], async |lab| {
        let desk = Desk::open(lab).await;
        let apps: Vec<_> = (0..4).map(|_| FormApp::new(desk.lab.stack.forms.means.clone()).unwrap()).collect();
        let companies = ["Works", "Works", "Mills", "Looms"];
        join_all(apps.iter().zip(companies).map(|(app, company)| submit_on(app, &desk, company))).await;
        desk.lab.settle().await;
        desk.only_contact();
        assert_eq!(desk.calls("POST /contacts/v4/contacts"), 1, "the others waited or were told");
    })
    .await;
}

#[tokio::test]
async fn a_repeated_delivery_changes_nothing_however_late() {
    at_every_switch(async |lab| {
        let desk = Desk::open(lab).await;
        let decision = json!({"kind": "override", "allowed_by": "Grace", "allowed_at": "2026-03-01T12:00:00Z"});
        desk.adjust("typeform", json!({"on_filled": decision})).await;
        let first = desk.post_as_typeform("t-1", &[("email", "ada@example.com"), ("company", "Works")]).await;
        desk.lab.settle().await;
        let id = desk.only_contact()["id"].as_str().unwrap().to_owned();
        desk.lab.wix_edit(&id, json!({"company": "Mills"})).await;
        desk.lab.settle().await;
        for hours in [0, 24, 24 * 300] {
            desk.lab.stack.clock().advance(std::time::Duration::from_hours(hours));
            desk.lab.forget_calls();
            let again = desk.post_as_typeform("t-1", &[("email", "ada@example.com"), ("company", "Works")]).await;
            assert_eq!((again.status, &again.body["contact"]), (200, &json!(id)), "{first:?}");
            assert_eq!(desk.lab.writes().wix, 0);
        }
        assert_eq!(desk.lab.wix(&id).get("company"), "Mills", "what a person wrote since then stays");
    })
    .await;
}

#[tokio::test]
async fn the_same_content_is_the_same_submission_for_a_minute() {
    at(&[Position::defaults(), Position::dynamodb()], async |lab| {
        let desk = Desk::open(lab).await;
        let first = desk.post(ada()).await;
        desk.lab.settle().await;
        assert_eq!((first.status, first.text("action")), (200, "created"));
        desk.lab.forget_calls();
        desk.lab.stack.clock().advance(std::time::Duration::from_secs(50));
        assert_eq!(desk.post(ada()).await, first);
        assert_eq!(desk.lab.stack.wix.core().calls.total(), 0, "the answer is remembered");
        desk.lab.stack.clock().advance(std::time::Duration::from_secs(20));
        let later = desk.post(ada()).await;
        assert_eq!((later.id(), later.text("action")), (first.id(), "unchanged"));
    })
    .await;
}

#[tokio::test]
async fn a_create_whose_reply_is_lost_makes_one_contact() {
    at_every_switch(async |lab| {
        let desk = Desk::open(lab).await;
        for (number, (kind, call)) in [FaultKind::LoseReply, FaultKind::Cut, FaultKind::Timeout].into_iter().zip([1, 1, 1]).enumerate() {
            let fields = json!({"email": format!("person{number}@example.com"), "company": "Works"});
            desk.lab.fault(Vendor::Wix, at_call(kind, call));
            let answer = desk.post(fields).await;
            desk.lab.settle().await;
            desk.lab.clear_faults();
            assert!([200, 202].contains(&answer.status), "{kind:?} {answer:?}");
            let ended = desk.progress(&answer.id()).await;
            assert_eq!((ended.text("state"), ended.text("action")), ("done", "created"), "{kind:?}");
            assert_eq!(desk.lab.wix_ids().len(), number + 1, "{kind:?}");
        }
        desk.lab.assert_in_step();
    })
    .await;
}

#[tokio::test]
async fn a_person_without_email_whose_create_is_lost_is_not_doubled() {
    at_every_switch(async |lab| {
        let desk = Desk::open(lab).await;
        desk.lab.fault(Vendor::Wix, at_call(FaultKind::LoseReply, 2));
        let answer = desk.post(json!({"tel": "(646) 555-0132", "first": "Grace"})).await;
        desk.lab.settle().await;
        assert_eq!(desk.progress(&answer.id()).await.text("state"), "done");
        assert_eq!(desk.only_contact()["info"]["name"]["first"], "Grace");
    })
    .await;
}

/// A worker dies at every point at which it waits, with a form post in its hands; its sender comes again.
async fn dies_anywhere(desk: &Desk, fields: Value, before: usize) {
    for polls in 1.. {
        let number = polls + before;
        let mut fields = fields.clone();
        fields["email"] = format!("person{number}@example.com").into();
        let id = FormId::from("contact");
        let entries = fields.as_object().unwrap().iter().map(|(name, text)| (name.as_str(), text.as_str().unwrap())).collect();
        let app = FormApp::new(desk.lab.stack.forms.means.clone()).unwrap();
        let forms = app.site(&desk.lab.site.id).await.unwrap().unwrap();
        let submission = forms.read(&id, &forms.site.forms[&id], &Filled { entries, ..Filled::default() }).unwrap();
        let ended = die_after(polls, async { forms.submit(&submission).await.unwrap() }).await;
        let again = desk.post(fields.clone()).await;
        desk.lab.settle().await;
        assert!([200, 202].contains(&again.status), "after {polls}: {again:?}");
        let told = desk.progress(&again.id()).await;
        assert_eq!(told.text("state"), "done", "after {polls}");
        let contact = desk.lab.wix(told.text("contact"));
        assert_eq!([contact.get("company"), contact.get("city")], ["Works", "York"], "after {polls}");
        assert_eq!(desk.lab.wix_ids().len(), number, "after {polls}");
        if ended {
            assert!(polls > 4, "it was not killed in the middle");
            return;
        }
    }
}

#[tokio::test]
async fn a_worker_that_dies_anywhere_leaves_one_contact() {
    at(&[Position::defaults(), Position::dynamodb()], async |lab| {
        let desk = Desk::open(lab).await;
        dies_anywhere(&desk, json!({"company": "Works", "city": "York", "subscribe": "yes"}), 0).await;
    })
    .await;
}

#[tokio::test]
async fn a_form_contact_is_carried_on_by_the_ordinary_sync_once() {
    at_every_switch(async |lab| {
        let desk = Desk::open(lab).await;
        let hub = desk.lab.hub_create(people::ada()).await;
        desk.post(json!({"email": "grace@example.com", "first": "Grace"})).await;
        desk.lab.settle().await;
        desk.post(json!({"email": "ada@example.com", "job": "Analyst"})).await;
        desk.lab.settle().await;
        assert_eq!((desk.lab.wix_ids().len(), desk.lab.hub_ids().len()), (2, 2));
        assert_eq!(desk.lab.hub(&hub).get("jobtitle"), "Analyst");
        desk.lab.assert_in_step();
        desk.lab.forget_calls();
        desk.lab.settle().await;
        assert_eq!((desk.lab.writes().wix, desk.lab.writes().hub), (0, 0), "nothing goes round in circles");
    })
    .await;
}
