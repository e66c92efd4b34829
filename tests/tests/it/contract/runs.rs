//! Contracts of scheduled runs.

use contact_bridge::{
    model::{
        ids::{RecordId, Side, SiteId},
        run::{Due, FailedRow, Lease, Progress, Reason, Run, RunKind, Trouble},
    },
    ports::Kept,
};
use futures::future::join_all;
use jiff::Timestamp;
use serde_json::json;

use super::bench::{Bench, STALE, at, kind, record, site};

const EXPORT: RunKind = RunKind::Export;

fn lease(owner: &str, until: i64) -> Lease {
    Lease { owner: owner.to_owned(), until: at(until) }
}

fn progress() -> Progress {
    let trouble = Trouble {
        reason: Reason::MissingFields,
        side: Some(Side::External),
        fields: vec!["vat_id".into()],
        since: at(3),
        times: 2,
        until: at(900),
    };
    Progress { next: Some(at(900)), trouble: Some(trouble), checkpoint: json!({"created": at(1), "pass": null, "last": {"read": 7}}) }
}

impl Bench {
    async fn take(&self, owner: &str, until: i64, now: i64) -> anyhow::Result<Option<Run>> {
        Ok(self.runs.take(&self.site, EXPORT, &lease(owner, until), at(now)).await?.map(|taken| taken.run))
    }

    async fn run(&self) -> anyhow::Result<Run> {
        Ok(self.runs.run(&self.site, EXPORT).await?)
    }

    async fn due_by(&self, now: i64) -> anyhow::Result<Vec<Due>> {
        Ok(self.runs.due(at(now), 100).await?)
    }
}

fn kept(progress: &Progress, until: Option<i64>, due: Option<i64>) -> Kept<'_> {
    Kept { progress, until: until.map(at), due: due.map(at), claimed_until: None }
}

pub(super) async fn a_run_nobody_ran_is_empty(bench: &Bench) -> anyhow::Result<()> {
    assert_eq!(bench.run().await?, Run::default());
    assert_eq!(bench.due_by(9_999).await?, []);
    Ok(())
}

pub(super) async fn a_lease_has_one_owner_until_it_ends(bench: &Bench) -> anyhow::Result<()> {
    let run = bench.take("me", 60, 0).await?.expect("nobody has it");
    assert_eq!((run.lease, run.due), (Some(lease("me", 60)), Some(at(60))));
    assert_eq!(bench.take("another", 90, 59).await?, None);
    assert!(bench.take("me", 70, 10).await?.is_some(), "its owner takes it again");
    assert!(bench.take("another", 130, 70).await?.is_some(), "its time is over");
    Ok(())
}

pub(super) async fn a_site_has_one_runner_whatever_runs(bench: &Bench) -> anyhow::Result<()> {
    let audit = async |owner, until, now| bench.runs.take(&bench.site, RunKind::Audit, &lease(owner, until), at(now)).await;
    bench.take("me", 60, 0).await?;
    assert_eq!(audit("another", 90, 0).await?, None);
    assert_eq!(bench.runs.run(&bench.site, RunKind::Audit).await?, Run::default(), "nothing of it stays");
    bench.runs.keep(&bench.site, EXPORT, "me", kept(&progress(), None, Some(900))).await?;
    assert!(audit("another", 90, 0).await?.is_some(), "it was given back");
    assert_eq!(bench.take("me", 120, 0).await?, None);
    assert!(bench.take("me", 150, 90).await?.is_some(), "its time is over");
    // What is paused holds nobody up.
    bench.runs.keep(&bench.site, EXPORT, "me", kept(&progress(), None, None)).await?;
    bench.runs.pause(&bench.site, EXPORT).await?;
    assert_eq!(bench.take("me", 160, 91).await?, None);
    assert!(audit("third", 170, 92).await?.is_some());
    let other = SiteId::from("other");
    assert!(bench.runs.take(&other, EXPORT, &lease("me", 60), at(0)).await?.is_some(), "another site");
    Ok(())
}

pub(super) async fn waiting_events_are_announced_to_a_runner(bench: &Bench) -> anyhow::Result<()> {
    let announce = async |until| bench.runs.announce(&bench.site, at(until)).await;
    let announced = async || bench.runs.announced(&bench.site).await;
    announce(10).await?;
    assert_eq!(announced().await?, None, "nobody is there to hear it");
    assert_eq!(kind(bench.runs.claim(&bench.site, "me").await), STALE);
    bench.take("me", 60, 0).await?;
    announce(20).await?;
    assert_eq!(announced().await?, None, "nothing is claimed");
    bench.runs.claim(&bench.site, "me").await?;
    announce(30).await?;
    assert_eq!(announced().await?, Some(at(30)));
    bench.take("another", 160, 61).await?;
    announce(90).await?;
    assert_eq!(announced().await?, Some(at(30)), "the next one has claimed nothing yet");
    assert_eq!(kind(bench.runs.claim(&bench.site, "me").await), STALE);
    bench.take("me", 260, 161).await?;
    bench.runs.claim(&bench.site, "me").await?;
    bench.runs.keep(&bench.site, EXPORT, "me", kept(&progress(), None, None)).await?;
    announce(290).await?;
    assert_eq!(announced().await?, Some(at(30)), "it was given back");
    Ok(())
}

