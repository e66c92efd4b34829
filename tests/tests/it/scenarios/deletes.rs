//! Group 4: deletes and resurrection.

use std::time::Duration;

use contact_bridge::model::{
    event::{Event, EventKind},
    ids::Side,
    link::ParkedReason,
    site::{OnDelete, Rails},
};
use contact_bridge_local::vendors::kit::{Fault, FaultKind};
use serde_json::json;

use super::{
    crash::Watched,
    lab::{Lab, Writes, one},
    people::{ada, person},
    switches::{Vendor, on_every_crm, only_in_hubspot},
};

/// So many people on both sides.
async fn crowd(lab: &Lab, count: usize) -> Vec<(String, String)> {
    let mut wix = Vec::new();
    for number in 0..count {
        wix.push(lab.wix_create(person(number)).await);
    }
    lab.settle().await;
    lab.forget_calls();
    wix.into_iter().map(|wix| (lab.in_hub(&wix).unwrap(), wix)).map(|(hub, wix)| (wix, hub)).collect()
}

#[tokio::test]
async fn x01_a_side_that_goes_away_and_comes_back_loses_nobody() {
    on_every_crm(async |lab| {
        let people = crowd(&lab, 6).await;
        lab.stack.wix.remove(Some(lab.site.id.as_str())).unwrap();
        lab.hub_edit(&people[0].1, one("company", "Mills")).await;
        lab.settle().await;
        lab.stack.wix.install(Some(lab.site.id.as_str())).unwrap();
        lab.settle().await;
        lab.hub_edit(&people[0].1, one("jobtitle", "Engineer")).await;
        lab.settle().await;
        assert_eq!(lab.wix(&people[0].0).get("jobtitle"), "Engineer");
        lab.assert_in_step();
    })
    .await;
}

#[tokio::test]
async fn x01_a_side_that_answers_not_found_to_everything_loses_nobody() {
    on_every_crm(async |lab| {
        let people = crowd(&lab, 6).await;
        let page = |endpoint: &str| Fault { times: 40, body: Some(json!("Not Found")), ..Fault::status(404, endpoint) };
        lab.fault(Vendor::Hub, page(lab.crm_calls()));
        for (wix, _) in &people {
            lab.wix_edit(wix, one("company", "Mills")).await;
        }
        lab.settle().await;
        assert_eq!((lab.wix_ids().len(), lab.hub_ids().len()), (6, 6));
        lab.assert_in_step();
    })
    .await;
}

#[tokio::test]
async fn x03_too_many_deletes_wait_and_the_rest_flows_on() {
    on_every_crm(async |lab| {
        let people = crowd(&lab, 12).await;
        for (wix, _) in &people[..10] {
            lab.wix_delete(wix).await;
        }
        lab.wix_edit(&people[11].0, one("company", "Mills")).await;
        lab.settle().await;
        assert_eq!((lab.hub_ids().len(), lab.reasons().await), (12 - 5, vec![ParkedReason::DeleteAwaitsApproval; 5]));
        assert_eq!(lab.hub(&people[11].1).get("company"), "Mills");
        for waiting in lab.parked().await {
            lab.approve_delete(waiting.side, waiting.id.as_str()).await;
        }
        lab.settle().await;
        assert_eq!((lab.hub_ids().len(), lab.parked().await.len()), (2, 0));
        lab.assert_in_step();
    })
    .await;
}

#[tokio::test]
async fn x04_the_number_and_the_share_are_each_sites_own() {
    on_every_crm(async |lab| {
        let other = lab.other_site().await;
        lab.adjust(|site| site.rails = Rails { deletes_per_hour: 2, percent_per_hour: 100 }).await;
        other.adjust(|site| site.rails = Rails { deletes_per_hour: 50, percent_per_hour: 50 }).await;
        for (lab, most) in [(&lab, 2), (&other, 7)] {
            let people = crowd(lab, 14).await;
            for (_, hub) in &people[..9] {
                lab.hub_delete(hub).await;
            }
            lab.settle().await;
            // The share is of the links there are when each delete comes.
            let deleted = 14 - lab.wix_ids().len();
            assert!((most.min(Rails::FLOOR as usize)..=most).contains(&deleted), "{deleted} of {most}");
            assert_eq!(lab.parked().await.len(), 9 - deleted);
        }
    })
    .await;
}

