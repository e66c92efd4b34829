//! A write that was announced and never entered: its worker crashed, or the answer was lost.

use super::{Contacts, EVIDENCE_TIME, Hint, Step, Stop, WHILE_WRITTEN};
use crate::{
    mapping::Row,
    model::{
        contact::{Contact, Found},
        ids::Revision,
        link::{IntentRow, Link},
    },
    ports::{ErrorKind, PastValue},
    sync::{
        prints,
        recover::{Fate, Unfinished},
    },
};

impl Contacts {
    /// Settles an earlier worker's unfinished write; tells whether there was one.
    pub(super) async fn recover(&self, hint: Hint<'_>, link: &mut Link, this: &Found, other: &Found) -> Step<bool> {
        let Some(intent) = link.intent.take() else { return Ok(false) };
        let there = if intent.side == hint.side { this } else { other };
        let unfinished = Unfinished { link, intent: &intent, key: &self.key, mapping: &self.mapping };
        let settled = match there {
            Found::Present(contact) => Some(unfinished.settle(self.fate(hint, unfinished, contact).await?, contact)),
            Found::Merged(winner) => Some(unfinished.settle_in(winner)),
            Found::Absent => None,
        };
        if let Some(settled) = settled {
            *link = settled;
        }
        Ok(true)
    }

    /// Finds out what became of the write: a version that came of it, or the side's history, tells.
    async fn fate(&self, hint: Hint<'_>, unfinished: Unfinished<'_>, there: &Contact) -> Step<Fate> {
        let read = &unfinished.link.anchors.of(unfinished.intent.side).revision;
        if read.is_some() && *read == there.revision {
            return Ok(Fate::NotWritten);
        }
        match read.as_ref().and_then(Revision::counter) {
            Some(read) => self.fate_by_version(hint, unfinished, there, read + 1),
            None => self.fate_by_history(unfinished, there).await,
        }
    }

    /// A write on the condition of a version makes the next one or none. Where that one is gone by, its event encloses it: what the record has by
    /// now may be what a person typed as well.
    fn fate_by_version(&self, hint: Hint<'_>, unfinished: Unfinished<'_>, there: &Contact, next: u64) -> Step<Fate> {
        let side = unfinished.intent.side;
        let enclosed = hint.event.entity.as_ref().filter(|_| hint.side == side).and_then(|entity| self.store(side).enclosed(entity));
        let is_next = |version: &&Contact| version.id == there.id && version.revision.as_ref().and_then(Revision::counter) == Some(next);
        match [Some(there), enclosed.as_ref()].into_iter().flatten().find(is_next) {
            Some(version) if unfinished.is_whole_in(version) => Ok(Fate::Written(None)),
            Some(_) if unfinished.may_take_several_calls() && unfinished.is_whole_in(there) => Ok(Fate::Written(None)),
            Some(_) => Ok(Fate::NotWritten),
            None if self.clock.now() < unfinished.intent.until + EVIDENCE_TIME => {
                Err(self.later(WHILE_WRITTEN, "the event that tells of an unanswered write has not come").into())
            }
            None => Ok(Fate::Unknown),
        }
    }

    /// The history tells by a value of ours that the write was carried out. It does not show one that somebody else had typed before; only if
    /// that may be so in every row, nothing is certain.
    async fn fate_by_history(&self, unfinished: Unfinished<'_>, there: &Contact) -> Step<Fate> {
        let side = unfinished.intent.side;
        let Some(read) = &unfinished.link.anchors.of(side).revision else { return Ok(Fate::Unknown) };
        let mut fate = Fate::Unknown;
        for (row, wrote) in unfinished.rows() {
            let past = match self.store(side).history(&there.id, row.field(side), read).await {
                Ok(past) => past,
                Err(error) if error.kind == ErrorKind::Unsupported => return Ok(Fate::Unknown),
                Err(error) => return Err(Stop::at(side, error)),
            };
            let mut same = past.iter().rev().filter(|past| Some(past.at) > read.instant() && self.is_it(unfinished, (row, wrote), past));
            match same.clone().find(|past| past.ours) {
                Some(past) => return Ok(Fate::Written(Some(past.at))),
                None if same.next().is_none() => fate = Fate::NotWritten,
                None => {}
            }
        }
        Ok(fate)
    }

    /// Tells whether a value of the history is the one that was to be written, or what the side makes of it.
    fn is_it(&self, unfinished: Unfinished<'_>, (row, wrote): (&Row, &IntentRow), past: &PastValue) -> bool {
        let side = unfinished.intent.side;
        let value = row.read(side, &past.fields(row.field(side)));
        prints::print(&self.key, row, side, value.as_ref()) == wrote.target || prints::loose(&self.key, row, value.as_ref()) == wrote.loose
    }
}
