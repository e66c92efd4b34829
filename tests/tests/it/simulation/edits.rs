//! Edits that were lost, written twice or brought back in vain.

use contact_bridge::model::{
    field::{Field, Patch, Value},
    ids::{RecordId, Side},
};
use contact_bridge_tests::simulation::{
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
    let mut stage = Stage::set();
    let (edited, set_back) = (stage.types(Side::Wix, "company", "v4 Bo"), stage.types(Side::Wix, "company", "v3 Ann"));
    stage.running.deal_with(set_back);
    stage.running.deal_with(edited);
    assert_eq!(stage.end("company", "company"), both("v3 ann"));
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
