//! Paging through a listing that changes meanwhile.
//!
//! The side pages by offset, and offsets shift with every contact made or deleted meanwhile. The one thing that stays is when a contact was
//! created. So each page begins at the creation of the last contact of the page before, and those of that very instant come again and are
//! left out by their ids. Only where more contacts share an instant than fit a page is there no way around offsets: such a group is
//! swept until a sweep finds that nothing moved.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{
    ids::RecordId,
    listing::{Ask, Created, Listed},
};

/// So often a group of one instant is swept at most; deletes that hit every sweep are left to the full comparison.
const MOST_SWEEPS: u32 = 5;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Whether rows of the page were read before under circumstances in which they could not be told.
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
            Self::Within(sweep) => sweep.turn(page),
            Self::Start | Self::Behind { .. } | Self::Past(_) => self.turn_window(page),
        }
    }

    fn turn_window(&self, page: Read) -> Result<Turn, CutShort> {
        let was_read = |row: &Listed| matches!(self, Self::Behind { border, .. } if row.id().is_some_and(|id| border.contains(id)));
        let fresh: Vec<usize> = positions(page.rows, |row| !was_read(row));
        let stamps = || page.rows.iter().filter_map(Listed::created_at);
        let next = match (stamps().min(), stamps().max()) {
            _ if page.is_last() => None,
            (Some(first), Some(last)) if first == last && page.has_more() => Some(Self::Within(Sweep::first(last))),
            (_, Some(last)) if !fresh.is_empty() => Some(self.behind(last, page.rows)),
            _ if page.total.is_some() => return Err(CutShort),
            _ => None,
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
        Self { stamp, offset: 0, total: None, moved: false, number: 1 }
    }

    fn turn(&self, page: Read) -> Result<Turn, CutShort> {
        let sweep = Self { total: if self.offset == 0 { page.total } else { self.total }, ..*self };
        let moved = sweep.moved || sweep.total != page.total;
        let offset = sweep.offset + page.rows.len();
        let over = match page.total {
            Some(total) => offset as u64 >= total,
            None => !page.is_full(),
        };
        // Its first page was read before it turned out to be a group.
        let again = self.number > 1 || self.offset == 0;
        if !over && page.rows.is_empty() {
            return Err(CutShort);
        }
        let next = if over { Self { moved, ..sweep }.end() } else { Cursor::Within(Self { offset, moved, ..sweep }) };
        Ok(Turn { fresh: positions(page.rows, |_| true), again, next: Some(next) })
    }

    /// A sweep that saw the group move, or could not have seen it, is done again.
    const fn end(self) -> Cursor {
        let sure = !self.moved && (self.total.is_some() || self.number > 1);
        if sure || self.number >= MOST_SWEEPS {
            return Cursor::Past(self.stamp);
        }
        Cursor::Within(Self { number: self.number + 1, ..Self::first(self.stamp) })
    }
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
