//! What an onlooker of the store knows: who was linked with whom, and what was counted.

use std::collections::{BTreeMap, BTreeSet};

use contact_bridge::model::{
    ids::{Pair, RecordId, RowId, Side},
    link::Link,
};

use super::world::World;

/// What was stored so far, as the checker keeps it for itself.
#[derive(Debug, Default)]
pub struct Witness {
    /// Each side's linked records, and the record on the other side.
    linked: Pair<BTreeMap<RecordId, RecordId>>,
    /// All pairs that ever were, the Wix record first, and when the link ended.
    ever: BTreeMap<(RecordId, RecordId), Option<i64>>,
    /// From when until when pairs that were linked again were not.
    apart: Vec<((RecordId, RecordId), i64, i64)>,
    /// When a pair's first merge was over, as a whole and row by row: a later write of it may still be to come.
    agreed: BTreeMap<(RecordId, RecordId, Option<RowId>), i64>,
    /// When the rails let a delete pass.
    allowed: Vec<i64>,
    /// Deletes that were propagated.
    deleted: usize,
}

fn ids(link: &Link) -> (RecordId, RecordId) {
    (link.id(Side::Wix).clone(), link.id(Side::External).clone())
}

impl Witness {
    /// Returns the record that one is linked with.
    #[must_use]
    pub fn counterpart(&self, side: Side, id: &RecordId) -> Option<&RecordId> {
        self.linked.of(side).get(id)
    }

    /// Returns the records that one was ever linked with.
    pub fn counterparts<'a>(&'a self, side: Side, id: &'a RecordId) -> impl Iterator<Item = &'a RecordId> {
        self.partners(side, id).map(|(other, _)| other)
    }

    /// The same, and until when; as long as they are linked there is no end.
    pub fn partners<'a>(&'a self, side: Side, id: &'a RecordId) -> impl Iterator<Item = (&'a RecordId, i64)> {
        self.ever.iter().filter_map(move |((wix, external), end)| {
            let (own, other) = if side == Side::Wix { (wix, external) } else { (external, wix) };
            (own == id).then_some((other, end.unwrap_or(i64::MAX)))
        })
    }

    /// Tells whether a pair that had been linked before, and was again later, was not at an instant.
    #[must_use]
    pub fn were_apart(&self, link: &Link, at: i64) -> bool {
        let own = ids(link);
        self.apart.iter().any(|(pair, from, until)| *pair == own && (*from..*until).contains(&at))
    }

    /// Returns when a record was linked again with whom it is linked with.
    #[must_use]
    pub fn linked_again_at(&self, side: Side, id: &RecordId) -> Option<i64> {
        let other = self.counterpart(side, id)?;
        let pair = if side == Side::Wix { (id, other) } else { (other, id) };
        self.apart.iter().filter(|((wix, external), ..)| (wix, external) == pair).map(|(.., until)| *until).max()
    }

    /// Returns when a pair's first merge of a row was over.
    #[must_use]
    pub fn agreed_at(&self, link: &Link, row: &RowId) -> Option<i64> {
        let (wix, external) = ids(link);
        let of_row = self.agreed.get(&(wix.clone(), external.clone(), Some(row.clone())));
        of_row.into_iter().chain(self.agreed.get(&(wix, external, None))).min().copied()
    }
}

impl World {
    /// A link was stored. I6: neither record may be in another one, at any moment.
    pub fn saw_link(&mut self, link: &Link) {
        for side in Side::BOTH {
            let other = link.id(side.opposite()).clone();
            if let Some(taken) = self.witness.linked.of_mut(side).insert(link.id(side).clone(), other) {
                self.violation("I6", format!("{side} {} was linked with {taken} already", link.id(side)));
            }
        }
        if let Some(Some(ended)) = self.witness.ever.insert(ids(link), None) {
            self.witness.apart.push((ids(link), ended, self.now));
        }
        self.saw_save(link);
    }

    /// A link was stored again.
    pub fn saw_save(&mut self, link: &Link) {
        let is_over = link.intent.is_none() && Side::BOTH.iter().all(|side| link.anchors.of(*side).revision.is_some());
        let rows = Side::BOTH.into_iter().flat_map(|side| link.anchors.of(side).base.keys().cloned().map(Some));
        for row in rows.chain(is_over.then_some(None)) {
            let (wix, external) = ids(link);
            self.witness.agreed.entry((wix, external, row)).or_insert(self.now);
        }
    }

    /// A link ended.
    pub fn saw_end(&mut self, link: &Link) {
        for side in Side::BOTH {
            self.witness.linked.of_mut(side).remove(link.id(side));
        }
        self.witness.ever.insert(ids(link), Some(self.now));
    }

    /// The rails were asked about one more delete. I9: they let no more pass in an hour than the site's limit.
    pub fn saw_rail(&mut self, allowed: bool, limit: u32) {
        if !allowed {
            return;
        }
        let now = self.now;
        self.witness.allowed.push(now);
        let passed = self.witness.allowed.iter().filter(|at| **at > now - 3_600_000).count();
        if passed > limit as usize {
            self.violation("I9", format!("{passed} deletes in an hour, {limit} are allowed"));
        }
    }

    /// The bridge deletes a record. I9: only because its counterpart is gone, which a merge does not make it, and only if the rails counted it.
    pub fn saw_delete(&mut self, side: Side, id: &RecordId) {
        self.witness.deleted += 1;
        if self.witness.deleted > self.witness.allowed.len() {
            self.violation("I9", format!("{side} {id} is deleted and not counted"));
        }
        let counterpart = self.witness.counterpart(side, id).cloned();
        match counterpart {
            None => self.violation("I9", format!("{side} {id} is deleted and has no counterpart")),
            Some(other) if self.survives(side.opposite(), &other) => {
                self.violation("I9", format!("{side} {id} is deleted and its counterpart {other} is there"));
            }
            Some(_) => {}
        }
    }

    /// The bridge erases a record. I9: only because somebody it was linked with was erased, or went into one who was, on either side.
    pub fn saw_erasure(&mut self, side: Side, id: &RecordId) {
        let (own, other) = (&self.sides.of(side).erased, self.sides.of(side.opposite()));
        let was_erased = |id: &RecordId| {
            other.erased.contains_key(id) || self.witness.counterparts(side.opposite(), id).any(|linked| own.contains_key(linked))
        };
        let followed = |id| std::iter::successors(Some(id), |id| other.merged.get(*id));
        let reason = self.witness.counterparts(side, id).any(|other| followed(other).any(was_erased));
        if !reason {
            self.violation("I9", format!("{side} {id} is erased and no counterpart was"));
        }
    }

    /// The bridge merges two records. I9: only because records that they, or what went into them, were linked with went into one.
    pub fn saw_merge(&mut self, side: Side, winner: &RecordId, loser: &RecordId) {
        let (own, other) = (self.sides.of(side), self.sides.of(side.opposite()));
        let all_in = |id: &RecordId| own.records.keys().filter(|part| own.surviving(part) == id).collect::<Vec<_>>();
        let of = |part| self.witness.counterparts(side, part).map(|linked| other.surviving(linked));
        let went_into = |id| all_in(id).into_iter().flat_map(of).collect::<BTreeSet<_>>();
        if went_into(winner).is_disjoint(&went_into(loser)) {
            self.violation("I9", format!("{side} {loser} is merged into {winner} without a merge on the other side"));
        }
    }

    /// Tells whether a record is there, under its own id or as what it went into.
    fn survives(&self, side: Side, id: &RecordId) -> bool {
        let vendor = self.sides.of(side);
        vendor.present(vendor.surviving(id)).is_some()
    }
}
