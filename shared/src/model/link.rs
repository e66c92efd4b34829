//! Links, what is kept about them, and what is kept when they end.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    fingerprint::{Digest, Print},
    ids::{Pair, RecordId, Revision, RowId, Side},
};

/// The fingerprints of a record's mapped rows; a row that is not named was empty.
pub type Base = BTreeMap<RowId, Print>;

/// What the bridge last agreed on for one side of a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// The record.
    pub id: RecordId,
    /// The version that was read or returned last.
    pub revision: Option<Revision>,
    /// What our latest writes went over, oldest first, if the side takes no conditional writes.
    pub overwrote: Vec<Overwrote>,
    /// The fingerprints of the last version both sides agreed on, as this side returned it.
    pub base: Base,
}

impl Anchor {
    /// Makes the anchor of a record that nothing has been agreed on yet.
    #[must_use]
    pub const fn new(id: RecordId) -> Self {
        Self { id, revision: None, overwrote: Vec::new(), base: Base::new() }
    }
}

impl Overwrote {
    /// How many of them an anchor keeps of each row: of events that come later than that many writes of a row nothing is known.
    pub const KEPT: usize = 4;
    /// How many it keeps as long as they follow each other within [`Overwrote::BURST`]: many writes come between an edit and its event then.
    pub const KEPT_IN_A_BURST: usize = 8;
    /// How long the writes of a burst take at most. The next write after that brings an anchor back to its size.
    pub const BURST: SignedDuration = SignedDuration::from_mins(15);

    fn is_of_a_burst_with(&self, latest: Option<Timestamp>) -> bool {
        latest.zip(self.wrote.instant()).is_some_and(|(latest, wrote)| latest.duration_since(wrote) <= Self::BURST)
    }
}

impl Anchor {
    /// Remembers what a write that is only announced is about to go over, in the rows where that is not what was agreed on.
    pub fn announce(&mut self, read: Revision, rows: Base) {
        self.take_announced();
        if !rows.is_empty() {
            self.overwrote.push(Overwrote { read: read.clone(), wrote: read, rows });
        }
    }

    /// Forgets what was announced, and returns it.
    pub fn take_announced(&mut self) -> Base {
        let announced = self.overwrote.iter().position(|write| write.read == write.wrote);
        announced.map(|at| self.overwrote.remove(at).rows).unwrap_or_default()
    }

    /// Remembers what a write went over; of more than [`Overwrote::KEPT`] writes of a row the oldest is forgotten, but not so soon in a burst.
    pub fn remember(&mut self, overwrote: Overwrote) {
        self.take_announced();
        let (rows, latest): (Vec<RowId>, _) = (overwrote.rows.keys().cloned().collect(), overwrote.wrote.instant());
        self.overwrote.push(overwrote);
        for row in rows {
            let of_row = self.overwrote.iter_mut().rev().filter(|write| write.rows.contains_key(&row));
            for (nth, write) in of_row.enumerate().skip(Overwrote::KEPT) {
                if nth >= Overwrote::KEPT_IN_A_BURST || !write.is_of_a_burst_with(latest) {
                    write.rows.remove(&row);
                }
            }
        }
        self.overwrote.retain(|write| !write.rows.is_empty());
    }
}

/// What an unconditional write went over: an edit between the read and the write was overwritten unseen, and its event tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overwrote {
    /// The version the write was decided on.
    pub read: Revision,
    /// The version it made; the one it was decided on as long as it is only announced.
    pub wrote: Revision,
    /// The fingerprints of the written rows as they were read.
    pub rows: Base,
}

/// One row that an intended write touches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntentRow {
    /// The fingerprint of the value on the side it comes from.
    pub source: Print,
    /// The fingerprint of the value to be written.
    pub target: Print,
    /// The fingerprint of that value without case, blanks and punctuation: the far side may normalise it.
    pub loose: Print,
    /// What is agreed on once the write has landed, where that is not all the side has then: a list whose own changes still have to go
    /// the other way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreed: Option<Print>,
}