pub(super) async fn a_site_is_known_with_the_claim_on_its_budgets(bench: &Bench) -> anyhow::Result<()> {
    bench.sites.save_site(&site(&bench.site)).await?;
    let claimed = async |now| anyhow::Ok(bench.sites.standing(&bench.site, at(now)).await?.and_then(|standing| standing.claimed_until));
    bench.take("me", 60, 0).await?;
    assert_eq!(claimed(1).await?, None, "it has claimed nothing yet");
    bench.runs.claim(&bench.site, "me").await?;
    assert_eq!((claimed(59).await?, claimed(60).await?), (Some(at(60)), None));
    bench.runs.keep(&bench.site, EXPORT, "me", kept(&progress(), None, None)).await?;
    assert_eq!(claimed(1).await?, None, "it was given back");
    Ok(())
}

pub(super) async fn a_claim_that_is_left_behind_is_the_next_runners(bench: &Bench) -> anyhow::Result<()> {
    bench.sites.save_site(&site(&bench.site)).await?;
    let claimed = async |now| anyhow::Ok(bench.sites.standing(&bench.site, at(now)).await?.and_then(|standing| standing.claimed_until));
    let take = async |owner, until, now| {
        let taken = bench.runs.take(&bench.site, EXPORT, &lease(owner, until), at(now)).await?;
        anyhow::Ok(taken.map(|taken| taken.claimed_until))
    };
    let notes = progress();
    let leaves = |until| Kept { claimed_until: Some(at(until)), ..kept(&notes, None, None) };
    assert_eq!(take("first", 60, 0).await?, Some(None));
    bench.runs.keep(&bench.site, EXPORT, "first", leaves(90)).await?;
    assert_eq!((claimed(1).await?, take("first", 60, 1).await?), (None, Some(None)), "it had claimed nothing");
    bench.runs.claim(&bench.site, "first").await?;
    bench.runs.keep(&bench.site, EXPORT, "first", leaves(90)).await?;
    assert_eq!((claimed(89).await?, claimed(90).await?), (Some(at(90)), None));
    bench.runs.pause(&bench.site, RunKind::Audit).await?;
    assert_eq!(bench.runs.take(&bench.site, RunKind::Audit, &lease("another", 70), at(1)).await?, None);
    assert_eq!(claimed(89).await?, Some(at(90)), "who was turned away leaves it as it was");
    assert_eq!((take("second", 120, 80).await?, claimed(81).await?), (Some(Some(at(90))), Some(at(120))));
    assert_eq!((take("third", 200, 120).await?, claimed(121).await?), (Some(None), None), "the second died");
    bench.runs.claim(&bench.site, "third").await?;
    bench.runs.keep(&bench.site, EXPORT, "third", leaves(190)).await?;
    assert_eq!((take("fourth", 250, 190).await?, claimed(191).await?), (Some(None), None), "it came too late");
    Ok(())
}

pub(super) async fn of_two_that_take_a_lease_one_has_it(bench: &Bench) -> anyhow::Result<()> {
    let taken = join_all(["me", "another", "third"].map(|owner| bench.take(owner, 60, 0))).await;
    assert_eq!(taken.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().count(), 1);
    Ok(())
}

pub(super) async fn progress_reads_back_as_it_was_kept(bench: &Bench) -> anyhow::Result<()> {
    bench.take("me", 60, 0).await?;
    bench.runs.keep(&bench.site, EXPORT, "me", kept(&progress(), Some(120), Some(120))).await?;
    let run = bench.run().await?;
    assert_eq!((run.progress, run.lease, run.due), (progress(), Some(lease("me", 120)), Some(at(120))));
    bench.runs.keep(&bench.site, EXPORT, "me", kept(&progress(), None, Some(900))).await?;
    let run = bench.take("another", 60, 0).await?.expect("it was given back");
    assert_eq!(run.progress, progress());
    Ok(())
}

pub(super) async fn who_lost_the_lease_keeps_nothing(bench: &Bench) -> anyhow::Result<()> {
    assert_eq!(kind(bench.runs.keep(&bench.site, EXPORT, "me", kept(&progress(), None, None)).await), STALE);
    bench.take("me", 60, 0).await?;
    bench.take("another", 120, 60).await?;
    assert_eq!(kind(bench.runs.keep(&bench.site, EXPORT, "me", kept(&progress(), Some(500), Some(1))).await), STALE);
    let run = bench.run().await?;
    assert_eq!((run.progress, run.lease, run.due), (Progress::default(), Some(lease("another", 120)), Some(at(120))));
    Ok(())
}

