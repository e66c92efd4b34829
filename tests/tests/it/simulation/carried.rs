//! Edits around merges: of what is carried over to the winner before its records become one, and of what goes with the loser.

use contact_bridge::model::{
    event::{Event, EventKind},
    field::{Field, Value},
    ids::{RecordId, RowId, Side},
    link::ParkedReason,
    site::OnMerge,
};
use contact_bridge_tests::simulation::world::lock;

use super::{Stage, both};

#[test]
fn what_an_unanswered_write_brought_is_nobodys_edit_after_a_merge_either() {
    let mut stage = Stage::set();
    let event = stage.types(Side::Wix, "company", "v4 Bo");
    stage.announce(event, Side::External);
    let has_it = |stage: &Stage, id: &RecordId| {
        let world = lock(&stage.running.world);
        let company = world.sides.external.present(id).unwrap().fields.get(&Field::from("company"));
        company.and_then(Value::as_text).is_some_and(|text| text.trim().eq_ignore_ascii_case("v4 bo"))
    };
    let written = stage.id(Side::External).clone();
    while !has_it(&stage, &written) {
        assert!(stage.running.is_busy(0));
        stage.running.go_on(0);
    }
    stage.running.crash(0);
    let (winner, _) = stage.adds(Side::External, "bo@example.net");
    let merged = stage.unheard(|world| world.unite(Side::External, &winner, &written));
    assert!(has_it(&stage, &winner));
    let edited = stage.types(Side::Wix, "company", "v5 Cy");
    for event in merged.into_iter().chain([edited]) {
        stage.running.deal_with(event);
    }
    stage.ids[1] = winner;
    assert_eq!(stage.end("company", "company"), both("v5 cy"));
}

#[test]
fn an_edit_is_not_undone_for_a_refused_value_that_a_merge_left_behind() {
    let mut stage = Stage::set();
    stage.running.contacts.site.system_of_record = Some(Side::Wix);
    stage.running.contacts.site.on_merge = OnMerge::Propagate;
    lock(&stage.running.world).refusals.values = true;
    let loser = stage.ids.clone();
    let event = stage.types(Side::Wix, "company", "v11 Bo");
    stage.running.deal_with(event);
    let (winner, event) = stage.adds(Side::Wix, "bo@example.net");
    stage.running.deal_with(event);
    stage.running.come_to_rest();
    let counterpart = lock(&stage.running.world).witness.counterpart(Side::Wix, &winner).unwrap().clone();
    stage.ids = [winner, counterpart];
    let event = stage.types(Side::Wix, "company", "v5 Cy");
    stage.running.deal_with(event);
    let winner = stage.id(Side::External).clone();
    stage.hears(|world| world.unite(Side::External, &winner, &loser[1]));
    assert!(!stage.present(Side::Wix).contains(&loser[0]), "they are one in Wix, too");
    assert_eq!(stage.told(), [(stage.ids[0].clone(), ParkedReason::FieldSkipped)]);
    let event = stage.types(Side::External, "company", "v6 Di");
    stage.running.deal_with(event);
    assert_eq!((stage.end("company", "company"), stage.notes()), (both("v6 di"), vec![]));
}

/// Two in the CRM became one, whose counterparts are to be one as well; somebody has just typed into the one that goes. Returns the events of the
/// merge.
fn merged_under_an_edit() -> (Stage, Event) {
    let mut stage = Stage::set();
    stage.running.contacts.site.on_merge = OnMerge::Propagate;
    let external = stage.id(Side::External).clone();
    let (another, event) = stage.adds(Side::Wix, "bo@example.net");
    stage.running.deal_with(event);
    stage.running.come_to_rest();
    let winner = lock(&stage.running.world).witness.counterpart(Side::Wix, &another).unwrap().clone();
    let cleared = stage.types(Side::Wix, "name.last", "");
    stage.running.deal_with(cleared);
    stage.running.come_to_rest();
    stage.types(Side::Wix, "name.last", "V4 Bo");
    let event = stage.unheard(|world| world.unite(Side::External, &winner, &external)).remove(0);
    stage.ids = [another, winner];
    (stage, event)
}

#[test]
fn an_edit_that_is_carried_over_before_a_merge_keeps_its_spelling() {
    let (mut stage, merged) = merged_under_an_edit();
    stage.running.deal_with(merged);
    assert_eq!(stage.end("name.last", "lastname"), both("v4 bo"));
    let world = lock(&stage.running.world);
    let last = world.sides.wix.present(stage.id(Side::Wix)).unwrap().fields.get(&Field::from("name.last"));
    assert_eq!(last.and_then(Value::as_text), Some("V4 Bo"));
}

