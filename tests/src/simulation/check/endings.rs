//! I8, I9: what ended has ended on both sides, and stays so.

use contact_bridge::model::{
    ids::{RecordId, Side},
    link::{Cause, Slot},
};

use super::{Found, Scene};

pub(super) fn judge(scene: &Scene, found: &mut Found) {
    for side in Side::BOTH {
        what_ended_is_gone(scene, side, found);
        erasures_are_complete(scene, side, found);
    }
}

/// I8: a record whose link ended by a propagated delete, or by an erasure, is not there, neither still nor again, unless a person is asked.
fn what_ended_is_gone(scene: &Scene, side: Side, found: &mut Found) {
    for id in scene.world.sides.of(side).present_ids() {
        match scene.slot(side, &id) {
            Slot::Gone(tombstone)
                if matches!(tombstone.cause, Cause::Deleted | Cause::Erased | Cause::ErasureUnclear)
                    && scene.note_on(side, &id).is_none() =>
            {
                found.push(("I8", format!("{side} {id} ended as {:?} and is there", tombstone.cause)));
            }
            Slot::Gone(_) | Slot::Linked(_) | Slot::Free | Slot::Reserved { .. } => {}
        }
    }
}

/// I8: whoever was erased on one side is gone on the other, with whom they went into, and has no link, unless a person is asked.
fn erasures_are_complete(scene: &Scene, side: Side, found: &mut Found) {
    let other = side.opposite();
    for (id, counterpart) in scene.world.sides.of(side).erased.iter().filter(|(id, _)| !scene.is_dead(side, id)) {
        let is_linked = matches!(scene.slot(side, id), Slot::Linked(link) if scene.note_on(other, link.id(other)).is_none());
        if is_linked {
            found.push(("I8", format!("{side} {id} was erased and is linked")));
        }
        let own = counterpart.as_ref().map(|own| scene.world.sides.of(other).surviving(own));
        if let Some(own) = own.filter(|own| is_there(scene, other, own) && !is_told_of(scene, other, own) && !scene.is_dead(other, own)) {
            found.push(("I8", format!("{side} {id} was erased and {own} is there")));
        }
    }
}

fn is_there(scene: &Scene, side: Side, id: &RecordId) -> bool {
    scene.world.sides.of(side).present(id).is_some()
}

/// Tells whether a person is asked about a record, or about the link that it has by now.
fn is_told_of(scene: &Scene, side: Side, id: &RecordId) -> bool {
    let of_link = matches!(scene.slot(side, id), Slot::Linked(link) if scene.note_on(side.opposite(), link.id(side.opposite())).is_some());
    of_link || scene.note_on(side, id).is_some()
}
