//! I2: every edit is in the end state, or superseded by one that had seen it, or by the conflict rule, or parked.

use contact_bridge::model::{field::Field, ids::Side, link::Link, site::OnConflict};

use super::{Found, Scene};
use crate::simulation::{
    edits::{Edit, EditId, Left, token_of},
    people::TEXTS,
};

pub(super) fn judge(scene: &Scene, found: &mut Found) {
    for (link, fields) in scene.pairs() {
        for (row, _) in TEXTS.iter().filter(|(row, _)| !scene.is_left_alone(link, row)) {
            let judgement = Judgement { scene, link, row };
            if let Some(lost) = judgement.lost_edit(token_of(fields.wix, &Field::from(*row))) {
                found.push(("I2", format!("link {} row {row}: edit {lost} is lost", link.id(Side::Wix))));
            }
        }
    }
}

/// When records last went into one of a link: whoever merged them had seen all that was there. What became of it is left to the vendor.
pub(super) fn merged_at(scene: &Scene, link: &Link) -> i64 {
    Side::BOTH.iter().filter_map(|side| scene.world.sides.of(*side).merged_at.get(link.id(*side))).max().copied().unwrap_or(i64::MIN)
}

/// One row of one link.
struct Judgement<'a> {
    scene: &'a Scene<'a>,
    link: &'a Link,
    row: &'a str,
}

impl Judgement<'_> {
    /// Returns an edit that is lost, where this is the edit whose text stands at the end.
    fn lost_edit(&self, last: Option<EditId>) -> Option<EditId> {
        let since = merged_at(self.scene, self.link);
        let own = |edit: &&Edit| edit.row == self.row && edit.at > since && edit.record == *self.link.id(edit.side);
        let own: Vec<&Edit> = self.scene.world.edits.iter().filter(own).collect();
        let last: Vec<&Edit> = match last {
            Some(text) => self.scene.world.edits.bearing(text).collect(),
            None => own.iter().copied().filter(|edit| edit.left == Left::Nothing).collect(),
        };
        let lost_to = |last: &Edit| own.iter().find(|edit| !self.gives_way(edit, last)).map(|edit| edit.id);
        // Several edits may have left what stands there; one of them must be able to stand for it.
        let mut lost = last.into_iter().map(lost_to);
        match lost.next() {
            None => own.first().map(|edit| edit.id),
            Some(first) => lost.fold(first, Option::and),
        }
    }

    /// Tells whether an edit rightly gave way to the last one.
    fn gives_way(&self, edit: &Edit, last: &Edit) -> bool {
        let edits = &self.scene.world.edits;
        edit.id == last.id || edits.has_seen(last.id, edit.id) || (!edits.has_seen(edit.id, last.id) && self.loses(edit, last))
    }

    /// Tells whether the conflict rule lets an edit lose to one that did not know of it: the system of record wins; the first time, what is
    /// filled wins over what is empty. Where people decide, nothing but the first merge goes by the rule.
    fn loses(&self, edit: &Edit, last: &Edit) -> bool {
        let is_first = self.scene.world.witness.agreed_at(self.link).is_none_or(|agreed| edit.at <= agreed);
        let record_wins = Some(edit.side) != self.scene.site.system_of_record || Some(last.side) == self.scene.site.system_of_record;
        match self.scene.site.on_conflict {
            _ if is_first => record_wins || edit.left == Left::Nothing,
            OnConflict::SystemOfRecord => record_wins,
            OnConflict::Park => false,
        }
    }
}
