//! What the store holds.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;

use crate::{
    model::{
        fingerprint::Digest,
        ids::{FormId, Pair, RecordId, Side, SiteId},
        link::{Intent, Link, Notes, Parked, Slot, Tombstone},
        run::{FailedRow, Lease, Run, RunKind},
        site::{Site, Spent},
        submission::{ConsentProof, Record},
        subscriber::Remembered,
    },
    ports::{Claim, Noted, Place},
};

/// Who holds a reservation, and until when.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) owner: String,
    pub(super) until: Timestamp,
    pub(super) draft: Option<Box<Intent>>,
}

/// A submission of a form, and who deals with it.
#[derive(Clone, Debug)]
pub(super) struct Submitted {
    pub(super) record: Record,
    pub(super) held: Option<(String, Timestamp)>,
}

/// An address that a form makes a contact with, or made one with.
#[derive(Clone, Debug)]
pub(super) struct Address {
    pub(super) owner: Option<String>,
    pub(super) contact: Option<RecordId>,
    pub(super) until: Timestamp,
}

/// Everything of one site.
#[derive(Debug, Default)]
pub(super) struct OfSite {
    /// Links by their Wix id.
    pub(super) links: BTreeMap<RecordId, Link>,
    /// External id to Wix id.
    pub(super) pointers: BTreeMap<RecordId, RecordId>,
    pub(super) reserved: Pair<BTreeMap<RecordId, Held>>,
    pub(super) keys: BTreeMap<Digest, Held>,
    pub(super) gone: Pair<BTreeMap<RecordId, Tombstone>>,
    pub(super) parked: BTreeMap<(Side, RecordId), Parked>,
    pub(super) cool: BTreeMap<Side, Timestamp>,
    pub(super) deletes: Spent,
    pub(super) submissions: BTreeMap<String, Submitted>,
    pub(super) addresses: BTreeMap<Digest, Address>,
    pub(super) proofs: BTreeMap<(Digest, Timestamp), ConsentProof>,
    pub(super) posts: BTreeMap<(FormId, Digest, i64), u32>,
    pub(super) claims: BTreeMap<Digest, Claim>,
    pub(super) lines: BTreeMap<Digest, BTreeMap<Place, Timestamp>>,
    pub(super) own_posts: BTreeMap<u64, Digest>,
    pub(super) runs: BTreeMap<RunKind, Run>,
    pub(super) runner: Option<Lease>,
    pub(super) claimed: bool,
    /// Until when the claim of a runner that left goes on.
    pub(super) claimed_until: Option<Timestamp>,
    pub(super) busy_until: Option<Timestamp>,
    pub(super) failed: BTreeMap<RecordId, FailedRow>,
    pub(super) subscribers: BTreeMap<Digest, Remembered>,
}

impl OfSite {
    /// Returns the link a record is in.
    pub(super) fn link_of(&self, side: Side, id: &RecordId) -> Option<&Link> {
        match side {
            Side::Wix => self.links.get(id),
            Side::External => self.links.get(self.pointers.get(id)?),
        }
    }

    /// Returns what is known of a record.
    pub(super) fn slot(&self, side: Side, id: &RecordId) -> Slot {
        if let Some(link) = self.link_of(side, id) {
            return Slot::Linked(Box::new(link.clone()));
        }
        if let Some(tombstone) = self.gone.of(side).get(id) {
            return Slot::Gone(tombstone.clone());
        }
        self.reserved.of(side).get(id).map_or(Slot::Free, |held| Slot::Reserved { until: held.until, draft: held.draft.clone() })
    }

    /// Stores a link with its pointer and notes, in place of reservations.
    pub(super) fn insert(&mut self, Noted { link, notes }: Noted<'_>) {
        self.note(notes);
        for side in Side::BOTH {
            self.reserved.of_mut(side).remove(link.id(side));
        }
        self.pointers.insert(link.id(Side::External).clone(), link.id(Side::Wix).clone());
        self.links.insert(link.id(Side::Wix).clone(), link.clone());
    }

    /// Takes a link and its pointer away.
    pub(super) fn remove(&mut self, link: &Link) {
        self.pointers.remove(link.id(Side::External));
        self.links.remove(link.id(Side::Wix));
    }

    /// Puts notes on the list, or takes them off it.
    pub(super) fn note(&mut self, notes: &Notes) {
        for (record, note) in notes {
            match note {
                Some(note) => self.parked.insert(record.clone(), note.clone()),
                None => self.parked.remove(record),
            };
        }
    }

    /// Leaves a tombstone, unless there is one of an erasure that stays.
    pub(super) fn entomb(&mut self, side: Side, id: &RecordId, tombstone: Tombstone) {
        let gone = self.gone.of_mut(side);
        if gone.get(id).is_none_or(|older| older.cause.gives_way_to(tombstone.cause)) {
            gone.insert(id.clone(), tombstone);
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) sites: BTreeMap<SiteId, Site>,
    pub(super) of_sites: BTreeMap<SiteId, OfSite>,
}

/// Links and sites in memory.
#[derive(Debug, Default)]
pub struct Store {
    state: Mutex<State>,
}

impl Store {
    /// Makes an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Locks the state. A panic elsewhere leaves it whole: every operation checks first and changes last.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn of_site<T>(&self, site: &SiteId, work: impl FnOnce(&mut OfSite) -> T) -> T {
        let mut state = self.state();
        if let Some(own) = state.of_sites.get_mut(site) {
            return work(own);
        }
        work(state.of_sites.entry(site.clone()).or_default())
    }
}
