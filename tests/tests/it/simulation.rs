//! Histories that the flows once got wrong, step by step; and the same histories over both stores.

mod carried;
mod edits;
mod endings;
mod erasures;

use contact_bridge::model::{
    event::Event,
    field::{Field, Fields, Patch, Value},
    ids::{RecordId, Side},
    link::{Link, Parked, ParkedReason, Slot},
    site::OnConflict,
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
        Self::planted(Plant::None)
    }

    /// The same, with a bug.
    fn planted(bug: Plant) -> Self {
        let mut running = Running::still("site", 1, bug, &Backend::memory());
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
            assert!(self.running.is_busy(0));
            self.running.go_on(0);
        }
    }

    /// What the bridge knows of a record.
    fn slot(&self, side: Side, id: &RecordId) -> Slot {
        let links = &self.running.backend.links;
        self.running.backend.finish(links.look_up(&self.running.site.site, side, id)).unwrap()
    }

    fn link(&self) -> Link {
        match self.slot(Side::Wix, self.id(Side::Wix)) {
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
fn the_table_leads_to_the_same_histories_as_its_twin_in_memory() {
    let tables = Tables::start().unwrap();
    for seed in 0..4 {
        let over_the_table = history::run(seed, Plant::None, &|| tables.backend().unwrap());
        let in_memory = history::run_apart(seed, Plant::None, &Backend::memory);
        assert_eq!(over_the_table.violations, Vec::<String>::new(), "seed {seed}");
        assert_eq!(over_the_table.traces, in_memory.traces, "seed {seed}");
    }
}