/// What the bridge is about to write, stored before the write: our own unacknowledged write must not pass for the far side's edit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The side being written.
    pub side: Side,
    /// Until when its worker is given time; after that anybody may take the link over.
    pub until: Timestamp,
    /// The rows being written.
    pub rows: BTreeMap<RowId, IntentRow>,
}

/// Why a row of a link is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowState {
    /// Both sides changed it differently and the site wants a person to decide.
    Conflict,
    /// This side cannot have such a value; it is tried again when the value changes.
    Unconvertible(Side),
    /// This side refused the value; it is tried again when the value changes.
    Refused(Side),
    /// A write of ours went over an edit on this side that it had not seen, and the site wants a person to decide.
    Overwritten(Side),
    /// What the other side had refused, or cannot have, went away as its record was merged into another one: a person is told, and the two agree.
    LostInMerge,
}

/// Two records that are one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Where each side stands.
    pub anchors: Pair<Anchor>,
    /// Counts writes of this item; every write is conditional on it.
    pub version: u64,
    /// When the two were linked.
    pub since: Timestamp,
    /// The pending write, if any.
    pub intent: Option<Intent>,
    /// Rows left alone, and why; their base stays old.
    pub rows: BTreeMap<RowId, RowState>,
    /// The whole link is held for a person.
    pub held: Option<Hold>,
    /// A privacy request erased a record that these two may still hold data of: a person has to look, as long as either is there.
    pub erasure_open: bool,
}

impl Link {
    /// Makes a link that nothing has been agreed on yet.
    #[must_use]
    pub const fn new(wix: RecordId, external: RecordId, since: Timestamp) -> Self {
        Self {
            anchors: Pair { wix: Anchor::new(wix), external: Anchor::new(external) },
            version: 0,
            since,
            intent: None,
            rows: BTreeMap::new(),
            held: None,
            erasure_open: false,
        }
    }

    /// Tells whether nothing has been agreed on yet.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.anchors.wix.base.is_empty() && self.anchors.external.base.is_empty()
    }

    /// Returns the id of the record on `side`.
    #[must_use]
    pub const fn id(&self, side: Side) -> &RecordId {
        &self.anchors.of(side).id
    }
}

/// Why a link waits for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// Deleted on one side and changed on the other.
    DeletedAndChanged,
    /// The delete is over the rail and waits for approval.
    DeleteAwaitsApproval,
    /// The far side does not let the record be deleted.
    CannotDelete,
    /// Nobody is waited for: the delete is counted and tried again, because the far side could not carry it out.
    DeleteUnderWay,
    /// Nobody is waited for: the ids of the two are still to be written on each other.
    MirrorDue,
}

impl Hold {
    /// Tells whether a person has to act before the link goes on.
    #[must_use]
    pub const fn waits_for_a_person(self) -> bool {
        match self {
            Self::DeletedAndChanged | Self::DeleteAwaitsApproval | Self::CannotDelete => true,
            Self::DeleteUnderWay | Self::MirrorDue => false,
        }
    }
}

/// What remains of a deleted pair, so that late events cannot revive it; kept without end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    /// When the pair ended.
    pub at: Timestamp,
    /// How it ended.
    pub cause: Cause,
    /// The record on the other side, so that a later erasure still finds it; none once erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counterpart: Option<RecordId>,
}

/// How a pair ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// One side deleted it and the other followed.
    Deleted,
    /// One side deleted it and the other was left as it is.
    Unlinked,
    /// The record was merged into another one.
    Merged,
    /// A privacy request erased the person; nothing revives it.
    Erased,
    /// It may have held what somebody had who was erased: nothing revives it either, but it is no evidence that anybody else was erased.
    ErasureUnclear,
}

impl Cause {
    /// Tells whether it is for good: nothing is ever linked with the record again, and what is known of it outlives even its site.
    #[must_use]
    pub const fn is_of_erasure(self) -> bool {
        matches!(self, Self::Erased | Self::ErasureUnclear)
    }

    /// Tells whether what ended for this cause is known to have ended for another one instead, if that is told.
    #[must_use]
    pub const fn gives_way_to(self, told: Self) -> bool {
        !self.is_of_erasure() || matches!((self, told), (Self::ErasureUnclear, Self::Erased))
    }
}