#[tokio::test]
async fn x04_an_hour_is_any_sixty_minutes() {
    on_every_crm(async |lab| {
        lab.adjust(|site| site.rails = Rails { deletes_per_hour: 5, percent_per_hour: 100 }).await;
        let people = crowd(&lab, 14).await;
        let clock = lab.stack.clock();
        let in_the_hour = Duration::from_millis(clock.now_ms().rem_euclid(3_600_000).unsigned_abs());
        // A minute before the hour is full, and a minute after.
        clock.advance(Duration::from_mins(119).saturating_sub(in_the_hour));
        for (begin, end, left) in [(0, 4, 10), (4, 8, 9)] {
            for (_, hub) in &people[begin..end] {
                lab.hub_delete(hub).await;
            }
            lab.settle().await;
            assert_eq!(lab.wix_ids().len(), left);
            clock.advance(Duration::from_mins(2));
        }
        assert_eq!(lab.reasons().await, [ParkedReason::DeleteAwaitsApproval; 3]);
        clock.advance(Duration::from_hours(1));
        lab.hub_delete(&people[8].1).await;
        lab.settle().await;
        assert_eq!(lab.wix_ids().len(), 8);
    })
    .await;
}

#[tokio::test]
async fn x05_a_contact_that_cannot_be_deleted_blocks_no_other() {
    on_every_crm(async |lab| {
        let people = crowd(&lab, 4).await;
        lab.wix_member(&people[0].0);
        for (_, hub) in &people[..3] {
            lab.hub_delete(hub).await;
        }
        lab.settle().await;
        assert_eq!(lab.wix_ids().len(), 2);
        assert!(lab.wix_ids().contains(&people[0].0));
        assert_eq!(lab.reasons().await, [ParkedReason::CannotDelete]);
    })
    .await;
}

#[tokio::test]
async fn x05_an_erasure_that_wix_does_not_let_happen_stays_on_the_list() {
    only_in_hubspot("a deletion for privacy", async |lab| {
        lab.adjust(|site| site.on_delete = OnDelete::Unlink).await;
        let (wix, hub) = lab.pair().await;
        lab.wix_member(&wix);
        lab.hub_gdpr_delete(&hub).await;
        lab.settle().await;
        let told = Event {
            site: lab.site.id.clone(),
            side: Side::External,
            record: Some((&*hub).into()),
            kind: EventKind::Deleted { by_merge: false },
            at: lab.stack.app.means.clock.now(),
            id: None,
            entity: None,
            attempts: 0,
        };
        lab.publish(&told).await;
        lab.resync(Side::Wix, &wix).await;
        lab.settle().await;
        assert_eq!((lab.wix_ids().len(), lab.reasons().await), (1, vec![ParkedReason::CannotDelete]));
        assert!(lab.stack.dead_letters().is_empty());
    })
    .await;
}

#[tokio::test]
async fn x07_a_delete_meets_an_edit() {
    on_every_crm(async |lab| {
        for (wix_waits, hub_waits) in [(0, 0), (0, 600), (600, 0)] {
            let (wix, hub) = lab.pair().await;
            lab.delay_webhooks(Vendor::Wix, &[wix_waits]);
            lab.delay_webhooks(Vendor::Hub, &[hub_waits]);
            lab.wix_delete(&wix).await;
            lab.hub_edit(&hub, one("company", "Mills")).await;
            lab.settle().await;
            assert_eq!((lab.wix_ids().len(), lab.hub(&hub).get("company")), (0, "Mills"));
            assert_eq!((lab.reasons().await, lab.writes()), (vec![ParkedReason::DeletedAndChanged], Writes { wix: 0, hub: 0 }));
            lab.approve_delete(Side::Wix, &wix).await;
            lab.settle().await;
            assert_eq!((lab.hub_ids().len(), lab.parked().await.len()), (0, 0));
        }
    })
    .await;
}

#[tokio::test]
async fn x07_an_edit_meets_a_delete_on_the_other_side() {
    on_every_crm(async |lab| {
        for (wix_waits, hub_waits) in [(0, 0), (0, 600), (600, 0)] {
            let (wix, hub) = lab.pair().await;
            lab.delay_webhooks(Vendor::Wix, &[wix_waits]);
            lab.delay_webhooks(Vendor::Hub, &[hub_waits]);
            lab.hub_delete(&hub).await;
            lab.wix_edit(&wix, one("company", "Mills")).await;
            lab.settle().await;
            assert_eq!((lab.hub_ids().len(), lab.wix(&wix).get("company")), (0, "Mills"));
            assert_eq!((lab.reasons().await, lab.writes()), (vec![ParkedReason::DeletedAndChanged], Writes { wix: 0, hub: 0 }));
            lab.approve_delete(Side::Wix, &wix).await;
            lab.settle().await;
            assert_eq!((lab.wix_ids().len(), lab.parked().await.len()), (0, 0));
        }
    })
    .await;
}

