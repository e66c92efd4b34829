//! I6, I7, I14: links are one to one, nobody was made twice, nobody is left behind.

use std::collections::{BTreeMap, BTreeSet};

use contact_bridge::model::{
    ids::{RecordId, Side},
    link::Slot,
};

use super::{Found, Scene};

pub(super) fn judge(scene: &Scene, found: &mut Found) {
    for side in Side::BOTH {
        one_to_one(scene, side, found);
        made_once(scene, side, found);
        none_left_behind(scene, side, found);
    }
    for link in scene.judged() {
        if link.intent.is_some() || link.held.is_some() {
            found.push(("I14", format!("link {} is still being worked on: {:?}", link.id(Side::Wix), link.held)));
        }
    }
}

/// I6: no record is in two links, and each leads to its own.
fn one_to_one(scene: &Scene, side: Side, found: &mut Found) {
    let mut seen = BTreeSet::new();
    for link in &scene.links {
        if !seen.insert(link.id(side)) {
            found.push(("I6", format!("{side} {} is in two links", link.id(side))));
        }
        match scene.slot(side, link.id(side)) {
            Slot::Linked(own) if own.id(side.opposite()) == link.id(side.opposite()) => {}
            _ => found.push(("I6", format!("{side} {} does not lead to its link", link.id(side)))),
        }
    }
}

/// I7: the bridge makes at most one counterpart of a record, even if it crashes after a create.
fn made_once(scene: &Scene, side: Side, found: &mut Found) {
    let mut made: BTreeMap<&RecordId, u32> = BTreeMap::new();
    let vendor = scene.world.sides.of(side);
    // One that a person deleted or merged before its link was stored cannot be known of.
    for (_, record) in vendor.records.iter().filter(|(id, record)| !record.deleted || vendor.deleted_by_bridge.contains(*id)) {
        if let Some(source) = &record.made_for {
            *made.entry(source).or_default() += 1;
        }
    }
    for (source, times) in made.into_iter().filter(|(_, times)| *times > 1) {
        found.push(("I7", format!("{times} counterparts were made of {} {source}", side.opposite())));
    }
}

/// I14: every record is linked, or ended, or somebody is told of it.
fn none_left_behind(scene: &Scene, side: Side, found: &mut Found) {
    for id in scene.world.sides.of(side).present_ids() {
        let accounted = match scene.slot(side, &id) {
            Slot::Linked(_) | Slot::Gone(_) => true,
            Slot::Free | Slot::Reserved { .. } => scene.note_on(side, &id).is_some() || scene.is_dead(side, &id),
        };
        if !accounted {
            found.push(("I14", format!("{side} {id} is neither linked nor reported")));
        }
    }
}
