//! I2: every edit is in the end state, or superseded by one that had seen it, or by the conflict rule, or parked.

use contact_bridge::model::{
    field::{Field, Value},
    ids::{RecordId, Side},
    link::Link,
    site::OnConflict,
};

use super::{Found, Scene};
use crate::simulation::{
    edits::{Edit, EditId, Left, token, token_of},
    people::{TEXTS, field},
};

pub(super) fn judge(scene: &Scene, found: &mut Found) {
    for (link, fields) in scene.pairs() {
        for row in TEXTS.into_iter().filter(|row| !scene.is_left_alone(link, row.0)) {
            let judgement = Judgement { scene, link, row };
            if let Some(lost) = judgement.lost_edit(token_of(fields.wix, &Field::from(row.0))) {
                found.push(("I2", format!("link {} row {}: edit {lost} is lost", link.id(Side::Wix), row.0)));
            }
        }
    }
}

/// When records last went into one of a link, or of those they were linked with before: whoever merged them had seen all that was there. What
/// became of it is left to the vendor.
pub(super) fn merged_at(scene: &Scene, link: &Link) -> i64 {
    let world = scene.world;
    let merged = |side: Side, id: &RecordId| world.sides.of(side).merged_at.get(id).copied();
    let own = Side::BOTH.into_iter().filter_map(|side| merged(side, link.id(side)));
    let former = Side::BOTH.into_iter().flat_map(|side| {
        let partners = world.witness.partners(side, link.id(side));
        partners.filter_map(move |(id, until)| merged(side.opposite(), id).filter(|at| *at <= until))
    });
    own.chain(former).max().unwrap_or(i64::MIN)
}

/// One row of one link.
struct Judgement<'a> {
    scene: &'a Scene<'a>,
    link: &'a Link,
    row: (&'static str, &'static str),
}

