//! How a run ends: what people do at that moment counts.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use contact_bridge::{
    adapters::memory,
    flows::run::{Ended, Means, Runner, Stop, schedule},
    model::{
        ids::SiteId,
        run::{Reason, Run, RunKind},
        site::Site,
    },
    ports::{Clock, RunStore, SiteStore},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// A clock that moves only when somebody sleeps.
struct Slept(Mutex<Duration>);

#[async_trait]
impl Clock for Slept {
    fn now(&self) -> Timestamp {
        NOW + *self.0.lock().unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        *self.0.lock().unwrap() += duration;
    }
}

/// A store with one site, whose runs are off.
struct Bench {
    store: Arc<memory::Store>,
    bus: Arc<memory::Bus>,
    means: Means,
    site: Site,
}

impl Bench {
    async fn lay() -> Self {
        let (store, bus) = (Arc::new(memory::Store::new()), Arc::new(memory::Bus::default()));
        let site: Site =
            serde_json::from_value(json!({"site": "shop", "version": 1, "mapping": [], "crm": {"kind": "hubspot", "secret": "none"}}))
                .unwrap();
        store.save_site(&site).await.unwrap();
        let means = Means {
            runs: store.clone(),
            sites: store.clone(),
            links: store.clone(),
            bus: bus.clone(),
            clock: Arc::new(Slept(Mutex::default())),
            owner: Arc::new(|| "runner".to_owned()),
            pace: Arc::new(|_| ()),
        };
        Self { store, bus, means, site }
    }

    async fn take(&self) -> Runner<'_> {
        self.take_of(RunKind::Export).await
    }

    async fn take_of(&self, kind: RunKind) -> Runner<'_> {
        let deadline = NOW + SignedDuration::from_mins(15);
        Runner::take(&self.means, &self.site, kind, deadline).await.unwrap().expect("nobody else runs it")
    }

    /// The owner switches the runs on, while a runner still goes by the settings before.
    async fn switch_on(&self) {
        let mut site = Site { version: 2, ..self.site.clone() };
        site.export.enabled = true;
        self.store.save_site(&site).await.unwrap();
    }

    /// Has a runner make room, and tells how many seconds that takes.
    async fn wait_for_room(&self, runner: &Runner<'_>) -> i64 {
        let begun = self.means.clock.now();
        runner.allowance().ensure_room().await.unwrap();
        self.means.clock.now().duration_since(begun).as_secs()
    }

    async fn run(&self) -> Run {
        self.store.run(&SiteId::from("shop"), RunKind::Export).await.unwrap()
    }
}

#[tokio::test]
async fn settings_that_are_saved_while_a_run_ends_have_it_begin_again() {
    let bench = Bench::lay().await;
    let runner = bench.take().await;
    bench.switch_on().await;
    assert_eq!(runner.close().await.unwrap(), Ended::Closed);
    assert_eq!(bench.run().await.due, Some(NOW));
    let bench = Bench::lay().await;
    let runner = bench.take().await;
    bench.switch_on().await;
    assert_eq!(runner.end(Ok(()), Some(NOW + SignedDuration::from_hours(720))).await.unwrap(), Ended::Rested);
    assert_eq!(bench.run().await.due, Some(NOW));
}

#[tokio::test]
async fn a_comparison_without_an_interval_is_looked_at_again_only_if_it_was_asked_for() {
    let mut bench = Bench::lay().await;
    (bench.site.export.enabled, bench.site.export.audit_hours) = (true, 0);
    bench.site.version = 2;
    bench.store.save_site(&bench.site).await.unwrap();
    let due = async |bench: &Bench| bench.store.run(&bench.site.site, RunKind::Audit).await.unwrap().due;
    bench.store.resume(&bench.site.site, RunKind::Audit, NOW).await.unwrap();
    bench.take_of(RunKind::Audit).await.close().await.unwrap();
    assert_eq!(due(&bench).await, None);
    bench.store.ask(&bench.site.site, RunKind::Audit, NOW).await.unwrap();
    bench.take_of(RunKind::Audit).await.close().await.unwrap();
    assert!(due(&bench).await.is_some());
}

#[tokio::test]
async fn a_comparison_that_was_asked_for_goes_on_after_settings_were_saved() {
    let mut bench = Bench::lay().await;
    (bench.site.export.enabled, bench.site.export.audit_hours) = (true, 0);
    bench.store.ask(&bench.site.site, RunKind::Audit, NOW).await.unwrap();
    // Its runner dies, and the owner saves settings before the timer finds it.
    drop(bench.take_of(RunKind::Audit).await);
    schedule(bench.store.as_ref(), &bench.site, NOW).await.unwrap();
    assert_eq!(bench.store.run(&bench.site.site, RunKind::Audit).await.unwrap().due, Some(NOW));
}

