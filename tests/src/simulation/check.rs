//! The judgement of a history that came to rest, by one who saw every edit.

use std::collections::{BTreeMap, BTreeSet};

use contact_bridge::model::{
    field::{Field, Fields},
    ids::{RecordId, Side},
    link::{Link, Parked, Slot},
};

use super::{
    edits::{Edits, token_of},
    executor::Task,
    history::Running,
    people,
    world::{EPOCH, World, lock},
};

fn now<T: 'static>(future: impl Future<Output = T> + 'static) -> T {
    let mut task = Task::new(future);
    loop {
        if let Some(result) = task.step() {
            return result;
        }
    }
}

/// What the checker reads of the store.
struct Sight {
    links: Vec<Link>,
    parked: Vec<Parked>,
}

fn look(running: &Running) -> Sight {
    let (links, site) = (running.links.clone(), running.site.site.clone());
    now(async move {
        let parked = links.parked(&site).await.unwrap_or_default();
        let mut all: Vec<Link> = Vec::new();
        loop {
            let after = all.last().map(|link| link.id(Side::Wix).clone());
            let page = links.list_links(&site, after.as_ref()).await.unwrap_or_default();
            if page.is_empty() {
                return Sight { links: all, parked };
            }
            all.extend(page);
        }
    })
}

fn slot(running: &Running, side: Side, id: &RecordId) -> Slot {
    let (links, site, id) = (running.links.clone(), running.site.site.clone(), id.clone());
    now(async move { links.look_up(&site, side, &id).await.unwrap_or(Slot::Free) })
}

/// Judges a history at rest.
pub fn at_rest(running: &Running) {
    let sight = look(running);
    let mut found = Vec::new();
    converged(running, &sight, &mut found);
    no_edit_is_lost(running, &sight, &mut found);
    links_are_one_to_one(running, &sight, &mut found);
    nobody_is_made_twice(running, &mut found);
    nobody_is_left_behind(running, &sight, &mut found);
    the_erased_are_forgotten(running, &mut found);
    deletes_have_a_reason(running, &mut found);
    let mut world = lock(&running.world);
    for (invariant, what) in found {
        world.violation(invariant, what);
    }
}

/// Judges a history after every event was delivered once more: nothing may have been written.
pub fn after_replay(running: &Running, writes: u32) {
    let again = running.writes() - writes;
    let mut world = lock(&running.world);
    if again > 0 {
        world.violation("I4", format!("{again} writes for events that were dealt with"));
    }
}

type Found = Vec<(&'static str, String)>;

/// I1: linked, mapped, not conflicting rows are equal on both sides.
fn converged(running: &Running, sight: &Sight, found: &mut Found) {
    let world = lock(&running.world);
    for link in sight.links.iter().filter(|link| link.held.is_none()) {
        let Some((wix, external)) = both(&world, link) else {
            found.push(("I1", format!("link {} has only one record", link.id(Side::Wix))));
            continue;
        };
        for row in running.contacts.mapping.rows() {
            if link.rows.contains_key(row.id()) {
                continue;
            }
            let converted = row.convert(Side::External, row.read(Side::Wix, wix).as_ref());
            let equal = converted.is_ok_and(|value| row.same(Side::External, value.as_ref(), row.read(Side::External, external).as_ref()));
            let back = row.convert(Side::Wix, row.read(Side::External, external).as_ref());
            let equal = equal || back.is_ok_and(|value| row.same(Side::Wix, value.as_ref(), row.read(Side::Wix, wix).as_ref()));
            let normalised = people::TEXTS.iter().any(|(field, _)| *field == row.field(Side::Wix).as_str())
                && token_of(wix, row.field(Side::Wix)) == token_of(external, row.field(Side::External));
            if !equal && !normalised {
                found.push(("I1", format!("link {} row {} differs", link.id(Side::Wix), row.id())));
            }
        }
    }
}

fn both<'a>(world: &'a World, link: &Link) -> Option<(&'a Fields, &'a Fields)> {
    let wix = world.sides.wix.present(link.id(Side::Wix))?;
    let external = world.sides.external.present(link.id(Side::External))?;
    Some((&wix.fields, &external.fields))
}

/// I2: every edit is in the end state, or superseded by one that had seen it, or by the conflict rule, or parked.
fn no_edit_is_lost(running: &Running, sight: &Sight, found: &mut Found) {
    let world = lock(&running.world);
    for link in sight.links.iter().filter(|link| link.held.is_none()) {
        let Some((wix, _)) = both(&world, link) else { continue };
        if touched_by_merge(&world, link) {
            continue;
        }
        for row in people::TEXTS {
            let parked = running
                .contacts
                .mapping
                .rows()
                .iter()
                .any(|own| own.field(Side::Wix).as_str() == row.0 && link.rows.contains_key(own.id()));
            if parked || reported_conflict(sight, link) {
                continue;
            }
            if let Some(lost) = lost_edit(running, &world.edits, link, row.0, token_of(wix, &Field::from(row.0))) {
                found.push(("I2", format!("link {} row {}: edit {lost} is lost", link.id(Side::Wix), row.0)));
            }
        }
    }
}

