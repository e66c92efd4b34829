//! Paging through a listing that changes meanwhile.
//!
//! The side pages by offset, and offsets shift with every contact made or deleted meanwhile. The one thing that stays is when a contact was
//! created. So each page begins at the creation of the last contact of the page before, and those of that very instant come again and are
//! left out by their ids. Only where more contacts share an instant than fit a page is there no way around offsets: such a group is
//! swept until as many were seen as there are, in whatever order each page shows them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{
    ids::RecordId,
    listing::{Ask, Created, Listed},
};

/// So often a group of one instant is swept at most; what hides from every sweep is left to the full comparison.
const MOST_SWEEPS: u32 = 20;
/// So many contacts of a group are remembered; of larger ones it is only noticed whether their number changes.
const MOST_SEEN: usize = 5_000;

/// Which contacts are scanned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scan {
    /// Only those created at or after this instant.
    pub created_since: Option<Timestamp>,
    /// Only those changed at or after this instant.
    pub updated_since: Option<Timestamp>,
}

/// How far a scan has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cursor {
    /// Nothing is read yet.
    #[default]
    Start,
    /// Everything created before `stamp` is read, and of those created at it the ones of the `border`.
    Behind {
        /// The creation of the last contact that was read.
        stamp: Timestamp,
        /// The contacts of that instant that were read.
        border: BTreeSet<RecordId>,
    },
    /// Everything created before an instant that more contacts share than fit a page is read; these are being swept.
    Within(Sweep),
    /// Everything created up to this instant is read.
    Past(Timestamp),
}

/// How far the sweep of a group of one instant has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sweep {
    /// The instant.
    pub stamp: Timestamp,
    /// How many were read in this sweep.
    pub offset: usize,
    /// How many there were when the sweep began, if the side tells.
    pub total: Option<u64>,
    /// Whether their number changed meanwhile.
    pub moved: bool,
    /// Which sweep it is, from 1.
    pub number: u32,
    /// Whether this sweep brought any that was not seen before.
    pub found: bool,
    /// Who was seen, by a hash of the id.
    pub seen: BTreeSet<u64>,
}

/// A page as far as paging goes.
#[derive(Clone, Copy, Debug)]
pub struct Read<'a> {
    /// The rows.
    pub rows: &'a [Listed],
    /// How many were asked for.
    pub limit: usize,
    /// How many there are in all, if the side tells.
    pub total: Option<u64>,
}

/// What a page leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The positions of the rows that this scan has not come across before.
    pub fresh: Vec<usize>,
    /// Whether some of them may have been read before all the same.
    pub again: bool,
    /// Where the scan goes on; nothing if it is over.
    pub next: Option<Cursor>,
}

/// The side says that there is more than it lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the listing is cut short")]
pub struct CutShort;

impl Cursor {
    /// Returns the next page to list.
    #[must_use]
    pub const fn ask(&self, scan: &Scan, limit: usize) -> Ask {
        let (created, offset) = match self {
            Self::Start => match scan.created_since {
                Some(since) => (Created::From(since), 0),
                None => (Created::Any, 0),
            },
            Self::Behind { stamp, .. } => (Created::From(*stamp), 0),
            Self::Within(sweep) => (Created::At(sweep.stamp), sweep.offset),
            Self::Past(stamp) => (Created::After(*stamp), 0),
        };
        Ask { updated_since: scan.updated_since, created, offset, limit }
    }

    /// Moves on behind a page that was read.
    ///
    /// # Errors
    /// [`CutShort`] if the page brings nothing new although the side says that there is more: nothing can be concluded from it.
    pub fn turn(&self, page: Read) -> Result<Turn, CutShort> {
        match self {
            Self::Within(sweep) => sweep.clone().turn(page),
            Self::Start | Self::Behind { .. } | Self::Past(_) => self.turn_window(page),
        }
    }

