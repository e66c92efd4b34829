//! People at work on both sides: they create, edit, clear, label, delete, merge and erase.

use contact_bridge::model::{
    event::EventKind,
    field::{Field, Fields, Patch, Value},
    ids::{RecordId, Side},
    site::{MappingRow, Transform},
};
use rand::Rng;

use super::{
    edits::{Edit, token_of},
    vendor::Actor,
    world::{Shared, World, lock},
};

/// The fields people type texts into: the Wix name and the CRM's.
pub const TEXTS: [(&str, &str); 3] = [("name.first", "firstname"), ("name.last", "lastname"), ("company", "company")];

/// Returns the mapping of the histories.
#[must_use]
pub fn mapping() -> Vec<MappingRow> {
    let row = |id: &str, wix: &str, external: &str, transform: Transform| MappingRow {
        id: id.into(),
        wix: wix.into(),
        external: external.into(),
        direction: contact_bridge::model::site::Direction::Both,
        transform,
        on_empty: contact_bridge::model::site::OnEmpty::Clear,
        system_of_record: None,
    };
    let mut rows: Vec<_> =
        TEXTS.iter().zip(["fn", "ln", "co"]).map(|((wix, external), id)| row(id, wix, external, Transform::None)).collect();
    rows.push(row("em", "email", "email", Transform::None));
    rows.push(row("ph", "phone", "phone", Transform::Phone));
    rows.push(row("lb", "labels", "wix_labels", Transform::Join { separator: ";".to_owned() }));
    rows
}

/// Returns a text field's name on a side.
#[must_use]
pub fn field(side: Side, row: (&'static str, &'static str)) -> Field {
    Field::from(if side == Side::Wix { row.0 } else { row.1 })
}

/// Lets people fill both sides, with some who are on both.
pub fn settle_in(world: &Shared) {
    let people = lock(world).rng.random_range(1..4);
    for person in 0..people {
        let (wix, external) = {
            let mut world = lock(world);
            (world.rng.random_ratio(3, 4), world.rng.random_ratio(1, 2))
        };
        for (side, there) in [(Side::Wix, wix), (Side::External, external)] {
            if there {
                create(world, side, person);
            }
        }
    }
}

/// Lets somebody do something on one side.
pub fn act(world: &Shared) {
    let (side, draw) = {
        let mut world = lock(world);
        world.now += 1;
        let side = if world.rng.random_bool(0.5) { Side::Wix } else { Side::External };
        (side, world.rng.random_range(0..100))
    };
    match draw {
        0..64 => edit(world, side),
        64..72 => label(world, side),
        72..78 => clear(world, side),
        78..86 => {
            let person = lock(world).rng.random_range(0..5);
            create(world, side, person);
        }
        86..92 => delete(world, side),
        92..96 => merge(world, side),
        96..98 => erase(world, side),
        _ => change_phone(world, side),
    }
}

fn any_record(world: &mut World, side: Side) -> Option<RecordId> {
    let ids = world.sides.of(side).present_ids();
    if ids.is_empty() {
        return None;
    }
    let nth = world.rng.random_range(0..ids.len());
    ids.get(nth).cloned()
}

/// A person adds somebody, whose e-mail may be known on the other side; vendors refuse a second one of the same e-mail.
fn create(world: &Shared, side: Side, person: u32) {
    let mut world = lock(world);
    let mut fields = Fields::new();
    let mut typed = Vec::new();
    for row in TEXTS {
        let id = world.edits.number();
        fields.extend(Value::text(format!("v{id} Ann")).map(|value| (field(side, row), value)));
        typed.push((id, row.0));
    }
    let email = format!("P{person}@Example.com");
    fields.extend(Value::text(email).map(|value| (Field::from("email"), value)));
    if world.holder(side, &fields, None).is_some() {
        return;
    }
    let record = world.insert(side, Actor::Person, &fields, None);
    for (id, row) in typed {
        world.edits.note(Edit { id, side, record: record.clone(), row, seen: None, before: None, clears: false });
    }
}

fn edit(world: &Shared, side: Side) {
    let mut world = lock(world);
    let Some(record) = any_record(&mut world, side) else { return };
    let nth = world.rng.random_range(0..TEXTS.len());
    let Some(row) = TEXTS.get(nth).copied() else { return };
    let field = field(side, row);
    let seen = world.sides.of(side).present(&record).and_then(|present| token_of(&present.fields, &field));
    let id = world.edits.number();
    let value = Value::text(format!("v{id} Bo "));
    world.change(side, Actor::Person, &record, &Patch::from([(field, value)]));
    world.edits.note(Edit { id, side, record, row: row.0, seen, before: None, clears: false });
}

fn clear(world: &Shared, side: Side) {
    let mut world = lock(world);
    let Some(record) = any_record(&mut world, side) else { return };
    let id = world.edits.number();
    world.change(side, Actor::Person, &record, &Patch::from([(Field::from("company"), None)]));
    world.edits.note(Edit { id, side, record, row: "company", seen: None, before: None, clears: true });
}

fn label(world: &Shared, side: Side) {
    let mut world = lock(world);
    let Some(record) = any_record(&mut world, side) else { return };
    let field = Field::from(if side == Side::Wix { "labels" } else { "wix_labels" });
    let now = world.sides.of(side).present(&record).and_then(|present| present.fields.get(&field).cloned());
    let joined = now.as_ref().and_then(Value::as_text).map(|text| text.split(';').map(|item| item.trim().to_owned()).collect());
    let mut labels: Vec<String> = joined.unwrap_or_else(|| now.iter().flat_map(Value::elements).cloned().collect());
    if !labels.is_empty() && world.rng.random_bool(0.4) {
        let nth = world.rng.random_range(0..labels.len());
        labels.remove(nth);
    } else {
        let label = format!("custom.l{}", world.rng.random_range(0..6));
        if !labels.contains(&label) {
            labels.push(label);
        }
    }
    let value = if side == Side::Wix { Value::list(labels) } else { Value::text(labels.join(";")) };
    world.change(side, Actor::Person, &record, &Patch::from([(field, value)]));
}

fn change_phone(world: &Shared, side: Side) {
    let mut world = lock(world);
    let Some(record) = any_record(&mut world, side) else { return };
    let phones = ["(212) 736-5000", "+43 1 58858", "ask for Ada", "212.736.5001", "00 12 34"];
    let nth = world.rng.random_range(0..phones.len());
    let value = phones.get(nth).and_then(|phone| Value::text(*phone));
    world.change(side, Actor::Person, &record, &Patch::from([(Field::from("phone"), value)]));
}

fn delete(world: &Shared, side: Side) {
    let mut world = lock(world);
    let Some(record) = any_record(&mut world, side) else { return };
    world.sides.of_mut(side).deleted_by_people.insert(record.clone());
    world.remove(side, &record, EventKind::Deleted { by_merge: false });
}

fn erase(world: &Shared, side: Side) {
    let mut world = lock(world);
    let Some(record) = any_record(&mut world, side) else { return };
    world.sides.of_mut(side).deleted_by_people.insert(record.clone());
    world.sides.of_mut(side).erased.insert(record.clone());
    if side == Side::External {
        world.remove(side, &record, EventKind::Deleted { by_merge: false });
    }
    world.remove(side, &record, EventKind::Erased);
}

fn merge(world: &Shared, side: Side) {
    let mut world = lock(world);
    let (Some(winner), Some(loser)) = (any_record(&mut world, side), any_record(&mut world, side)) else { return };
    if winner != loser {
        world.unite(side, &winner, &loser);
    }
}
