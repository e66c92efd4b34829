//! What people did: every edit is known, and what its author had seen.

use std::collections::{BTreeMap, BTreeSet};

use contact_bridge::model::{
    field::{Field, Value},
    ids::{RecordId, Side},
};

/// The number of an edit. Every text a person types carries it (`v17 ...`), so a value tells where it comes from.
pub type EditId = u32;

/// One value a person typed, or cleared.
#[derive(Clone, Debug)]
pub struct Edit {
    /// Its number.
    pub id: EditId,
    /// The side.
    pub side: Side,
    /// The record.
    pub record: RecordId,
    /// The field, in the Wix vocabulary.
    pub row: &'static str,
    /// The edit whose value stood there and was seen by the author.
    pub seen: Option<EditId>,
    /// The edit before it of the same field of the same record; filled in when it is noted.
    pub before: Option<EditId>,
    /// Whether the field was cleared.
    pub clears: bool,
}

/// All edits of a history.
#[derive(Debug, Default)]
pub struct Edits {
    all: BTreeMap<EditId, Edit>,
    /// The last edit of each field; ids differ between the sides.
    last: BTreeMap<(RecordId, &'static str), EditId>,
    next: EditId,
}

impl Edits {
    /// Returns the next edit's number.
    pub fn number(&mut self) -> EditId {
        self.next += 1;
        self.next
    }

    /// Notes an edit.
    pub fn note(&mut self, mut edit: Edit) {
        edit.before = self.last.insert((edit.record.clone(), edit.row), edit.id);
        self.all.insert(edit.id, edit);
    }

    /// Returns an edit.
    #[must_use]
    pub fn get(&self, id: EditId) -> Option<&Edit> {
        self.all.get(&id)
    }

    /// Returns all edits.
    pub fn iter(&self) -> impl Iterator<Item = &Edit> {
        self.all.values()
    }

    /// Returns how many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Tells whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Tells whether `later` stands in place of `earlier`: its author had seen it, directly or through others.
    ///
    /// Whoever types into a field of a record has seen what was typed into the same field of the same record before, even where the bridge wrote
    /// over it in between: they chose their value with that field, and its history, in front of them. To bring the earlier one back would undo
    /// what they did.
    #[must_use]
    pub fn has_seen(&self, later: EditId, earlier: EditId) -> bool {
        let (mut open, mut done) = (vec![later], BTreeSet::new());
        while let Some(edit) = open.pop().and_then(|id| self.get(id)) {
            let known = [edit.seen, edit.before].into_iter().flatten().filter(|id| done.insert(*id));
            open.extend(known.filter(|id| *id >= earlier));
        }
        done.contains(&earlier)
    }
}

/// Returns the edit a value comes from.
#[must_use]
pub fn token(value: &Value) -> Option<EditId> {
    let text = value.elements().first()?;
    let digits: String = text.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// Returns the edit a record's field comes from.
#[must_use]
pub fn token_of(fields: &BTreeMap<Field, Value>, field: &Field) -> Option<EditId> {
    fields.get(field).and_then(token)
}
