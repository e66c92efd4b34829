//! What people did: every edit is known, and what its author had seen.

use std::collections::{BTreeMap, BTreeSet};

use contact_bridge::model::{
    field::{Field, Fields, Value},
    ids::{RecordId, Side},
};

/// The number of an edit. Every text a person types carries it (`v17 ...`), so a value tells where it comes from.
pub type EditId = u32;

/// What an author had before them in the field.
#[derive(Clone, Copy, Debug)]
pub enum Seen {
    /// Nothing yet: they made the record.
    Nothing,
    /// The value of this edit.
    Value(Option<EditId>),
    /// An empty field.
    Empty {
        /// Since when it was empty.
        since: i64,
        /// Whether the bridge had emptied it, for somebody on the other side.
        by_bridge: bool,
    },
}

/// What an edit left in the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// A new text.
    Text,
    /// The text of an earlier edit: its author set it back.
    TextOf(EditId),
    /// Nothing.
    Nothing,
}

/// One value a person typed, set back, or cleared.
#[derive(Clone, Debug)]
pub struct Edit {
    /// Its number.
    pub id: EditId,
    /// When, by the world's clock.
    pub at: i64,
    /// The side.
    pub side: Side,
    /// The record.
    pub record: RecordId,
    /// The field, in the Wix vocabulary.
    pub row: &'static str,
    /// What the author had seen.
    pub seen: Seen,
    /// What stands there since.
    pub left: Left,
}

/// One label a person put on a record, or took away.
#[derive(Clone, Debug)]
pub struct Labelling {
    /// When, by the world's clock.
    pub at: i64,
    /// The record.
    pub record: RecordId,
    /// The label.
    pub label: String,
    /// Whether it was put on.
    pub on: bool,
}

/// All edits of a history. Ids of records differ between the sides.
#[derive(Debug, Default)]
pub struct Edits {
    all: BTreeMap<EditId, Edit>,
    /// The edit before each, of the same field of the same record.
    before: BTreeMap<EditId, EditId>,
    last: BTreeMap<(RecordId, &'static str), EditId>,
    labellings: Vec<Labelling>,
    next: EditId,
}

impl Edits {
    /// Returns the next edit's number.
    pub fn number(&mut self) -> EditId {
        self.next += 1;
        self.next
    }

    /// Notes an edit.
    pub fn note(&mut self, edit: Edit) {
        if let Some(before) = self.last.insert((edit.record.clone(), edit.row), edit.id) {
            self.before.insert(edit.id, before);
        }
        self.all.insert(edit.id, edit);
    }

    /// Notes that a label was put on or taken away.
    pub fn note_label(&mut self, labelling: Labelling) {
        self.labellings.push(labelling);
    }

    /// Returns all edits.
    pub fn iter(&self) -> impl Iterator<Item = &Edit> {
        self.all.values()
    }

    /// Returns what became of labels on a record.
    pub fn labellings<'a>(&'a self, record: &'a RecordId) -> impl Iterator<Item = &'a Labelling> {
        self.labellings.iter().filter(move |labelling| labelling.record == *record)
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

    /// Returns the edits that left the text of `id` behind, oldest first.
    pub fn bearing(&self, id: EditId) -> impl Iterator<Item = &Edit> {
        let later = self.all.range(id..).map(|(_, edit)| edit);
        later.filter(move |edit| edit.id == id && edit.left == Left::Text || edit.left == Left::TextOf(id))
    }

    /// Tells whether `later` stands in place of `earlier`: its author had seen it, directly or through others.
    ///
    /// Whoever types into a field of a record has seen what was typed into the same field of the same record before, even where the bridge wrote
    /// over it in between: they chose their value with that field, and its history, in front of them. To bring the earlier one back would undo
    /// what they did.
    #[must_use]
    pub fn has_seen(&self, later: EditId, earlier: EditId) -> bool {
        self.seen(later, earlier, false).contains(&earlier)
    }

    /// The same, if who sees an empty field also knows that somebody emptied it on the other side before: both had the same there.
    #[must_use]
    pub fn may_have_seen(&self, later: EditId, earlier: EditId) -> bool {
        self.seen(later, earlier, true).contains(&earlier)
    }

    /// Returns the edits that others stand in place of.
    #[must_use]
    pub fn superseded(&self, by: &[&Edit]) -> BTreeSet<EditId> {
        let oldest = by.iter().map(|edit| edit.id).min().unwrap_or_default();
        by.iter().flat_map(|edit| self.seen(edit.id, oldest, false)).collect()
    }

    /// Returns what the author of an edit had seen, directly or through others, back to `since`.
    fn seen(&self, later: EditId, since: EditId, everywhere: bool) -> BTreeSet<EditId> {
        let (mut open, mut done) = (vec![later], BTreeSet::new());
        while let Some(edit) = open.pop().and_then(|id| self.all.get(&id)) {
            let new = self.seen_by(edit, everywhere).filter(|id| *id >= since && done.insert(*id));
            open.extend(new.collect::<Vec<_>>());
        }
        done
    }

    /// Tells whether an edit stands in place of an empty field.
    #[must_use]
    pub fn has_seen_empty(&self, later: EditId) -> bool {
        let all = self.seen(later, 0, true).into_iter().chain([later]);
        all.filter_map(|id| self.all.get(&id)).any(|edit| matches!(edit.seen, Seen::Empty { .. }))
    }

    fn seen_by<'a>(&'a self, edit: &'a Edit, everywhere: bool) -> impl Iterator<Item = EditId> + 'a {
        let value = if let Seen::Value(seen) = edit.seen { seen } else { None };
        let knows =
            move |own: &&Edit| matches!(edit.seen, Seen::Empty { since, by_bridge } if own.at <= since && (everywhere || by_bridge));
        let cleared = move |own: &&Edit| own.left == Left::Nothing && knows(own);
        let cleared = self.all.range(..edit.id).map(|(_, own)| own).filter(cleared).filter(|own| own.row == edit.row).map(|own| own.id);
        [value, self.before.get(&edit.id).copied()].into_iter().flatten().chain(cleared)
    }
}

/// Returns the edit a value comes from.
#[must_use]
pub fn token(value: &Value) -> Option<EditId> {
    let text = value.elements().first()?;
    let digits = text.trim_start_matches(|c: char| !c.is_ascii_digit());
    digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Returns the edit a record's field comes from.
#[must_use]
pub fn token_of(fields: &Fields, field: &Field) -> Option<EditId> {
    fields.get(field).and_then(token)
}