#[tokio::test]
async fn x08_a_label_taken_off_deletes_nobody() {
    on_every_crm(async |lab| {
        let (wix, hub) = lab.pair().await;
        let key = lab.wix_label(&wix, "Newsletter").await;
        lab.settle().await;
        assert_eq!(lab.hub(&hub).get("wix_labels"), key);
        lab.wix_unlabel(&wix, &key).await;
        lab.settle().await;
        assert_eq!((lab.hub(&hub).get("wix_labels"), lab.hub(&hub).get("firstname")), ("", "Ada"));
        assert_eq!(lab.writes(), Writes { wix: 0, hub: 2 });
        lab.assert_in_step();
    })
    .await;
}

#[tokio::test]
async fn x10_events_that_come_years_late_revive_nobody() {
    on_every_crm(async |lab| {
        let (wix, hub) = lab.pair().await;
        lab.delay_webhooks(Vendor::Wix, &[200_000_000]);
        lab.delay_webhooks(Vendor::Hub, &[200_000_000]);
        lab.wix_edit(&wix, one("company", "Mills")).await;
        lab.hub_edit(&hub, one("city", "York")).await;
        lab.clear_faults();
        lab.adjust(|site| site.on_delete = OnDelete::Unlink).await;
        lab.hub_delete(&hub).await;
        lab.wix_delete(&wix).await;
        lab.settle().await;
        lab.stack.clock().advance(Duration::from_secs(200_000_000));
        if let Some(dynamo) = lab.stack.dynamo() {
            dynamo.sweep_ttl().unwrap();
        }
        lab.settle().await;
        assert_eq!((lab.wix_ids().len(), lab.hub_ids().len(), lab.writes()), (0, 0, Writes { wix: 0, hub: 0 }));
    })
    .await;
}

#[tokio::test]
async fn x10_a_contact_restored_by_a_person_is_back_on_both_sides() {
    only_in_hubspot("a way back for the deleted", async |lab| {
        let (wix, hub) = lab.pair().await;
        lab.hub_delete(&hub).await;
        lab.settle().await;
        assert!(lab.wix_ids().is_empty(), "{wix} is gone");
        lab.hub_restore(&hub).await;
        lab.settle().await;
        assert_eq!((lab.wix_ids().len(), lab.hub_ids()), (1, vec![hub.clone()]));
        assert_eq!(lab.wix(&lab.wix_ids()[0]), lab.hub(&hub));
    })
    .await;
}

