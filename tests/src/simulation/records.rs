//! What happens to a vendor's records, whoever does it: ids, versions, uniqueness, normalisation, merges, and the events they raise.

use contact_bridge::model::{
    contact::Contact,
    event::{EventKind, FieldChange},
    field::{Field, Fields, Patch, Value},
    ids::{RecordId, Side},
    normal,
};
use jiff::Timestamp;

use super::{
    edits::{EditId, token},
    world::{Record, World},
};

/// Who changes a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A person.
    Person,
    /// The bridge.
    Bridge,
}

/// What a vendor makes of a value: the CRM lower-cases e-mails and last names, and trims.
fn normalise(side: Side, field: &Field, value: Value) -> Value {
    match (side, field.as_str(), value) {
        (Side::External, "email" | "lastname", Value::Text(text)) => Value::Text(text.trim().to_lowercase()),
        (Side::External, _, Value::Text(text)) => Value::Text(text.trim().to_owned()),
        (_, _, value) => value,
    }
}

/// Returns the e-mail of a record of either side, as it is compared.
pub(super) fn email_of(fields: &Fields) -> Option<String> {
    fields.get(&Field::from("email")).and_then(Value::as_text).map(normal::email)
}

/// Returns the labels of a record of either side, whatever their order.
pub(super) fn labels_of(side: Side, fields: &Fields) -> Vec<String> {
    let value = fields.get(&Field::from(if side == Side::Wix { "labels" } else { "wix_labels" }));
    let mut labels: Vec<String> = match value {
        Some(Value::Text(text)) => text.split(';').map(|item| item.trim().to_owned()).collect(),
        Some(Value::List(items)) => items.clone(),
        None => Vec::new(),
    };
    labels.sort();
    labels
}

/// Returns what a phone number is compared by, unless it is only words.
pub(super) fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// What the trace tells of values: where they come from.
fn tokens<'a>(fields: impl Iterator<Item = (&'a Field, Option<&'a Value>)>) -> Vec<(&'a str, Option<EditId>)> {
    fields.map(|(field, value)| (field.as_str(), value.and_then(token))).collect()
}

impl World {
    /// Returns the record that holds an e-mail already.
    #[must_use]
    pub fn holder(&self, side: Side, fields: &Fields, but: Option<&RecordId>) -> Option<RecordId> {
        let email = email_of(fields)?;
        let holds =
            |(id, record): &(&RecordId, &Record)| !record.deleted && Some(*id) != but && email_of(&record.fields).as_ref() == Some(&email);
        self.sides.of(side).records.iter().find(holds).map(|(id, _)| id.clone())
    }

    /// Makes a record and raises its event.
    pub fn insert(&mut self, side: Side, actor: Actor, fields: &Fields, counterpart: Option<&RecordId>) -> RecordId {
        let now = self.now;
        let vendor = self.sides.of_mut(side);
        vendor.ids += 1;
        let id = RecordId::new(format!("{}{}", if side == Side::Wix { 'w' } else { 'e' }, vendor.ids));
        let values: Fields = fields.iter().map(|(field, value)| (field.clone(), normalise(side, field, value.clone()))).collect();
        let past = values.iter().map(|(field, value)| (field.clone(), Some(value.clone()), now, actor == Actor::Bridge)).collect();
        let record = Record {
            fields: values,
            counter: 1,
            created: now,
            updated: now,
            counterpart: counterpart.cloned(),
            deleted: false,
            past,
            made_for: counterpart.filter(|_| actor == Actor::Bridge).cloned(),
        };
        vendor.records.insert(id.clone(), record);
        self.count_write(side, actor);
        let values = tokens(fields.iter().map(|(field, value)| (field, Some(value))));
        self.trace((actor, "insert", side, id.as_str(), counterpart.map(RecordId::as_str), values));
        self.raise(side, &id, EventKind::Created);
        id
    }

    /// Changes a record and raises its event, of Wix even if no value differs; tells whether one did.
    pub fn change(&mut self, side: Side, actor: Actor, id: &RecordId, patch: &Patch) -> bool {
        self.now += 1;
        let now = self.now;
        let Some(record) = self.sides.of_mut(side).records.get_mut(id) else { return false };
        let mut changes = Vec::new();
        for (field, value) in patch {
            let value = value.clone().map(|value| normalise(side, field, value));
            if record.fields.get(field) == value.as_ref() {
                continue;
            }
            record.past.push((field.clone(), value.clone(), now, actor == Actor::Bridge));
            changes.push(FieldChange {
                field: field.as_str().to_owned(),
                at: Timestamp::from_millisecond(now).unwrap_or_default(),
                ours: actor == Actor::Bridge,
            });
            match value {
                Some(value) => record.fields.insert(field.clone(), value),
                None => record.fields.remove(field),
            };
        }
        let changed = !changes.is_empty();
        if !changed && side == Side::External {
            return false;
        }
        record.counter += 1;
        record.updated = now;
        self.count_write(side, actor);
        self.trace((actor, "change", side, id.as_str(), tokens(patch.iter().map(|(field, value)| (field, value.as_ref())))));
        let changes = if side == Side::External { changes } else { Vec::new() };
        self.raise(side, id, EventKind::Updated { changes });
        changed
    }