    fn turn_window(&self, page: Read) -> Result<Turn, CutShort> {
        let was_read = |row: &Listed| matches!(self, Self::Behind { border, .. } if row.id().is_some_and(|id| border.contains(id)));
        let fresh: Vec<usize> = positions(page.rows, |row| !was_read(row));
        let stamps = || page.rows.iter().filter_map(Listed::created_at);
        let next = match (stamps().min(), stamps().max()) {
            _ if page.is_last() => None,
            (Some(first), Some(last)) if first == last && page.has_more() => Some(Self::Within(Sweep::first(last).having_seen(page.rows))),
            (_, Some(last)) if !fresh.is_empty() => Some(self.behind(last, page.rows)),
            _ if page.total.is_some() => return Err(CutShort),
            // How many there are is not told, and a page may hold fewer than were asked for: more may share the instant.
            (_, Some(last)) => Some(Self::Within(Sweep { offset: page.rows.len(), ..Sweep::first(last) }.having_seen(page.rows))),
            (_, None) => None,
        };
        Ok(Turn { fresh, again: false, next })
    }

    fn behind(&self, stamp: Timestamp, rows: &[Listed]) -> Self {
        let mut border: BTreeSet<RecordId> =
            rows.iter().filter(|row| row.created_at() == Some(stamp)).filter_map(|row| row.id().cloned()).collect();
        if let Self::Behind { stamp: before, border: known } = self
            && *before == stamp
        {
            border.extend(known.iter().cloned());
        }
        Self::Behind { stamp, border }
    }
}

impl Sweep {
    const fn first(stamp: Timestamp) -> Self {
        Self { stamp, offset: 0, total: None, moved: false, number: 1, found: false, seen: BTreeSet::new() }
    }

    fn having_seen(mut self, rows: &[Listed]) -> Self {
        let room = MOST_SEEN.saturating_sub(self.seen.len());
        let new: Vec<u64> = rows.iter().filter_map(Listed::id).map(hash).filter(|hash| !self.seen.contains(hash)).collect();
        self.found |= !new.is_empty();
        self.seen.extend(new.into_iter().take(room));
        self
    }

    /// Tells whether everybody who was seen is remembered.
    fn remembers(&self) -> bool {
        self.seen.len() < MOST_SEEN
    }

    fn turn(mut self, page: Read) -> Result<Turn, CutShort> {
        if self.offset == 0 {
            (self.total, self.moved, self.found) = (page.total, false, false);
        }
        self.moved |= self.total != page.total;
        self.offset += page.rows.len();
        let over = match page.total {
            Some(total) => self.offset as u64 >= total,
            None => page.rows.is_empty(),
        };
        if !over && page.rows.is_empty() {
            return Err(CutShort);
        }
        let is_new = |row: &Listed| row.id().is_none_or(|id| !self.seen.contains(&hash(id)));
        let (fresh, again) = (positions(page.rows, is_new), !self.remembers());
        let swept = self.having_seen(page.rows);
        let next = if over { swept.end() } else { Cursor::Within(swept) };
        Ok(Turn { fresh, again, next: Some(next) })
    }

    /// A sweep after which somebody may not have been seen yet is done again.
    fn end(self) -> Cursor {
        let complete = match self.total {
            Some(_) if self.moved => false,
            Some(total) if self.remembers() => self.seen.len() as u64 >= total,
            Some(_) => true,
            None => !self.found && self.number > 1,
        };
        if complete || self.number >= MOST_SWEEPS {
            return Cursor::Past(self.stamp);
        }
        // Those who were seen and are gone must not stand for others.
        let seen = if self.moved { BTreeSet::new() } else { self.seen };
        Cursor::Within(Self { number: self.number + 1, seen, ..Self::first(self.stamp) })
    }
}

/// FNV-1a, to remember many ids in little space.
fn hash(id: &RecordId) -> u64 {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    id.as_str().bytes().fold(0xcbf2_9ce4_8422_2325, mix)
}

impl Read<'_> {
    const fn is_full(&self) -> bool {
        self.rows.len() >= self.limit
    }

    /// Tells whether there is more behind this page, as far as that can be told.
    fn has_more(&self) -> bool {
        self.total.map_or(self.is_full(), |total| total > self.rows.len() as u64)
    }

    /// Tells whether the side says that this is all; a short page alone does not.
    fn is_last(&self) -> bool {
        self.total.is_some_and(|total| self.rows.len() as u64 >= total)
    }
}

fn positions(rows: &[Listed], wanted: impl Fn(&Listed) -> bool) -> Vec<usize> {
    rows.iter().enumerate().filter(|(_, row)| wanted(row)).map(|(position, _)| position).collect()
}

#[cfg(test)]
mod tests;
