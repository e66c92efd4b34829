//! The judgement of a site that came to rest, by one who sees everything.

use std::collections::{BTreeMap, BTreeSet};

use contact_bridge::{
    model::{
        field::{Field, Fields, Value},
        ids::{Pair, RecordId, Side},
        link::{Hold, Link, Parked, Slot},
        site::Include,
    },
    sync::prints,
};

use super::{
    super::{people::TEXTS, records::email_of, vendor, world::lock},
    site::Running,
};

/// What the store holds.
pub struct Stored {
    /// The links.
    pub links: Vec<Link>,
    /// The notes.
    pub notes: Vec<Parked>,
}

/// Reads what the store holds.
#[must_use]
pub fn stored(running: &Running) -> Stored {
    let (backend, site) = (&running.stage.backend, &running.stage.site);
    let notes = backend.finish(backend.links.parked(site)).unwrap_or_default();
    let mut links: Vec<Link> = Vec::new();
    loop {
        let after = links.last().map(|link| link.id(Side::Wix).clone());
        let page = backend.finish(backend.links.list_links(site, after.as_ref())).unwrap_or_default();
        if page.is_empty() {
            return Stored { links, notes };
        }
        links.extend(page);
    }
}

fn slot(running: &Running, side: Side, id: &RecordId) -> Slot {
    let backend = &running.stage.backend;
    backend.finish(backend.links.look_up(&running.stage.site, side, id)).unwrap_or(Slot::Free)
}

fn present(running: &Running, side: Side) -> Vec<RecordId> {
    lock(&running.stage.world).sides.of(side).present_ids()
}

/// After enough passes of the export: whatever was created, or changed, was handed over, or there is a reason. If the app was away for a while, both sides
/// were compared since.
pub fn exported(running: &Running) {
    let Stored { links, notes } = stored(running);
    made_once(running);
    everybody_is_accounted_for(running, Side::Wix, &notes, "I11");
    if running.settings().is_some_and(|site| site.export.include == Include::CreatedAndUpdated) {
        links.iter().filter(|link| !waits(link)).for_each(|link| changes_were_seen(running, link));
    }
}

/// I8: whose delete was dealt with has no link. One that was dealt with while its counterpart was being made, by a worker that died of it, is found by
/// the comparison.
fn stays_deleted(running: &Running, links: &[Link]) {
    for link in links {
        let id = link.id(Side::Wix);
        let is_there = lock(&running.stage.world).sides.wix.present(id).is_some();
        if !is_there && running.buried.contains(id) && !waits(link) {
            running.stage.violation("I8", format!("{id} was deleted, and is linked"));
        }
    }
}

/// I14: where every run went on to its end, as many pairs are in the accounts as runs made.
pub fn counted(running: &Running) {
    let books = running.stage.books();
    let (linked, counted) = (books.witness.linked, books.witness.counted());
    drop(books);
    if running.is_even && linked != counted {
        running.stage.violation("I14", format!("runs made {linked} pairs and account for {counted}"));
    }
}

/// After a full comparison both sides are as agreed.
pub fn compared(running: &Running) {
    let Stored { links, notes } = stored(running);
    for side in Side::BOTH {
        everybody_is_accounted_for(running, side, &notes, "I14");
    }
    made_once(running);
    stays_deleted(running, &links);
    for link in links.iter().filter(|link| !waits(link)) {
        let world = lock(&running.stage.world);
        let both = Side::BOTH.map(|side| world.sides.of(side).present(link.id(side)).map(|record| record.fields.clone()));
        drop(world);
        match both {
            [Some(wix), Some(external)] => both_are_equal(running, link, &Pair { wix, external }, &notes),
            _ => running.stage.violation("I1", format!("link {} has only one record", link.id(Side::Wix))),
        }
    }
}

