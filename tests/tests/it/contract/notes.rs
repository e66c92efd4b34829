//! Contracts of rails, notes and pauses.

use contact_bridge::{
    model::{
        ids::{RowId, Side},
        link::{Parked, ParkedReason},
    },
    ports::Standing,
};
use futures::future::join_all;

use super::bench::{Bench, at, record, site};

const HOUR: i64 = 3600;

pub(super) async fn deletes_are_counted_up_to_the_limit_of_the_hour(bench: &Bench) -> anyhow::Result<()> {
    let spend = async |second, limit| bench.links.spend_delete(&bench.site, at(second), limit).await;
    assert!(!spend(0, 0).await?);
    assert!(spend(0, 2).await? && spend(0, 2).await? && !spend(0, 2).await?);
    assert!(spend(0, 3).await? && !spend(0, 3).await?);
    assert!(spend(HOUR, 1).await? && !spend(HOUR, 1).await?);
    Ok(())
}

pub(super) async fn deletes_spent_at_once_are_counted_once_each(bench: &Bench) -> anyhow::Result<()> {
    let spent = join_all((0..8).map(|_| bench.links.spend_delete(&bench.site, at(0), 3))).await;
    let counted = spent.into_iter().collect::<Result<Vec<_>, _>>()?;
    assert_eq!(counted.iter().filter(|counted| **counted).count(), 3);
    Ok(())
}

fn note(side: Side, reason: ParkedReason) -> Parked {
    Parked { side, id: record("x"), reason, rows: vec![RowId::from("email")], since: at(0) }
}

pub(super) async fn a_note_replaces_the_one_before(bench: &Bench) -> anyhow::Result<()> {
    let notes =
        [note(Side::Wix, ParkedReason::Conflict), note(Side::Wix, ParkedReason::Refused), note(Side::External, ParkedReason::Conflict)];
    for note in &notes {
        bench.links.park(&bench.site, note).await?;
    }
    let mut parked = bench.links.parked(&bench.site).await?;
    parked.sort_by_key(|note| note.side);
    assert_eq!(parked, notes[1..]);
    Ok(())
}

pub(super) async fn a_note_is_taken_away(bench: &Bench) -> anyhow::Result<()> {
    for side in Side::BOTH {
        bench.links.park(&bench.site, &note(side, ParkedReason::Conflict)).await?;
    }
    for id in ["x", "x", "never there"] {
        bench.links.unpark(&bench.site, Side::Wix, &record(id)).await?;
    }
    assert_eq!(bench.links.parked(&bench.site).await?, [note(Side::External, ParkedReason::Conflict)]);
    Ok(())
}

pub(super) async fn a_side_cools_down_until_the_latest_instant(bench: &Bench) -> anyhow::Result<()> {
    let until = async |side, second| bench.links.cooling_down(&bench.site, side, at(second)).await;
    assert_eq!(until(Side::Wix, 0).await?, None);
    for second in [20, 30, 10] {
        bench.links.cool_down(&bench.site, Side::Wix, at(second)).await?;
    }
    assert_eq!(until(Side::Wix, 29).await?, Some(at(30)));
    assert_eq!(until(Side::Wix, 30).await?, None);
    assert_eq!(until(Side::External, 0).await?, None);
    bench.links.cool_down(&bench.site, Side::Wix, at(40)).await?;
    assert_eq!(until(Side::Wix, 30).await?, Some(at(40)));
    Ok(())
}

pub(super) async fn a_site_is_known_with_the_latest_cool_down(bench: &Bench) -> anyhow::Result<()> {
    let standing = async |second| bench.sites.standing(&bench.site, at(second)).await;
    bench.links.cool_down(&bench.site, Side::Wix, at(20)).await?;
    assert_eq!(standing(0).await?, None);
    let site = site(&bench.site);
    bench.sites.save_site(&site).await?;
    bench.links.cool_down(&bench.site, Side::External, at(30)).await?;
    assert_eq!(standing(29).await?, Some(Standing { site: site.clone(), cooling_down: Some(at(30)) }));
    assert_eq!(standing(30).await?, Some(Standing { site, cooling_down: None }));
    Ok(())
}
