//! Of group 9: the order of events, and what values go through.

use contact_bridge::model::{
    field::Field,
    ids::RowId,
    link::ParkedReason,
    site::{Direction, MappingRow, OnEmpty, Transform},
};
use contact_bridge_local::vendors::kit::{Fault, FaultKind, plain_http};
use serde_json::json;

use super::{
    lab::{Lab, Writes, one},
    people::person,
    switches::{Position, Vendor, at, at_every_switch},
};

/// All orders of `count` things.
fn orders(count: u64) -> Vec<Vec<u64>> {
    let Some(last) = count.checked_sub(1) else { return vec![Vec::new()] };
    let insert = |order: &Vec<u64>, place: usize| {
        let mut order = order.clone();
        order.insert(place, last);
        order
    };
    orders(last).iter().flat_map(|order| (0..=order.len()).map(move |place| insert(order, place)).collect::<Vec<_>>()).collect()
}

/// Six things happen to a contact, on both sides; their events come in the given order.
async fn six_events(lab: &Lab, number: usize, order: &[u64]) {
    let (wix, hub) = lab.pair_of(person(number)).await;
    for (place, vendor) in order.iter().zip([Vendor::Wix, Vendor::Wix, Vendor::Wix, Vendor::Hub, Vendor::Hub, Vendor::Hub]) {
        lab.delay_webhooks(vendor, &[place * 60]);
    }
    lab.wix_edit(&wix, one("company", "Mills")).await;
    lab.wix_edit(&wix, one("company", "Looms")).await;
    lab.wix_edit(&wix, one("lastname", "Flint")).await;
    lab.hub_edit(&hub, one("jobtitle", "Spinner")).await;
    lab.hub_edit(&hub, one("jobtitle", "Engineer")).await;
    lab.hub_edit(&hub, one("city", "York")).await;
    lab.settle().await;
    lab.clear_faults();
    let seen = lab.hub(&hub);
    let found = ["company", "lastname", "jobtitle", "city"].map(|field| seen.get(field));
    assert_eq!(found, ["Looms", "Flint", "Engineer", "York"], "in the order {order:?}");
    assert_eq!(lab.wix(&wix), seen, "in the order {order:?}");
}

#[tokio::test]
async fn q06_events_in_any_of_720_orders_end_alike() {
    at(&[Position::defaults()], async |mut lab| {
        for orders in orders(6).chunks(40) {
            for (number, order) in orders.iter().enumerate() {
                six_events(&lab, number, order).await;
            }
            assert_eq!((lab.wix_ids().len(), lab.hub_ids().len()), (40, 40));
            lab = lab.other_site().await;
        }
    })
    .await;
}

#[tokio::test]
async fn q06_events_in_many_orders_end_alike_at_every_switch() {
    at_every_switch(async |lab| {
        for (number, order) in orders(6).iter().step_by(103).enumerate() {
            six_events(&lab, number, order).await;
        }
        lab.assert_in_step();
    })
    .await;
}

#[tokio::test]
async fn q06_a_life_told_in_any_order_ends_in_the_grave() {
    at_every_switch(async |lab| {
        for (number, order) in orders(4).iter().enumerate().step_by(5) {
            lab.delay_webhooks(Vendor::Wix, &order.iter().map(|place| place * 60).collect::<Vec<_>>());
            let wix = lab.wix_create(person(number)).await;
            lab.wix_edit(&wix, one("company", "Mills")).await;
            lab.wix_edit(&wix, one("company", "Looms")).await;
            lab.wix_delete(&wix).await;
            lab.settle().await;
            assert!(lab.wix_ids().is_empty() && lab.hub_ids().is_empty(), "in the order {order:?}");
            lab.clear_faults();
        }
    })
    .await;
}

#[tokio::test]
async fn q07_a_phone_that_cannot_be_parsed_passes_unchanged() {
    at_every_switch(async |lab| {
        let phones = ["+43 1 58858", "01 58858", "+44 (0)20 7946 0958", "00 49 1512 3456789", "ask for Ada", "(212) 736-5000 ext. 4"];
        for (number, phone) in phones.into_iter().enumerate() {
            let (wix, hub) = lab.pair_of(json!({"firstname": format!("Person{number}"), "phone": phone})).await;
            let before = (lab.wix(&wix).get("phone").to_owned(), lab.hub(&hub).get("phone").to_owned());
            lab.hub_edit(&hub, one("city", "York")).await;
            lab.wix_edit(&wix, one("company", "Mills")).await;
            lab.settle().await;
            assert_eq!((lab.wix(&wix).get("phone"), lab.hub(&hub).get("phone")), (&*before.0, &*before.1));
            assert_eq!(digits(&before.1), digits(phone).replace("4402", "442"), "{phone}");
        }
    })
    .await;
}

/// A phone as dialled: the zero in brackets is not, after a prefix.
fn digits(phone: &str) -> String {
    phone.chars().filter(char::is_ascii_digit).collect()
}

const DAYS: [&str; 8] = ["1988-04-25", "2000-02-29", "1900-01-01", "1969-12-31", "1970-01-01", "2026-03-29", "2026-10-25", "1999-12-31"];

