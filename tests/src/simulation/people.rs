//! People at work on both sides: they create, edit, clear, label, delete, merge and erase.

use contact_bridge::model::{
    event::EventKind,
    field::{Field, Fields, Patch, Value},
    ids::{RecordId, Side},
    site::{MappingRow, Transform},
};
use rand::Rng;

use super::{
    edits::{Edit, EditId, Labelling, Left, Seen, token},
    records::{Actor, labels_of},
    world::{Shared, World, lock},
};

/// What somebody did, as far as it bounds what the bridge may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Nothing that changed a value.
    Nothing,
    /// A value changed on one side.
    Edited(Side),
    /// A record was added on one side.
    Created,
    /// A record was deleted or erased on one side.
    Ended(Side),
    /// Two records became one on one side.
    Merged(Side),
}

impl Act {
    /// I3: how many writes to a side may come of it in a calm world where everything was in step before.
    #[must_use]
    pub fn most_writes(self, to: Side) -> u32 {
        match self {
            Self::Nothing => 0,
            Self::Edited(side) | Self::Ended(side) => u32::from(side != to),
            Self::Created => 1,
            // The counterparts are merged as well, and then each side lacks what the other's winner had.
            Self::Merged(side) => 1 + u32::from(side != to),
        }
    }
}

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
                create(&mut lock(world), side, person);
            }
        }
    }
}

/// Lets somebody do something on one side.
pub fn act(world: &Shared) -> Act {
    let mut world = lock(world);
    let world = &mut *world;
    world.now += 1;
    let side = if world.rng.random_bool(0.5) { Side::Wix } else { Side::External };
    match world.rng.random_range(0..100) {
        0..58 => edit(world, side),
        58..64 => set_back(world, side),
        64..72 => label(world, side),
        72..78 => clear(world, side),
        78..86 => {
            let person = world.rng.random_range(0..5);
            create(world, side, person)
        }
        86..92 => delete(world, side),
        92..96 => merge(world, side),
        96..98 => erase(world, side),
        _ => change_phone(world, side),
    }
}

fn one_of<T: Clone>(world: &mut World, choice: &[T]) -> Option<T> {
    if choice.is_empty() {
        return None;
    }
    let nth = world.rng.random_range(0..choice.len());
    choice.get(nth).cloned()
}

fn any_record(world: &mut World, side: Side) -> Option<RecordId> {
    let ids = world.sides.of(side).present_ids();
    one_of(world, &ids)
}

/// A person adds somebody, whose e-mail may be known on the other side; vendors refuse a second one of the same e-mail.
fn create(world: &mut World, side: Side, person: u32) -> Act {
    let email = Value::text(format!("P{person}@Example.com"));
    let mut fields: Fields = email.map(|value| (Field::from("email"), value)).into_iter().collect();
    if world.holder(side, &fields, None).is_some() {
        return Act::Nothing;
    }
    let typed = TEXTS.map(|row| (world.edits.number(), row));
    for (id, row) in typed {
        fields.extend(Value::text(format!("v{id} Ann")).map(|value| (field(side, row), value)));
    }
    let record = world.insert(side, Actor::Person, &fields, None);
    for (id, row) in typed {
        note(world, (id, row.0), (side, &record), (Seen::Nothing, Left::Text));
    }
    Act::Created
}