#[test]
fn an_edit_under_one_that_is_carried_over_before_a_merge_stands() {
    for steps in 0.. {
        let (mut stage, merged) = merged_under_an_edit();
        stage.running.begin(merged);
        for _ in 0..steps {
            if stage.running.is_busy(0) {
                stage.running.go_on(0);
            }
        }
        let is_over = !stage.running.is_busy(0);
        let typed = stage.types(Side::External, "lastname", "v5 cy");
        while stage.running.is_busy(0) {
            stage.running.go_on(0);
        }
        stage.running.deal_with(typed);
        assert_eq!(stage.end("name.last", "lastname"), both("v5 cy"), "after {steps} steps");
        if is_over {
            break;
        }
    }
}

#[test]
fn an_edit_under_one_that_was_carried_over_before_a_merge_stands_although_the_answer_was_lost() {
    for steps in 0.. {
        let (mut stage, merged) = merged_under_an_edit();
        stage.running.begin(merged);
        for _ in 0..steps {
            if stage.running.is_busy(0) {
                stage.running.go_on(0);
            }
        }
        let writes = stage.running.writes().external;
        let typed = stage.types(Side::External, "lastname", "v5 cy");
        while stage.running.is_busy(0) && stage.running.writes().external == writes {
            stage.running.go_on(0);
        }
        let is_over = !stage.running.is_busy(0);
        if !is_over {
            stage.running.crash(0);
        }
        stage.running.come_to_rest();
        stage.running.deal_with(typed);
        assert_eq!(stage.end("name.last", "lastname"), both("v5 cy"), "after {steps} steps");
        if is_over {
            break;
        }
    }
}

#[test]
fn of_what_a_side_refuses_of_a_record_that_is_merged_away_a_person_is_told() {
    for is_edit_first in [true, false] {
        let (mut stage, merged) = merged_under_an_edit();
        let winner = stage.ids.clone();
        lock(&stage.running.world).refusals.values = true;
        stage.ids[0] = Stage::set().ids[0].clone();
        let edited = stage.types(Side::Wix, "company", "v11 Di");
        stage.ids = winner;
        let events = if is_edit_first { [edited, merged] } else { [merged, edited] };
        for event in events {
            stage.running.deal_with(event);
        }
        assert_eq!(stage.end("name.last", "lastname"), both("v4 bo"), "the rest is carried over");
        let told: Vec<_> = stage.notes().into_iter().map(|note| (note.id, note.reason, note.rows)).collect();
        assert_eq!(told, [(stage.ids[0].clone(), ParkedReason::FieldSkipped, vec![RowId::from("co")])], "{is_edit_first}");
    }
}

#[test]
fn an_unanswered_write_does_not_pass_for_an_edit_although_its_link_was_moved_or_met_another_meanwhile() {
    for meets in [false, true] {
        let mut stage = Stage::set();
        stage.running.contacts.site.system_of_record = Some(Side::Wix);
        stage.running.contacts.site.on_merge = OnMerge::Propagate;
        let [wix, external] = stage.ids.clone();
        let (another, event) = stage.adds(Side::Wix, "bo@example.net");
        let (newcomer, _) = stage.adds(Side::External, "cy@example.net");
        stage.running.deal_with(event);
        stage.running.come_to_rest();
        let its_own = lock(&stage.running.world).witness.counterpart(Side::Wix, &another).unwrap().clone();
        let event = stage.types(Side::External, "company", "v4 Bo");
        stage.announce(event, Side::Wix);
        let before = stage.running.writes().wix;
        while stage.running.writes().wix == before {
            assert!(stage.running.is_busy(0));
            stage.running.go_on(0);
        }
        stage.running.crash(0);
        let _ = stage.running.take_all();
        stage.types(Side::External, "company", "");
        stage.unheard(|world| world.remove(Side::Wix, &another, EventKind::Deleted { by_merge: false }));
        let (winner, loser) = if meets { (external, its_own) } else { (newcomer, external) };
        let merged = stage.unheard(|world| world.unite(Side::External, &winner, &loser)).remove(0);
        lock(&stage.running.world).now += 61_000;
        stage.running.deal_with(merged);
        stage.ids = [wix, winner];
        assert_eq!(stage.end("company", "company"), [None, None], "it was cleared by somebody who had seen it, {meets}");
    }
}
