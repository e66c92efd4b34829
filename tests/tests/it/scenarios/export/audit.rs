//! The full comparison of both sides.

use contact_bridge::model::{run::RunKind, site::OnDelete};

use super::super::{
    duplicates::{assert_matched, fill},
    lab::{Lab, Writes, one},
    people::person,
    switches::at_switches,
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
    at_switches(READS, async |lab| {
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
    at_switches(&["in_limit", "total_omitted"], async |lab| {
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
async fn d05_two_full_sides_are_aligned_by_a_load_and_a_comparison() {
    at_switches(&["batch_failures", "page_cap", "total_omitted", "upsert_conflict"], async |lab| {
        fill(&lab, 20).await;
        lab.lose_webhooks();
        lab.adjust(|site| site.export.enabled = true).await;
        lab.live(30).await;
        lab.compare().await;
        assert_matched(&lab, 20).await;
    })
    .await;
}
