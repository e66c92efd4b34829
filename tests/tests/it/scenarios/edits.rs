//! Group 7: lost edits and conflicts.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use contact_bridge::model::{ids::Side, link::ParkedReason, site::OnConflict};
use serde_json::json;

use super::{
    crash::Watched,
    lab::{Writes, one},
    switches::{Vendor, at_every_switch_but, on_every_crm, only_in_hubspot},
};

#[tokio::test]
async fn f01_an_edit_in_wix_between_our_read_and_our_write_is_kept() {
    on_every_crm(async |lab| {
        let (wix, hub) = lab.pair().await;
        let worker = Watched::towards(Vendor::Wix, &lab).await;
        let (person, id) = (lab.clone(), wix.clone());
        worker.before("PATCH /contacts/*", 1, move || {
            let (person, id) = (person.clone(), id.clone());
            async move { person.wix_edit(&id, json!({"company": "Mills", "firstname": "Grace"})).await }
        });
        lab.hub_edit(&hub, json!({"company": "Looms", "city": "York"})).await;
        lab.stack.clock().advance(std::time::Duration::from_mins(1));
        worker.work(&lab).await;
        lab.settle().await;
        assert!(worker.is_over());
        let seen = lab.hub(&hub);
        assert_eq!((seen.get("company"), seen.get("firstname"), seen.get("city")), ("Mills", "Grace", "York"));
        lab.assert_in_step();
    })
    .await;
}

#[tokio::test]
async fn f01_an_edit_in_hubspot_between_our_read_and_our_write_is_kept() {
    // Where there is no history, as in Pipedrive, the edit is overwritten: see Limits in the README.
    at_every_switch_but(&["history_available"], async |lab| {
        lab.adjust(|site| site.system_of_record = Some(Side::External)).await;
        let (wix, hub) = lab.pair().await;
        let worker = Watched::towards(Vendor::Hub, &lab).await;
        let (person, id) = (lab.clone(), hub.clone());
        worker.before("PATCH /crm/*", 1, move || {
            let (person, id) = (person.clone(), id.clone());
            async move {
                person.stack.clock().advance(std::time::Duration::from_millis(20));
                person.hub_edit(&id, json!({"company": "Looms", "city": "York"})).await;
                person.stack.clock().advance(std::time::Duration::from_millis(20));
            }
        });
        lab.wix_edit(&wix, json!({"company": "Mills", "firstname": "Grace"})).await;
        lab.stack.clock().advance(std::time::Duration::from_mins(1));
        worker.work(&lab).await;
        lab.settle().await;
        assert!(worker.is_over());
        let seen = lab.wix(&wix);
        assert_eq!((seen.get("company"), seen.get("firstname"), seen.get("city")), ("Looms", "Grace", "York"));
        lab.assert_in_step();
    })
    .await;
}

#[tokio::test]
async fn f01_an_edit_in_wix_between_our_read_and_our_label_is_kept() {
    on_every_crm(async |lab| {
        let (wix, hub) = lab.pair().await;
        let key = lab.wix_label(&wix, "Newsletter").await;
        lab.settle().await;
        lab.hub_edit(&hub, one("wix_labels", "")).await;
        lab.settle().await;
        let worker = Watched::towards(Vendor::Wix, &lab).await;
        let (person, id) = (lab.clone(), wix.clone());
        worker.before("POST /contacts/v4/contacts/*/labels", 1, move || {
            let (person, id) = (person.clone(), id.clone());
            async move { person.wix_edit(&id, one("company", "Mills")).await }
        });
        lab.hub_edit(&hub, one("wix_labels", &key)).await;
        lab.stack.clock().advance(std::time::Duration::from_mins(1));
        worker.work(&lab).await;
        lab.settle().await;
        assert!(worker.is_over());
        assert_eq!((lab.hub(&hub).get("company"), lab.wix(&wix).get("wix_labels")), ("Mills", &*key));
        lab.assert_in_step();
    })
    .await;
}

