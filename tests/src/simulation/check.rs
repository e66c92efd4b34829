//! The judgement of a history that came to rest, by one who saw every edit.
//!
//! What must hold at any moment is judged when it happens: by `witness` (I6, I9), by `records` (I17) and by `site` (I3, I12).

mod endings;
mod equality;
mod labels;
mod links;
mod lost;
mod notes;

use contact_bridge::{
    mapping::Row,
    model::{
        field::Fields,
        ids::{Pair, RecordId, Side},
        link::{Hold, Link, Parked, Slot},
        site::Site,
    },
};

use super::{
    site::Running,
    world::{World, lock},
};

type Found = Vec<(&'static str, String)>;

/// What the checker sees.
struct Scene<'a> {
    world: &'a World,
    site: &'a Site,
    running: &'a Running,
    links: Vec<Link>,
    parked: Vec<Parked>,
}

impl Scene<'_> {
    fn slot(&self, side: Side, id: &RecordId) -> Slot {
        let backend = &self.running.backend;
        backend.finish(backend.links.look_up(&self.site.site, side, id)).unwrap_or(Slot::Free)
    }

    /// The links that do not wait for a person as a whole, and of whose records all is known, with both records' fields.
    fn pairs(&self) -> impl Iterator<Item = (&Link, Pair<&Fields>)> {
        self.judged().filter_map(|link| Some((link, self.both(link)?)))
    }

    fn judged(&self) -> impl Iterator<Item = &Link> {
        self.links.iter().filter(|link| !waits(link) && !self.is_dead(Side::Wix, link.id(Side::Wix)))
    }

    fn both(&self, link: &Link) -> Option<Pair<&Fields>> {
        let present = |side| self.world.sides.of(side).present(link.id(side)).map(|record| &record.fields);
        Some(Pair { wix: present(Side::Wix)?, external: present(Side::External)? })
    }

    /// Tells whether a row of a link waits for a person, or was refused for good.
    fn is_left_alone(&self, link: &Link, wix: &str) -> bool {
        let rows = self.running.contacts.mapping.rows().iter().filter(|row| row.field(Side::Wix).as_str() == wix);
        rows.map(Row::id).any(|row| {
            link.rows.contains_key(row) || self.parked.iter().any(|parked| parked.id == *link.id(parked.side) && parked.rows.contains(row))
        })
    }

    /// Tells whether one cannot know what became of a record: its events are dead letters, or those of who it is linked with.
    fn is_dead(&self, side: Side, id: &RecordId) -> bool {
        let dead = |side, id: &RecordId| {
            let unreadable = self.world.refusals.unreadable.as_ref() == Some(&(side, id.clone()));
            unreadable
                || self.world.dead.contains(&(side, id.clone()))
                || self.world.dead.contains(&(side, self.world.sides.of(side).surviving(id).clone()))
        };
        dead(side, id) || self.world.witness.counterparts(side, id).any(|other| dead(side.opposite(), other))
    }

    fn note_on(&self, side: Side, id: &RecordId) -> Option<&Parked> {
        self.parked.iter().find(|parked| parked.side == side && parked.id == *id)
    }
}

/// Tells whether a whole link waits for a person.
fn waits(link: &Link) -> bool {
    matches!(link.held, Some(Hold::DeletedAndChanged | Hold::DeleteAwaitsApproval | Hold::CannotDelete))
}

fn look<T>(running: &Running, judge: impl FnOnce(&Scene) -> T) -> T {
    let (backend, site) = (&running.backend, &running.site.site);
    let parked = backend.finish(backend.links.parked(site)).unwrap_or_default();
    let mut links: Vec<Link> = Vec::new();
    loop {
        let after = links.last().map(|link| link.id(Side::Wix).clone());
        let page = backend.finish(backend.links.list_links(site, after.as_ref())).unwrap_or_default();
        if page.is_empty() {
            break;
        }
        links.extend(page);
    }
    let world = lock(&running.world);
    judge(&Scene { world: &world, site: &running.site, running, links, parked })
}

/// Judges a history at rest.
pub fn at_rest(running: &Running) {
    let found = look(running, |scene| {
        let mut found = Found::new();
        equality::judge(scene, &mut found);
        lost::judge(scene, &mut found);
        labels::judge(scene, &mut found);
        links::judge(scene, &mut found);
        endings::judge(scene, &mut found);
        notes::judge(scene, &mut found);
        found
    });
    let mut world = lock(&running.world);
    for (invariant, what) in found {
        world.violation(invariant, what);
    }
}

/// What a history was like before its events came once more.
pub struct Snapshot {
    writes: Pair<u32>,
    links: Vec<Link>,
    notes: Vec<Parked>,
}

/// Takes note of what there is.
#[must_use]
pub fn snapshot(running: &Running) -> Snapshot {
    look(running, |scene| Snapshot {
        writes: scene.world.sides.as_ref().map(|_, vendor| vendor.writes),
        links: scene.links.clone(),
        notes: scene.parked.clone(),
    })
}

/// I4: what was dealt with and comes once more changes nothing, at the vendors or in the store.
pub fn nothing_happened(running: &Running, before: &Snapshot) {
    let after = snapshot(running);
    let since =
        |notes: &[Parked]| notes.iter().map(|note| (note.side, note.id.clone(), note.reason, note.rows.clone())).collect::<Vec<_>>();
    let mut world = lock(&running.world);
    if after.writes != before.writes {
        world.violation("I4", format!("{:?} writes became {:?} by events that were dealt with", before.writes, after.writes));
    }
    if after.links != before.links || since(&after.notes) != since(&before.notes) {
        world.violation("I4", "events that were dealt with changed what is stored");
    }
}
