//! Group 8: partial failure and silence.

use std::time::Duration;

use contact_bridge::{
    flows::run::Ended,
    model::{
        ids::{RecordId, Side},
        link::ParkedReason,
        run::{FailedRow, Reason, RunKind},
        site::Include,
    },
};
use contact_bridge_local::vendors::kit::{Fault, FaultKind};
use serde_json::{Value, json};

use super::{
    super::{
        crash::Watched,
        lab::{Lab, at_call, one},
        people::{Seen, ada, person},
        switches::{Position, Vendor, at, at_every_switch_but, at_switches},
    },
    desk::refused,
};

const A_SECOND: Duration = Duration::from_secs(1);

/// How HubSpot may tell which rows of a batch failed.
const ROWS: &[&str] = &[
    "upsert_conflict",
    "batch_failures",
    "batch_results_reversed",
    "problems_listed",
    "conflict_names_id",
    "cleared_in_reply",
    "create_needs_name",
    "rate_per_ten_seconds",
];

/// Everybody is in HubSpot or waits for a person, and the account says how many of each.
async fn assert_accounted(lab: &Lab, wanted: &[String], waiting: usize) {
    lab.assert_exported(wanted);
    let (tally, parked) = (lab.tally().await, lab.parked().await.len());
    assert_eq!((tally.accounted(), parked), (tally.read, waiting), "{tally:?}");
    assert_eq!(lab.links().await.len(), wanted.len());
}

#[tokio::test]
async fn p01_bad_rows_at_any_place_cost_the_others_nothing() {
    at_switches(ROWS, async |lab| {
        // Where an address is not looked at, nobody is bad.
        for (count, bad) in [(1, vec![0]), (40, vec![0]), (40, vec![39]), (40, vec![7, 8, 21]), (12, (0..12).collect())] {
            let first = 100 * lab.wix_ids().len();
            let people: Vec<Value> =
                (0..count).map(|place| if bad.contains(&place) { refused(first + place) } else { person(first + place) }).collect();
            let before: Vec<String> = lab.exported().into_keys().collect();
            let waited = lab.parked().await.len();
            let ids = lab.seed(&people, A_SECOND);
            lab.export(|_| {}).await;
            lab.stack.run_now(&lab.site.id, RunKind::Export).await.unwrap();
            lab.live(20).await;
            let good = ids.iter().enumerate().filter(|(place, _)| !bad.contains(place)).map(|(_, id)| id.clone());
            let wanted: Vec<String> = good.chain(before).collect();
            lab.assert_exported(&wanted);
            assert_eq!(lab.parked().await.len(), waited + bad.len());
            assert!(lab.reasons().await.iter().all(|reason| *reason == ParkedReason::Refused));
        }
    })
    .await;
}

#[tokio::test]
async fn p01_a_refused_field_is_left_out_and_reported() {
    at_switches(ROWS, async |lab| {
        let mut somebody = person(0);
        somebody["email"] = json!("some(body)@example.com");
        let ids = lab.seed(&[person(1), somebody, person(2)], A_SECOND);
        lab.export(|_| {}).await;
        lab.settle().await;
        lab.assert_exported(&ids);
        let hub = lab.in_hub(&ids[1]).unwrap();
        assert_eq!((lab.hub(&hub).get("firstname"), lab.hub(&hub).get("email")), ("Person0", ""));
        assert_eq!(lab.reasons().await, [ParkedReason::FieldSkipped]);
    })
    .await;
}

#[tokio::test]
async fn p04_the_account_equals_a_recount() {
    // With few calls a minute the retries of a day do not fit into a scenario; who shows up late is in a later pass's account.
    at_every_switch_but(&["rate_limit_per_minute", "people_lag"], async |lab| {
        let mut people: Vec<Value> = (0..20).map(person).collect();
        people.extend([refused(1), refused(2), ada(), ada()]);
        let ids = lab.seed(&people, A_SECOND);
        lab.export(|_| {}).await;
        lab.settle().await;
        // One of the two Adas is made; the other waits for a person to merge them.
        let exported = lab.exported();
        assert_eq!((exported.len(), exported.contains_key(&ids[20])), (21, false));
        let tally = lab.tally().await;
        assert_eq!((tally.read, tally.accounted()), (24, 24), "{tally:?}");
        // A page that came again because the run was stopped has its rows among those that are as agreed, or wait.
        assert_eq!(tally.created + tally.unchanged + tally.handed_over + tally.parked + tally.waiting, 24, "{tally:?}");
        assert!(tally.created + tally.unchanged <= 21 && tally.parked + tally.waiting >= 2, "{tally:?}");
        let mut reasons = lab.reasons().await;
        reasons.sort();
        assert_eq!(reasons, [ParkedReason::MatchIsLinked, ParkedReason::Refused, ParkedReason::Refused]);
        let wanted: Vec<String> = exported.into_keys().collect();
        assert_accounted(&lab, &wanted, 3).await;
    })
    .await;
}

