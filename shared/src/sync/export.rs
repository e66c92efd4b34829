//! What an export has done and does next: passes, legs, watermarks, and the account of its rows.
//!
//! A watermark is not "now": it is the stamp of what was handed over, by the side's own clock, less an overlap, rounded down. Whatever the side
//! shows later than it stamps it comes again with the next pass, and what was seen already costs no write.

use std::time::Duration;

use jiff::{Timestamp, Unit};
use serde::{Deserialize, Serialize};

use super::{
    handed::{Handed, Handing},
    scan::{Cursor, Scan},
};
use crate::model::{ids::RecordId, site::Include};

/// How far the export of a site has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Checkpoint {
    /// Whatever was created before is handed over; nothing was ever loaded without.
    pub created: Option<Timestamp>,
    /// Whatever was changed before is handed over.
    pub updated: Option<Timestamp>,
    /// The pass under way.
    pub pass: Option<Pass>,
    /// The CRM's ids that are still to be shown in Wix.
    pub mirror: Option<Mirror>,
    /// Whom contact sync has, of those that the next pass comes across again.
    pub handed: Handed,
    /// The account of the last pass that ended.
    pub last: Option<Summary>,
}

/// One pass over what is new.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// When it began.
    pub began: Timestamp,
    /// When it began by the side's clock.
    pub as_of: Option<Timestamp>,
    /// Whether it is the first load, which takes all contacts.
    pub first: bool,
    /// Since when it looks at what was created.
    pub since: Option<Timestamp>,
    /// Whether it was stopped before it was over: then what was done behind the last page that was entered is in no account.
    #[serde(default)]
    pub resumed: bool,
    /// Whether the CRM had nothing when it began that has to be looked for before a contact is made there.
    #[serde(default)]
    pub unchecked: bool,
    /// What it looks at now.
    pub leg: Leg,
    /// Which contacts these are.
    pub scan: Scan,
    /// How far the leg has come.
    pub cursor: Cursor,
    /// The latest stamp handed over in this leg.
    pub latest: Option<Timestamp>,
    /// The account so far.
    pub tally: Tally,
}

/// What a pass looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leg {
    /// What was created since the watermark.
    Created,
    /// What was changed since the other watermark.
    Updated,
}

/// The scan that shows the CRM's ids in Wix.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mirror {
    /// Which contacts.
    pub scan: Scan,
    /// How far it has come.
    pub cursor: Cursor,
    /// How many fields were filled.
    pub filled: u64,
}

/// A pass that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// When it began.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// Its account.
    pub tally: Tally,
}

/// What became of the rows that were read; each is counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// Pages listed.
    pub pages: u64,
    /// Rows read.
    pub read: u64,
    /// Made in the CRM and linked.
    pub created: u64,
    /// Linked, and as agreed.
    pub unchanged: u64,
    /// Handed to contact sync, which brings them in step one by one: linked and changed, matched, or half made.
    pub handed_over: u64,
    /// The pair ended; nothing revives it.
    pub buried: u64,
    /// Wait since before: for a person, for another try, or for contact sync.
    pub waiting: u64,
    /// Newly wait for a person.
    pub parked: u64,
    /// Failed for a passing reason; are tried again.
    pub failed: u64,
}

impl Tally {
    /// Adds another account.
    pub fn add(&mut self, other: &Self) {
        self.pages += other.pages;
        self.read += other.read;
        self.created += other.created;
        self.unchanged += other.unchanged;
        self.handed_over += other.handed_over;
        self.buried += other.buried;
        self.waiting += other.waiting;
        self.parked += other.parked;
        self.failed += other.failed;
    }

    /// Returns how many rows are accounted for; all that were read, once a page is done.
    #[must_use]
    pub const fn accounted(&self) -> u64 {
        self.created + self.unchanged + self.handed_over + self.buried + self.waiting + self.parked + self.failed
    }
}

