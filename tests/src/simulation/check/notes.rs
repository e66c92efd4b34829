//! I14: whatever waits for a person is on their list, and nothing else is.

use contact_bridge::model::{
    ids::Side,
    link::{ParkedReason, Slot},
};

use super::{Found, Scene, waits};

pub(super) fn judge(scene: &Scene, found: &mut Found) {
    for link in &scene.links {
        let noted = Side::BOTH.iter().any(|side| scene.note_on(*side, link.id(*side)).is_some());
        let left_alone = waits(link) || !link.rows.is_empty();
        if left_alone && !noted && !scene.is_dead(Side::Wix, link.id(Side::Wix)) {
            found.push(("I14", format!("link {} waits and nobody is told: {:?} {:?}", link.id(Side::Wix), link.held, link.rows)));
        }
    }
    for note in &scene.parked {
        let reason = match (scene.slot(note.side, &note.id), note.reason) {
            (Slot::Linked(link), ParkedReason::Conflict | ParkedReason::FieldSkipped) => waits(&link) || !note.rows.is_empty(),
            (Slot::Linked(_), ParkedReason::ErasureUnclear) | (Slot::Free | Slot::Reserved { .. }, _) => true,
            (Slot::Linked(link), _) => waits(&link),
            (Slot::Gone(_), reason) => {
                matches!(reason, ParkedReason::UnlinkedByMerge | ParkedReason::ErasureUnclear | ParkedReason::CannotDelete)
            }
        };
        let there =
            scene.world.sides.of(note.side).present(&note.id).is_some() || matches!(scene.slot(note.side, &note.id), Slot::Linked(_));
        if (!reason || !there) && !scene.is_dead(note.side, &note.id) {
            found.push(("I14", format!("{} {} waits for nobody: {:?}", note.side, note.id, note.reason)));
        }
    }
}