impl Judgement<'_> {
    /// Returns an edit that is lost, where this is the edit whose text stands at the end.
    fn lost_edit(&self, last: Option<EditId>) -> Option<EditId> {
        let since = merged_at(self.scene, self.link);
        let own = |edit: &&Edit| edit.row == self.row.0 && edit.at > since && edit.record == *self.link.id(edit.side);
        let own: Vec<&Edit> = self.scene.world.edits.iter().filter(own).collect();
        let last: Vec<&Edit> = match last {
            Some(text) => self.scene.world.edits.bearing(text).collect(),
            None => self.with_former(&own).into_iter().chain(self.before(since)).filter(|edit| edit.left == Left::Nothing).collect(),
        };
        // Whoever saw an edit and changed it has done away with it, even if theirs gave way to yet another.
        let superseded = self.scene.world.edits.superseded(&self.with_former(&own));
        let open: Vec<&Edit> = own.iter().copied().filter(|edit| !superseded.contains(&edit.id)).collect();
        let lost_to = |last: &Edit| open.iter().find(|edit| !self.gives_way(edit, last)).map(|edit| edit.id);
        // Several edits may have left what stands there; one of them must be able to stand for it.
        let mut lost = last.into_iter().map(lost_to);
        match lost.next() {
            None => open.first().map(|edit| edit.id),
            Some(first) => lost.fold(first, Option::and),
        }
    }

    /// Returns what still stood of the edits up to an instant: a merge on one side does not touch what was done on the other.
    fn before(&self, instant: i64) -> impl Iterator<Item = &Edit> {
        let is_own = |edit: &&Edit| edit.row == self.row.0 && edit.record == *self.link.id(edit.side);
        let all: Vec<&Edit> = self.scene.world.edits.iter().filter(is_own).collect();
        let superseded = self.scene.world.edits.superseded(&all);
        all.into_iter().filter(move |edit| edit.at <= instant && !superseded.contains(&edit.id))
    }

    /// Adds what was typed into the records that these two were linked with before, as long as they were.
    fn with_former<'a>(&'a self, own: &[&'a Edit]) -> Vec<&'a Edit> {
        let is_former = |edit: &&Edit| {
            let side = edit.side.opposite();
            let mut partners = self.scene.world.witness.partners(side, self.link.id(side));
            edit.row == self.row.0 && partners.any(|(id, until)| *id == edit.record && edit.at <= until && *id != *self.link.id(edit.side))
        };
        own.iter().copied().chain(self.scene.world.edits.iter().filter(is_former)).collect()
    }

    /// Tells whether an edit rightly gave way to the last one.
    fn gives_way(&self, edit: &Edit, last: &Edit) -> bool {
        let edits = &self.scene.world.edits;
        let stands = edit.id == last.id || edit.left == Left::Nothing && last.left == Left::Nothing;
        let is_seen = stands || edits.may_have_seen(last.id, edit.id) || self.came_to_nothing(edit, last);
        is_seen
            || self.was_the_same(edit, last)
            || (!edits.has_seen(edit.id, last.id) && self.loses(edit, last))
            || self.was_apart(edit, last)
    }

    /// Tells whether an edit was made while the two were not linked any more, and yet again: when they are, it is a first time once more, and
    /// whatever its author had seen of the other record says nothing.
    fn was_apart(&self, edit: &Edit, last: &Edit) -> bool {
        self.scene.world.witness.were_apart(self.link, edit.at) && (self.is_of_record(edit, last) || edit.left == Left::Nothing)
    }

    /// Tells whether the system of record lets an edit give way to another.
    fn is_of_record(&self, edit: &Edit, last: &Edit) -> bool {
        Some(edit.side) != self.scene.site.system_of_record || Some(last.side) == self.scene.site.system_of_record
    }

    /// Tells whether an edit made what stood on the other side already, and the last author saw that later.
    fn was_the_same(&self, edit: &Edit, last: &Edit) -> bool {
        let at = |side, instant| self.past(side).into_iter().rfind(|(_, at)| *at <= instant).and_then(|(value, _)| value);
        let edits = &self.scene.world.edits;
        let left = at(edit.side, edit.at);
        let is_seen = match left {
            Some(text) => edits.bearing(text).any(|own| edits.may_have_seen(last.id, own.id)),
            None => edits.has_seen_empty(last.id),
        };
        last.at > edit.at && at(edit.side.opposite(), edit.at) == left && is_seen
    }

    /// Tells whether an edit set a field back to a value that the last author had seen, before anything of what stood in between came to the
    /// other side: there it is as if nobody had touched the field.
    fn came_to_nothing(&self, edit: &Edit, last: &Edit) -> bool {
        let own = self.past(edit.side);
        let Some(before) = own.iter().position(|(_, at)| *at == edit.at).and_then(|at| own.get(..=at)) else { return false };
        let Some(((now, _), before)) = before.split_last() else { return false };
        let created = now.is_none().then_some((i64::MIN, before));
        let set_back = before.iter().enumerate().filter(|(_, (value, _))| value == now);
        let known = |since| self.known_since(edit.side, *now, since);
        let mut earlier = set_back.map(|(nth, (_, since))| (known(*since), before.get(nth + 1..).unwrap_or_default())).chain(created);
        let edits = &self.scene.world.edits;
        let is_seen = match now {
            Some(text) => edits.bearing(*text).take_while(|own| own.at < edit.at).any(|own| edits.may_have_seen(last.id, own.id)),
            None => edits.has_seen_empty(last.id),
        };
        // Who merged records had seen what was typed by then, wherever it had come to.
        let merged = merged_at(self.scene, self.link);
        let is_merged = now.is_some_and(|text| edits.bearing(text).any(|own| own.at <= merged));
        earlier.any(|(since, between)| !self.came_over(edit.side, between) && (is_seen || is_merged || since <= merged))
    }

    /// Returns since when a value is known that a side has had since then: if the bridge brought it, since it stood on the other side.
    fn known_since(&self, side: Side, value: Option<EditId>, since: i64) -> i64 {
        if !self.written(side).contains(&(value, since)) {
            return since;
        }
        self.past(side.opposite()).into_iter().rfind(|(own, at)| *own == value && *at <= since).map_or(since, |(_, at)| at)
    }

    /// Tells whether the bridge wrote any of a side's values to the other.
    fn came_over(&self, side: Side, values: &[(Option<EditId>, i64)]) -> bool {
        let written = self.written(side.opposite());
        values.iter().any(|(value, since)| written.iter().any(|(own, at)| own == value && at >= since))
    }

    /// Returns where the values came from that the row had on a side, and since when.
    fn past(&self, side: Side) -> Vec<(Option<EditId>, i64)> {
        self.values(side).map(|(value, at, _)| (value, at)).collect()
    }

    /// Returns those of them that the bridge wrote.
    fn written(&self, side: Side) -> Vec<(Option<EditId>, i64)> {
        self.values(side).filter(|(.., ours)| *ours).map(|(value, at, _)| (value, at)).collect()
    }

    fn values(&self, side: Side) -> impl Iterator<Item = (Option<EditId>, i64, bool)> {
        let field = field(side, self.row);
        let record = self.scene.world.sides.of(side).records.get(self.link.id(side));
        let past = record.into_iter().flat_map(|record| &record.past).filter(move |(own, ..)| *own == field);
        past.map(|(_, value, at, ours)| (value.as_ref().and_then(|value: &Value| token(value)), *at, *ours))
    }

    /// Tells whether the conflict rule lets an edit lose to one that did not know of it: the system of record wins; the first time, what is
    /// filled wins over what is empty. Where people decide, nothing but the first merge goes by the rule.
    fn loses(&self, edit: &Edit, last: &Edit) -> bool {
        let mut rows = self.scene.running.contacts.mapping.rows().iter();
        let row = rows.find(|row| row.field(Side::Wix).as_str() == self.row.0);
        let agreed = row.and_then(|row| self.scene.world.witness.agreed_at(self.link, row.id()));
        let is_first = agreed.is_none_or(|agreed| edit.at <= agreed);
        let record_wins = self.is_of_record(edit, last);
        match self.scene.site.on_conflict {
            _ if is_first => record_wins || edit.left == Left::Nothing,
            OnConflict::SystemOfRecord => record_wins,
            OnConflict::Park => false,
        }
    }
}