fn note(world: &mut World, (id, row): (EditId, &'static str), (side, record): (Side, &RecordId), (seen, left): (Seen, Left)) {
    let edit = Edit { id, at: world.now, side, record: record.clone(), row, seen, left };
    world.edits.note(edit);
}

/// Returns what somebody sees who looks at a field of a record.
fn look_at(world: &World, side: Side, record: &RecordId, field: &Field) -> Seen {
    let Some(present) = world.sides.of(side).present(record) else { return Seen::Nothing };
    if let Some(value) = present.fields.get(field) {
        let last = present.past.iter().rfind(|(own, ..)| own == field);
        let own = |edit: &&Edit| last.is_none_or(|(.., at, ours)| if *ours { edit.at <= *at } else { edit.record == *record });
        // What was typed here is known; of several edits that left what the bridge brought, the last one until then.
        return Seen::Value(token(value).and_then(|id| world.edits.bearing(id).filter(own).last()).map(|edit| edit.id));
    }
    let emptied = present.past.iter().rfind(|(own, ..)| own == field);
    let (since, by_bridge) = emptied.map_or((present.created, false), |(_, _, at, ours)| (*at, *ours));
    Seen::Empty { since, by_bridge }
}

/// Somebody gives a field a value, or takes it away.
fn fill_in(
    world: &mut World,
    side: Side,
    record: &RecordId,
    row: (&'static str, &'static str),
    (value, left): (Option<Value>, Left),
) -> Act {
    let field = field(side, row);
    let seen = look_at(world, side, record, &field);
    let id = world.edits.number();
    let value = if left == Left::Text { Value::text(format!("v{id} Bo ")) } else { value };
    if !world.change(side, Actor::Person, record, &Patch::from([(field, value)])) {
        return Act::Nothing;
    }
    note(world, (id, row.0), (side, record), (seen, left));
    Act::Edited(side)
}

fn edit(world: &mut World, side: Side) -> Act {
    let Some(record) = any_record(world, side) else { return Act::Nothing };
    let Some(row) = one_of(world, &TEXTS) else { return Act::Nothing };
    fill_in(world, side, &record, row, (None, Left::Text))
}

/// Somebody sets a field back to the last other value it had, whoever gave it that.
fn set_back(world: &mut World, side: Side) -> Act {
    let Some(record) = any_record(world, side) else { return Act::Nothing };
    let Some(row) = one_of(world, &TEXTS) else { return Act::Nothing };
    let field = field(side, row);
    let Some(present) = world.sides.of(side).present(&record) else { return Act::Nothing };
    let now = present.fields.get(&field);
    let earlier = present.past.iter().rfind(|(own, value, ..)| *own == field && value.as_ref() != now);
    let Some(value) = earlier.map(|(_, value, ..)| value.clone()) else { return Act::Nothing };
    let left = value.as_ref().map_or(Some(Left::Nothing), |value| token(value).map(Left::TextOf));
    left.map_or(Act::Nothing, |left| fill_in(world, side, &record, row, (value, left)))
}

fn clear(world: &mut World, side: Side) -> Act {
    let Some(record) = any_record(world, side) else { return Act::Nothing };
    let Some(row) = one_of(world, &TEXTS) else { return Act::Nothing };
    fill_in(world, side, &record, row, (None, Left::Nothing))
}

fn label(world: &mut World, side: Side) -> Act {
    let Some(record) = any_record(world, side) else { return Act::Nothing };
    let mut labels = world.sides.of(side).present(&record).map(|present| labels_of(side, &present.fields)).unwrap_or_default();
    let on = labels.is_empty() || world.rng.random_bool(0.6);
    let label = if on { Some(format!("custom.l{}", world.rng.random_range(0..6))) } else { one_of(world, &labels) };
    let Some(label) = label.filter(|label| labels.contains(label) != on) else { return Act::Nothing };
    labels.retain(|own| *own != label);
    labels.extend(on.then(|| label.clone()));
    let (field, value) = if side == Side::Wix { ("labels", Value::list(labels)) } else { ("wix_labels", Value::text(labels.join(";"))) };
    world.change(side, Actor::Person, &record, &Patch::from([(Field::from(field), value)]));
    let at = world.now;
    world.edits.note_label(Labelling { at, record, label, on });
    Act::Edited(side)
}

fn change_phone(world: &mut World, side: Side) -> Act {
    let Some(record) = any_record(world, side) else { return Act::Nothing };
    let phone = one_of(world, &["(212) 736-5000", "+43 1 58858", "ask for Ada", "212.736.5001", "00 12 34"]);
    let changed = world.change(side, Actor::Person, &record, &Patch::from([(Field::from("phone"), phone.and_then(Value::text))]));
    if changed { Act::Edited(side) } else { Act::Nothing }
}

fn delete(world: &mut World, side: Side) -> Act {
    let Some(record) = any_record(world, side) else { return Act::Nothing };
    world.remove(side, &record, EventKind::Deleted { by_merge: false });
    Act::Ended(side)
}

fn erase(world: &mut World, side: Side) -> Act {
    let Some(record) = any_record(world, side) else { return Act::Nothing };
    let counterpart = world.witness.counterpart(side, &record).cloned();
    world.sides.of_mut(side).erased.insert(record.clone(), counterpart);
    if side == Side::External {
        world.remove(side, &record, EventKind::Deleted { by_merge: false });
    }
    world.remove(side, &record, EventKind::Erased);
    Act::Ended(side)
}

fn merge(world: &mut World, side: Side) -> Act {
    let (Some(winner), Some(loser)) = (any_record(world, side), any_record(world, side)) else { return Act::Nothing };
    if winner == loser {
        return Act::Nothing;
    }
    world.unite(side, &winner, &loser);
    Act::Merged(side)
}