/// What the store knows of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slot {
    /// Nothing.
    Free,
    /// Somebody is making its counterpart, until then.
    Reserved {
        /// When the reservation expires.
        until: Timestamp,
        /// What its holder was about to write into the counterpart.
        draft: Option<Box<Intent>>,
    },
    /// It is linked.
    Linked(Box<Link>),
    /// It ended.
    Gone(Tombstone),
}

/// An exclusive, expiring right to make the missing counterpart of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// The side the record is on.
    pub side: Side,
    /// The record.
    pub id: RecordId,
    /// Its match keys' digests: two records of one person, one on each side, must not both be given a counterpart.
    pub keys: Vec<Digest>,
    /// Who holds it: a random text.
    pub owner: String,
    /// When it expires.
    pub until: Timestamp,
    /// What is about to be written into the counterpart: when the reply is lost, edits made since are told from it.
    pub draft: Option<Box<Intent>>,
}

/// Why something waits for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParkedReason {
    /// Several records match and none is chosen.
    SeveralMatches,
    /// The only matching record is linked to another one.
    MatchIsLinked,
    /// The far side refuses the record for good.
    Refused,
    /// A field changed differently on both sides.
    Conflict,
    /// A field's value has no counterpart on the far side, or was refused there.
    FieldSkipped,
    /// Deleted on one side, changed on the other.
    DeletedAndChanged,
    /// The delete is over the rail.
    DeleteAwaitsApproval,
    /// The far side does not let the record be deleted.
    CannotDelete,
    /// Two links met in a merge; this record lost its link.
    UnlinkedByMerge,
    /// A privacy request erased the record that was once its counterpart, but it belongs to another link by now.
    ErasureUnclear,
    /// An export tried to make its counterpart often, and it failed each time for a reason that should have passed.
    GaveUp,
}

/// Something that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// The side of the record.
    pub side: Side,
    /// The record.
    pub id: RecordId,
    /// Why.
    pub reason: ParkedReason,
    /// Which rows, if only some are concerned.
    pub rows: Vec<RowId>,
    /// The records it could not be linked with, or could have been as well: when one of them goes or loses its link, it is looked at again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub because_of: Vec<(Side, RecordId)>,
    /// Since when.
    pub since: Timestamp,
}

/// What becomes of the notes about some records: put on the list in place of an earlier one, or taken off it.
pub type Notes = BTreeMap<(Side, RecordId), Option<Parked>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_writes_of_one_row_do_not_make_those_of_another_forgotten() {
        let mut anchor = Anchor::new(RecordId::from("e"));
        let write = |row: &str, number: usize| Overwrote {
            read: Revision::new(number.to_string()),
            wrote: Revision::new((number + 1).to_string()),
            rows: Base::from([(RowId::from(row), Print::Empty)]),
        };
        anchor.remember(write("labels", 0));
        for number in 1..=2 * Overwrote::KEPT {
            anchor.remember(write("company", number));
        }
        let kept: Vec<_> = anchor.overwrote.iter().map(|write| write.read.as_str().to_owned()).collect();
        assert_eq!(kept, ["0", "5", "6", "7", "8"]);
    }

    #[test]
    fn more_writes_are_remembered_as_long_as_they_follow_each_other() {
        let at = |seconds: i64| Timestamp::from_second(seconds).unwrap();
        let mut anchor = Anchor::new(RecordId::from("e"));
        let mut write = |seconds: i64| {
            let rows = Base::from([(RowId::from("company"), Print::Empty)]);
            let [read, wrote] = [at(seconds - 1), at(seconds)].map(|at| Revision::new(at.to_string()));
            anchor.remember(Overwrote { read, wrote, rows });
            anchor.overwrote.len()
        };
        let kept: Vec<usize> = (0..10).map(&mut write).collect();
        assert_eq!(kept, [1, 2, 3, 4, 5, 6, 7, 8, 8, 8]);
        assert_eq!(write(3_600), Overwrote::KEPT, "what is long over is forgotten");
    }
}
