//! Group 3: duplicates.

use contact_bridge::model::{
    event::{Event, EventKind},
    ids::{RecordId, Side},
    link::ParkedReason,
};
use contact_bridge_local::vendors::kit::FaultKind;
use serde_json::json;

use super::{
    crash::crash_in,
    lab::{Lab, Writes, at_call, one},
    people::{ada, person},
    switches::{Position, Vendor, at, on_every_crm, on_every_crm_but},
};

#[tokio::test]
async fn d01_a_changed_email_keeps_the_link() {
    on_every_crm(async |lab| {
        let (wix, hub) = lab.pair().await;
        lab.wix_edit(&wix, one("email", "ada@mills.example")).await;
        lab.settle().await;
        assert_eq!((lab.hub(&hub).get("email"), lab.hub_ids().len()), ("ada@mills.example", 1));
        lab.hub_edit(&hub, one("email", "ada@looms.example")).await;
        lab.settle().await;
        assert_eq!((lab.wix(&wix).get("email"), lab.wix_ids().len()), ("ada@looms.example", 1));
        lab.assert_in_step();
    })
    .await;
}

#[tokio::test]
async fn d02_created_and_updated_in_any_order_make_one_record() {
    on_every_crm(async |lab| {
        for (number, order) in [[0, 0], [0, 600], [600, 0]].into_iter().enumerate() {
            for vendor in [Vendor::Wix, Vendor::Hub] {
                lab.repeat_webhooks(vendor, 2, 1);
                lab.delay_webhooks(vendor, &order);
            }
            let wix = lab.wix_create(person(2 * number)).await;
            lab.wix_edit(&wix, one("company", "Mills")).await;
            let hub = lab.hub_create(person(2 * number + 1)).await;
            lab.hub_edit(&hub, one("company", "Looms")).await;
            lab.settle().await;
            lab.clear_faults();
        }
        assert_eq!(lab.wix_ids().len(), 6);
        lab.assert_in_step();
    })
    .await;
}

#[tokio::test]
async fn d04_a_create_that_fails_at_any_call_makes_one_record() {
    on_every_crm(async |lab| {
        let mut number = 0;
        for vendor in [Vendor::Wix, Vendor::Hub] {
            for kind in [FaultKind::LoseReply, FaultKind::Cut, FaultKind::Status, FaultKind::NotJson] {
                for call in 0..4 {
                    lab.fault(vendor, at_call(kind, call));
                    create_on_both(&lab, number).await;
                    number += 2;
                }
            }
        }
        lab.assert_in_step();
    })
    .await;
}

#[tokio::test]
async fn d04_a_create_that_crashes_at_any_point_makes_one_record() {
    at(&[Position::defaults(), Position::dynamodb(), Position::pipedrive()], async |lab| {
        for polls in 1..60 {
            let wix = lab.wix_create(person(2 * polls)).await;
            let hub = lab.hub_create(person(2 * polls + 1)).await;
            crash_in(&lab, polls, &created(&lab, Side::Wix, &wix)).await;
            crash_in(&lab, polls, &created(&lab, Side::External, &hub)).await;
            lab.settle().await;
        }
        assert_eq!(lab.wix_ids().len(), 118);
        lab.assert_in_step();
    })
    .await;
}

async fn create_on_both(lab: &Lab, number: usize) {
    lab.wix_create(person(number)).await;
    lab.hub_create(person(number + 1)).await;
    lab.settle().await;
    lab.clear_faults();
    assert_eq!((lab.wix_ids().len(), lab.hub_ids().len()), (number + 2, number + 2), "after person {number}");
}

fn created(lab: &Lab, side: Side, id: &str) -> Event {
    let at = lab.stack.app.means.clock.now();
    Event {
        site: lab.site.id.clone(),
        side,
        record: Some(RecordId::new(id)),
        kind: EventKind::Created,
        at,
        id: None,
        entity: None,
        attempts: 0,
    }
}

#[tokio::test]
async fn d05_two_full_sides_are_matched_not_doubled() {
    // An index that lags does not show who was made a moment ago, and a phone alone is looked up nowhere else.
    on_every_crm_but(&["visibility_lag_ms", "search_lag_ms"], async |lab| full_sides(&lab, 20).await).await;
}