/// Adds the date property and the row that fills it.
async fn with_birthdays(lab: &Lab) {
    let property = json!({"name": "born", "label": "Born", "type": "date", "fieldType": "date", "groupName": "contactinformation"});
    let client = plain_http().unwrap();
    let call = client.post(format!("{}/_control/properties", lab.stack.hubspot.base_url()));
    let site = lab.site.portal.to_string();
    assert!(call.json(&json!({"site": site, "property": property})).send().await.unwrap().status().is_success());
    lab.adjust(|site| {
        site.mapping = contact_bridge::flows::setup::rows(site);
        let row = site.mapping.iter_mut().find(|row| row.wix == Field::from("birthdate")).unwrap();
        *row = MappingRow {
            id: RowId::from("bd"),
            wix: "birthdate".into(),
            external: "born".into(),
            direction: Direction::Both,
            transform: Transform::Date { pattern: None },
            on_empty: OnEmpty::Clear,
            system_of_record: None,
        };
    })
    .await;
}

/// Asks for a record to be synchronised again: the portal of a stack is subscribed to the properties of its first mapping.
async fn told_of_birthdays(lab: &Lab, hub: &str) {
    lab.hub_edit(hub, one("city", &format!("York {}", lab.stack.clock().now_ms()))).await;
    lab.settle().await;
}

#[tokio::test]
async fn q09_a_birthday_stays_on_its_day() {
    at(&[Position::defaults(), Position::dynamodb()], async |lab| {
        with_birthdays(&lab).await;
        let (wix, hub) = lab.pair().await;
        for round in 0..100 {
            lab.stack.clock().advance(std::time::Duration::from_mins(59));
            let (there, back) = (DAYS[round % 8], DAYS[(round + 3) % 8]);
            lab.wix_edit(&wix, one("date_of_birth", there)).await;
            lab.settle().await;
            assert_eq!(lab.hub(&hub).get("born"), there);
            lab.hub_edit(&hub, one("born", back)).await;
            told_of_birthdays(&lab, &hub).await;
            assert_eq!((lab.wix(&wix).get("date_of_birth"), lab.hub(&hub).get("born")), (back, back));
        }
        assert_eq!(lab.writes(), Writes { wix: 100, hub: 100 });
    })
    .await;
}

#[tokio::test]
async fn q10_a_date_is_a_date_at_every_switch() {
    at_every_switch(async |lab| {
        with_birthdays(&lab).await;
        let (wix, hub) = lab.pair().await;
        for (day, back) in [("2026-03-29", "1969-12-31"), ("2000-02-29", "2026-10-25")] {
            lab.wix_edit(&wix, one("date_of_birth", day)).await;
            lab.settle().await;
            assert_eq!(lab.hub(&hub).get("born"), day);
            let midnight = format!("{back}T00:00:00Z").parse::<jiff::Timestamp>().unwrap().as_millisecond();
            lab.hub_edit(&hub, json!({"born": midnight.to_string()})).await;
            told_of_birthdays(&lab, &hub).await;
            assert_eq!((lab.wix(&wix).get("date_of_birth"), lab.hub(&hub).get("born")), (back, back));
        }
        assert!(lab.parked().await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn q11_an_option_that_the_other_side_lacks_skips_that_field_alone() {
    at_every_switch(async |lab| {
        let (wix, hub) = lab.pair().await;
        lab.wix_edit(&wix, json!({"hs_language": "tlh", "company": "Mills"})).await;
        lab.settle().await;
        assert_eq!((lab.hub(&hub).get("company"), lab.hub(&hub).get("hs_language")), ("Mills", ""));
        let parked = lab.parked().await;
        assert_eq!((parked.len(), parked[0].reason, parked[0].rows.clone()), (1, ParkedReason::FieldSkipped, vec![RowId::from("lc")]));
        lab.wix_edit(&wix, one("hs_language", "de")).await;
        lab.settle().await;
        assert_eq!((lab.hub(&hub).get("hs_language"), lab.parked().await.len()), ("de", 0));
    })
    .await;
}

#[tokio::test]
async fn q11_a_value_that_hubspot_refuses_skips_that_field_alone() {
    at_every_switch(async |lab| {
        let (wix, hub) = lab.pair().await;
        let options = [json!({"isValid": false, "message": "x", "error": "INVALID_OPTION", "name": "jobtitle"})];
        let message = format!("Property values were not valid: {}", json!(options));
        let body = json!({"status": "error", "message": message, "category": "VALIDATION_ERROR"});
        lab.fault(Vendor::Hub, Fault { body: Some(body), ..Fault::status(400, "PATCH /crm/**") });
        lab.wix_edit(&wix, json!({"jobtitle": "Engineer", "company": "Mills"})).await;
        lab.settle().await;
        assert_eq!((lab.hub(&hub).get("company"), lab.hub(&hub).get("jobtitle")), ("Mills", ""));
        assert_eq!((lab.reasons().await, lab.stack.dead_letters().len()), (vec![ParkedReason::FieldSkipped], 0));
        lab.fault(Vendor::Hub, Fault::once(FaultKind::LoseReply, "PATCH /crm/**"));
        lab.wix_edit(&wix, one("jobtitle", "Spinner")).await;
        lab.settle().await;
        assert_eq!((lab.hub(&hub).get("jobtitle"), lab.parked().await.len()), ("Spinner", 0));
    })
    .await;
}
