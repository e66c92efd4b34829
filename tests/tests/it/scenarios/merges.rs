//! Group 5: merges.

use contact_bridge::model::{link::ParkedReason, site::OnMerge};
use serde_json::json;

use super::{
    lab::{Lab, one},
    people::{ada, person},
    switches::{Vendor, at_every_switch_but, on_every_crm, only_in_hubspot},
};

const WIX_MERGE: [&str; 3] = ["wix.contacts.v4.contact_merged", "wix.contacts.v4.contact_updated", "wix.contacts.v4.contact_deleted"];
const ORDERS: [[u64; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

async fn two(lab: &Lab) -> [(String, String); 2] {
    [lab.pair().await, lab.pair_of(json!({"firstname": "Ann", "email": "ann@example.com", "jobtitle": "Engineer"})).await]
}

#[tokio::test]
async fn m01_the_link_of_the_loser_moves_to_the_winner() {
    on_every_crm(async |lab| {
        let (wix, hub) = lab.pair().await;
        let winner = lab.hub_merge(&lab.hub_seed(&person(1)), &hub).await;
        lab.settle().await;
        lab.hub_edit(&winner, one("jobtitle", "Engineer")).await;
        lab.settle().await;
        assert_eq!((lab.wix_ids(), lab.hub_ids()), (vec![wix.clone()], vec![winner.clone()]));
        assert_eq!((lab.wix(&wix).get("jobtitle"), lab.links().await.len()), ("Engineer", 1));
        assert_eq!(lab.wix(&wix), lab.hub(&winner));
    })
    .await;
}

#[tokio::test]
async fn m01_a_merge_in_hubspot_merges_in_wix() {
    on_every_crm(async |lab| {
        let [(_, ada), (_, ann)] = two(&lab).await;
        let winner = lab.hub_merge(&ada, &ann).await;
        lab.settle().await;
        assert_eq!((lab.wix_ids().len(), lab.hub_ids(), lab.parked().await.len()), (1, vec![winner.clone()], 0));
        assert_eq!((lab.hub(&winner).get("firstname"), lab.hub(&winner).get("jobtitle")), ("Ada", "Engineer"));
        assert_eq!(lab.wix(&lab.wix_ids()[0]), lab.hub(&winner));
    })
    .await;
}

#[tokio::test]
async fn m01_where_merges_are_not_carried_over_one_keeps_the_link_and_one_is_reported() {
    on_every_crm(async |lab| {
        lab.adjust(|site| site.on_merge = OnMerge::Unlink).await;
        let (ada_in_wix, ada) = lab.pair().await;
        let (ann_in_wix, ann) = lab.pair_of(json!({"firstname": "Ann", "phone": "+16465550155"})).await;
        let winner = lab.hub_merge(&ann, &ada).await;
        lab.settle().await;
        assert_eq!((lab.wix_ids().len(), lab.hub_ids()), (2, vec![winner.clone()]));
        assert_eq!((lab.reasons().await, lab.links().await.len()), (vec![ParkedReason::UnlinkedByMerge], 1));
        lab.hub_edit(&winner, one("company", "Mills")).await;
        lab.settle().await;
        assert_eq!((lab.wix(&ada_in_wix).get("company"), lab.wix(&ann_in_wix).get("company")), ("Mills", ""));
    })
    .await;
}

#[tokio::test]
async fn m03_a_merge_in_wix_merges_in_hubspot_whatever_order_its_events_come_in() {
    on_every_crm(async |lab| {
        for (number, order) in ORDERS.into_iter().enumerate() {
            let (ada, _) = lab.pair_of(person(2 * number)).await;
            let (ann, _) = lab.pair_of(person(2 * number + 1)).await;
            for (event, place) in WIX_MERGE.into_iter().zip(order) {
                lab.delay_event(Vendor::Wix, event, place * 60);
            }
            lab.repeat_webhooks(Vendor::Wix, 3, u32::from(number % 2 == 1));
            lab.wix_merge(&ada, &[&ann]).await;
            lab.settle().await;
            lab.clear_faults();
            assert_eq!((lab.wix_ids().len(), lab.hub_ids().len()), (number + 1, number + 1), "in the order {order:?}");
            assert!(lab.parked().await.is_empty() && lab.in_hub(&ada).is_some());
        }
        lab.assert_in_step();
    })
    .await;
}

#[tokio::test]
async fn m05_an_edit_after_a_merge_is_kept() {
    on_every_crm(async |lab| {
        let [(ada_in_wix, ada_in_hub), (ann, _)] = two(&lab).await;
        lab.wix_merge(&ada_in_wix, &[&ann]).await;
        lab.hub_edit(&ada_in_hub, one("city", "York")).await;
        lab.wix_edit(&ada_in_wix, one("company", "Mills")).await;
        lab.settle().await;
        assert_eq!((lab.wix_ids().len(), lab.hub_ids().len()), (1, 1));
        let wix = lab.wix(&ada_in_wix);
        assert_eq!((wix.get("company"), wix.get("city"), wix.get("jobtitle")), ("Mills", "York", "Engineer"));
        lab.assert_in_step();
    })
    .await;
}

#[tokio::test]
async fn m05_a_merge_of_linked_with_new_keeps_both_values() {
    on_every_crm(async |lab| {
        let (wix, _) = lab.pair().await;
        let fresh = lab.wix_create(json!({"firstname": "Ann", "email": "ann@example.com", "jobtitle": "Engineer"})).await;
        lab.wix_merge(&wix, &[&fresh]).await;
        lab.settle().await;
        assert_eq!(
            (lab.wix_ids().len(), lab.wix(&wix).get("company"), lab.wix(&wix).get("jobtitle")),
            (1, ada()["company"].as_str().unwrap(), "Engineer")
        );
        lab.assert_in_step();
    })
    .await;
}

/// So many people on both sides, who have a field of their own each.
async fn some(lab: &Lab, count: usize) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for (number, field) in ["company", "jobtitle", "city", "lastname"].into_iter().take(count).enumerate() {
        let mut own = json!({"firstname": format!("Person{number}"), "email": format!("person{number}@example.com")});
        own[field] = field.into();
        pairs.push(lab.pair_of(own).await);
    }
    pairs
}

#[tokio::test]
async fn m03_three_become_one_on_both_sides() {
    on_every_crm(async |lab| {
        let people = some(&lab, 3).await;
        lab.wix_merge(&people[0].0, &[&people[1].0, &people[2].0]).await;
        lab.settle().await;
        assert_eq!((lab.wix_ids().len(), lab.hub_ids().len(), lab.parked().await.len()), (1, 1, 0));
        let seen = lab.wix(&people[0].0);
        assert_eq!((seen.get("company"), seen.get("jobtitle"), seen.get("city")), ("company", "jobtitle", "city"));
        lab.assert_in_step();
    })
    .await;
}

#[tokio::test]
async fn m03_merges_of_merges_are_followed_to_the_last() {
    on_every_crm(async |lab| {
        for late in [0, 300] {
            let people = some(&lab, 3).await;
            lab.delay_webhooks(Vendor::Wix, &[late, late, late]);
            lab.wix_merge(&people[1].0, &[&people[0].0]).await;
            lab.wix_merge(&people[2].0, &[&people[1].0]).await;
            lab.settle().await;
            lab.clear_faults();
            assert_eq!((lab.wix_ids(), lab.hub_ids().len(), lab.parked().await.len()), (vec![people[2].0.clone()], 1, 0));
            lab.assert_in_step();
            lab.wix_delete(&people[2].0).await;
            lab.settle().await;
            assert!(lab.hub_ids().is_empty());
        }
    })
    .await;
}

#[tokio::test]
async fn x12_who_is_erased_in_hubspot_after_a_merge_is_erased_in_wix() {
    only_in_hubspot("a deletion for privacy", async |lab| {
        for late in [0, 300] {
            let [(_, ada), (_, ann)] = two(&lab).await;
            lab.delay_webhooks(Vendor::Hub, &[late]);
            let winner = lab.hub_merge(&ada, &ann).await;
            lab.hub_gdpr_delete(&winner).await;
            lab.settle().await;
            lab.clear_faults();
            assert_eq!((lab.wix_ids().len(), lab.hub_ids().len()), (0, 0), "with the merge {late} s late");
            assert!(lab.links().await.is_empty() && lab.parked().await.is_empty());
        }
    })
    .await;
}

#[tokio::test]
async fn x12_who_is_erased_after_a_merge_is_erased_with_all_that_went_in() {
    on_every_crm(async |lab| {
        for late in [0, 300] {
            let [(ada, _), (ann, _)] = two(&lab).await;
            lab.delay_event(Vendor::Wix, "wix.contacts.v4.contact_merged", late);
            lab.wix_merge(&ada, &[&ann]).await;
            lab.wix_anonymize(&ada);
            lab.settle().await;
            lab.clear_faults();
            assert_eq!((lab.wix_ids().len(), lab.hub_ids().len()), (0, 0));
            let all = serde_json::Value::from(lab.all_in_crm()).to_string();
            assert!(["ada@example.com", "ann@example.com"].iter().all(|email| !all.contains(email)), "with the merge {late} s late");
            assert!(lab.links().await.is_empty() && lab.parked().await.is_empty());
        }
    })
    .await;
}

#[tokio::test]
async fn m01_merges_of_merges_in_hubspot_are_followed_to_the_last() {
    // A deletion told of a record that a merge took in leaves a note on it; in Pipedrive, which does not show merges afterwards, a late event does.
    at_every_switch_but(&["merge_fires_deletion"], async |lab| {
        let people = some(&lab, 4).await;
        lab.delay_webhooks(Vendor::Hub, &[300]);
        let first = lab.hub_merge(&people[0].1, &people[1].1).await;
        let second = lab.hub_merge(&people[2].1, &people[3].1).await;
        let last = lab.hub_merge(&second, &first).await;
        lab.settle().await;
        assert_eq!((lab.wix_ids().len(), lab.hub_ids(), lab.parked().await.len()), (1, vec![last.clone()], 0));
        lab.hub_edit(&last, one("jobtitle", "Chief Engineer")).await;
        lab.settle().await;
        assert_eq!(lab.wix(&lab.wix_ids()[0]), lab.hub(&last));
        lab.assert_in_step();
    })
    .await;
}

#[tokio::test]
async fn m03_a_winner_that_is_deleted_at_once_takes_everybody_along() {
    for late in [0, 300] {
        on_every_crm(async |lab| {
            let people = some(&lab, 2).await;
            lab.delay_event(Vendor::Wix, "wix.contacts.v4.contact_merged", late);
            lab.wix_merge(&people[0].0, &[&people[1].0]).await;
            lab.wix_delete(&people[0].0).await;
            lab.settle().await;
            assert_eq!((lab.wix_ids().len(), lab.hub_ids().len(), lab.parked().await.len()), (0, 0, 0));
        })
        .await;
    }
}
