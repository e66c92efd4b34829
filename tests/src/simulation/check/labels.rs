//! I2 for lists: what was put on is there, and what was taken off is not, unless somebody did the opposite.

use std::collections::BTreeSet;

use contact_bridge::model::{ids::Side, link::Link};

use super::{Found, Scene, lost::merged_at};
use crate::simulation::{edits::Labelling, records::labels_of};

pub(super) fn judge(scene: &Scene, found: &mut Found) {
    for (link, fields) in scene.pairs() {
        // A merge joins lists anew.
        if merged_at(scene, link) > i64::MIN || scene.is_left_alone(link, "labels") {
            continue;
        }
        let now: BTreeSet<String> = labels_of(Side::Wix, fields.wix).into_iter().collect();
        let former: Vec<(Side, &Labelling)> = former_acts(scene, link).collect();
        for (side, act) in acts(scene, link) {
            let all = acts(scene, link).chain(former.iter().copied());
            let mut others = all.filter(|(_, other)| other.label == act.label && other.on != act.on);
            // An act of the other side may not have been known yet; of two that did not know of each other either may stand.
            let undone = others.any(|(own, other)| own != side || other.at > act.at);
            if now.contains(&act.label) != act.on && !undone {
                let what = if act.on { "put on" } else { "taken off" };
                found.push(("I2", format!("link {}: {} was {what} in vain", link.id(Side::Wix), act.label)));
            }
        }
    }
}

fn acts<'a>(scene: &'a Scene, link: &'a Link) -> impl Iterator<Item = (Side, &'a Labelling)> {
    Side::BOTH.into_iter().flat_map(move |side| scene.world.edits.labellings(link.id(side)).map(move |act| (side, act)))
}

/// What was done to the records that these two were linked with before, as long as they were.
fn former_acts<'a>(scene: &'a Scene, link: &'a Link) -> impl Iterator<Item = (Side, &'a Labelling)> {
    Side::BOTH.into_iter().flat_map(move |side| {
        let partners = scene.world.witness.partners(side.opposite(), link.id(side.opposite())).filter(move |(id, _)| *id != link.id(side));
        partners
            .flat_map(move |(id, until)| scene.world.edits.labellings(id).filter(move |act| act.at <= until).map(move |act| (side, act)))
    })
}
