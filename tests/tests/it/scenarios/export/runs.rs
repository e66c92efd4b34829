//! Runs that are killed, cut off, paused, asked for, and begun twice.

use std::time::Duration;

use contact_bridge::{
    flows::run::Ended,
    model::run::{Reason, RunKind},
};
use futures::future::join_all;

use super::{
    super::{
        crash::die_after,
        lab::{Lab, Writes},
        switches::{Position, at, at_switches, at_switches_on_every_crm},
    },
    desk::AFTER_A_CRASH,
};

const A_SECOND: Duration = Duration::from_secs(1);

async fn run(lab: &Lab, minutes: i64) -> Ended {
    let deadline = lab.stack.app.means.clock.now() + Duration::from_mins(minutes.unsigned_abs());
    lab.stack.exporter.run(&lab.site.id, RunKind::Export, deadline).await.unwrap()
}

/// Kills a run at every few steps; whoever comes next ends what it began.
async fn killed_at_every_step(lab: Lab) {
    lab.stack.wix.switch("page_cap", 4).unwrap();
    let (mut ids, mut through) = (Vec::new(), false);
    for polls in (1..).step_by(11) {
        ids.extend(lab.seed_people(ids.len(), 9, A_SECOND));
        lab.export(|_| {}).await;
        lab.stack.app.means.runs.ask(&lab.site.id, RunKind::Export, lab.stack.app.means.clock.now()).await.unwrap();
        let deadline = lab.stack.app.means.clock.now() + Duration::from_mins(14);
        through = die_after(polls, lab.stack.exporter.run(&lab.site.id, RunKind::Export, deadline)).await;
        lab.stack.clock().advance(AFTER_A_CRASH);
        lab.live(20).await;
        lab.assert_exported(&ids);
        if through {
            break;
        }
    }
    assert!(through);
    lab.forget_calls();
    lab.live(60).await;
    assert_eq!(lab.writes(), Writes { wix: 0, hub: 0 });
    lab.assert_in_step();
}

#[tokio::test]
async fn w12_a_run_is_killed_at_any_step() {
    at(&[Position::defaults(), Position::dynamodb(), Position::pipedrive()], killed_at_every_step).await;
}

#[tokio::test]
async fn w12_a_run_goes_on_behind_the_last_page() {
    at_switches_on_every_crm(&["total_omitted"], async |lab| {
        lab.stack.wix.switch("page_cap", 3).unwrap();
        let ids = lab.seed_people(0, 30, A_SECOND);
        lab.export(|_| {}).await;
        // So little time that an invocation ends after a few pages: the limit of Wix makes each take a third of a second.
        lab.stack.give_runs(Duration::from_secs(61));
        lab.settle().await;
        lab.assert_exported(&ids);
        let (checkpoint, calls) = (lab.checkpoint().await, lab.stack.hubspot.calls().of("POST /crm/objects/2026-09/contacts/batch/upsert"));
        let tally = checkpoint.last.unwrap().tally;
        assert_eq!((tally.created, tally.read), (30, 30), "no page is done twice");
        assert!(calls <= tally.pages, "{calls} uploads of {} pages", tally.pages);
        assert!(lab.stack.aws_calls("AWSEvents.PutEvents") > 1, "it was continued");
    })
    .await;
}

#[tokio::test]
async fn two_timers_and_two_runners_at_once() {
    at(&[Position::defaults(), Position::dynamodb(), Position::pipedrive()], async |lab| {
        let ids = lab.seed_people(0, 12, A_SECOND);
        lab.export(|_| {}).await;
        let requested = join_all([1, 2, 3].map(|_| lab.stack.exporter.request_due())).await;
        assert!(requested.iter().all(Result::is_ok), "{requested:?}");
        let ended = join_all([1, 2, 3].map(|_| run(&lab, 10))).await;
        assert_eq!(ended.iter().filter(|ended| **ended == Ended::Busy).count(), 2, "{ended:?}");
        lab.settle().await;
        lab.assert_exported(&ids);
        assert_eq!(lab.tally().await.created, 12);
    })
    .await;
}

#[tokio::test]
async fn a_pause_stops_the_run_and_a_resume_goes_on() {
    at_switches_on_every_crm(&["page_cap"], async |lab| {
        lab.stack.wix.switch("page_cap", 4).unwrap();
        let ids = lab.seed_people(0, 20, A_SECOND);
        lab.export(|_| {}).await;
        let kind = RunKind::Export;
        lab.stack.pause_run(&lab.site.id, kind, true).await.unwrap();
        lab.live(60).await;
        lab.assert_exported(&[]);
        lab.stack.run_now(&lab.site.id, kind).await.unwrap();
        lab.live(60).await;
        lab.assert_exported(&[]);
        lab.stack.pause_run(&lab.site.id, kind, false).await.unwrap();
        lab.live(20).await;
        lab.assert_exported(&ids);
    })
    .await;
}

#[tokio::test]
async fn a_run_that_is_asked_for_does_not_wait_for_its_interval() {
    at_switches_on_every_crm(&[], async |lab| {
        lab.export(|export| export.interval_minutes = 43_200).await;
        lab.live(2).await;
        let ids = lab.seed_people(0, 3, A_SECOND);
        lab.live(24 * 60).await;
        lab.assert_exported(&[]);
        lab.stack.run_now(&lab.site.id, RunKind::Export).await.unwrap();
        lab.settle().await;
        lab.assert_exported(&ids);
    })
    .await;
}

#[tokio::test]
async fn each_site_runs_at_its_own_interval() {
    at_switches_on_every_crm(&[], async |lab| {
        let other = lab.other_site().await;
        lab.export(|export| export.interval_minutes = 5).await;
        other.export(|export| export.interval_minutes = 60).await;
        lab.live(2).await;
        let (own, others) = (lab.seed_people(0, 2, A_SECOND), other.seed_people(0, 2, A_SECOND));
        lab.live(6).await;
        lab.assert_exported(&own);
        other.assert_exported(&[]);
        lab.live(60).await;
        other.assert_exported(&others);
    })
    .await;
}

#[tokio::test]
async fn q15_trouble_of_one_site_leaves_the_others_alone() {
    at_switches(&[], async |lab| {
        let other = lab.other_site().await;
        let (own, others) = (lab.seed_people(0, 3, A_SECOND), other.seed_people(0, 3, A_SECOND));
        lab.export(|_| {}).await;
        other.export(|_| {}).await;
        lab.stack.hubspot.revoke(lab.site.portal);
        lab.live(3).await;
        other.assert_exported(&others);
        lab.assert_exported(&[]);
        let trouble = lab.run_of_export().await.progress.trouble.expect("it is in trouble");
        assert_eq!(trouble.reason, Reason::AccessDenied);
        lab.stack.hubspot.reinstall(lab.site.portal);
        lab.live(60).await;
        lab.assert_exported(&own);
        assert_eq!(lab.run_of_export().await.progress.trouble, None);
    })
    .await;
}
