//! What is kept about one site, and the conditions of its writes.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::{
    fingerprint::Digest,
    ids::{Pair, RecordId, Side},
    link::{Cause, Link, Parked, Reservation, Slot, Tombstone},
};

/// Everything of one site but its settings.
#[derive(Default)]
pub(super) struct Shelf {
    /// By the Wix id.
    pub(super) links: BTreeMap<RecordId, Link>,
    /// From the external id to the Wix id.
    pub(super) pointers: BTreeMap<RecordId, RecordId>,
    pub(super) claims: Pair<BTreeMap<RecordId, Claim>>,
    pub(super) keys: BTreeMap<Digest, Claim>,
    pub(super) tombstones: Pair<BTreeMap<RecordId, Tombstone>>,
    pub(super) parked: BTreeMap<(Side, RecordId), Parked>,
    pub(super) cooling: Pair<Option<Timestamp>>,
    /// Propagated deletes by the hour since the epoch.
    pub(super) spent: BTreeMap<i64, u32>,
}

/// Who holds something, and until when.
pub(super) struct Claim {
    owner: String,
    until: Timestamp,
}

impl Claim {
    pub(super) fn of(reservation: &Reservation) -> Self {
        Self { owner: reservation.owner.clone(), until: reservation.until }
    }

    /// Tells whether the claim keeps out whoever is not `owner`.
    fn bars(&self, owner: Option<&str>, now: Timestamp) -> bool {
        self.until > now && owner != Some(self.owner.as_str())
    }

    pub(super) fn is_of(&self, reservation: &Reservation) -> bool {
        self.owner == reservation.owner
    }
}

impl Shelf {
    /// Returns the link of a record.
    pub(super) fn link_of(&self, side: Side, id: &RecordId) -> Option<&Link> {
        match side {
            Side::Wix => self.links.get(id),
            Side::External => self.links.get(self.pointers.get(id)?),
        }
    }

    /// Returns what is known of a record.
    pub(super) fn slot(&self, side: Side, id: &RecordId, now: Timestamp) -> Slot {
        if let Some(link) = self.link_of(side, id) {
            return Slot::Linked(Box::new(link.clone()));
        }
        match self.claims.of(side).get(id) {
            Some(claim) if claim.until > now => Slot::Reserved { until: claim.until },
            _ => self.tombstones.of(side).get(id).map_or(Slot::Free, |tombstone| Slot::Gone(tombstone.clone())),
        }
    }

    /// Tells whether a record is linked, or reserved by another than `owner`.
    pub(super) fn is_taken(&self, side: Side, id: &RecordId, owner: Option<&str>, now: Timestamp) -> bool {
        self.link_of(side, id).is_some() || self.claims.of(side).get(id).is_some_and(|claim| claim.bars(owner, now))
    }

    /// Tells whether a match key is reserved by another than `owner`.
    pub(super) fn is_key_taken(&self, key: &Digest, owner: &str, now: Timestamp) -> bool {
        self.keys.get(key).is_some_and(|claim| claim.bars(Some(owner), now))
    }

    /// Tells whether a link between the same records is stored with this version.
    pub(super) fn holds(&self, link: &Link, version: u64) -> bool {
        self.links
            .get(link.id(Side::Wix))
            .is_some_and(|stored| stored.version == version && stored.id(Side::External) == link.id(Side::External))
    }

    /// Stores a link and its pointer, in place of reservations.
    pub(super) fn put(&mut self, link: &Link) {
        for side in Side::BOTH {
            self.claims.of_mut(side).remove(link.id(side));
        }
        self.pointers.insert(link.id(Side::External).clone(), link.id(Side::Wix).clone());
        self.links.insert(link.id(Side::Wix).clone(), link.clone());
    }

    /// Takes a link and its pointer away.
    pub(super) fn remove(&mut self, link: &Link) {
        self.links.remove(link.id(Side::Wix));
        self.pointers.remove(link.id(Side::External));
    }

    /// Leaves a tombstone, unless there is one of an erasure.
    pub(super) fn entomb(&mut self, side: Side, id: &RecordId, tombstone: &Tombstone) {
        let tombstones = self.tombstones.of_mut(side);
        if tombstones.get(id).is_none_or(|older| older.cause != Cause::Erased) {
            tombstones.insert(id.clone(), tombstone.clone());
        }
    }

    /// Forgets everything but the tombstones of erasures.
    pub(super) fn purge(&mut self) {
        let tombstones = std::mem::take(&mut self.tombstones).map(|_, mut tombstones| {
            tombstones.retain(|_, tombstone| tombstone.cause == Cause::Erased);
            tombstones
        });
        *self = Self { tombstones, ..Self::default() };
    }
}
