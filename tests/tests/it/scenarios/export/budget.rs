//! Group 9, as far as it is about budgets.

use std::time::Duration;

use contact_bridge::model::{
    ids::{RecordId, Side},
    run::{FailedRow, Reason, RunKind},
};
use contact_bridge_local::vendors::kit::Fault;
use jiff::{SignedDuration, civil::Time, tz::TimeZone};
use serde_json::json;

use super::super::{
    crm::Crm,
    lab::{Lab, Writes, one},
    people::ada,
    switches::{Vendor, at_switches, at_switches_on_every_crm},
};

const A_SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn q01_a_daily_limit_is_slept_through() {
    at_switches(&["retry_after_on_429"], async |lab| {
        let ids = lab.seed_people(0, 10, A_SECOND);
        lab.export(|_| {}).await;
        // From the first write on the day's budget is gone.
        let body =
            json!({"status": "error", "message": "You have reached your daily limit.", "errorType": "RATE_LIMIT", "policyName": "DAILY"});
        let gone = Fault { body: Some(body), times: 1, ..Fault::status(429, "POST /crm/objects/*/contacts/batch/upsert") };
        lab.fault(Vendor::Hub, gone);
        lab.settle_within(60).await;
        let trouble = lab.run_of_export().await.progress.trouble.expect("the budget is gone");
        assert_eq!((trouble.reason, trouble.side), (Reason::Throttled, Some(Side::External)));
        let (now, until) = (lab.stack.app.means.clock.now(), trouble.until.to_zoned(TimeZone::UTC));
        assert_eq!(until.time(), Time::midnight(), "the day ends");
        lab.forget_calls();
        let wait: Duration = trouble.until.duration_since(now).try_into().unwrap();
        lab.stack.live(wait.saturating_sub(Duration::from_mins(1))).await.unwrap();
        assert_eq!(lab.stack.hubspot.calls().total(), 0, "nothing is sent before midnight");
        lab.live(45).await;
        lab.assert_exported(&ids);
    })
    .await;
}

#[tokio::test]
async fn q03_nothing_is_sent_before_the_allowed_instant() {
    at_switches(&[], async |lab| {
        for retry_after in [Some("40"), None] {
            let first = lab.exported().len();
            let mut ids = lab.seed_people(first, 5, A_SECOND);
            ids.extend(lab.exported().into_keys());
            lab.export(|_| {}).await;
            let body = json!({"status": "error", "errorType": "RATE_LIMIT", "policyName": "TEN_SECONDLY_ROLLING"});
            let refused = Fault {
                body: Some(body),
                retry_after: retry_after.map(str::to_owned),
                ..Fault::status(429, "POST /crm/objects/*/contacts/batch/upsert")
            };
            lab.fault(Vendor::Hub, refused);
            lab.stack.run_now(&lab.site.id, RunKind::Export).await.unwrap();
            let begun = lab.stack.clock().now_ms();
            lab.settle().await;
            lab.assert_exported(&ids);
            let waited = lab.stack.clock().now_ms() - begun;
            assert!(waited >= retry_after.map_or(10_000, |_| 40_000), "{waited} ms");
        }
    })
    .await;
}

#[tokio::test]
async fn an_export_draws_no_429() {
    at_switches(&[], async |lab| {
        lab.stack.wix.switch("page_cap", 5).unwrap();
        let ids = lab.seed_people(0, 400, Duration::from_millis(7));
        lab.export(|_| {}).await;
        lab.settle().await;
        lab.assert_exported(&ids);
        assert_eq!(lab.refused_calls(), 0);
    })
    .await;
}

/// Begins an export at once, and tells how long it takes.
async fn takes(lab: &Lab) -> SignedDuration {
    let means = &lab.stack.app.means;
    let begun = means.clock.now();
    means.runs.ask(&lab.site.id, RunKind::Export, begun).await.unwrap();
    lab.stack.exporter.run(&lab.site.id, RunKind::Export, begun + Duration::from_mins(10)).await.unwrap();
    means.clock.now().duration_since(begun)
}

#[tokio::test]
async fn a_run_that_reads_many_pages_claims_the_budgets_though_nothing_on_them_is_new() {
    at_switches(&[], async |lab| {
        lab.stack.wix.switch("page_cap", 5).unwrap();
        let mut ids = Vec::new();
        // The wait until every worker knows is longer than the pages take.
        for (people, claims) in [(10, false), (25, true)] {
            ids.extend(lab.seed_people(ids.len(), people, Duration::from_millis(7)));
            lab.export(|_| {}).await;
            takes(&lab).await;
            lab.settle().await;
            lab.assert_exported(&ids);
            let took = takes(&lab).await;
            assert_eq!(took > SignedDuration::from_secs(11), claims, "{took}");
        }
    })
    .await;
}

