//! Group 1: watermarks, paging, missed records.

use std::{sync::Arc, time::Duration};

use contact_bridge::model::{run::RunKind, site::Include};

use super::super::{
    crash::Watched,
    lab::{Lab, Writes, one},
    people::person,
    switches::{Vendor, at_switches, at_switches_on_every_crm},
};

const NOTHING: Duration = Duration::ZERO;
const A_SECOND: Duration = Duration::from_secs(1);

/// How Wix's listings may behave.
const LISTING: &[&str] =
    &["visibility_lag_ms", "total_omitted", "page_cap", "clock_ahead_ms", "clock_behind_ms", "rate_limit_per_minute", "noop_patch"];

fn lag(lab: &Lab, seconds: u64) {
    lab.stack.wix.switch("people_lag", true).unwrap();
    lab.stack.wix.switch("visibility_lag_ms", seconds * 1_000).unwrap();
}

fn cap_pages(lab: &Lab, most: u64) {
    lab.stack.wix.switch("page_cap", most).unwrap();
}

#[tokio::test]
async fn w01_contacts_share_a_millisecond() {
    at_switches_on_every_crm(LISTING, async |lab| {
        for (cap, before, group, behind) in [(5, 3, 4, 3), (5, 0, 5, 1), (5, 3, 12, 4), (4, 0, 16, 0)] {
            cap_pages(&lab, cap);
            let first = lab.exported().len();
            let mut ids = lab.seed_people(first, before, A_SECOND);
            ids.extend(lab.seed_people(first + before, group, NOTHING));
            lab.stack.clock().advance(A_SECOND);
            ids.extend(lab.seed_people(first + before + group, behind, A_SECOND));
            ids.extend(lab.exported().into_keys());
            lab.export(|_| {}).await;
            lab.stack.run_now(&lab.site.id, RunKind::Export).await.unwrap();
            lab.live(20).await;
            lab.assert_exported(&ids);
        }
    })
    .await;
}

#[tokio::test]
async fn w01_a_run_ends_within_a_group_of_one_millisecond() {
    at_switches_on_every_crm(&["total_omitted", "page_cap", "clock_ahead_ms"], async |lab| {
        lab.export(|_| {}).await;
        let mut ids = lab.seed_people(0, 3, NOTHING);
        // The rest of the group shows later.
        lag(&lab, 120);
        ids.extend(lab.seed_people(3, 3, NOTHING));
        lab.live(1).await;
        lab.assert_exported(&ids[..3]);
        lab.live(30).await;
        lab.assert_exported(&ids);
    })
    .await;
}

#[tokio::test]
async fn w02_a_contact_created_while_the_page_is_carried_out() {
    at_switches_on_every_crm(LISTING, async |lab| {
        lab.export(|_| {}).await;
        let ids = lab.seed_people(0, 3, A_SECOND);
        let watched = Watched::towards(lab.crm.vendor(), &lab).await;
        let late = lab.clone();
        watched.before(lab.crm.upload(), 1, move || {
            let late = late.clone();
            async move { drop(late.seed_people(9, 1, NOTHING)) }
        });
        let deadline = lab.stack.app.means.clock.now() + Duration::from_mins(10);
        watched.exporter(&lab).run(&lab.site.id, RunKind::Export, deadline).await.unwrap();
        assert!(watched.is_over());
        lab.live(45).await;
        assert_eq!(lab.exported().len(), ids.len() + 1);
    })
    .await;
}

#[tokio::test]
async fn w03_contacts_show_up_to_five_minutes_late() {
    at_switches_on_every_crm(&["total_omitted", "page_cap", "clock_ahead_ms", "clock_behind_ms"], async |lab| {
        lab.export(|export| export.interval_minutes = 5).await;
        let mut ids = Vec::new();
        for number in 0..30 {
            lag(&lab, u64::try_from(number).unwrap() * 137 % 300);
            ids.extend(lab.seed_people(number, 1, NOTHING));
            lab.stack.live(Duration::from_secs(47)).await.unwrap();
        }
        lab.live(20).await;
        lab.assert_exported(&ids);
    })
    .await;
}

#[tokio::test]
async fn w03_changes_show_up_to_five_minutes_late() {
    at_switches_on_every_crm(&["total_omitted", "page_cap", "clock_ahead_ms", "clock_behind_ms"], async |lab| {
        lab.export(|export| (export.interval_minutes, export.include) = (5, Include::CreatedAndUpdated)).await;
        let ids = lab.seed_people(0, 12, A_SECOND);
        lab.live(16).await;
        lab.stack.wix.set_webhook_urls(Vec::new());
        for (number, id) in ids.iter().enumerate().cycle().take(30) {
            lag(&lab, u64::try_from(number).unwrap() * 137 % 300);
            lab.wix_edit(id, one("company", &format!("Works {number}"))).await;
            lab.stack.live(Duration::from_secs(47)).await.unwrap();
        }
        lab.live(20).await;
        for (number, id) in ids.iter().enumerate() {
            let hub = lab.in_hub(id).expect("it is exported");
            assert_eq!(lab.hub(&hub).get("company"), format!("Works {number}"));
        }
    })
    .await;
}