#[tokio::test]
async fn p06_a_row_that_breaks_the_call_does_not_stop_the_run() {
    at_switches(&["total_omitted", "batch_failures"], async |mut lab| {
        for bad in [&[17][..], &[0], &[29], &[0, 29], &[27, 28, 29]] {
            lab = lab.other_site().await;
            lab.export(|_| {}).await;
            let ids = lab.seed_people(0, 30, A_SECOND);
            let watched = Watched::towards(Vendor::Hub, &lab).await;
            // Whatever call has this person in it comes back as an error of the vendor's own.
            for number in bad {
                watched.poison(&format!("person{number}@"), 500);
            }
            let deadline = lab.stack.app.means.clock.now() + Duration::from_mins(14);
            watched.exporter(&lab).run(&lab.site.id, RunKind::Export, deadline).await.unwrap();
            let mut failed: Vec<String> = lab.failed_rows().await.into_iter().map(|row| row.id.to_string()).collect();
            let mut expected: Vec<String> = bad.iter().map(|place| ids[*place].clone()).collect();
            failed.sort();
            expected.sort();
            assert_eq!((failed, lab.exported().len()), (expected, 30 - bad.len()), "{bad:?}");
            watched.cure();
            lab.live(60).await;
            lab.assert_exported(&ids);
            assert_eq!(lab.failed_rows().await, []);
            lab.export(|export| export.enabled = false).await;
        }
    })
    .await;
}

#[tokio::test]
async fn p07_a_permanent_refusal_is_tried_once_and_a_passing_failure_again() {
    at_switches(ROWS, async |lab| {
        let ids = lab.seed(&[refused(0), person(1)], A_SECOND);
        lab.export(|_| {}).await;
        // The pass after the first sees them once more.
        lab.live(20).await;
        lab.forget_calls();
        lab.live(24 * 60).await;
        assert_eq!(lab.writes().hub, 0, "what is refused is not sent again");
        assert_eq!(lab.reasons().await, [ParkedReason::Refused]);
        // Once the contact is mended it is tried again.
        lab.wix_edit(&ids[0], json!({"email": "somebody@example.com", "firstname": "Somebody"})).await;
        lab.live(30).await;
        lab.assert_exported(&ids);
        assert_eq!(lab.parked().await, []);
    })
    .await;
}

#[tokio::test]
async fn p07_an_outage_is_waited_for() {
    at_switches(&["batch_failures"], async |lab| {
        let ids = lab.seed_people(0, 12, A_SECOND);
        lab.export(|_| {}).await;
        lab.fault(Vendor::Hub, Fault { times: 20, ..at_call(FaultKind::Status, 0) });
        lab.live(3).await;
        let trouble = lab.run_of_export().await.progress.trouble.expect("the vendor is down");
        assert_eq!((trouble.reason, trouble.side), (Reason::Unavailable, Some(Side::External)));
        lab.live(6 * 60).await;
        lab.assert_exported(&ids);
        assert_eq!(lab.run_of_export().await.progress.trouble, None);
        assert_eq!(lab.stack.dead_letters().len(), 0);
    })
    .await;
}