    /// Deletes a record and raises its event.
    pub fn remove(&mut self, side: Side, id: &RecordId, kind: EventKind) {
        if let Some(record) = self.sides.of_mut(side).records.get_mut(id) {
            record.deleted = true;
            record.updated = self.now;
        }
        self.trace(("remove", side, id.as_str()));
        self.raise(side, id, kind);
    }

    /// Merges one record into another, as both vendors do: empty fields are filled, lists joined; the loser's id leads to the winner.
    pub fn unite(&mut self, side: Side, winner: &RecordId, loser: &RecordId) {
        self.now += 1;
        let now = self.now;
        let Some(lost) = self.sides.of(side).present(loser).cloned() else { return };
        if let Some(record) = self.sides.of_mut(side).records.get_mut(winner) {
            for (field, value) in lost.fields {
                let merged = match (record.fields.get(&field), &value) {
                    (Some(Value::List(own)), Value::List(other)) => {
                        let new = other.iter().filter(|item| !own.contains(item)).cloned();
                        Some(Value::List(own.iter().cloned().chain(new).collect()))
                    }
                    (Some(_), _) => None,
                    (None, _) => Some(value),
                };
                if let Some(value) = merged {
                    record.past.push((field.clone(), Some(value.clone()), now, false));
                    record.fields.insert(field, value);
                }
            }
            record.counter += 1;
            record.updated = now;
        }
        let vendor = self.sides.of_mut(side);
        if let Some(record) = vendor.records.get_mut(loser) {
            record.deleted = true;
        }
        vendor.merged.insert(loser.clone(), winner.clone());
        vendor.merged_at.insert(winner.clone(), now);
        self.trace(("merge", side, winner.as_str(), loser.as_str()));
        self.raise(side, winner, EventKind::Merged { from: vec![loser.clone()] });
        if side == Side::Wix {
            self.raise(side, winner, EventKind::Updated { changes: Vec::new() });
            self.raise(side, loser, EventKind::Deleted { by_merge: true });
        }
    }

    /// Counts a write by the bridge.
    pub(super) fn count_write(&mut self, side: Side, actor: Actor) {
        self.sides.of_mut(side).writes += u32::from(actor == Actor::Bridge);
    }

    /// I17: the bridge does not write a value in another spelling over the one a person typed.
    pub(super) fn saw_update(&mut self, side: Side, read: &Contact, patch: &Patch) {
        let id = &read.id;
        let Some(record) = self.sides.of(side).present(id) else { return };
        let respelt = patch.iter().find(|(field, value)| {
            let (Some(old), Some(new)) = (record.fields.get(*field), value.as_ref()) else { return false };
            // One that was typed after the bridge had read the record it cannot know of.
            if read.fields.get(*field) != Some(old) || self.stood_when_linked_again(side, (id, record), field) {
                return false;
            }
            let new = normalise(side, field, new.clone());
            *old != new && self.is_respelt(side, field, old, &new)
        });
        if let Some((field, _)) = respelt {
            let what = format!("{side} {id}: {field} is written in another spelling");
            self.violation("I17", what);
        }
    }

    /// Tells whether a value was there when its record was linked once more with whom it had lost its link to: what the two had agreed on is
    /// forgotten, and the system of record is first in its spelling too.
    fn stood_when_linked_again(&self, side: Side, (id, record): (&RecordId, &Record), field: &Field) -> bool {
        let since = record.past.iter().rfind(|(own, ..)| own == field).map(|(_, _, at, _)| *at);
        self.witness.linked_again_at(side, id).is_some_and(|linked| since.is_some_and(|since| since <= linked))
    }

    fn is_respelt(&self, side: Side, field: &Field, old: &Value, new: &Value) -> bool {
        let own = |value: &Value| Fields::from([(field.clone(), value.clone())]);
        match field.as_str() {
            "labels" | "wix_labels" => labels_of(side, &own(old)) == labels_of(side, &own(new)),
            "email" => email_of(&own(old)) == email_of(&own(new)),
            "phone" => {
                let [old, new] = [old, new].map(|value| digits(value.as_text().unwrap_or_default()));
                !old.is_empty() && !new.is_empty() && (old.ends_with(&new) || new.ends_with(&old))
            }
            // A text set back may have been set back on both sides at once, in each side's spelling.
            _ => token(old).is_some_and(|id| token(new) == Some(id) && self.edits.bearing(id).count() == 1),
        }
    }
}
