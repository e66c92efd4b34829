//! Histories that the flows once got wrong, step by step; and the same histories over both stores.

use contact_bridge::model::{
    event::{Event, EventKind},
    field::{Field, Fields, Patch, Value},
    ids::{RecordId, Side},
    link::{Hold, Link, Parked, ParkedReason, Slot},
    site::{OnConflict, OnDelete, OnMerge},
};
use contact_bridge_tests::simulation::{
    backend::{Backend, Tables},
    history,
    plants::Plant,
    records::Actor,
    site::Running,
    world::{Refusals, World, lock},
};

/// A linked pair in a world where nothing happens by itself.
struct Stage {
    running: Running,
    ids: [RecordId; 2],
}

impl Stage {
    /// Somebody is in Wix, and so in the CRM, which is the system of record.
    fn set() -> Self {
        let mut running = Running::still("site", 1, Plant::None, &Backend::memory());
        lock(&running.world).refusals = Refusals::default();
        running.come_to_rest();
        running.contacts.site.system_of_record = Some(Side::External);
        running.contacts.site.on_conflict = OnConflict::SystemOfRecord;
        let values = [("name.first", "v1 Ann"), ("name.last", "v2 Ann"), ("company", "v3 Ann"), ("email", "ann@example.net")];
        let fields: Fields = values.iter().map(|(field, value)| (Field::from(*field), Value::text(*value).unwrap())).collect();
        let wix = lock(&running.world).insert(Side::Wix, Actor::Person, &fields, None);
        running.come_to_rest();
        let external = lock(&running.world).witness.counterpart(Side::Wix, &wix).unwrap().clone();
        Self { running, ids: [wix, external] }
    }

    fn id(&self, side: Side) -> &RecordId {
        &self.ids[usize::from(side == Side::External)]
    }

    /// A person changes a field; the event is returned, to be delivered when it suits.
    fn types(&mut self, side: Side, field: &str, value: &str) -> Event {
        let id = self.id(side).clone();
        let mut world = lock(&self.running.world);
        world.change(side, Actor::Person, &id, &Patch::from([(Field::from(field), Value::text(value))]));
        let event = world.events.last().unwrap().clone();
        world.queue.retain(|_, queued| queued.id != event.id);
        event
    }

    /// Has people do something; the events are returned, to be delivered when it suits.
    fn unheard(&mut self, act: impl FnOnce(&mut World)) -> Vec<Event> {
        let mut world = lock(&self.running.world);
        let before = world.events.len();
        act(&mut world);
        let events = world.events[before..].to_vec();
        world.queue.retain(|_, queued| events.iter().all(|event| event.id != queued.id));
        events
    }

    /// Has people do something that the bridge hears of at once.
    fn hears(&mut self, act: impl FnOnce(&mut World)) {
        for event in self.unheard(act) {
            self.running.deal_with(event);
        }
        self.running.come_to_rest();
    }

    /// Somebody else is added on a side, with an address.
    fn adds(&mut self, side: Side, email: &str) -> (RecordId, Event) {
        let mut id = None;
        let fields = Fields::from([(Field::from("email"), Value::text(email).unwrap())]);
        let mut events = self.unheard(|world| id = Some(world.insert(side, Actor::Person, &fields, None)));
        (id.unwrap(), events.remove(0))
    }

    fn present(&self, side: Side) -> Vec<RecordId> {
        lock(&self.running.world).sides.of(side).present_ids()
    }

    fn told(&self) -> Vec<(RecordId, ParkedReason)> {
        self.notes().into_iter().map(|note| (note.id, note.reason)).collect()
    }

    fn notes(&self) -> Vec<Parked> {
        let links = &self.running.backend.links;
        self.running.backend.finish(links.parked(&self.running.site.site)).unwrap()
    }

    /// Has a worker take an event and go on until it has announced a write to `side`.
    fn announce(&mut self, event: Event, side: Side) {
        self.running.begin(event);
        while self.link().intent.is_none_or(|intent| intent.side != side) {
            self.running.go_on(0);
        }
    }

    fn link(&self) -> Link {
        let links = &self.running.backend.links;
        match self.running.backend.finish(links.look_up(&self.running.site.site, Side::Wix, self.id(Side::Wix))).unwrap() {
            Slot::Linked(link) => *link,
            slot => panic!("{slot:?}"),
        }
    }

    /// What both sides have in a field in the end.
    fn end(&mut self, wix: &str, external: &str) -> [Option<String>; 2] {
        self.running.come_to_rest();
        let world = lock(&self.running.world);
        [(Side::Wix, wix), (Side::External, external)].map(|(side, field)| {
            let fields = &world.sides.of(side).present(self.id(side)).unwrap().fields;
            fields.get(&Field::from(field)).and_then(Value::as_text).map(|text| text.trim().to_lowercase())
        })
    }
}

