//! Contracts of sites.

use contact_bridge::{
    model::{
        ids::{Side, SiteId},
        link::{Cause, Parked, ParkedReason, Slot, Tombstone},
        site::Site,
    },
    ports::ErrorKind,
};
use futures::future::join_all;

use super::{
    bench::{Bench, STALE, at, kind, link, noted, one_wins, record, reservation, site},
    linking::linked,
};

pub(super) async fn a_site_reads_back_as_it_was_saved(bench: &Bench) -> anyhow::Result<()> {
    assert_eq!(bench.sites.site(&bench.site).await?, None);
    bench.sites.save_site(&site(&bench.site)).await?;
    assert_eq!(bench.sites.site(&bench.site).await?, Some(site(&bench.site)));
    Ok(())
}

pub(super) async fn a_save_of_settings_follows_the_version_that_is_stored(bench: &Bench) -> anyhow::Result<()> {
    for (version, refused) in [(0, true), (2, true), (1, false), (1, true), (3, true), (2, false)] {
        let saved = bench.sites.save_site(&Site { version, paused: true, ..site(&bench.site) }).await;
        assert_eq!(kind(saved), if refused { STALE } else { None }, "{version}");
    }
    let stored = Site { version: 2, paused: true, ..site(&bench.site) };
    assert_eq!(bench.sites.site(&bench.site).await?.as_ref(), Some(&stored));
    assert_eq!(bench.sites.sites().await?, [stored]);
    Ok(())
}

pub(super) async fn of_two_saves_of_the_same_settings_one_wins(bench: &Bench) -> anyhow::Result<()> {
    let settings = site(&bench.site);
    one_wins(join_all([&settings, &settings].map(|settings| bench.sites.save_site(settings))).await, &ErrorKind::Stale);
    Ok(())
}

pub(super) async fn all_sites_are_listed(bench: &Bench) -> anyhow::Result<()> {
    assert_eq!(bench.sites.sites().await?, []);
    let sites = ["a", "b", "c"].map(|id| site(&SiteId::from(id)));
    for site in &sites {
        bench.sites.save_site(site).await?;
    }
    let mut listed = bench.sites.sites().await?;
    listed.sort_by(|one, other| one.site.cmp(&other.site));
    assert_eq!(listed, sites);
    Ok(())
}

/// Stores one thing of each kind.
async fn furnish(bench: &Bench) -> anyhow::Result<()> {
    bench.sites.save_site(&site(&bench.site)).await?;
    bench.fill(60).await?;
    bench.reserve(&reservation(Side::Wix, "r", "me", &["ada"])).await?;
    for (id, cause) in [("deleted", Cause::Deleted), ("erased", Cause::Erased)] {
        let tombstone = Tombstone { at: at(0), cause, counterpart: None };
        bench.links.entomb(&bench.site, Side::Wix, &record(id), &tombstone).await?;
    }
    let note =
        Parked { side: Side::Wix, id: record("p"), reason: ParkedReason::Conflict, rows: Vec::new(), because_of: Vec::new(), since: at(0) };
    bench.links.park(&bench.site, &note).await?;
    bench.links.cool_down(&bench.site, Side::Wix, at(60)).await?;
    bench.links.spend_delete(&bench.site, at(0), 1).await?;
    Ok(())
}

pub(super) async fn a_purge_keeps_nothing_but_erasures(bench: &Bench) -> anyhow::Result<()> {
    furnish(bench).await?;
    bench.sites.purge(&bench.site).await?;
    assert_eq!(bench.sites.sites().await?, []);
    assert_eq!(bench.sites.site(&bench.site).await?, None);
    assert_eq!(bench.links.count_links(&bench.site, 9).await?, 0);
    for (side, id) in [(Side::Wix, "w0001"), (Side::External, "e1"), (Side::Wix, "r"), (Side::Wix, "deleted")] {
        assert_eq!(bench.slot(side, id).await?, Slot::Free, "{id}");
    }
    assert!(matches!(bench.slot(Side::Wix, "erased").await?, Slot::Gone(tombstone) if tombstone.cause == Cause::Erased));
    assert_eq!(bench.links.parked(&bench.site).await?, []);
    assert_eq!(bench.links.cooling_down(&bench.site, Side::Wix, at(0)).await?, None);
    bench.reserve(&reservation(Side::External, "y", "another", &["ada"])).await?;
    assert!(bench.links.spend_delete(&bench.site, at(0), 1).await?);
    bench.sites.save_site(&site(&bench.site)).await?;
    Ok(())
}

fn beside(bench: &Bench) -> Bench {
    Bench { site: SiteId::new(format!("{}2", bench.site)), ..bench.clone() }
}

pub(super) async fn a_purge_leaves_other_sites_alone(bench: &Bench) -> anyhow::Result<()> {
    let other = beside(bench);
    furnish(&other).await?;
    furnish(bench).await?;
    bench.sites.purge(&bench.site).await?;
    assert_eq!(other.sites.sites().await?, [site(&other.site)]);
    assert_eq!(other.links.count_links(&other.site, 99).await?, 60);
    assert_eq!(other.links.parked(&other.site).await?.len(), 1);
    Ok(())
}

pub(super) async fn sites_do_not_see_each_other(bench: &Bench) -> anyhow::Result<()> {
    let other = beside(bench);
    bench.link(&link("w1", "e1")).await?;
    bench.reserve(&reservation(Side::Wix, "r", "me", &["ada"])).await?;
    assert_eq!(other.slot(Side::Wix, "w1").await?, Slot::Free);
    other.reserve(&reservation(Side::Wix, "r", "another", &["ada"])).await?;
    other.link(&link("w1", "e2")).await?;
    other.links.bury(&other.site, noted(&link("w1", "e2")), at(0), Cause::Erased).await?;
    assert_eq!(bench.slot(Side::Wix, "w1").await?, linked(&link("w1", "e1")));
    assert_eq!(bench.slot(Side::External, "e2").await?, Slot::Free);
    Ok(())
}
