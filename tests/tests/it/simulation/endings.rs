//! What ends a link, and who waits for that.

use contact_bridge::model::{
    event::EventKind,
    field::{Field, Value},
    ids::{RecordId, Side},
    link::{Hold, ParkedReason},
    site::{OnDelete, OnMerge},
};
use contact_bridge_tests::simulation::world::lock;

use super::{Stage, both};

#[test]
fn a_record_merged_into_a_half_made_one_leaves_it_to_whom_it_was_made_for() {
    let mut stage = Stage::set();
    stage.running.contacts.site.on_merge = OnMerge::Unlink;
    let (own, before) = (stage.id(Side::Wix).clone(), stage.present(Side::Wix));
    let (newcomer, event) = stage.adds(Side::External, "bo@example.net");
    stage.running.begin(event);
    while stage.present(Side::Wix) == before {
        assert!(stage.running.is_busy(0));
        stage.running.go_on(0);
    }
    stage.running.crash(0);
    let winner = stage.present(Side::Wix).into_iter().find(|id| !before.contains(id)).unwrap();
    let merge = stage.unheard(|world| world.unite(Side::Wix, &winner, &own));
    for event in merge {
        stage.running.deal_with(event);
    }
    stage.running.come_to_rest();
    assert_eq!(stage.present(Side::Wix).len(), before.len(), "nobody is made once more");
    assert!(stage.notes().iter().any(|note| (&note.id, note.reason) == (&newcomer, ParkedReason::UnlinkedByMerge)));
}

#[test]
fn an_edit_of_a_deleted_record_does_not_go_over_one_on_the_other_side() {
    let mut stage = Stage::set();
    stage.running.contacts.site.system_of_record = Some(Side::Wix);
    stage.running.contacts.site.on_delete = OnDelete::Propagate;
    let (wix, edited) = (stage.id(Side::Wix).clone(), stage.types(Side::Wix, "company", "v4 Bo"));
    let deleted = stage.unheard(|world| world.remove(Side::Wix, &wix, EventKind::Deleted { by_merge: false }));
    stage.types(Side::External, "company", "v5 Cy");
    stage.running.deal_with(edited);
    for event in deleted {
        stage.running.deal_with(event);
    }
    stage.running.come_to_rest();
    assert!(stage.present(Side::External).contains(stage.id(Side::External)));
    assert_eq!(stage.link().held, Some(Hold::DeletedAndChanged));
}

#[test]
fn an_overwritten_edit_is_brought_back_after_its_link_ended_in_a_merge() {
    let mut stage = Stage::set();
    stage.running.contacts.site.on_merge = OnMerge::Unlink;
    let [_, loser] = stage.ids.clone();
    let (another, event) = stage.adds(Side::Wix, "bo@example.net");
    stage.running.deal_with(event);
    stage.running.come_to_rest();
    let winner = lock(&stage.running.world).witness.counterpart(Side::Wix, &another).unwrap().clone();
    stage.ids = [another, winner.clone()];
    let event = stage.types(Side::Wix, "company", "v4 Bo");
    stage.announce(event, Side::External);
    let overwritten = stage.types(Side::External, "company", "v5 Cy");
    stage.running.come_to_rest();
    stage.hears(|world| world.unite(Side::External, &winner, &loser));
    stage.running.deal_with(overwritten);
    stage.running.come_to_rest();
    let world = lock(&stage.running.world);
    let company = world.sides.external.present(&winner).unwrap().fields.get(&Field::from("company")).cloned();
    assert_eq!(company, Value::text("v5 Cy"));
}

#[test]
fn whoever_waits_for_a_linked_match_is_looked_at_again_when_that_link_ends() {
    for on_delete in [OnDelete::Unlink, OnDelete::Propagate] {
        let mut stage = Stage::set();
        stage.running.contacts.site.on_delete = on_delete;
        let (double, event) = stage.adds(Side::External, "ann@example.net");
        stage.running.deal_with(event);
        assert_eq!(stage.told(), [(double.clone(), ParkedReason::MatchIsLinked)]);
        let external = stage.id(Side::External).clone();
        stage.hears(|world| world.remove(Side::External, &external, EventKind::Deleted { by_merge: false }));
        assert_eq!(stage.notes(), [], "{on_delete:?}");
        assert!(lock(&stage.running.world).witness.counterpart(Side::External, &double).is_some(), "{on_delete:?}");
    }
}

#[test]
fn whoever_waits_between_several_matches_is_looked_at_again_when_one_of_them_goes() {
    let mut stage = Stage::set();
    let (twins, events): (Vec<_>, Vec<_>) = (0..2).map(|_| stage.adds(Side::External, "bo@example.net")).unzip();
    let (bo, event) = stage.adds(Side::Wix, "bo@example.net");
    for event in events.into_iter().chain([event]) {
        stage.running.deal_with(event);
    }
    stage.running.come_to_rest();
    assert_eq!(stage.notes().len(), 3);
    stage.hears(|world| world.remove(Side::External, &twins[0], EventKind::Deleted { by_merge: false }));
    assert_eq!(stage.notes(), []);
    assert_eq!(lock(&stage.running.world).witness.counterpart(Side::Wix, &bo), Some(&twins[1]));
}

