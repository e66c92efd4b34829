//! How far a full comparison has come, and what it found.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::scan::Cursor;
use crate::model::ids::RecordId;

/// How far the comparison of a site has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Checkpoint {
    /// When the run was first looked at: the first pass begins an interval later, when a first export is over.
    pub since: Option<Timestamp>,
    /// The pass under way.
    pub pass: Option<Pass>,
    /// The pass that ended last.
    pub last: Option<Summary>,
}

/// A pass over everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// When it began.
    pub began: Timestamp,
    /// What it looks at now, and how far it has come in it.
    pub leg: Leg,
    /// What it found so far.
    pub tally: Tally,
}

/// What a pass looks at, in this order, and where it goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leg {
    /// Linked pairs: both records are read by id, and compared with what was agreed on.
    Links(Option<RecordId>),
    /// Wix contacts, for those without a counterpart.
    Wix(Cursor),
    /// The CRM's records, for those without a counterpart.
    Crm(Option<String>),
}

/// A pass that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// When it began.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// What it found.
    pub tally: Tally,
}

/// What a comparison looked at, and what it found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// Linked pairs looked at.
    pub links: u64,
    /// Pairs that are not as agreed on one side at least.
    pub changed: u64,
    /// Pairs of which one record at least was not found.
    pub missing: u64,
    /// Pairs that wait for a person, and were passed over.
    pub held: u64,
    /// Contacts listed in Wix.
    pub wix: u64,
    /// Those of them without a counterpart.
    pub wix_only: u64,
    /// Records listed in the CRM.
    pub crm: u64,
    /// Those of them without a counterpart.
    pub crm_only: u64,
    /// What waits for a person since before.
    pub waiting: u64,
}

impl Tally {
    /// Adds another account.
    pub const fn add(&mut self, other: &Self) {
        self.links += other.links;
        self.changed += other.changed;
        self.missing += other.missing;
        self.held += other.held;
        self.wix += other.wix;
        self.wix_only += other.wix_only;
        self.crm += other.crm;
        self.crm_only += other.crm_only;
        self.waiting += other.waiting;
    }
}

impl Checkpoint {
    /// Begins a pass, unless one is under way.
    pub fn begin(&mut self, now: Timestamp) {
        self.pass.get_or_insert(Pass { began: now, leg: Leg::Links(None), tally: Tally::default() });
    }

    /// Enters a page that is done; `next` is where its leg goes on, nothing if it is over.
    pub fn enter(&mut self, next: Option<Leg>, tally: &Tally, now: Timestamp) {
        let Some(mut pass) = self.pass.take() else { return };
        pass.tally.add(tally);
        let following = match pass.leg {
            Leg::Links(_) => Some(Leg::Wix(Cursor::Start)),
            Leg::Wix(_) => Some(Leg::Crm(None)),
            Leg::Crm(_) => None,
        };
        match next.or(following) {
            Some(leg) => self.pass = Some(Pass { leg, ..pass }),
            None => self.last = Some(Summary { began: pass.began, ended: now, tally: pass.tally }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_legs_follow_each_other() {
        let now = Timestamp::UNIX_EPOCH;
        let mut checkpoint = Checkpoint::default();
        checkpoint.begin(now);
        let page = Tally { links: 1, ..Tally::default() };
        let id = RecordId::from("w1");
        for (next, expected) in [
            (Some(Leg::Links(Some(id.clone()))), Some(Leg::Links(Some(id)))),
            (None, Some(Leg::Wix(Cursor::Start))),
            (Some(Leg::Wix(Cursor::Past(now))), Some(Leg::Wix(Cursor::Past(now)))),
            (None, Some(Leg::Crm(None))),
            (None, None),
        ] {
            checkpoint.enter(next, &page, now);
            assert_eq!(checkpoint.pass.as_ref().map(|pass| pass.leg.clone()), expected);
            checkpoint.begin(now);
            if expected.is_none() {
                break;
            }
        }
        assert_eq!(checkpoint.last.map(|last| last.tally.links), Some(5));
    }
}
