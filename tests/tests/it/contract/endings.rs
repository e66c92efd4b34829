//! Contracts of links that end or move, and of tombstones.

use contact_bridge::{
    model::{
        ids::Side,
        link::{Cause, Link, Slot, Tombstone},
    },
    ports::StoreResult,
};

use super::{
    bench::{Bench, EXISTS, STALE, at, full_link, kind, link, noted, record, reservation},
    linking::linked,
};

const WIX: Side = Side::Wix;
const EXTERNAL: Side = Side::External;

impl Bench {
    /// Leaves a tombstone on a Wix record.
    async fn entomb(&self, id: &str, second: i64, cause: Cause) -> StoreResult<()> {
        let tombstone = Tombstone { at: at(second), cause, counterpart: None };
        self.links.entomb(&self.site, WIX, &record(id), &tombstone).await
    }

    async fn repoint(&self, old: &Link, new: &Link) -> StoreResult<()> {
        self.links.repoint(&self.site, old, noted(new), at(5)).await
    }

    async fn bury(&self, link: &Link, cause: Cause) -> StoreResult<()> {
        self.links.bury(&self.site, noted(link), at(5), cause).await
    }
}

fn gone(second: i64, cause: Cause, counterpart: Option<&str>) -> Slot {
    Slot::Gone(Tombstone { at: at(second), cause, counterpart: counterpart.map(record) })
}

pub(super) async fn a_buried_link_leaves_tombstones_that_name_the_counterparts(bench: &Bench) -> anyhow::Result<()> {
    let link = full_link(&[("email", "ada@example.com")]);
    bench.link(&link).await?;
    bench.bury(&link, Cause::Unlinked).await?;
    assert_eq!(bench.slot(WIX, "w1").await?, gone(5, Cause::Unlinked, Some("e1")));
    assert_eq!(bench.slot(EXTERNAL, "e1").await?, gone(5, Cause::Unlinked, Some("w1")));
    assert_eq!(bench.links.count_links(&bench.site, 9).await?, 0);
    Ok(())
}

pub(super) async fn an_erased_link_leaves_tombstones_without_names(bench: &Bench) -> anyhow::Result<()> {
    bench.link(&link("w1", "e1")).await?;
    bench.bury(&link("w1", "e1"), Cause::Erased).await?;
    assert_eq!(bench.slot(WIX, "w1").await?, gone(5, Cause::Erased, None));
    assert_eq!(bench.slot(EXTERNAL, "e1").await?, gone(5, Cause::Erased, None));
    Ok(())
}

pub(super) async fn a_link_that_changed_is_not_buried(bench: &Bench) -> anyhow::Result<()> {
    let mut next = link("w1", "e1");
    next.version = 1;
    bench.link(&link("w1", "e1")).await?;
    bench.save(&next).await?;
    for other in [link("w1", "e1"), link("w2", "e1")] {
        assert_eq!(kind(bench.bury(&other, Cause::Deleted).await), STALE);
    }
    assert_eq!(bench.slot(WIX, "w1").await?, linked(&next));
    bench.bury(&next, Cause::Deleted).await?;
    assert_eq!(kind(bench.bury(&next, Cause::Deleted).await), STALE);
    Ok(())
}

pub(super) async fn a_merged_record_takes_the_link_over(bench: &Bench) -> anyhow::Result<()> {
    bench.link(&link("w1", "e1")).await?;
    bench.repoint(&link("w1", "e1"), &link("w2", "e1")).await?;
    assert_eq!(bench.slot(WIX, "w1").await?, gone(5, Cause::Merged, None));
    assert_eq!(bench.slot(EXTERNAL, "e1").await?, linked(&link("w2", "e1")));
    bench.repoint(&link("w2", "e1"), &link("w2", "e2")).await?;
    assert_eq!(bench.slot(EXTERNAL, "e1").await?, gone(5, Cause::Merged, None));
    assert_eq!(bench.slot(WIX, "w2").await?, linked(&link("w2", "e2")));
    assert_eq!(bench.slot(EXTERNAL, "e2").await?, linked(&link("w2", "e2")));
    Ok(())
}

pub(super) async fn a_link_can_move_on_both_sides(bench: &Bench) -> anyhow::Result<()> {
    bench.link(&link("w1", "e1")).await?;
    bench.repoint(&link("w1", "e1"), &link("w2", "e2")).await?;
    for (side, old, new) in [(WIX, "w1", "w2"), (EXTERNAL, "e1", "e2")] {
        assert_eq!(bench.slot(side, old).await?, gone(5, Cause::Merged, None));
        assert_eq!(bench.slot(side, new).await?, linked(&link("w2", "e2")));
    }
    assert_eq!(bench.links.count_links(&bench.site, 9).await?, 1);
    Ok(())
}

pub(super) async fn a_link_that_stays_is_replaced(bench: &Bench) -> anyhow::Result<()> {
    bench.link(&link("w1", "e1")).await?;
    let new = full_link(&[("email", "ada@example.com")]);
    bench.repoint(&link("w1", "e1"), &new).await?;
    assert_eq!(bench.slot(EXTERNAL, "e1").await?, linked(&new));
    Ok(())
}

pub(super) async fn a_link_that_changed_is_not_repointed(bench: &Bench) -> anyhow::Result<()> {
    let mut next = link("w1", "e1");
    next.version = 1;
    bench.link(&link("w1", "e1")).await?;
    bench.link(&link("w3", "e3")).await?;
    bench.save(&next).await?;
    // That it changed is told before that the new record is taken.
    for new in [link("w2", "e1"), link("w1", "e2"), link("w3", "e1"), link("w2", "e3")] {
        assert_eq!(kind(bench.repoint(&link("w1", "e1"), &new).await), STALE);
    }
    assert_eq!(bench.slot(WIX, "w2").await?, Slot::Free);
    assert_eq!(bench.slot(EXTERNAL, "e1").await?, linked(&next));
    Ok(())
}