/// A page of a pass that is done, every row of it accounted for.
#[derive(Clone, Debug)]
pub struct Done {
    /// Where the leg goes on; nothing if it is over.
    pub next: Option<Cursor>,
    /// The latest stamp of the page, of the kind the leg goes by.
    pub latest: Option<Timestamp>,
    /// When the page was listed, by the side's clock.
    pub as_of: Timestamp,
    /// Who was handed to contact sync.
    pub handed: Vec<(RecordId, Handing)>,
    /// The account of the page.
    pub tally: Tally,
}

impl Checkpoint {
    /// Begins a pass, unless one is under way.
    pub fn begin(&mut self, now: Timestamp) {
        if let Some(pass) = &mut self.pass {
            pass.resumed = true;
        } else {
            self.pass = Some(Pass {
                resumed: false,
                began: now,
                as_of: None,
                first: self.created.is_none(),
                unchecked: false,
                leg: Leg::Created,
                scan: Scan { created_since: self.created, updated_since: None },
                since: self.created,
                cursor: Cursor::Start,
                latest: None,
                tally: Tally::default(),
            });
        }
    }

    /// Enters a page that is done; the pass ends with its last leg's last page.
    pub fn enter(&mut self, done: Done, settings: Settings, now: Timestamp) {
        let Some(mut pass) = self.pass.take() else { return };
        pass.tally.add(&done.tally);
        pass.as_of.get_or_insert(done.as_of);
        pass.latest = pass.latest.max(done.latest);
        // In the order of creation all that is older is handed over, but for what was not shown yet when the pass began; in the order of changes
        // nothing is known before the leg is over.
        if pass.leg == Leg::Created {
            self.created = self.created.max(pass.latest.min(pass.as_of).map(|handed| less(handed, settings.overlap)));
        }
        self.handed.enter(done.handed);
        let updated = self.updated.filter(|_| settings.include == Include::CreatedAndUpdated);
        self.handed.forget_behind(self.created, updated);
        match done.next {
            Some(next) => {
                pass.cursor = next;
                self.pass = Some(pass);
            }
            None => self.end_leg(&pass, settings, now),
        }
    }

    fn end_leg(&mut self, pass: &Pass, settings: Settings, now: Timestamp) {
        let bound = |as_of: Option<Timestamp>| as_of.map(|as_of| less(as_of, settings.overlap));
        match pass.leg {
            Leg::Created if pass.first => {
                // Changes made while the load was under way may have missed their page.
                self.updated = self.updated.max(self.created.and(bound(pass.as_of)));
                self.mirror = Some(Mirror::default());
                self.end_pass(pass, now);
            }
            Leg::Created if settings.include == Include::CreatedAndUpdated => {
                let scan = Scan { created_since: None, updated_since: self.updated };
                self.pass = Some(Pass { leg: Leg::Updated, scan, cursor: Cursor::Start, latest: None, as_of: None, ..pass.clone() });
            }
            Leg::Created => self.end_pass(pass, now),
            Leg::Updated => {
                // A change made behind the leg's back is later than the leg's first page.
                self.updated = self.updated.max(bound(pass.latest.min(pass.as_of)));
                self.end_pass(pass, now);
            }
        }
    }

    fn end_pass(&mut self, pass: &Pass, now: Timestamp) {
        if (pass.tally.created > 0 || pass.resumed) && self.mirror.is_none() {
            self.mirror = Some(Mirror { scan: Scan { created_since: pass.since, updated_since: None }, ..Mirror::default() });
        }
        self.last = Some(Summary { began: pass.began, ended: now, tally: pass.tally });
    }
}

/// What of the site's settings a pass goes by.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Which contacts later passes look at.
    pub include: Include,
    /// How far a pass looks back.
    pub overlap: Duration,
}

/// Returns an instant less an overlap, rounded down to the second.
pub(crate) fn less(instant: Timestamp, overlap: Duration) -> Timestamp {
    let less = instant.saturating_sub(overlap).unwrap_or(Timestamp::MIN);
    less.round(jiff::TimestampRound::new().smallest(Unit::Second).mode(jiff::RoundMode::Floor)).unwrap_or(less)
}

#[cfg(test)]
mod tests;
