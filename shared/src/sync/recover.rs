//! What became of a write whose answer was never seen, and what is agreed on then.
//!
//! That the far side has a value that was to be written does not show that it was: a person may have typed the same, or have cleared the
//! same field. What shows it is the version that the write would have made, or the side's history.

use jiff::Timestamp;

use super::{enter::set_base, prints};
use crate::{
    mapping::{Mapping, Row},
    model::{
        contact::Contact,
        fingerprint::{Key, Print},
        ids::Revision,
        link::{Base, Intent, IntentRow, Link, Overwrote, RowState},
    },
};

/// What became of an announced write. A write is whole: all its rows were written, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was carried out; at which time, where the side's history tells.
    Written(Option<Timestamp>),
    /// It was not.
    NotWritten,
    /// Nothing tells.
    Unknown,
}

/// What an unfinished write is judged by.
#[derive(Clone, Copy)]
pub struct Unfinished<'a> {
    /// The link, with what was agreed on before the write.
    pub link: &'a Link,
    /// What was announced.
    pub intent: &'a Intent,
    /// The site's fingerprint key.
    pub key: &'a Key,
    /// The site's mapping.
    pub mapping: &'a Mapping,
}

impl Unfinished<'_> {
    /// Tells whether a version of the far record has all that was to be written.
    #[must_use]
    pub fn is_whole_in(&self, version: &Contact) -> bool {
        self.rows().all(|(row, wrote)| self.has_arrived(row, wrote, version))
    }

    /// Tells whether the side may make several versions of it: labels have calls of their own.
    #[must_use]
    pub fn may_take_several_calls(&self) -> bool {
        self.rows().any(|(row, _)| row.is_list())
    }

    /// Returns the rows that were to be written.
    pub fn rows(&self) -> impl Iterator<Item = (&Row, &IntentRow)> {
        self.mapping.rows().iter().filter_map(|row| Some((row, self.intent.rows.get(row.id())?)))
    }

    /// Tells whether the far side has what was to be written, or what it makes of it.
    fn has_arrived(&self, row: &Row, wrote: &IntentRow, there: &Contact) -> bool {
        let value = row.read(self.intent.side, &there.fields);
        let now = prints::print(self.key, row, self.intent.side, value.as_ref());
        now == wrote.target || (now != self.base(row) && prints::loose(self.key, row, value.as_ref()) == wrote.loose)
    }

    fn base(&self, row: &Row) -> Print {
        self.link.anchors.of(self.intent.side).base.get(row.id()).cloned().unwrap_or_default()
    }

    /// Settles the write with the far record as read, and returns the link as it is then.
    ///
    /// After a write that was carried out, a row that differs from it was edited since. After one that was not, the merge judges as usual. Where
    /// nothing tells, a row that differs on the two sides is left to a person: it may have been edited by one who saw our value, or by one who
    /// did not.
    #[must_use]
    pub fn settle(&self, fate: Fate, there: &Contact) -> Link {
        let (mut link, side) = (self.link.clone(), self.intent.side);
        let announced = link.anchors.of_mut(side).take_announced();
        if fate == Fate::NotWritten {
            return link;
        }
        if let Fate::Written(Some(at)) = fate {
            self.remember(&mut link, at, &announced);
        }
        for (row, wrote) in self.rows() {
            if fate == Fate::Unknown {
                link.rows.insert(row.id().clone(), RowState::Conflict);
                continue;
            }
            let own = if self.has_arrived(row, wrote, there) {
                prints::print(self.key, row, side, row.read(side, &there.fields).as_ref())
            } else {
                wrote.target.clone()
            };
            set_base(&mut link.anchors.of_mut(side).base, row.id(), wrote.agreed.clone().unwrap_or(own));
            set_base(&mut link.anchors.of_mut(side.opposite()).base, row.id(), wrote.source.clone());
            // What an earlier write went over is still to be looked at.
            link.rows.retain(|id, state| id != row.id() || *state == RowState::Overwritten(side));
        }
        link
    }

    /// Settles the write where the far record went into another one since, whose versions and history say nothing of it: what the winner has of what
    /// was to be written came from there, and is agreed on.
    #[must_use]
    pub fn settle_in(&self, winner: &Contact) -> Link {
        let (mut link, side) = (self.link.clone(), self.intent.side);
        link.anchors.of_mut(side).take_announced();
        for (row, wrote) in self.rows().filter(|(row, wrote)| self.has_arrived(row, wrote, winner)) {
            let now = prints::print(self.key, row, side, row.read(side, &winner.fields).as_ref());
            set_base(&mut link.anchors.of_mut(side).base, row.id(), wrote.agreed.clone().unwrap_or(now));
            set_base(&mut link.anchors.of_mut(side.opposite()).base, row.id(), wrote.source.clone());
        }
        link
    }

    /// An edit just before the write may have been overwritten unseen, as by any other write.
    fn remember(&self, link: &mut Link, at: Timestamp, announced: &Base) {
        let anchor = link.anchors.of_mut(self.intent.side);
        let Some(read) = anchor.revision.clone() else { return };
        let over = |row: &Row| announced.get(row.id()).cloned().unwrap_or_else(|| self.base(row));
        let rows = self.rows().map(|(row, _)| (row.id().clone(), over(row))).collect();
        anchor.remember(Overwrote { read, wrote: Revision::new(at.to_string()), rows });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        field::{Field, Fields, Value},
        ids::{RecordId, RowId, Side, SiteId},
        site::{Direction, MappingRow, OnEmpty, Transform},
    };

    const ROWS: [&str; 2] = ["name", "company"];

    fn mapping() -> Mapping {
        let row = |name: &&str| MappingRow {
            id: (*name).into(),
            wix: (*name).into(),
            external: (*name).into(),
            direction: Direction::Both,
            transform: Transform::None,
            on_empty: OnEmpty::Clear,
            system_of_record: None,
        };
        Mapping::new(&ROWS.iter().map(row).collect::<Vec<_>>(), None)
    }

    /// A record of the side being written, with the values of [`ROWS`].
    fn record(values: [&str; 2]) -> Contact {
        let fields = ROWS.iter().zip(values).filter_map(|(row, value)| Some((Field::from(*row), Value::text(value)?)));
        Contact {
            id: RecordId::from("w"),
            revision: None,
            created_at: None,
            updated_at: None,
            counterpart: None,
            fields: fields.collect::<Fields>(),
            native: serde_json::Value::Null,
        }
    }

    /// Settles a write from `before` to `wrote`, which finds `there` on the far side; returns the link, and the base that `there` would be.
    fn settle(fate: Fate, [before, wrote, there]: [[&str; 2]; 3]) -> (Link, crate::model::link::Base) {
        let (key, mapping) = (Key::derive(b"test", &SiteId::from("s")), mapping());
        let base = |values| prints::base(&key, &mapping, Side::Wix, &record(values));
        let mut link = Link::new("w".into(), "e".into(), Timestamp::UNIX_EPOCH);
        for side in Side::BOTH {
            link.anchors.of_mut(side).base = base(before);
        }
        let row = |row: &Row| {
            let contact = record(wrote);
            let value = row.read(Side::Wix, &contact.fields);
            let print = prints::print(&key, row, Side::Wix, value.as_ref());
            IntentRow { source: print.clone(), target: print, loose: prints::loose(&key, row, value.as_ref()), agreed: None }
        };
        let rows = mapping.rows().iter().map(|own| (own.id().clone(), row(own))).collect();
        let intent = Intent { side: Side::Wix, until: Timestamp::UNIX_EPOCH, rows };
        let unfinished = Unfinished { link: &link, intent: &intent, key: &key, mapping: &mapping };
        (unfinished.settle(fate, &record(there)), base(there))
    }

    #[test]
    fn a_field_that_somebody_else_cleared_too_does_not_show_that_the_rest_was_written() {
        let values = [["Ann", "Acme"], ["Bo", ""], ["Cy", ""]];
        let (unwritten, _) = settle(Fate::NotWritten, values);
        let (unknown, _) = settle(Fate::Unknown, values);
        let (untouched, _) = settle(Fate::NotWritten, [values[0]; 3]);
        assert_eq!(unwritten, untouched, "both edits of the name are still to be merged");
        assert_eq!(unknown.anchors, untouched.anchors);
        assert_eq!(unknown.rows, ["company", "name"].map(|row| (row.into(), RowState::Conflict)).into(), "equal values settle the one");
    }

    #[test]
    fn what_differs_from_a_write_that_was_carried_out_was_edited_since() {
        let (link, now) = settle(Fate::Written(None), [["Ann", "Acme"], ["Bo", "Bee"], ["Cy", "bee"]]);
        assert_eq!(link.anchors.wix.base.get(&RowId::from("company")), now.get(&RowId::from("company")), "as the side normalised it");
        assert_ne!(link.anchors.wix.base.get(&RowId::from("name")), now.get(&RowId::from("name")));
        assert!(link.rows.is_empty());
    }

    #[test]
    fn a_write_that_changes_the_case_alone_is_not_seen_in_the_old_value() {
        let (link, now) = settle(Fate::Written(None), [["ann", ""], ["Ann", ""], ["ann", ""]]);
        assert_ne!(link.anchors.wix.base, now, "it was written and set back since");
    }

    #[test]
    fn what_a_write_went_over_is_as_it_was_read() {
        let (key, mapping) = (Key::derive(b"test", &SiteId::from("s")), mapping());
        let base = |values| prints::base(&key, &mapping, Side::Wix, &record(values));
        let mut link = Link::new("w".into(), "e".into(), Timestamp::UNIX_EPOCH);
        let (agreed, read) = (base(["Ann", "Acme"]), base(["Ann", "Bee"]));
        let version = Revision::from("2026-11-20T12:00:00Z");
        link.anchors.wix.base = agreed;
        link.anchors.wix.revision = Some(version.clone());
        link.anchors.wix.announce(
            version,
            read.iter().filter(|(row, _)| row.as_str() == "company").map(|(row, print)| (row.clone(), print.clone())).collect(),
        );
        let row = || IntentRow { source: Print::Empty, target: Print::Empty, loose: Print::Empty, agreed: None };
        let intent = Intent { side: Side::Wix, until: Timestamp::UNIX_EPOCH, rows: ROWS.map(|id| (id.into(), row())).into() };
        let unfinished = Unfinished { link: &link, intent: &intent, key: &key, mapping: &mapping };
        let written = unfinished.settle(Fate::Written(Some(Timestamp::MAX)), &record(["", ""]));
        assert_eq!(written.anchors.wix.overwrote.iter().map(|write| write.rows.clone()).collect::<Vec<_>>(), [read]);
        assert_eq!(unfinished.settle(Fate::NotWritten, &record(["", ""])).anchors.wix.overwrote, []);
    }
}
