//! Edits that were lost, written twice or brought back in vain.

use contact_bridge::model::{
    event::{Event, EventKind},
    field::{Field, Patch, Value},
    ids::{RecordId, RowId, Side},
    link::{Cause, Hold, ParkedReason, RowState, Tombstone},
    site::OnConflict,
};
use contact_bridge_tests::simulation::{
    plants::Plant,
    records::Actor,
    world::{World, lock},
};

use super::{Stage, both};

#[test]
fn a_field_that_two_people_cleared_does_not_pass_for_a_write_that_was_never_made() {
    let mut stage = Stage::set();
    stage.types(Side::External, "company", "");
    let event = stage.types(Side::External, "lastname", "v4 bo");
    stage.announce(event, Side::Wix);
    stage.running.crash(0);
    let (first, second) = (stage.types(Side::Wix, "name.last", "v5 Cy"), stage.types(Side::Wix, "company", ""));
    for event in [first, second] {
        stage.running.deal_with(event);
    }
    assert_eq!(stage.end("name.last", "lastname"), both("v4 bo"), "the system of record wins, neither had seen the other");
}

#[test]
fn an_edit_over_an_unanswered_write_stands() {
    let mut stage = Stage::set();
    let event = stage.types(Side::External, "lastname", "v4 bo");
    stage.announce(event, Side::Wix);
    while lock(&stage.running.world).sides.wix.present(stage.id(Side::Wix)).unwrap().counter < 3 {
        stage.running.go_on(0);
    }
    stage.running.crash(0);
    let written = stage.running.take_all();
    let (first, second) = (stage.types(Side::Wix, "name.last", "v5 Cy"), stage.types(Side::Wix, "name.first", "v6 Di"));
    for event in [second, first].into_iter().chain(written) {
        stage.running.deal_with(event);
    }
    assert_eq!(stage.end("name.last", "lastname"), both("v5 cy"), "its author had seen what was written");
}

#[test]
fn what_was_left_out_of_an_unanswered_write_was_not_written() {
    let mut stage = Stage::set();
    stage.running.contacts.site.system_of_record = Some(Side::Wix);
    lock(&stage.running.world).refusals.values = true;
    stage.types(Side::Wix, "company", "v11 Bo");
    stage.types(Side::External, "company", "v5 Cy");
    let event = stage.types(Side::Wix, "name.last", "v6 Di");
    stage.announce(event, Side::External);
    let is_written = |stage: &Stage| {
        let world = lock(&stage.running.world);
        let last = world.sides.external.present(stage.id(Side::External)).unwrap().fields.get(&Field::from("lastname"));
        last.and_then(Value::as_text) == Some("v6 di")
    };
    while !is_written(&stage) {
        assert!(stage.running.is_busy(0));
        stage.running.go_on(0);
    }
    stage.running.crash(0);
    assert_eq!(stage.end("company", "company"), ["v11 bo", "v5 cy"].map(|text| Some(text.to_owned())), "refused, so both stay");
}

#[test]
fn an_edit_that_many_writes_went_over_is_told_of() {
    let mut stage = Stage::set();
    stage.running.contacts.site.on_conflict = OnConflict::Park;
    let event = stage.types(Side::Wix, "company", "v4 Bo");
    stage.announce(event, Side::External);
    let overwritten = stage.types(Side::External, "company", "v5 Cy");
    stage.running.come_to_rest();
    for number in 6..=11 {
        let event = stage.types(Side::Wix, "company", &format!("v{number} Di"));
        stage.running.deal_with(event);
    }
    stage.running.deal_with(overwritten);
    assert_eq!(stage.told(), [(stage.id(Side::Wix).clone(), ParkedReason::Conflict)]);
}

