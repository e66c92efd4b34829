//! Neighbours of group 3: who is whom, where it is not plain.

use std::time::Duration;

use contact_bridge::{
    flows::setup,
    model::{
        ids::Side,
        link::ParkedReason,
        site::{Direction, OnDelete},
    },
};
use serde_json::{Value, json};

use super::{
    crash::Watched,
    lab::{Lab, Writes, one},
    people::{ada, person},
    switches::{Position, Vendor, at, at_every_switch, at_every_switch_but, on_every_crm_but},
};

/// An index that lags shows nobody as they are, and so none of two.
const WITH_AN_INDEX: &[&str] = &["visibility_lag_ms"];

/// Whose event comes first, in seconds by which Wix's and HubSpot's wait.
const ORDERS: [(u64, u64); 3] = [(0, 0), (0, 600), (600, 0)];

fn hold_back(lab: &Lab, (wix, hub): (u64, u64)) {
    lab.delay_webhooks(Vendor::Wix, &[wix, wix]);
    lab.delay_webhooks(Vendor::Hub, &[hub, hub]);
}

#[tokio::test]
async fn d05_of_two_with_one_phone_none_is_chosen_whosever_event_comes_first() {
    at_every_switch_but(WITH_AN_INDEX, async |lab| {
        for (number, order) in ORDERS.into_iter().enumerate() {
            let phone = format!("+1646555019{number}");
            hold_back(&lab, order);
            lab.wix_create(json!({"firstname": "Office", "phone": phone})).await;
            lab.hub_create(json!({"firstname": "Ada", "phone": phone})).await;
            lab.hub_create(json!({"firstname": "Grace", "phone": phone})).await;
            lab.settle().await;
            lab.clear_faults();
        }
        assert_eq!((lab.links().await.len(), lab.wix_ids().len(), lab.hub_ids().len()), (0, 3, 6));
        assert_eq!(lab.reasons().await, [ParkedReason::SeveralMatches; 9]);
    })
    .await;
}

#[tokio::test]
async fn d05_of_two_with_one_email_none_is_chosen_whosever_event_comes_first() {
    at_every_switch_but(WITH_AN_INDEX, async |lab| {
        for (number, order) in ORDERS.into_iter().enumerate() {
            let email = format!("office{number}@example.com");
            hold_back(&lab, order);
            lab.hub_create(json!({"lastname": "Office", "email": email})).await;
            lab.wix_create(json!({"firstname": "Ada", "email": email})).await;
            lab.wix_create(json!({"firstname": "Grace", "email": email})).await;
            lab.settle().await;
            lab.clear_faults();
        }
        assert_eq!((lab.links().await.len(), lab.wix_ids().len(), lab.hub_ids().len()), (0, 6, 3));
        assert_eq!(lab.reasons().await, [ParkedReason::SeveralMatches; 9]);
    })
    .await;
}

#[tokio::test]
async fn d05_once_the_other_one_is_gone_they_are_linked() {
    at_every_switch_but(WITH_AN_INDEX, async |lab| {
        let phone = one("phone", "+16465550190");
        let wix = lab.wix_create(phone.clone()).await;
        let [ada, grace] = [hub_named(&lab, "Ada", &phone).await, hub_named(&lab, "Grace", &phone).await];
        lab.settle().await;
        lab.hub_delete(&grace).await;
        lab.settle().await;
        lab.resync(Side::Wix, &wix).await;
        lab.settle().await;
        assert_eq!((lab.in_hub(&wix), lab.wix(&wix).get("firstname"), lab.parked().await.len()), (Some(ada), "Ada", 0));
        lab.assert_in_step();
    })
    .await;
}

#[tokio::test]
async fn d05_a_main_address_that_gives_way_stays_among_the_others() {
    on_every_crm_but(&["visibility_lag_ms", "search_lag_ms"], async |lab| {
        for (number, winner) in Side::BOTH.into_iter().enumerate() {
            lab.stack.clock().advance(Duration::from_secs(10));
            lab.adjust(|site| site.system_of_record = Some(winner)).await;
            for (more_in_wix, more_in_hub) in [("", "wix"), ("hub", ""), ("both", "both")] {
                let email = |who: &str| if who.is_empty() { String::new() } else { format!("{who}.{more_in_hub}{number}@example.com") };
                let [wix, hub] = [("wix", more_in_wix), ("hub", more_in_hub)]
                    .map(|(main, more)| json!({"firstname": "Ada", "email": email(main), "hs_additional_emails": email(more)}));
                let wix = lab.wix_create(wix).await;
                let hub = lab.hub_create(hub).await;
                lab.settle().await;
                assert_eq!(lab.in_hub(&wix), Some(hub));
                let seen = lab.wix(&wix);
                let (main, other) = if winner == Side::Wix { ("wix", "hub") } else { ("hub", "wix") };
                assert_eq!(seen.get("email"), email(main));
                let mut others: Vec<&str> = seen.get("hs_additional_emails").split(';').collect();
                others.sort_unstable();
                let (both, other) = (email("both"), email(other));
                let expected: Vec<&str> = if more_in_wix == "both" { vec![&both, &other] } else { vec![&other] };
                assert_eq!(others, expected);
            }
        }
        lab.assert_in_step();
        assert_eq!((lab.links().await.len(), lab.parked().await.len()), (6, 0));
    })
    .await;
}

