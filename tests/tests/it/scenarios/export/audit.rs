//! The full comparison of both sides.

use std::time::Duration;

use contact_bridge::{
    model::{ids::Side, run::RunKind, site::OnDelete},
    sync::preview::{self, Tally, Verdict},
};
use serde_json::json;

use super::{
    super::{
        crash::die_after,
        duplicates::{assert_matched, fill},
        lab::{Lab, Writes, one},
        people::person,
        switches::{Position, at, at_switches_on_every_crm},
    },
    desk::AFTER_A_CRASH,
};

/// How listings, and reads of many, may behave.
const READS: &[&str] = &[
    "batch_failures",
    "batch_results_reversed",
    "clock_ahead_ms",
    "clock_behind_ms",
    "in_limit",
    "labels_touch",
    "noop_patch",
    "page_cap",
    "total_omitted",
];

/// Longer than a scenario.
const A_DAY_MS: u64 = 24 * 3_600_000;

impl Lab {
    /// Webhooks that are on their way never arrive.
    fn lose_webhooks(&self) {
        self.stack.wix.core().outbox.clear();
        self.stack.hubspot.outbox().clear();
    }

    /// Has both sides compared, and whatever comes of it done.
    async fn compare(&self) {
        self.stack.run_now(&self.site.id, RunKind::Audit).await.unwrap();
        self.live(60).await;
    }

    /// Has a preview made that dies at ever later points and goes on; what it found.
    async fn preview(&self) -> preview::Found {
        let (exporter, clock) = (&self.stack.exporter, &self.stack.app.means.clock);
        exporter.ask(&self.site.id, RunKind::Preview).await.unwrap();
        for polls in (10..).step_by(10) {
            let deadline = clock.now() + Duration::from_mins(14);
            if die_after(polls, exporter.run(&self.site.id, RunKind::Preview, deadline)).await {
                break;
            }
            self.stack.clock().advance(AFTER_A_CRASH);
        }
        let run = self.stack.run_of(&self.site.id, RunKind::Preview).await.unwrap();
        assert_eq!((run.lease, run.due), (None, None), "it does not begin again by itself");
        serde_json::from_value::<preview::Checkpoint>(run.progress.checkpoint).unwrap().last.unwrap().found
    }

    /// So many people on both sides, linked.
    async fn pairs(&self, count: usize) -> Vec<(String, String)> {
        let (mut pairs, first) = (Vec::new(), self.wix_ids().len());
        for number in first..first + count {
            pairs.push(self.pair_of(person(number)).await);
        }
        self.adjust(|site| (site.on_delete, site.export.enabled) = (OnDelete::Propagate, true)).await;
        self.live(60).await;
        self.forget_calls();
        pairs
    }
}

#[tokio::test]
async fn w11_what_lost_webhooks_left_behind_is_found() {
    at_switches_on_every_crm(READS, async |lab| {
        let pairs = lab.pairs(6).await;
        lab.wix_edit(&pairs[0].0, one("company", "Mills")).await;
        lab.hub_edit(&pairs[1].1, one("city", "York")).await;
        lab.wix_delete(&pairs[2].0).await;
        lab.hub_delete(&pairs[3].1).await;
        lab.wix_label(&pairs[4].0, "VIP").await;
        lab.hub_create(person(90)).await;
        lab.wix_create(person(91)).await;
        lab.lose_webhooks();
        lab.compare().await;
        lab.assert_in_step();
        assert_eq!((lab.wix_ids().len(), lab.parked().await.len()), (6, 0));
        assert_eq!(lab.hub(&pairs[0].1).get("company"), "Mills");
        assert!(!lab.hub(&pairs[4].1).get("wix_labels").is_empty());
        lab.forget_calls();
        lab.compare().await;
        assert_eq!(lab.writes(), Writes { wix: 0, hub: 0 }, "sides that are in step are left alone");
    })
    .await;
}

#[tokio::test]
async fn x01_a_listing_that_comes_back_empty_or_cut_deletes_nothing() {
    at_switches_on_every_crm(&["in_limit", "total_omitted"], async |lab| {
        for (shown, hidden) in [(0, 3), (2, 5)] {
            lab.stack.wix.switch("visibility_lag_ms", 0).unwrap();
            let mut pairs = lab.pairs(shown).await;
            lab.stack.wix.switch("people_lag", true).unwrap();
            lab.stack.wix.switch("visibility_lag_ms", A_DAY_MS).unwrap();
            pairs.extend(lab.pairs(hidden).await);
            lab.compare().await;
            lab.assert_in_step();
            assert_eq!((lab.links().await.len(), lab.parked().await.len()), (lab.wix_ids().len(), 0));
            assert!(pairs.iter().all(|(wix, hub)| lab.in_hub(wix).as_ref() == Some(hub)));
        }
    })
    .await;
}

#[tokio::test]
async fn d05_a_preview_tells_what_aligning_would_do_and_writes_nothing() {
    at_switches_on_every_crm(&["page_cap", "total_omitted"], async |lab| {
        fill(&lab, 20).await;
        lab.lose_webhooks();
        lab.adjust(|site| (site.system_of_record, site.export.enabled) = (None, false)).await;
        let found = lab.preview().await;
        assert_eq!((lab.writes(), lab.links().await.len(), lab.parked().await.len()), (Writes { wix: 0, hub: 0 }, 0, 0));
        // Three in five are on both sides, one in twenty of them unclear: it matches two.
        let expected = Tally {
            wix: 20,
            crm: 21,
            link: 11,
            review: 1,
            make_in_crm: 8,
            crm_only: 21,
            crm_matched: 13,
            make_in_wix: 8,
            ..Tally::default()
        };
        assert_eq!(found.tally, expected);
        let of =
            |verdict| found.sample.iter().filter(|example| example.verdict == verdict).map(|example| example.crm.len()).collect::<Vec<_>>();
        assert_eq!((of(Verdict::Link), of(Verdict::Review), of(Verdict::Make)), (vec![1; 10], vec![2], vec![0; 8]));
        lab.adjust(|site| (site.system_of_record, site.export.enabled) = (Some(Side::Wix), true)).await;
        lab.live(30).await;
        lab.compare().await;
        assert_matched(&lab, 20).await;
        lab.stack.clock().advance(Duration::from_mins(1));
        let expected = Tally { wix: 28, crm: 29, settled: 27, waiting: 1, ..Tally::default() };
        assert_eq!(lab.preview().await.tally, expected, "nothing is left but what waits for a person");
    })
    .await;
}

#[tokio::test]
async fn d05_a_preview_links_nobody_with_whom_another_matches_as_well() {
    at(&[Position::defaults()], async |lab| {
        for name in ["Ann", "Bo"] {
            lab.wix_create(json!({"firstname": name, "phone": "+16465550111"})).await;
        }
        lab.hub_create(json!({"lastname": "Both", "phone": "+16465550111"})).await;
        lab.lose_webhooks();
        let found = lab.preview().await;
        assert_eq!(found.tally, Tally { wix: 2, crm: 1, review: 2, crm_only: 1, crm_matched: 1, ..Tally::default() });
    })
    .await;
}

#[tokio::test]
async fn d05_two_full_sides_are_aligned_by_a_load_and_a_comparison() {
    at_switches_on_every_crm(&["batch_failures", "page_cap", "total_omitted", "upsert_conflict"], async |lab| {
        fill(&lab, 20).await;
        lab.lose_webhooks();
        lab.adjust(|site| site.export.enabled = true).await;
        lab.live(30).await;
        lab.compare().await;
        assert_matched(&lab, 20).await;
    })
    .await;
}