#[tokio::test]
async fn a_run_that_is_paused_while_it_ends_stays_paused() {
    let bench = Bench::lay().await;
    let runner = bench.take().await;
    bench.store.pause(&bench.site.site, RunKind::Export).await.unwrap();
    runner.end(Ok(()), Some(NOW + SignedDuration::from_hours(1))).await.unwrap();
    assert_eq!((bench.run().await.due, bench.run().await.orders.paused), (None, true));
}

#[tokio::test]
async fn trouble_is_over_with_a_run_that_ends_well() {
    let bench = Bench::lay().await;
    assert_eq!(bench.take().await.end(Err(Stop::CutShort), None).await.unwrap(), Ended::Troubled(Reason::CutShort));
    assert!(bench.run().await.progress.trouble.is_some());
    bench.take().await.end(Ok(()), None).await.unwrap();
    assert_eq!(bench.run().await.progress.trouble, None);
}

#[tokio::test]
async fn a_run_that_goes_on_for_hours_lets_others_of_its_site_begin() {
    for (waits, continuations) in [(None, 1), (Some(NOW + SignedDuration::from_mins(1)), 1), (Some(NOW), 0)] {
        let bench = Bench::lay().await;
        bench.store.schedule(&bench.site.site, RunKind::Subscribers, waits).await.unwrap();
        assert_eq!(bench.take().await.end(Err(Stop::Time), None).await.unwrap(), Ended::Continues);
        assert_eq!(bench.bus.take().len(), continuations, "{waits:?}");
        assert_eq!(bench.run().await.due, Some(NOW), "the timer finds it");
    }
}

#[tokio::test]
async fn a_continuation_takes_the_claim_over_and_waits_for_nobody_to_hear_of_it() {
    let bench = Bench::lay().await;
    let runner = bench.take().await;
    assert_eq!((bench.wait_for_room(&runner).await, bench.wait_for_room(&runner).await), (11, 0));
    runner.end(Err(Stop::Time), None).await.unwrap();
    for end in [Err(Stop::Time), Ok(())] {
        let runner = bench.take().await;
        assert_eq!(bench.wait_for_room(&runner).await, 1);
        runner.end(end, None).await.unwrap();
    }
    assert_eq!(bench.wait_for_room(&bench.take().await).await, 11, "the run before was over");
}

#[tokio::test]
async fn a_run_that_claimed_nothing_leaves_no_claim_behind() {
    let bench = Bench::lay().await;
    bench.take().await.end(Err(Stop::Time), None).await.unwrap();
    assert_eq!(bench.wait_for_room(&bench.take().await).await, 11);
}

#[tokio::test]
async fn a_run_that_a_person_stops_makes_few_calls_more() {
    for is_pause in [true, false] {
        let bench = Bench::lay().await;
        let allowance = bench.take().await.allowance();
        allowance.ensure_room().await.unwrap();
        if is_pause {
            bench.store.pause(&bench.site.site, RunKind::Export).await.unwrap();
        } else {
            bench.switch_on().await;
        }
        bench.means.clock.sleep(Duration::from_secs(2)).await;
        let stop = allowance.ensure_room().await.unwrap_err();
        assert!(matches!((is_pause, &stop), (true, Stop::Paused) | (false, Stop::Settings)), "{stop:?}");
    }
}

#[tokio::test]
async fn a_claim_in_its_last_seconds_is_made_anew() {
    for (pause, waits) in [(78, 1), (80, 11)] {
        let bench = Bench::lay().await;
        let runner = bench.take().await;
        bench.wait_for_room(&runner).await;
        runner.end(Err(Stop::Time), None).await.unwrap();
        bench.means.clock.sleep(Duration::from_secs(pause)).await;
        assert_eq!(bench.wait_for_room(&bench.take().await).await, waits, "{pause} s later");
    }
}

#[tokio::test]
async fn a_run_that_was_stopped_waits_once_for_all_its_pages() {
    let bench = Bench::lay().await;
    let allowance = bench.take().await.allowance();
    bench.switch_on().await;
    let begun = bench.means.clock.now();
    for _ in 0..3 {
        assert!(matches!(allowance.ensure_room().await, Err(Stop::Settings)));
    }
    assert_eq!(bench.means.clock.now().duration_since(begun).as_secs(), 11);
}