fn everybody_is_accounted_for(running: &Running, side: Side, notes: &[Parked], invariant: &str) {
    for id in present(running, side) {
        let is_noted = notes.iter().any(|note| note.side == side && note.id == id);
        let is_known = matches!(slot(running, side, &id), Slot::Linked(_) | Slot::Gone(_));
        if !is_known && !is_noted {
            running.stage.violation(invariant, format!("{side} {id} is neither linked, nor ended, nor noted"));
        }
    }
}

/// I7: of each contact at most one record was made.
fn made_once(running: &Running) {
    addresses_are_unique(running);
    for side in Side::BOTH {
        let mut made: BTreeMap<RecordId, u32> = BTreeMap::new();
        let world = lock(&running.stage.world);
        let vendor = world.sides.of(side);
        for (_, record) in vendor.records.iter().filter(|(id, record)| !record.deleted || vendor.deleted_by_bridge.contains(*id)) {
            if let Some(source) = &record.made_for {
                *made.entry(source.clone()).or_default() += 1;
            }
        }
        drop(world);
        for (source, times) in made.into_iter().filter(|(_, times)| *times > 1) {
            running.stage.violation("I7", format!("{times} records were made of {} {source}", side.opposite()));
        }
    }
}

/// I7: the CRM has one record of an address.
fn addresses_are_unique(running: &Running) {
    let mut seen = BTreeSet::new();
    let world = lock(&running.stage.world);
    let records = world.sides.external.records.values().filter(|record| !record.deleted);
    let twice = records.filter_map(|record| email_of(&record.fields)).filter(|email| !seen.insert(email.clone())).count();
    drop(world);
    if twice > 0 {
        running.stage.violation("I7", format!("{twice} records have the address of another"));
    }
}

fn changes_were_seen(running: &Running, link: &Link) {
    let id = link.id(Side::Wix);
    let contact = lock(&running.stage.world).sides.wix.present(id).map(|record| vendor::contact(Side::Wix, id, record));
    let (mapping, key) = &running.known;
    let differs = |contact| prints::differs(key, mapping, Side::Wix, contact, &link.anchors.wix.base);
    if link.rows.is_empty() && contact.as_ref().is_some_and(differs) {
        running.stage.violation("I11", format!("{id} changed and was not handed over"));
    }
}

fn both_are_equal(running: &Running, link: &Link, fields: &Pair<Fields>, notes: &[Parked]) {
    let is_noted = notes.iter().any(|note| note.id == *link.id(note.side));
    if is_noted || !link.rows.is_empty() {
        return;
    }
    let text =
        |fields: &Fields, field: &str| fields.get(&Field::from(field)).and_then(Value::as_text).map(|text| text.trim().to_lowercase());
    for (wix, external) in TEXTS.iter().copied().chain([("email", "email")]) {
        if text(&fields.wix, wix) != text(&fields.external, external) {
            running.stage.violation("I1", format!("link {} differs in {wix}", link.id(Side::Wix)));
        }
    }
}

fn waits(link: &Link) -> bool {
    link.held.is_some_and(Hold::waits_for_a_person)
}

/// What a site was like.
#[derive(PartialEq)]
pub struct Snapshot {
    writes: Pair<u32>,
    links: Vec<Link>,
    refused: BTreeMap<RecordId, u32>,
}

/// Takes note of what there is.
#[must_use]
pub fn snapshot(running: &Running) -> Snapshot {
    let links = stored(running).links;
    let refused = running.stage.books().witness.refused.clone();
    let writes = lock(&running.stage.world).sides.as_ref().map(|_, vendor| vendor.writes);
    Snapshot { writes, links, refused }
}

/// I3, I12: what is as agreed costs no write when it is read again, and what was refused for good is not tried again.
pub fn nothing_happened(running: &Running, before: &Snapshot) {
    let after = snapshot(running);
    if after.writes != before.writes {
        running.stage.violation("I3", format!("{:?} writes became {:?} though nothing is new", before.writes, after.writes));
    }
    if after.links != before.links {
        running.stage.violation("I3", "links changed though nothing is new");
    }
    if after.refused != before.refused {
        running.stage.violation("I12", "what the CRM refuses for good is sent again");
    }
}
