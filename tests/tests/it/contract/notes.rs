//! Contracts of rails, notes and pauses.

use contact_bridge::{
    model::{
        ids::{RowId, Side},
        link::{Cause, Link, Notes, Parked, ParkedReason},
    },
    ports::{Noted, Standing},
};
use futures::future::join_all;

use super::bench::{Bench, EXISTS, STALE, at, kind, link, record, site};

const HOUR: i64 = 3600;

pub(super) async fn deletes_are_counted_up_to_the_limit_of_the_hour(bench: &Bench) -> anyhow::Result<()> {
    let spend = async |second, limit| bench.links.spend_delete(&bench.site, at(second), limit).await;
    assert!(!spend(0, 0).await?);
    assert!(spend(0, 2).await? && spend(0, 2).await? && !spend(0, 2).await?);
    assert!(spend(0, 3).await? && !spend(0, 3).await?);
    assert!(!spend(HOUR - 1, 3).await? && !spend(HOUR, 3).await?);
    assert!(spend(HOUR + 60, 1).await? && !spend(HOUR + 60, 1).await?);
    Ok(())
}

pub(super) async fn deletes_spent_at_once_are_counted_once_each(bench: &Bench) -> anyhow::Result<()> {
    let spent = join_all((0..8).map(|_| bench.links.spend_delete(&bench.site, at(0), 3))).await;
    let counted = spent.into_iter().collect::<Result<Vec<_>, _>>()?;
    assert_eq!(counted.iter().filter(|counted| **counted).count(), 3);
    Ok(())
}

fn note(side: Side, reason: ParkedReason) -> Parked {
    Parked {
        side,
        id: record("x"),
        reason,
        rows: vec![RowId::from("email")],
        because_of: vec![(side.opposite(), record("y"))],
        since: at(0),
    }
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

pub(super) async fn a_linked_record_is_noted_with_its_link_alone(bench: &Bench) -> anyhow::Result<()> {
    bench.link(&link("w", "x")).await?;
    assert_eq!(kind(bench.links.park(&bench.site, &note(Side::External, ParkedReason::Refused)).await), EXISTS);
    let next = |version| Link { version, ..link("w", "x") };
    let note = note(Side::External, ParkedReason::CannotDelete);
    let notes = Notes::from([((note.side, note.id.clone()), Some(note.clone()))]);
    bench.links.save(&bench.site, Noted { link: &next(1), notes: &notes }).await?;
    bench.links.unpark(&bench.site, Side::External, &record("x")).await?;
    assert_eq!(bench.links.parked(&bench.site).await?, [note]);
    Ok(())
}

pub(super) async fn notes_are_stored_with_every_step_of_a_link(bench: &Bench) -> anyhow::Result<()> {
    let (side, reasons) = (Side::External, [ParkedReason::Conflict, ParkedReason::CannotDelete, ParkedReason::FieldSkipped]);
    let one = |reason| Notes::from([((side, record("x")), Some(note(side, reason)))]);
    let (first, next, moved) = (link("w", "x"), Link { version: 1, ..link("w", "x") }, Link { version: 2, ..link("v", "x") });
    let [linked, saved, repointed] = reasons.map(one);
    bench.links.link(&bench.site, Noted { link: &first, notes: &linked }, None, at(0)).await?;
    assert_eq!(bench.links.parked(&bench.site).await?, [note(side, reasons[0])]);
    bench.links.save(&bench.site, Noted { link: &next, notes: &saved }).await?;
    assert_eq!(bench.links.parked(&bench.site).await?, [note(side, reasons[1])]);
    bench.links.repoint(&bench.site, &next, Noted { link: &moved, notes: &repointed }, at(0)).await?;
    assert_eq!(bench.links.parked(&bench.site).await?, [note(side, reasons[2])]);
    let none = Notes::from([((side, record("x")), None)]);
    bench.links.bury(&bench.site, Noted { link: &moved, notes: &none }, at(0), Cause::Deleted).await?;
    assert_eq!(bench.links.parked(&bench.site).await?, []);
    Ok(())
}

pub(super) async fn what_is_refused_leaves_the_notes_as_they_are(bench: &Bench) -> anyhow::Result<()> {
    let link = link("w", "x");
    let notes = Notes::from([((Side::Wix, record("x")), Some(note(Side::Wix, ParkedReason::Conflict)))]);
    let noted = Noted { link: &link, notes: &notes };
    bench.link(&link).await?;
    assert_eq!(kind(bench.links.link(&bench.site, noted, None, at(0)).await), EXISTS);
    assert_eq!(kind(bench.links.save(&bench.site, noted).await), STALE);
    let later = Link { version: 7, ..link.clone() };
    assert_eq!(kind(bench.links.repoint(&bench.site, &later, noted, at(0)).await), STALE);
    assert_eq!(kind(bench.links.bury(&bench.site, Noted { link: &later, notes: &notes }, at(0), Cause::Deleted).await), STALE);
    assert_eq!(bench.links.parked(&bench.site).await?, []);
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
    assert_eq!(standing(29).await?, Some(Standing { site: site.clone(), cooling_down: Some(at(30)), claimed_until: None }));
    assert_eq!(standing(30).await?, Some(Standing { site, cooling_down: None, claimed_until: None }));
    Ok(())
}