#[tokio::test]
async fn f01_an_edit_in_hubspot_right_after_our_write_is_kept() {
    only_in_hubspot("a read behind a write", async |lab| {
        let (wix, hub) = lab.pair().await;
        let worker = Watched::towards(Vendor::Hub, &lab).await;
        let (person, id, reads) = (lab.clone(), hub.clone(), Arc::new(AtomicUsize::new(0)));
        worker.before("GET /crm/objects/*", 2, move || {
            let (person, id, reads) = (person.clone(), id.clone(), reads.clone());
            async move {
                // The first read is before the write, the second one right after it.
                if reads.fetch_add(1, Ordering::SeqCst) == 1 {
                    person.stack.clock().advance(std::time::Duration::from_millis(20));
                    person.hub_edit(&id, one("company", "Looms")).await;
                }
            }
        });
        lab.wix_edit(&wix, one("company", "Mills")).await;
        lab.stack.clock().advance(std::time::Duration::from_mins(1));
        worker.work(&lab).await;
        lab.settle().await;
        assert_eq!((lab.wix(&wix).get("company"), lab.hub(&hub).get("company")), ("Looms", "Looms"));
        lab.assert_in_step();
    })
    .await;
}

#[tokio::test]
async fn f03_a_conflict_waits_for_a_person_who_may_decide_either_way() {
    on_every_crm(async |lab| {
        lab.adjust(|site| site.on_conflict = OnConflict::Park).await;
        for (for_side, winner) in [(Side::Wix, "Mills"), (Side::External, "Looms")] {
            let (wix, hub) = lab.pair_of(json!({"firstname": winner, "email": format!("{winner}@example.com")})).await;
            lab.wix_edit(&wix, json!({"company": "Mills", "firstname": "Grace"})).await;
            lab.hub_edit(&hub, json!({"company": "Looms", "city": "York"})).await;
            lab.settle().await;
            assert_eq!((lab.wix(&wix).get("company"), lab.hub(&hub).get("company")), ("Mills", "Looms"));
            assert_eq!((lab.hub(&hub).get("firstname"), lab.wix(&wix).get("city")), ("Grace", "York"));
            assert_eq!(lab.reasons().await, [ParkedReason::Conflict]);
            lab.decide(Side::Wix, &wix, for_side).await;
            lab.settle().await;
            assert_eq!((lab.wix(&wix).get("company"), lab.parked().await.len()), (winner, 0));
            lab.assert_in_step();
        }
    })
    .await;
}

#[tokio::test]
async fn f03_without_that_setting_the_system_of_record_wins() {
    on_every_crm(async |lab| {
        for (side, winner) in [(Side::Wix, "Mills"), (Side::External, "Looms")] {
            lab.adjust(|site| site.system_of_record = Some(side)).await;
            let (wix, hub) = lab.pair_of(json!({"firstname": winner, "email": format!("{winner}@example.com")})).await;
            lab.wix_edit(&wix, one("company", "Mills")).await;
            lab.hub_edit(&hub, one("company", "Looms")).await;
            lab.settle().await;
            assert_eq!((lab.wix(&wix).get("company"), lab.hub(&hub).get("company")), (winner, winner));
        }
    })
    .await;
}

#[tokio::test]
async fn f05_edits_of_different_fields_both_survive() {
    on_every_crm(async |lab| {
        let (wix, hub) = lab.pair().await;
        lab.wix_edit(&wix, json!({"phone": "+16465550199", "hs_additional_emails": "ada@mills.example"})).await;
        lab.hub_edit(&hub, json!({"jobtitle": "Engineer", "hs_additional_emails": "ada@looms.example"})).await;
        lab.settle().await;
        let seen = lab.wix(&wix);
        assert_eq!(seen.get("jobtitle"), "Engineer");
        assert_eq!(seen.get("hs_additional_emails").split(';').count(), 2);
        assert_eq!(lab.writes(), Writes { wix: 1, hub: 1 });
        lab.assert_in_step();
    })
    .await;
}

#[tokio::test]
async fn f06_a_write_that_meets_newer_edits_is_decided_anew() {
    on_every_crm(async |lab| {
        let (wix, hub) = lab.pair().await;
        let worker = Watched::towards(Vendor::Wix, &lab).await;
        let (person, id) = (lab.clone(), wix.clone());
        worker.before("PATCH /contacts/*", 3, move || {
            let (person, id) = (person.clone(), id.clone());
            async move { person.wix_edit(&id, one("phone", &format!("+1646555{}", person.stack.clock().now_ms() % 9_000 + 1_000))).await }
        });
        lab.hub_edit(&hub, one("city", "York")).await;
        while !worker.is_over() {
            lab.stack.clock().advance(std::time::Duration::from_secs(61));
            worker.work(&lab).await;
        }
        lab.settle().await;
        assert_eq!((lab.wix(&wix).get("city"), lab.stack.dead_letters().len()), ("York", 0));
        lab.assert_in_step();
    })
    .await;
}