#[test]
fn edits_of_two_records_that_stay_when_both_sides_merge_are_not_taken_for_a_conflict() {
    let mut stage = Stage::set();
    stage.running.contacts.site.on_merge = OnMerge::Unlink;
    stage.running.contacts.site.system_of_record = Some(Side::Wix);
    let losers = stage.ids.clone();
    let (winner, event) = stage.adds(Side::Wix, "bo@example.net");
    stage.running.deal_with(event);
    stage.running.come_to_rest();
    let counterpart = lock(&stage.running.world).witness.counterpart(Side::Wix, &winner).unwrap().clone();
    stage.ids = [winner, counterpart];
    let event = stage.types(Side::Wix, "company", "v4 Bo");
    stage.running.deal_with(event);
    stage.running.come_to_rest();
    let ids = stage.ids.clone();
    let mut merges = stage.unheard(|world| world.unite(Side::External, &ids[1], &losers[1]));
    merges.extend(stage.unheard(|world| world.unite(Side::Wix, &ids[0], &losers[0])));
    let edited = stage.types(Side::External, "company", "v5 Cy");
    for event in merges.into_iter().chain([edited]) {
        stage.running.deal_with(event);
    }
    assert_eq!(stage.end("company", "company"), both("v5 cy"), "nobody has changed it in Wix");
}

#[test]
fn nobody_is_told_of_a_record_that_went_away_while_it_was_put_on_the_list() {
    for steps in 0..20 {
        let mut stage = Stage::set();
        let external = stage.id(Side::External).clone();
        let (double, event) = stage.adds(Side::External, "ann@example.net");
        stage.running.begin(event);
        (0..steps).for_each(|_| stage.running.go_on(0));
        let merged = stage.unheard(|world| world.unite(Side::External, &external, &double));
        for event in merged {
            stage.running.begin(event);
        }
        while stage.running.is_busy(1) {
            stage.running.go_on(1);
        }
        stage.running.come_to_rest();
        assert_eq!(stage.notes(), [], "after {steps} steps");
    }
}

#[test]
fn a_note_goes_with_a_record_whose_winner_was_deleted_at_once() {
    let mut stage = Stage::set();
    let external = stage.id(Side::External).clone();
    let (double, event) = stage.adds(Side::External, "ann@example.net");
    stage.running.deal_with(event);
    assert_eq!(stage.notes().len(), 1);
    let mut events = stage.unheard(|world| world.unite(Side::External, &external, &double));
    events.extend(stage.unheard(|world| world.remove(Side::External, &external, EventKind::Deleted { by_merge: false })));
    for event in events.into_iter().rev() {
        stage.running.deal_with(event);
    }
    stage.running.come_to_rest();
    assert_eq!(stage.notes(), []);
}

/// Adds a second pair, with a company; returns the ids of both, the first one first.
fn another_pair(stage: &mut Stage, company: &str) -> [[RecordId; 2]; 2] {
    let first = stage.ids.clone();
    let (wix, event) = stage.adds(Side::Wix, "bo@example.net");
    stage.running.deal_with(event);
    stage.running.come_to_rest();
    let external = lock(&stage.running.world).witness.counterpart(Side::Wix, &wix).unwrap().clone();
    stage.ids = [wix, external];
    let event = stage.types(Side::Wix, "company", company);
    stage.running.deal_with(event);
    stage.running.come_to_rest();
    let second = std::mem::replace(&mut stage.ids, first.clone());
    [first, second]
}

#[test]
fn what_a_merge_of_counterparts_fills_in_is_cleared_where_the_other_side_has_nothing() {
    let mut stage = Stage::set();
    stage.running.contacts.site.on_merge = OnMerge::Propagate;
    let [[wix, _], [loser, _]] = another_pair(&mut stage, "v4 Bo");
    let cleared = stage.types(Side::External, "company", "");
    let merged = stage.unheard(|world| world.unite(Side::Wix, &wix, &loser));
    for event in [cleared].into_iter().chain(merged) {
        stage.running.deal_with(event);
    }
    assert_eq!(stage.end("company", "company"), [None, None]);
}

#[test]
fn an_edit_of_a_record_that_is_merged_away_goes_to_the_one_that_stays() {
    let mut stage = Stage::set();
    stage.running.contacts.site.on_merge = OnMerge::Propagate;
    let [first, second] = another_pair(&mut stage, "v4 Bo");
    let event = stage.types(Side::Wix, "company", "");
    stage.running.deal_with(event);
    stage.running.come_to_rest();
    stage.ids = second.clone();
    let edited = stage.types(Side::Wix, "company", "v5 Cy");
    stage.ids = first.clone();
    let merged = stage.unheard(|world| world.unite(Side::External, &first[1], &second[1]));
    let later = stage.types(Side::External, "lastname", "v6 di");
    for event in [later].into_iter().chain(merged).chain([edited]) {
        stage.running.deal_with(event);
    }
    assert_eq!(stage.end("company", "company"), both("v5 cy"));
}

#[test]
fn what_somebody_emptied_is_not_filled_by_a_merge_of_counterparts() {
    let mut stage = Stage::set();
    stage.running.contacts.site.on_merge = OnMerge::Propagate;
    let [[wix, _], [loser, _]] = another_pair(&mut stage, "v4 Bo");
    let cleared = stage.types(Side::External, "company", "");
    let merged = stage.unheard(|world| world.unite(Side::Wix, &wix, &loser));
    for event in merged.into_iter().chain([cleared]) {
        stage.running.deal_with(event);
    }
    assert_eq!(stage.end("company", "company"), [None, None]);
}