#[tokio::test]
async fn d06_two_large_sides_are_matched_not_doubled() {
    at(&[Position::defaults()], async |lab| full_sides(&lab, 300).await).await;
}

/// `count` people on each side: three in five on both (half of them known by their phone alone), one in twenty unclear.
async fn full_sides(lab: &Lab, count: usize) {
    fill(lab, count).await;
    lab.settle().await;
    assert_matched(lab, count).await;
}

/// Fills both sides, as [`full_sides`] says.
pub async fn fill(lab: &Lab, count: usize) {
    let (both, unclear) = (count * 3 / 5, count / 20);
    for number in 0..count {
        let phone = format!("+1646555{:04}", 1_000 + number);
        let (wix, hub) = match number {
            n if n < unclear => (json!({"firstname": "Un", "phone": phone}), json!({"firstname": "Clear", "phone": phone})),
            n if n < both && n % 2 == 0 => (json!({"firstname": "By", "phone": phone}), json!({"lastname": "Phone", "phone": phone})),
            n if n < both => (person(n), json!({"email": format!("Person{n}@example.com"), "city": "York"})),
            n => (person(n), person(count + n)),
        };
        if number < unclear {
            lab.hub_create(hub.clone()).await;
        }
        lab.wix_create(wix).await;
        lab.hub_create(hub).await;
    }
}

/// Everybody of two full sides is there once on each, and linked if it is clear with whom.
pub async fn assert_matched(lab: &Lab, count: usize) {
    let (both, unclear) = (count * 3 / 5, count / 20);
    let people = both + 2 * (count - both);
    assert_eq!((lab.wix_ids().len(), lab.hub_ids().len()), (people, people + unclear));
    let linked = lab.wix_ids().iter().filter(|wix| lab.in_hub(wix).is_some()).count();
    assert_eq!((linked, lab.parked().await.len()), (people - unclear, 3 * unclear), "of an unclear three, nobody is chosen");
}

#[tokio::test]
async fn d07_people_without_email_are_not_doubled() {
    on_every_crm(async |lab| {
        lab.repeat_webhooks(Vendor::Wix, 9, 2);
        lab.repeat_webhooks(Vendor::Hub, 9, 2);
        let (grace, mary) = (json!({"firstname": "Grace", "phone": "+16465550111"}), json!({"firstname": "Mary"}));
        lab.wix_create(grace.clone()).await;
        lab.wix_create(mary).await;
        lab.hub_create(json!({"lastname": "Nameless"})).await;
        lab.settle().await;
        let id = lab.hub_create(grace).await;
        lab.hub_edit(&id, one("city", "York")).await;
        lab.settle().await;
        assert_eq!((lab.wix_ids().len(), lab.hub_ids().len()), (3, 4));
        assert_eq!(lab.reasons().await, [ParkedReason::MatchIsLinked]);
    })
    .await;
}

#[tokio::test]
async fn d09_one_event_on_two_workers_at_once_is_one_event() {
    on_every_crm(async |lab| {
        lab.stack.set_workers(2).unwrap();
        lab.repeat_webhooks(Vendor::Wix, 99, 11);
        lab.repeat_webhooks(Vendor::Hub, 99, 11);
        let wix = lab.wix_create(ada()).await;
        lab.hub_create(person(1)).await;
        lab.settle().await;
        lab.assert_in_step();
        lab.forget_calls();
        lab.wix_edit(&wix, one("company", "Mills")).await;
        lab.settle().await;
        assert_eq!(lab.writes(), Writes { wix: 0, hub: 1 });
        lab.assert_in_step();
    })
    .await;
}

#[tokio::test]
async fn d11_an_email_is_one_person_whatever_its_case() {
    on_every_crm(async |lab| {
        for (wix, hub) in [("ADA@Example.com", "ada@example.COM"), ("info@müller.example", "info@MÜLLER.example")] {
            lab.wix_create(json!({"firstname": "Ada", "email": wix})).await;
            lab.hub_create(json!({"lastname": "Stone", "email": hub})).await;
        }
        lab.wix_create(json!({"firstname": "Shop", "email": "ada+shop@example.com"})).await;
        lab.settle().await;
        assert_eq!(lab.wix_ids().len(), 3);
        lab.assert_in_step();
    })
    .await;
}
