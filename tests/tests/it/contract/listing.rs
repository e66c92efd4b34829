//! Contracts of counting and listing.

use contact_bridge::model::{
    ids::{RecordId, Side, SiteId},
    link::{Cause, Parked, ParkedReason, Tombstone},
};

use super::bench::{Bench, at, ids, link, noted, record, reservation};

impl Bench {
    /// Makes so many links, the Wix ids of which are in order.
    pub(super) async fn fill(&self, links: usize) -> anyhow::Result<()> {
        for number in 0..links {
            self.link(&link(&format!("w{number:04}"), &format!("e{number}"))).await?;
        }
        Ok(())
    }

    /// Lists the Wix ids of all links, page by page.
    async fn pages(&self) -> anyhow::Result<Vec<Vec<String>>> {
        let mut pages = Vec::new();
        let mut after: Option<RecordId> = None;
        loop {
            let page = self.links.list_links(&self.site, after.as_ref()).await?;
            let Some(last) = page.last() else { return Ok(pages) };
            after = Some(last.id(Side::Wix).clone());
            pages.push(page.iter().map(|link| ids(link).wix.to_owned()).collect());
        }
    }
}

pub(super) async fn links_are_counted_up_to_a_limit(bench: &Bench) -> anyhow::Result<()> {
    bench.fill(7).await?;
    for (at_most, count) in [(0, 0), (1, 1), (6, 6), (7, 7), (8, 7), (u32::MAX, 7)] {
        assert_eq!(bench.links.count_links(&bench.site, at_most).await?, count);
    }
    Ok(())
}

pub(super) async fn reservations_are_not_counted_and_not_listed(bench: &Bench) -> anyhow::Result<()> {
    for number in 0..130 {
        for side in Side::BOTH {
            bench.reserve(&reservation(side, &format!("a{number}"), "me", &[])).await?;
        }
    }
    bench.link(&link("w", "e")).await?;
    assert_eq!(bench.links.count_links(&bench.site, 9).await?, 1);
    assert_eq!(bench.pages().await?, [["w"]]);
    Ok(())
}

pub(super) async fn links_are_listed_a_page_at_a_time(bench: &Bench) -> anyhow::Result<()> {
    bench.fill(230).await?;
    let pages = bench.pages().await?;
    assert!(pages.len() > 1);
    assert_eq!(pages.concat(), (0..230).map(|number| format!("w{number:04}")).collect::<Vec<_>>());
    Ok(())
}

pub(super) async fn a_listing_continues_behind_a_link_that_is_gone(bench: &Bench) -> anyhow::Result<()> {
    bench.fill(3).await?;
    bench.links.bury(&bench.site, noted(&link("w0001", "e1")), at(0), contact_bridge::model::link::Cause::Deleted).await?;
    let page = bench.links.list_links(&bench.site, Some(&RecordId::from("w0001"))).await?;
    assert_eq!(page.iter().map(|link| ids(link).external).collect::<Vec<_>>(), ["e2"]);
    Ok(())
}

pub(super) async fn an_account_is_known_while_anything_goes_by_its_ids(bench: &Bench) -> anyhow::Result<()> {
    let on = |name: &str| Bench { site: SiteId::new(name), ..bench.clone() };
    let known = async |bench: &Bench, second| bench.links.knows_account(&bench.site, at(second)).await;
    for (number, side) in Side::BOTH.into_iter().enumerate() {
        let reserved = on(&format!("reserved {number}"));
        for record in 0..130 {
            reserved.reserve(&reservation(side, &format!("a{record}"), "me", &[])).await?;
        }
        assert_eq!([known(&reserved, 59).await?, known(&reserved, 60).await?], [true, false], "{side}");
    }
    for (number, (side, cause, counts)) in [
        (Side::External, Cause::Deleted, true),
        (Side::External, Cause::Merged, true),
        (Side::External, Cause::Erased, false),
        (Side::External, Cause::ErasureUnclear, false),
        (Side::Wix, Cause::Deleted, false),
    ]
    .into_iter()
    .enumerate()
    {
        let ended = on(&format!("ended {number}"));
        let tombstone = Tombstone { at: at(0), cause, counterpart: None };
        ended.links.entomb(&ended.site, side, &record("e"), &tombstone).await?;
        assert_eq!(known(&ended, 0).await?, counts, "{side} {cause:?}");
    }
    for side in Side::BOTH {
        let noted = on(&format!("noted {side}"));
        let (id, rows, because_of) = (record("p"), Vec::new(), Vec::new());
        let note = Parked { side, id, reason: ParkedReason::Conflict, rows, because_of, since: at(0) };
        noted.links.park(&noted.site, &note).await?;
        assert_eq!(known(&noted, 0).await?, side == Side::External);
    }
    assert!(!known(bench, 0).await?);
    bench.fill(1).await?;
    assert!(known(bench, 1_000_000).await?);
    assert!(!known(&on("beside"), 0).await?);
    Ok(())
}