fn reported_conflict(sight: &Sight, link: &Link) -> bool {
    sight.parked.iter().any(|parked| &parked.id == link.id(parked.side))
}

fn touched_by_merge(world: &World, link: &Link) -> bool {
    Side::BOTH.iter().any(|side| {
        let merged = &world.sides.of(*side).merged;
        merged.contains_key(link.id(*side)) || merged.values().any(|winner| winner == link.id(*side))
    })
}

fn lost_edit(running: &Running, edits: &Edits, link: &Link, row: &str, last: Option<u32>) -> Option<u32> {
    let own: Vec<_> = edits.iter().filter(|edit| edit.row == row && &edit.record == link.id(edit.side)).collect();
    if own.iter().any(|edit| edit.clears) {
        return None;
    }
    let Some(last) = last.and_then(|id| edits.get(id)) else { return own.first().map(|edit| edit.id) };
    let record_wins = running.site.system_of_record;
    let lost = own.iter().find(|edit| {
        let superseded = edit.id == last.id || edits.has_seen(last.id, edit.id);
        let concurrent = !edits.has_seen(edit.id, last.id);
        let by_rule = concurrent && (Some(edit.side) != record_wins || Some(last.side) == record_wins);
        !superseded && !by_rule
    });
    lost.map(|edit| edit.id)
}

/// I6: no record is in two links.
fn links_are_one_to_one(running: &Running, sight: &Sight, found: &mut Found) {
    for side in Side::BOTH {
        let mut seen = BTreeSet::new();
        for link in &sight.links {
            if !seen.insert(link.id(side).clone()) {
                found.push(("I6", format!("{side} {} is in two links", link.id(side))));
            }
            match slot(running, side, link.id(side)) {
                Slot::Linked(own) if own.id(side.opposite()) == link.id(side.opposite()) => {}
                _ => found.push(("I6", format!("{side} {} does not lead to its link", link.id(side)))),
            }
        }
    }
}

/// I7, I8: the bridge makes at most one counterpart of a record, and none of one that is gone.
fn nobody_is_made_twice(running: &Running, found: &mut Found) {
    let world = lock(&running.world);
    for side in Side::BOTH {
        let mut made: BTreeMap<&RecordId, u32> = BTreeMap::new();
        let vendor = world.sides.of(side);
        for (id, record) in &vendor.records {
            // One that a person deleted or merged before its link was stored cannot be known of.
            if record.deleted && !vendor.deleted_by_bridge.contains(id) {
                continue;
            }
            if let Some(source) = &record.made_for {
                *made.entry(source).or_default() += 1;
            }
        }
        for (source, times) in made.into_iter().filter(|(_, times)| *times > 1) {
            found.push(("I7", format!("{times} counterparts were made of {} {source}", side.opposite())));
        }
    }
}

/// Every record is linked, or reported, or ended.
fn nobody_is_left_behind(running: &Running, sight: &Sight, found: &mut Found) {
    for side in Side::BOTH {
        let present = lock(&running.world).sides.of(side).present_ids();
        for id in present {
            let parked = sight.parked.iter().any(|parked| parked.side == side && parked.id == id);
            match slot(running, side, &id) {
                Slot::Linked(_) | Slot::Gone(_) => {}
                Slot::Free | Slot::Reserved { .. } if parked => {}
                Slot::Free | Slot::Reserved { .. } => found.push(("I14", format!("{side} {id} is neither linked nor reported"))),
            }
        }
    }
}

/// I8: whoever was erased on one side is gone on the other, and has no link.
fn the_erased_are_forgotten(running: &Running, found: &mut Found) {
    for side in Side::BOTH {
        let erased = lock(&running.world).sides.of(side).erased.clone();
        for id in erased {
            if let Slot::Linked(_) = slot(running, side, &id) {
                found.push(("I8", format!("{side} {id} was erased and is linked")));
            }
        }
    }
}

/// I9: the bridge deletes a record only because its counterpart was deleted or merged, and within the rails.
fn deletes_have_a_reason(running: &Running, found: &mut Found) {
    let world = lock(&running.world);
    let erasures = world.sides.wix.erased.len() + world.sides.external.erased.len();
    let deletes = world.sides.wix.deleted_by_bridge.len() + world.sides.external.deleted_by_bridge.len();
    // Deleting the winner of a merge ends the links of all that went into it.
    let merged = world.sides.wix.merged.len() + world.sides.external.merged.len();
    let reasons = merged + world.sides.wix.deleted_by_people.len() + world.sides.external.deleted_by_people.len();
    if deletes > reasons {
        found.push(("I9", format!("{deletes} deletes by the bridge, {reasons} by people")));
    }
    let rail = usize::try_from(running.site.rails.deletes_per_hour).unwrap_or(usize::MAX);
    let hours = 2 + usize::try_from((world.now - EPOCH) / 3_600_000).unwrap_or(0);
    if deletes > rail * hours + erasures {
        found.push(("I9", format!("{deletes} deletes over a rail of {rail} an hour")));
    }
}