pub(super) async fn a_pause_reaches_the_runner_and_the_timer(bench: &Bench) -> anyhow::Result<()> {
    bench.take("me", 60, 0).await?;
    bench.runs.pause(&bench.site, EXPORT).await?;
    let orders = bench.runs.keep(&bench.site, EXPORT, "me", kept(&progress(), None, None)).await?;
    assert!(orders.paused);
    bench.runs.schedule(&bench.site, EXPORT, Some(at(0))).await?;
    bench.runs.ask(&bench.site, EXPORT, at(1)).await?;
    assert_eq!(bench.due_by(9_999).await?, []);
    assert_eq!(bench.take("me", 60, 0).await?, None);
    bench.runs.resume(&bench.site, EXPORT, at(2)).await?;
    assert_eq!(bench.due_by(2).await?, [Due { site: bench.site.clone(), kind: EXPORT, at: at(2) }]);
    let run = bench.take("me", 60, 0).await?.expect("it is resumed");
    assert_eq!((run.orders.paused, run.orders.asked_at, run.progress), (false, Some(at(1)), progress()));
    Ok(())
}

pub(super) async fn orders_survive_what_a_runner_keeps(bench: &Bench) -> anyhow::Result<()> {
    bench.take("me", 60, 0).await?;
    bench.runs.ask(&bench.site, EXPORT, at(5)).await?;
    let orders = bench.runs.keep(&bench.site, EXPORT, "me", kept(&progress(), None, Some(900))).await?;
    assert_eq!((orders.asked_at, bench.run().await?.orders.asked_at), (Some(at(5)), Some(at(5))));
    Ok(())
}

pub(super) async fn what_is_due_is_found_the_longest_due_first(bench: &Bench) -> anyhow::Result<()> {
    let due = |site: &str, second| (SiteId::from(site), at(second));
    for (site, second) in [due("b", 20), due("a", 30), due("c", 10), due("d", 31)] {
        bench.runs.schedule(&site, EXPORT, Some(second)).await?;
    }
    bench.runs.schedule(&SiteId::from("b"), RunKind::Audit, Some(at(25))).await?;
    let names = |due: Vec<Due>| due.into_iter().map(|due| format!("{} {}", due.site, due.kind.name())).collect::<Vec<_>>();
    assert_eq!(names(bench.due_by(30).await?), ["c export", "b export", "b audit", "a export"]);
    assert_eq!(names(bench.runs.due(at(30), 2).await?), ["c export", "b export"]);
    bench.runs.schedule(&SiteId::from("c"), EXPORT, None).await?;
    assert_eq!(names(bench.due_by(20).await?), ["b export"]);
    Ok(())
}

pub(super) async fn a_due_run_is_postponed_unless_it_moved(bench: &Bench) -> anyhow::Result<()> {
    bench.runs.schedule(&bench.site, EXPORT, Some(at(10))).await?;
    let seen = bench.due_by(10).await?.remove(0);
    bench.runs.postpone(&seen, at(300)).await?;
    assert_eq!(bench.run().await?.due, Some(at(300)));
    bench.runs.postpone(&seen, at(600)).await?;
    assert_eq!(bench.run().await?.due, Some(at(300)), "somebody else said so meanwhile");
    Ok(())
}

fn failed(id: &str, again_at: Timestamp) -> FailedRow {
    FailedRow { id: record(id), reason: "unavailable".to_owned(), attempts: 1, since: at(0), again_at }
}

pub(super) async fn failed_rows_are_kept_replaced_and_forgiven(bench: &Bench) -> anyhow::Result<()> {
    let rows: Vec<FailedRow> = (0..60).map(|number| failed(&format!("w{number:02}"), at(number))).collect();
    bench.runs.fail(&bench.site, &rows).await?;
    let listed = async |by: Option<i64>, at_most| bench.runs.failed(&bench.site, by.map(at), at_most).await;
    assert_eq!(listed(None, 1_000).await?, rows);
    assert_eq!(listed(Some(29), 1_000).await?, rows[..30]);
    assert_eq!(listed(None, 7).await?.len(), 7);
    let again = FailedRow { attempts: 2, ..failed("w00", at(900)) };
    bench.runs.fail(&bench.site, std::slice::from_ref(&again)).await?;
    let ids: Vec<RecordId> = rows[1..].iter().chain([&rows[1]]).map(|row| row.id.clone()).collect();
    bench.runs.forgive(&bench.site, &ids).await?;
    assert_eq!(listed(None, 1_000).await?, [again]);
    Ok(())
}

pub(super) async fn a_purge_takes_runs_and_failed_rows_away(bench: &Bench) -> anyhow::Result<()> {
    bench.take("me", 60, 0).await?;
    bench.runs.fail(&bench.site, &[failed("w1", at(1))]).await?;
    bench.sites.purge(&bench.site).await?;
    assert_eq!((bench.run().await?, bench.due_by(9_999).await?), (Run::default(), vec![]));
    assert_eq!(bench.runs.failed(&bench.site, None, 10).await?, []);
    assert_eq!(kind(bench.runs.keep(&bench.site, EXPORT, "me", kept(&progress(), Some(500), Some(1))).await), STALE);
    Ok(())
}