#[tokio::test]
async fn x12_who_is_erased_in_wix_is_erased_everywhere() {
    on_every_crm(async |lab| {
        lab.adjust(|site| site.on_delete = OnDelete::Unlink).await;
        let (wix, hub) = lab.pair().await;
        lab.repeat_webhooks(Vendor::Wix, 9, 1);
        lab.delay_webhooks(Vendor::Hub, &[3_600]);
        lab.hub_edit(&hub, one("company", "Mills")).await;
        lab.wix_anonymize(&wix);
        lab.settle().await;
        assert_eq!((lab.wix_ids().len(), lab.hub_ids().len()), (0, 0));
        let all = serde_json::Value::from(lab.all_in_crm()).to_string();
        assert!(!all.contains("Ada") && !all.contains("ada@example.com"));
        assert!(lab.links().await.is_empty() && lab.parked().await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn x12_who_is_erased_in_hubspot_is_erased_everywhere() {
    only_in_hubspot("a deletion for privacy", async |lab| {
        lab.adjust(|site| site.on_delete = OnDelete::Unlink).await;
        let (wix, hub) = lab.pair().await;
        lab.repeat_webhooks(Vendor::Hub, 9, 1);
        lab.delay_webhooks(Vendor::Wix, &[3_600]);
        lab.wix_edit(&wix, one("company", "Mills")).await;
        lab.hub_gdpr_delete(&hub).await;
        lab.settle().await;
        assert_eq!((lab.wix_ids().len(), lab.hub_ids().len()), (0, 0));
        assert!(lab.links().await.is_empty() && lab.parked().await.is_empty());
        lab.wix_create(ada()).await;
        lab.settle().await;
        assert_eq!(lab.hub_ids().len() + lab.parked().await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn x13_a_merge_that_meets_an_edit_loses_nobody() {
    only_in_hubspot("a read that shows a merge", async |lab| {
        let people = crowd(&lab, 2).await;
        let worker = Watched::towards(Vendor::Wix, &lab).await;
        let (person, ids) = (lab.clone(), lab.wix_ids());
        worker.before("POST /contacts/v4/contacts/*/merge", 2, move || {
            let (person, ids) = (person.clone(), ids.clone());
            async move { all_get(&person, &ids, "company", "Mills").await }
        });
        let winner = lab.hub_merge(&people[0].1, &people[1].1).await;
        while !worker.is_over() {
            lab.stack.clock().advance(Duration::from_secs(61));
            worker.work(&lab).await;
        }
        lab.fault(Vendor::Wix, Fault::once(FaultKind::LoseReply, "POST /contacts/v4/contacts/*/merge"));
        lab.settle().await;
        assert_eq!((lab.wix_ids().len(), lab.hub_ids(), lab.parked().await.len()), (1, vec![winner.clone()], 0));
        assert_eq!(lab.wix(&lab.wix_ids()[0]), lab.hub(&winner));
        assert_eq!(lab.hub(&winner).get("company"), "Mills");
    })
    .await;
}

async fn all_get(lab: &Lab, ids: &[String], field: &str, value: &str) {
    for id in ids {
        lab.wix_edit(id, one(field, value)).await;
    }
}

#[tokio::test]
async fn x05_tries_that_fail_do_not_use_up_what_may_be_deleted() {
    on_every_crm(async |lab| {
        let people = crowd(&lab, 5).await;
        lab.fault(Vendor::Wix, Fault { times: 40, ..Fault::status(503, "DELETE /contacts/**") });
        for (_, hub) in &people {
            lab.hub_delete(hub).await;
        }
        lab.settle().await;
        assert_eq!((lab.wix_ids().len(), lab.parked().await.len()), (0, 0));
    })
    .await;
}

#[tokio::test]
async fn x10_who_is_restored_twice_and_edited_on_both_sides_is_one_person() {
    only_in_hubspot("a way back for the deleted", async |lab| {
        let (_, hub) = lab.pair().await;
        for company in ["Mills", "Looms"] {
            lab.hub_delete(&hub).await;
            lab.settle().await;
            assert!(lab.wix_ids().is_empty());
            lab.hub_restore(&hub).await;
            lab.hub_edit(&hub, one("company", company)).await;
            lab.settle().await;
            let wix = lab.wix_ids()[0].clone();
            lab.wix_edit(&wix, one("jobtitle", company)).await;
            lab.settle().await;
            assert_eq!((lab.hub(&hub).get("company"), lab.hub(&hub).get("jobtitle")), (company, company));
            assert!(lab.parked().await.is_empty() && lab.stack.dead_letters().is_empty());
            lab.assert_in_step();
        }
    })
    .await;
}

#[tokio::test]
async fn x10_who_is_deleted_and_restored_before_anybody_looks_keeps_their_link() {
    only_in_hubspot("a way back for the deleted", async |lab| {
        let (wix, hub) = lab.pair().await;
        lab.hub_delete(&hub).await;
        lab.hub_restore(&hub).await;
        lab.hub_edit(&hub, one("company", "Mills")).await;
        lab.settle().await;
        assert_eq!((lab.wix(&wix).get("company"), lab.links().await.len(), lab.parked().await.len()), ("Mills", 1, 0));
        lab.assert_in_step();
    })
    .await;
}

#[tokio::test]
async fn x05_a_members_email_stays_and_the_rest_of_the_edit_arrives() {
    on_every_crm(async |lab| {
        let (wix, hub) = lab.pair().await;
        lab.wix_member(&wix);
        lab.hub_edit(&hub, json!({"email": "ada@mills.example", "company": "Mills"})).await;
        lab.settle().await;
        assert_eq!((lab.wix(&wix).get("email"), lab.wix(&wix).get("company")), ("ada@example.com", "Mills"));
        assert_eq!((lab.reasons().await, lab.stack.dead_letters().len()), (vec![ParkedReason::FieldSkipped], 0));
        lab.hub_edit(&hub, one("email", "ada@example.com")).await;
        lab.settle().await;
        assert!(lab.parked().await.is_empty());
        lab.assert_in_step();
    })
    .await;
}