#[tokio::test]
async fn p08_what_is_handed_over_is_not_lost_with_contact_sync() {
    at_switches(&[], async |lab| {
        // Ada is in both, unlinked: the export hands her to contact sync, which cannot write to HubSpot for longer than it tries.
        let wix = lab.seed(&[ada()], A_SECOND);
        lab.stack.hubspot.seed(&json!({"site": lab.site.id, "contacts": [{"properties": {"email": ada()["email"]}}]})).unwrap();
        lab.export(|_| {}).await;
        let forever = Fault { times: 1_000_000, ..Fault::status(503, "PATCH /crm/objects/*/contacts/*") };
        lab.fault(Vendor::Hub, forever);
        lab.live(30 * 60).await;
        assert_eq!(lab.stack.dead_letters().len(), 1);
        lab.clear_faults();
        assert_eq!(lab.stack.redrive().await, 1);
        lab.live(60).await;
        assert_eq!(lab.links().await.len(), 1);
        assert_eq!(lab.hub_ids().len(), 1);
        assert_eq!(Seen::from(&ada()), lab.wix(&wix[0]));
    })
    .await;
}

#[tokio::test]
async fn a_row_that_stays_unreadable_is_left_to_a_person_on_a_quiet_site_too() {
    at(&[Position::defaults(), Position::dynamodb()], async |lab| {
        lab.export(|export| export.include = Include::Created).await;
        let ids = lab.seed_people(0, 3, A_SECOND);
        let watched = Watched::towards(Vendor::Wix, &lab).await;
        let exporter = watched.exporter(&lab);
        let clock = lab.stack.clock();
        let hours = async |hours: usize| {
            for _ in 0..hours {
                clock.advance(Duration::from_hours(1));
                let deadline = lab.stack.app.means.clock.now() + Duration::from_mins(14);
                assert_eq!(exporter.run(&lab.site.id, RunKind::Export, deadline).await.unwrap(), Ended::Rested);
                let tally = lab.tally().await;
                assert_eq!((tally.read, tally.accounted()), (3, 3), "{tally:?}");
            }
        };
        // The third is linked before Wix begins to send it in another form.
        watched.garble(&ids[..2]);
        hours(1).await;
        assert_eq!((lab.tally().await.failed, lab.tally().await.created), (2, 1));
        watched.garble(&ids);
        hours(24).await;
        let attempts = |rows: &[FailedRow]| rows.iter().map(|row| row.attempts).collect::<Vec<_>>();
        let rows = lab.failed_rows().await;
        assert!(rows.len() == 3 && rows.iter().all(|row| row.attempts >= 5), "{:?}", attempts(&rows));
        assert_eq!((lab.tally().await.waiting, lab.parked().await.len()), (3, 0));
        hours(80).await;
        let parked = lab.parked().await;
        assert_eq!(lab.reasons().await, [ParkedReason::GaveUp; 2], "{parked:?}");
        assert!(ids[..2].iter().all(|id| parked.iter().any(|note| note.id.as_str() == id)), "{parked:?}");
        hours(30).await;
        let rows = lab.failed_rows().await;
        assert!(rows.iter().all(|row| row.id.as_str() == ids[2]), "who is given up is not tried again");
        assert_eq!(lab.parked().await, parked);
        // Somebody sees to one of them.
        watched.garble(&ids[1..2]);
        lab.stack.wix.set_webhook_urls(Vec::new());
        lab.wix_edit(&ids[0], one("company", "Mills")).await;
        hours(1).await;
        lab.assert_exported(&[ids[0].clone(), ids[2].clone()]);
        assert_eq!(lab.parked().await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_row_that_could_not_be_read_is_compared_once_it_can() {
    at_switches(&[], async |lab| {
        let ids = lab.seed_people(0, 2, A_SECOND);
        lab.export(|export| export.include = Include::Created).await;
        lab.settle().await;
        lab.assert_exported(&ids);
        lab.stack.wix.set_webhook_urls(Vec::new());
        lab.wix_edit(&ids[0], one("company", "Mills")).await;
        let (runs, now) = (&lab.stack.app.means.runs, lab.stack.app.means.clock.now());
        let row = FailedRow { id: RecordId::new(ids[0].clone()), reason: "unreadable".to_owned(), attempts: 1, since: now, again_at: now };
        runs.fail(&lab.site.id, &[row]).await.unwrap();
        lab.live(30).await;
        assert_eq!(lab.hub(&lab.in_hub(&ids[0]).unwrap()).get("company"), "Mills");
        assert!(runs.failed(&lab.site.id, None, 9).await.unwrap().is_empty());
    })
    .await;
}
