//! What aligning two sides would do, without doing it: whom it would link, whom it would leave to a person, and whom it would make on the other side.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::scan::Cursor;
use crate::model::ids::RecordId;

/// How far the preview of a site has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Checkpoint {
    /// The preview under way.
    pub pass: Option<Pass>,
    /// The one that ended last.
    pub last: Option<Report>,
}

/// A preview under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// When it began.
    pub began: Timestamp,
    /// What it looks at now, and how far it has come in it.
    pub leg: Leg,
    /// What it found so far.
    pub found: Found,
}

/// What a preview looks at, in this order, and where it goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leg {
    /// Wix contacts, which are looked for in the CRM.
    Wix(Cursor),
    /// The CRM's records, which are counted.
    Crm(Option<String>),
}

/// A preview that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// When it began.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// What it found.
    pub found: Found,
}

/// What a preview found: counts, and some of each for a person to look at. Holds ids, no value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Found {
    /// The counts.
    pub tally: Tally,
    /// Some of each verdict, the first that were met.
    pub sample: Vec<Example>,
}

/// One contact of Wix, and what would become of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The contact.
    pub wix: RecordId,
    /// The records of the CRM that match it.
    pub crm: Vec<RecordId>,
    /// What would become of it.
    pub verdict: Verdict,
}

/// What would become of a contact that has no counterpart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Exactly one record that nobody else has matches: the two are linked.
    Link,
    /// Several match, or none that is free, or another contact matches the same: a person decides.
    Review,
    /// None matches: it is made in the CRM.
    Make,
}

impl Verdict {
    /// Decides by how many records match, and how many of them nobody else has.
    #[must_use]
    pub const fn of(matching: usize, free: usize) -> Self {
        match (matching, free) {
            (0, _) => Self::Make,
            (_, 1) => Self::Link,
            _ => Self::Review,
        }
    }
}

/// Counts of a preview.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// Contacts listed in Wix.
    pub wix: u64,
    /// Records listed in the CRM.
    pub crm: u64,
    /// Contacts of Wix that have a counterpart, or whose pair ended.
    pub settled: u64,
    /// Contacts of Wix that wait for a person already.
    pub waiting: u64,
    /// Contacts of Wix that would be linked with the one record that matches.
    pub link: u64,
    /// Contacts of Wix that would be left to a person.
    pub review: u64,
    /// Contacts of Wix that would be made in the CRM.
    pub make_in_crm: u64,
    /// Records of the CRM that have no counterpart.
    pub crm_only: u64,
    /// Records of the CRM without a counterpart that some contact of Wix matches; counted once a page.
    pub crm_matched: u64,
    /// Records of the CRM that would be made in Wix: those that nobody matches.
    pub make_in_wix: u64,
}

impl Tally {
    /// Adds another account; how many would be made in Wix follows from the others.
    pub const fn add(&mut self, other: &Self) {
        self.wix += other.wix;
        self.crm += other.crm;
        self.settled += other.settled;
        self.waiting += other.waiting;
        self.link += other.link;
        self.review += other.review;
        self.make_in_crm += other.make_in_crm;
        self.crm_only += other.crm_only;
        self.crm_matched += other.crm_matched;
        self.make_in_wix = self.crm_only.saturating_sub(self.crm_matched);
    }

    /// Counts a contact of Wix that has no counterpart.
    pub const fn count(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Link => self.link += 1,
            Verdict::Review => self.review += 1,
            Verdict::Make => self.make_in_crm += 1,
        }
    }
}

impl Found {
    /// How many of each verdict the sample has.
    pub const SAMPLED: usize = 10;

    /// Adds what a page showed.
    pub fn add(&mut self, page: Self) {
        self.tally.add(&page.tally);
        for example in page.sample {
            if self.sample.iter().filter(|known| known.verdict == example.verdict).count() < Self::SAMPLED {
                self.sample.push(example);
            }
        }
    }
}

impl Checkpoint {
    /// Begins a preview, unless one is under way.
    pub fn begin(&mut self, now: Timestamp) {
        self.pass.get_or_insert(Pass { began: now, leg: Leg::Wix(Cursor::Start), found: Found::default() });
    }

    /// Tells whether a preview is under way, or was asked for since the last one began.
    #[must_use]
    pub fn is_wanted(&self, asked_at: Option<Timestamp>) -> bool {
        let before = self.last.as_ref().map(|last| last.began);
        self.pass.is_some() || asked_at.is_some_and(|asked| before.is_none_or(|before| asked > before))
    }

    /// Enters a page that is done; `next` is where its leg goes on, nothing if it is over.
    pub fn enter(&mut self, next: Option<Leg>, page: Found, now: Timestamp) {
        let Some(mut pass) = self.pass.take() else { return };
        pass.found.add(page);
        let following = match pass.leg {
            Leg::Wix(_) => Some(Leg::Crm(None)),
            Leg::Crm(_) => None,
        };
        match next.or(following) {
            Some(leg) => self.pass = Some(Pass { leg, ..pass }),
            None => self.last = Some(Report { began: pass.began, ended: now, found: pass.found }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_ends_with_a_report_and_is_not_wanted_until_it_is_asked_for_again() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut checkpoint = Checkpoint::default();
        assert!(!checkpoint.is_wanted(None) && checkpoint.is_wanted(Some(at(1))));
        checkpoint.begin(at(2));
        let page = |wix: &str| Found {
            tally: Tally { wix: 1, make_in_crm: 1, ..Tally::default() },
            sample: vec![Example { wix: wix.into(), crm: vec![], verdict: Verdict::Make }],
        };
        for number in 0..12 {
            checkpoint.enter(Some(Leg::Wix(Cursor::Start)), page(&number.to_string()), at(3));
        }
        checkpoint.enter(None, page("last"), at(4));
        let crm = Found { tally: Tally { crm: 7, crm_only: 5, ..Tally::default() }, ..Found::default() };
        checkpoint.enter(None, crm, at(5));
        assert!(!checkpoint.is_wanted(Some(at(1))) && checkpoint.is_wanted(Some(at(3))));
        let report = checkpoint.last.unwrap();
        assert_eq!((report.began, report.ended, report.found.sample.len()), (at(2), at(5), Found::SAMPLED));
        assert_eq!(report.found.tally, Tally { wix: 13, make_in_crm: 13, crm: 7, crm_only: 5, make_in_wix: 5, ..Tally::default() });
    }

    #[test]
    fn exactly_one_free_match_links() {
        let verdicts = [(0, 0), (1, 1), (1, 0), (2, 2), (2, 1)].map(|(matching, free)| Verdict::of(matching, free));
        assert_eq!(verdicts, [Verdict::Make, Verdict::Link, Verdict::Review, Verdict::Review, Verdict::Link]);
    }
}