pub(super) async fn a_link_is_not_repointed_to_a_taken_record(bench: &Bench) -> anyhow::Result<()> {
    bench.link(&link("w1", "e1")).await?;
    bench.link(&link("w2", "e2")).await?;
    bench.reserve(&reservation(WIX, "w3", "another", &[])).await?;
    for new in [link("w2", "e1"), link("w1", "e2"), link("w2", "e2"), link("w3", "e1")] {
        assert_eq!(kind(bench.repoint(&link("w1", "e1"), &new).await), EXISTS);
    }
    assert_eq!(bench.slot(WIX, "w1").await?, linked(&link("w1", "e1")));
    assert_eq!(bench.slot(EXTERNAL, "e2").await?, linked(&link("w2", "e2")));
    Ok(())
}

pub(super) async fn a_link_is_repointed_over_an_expired_reservation(bench: &Bench) -> anyhow::Result<()> {
    bench.link(&link("w1", "e1")).await?;
    bench.reserve(&reservation(WIX, "w2", "another", &[])).await?;
    bench.links.repoint(&bench.site, &link("w1", "e1"), noted(&link("w2", "e1")), at(60)).await?;
    bench.bury(&link("w2", "e1"), Cause::Deleted).await?;
    assert_eq!(bench.slot(WIX, "w2").await?, gone(5, Cause::Deleted, Some("e1")));
    Ok(())
}

pub(super) async fn a_record_without_link_is_entombed(bench: &Bench) -> anyhow::Result<()> {
    bench.entomb("w1", 1, Cause::Deleted).await?;
    assert_eq!(bench.slot(WIX, "w1").await?, gone(1, Cause::Deleted, None));
    assert_eq!(bench.slot(EXTERNAL, "w1").await?, Slot::Free);
    bench.entomb("w1", 2, Cause::Unlinked).await?;
    assert_eq!(bench.slot(WIX, "w1").await?, gone(2, Cause::Unlinked, None));
    Ok(())
}

pub(super) async fn a_linked_record_is_not_entombed(bench: &Bench) -> anyhow::Result<()> {
    bench.link(&link("w1", "e1")).await?;
    assert_eq!(kind(bench.entomb("w1", 1, Cause::Erased).await), STALE);
    assert_eq!(bench.slot(WIX, "w1").await?, linked(&link("w1", "e1")));
    Ok(())
}

pub(super) async fn an_erasure_is_kept(bench: &Bench) -> anyhow::Result<()> {
    bench.entomb("w1", 1, Cause::Erased).await?;
    bench.entomb("w1", 2, Cause::Deleted).await?;
    assert_eq!(bench.slot(WIX, "w1").await?, gone(1, Cause::Erased, None));
    bench.link(&link("w1", "e1")).await?;
    bench.bury(&link("w1", "e1"), Cause::Deleted).await?;
    assert_eq!(bench.slot(WIX, "w1").await?, gone(1, Cause::Erased, None));
    assert_eq!(bench.slot(EXTERNAL, "e1").await?, gone(5, Cause::Deleted, Some("w1")));
    Ok(())
}

pub(super) async fn an_unclear_erasure_is_kept_until_it_is_clear(bench: &Bench) -> anyhow::Result<()> {
    bench.link(&link("w1", "e1")).await?;
    bench.bury(&link("w1", "e1"), Cause::ErasureUnclear).await?;
    bench.entomb("w1", 6, Cause::Merged).await?;
    bench.links.exhume(&bench.site, WIX, &record("w1")).await?;
    bench.links.exhume(&bench.site, EXTERNAL, &record("e1")).await?;
    assert_eq!(bench.slot(WIX, "w1").await?, gone(5, Cause::ErasureUnclear, None));
    assert_eq!(bench.slot(EXTERNAL, "e1").await?, gone(5, Cause::ErasureUnclear, None));
    bench.entomb("w1", 7, Cause::Erased).await?;
    bench.entomb("w1", 8, Cause::ErasureUnclear).await?;
    assert_eq!(bench.slot(WIX, "w1").await?, gone(7, Cause::Erased, None));
    Ok(())
}

pub(super) async fn a_tombstone_shows_although_a_reservation_expired(bench: &Bench) -> anyhow::Result<()> {
    bench.reserve(&reservation(WIX, "w1", "crashed", &[])).await?;
    bench.entomb("w1", 70, Cause::Erased).await?;
    assert_eq!(bench.slot(WIX, "w1").await?, gone(70, Cause::Erased, None));
    Ok(())
}

pub(super) async fn a_tombstone_is_taken_away(bench: &Bench) -> anyhow::Result<()> {
    bench.entomb("w1", 1, Cause::Deleted).await?;
    for id in ["w1", "w1", "never there"] {
        bench.links.exhume(&bench.site, WIX, &record(id)).await?;
        assert_eq!(bench.slot(WIX, id).await?, Slot::Free);
    }
    Ok(())
}

pub(super) async fn the_tombstone_of_an_erasure_stays(bench: &Bench) -> anyhow::Result<()> {
    bench.entomb("w1", 1, Cause::Erased).await?;
    bench.links.exhume(&bench.site, WIX, &record("w1")).await?;
    assert_eq!(bench.slot(WIX, "w1").await?, gone(1, Cause::Erased, None));
    Ok(())
}