#[tokio::test]
async fn w05_what_is_seen_again_costs_no_write() {
    at_switches_on_every_crm(LISTING, async |lab| {
        lab.export(|export| (export.interval_minutes, export.include) = (5, Include::CreatedAndUpdated)).await;
        let ids = lab.seed_people(0, 12, A_SECOND);
        lab.live(30).await;
        lab.assert_exported(&ids);
        lab.forget_calls();
        lab.live(60).await;
        assert_eq!(lab.writes(), Writes { wix: 0, hub: 0 });
        let tally = lab.tally().await;
        assert!(tally.unchanged > 0, "the overlap is read again: {tally:?}");
    })
    .await;
}

#[tokio::test]
async fn w06_the_overlap_has_to_cover_the_lag() {
    at_switches_on_every_crm(&["total_omitted", "page_cap"], async |lab| {
        for (overlap, lagging, seen) in [(5, 290, true), (2, 290, false), (10, 590, true)] {
            let before = lab.exported().len();
            lab.export(|export| (export.interval_minutes, export.overlap_minutes) = (5, overlap)).await;
            // One shows late, and one that was created behind it at once.
            lag(&lab, lagging);
            let late = lab.seed_people(before, 1, Duration::from_mins(4));
            lag(&lab, 0);
            lab.seed_people(before + 1, 1, NOTHING);
            lab.stack.run_now(&lab.site.id, RunKind::Export).await.unwrap();
            lab.settle_within(30).await;
            assert_eq!(lab.exported().len(), before + 1);
            lab.live(30).await;
            assert_eq!(lab.exported().contains_key(&late[0]), seen, "overlap {overlap} min, lag {lagging} s");
            lab.wix_edit(&late[0], one("company", "Works")).await;
            lab.settle().await;
        }
    })
    .await;
}

#[tokio::test]
async fn w08_the_last_page_is_short_empty_or_full() {
    at_switches_on_every_crm(LISTING, async |lab| {
        let (mut ids, mut next) = (Vec::new(), 0);
        cap_pages(&lab, 5);
        for count in [0, 1, 4, 5, 6, 9, 10, 11] {
            ids.extend(lab.seed_people(next, count, A_SECOND));
            next += count;
            lab.export(|_| {}).await;
            lab.stack.run_now(&lab.site.id, RunKind::Export).await.unwrap();
            lab.live(15).await;
            lab.assert_exported(&ids);
        }
    })
    .await;
}

#[tokio::test]
async fn w13_a_contact_created_during_the_upload_of_the_batch_before() {
    at_switches_on_every_crm(LISTING, async |lab| {
        cap_pages(&lab, 4);
        lab.export(|_| {}).await;
        let ids = lab.seed_people(0, 10, A_SECOND);
        let watched = Watched::towards(lab.crm.vendor(), &lab).await;
        let (late, count) = (lab.clone(), Arc::new(std::sync::atomic::AtomicUsize::new(50)));
        watched.before(lab.crm.upload(), 3, move || {
            let (late, count) = (late.clone(), Arc::clone(&count));
            async move { drop(late.seed_people(count.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 1, A_SECOND)) }
        });
        let deadline = lab.stack.app.means.clock.now() + Duration::from_mins(10);
        watched.exporter(&lab).run(&lab.site.id, RunKind::Export, deadline).await.unwrap();
        assert!(watched.is_over());
        lab.live(45).await;
        assert_eq!(lab.exported().len(), ids.len() + 3);
    })
    .await;
}

#[tokio::test]
async fn contacts_come_and_go_between_the_pages() {
    at_switches_on_every_crm(LISTING, async |lab| {
        cap_pages(&lab, 4);
        lab.export(|_| {}).await;
        let ids = lab.seed_people(0, 14, A_SECOND);
        let watched = Watched::towards(Vendor::Wix, &lab).await;
        let (people, count) = (lab.clone(), Arc::new(std::sync::atomic::AtomicUsize::new(0)));
        let doomed = ids.clone();
        watched.before("POST *query", 4, move || {
            let (people, doomed) = (people.clone(), doomed.clone());
            let number = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            async move {
                // What was read before is deleted, and somebody new comes.
                people.wix_delete(&doomed[number]).await;
                people.wix_create(person(100 + number)).await;
            }
        });
        let deadline = lab.stack.app.means.clock.now() + Duration::from_mins(10);
        watched.exporter(&lab).run(&lab.site.id, RunKind::Export, deadline).await.unwrap();
        assert!(watched.is_over());
        lab.live(45).await;
        assert_eq!(lab.wix_ids().len(), 14);
        lab.assert_exported(&lab.wix_ids());
    })
    .await;
}

#[tokio::test]
async fn x07_whoever_is_deleted_between_the_page_and_the_upload_is_not_made() {
    at_switches(&["total_omitted"], async |lab| {
        lab.export(|_| {}).await;
        let mut ids = lab.seed_people(0, 5, A_SECOND);
        let doomed = ids.remove(2);
        let watched = Watched::towards(Vendor::Hub, &lab).await;
        let people = lab.clone();
        // HubSpot is asked how many contacts it has before the page is listed, and once more behind it.
        watched.before("POST *search", 2, move || {
            let (people, doomed) = (people.clone(), doomed.clone());
            async move {
                if people.stack.wix.core().calls.of("POST /contacts/v4/contacts/query") > 0 {
                    people.wix_delete(&doomed).await;
                    people.settle_within(20).await;
                }
            }
        });
        let deadline = lab.stack.app.means.clock.now() + Duration::from_mins(10);
        watched.exporter(&lab).run(&lab.site.id, RunKind::Export, deadline).await.unwrap();
        assert!(watched.is_over());
        lab.assert_exported(&ids);
    })
    .await;
}