#[test]
fn an_erasure_heard_while_a_half_made_pair_is_linked_undoes_no_edit() {
    for steps in 0.. {
        let mut stage = Stage::set();
        let (id, created) = stage.adds(Side::Wix, "bo@example.net");
        stage.ids[0] = id.clone();
        stage.types(Side::Wix, "company", "v4 Bo");
        let before = stage.present(Side::External).len();
        stage.running.begin(created);
        while stage.present(Side::External).len() == before {
            assert!(stage.running.is_busy(0));
            stage.running.go_on(0);
        }
        stage.running.crash(0);
        let half_made = stage.running.take_all().into_iter().find(|event| event.side == Side::External).unwrap();
        stage.types(Side::Wix, "company", "v5 Cy");
        lock(&stage.running.world).now += 400_000;
        stage.running.begin(half_made);
        let mut taken = 0;
        while taken < steps && stage.running.is_busy(0) {
            stage.running.go_on(0);
            taken += 1;
        }
        let is_over = !stage.running.is_busy(0);
        let links = stage.running.backend.links.clone();
        let tombstone = Tombstone { at: stage.running.contacts.clock.now(), cause: Cause::ErasureUnclear, counterpart: None };
        let _ = stage.running.backend.finish(links.entomb(&stage.running.site.site, Side::Wix, &id, &tombstone));
        stage.running.come_to_rest();
        let world = lock(&stage.running.world);
        let company = world.sides.wix.present(&id).unwrap().fields.get(&Field::from("company")).and_then(Value::as_text);
        assert_eq!(company, Some("v5 Cy"), "after {steps} steps");
        if is_over {
            break;
        }
    }
}

#[test]
fn an_overwritten_edit_is_not_brought_back_over_what_was_typed_into_the_field_since() {
    let mut stage = Stage::set();
    let event = stage.types(Side::Wix, "company", "v4 Bo");
    stage.announce(event, Side::External);
    let overwritten = stage.types(Side::External, "company", "v5 Cy");
    stage.running.come_to_rest();
    for (side, value) in [(Side::External, "v6 Di"), (Side::Wix, "v7 Ed")] {
        let event = stage.types(side, "company", value);
        stage.running.deal_with(event);
    }
    stage.running.deal_with(overwritten);
    assert_eq!(stage.end("company", "company"), both("v7 ed"));
}

#[test]
fn an_overwritten_edit_of_the_system_of_record_is_brought_back() {
    let mut stage = Stage::set();
    let event = stage.types(Side::Wix, "company", "v4 Bo");
    stage.announce(event, Side::External);
    let overwritten = stage.types(Side::External, "company", "v5 Cy");
    stage.running.come_to_rest();
    stage.running.deal_with(overwritten);
    assert_eq!(stage.end("company", "company"), both("v5 cy"));
}

#[test]
fn the_late_event_of_a_value_that_was_set_back_is_old_news() {
    for (bug, expected) in
        [(Plant::None, both("v3 ann")), (Plant::VersionsAreNotNoted, [Some("v3 ann".to_owned()), Some("v4 bo".to_owned())])]
    {
        let mut stage = Stage::planted(bug);
        let (edited, set_back) = (stage.types(Side::Wix, "company", "v4 Bo"), stage.types(Side::Wix, "company", "v3 Ann"));
        stage.running.deal_with(set_back);
        stage.running.deal_with(edited);
        assert_eq!(stage.end("company", "company"), expected, "{bug:?}");
    }
}

#[test]
fn a_worker_that_read_a_value_before_it_was_set_back_does_not_write_it() {
    let mut stage = Stage::set();
    let edited = stage.types(Side::External, "company", "v4 Bo");
    stage.running.begin(edited);
    // Looked up, read; about to read the other side.
    for _ in 0..5 {
        stage.running.go_on(0);
    }
    let set_back = stage.types(Side::External, "company", "v3 Ann");
    stage.running.begin(set_back);
    while stage.running.is_busy(1) {
        stage.running.go_on(1);
    }
    assert_eq!(stage.end("company", "company"), both("v3 ann"));
}