#[tokio::test]
async fn d05_a_main_address_that_gives_way_stays_where_the_others_flow_one_way() {
    at(&[Position::defaults()], async |lab| {
        for (number, winner) in Side::BOTH.into_iter().enumerate() {
            lab.adjust(|site| {
                site.system_of_record = Some(winner);
                site.mapping = setup::rows(site);
                let row = site.mapping.iter_mut().find(|row| row.wix == "emails".into()).unwrap();
                row.direction = Direction::ToWix;
            })
            .await;
            for more_in_wix in [false, true] {
                let email = |who: &str| format!("{who}.{more_in_wix}{number}@example.com");
                let more = |more: bool, who: &str| if more { email(who) } else { String::new() };
                let wix = json!({"firstname": "Ada", "email": email("wix"), "hs_additional_emails": more(more_in_wix, "hub")});
                let hub = json!({"firstname": "Ada", "email": email("hub"), "hs_additional_emails": more(!more_in_wix, "wix")});
                let (wix, hub) = (lab.wix_create(wix).await, lab.hub_create(hub).await);
                lab.settle().await;
                assert_eq!(lab.in_hub(&wix), Some(hub.clone()));
                lab.hub_edit(&hub, one("city", "York")).await;
                lab.settle().await;
                let seen = lab.wix(&wix);
                let (main, other) = if winner == Side::Wix { ("wix", "hub") } else { ("hub", "wix") };
                assert_eq!([seen.get("email"), seen.get("hs_additional_emails")], [email(main), email(other)], "{winner:?} wins");
            }
        }
    })
    .await;
}

async fn hub_named(lab: &Lab, name: &str, more: &Value) -> String {
    let mut person = one("firstname", name);
    person.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    lab.hub_create(person).await
}

#[tokio::test]
async fn d01_swapped_emails_are_reported_and_nobody_is_mixed_up() {
    at_every_switch(async |lab| {
        let [(a, in_hub), (b, _)] = [lab.pair_of(person(1)).await, lab.pair_of(person(2)).await];
        lab.wix_edit(&a, one("email", "person2@example.com")).await;
        lab.wix_edit(&b, json!({"email": "person1@example.com", "company": "Mills"})).await;
        lab.settle().await;
        assert_eq!((lab.wix(&a).get("firstname"), lab.hub(&in_hub).get("firstname")), ("Person1", "Person1"));
        assert_eq!((lab.in_hub(&a), lab.hub(&lab.in_hub(&b).unwrap()).get("company")), (Some(in_hub), "Mills"));
        assert_eq!((lab.reasons().await, lab.stack.dead_letters().len()), (vec![ParkedReason::FieldSkipped; 2], 0));
        lab.wix_edit(&a, one("email", "person3@example.com")).await;
        lab.settle().await;
        lab.wix_edit(&b, one("email", "person4@example.com")).await;
        lab.settle().await;
        assert!(lab.parked().await.is_empty());
        lab.assert_in_step();
    })
    .await;
}

#[tokio::test]
async fn d01_an_email_handed_on_arrives_even_if_its_new_owner_is_told_first() {
    at_every_switch(async |lab| {
        let [(a, in_hub_a), (b, in_hub_b)] = [lab.pair_of(person(1)).await, lab.pair_of(person(2)).await];
        lab.delay_webhooks(Vendor::Wix, &[8, 0]);
        lab.wix_edit(&a, one("email", "ada@mills.example")).await;
        lab.wix_edit(&b, one("email", "person1@example.com")).await;
        lab.settle().await;
        lab.clear_faults();
        lab.delay_webhooks(Vendor::Hub, &[8, 0]);
        lab.hub_edit(&in_hub_b, one("email", "grace@mills.example")).await;
        lab.hub_edit(&in_hub_a, one("email", "person1@example.com")).await;
        lab.settle().await;
        assert_eq!((lab.wix(&a).get("email"), lab.wix(&b).get("email")), ("person1@example.com", "grace@mills.example"));
        assert!(lab.parked().await.is_empty());
        lab.assert_in_step();
    })
    .await;
}