fn both(text: &str) -> [Option<String>; 2] {
    [Some(text.to_owned()), Some(text.to_owned())]
}

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
fn an_erasure_finds_the_former_counterpart_whose_new_one_is_gone() {
    let mut stage = Stage::set();
    stage.running.contacts.site.on_delete = OnDelete::Unlink;
    let (wix, external) = (stage.id(Side::Wix).clone(), stage.id(Side::External).clone());
    let (another, event) = stage.adds(Side::Wix, "bo@example.net");
    stage.running.deal_with(event);
    stage.running.come_to_rest();
    let its_own = lock(&stage.running.world).witness.counterpart(Side::Wix, &another).unwrap().clone();
    let deleted = |id: &RecordId| {
        let id = id.clone();
        move |world: &mut World| world.remove(Side::External, &id, EventKind::Deleted { by_merge: false })
    };
    let [second, first] = [&its_own, &external].map(|id| stage.unheard(deleted(id)));
    let merged = stage.unheard(|world| world.unite(Side::Wix, &wix, &another));
    let erased = stage.unheard(|world| world.raise(Side::External, &external, EventKind::Erased));
    for event in [first, second, erased, merged].concat() {
        stage.running.deal_with(event);
    }
    stage.running.come_to_rest();
    assert_eq!((stage.present(Side::Wix).contains(&wix), stage.notes()), (false, vec![]));
}

/// A record that Wix does not let be deleted is linked; in the CRM it is erased, of which the bridge has heard.
fn erased_in_vain(on_delete: OnDelete) -> (Stage, [RecordId; 2]) {
    let mut stage = Stage::set();
    stage.running.contacts.site.on_delete = on_delete;
    stage.running.contacts.site.on_merge = OnMerge::Unlink;
    lock(&stage.running.world).refusals.members = true;
    let mut number = 0;
    let member = loop {
        let (id, event) = stage.adds(Side::Wix, &format!("member{number}@example.net"));
        stage.running.deal_with(event);
        stage.running.come_to_rest();
        if id.as_str().ends_with(['2', '7']) {
            break id;
        }
        number += 1;
    };
    let counterpart = lock(&stage.running.world).witness.counterpart(Side::Wix, &member).unwrap().clone();
    let ended = [EventKind::Deleted { by_merge: false }, EventKind::Erased];
    stage.hears(|world| ended.into_iter().for_each(|kind| world.remove(Side::External, &counterpart, kind)));
    assert_eq!(stage.told(), [(member.clone(), ParkedReason::CannotDelete)]);
    (stage, [member, counterpart])
}

#[test]
fn an_erasure_that_could_not_be_carried_out_is_not_forgotten_by_a_merge() {
    let (mut stage, [member, _]) = erased_in_vain(OnDelete::Propagate);
    let [wix, external] = stage.ids.clone();
    stage.hears(|world| world.unite(Side::Wix, &member, &wix));
    assert_eq!(stage.told(), [(external.clone(), ParkedReason::ErasureUnclear)]);
    // It stays so where whoever is left of the link goes as well.
    stage.running.contacts.site.on_delete = OnDelete::Unlink;
    stage.hears(|world| world.remove(Side::External, &external, EventKind::Deleted { by_merge: false }));
    assert_eq!(stage.told(), [(member, ParkedReason::CannotDelete)]);
}

#[test]
fn a_record_that_could_not_be_erased_comes_off_the_list_when_a_person_erases_it() {
    for on_delete in [OnDelete::Propagate, OnDelete::Unlink] {
        let (mut stage, [member, _]) = erased_in_vain(on_delete);
        stage.hears(|world| world.remove(Side::Wix, &member, EventKind::Erased));
        assert_eq!(stage.notes(), [], "{on_delete:?}");
    }
}

#[test]
fn a_record_with_an_open_erasure_that_lost_its_link_is_told_of_and_linked_with_nobody() {
    let mut stage = Stage::set();
    stage.running.contacts.site.on_delete = OnDelete::Unlink;
    stage.running.contacts.site.on_merge = OnMerge::Unlink;
    let [wix, external] = stage.ids.clone();
    let (another, event) = stage.adds(Side::Wix, "bo@example.net");
    stage.running.deal_with(event);
    stage.hears(|world| world.remove(Side::External, &external, EventKind::Deleted { by_merge: false }));
    let (newcomer, event) = stage.adds(Side::External, "ann@example.net");
    stage.running.deal_with(event);
    stage.hears(|world| world.raise(Side::External, &external, EventKind::Erased));
    assert_eq!(stage.told(), [(newcomer.clone(), ParkedReason::ErasureUnclear)]);
    let winner = lock(&stage.running.world).witness.counterpart(Side::Wix, &another).unwrap().clone();
    stage.hears(|world| world.unite(Side::External, &winner, &newcomer));
    assert!(stage.told().contains(&(wix.clone(), ParkedReason::ErasureUnclear)));
    let (third, event) = stage.adds(Side::External, "ann@example.net");
    stage.running.deal_with(event);
    stage.running.come_to_rest();
    assert!(stage.told().contains(&(wix, ParkedReason::ErasureUnclear)));
    assert!(stage.told().contains(&(third, ParkedReason::MatchIsLinked)));
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

#[test]
fn the_table_leads_to_the_same_histories_as_its_twin_in_memory() {
    let tables = Tables::start().unwrap();
    for seed in 0..4 {
        let over_the_table = history::run(seed, Plant::None, &|| tables.backend().unwrap());
        let in_memory = history::run_apart(seed, Plant::None, &Backend::memory);
        assert_eq!(over_the_table.violations, Vec::<String>::new(), "seed {seed}");
        assert_eq!(over_the_table.traces, in_memory.traces, "seed {seed}");
    }
}