#[test]
fn a_label_taken_off_after_both_sides_were_written_to_is_gone_although_the_second_answer_was_lost() {
    let mut stage = Stage::set();
    let [wix, external] = stage.ids.clone();
    let put = |side: Side, id: &RecordId, labels: Option<Value>| {
        let (id, field) = (id.clone(), Field::from(if side == Side::Wix { "labels" } else { "wix_labels" }));
        move |world: &mut World| {
            world.change(side, Actor::Person, &id, &Patch::from([(field, labels)]));
        }
    };
    let event = stage.unheard(put(Side::Wix, &wix, Value::list(["custom.a".to_owned()]))).remove(0);
    stage.unheard(put(Side::External, &external, Value::text("custom.b")));
    stage.announce(event, Side::Wix);
    let before = lock(&stage.running.world).sides.wix.present(&wix).unwrap().counter;
    while lock(&stage.running.world).sides.wix.present(&wix).unwrap().counter == before {
        assert!(stage.running.is_busy(0));
        stage.running.go_on(0);
    }
    stage.running.crash(0);
    stage.hears(put(Side::External, &external, Value::text("custom.b")));
    let world = lock(&stage.running.world);
    let labels = world.sides.wix.present(&wix).unwrap().fields.get(&Field::from("labels")).cloned();
    assert_eq!(labels, Value::list(["custom.b".to_owned()]));
}

#[test]
fn a_label_that_an_older_event_encloses_is_not_taken_for_agreed() {
    let mut stage = Stage::set();
    let [wix, external] = stage.ids.clone();
    let label = |side: Side, label: &'static str| {
        let id = if side == Side::Wix { wix.clone() } else { external.clone() };
        let (field, value) = if side == Side::Wix {
            ("labels", Value::list(Some(label.to_owned()).filter(|label| !label.is_empty())))
        } else {
            ("wix_labels", Value::text(label))
        };
        move |world: &mut World| {
            world.change(side, Actor::Person, &id, &Patch::from([(Field::from(field), value)]));
        }
    };
    let acts = [label(Side::Wix, "custom.a"), label(Side::Wix, ""), label(Side::External, "custom.a")];
    for event in acts.map(|act| stage.unheard(act)).into_iter().flatten() {
        stage.running.deal_with(event);
    }
    assert_eq!(stage.end("labels", "wix_labels")[1].as_deref(), Some("custom.a"), "who put it on did so last");
}

/// Has a worker carry an edit over while somebody types into the same field of the CRM, of which nobody hears; returns the event of that.
fn overwritten(stage: &mut Stage, typed: &str) -> Event {
    let event = stage.types(Side::Wix, "company", "v4 Bo");
    stage.announce(event, Side::External);
    let overwritten = stage.types(Side::External, "company", typed);
    while stage.running.is_busy(0) {
        stage.running.go_on(0);
    }
    let _ = stage.running.take_all();
    overwritten
}

/// Has a worker take an event, go on until its write to the CRM is carried out, and crash.
fn write_in_vain(stage: &mut Stage, event: Event) {
    stage.announce(event, Side::External);
    let writes = stage.running.writes().external;
    while stage.running.writes().external == writes {
        assert!(stage.running.is_busy(0));
        stage.running.go_on(0);
    }
    stage.running.crash(0);
}

#[test]
fn a_label_taken_off_under_an_unanswered_write_is_gone() {
    let mut stage = Stage::set();
    let [wix, external] = stage.ids.clone();
    let put = |side: Side, id: &RecordId, labels: Option<Value>| {
        let (id, field) = (id.clone(), Field::from(if side == Side::Wix { "labels" } else { "wix_labels" }));
        move |world: &mut World| {
            world.change(side, Actor::Person, &id, &Patch::from([(field, labels)]));
        }
    };
    let event = stage.unheard(put(Side::Wix, &wix, Value::list(["custom.b".to_owned()]))).remove(0);
    stage.unheard(put(Side::External, &external, Value::text("custom.a")));
    stage.announce(event, Side::External);
    let taken_off = stage.unheard(put(Side::External, &external, None)).remove(0);
    let writes = stage.running.writes().external;
    while stage.running.writes().external == writes {
        assert!(stage.running.is_busy(0));
        stage.running.go_on(0);
    }
    stage.running.crash(0);
    stage.running.come_to_rest();
    stage.running.deal_with(taken_off);
    assert_eq!(stage.end("labels", "wix_labels")[1].as_deref(), Some("custom.b"), "the base never had the other");
}