#[tokio::test]
async fn d02_whoever_appears_while_their_counterpart_is_being_made_is_linked() {
    at_every_switch(async |lab| {
        let worker = Watched::towards(Vendor::Hub, &lab).await;
        let person = lab.clone();
        worker.before("POST /crm/*/batch/upsert", 1, move || {
            let person = person.clone();
            async move { drop(person.hub_create(json!({"lastname": "Stone", "email": "ada@example.com"})).await) }
        });
        let wix = lab.wix_create(json!({"firstname": "Ada", "email": "ada@example.com"})).await;
        lab.stack.clock().advance(Duration::from_mins(1));
        worker.work(&lab).await;
        assert!(worker.is_over());
        lab.settle().await;
        assert_eq!((lab.wix_ids().len(), lab.hub_ids().len(), lab.wix(&wix).get("lastname")), (1, 1, "Stone"));
        assert!(lab.parked().await.is_empty());
        lab.assert_in_step();
    })
    .await;
}

#[tokio::test]
async fn d02_whoever_is_deleted_while_their_counterpart_is_being_made_is_gone() {
    at_every_switch(async |lab| {
        for (vendor, call) in [(Vendor::Hub, "POST /crm/*/batch/upsert"), (Vendor::Wix, "POST /contacts/v4/contacts")] {
            let worker = Watched::towards(vendor, &lab).await;
            let id = if vendor == Vendor::Hub { lab.wix_create(ada()).await } else { lab.hub_create(person(1)).await };
            let (person, gone) = (lab.clone(), id.clone());
            worker.before(call, 1, move || {
                let (person, gone) = (person.clone(), gone.clone());
                async move { if vendor == Vendor::Hub { person.wix_delete(&gone).await } else { person.hub_delete(&gone).await } }
            });
            lab.stack.clock().advance(Duration::from_mins(1));
            worker.work(&lab).await;
            assert!(worker.is_over());
            lab.settle().await;
            assert_eq!((lab.wix_ids().len(), lab.hub_ids().len()), (0, 0), "{vendor:?}");
            assert!(lab.parked().await.is_empty() && lab.links().await.is_empty());
        }
    })
    .await;
}

#[tokio::test]
async fn x07_whoever_was_left_alone_is_found_by_a_newcomer() {
    at_every_switch(async |lab| {
        lab.adjust(|site| site.on_delete = OnDelete::Unlink).await;
        let (wix, hub) = lab.pair().await;
        lab.wix_delete(&wix).await;
        lab.settle().await;
        lab.hub_edit(&hub, one("company", "Mills")).await;
        lab.settle().await;
        assert_eq!((lab.wix_ids().len(), lab.writes()), (0, Writes { wix: 0, hub: 0 }));
        let again = lab.wix_create(ada()).await;
        lab.settle().await;
        assert_eq!((lab.in_hub(&again), lab.hub_ids().len(), lab.parked().await.len()), (Some(hub), 1, 0));
        lab.assert_in_step();
    })
    .await;
}

#[tokio::test]
async fn d07_people_are_matched_by_phone_however_it_is_written_and_never_by_name() {
    at_every_switch_but(WITH_AN_INDEX, async |lab| {
        let wix = lab.wix_create(json!({"firstname": "Grace", "phone": "(646) 555-0111"})).await;
        lab.hub_create(json!({"lastname": "Hopper", "phone": "+1 646 555 0111"})).await;
        lab.wix_create(json!({"firstname": "Mary", "lastname": "Smith"})).await;
        lab.hub_create(json!({"firstname": "Mary", "lastname": "Smith"})).await;
        lab.settle().await;
        assert_eq!((lab.wix_ids().len(), lab.hub_ids().len(), lab.wix(&wix).get("lastname")), (3, 3, "Hopper"));
        lab.assert_in_step();
    })
    .await;
}

#[tokio::test]
async fn d01_people_are_known_by_their_addresses_even_if_none_is_mapped() {
    at_every_switch_but(WITH_AN_INDEX, async |lab| {
        lab.adjust(|site| {
            site.mapping = setup::rows(site);
            site.mapping.retain(|row| row.wix.as_str().starts_with("name."));
        })
        .await;
        lab.wix_create(json!({"firstname": "Ada", "email": "ada@example.com"})).await;
        lab.hub_create(json!({"lastname": "Stone", "email": "ADA@example.com"})).await;
        lab.wix_create(json!({"firstname": "Grace", "phone": "+16465550111"})).await;
        lab.hub_create(json!({"lastname": "Hopper", "mobilephone": "+1 646 555 0111"})).await;
        lab.settle().await;
        assert_eq!((lab.wix_ids().len(), lab.hub_ids().len(), lab.links().await.len()), (2, 2, 2));
    })
    .await;
}
