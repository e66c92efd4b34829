//! Contracts of linking and saving.

use contact_bridge::{
    model::{
        ids::Side,
        link::{Link, Slot},
    },
    ports::{ErrorKind, StoreResult},
};
use futures::future::join_all;

use super::bench::{Bench, EXISTS, STALE, at, full_link, kind, link, noted, one_wins, record, reservation};

impl Bench {
    /// Looks a record up.
    pub(super) async fn slot(&self, side: Side, id: &str) -> StoreResult<Slot> {
        self.links.look_up(&self.site, side, &record(id)).await
    }

    /// Links without a reservation.
    pub(super) async fn link(&self, link: &Link) -> StoreResult<()> {
        self.links.link(&self.site, noted(link), None, at(0)).await
    }

    /// Saves a link.
    pub(super) async fn save(&self, link: &Link) -> StoreResult<()> {
        self.links.save(&self.site, noted(link)).await
    }
}

/// Makes the slot that a link is found in.
pub(super) fn linked(link: &Link) -> Slot {
    Slot::Linked(Box::new(link.clone()))
}

pub(super) async fn a_record_nobody_knows_is_free(bench: &Bench) -> anyhow::Result<()> {
    for side in Side::BOTH {
        assert_eq!(bench.slot(side, "x").await?, Slot::Free);
    }
    Ok(())
}

pub(super) async fn a_link_is_found_from_both_sides_as_it_was_stored(bench: &Bench) -> anyhow::Result<()> {
    let link = full_link(&[("email", "ada@example.com"), ("phone", "+43158858")]);
    bench.link(&link).await?;
    assert_eq!(bench.slot(Side::Wix, "w1").await?, linked(&link));
    assert_eq!(bench.slot(Side::External, "e1").await?, linked(&link));
    Ok(())
}

pub(super) async fn a_linked_record_is_not_linked_again(bench: &Bench) -> anyhow::Result<()> {
    bench.link(&link("w1", "e1")).await?;
    for (wix, external) in [("w1", "e1"), ("w1", "e2"), ("w2", "e1")] {
        assert_eq!(kind(bench.link(&link(wix, external)).await), EXISTS, "{wix} {external}");
    }
    Ok(())
}

pub(super) async fn a_record_reserved_by_another_is_not_linked(bench: &Bench) -> anyhow::Result<()> {
    for (side, id) in [(Side::Wix, "w1"), (Side::External, "e2")] {
        bench.links.reserve(&bench.site, &reservation(side, id, "another", &[]), at(0)).await?;
    }
    let own = reservation(Side::Wix, "w2", "me", &[]);
    assert_eq!(kind(bench.link(&link("w1", "e1")).await), EXISTS);
    assert_eq!(kind(bench.links.link(&bench.site, noted(&link("w2", "e2")), Some(&own), at(0)).await), EXISTS);
    Ok(())
}

pub(super) async fn an_expired_reservation_does_not_keep_from_linking(bench: &Bench) -> anyhow::Result<()> {
    for (side, id) in [(Side::Wix, "w1"), (Side::External, "e1")] {
        bench.links.reserve(&bench.site, &reservation(side, id, "another", &[]), at(0)).await?;
    }
    bench.links.link(&bench.site, noted(&link("w1", "e1")), None, at(60)).await?;
    assert_eq!(bench.slot(Side::External, "e1").await?, linked(&link("w1", "e1")));
    Ok(())
}

pub(super) async fn a_refused_link_leaves_nothing_behind(bench: &Bench) -> anyhow::Result<()> {
    bench.link(&link("w1", "e1")).await?;
    assert_eq!(kind(bench.link(&link("w2", "e1")).await), EXISTS);
    assert_eq!(kind(bench.link(&link("w1", "e2")).await), EXISTS);
    assert_eq!(bench.slot(Side::Wix, "w2").await?, Slot::Free);
    assert_eq!(bench.slot(Side::External, "e2").await?, Slot::Free);
    assert_eq!(bench.links.count_links(&bench.site, 9).await?, 1);
    Ok(())
}

pub(super) async fn of_two_links_on_one_record_one_wins(bench: &Bench) -> anyhow::Result<()> {
    let on_wix = [link("w1", "e1"), link("w1", "e2")];
    one_wins(join_all(on_wix.iter().map(|link| bench.link(link))).await, &ErrorKind::Exists(None));
    let on_external = [link("w3", "e3"), link("w4", "e3")];
    one_wins(join_all(on_external.iter().map(|link| bench.link(link))).await, &ErrorKind::Exists(None));
    assert_eq!(bench.links.count_links(&bench.site, 9).await?, 2);
    Ok(())
}

pub(super) async fn a_save_follows_the_version_that_is_stored(bench: &Bench) -> anyhow::Result<()> {
    let mut link = full_link(&[("email", "ada@example.com")]);
    bench.link(&link).await?;
    link.intent = None;
    for (version, refused) in [(41, true), (43, true), (0, true), (42, false), (42, true), (43, false)] {
        link.version = version;
        assert_eq!(kind(bench.save(&link).await).is_some(), refused, "{version}");
    }
    assert_eq!(bench.slot(Side::External, "e1").await?, linked(&link));
    Ok(())
}

pub(super) async fn what_is_not_linked_is_not_saved(bench: &Bench) -> anyhow::Result<()> {
    bench.links.reserve(&bench.site, &reservation(Side::Wix, "w2", "me", &[]), at(0)).await?;
    for (wix, version) in [("w1", 0), ("w1", 1), ("w2", 1)] {
        let mut link = link(wix, "e1");
        link.version = version;
        assert_eq!(kind(bench.save(&link).await), STALE);
    }
    Ok(())
}

pub(super) async fn a_link_is_not_saved_as_one_between_other_records(bench: &Bench) -> anyhow::Result<()> {
    bench.link(&link("w1", "e1")).await?;
    let mut other = link("w1", "e2");
    other.version = 1;
    assert_eq!(kind(bench.save(&other).await), STALE);
    assert_eq!(bench.slot(Side::Wix, "w1").await?, linked(&link("w1", "e1")));
    Ok(())
}

pub(super) async fn of_two_saves_of_one_version_one_wins(bench: &Bench) -> anyhow::Result<()> {
    bench.link(&link("w1", "e1")).await?;
    let mut next = link("w1", "e1");
    next.version = 1;
    one_wins(join_all([&next, &next, &next].map(|link| bench.save(link))).await, &ErrorKind::Stale);
    Ok(())
}