#[test]
fn a_value_that_a_person_cleared_as_well_does_not_pass_for_an_unanswered_write() {
    let mut stage = Stage::set();
    stage.running.contacts.site.system_of_record = Some(Side::Wix);
    let event = stage.types(Side::External, "company", "");
    stage.announce(event, Side::Wix);
    stage.running.crash(0);
    let next = stage.types(Side::Wix, "name.last", "v4 Bo");
    stage.types(Side::External, "company", "v5 Cy");
    let cleared = stage.types(Side::Wix, "company", "");
    for event in [cleared, next] {
        stage.running.deal_with(event);
    }
    assert_eq!(stage.end("company", "company"), [None, None], "neither had seen the other, and this is the system of record");
}

#[test]
fn a_person_is_told_of_an_overwritten_edit_although_a_later_write_was_never_answered() {
    let mut stage = Stage::set();
    stage.running.contacts.site.on_conflict = OnConflict::Park;
    let overwritten = overwritten(&mut stage, "v5 Cy");
    let event = stage.types(Side::Wix, "company", "v6 Di");
    write_in_vain(&mut stage, event);
    lock(&stage.running.world).now += 61_000;
    stage.running.deal_with(overwritten);
    stage.running.come_to_rest();
    assert_eq!(stage.link().rows.get(&RowId::from("co")), Some(&RowState::Overwritten(Side::External)));
    assert_eq!(stage.notes().len(), 1);
}

#[test]
fn a_value_that_was_taken_at_last_is_not_refused_any_more_although_the_next_write_failed() {
    let mut stage = Stage::set();
    stage.running.contacts.site.system_of_record = Some(Side::Wix);
    lock(&stage.running.world).refusals.values = true;
    let event = stage.types(Side::Wix, "company", "v11 Bo");
    stage.running.deal_with(event);
    assert_eq!(stage.link().rows.get(&RowId::from("co")), Some(&RowState::Refused(Side::External)));
    let event = stage.types(Side::Wix, "company", "v4 Cy");
    stage.types(Side::External, "lastname", "v5 di");
    stage.announce(event, Side::Wix);
    // Its write is stale, and it gives the link back.
    stage.types(Side::Wix, "name.first", "v6 Ed");
    while stage.running.is_busy(0) {
        stage.running.go_on(0);
    }
    let event = stage.types(Side::External, "company", "v7 Fo");
    stage.running.deal_with(event);
    assert_eq!(stage.end("company", "company"), both("v7 fo"), "its author had seen the value that was taken");
}

#[test]
fn an_edit_that_cannot_be_brought_back_on_a_link_that_waits_is_told_of_once() {
    let mut stage = Stage::set();
    let [wix, _] = stage.ids.clone();
    let overwritten = overwritten(&mut stage, "v11 Cy");
    let edited = stage.types(Side::External, "lastname", "v5 di");
    let deleted = stage.unheard(|world| world.remove(Side::Wix, &wix, EventKind::Deleted { by_merge: false }));
    for event in [edited].into_iter().chain(deleted) {
        stage.running.deal_with(event);
    }
    assert_eq!(stage.link().held, Some(Hold::DeletedAndChanged));
    lock(&stage.running.world).refusals.values = true;
    stage.running.deal_with(overwritten.clone());
    let (link, told) = (stage.link(), stage.told());
    assert_eq!((link.intent.is_none(), link.rows.get(&RowId::from("co"))), (true, Some(&RowState::Overwritten(Side::External))));
    stage.running.deal_with(overwritten);
    assert_eq!((stage.link(), stage.told()), (link, told));
}

#[test]
fn an_edit_under_an_unanswered_write_is_brought_back_by_its_own_event() {
    let mut stage = Stage::set();
    let event = stage.types(Side::Wix, "company", "v4 Bo");
    stage.announce(event, Side::External);
    let overwritten = stage.types(Side::External, "company", "v5 Cy");
    let writes = stage.running.writes().external;
    while stage.running.writes().external == writes {
        assert!(stage.running.is_busy(0));
        stage.running.go_on(0);
    }
    stage.running.crash(0);
    let _ = stage.running.take_all();
    stage.running.deal_with(overwritten);
    assert_eq!(stage.end("company", "company"), both("v5 cy"));
}