#[tokio::test]
async fn failed_rows_leave_room_for_events_that_come_while_they_are_tried_again() {
    at_switches(&[], async |lab| {
        let ids = lab.seed_people(0, 60, Duration::from_millis(7));
        lab.export(|_| {}).await;
        lab.settle().await;
        lab.assert_exported(&ids);
        let mut took = Vec::new();
        for events_wait in [false, true] {
            lab.live(10).await;
            let (runs, now) = (&lab.stack.app.means.runs, lab.stack.app.means.clock.now());
            let row = |id: &String| FailedRow {
                id: RecordId::new(id.clone()),
                reason: "unavailable".to_owned(),
                attempts: 1,
                since: now,
                again_at: now,
            };
            runs.fail(&lab.site.id, &ids.iter().map(row).collect::<Vec<_>>()).await.unwrap();
            lab.forget_calls();
            let says = async {
                if events_wait {
                    lab.events_come_when(|| lab.stack.wix.core().calls.total() >= 5).await;
                }
            };
            took.push(tokio::join!(takes(&lab), says).0);
        }
        // With half of the budget most of them take twice as long.
        assert!(took[1] > took[0] + SignedDuration::from_secs(10), "{took:?}");
    })
    .await;
}

#[tokio::test]
async fn q02_a_backfill_beside_events_leaves_them_their_share_and_other_sites_theirs() {
    at_switches(&[], async |lab| {
        lab.stack.wix.switch("page_cap", 5).unwrap();
        let other = lab.other_site().await;
        let (ids, others) = (lab.seed_people(0, 100, A_SECOND), other.seed_people(0, 100, A_SECOND));
        lab.export(|export| export.busy_share = 20).await;
        other.export(|export| export.busy_share = 20).await;
        lab.forget_calls();
        let calls = || lab.stack.wix.core().calls.total();
        let events_come = async {
            let since = lab.events_come_when(|| calls() >= 30).await;
            (calls(), since)
        };
        let (whole, (before, since)) = tokio::join!(takes(&lab), events_come);
        let (beside, took) = (calls() - before, lab.stack.app.means.clock.now().duration_since(since));
        // A fifth of what Wix allows in a minute, and what was sent before it looked.
        assert!(i128::from(beside - 10) * 60_000 <= took.as_millis() * 200 / 5, "{beside} calls in {took:#}");
        let alone = takes(&other).await;
        assert!(alone * 2 < whole, "{alone:#} of the other site, {whole:#}");
        lab.settle().await;
        lab.assert_exported(&ids);
        other.assert_exported(&others);
        assert_eq!(lab.refused_calls(), 0);
    })
    .await;
}

#[tokio::test]
async fn q13_a_run_with_nothing_new_writes_nothing() {
    at_switches_on_every_crm(&["total_omitted"], async |lab| {
        let ids = lab.seed_people(0, 20, A_SECOND);
        lab.export(|_| {}).await;
        lab.settle().await;
        lab.assert_exported(&ids);
        lab.forget_calls();
        lab.live(120).await;
        assert_eq!(lab.writes(), Writes { wix: 0, hub: 0 });
        let calls = lab.stack.wix.core().calls.to_json();
        let pages = calls["sites"][lab.site.id.as_str()]["POST /contacts/v4/contacts/query"].as_u64().unwrap();
        // Eight runs: a page each; where the listing does not tell how many there are, five more to be sure.
        assert!(pages <= 8 * 6, "{calls}");
        assert_eq!(lab.stack.hubspot.calls().total(), 0);
    })
    .await;
}

#[tokio::test]
async fn q14_a_resync_does_exactly_one_contact() {
    at_switches_on_every_crm(&[], async |lab| {
        let ids = lab.seed_people(0, 6, A_SECOND);
        lab.export(|_| {}).await;
        lab.settle().await;
        lab.stack.wix.set_webhook_urls(Vec::new());
        for id in &ids {
            lab.wix_edit(id, one("company", "Mills")).await;
        }
        lab.forget_calls();
        lab.stack.resync(&lab.site.id, Side::Wix, &RecordId::new(ids[2].clone()), false, None).await.unwrap();
        lab.settle().await;
        assert_eq!(lab.writes(), Writes { wix: 0, hub: 1 });
        assert_eq!(lab.hub(&lab.in_hub(&ids[2]).unwrap()).get("company"), "Mills");
    })
    .await;
}

#[tokio::test]
async fn the_ids_are_shown_in_wix_once_and_never_overwritten() {
    at_switches_on_every_crm(&["patch_extended_fields", "noop_patch", "key_tail"], async |lab| {
        let ids = lab.seed_people(0, 60, A_SECOND);
        let own = lab.seed(&[ada()], A_SECOND);
        lab.export(|_| {}).await;
        let key = lab.settings().await.mirror_field.expect("it is set up");
        let shown = |lab: &Lab, id: &str| {
            let all = lab.stack.wix.contacts(Some(lab.site.id.as_str())).unwrap();
            let contact = all.into_iter().find(|contact| contact["id"] == id).unwrap();
            contact["info"]["extendedFields"]["items"][&key].as_str().map(str::to_owned)
        };
        // Somebody wrote something else there.
        let people = lab.stack.client(&lab.site);
        people.wix_update(&own[0], json!({"extendedFields": {"items": {&key: "mine"}}})).await.unwrap();
        lab.settle().await;
        for id in &ids {
            assert_eq!(shown(&lab, id), lab.in_hub(id), "{id}");
        }
        assert_eq!(shown(&lab, &own[0]).as_deref(), Some("mine"));
        // At Pipedrive, which has searched for the Adas, a run and a worker do not see each other's searches.
        assert!(lab.refused_calls() <= u64::from(lab.crm == Crm::Pipedrive), "{}", lab.refused_calls());
    })
    .await;
}
