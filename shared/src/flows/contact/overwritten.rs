//! Edits that a write of ours went over on a side without conditional writes.
//!
//! Between our read and our write a person may have saved the same field. The event of that edit still comes, and the side's history has
//! the value: by the conflict rule it either stands superseded, or it is put back and flows on like any edit. Where people decide, they are told.

use jiff::Timestamp;
use tracing::info;

use super::{Contacts, Hint, Step, Stop};
use crate::{
    mapping::Row,
    model::{
        contact::Contact,
        event::EventKind,
        field::Patch,
        ids::{RowId, Side},
        link::{Anchor, Link, Overwrote, RowState},
        site::OnConflict,
    },
    ports::{ErrorKind, PastValue},
    sync::lost::Lost,
};

/// What came of looking for edits that a write of ours went over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unseen {
    /// There are none, or they lose by the conflict rule.
    Nothing,
    /// There are some, which a person has to know of. The link says so, and is to be stored.
    Noted,
    /// Some were put back.
    PutBack,
}

impl Contacts {
    /// Puts back what a write of ours went over unseen, where the conflict rule says that it wins; `contact` is then as the side returned it.
    /// Where people decide, notes it on the link, once.
    pub(super) async fn look_for_overwritten(&self, hint: Hint<'_>, link: &mut Link, contact: &mut Contact) -> Step<Unseen> {
        let EventKind::Updated { changes } = &hint.event.kind else { return Ok(Unseen::Nothing) };
        let (mut patch, mut unclear) = (Patch::new(), Vec::new());
        for change in changes.iter().filter(|change| !change.ours) {
            let row = self.mapping.rows().iter().find(|row| row.field(hint.side).as_str() == change.field);
            let anchor = link.anchors.of(hint.side);
            let Some((row, window)) = row.and_then(|row| Some((row, window(anchor, row, change.at)?))) else { continue };
            let Some(lost) = self.lost_value(hint.side, contact, row, window).await? else { continue };
            match self.winner(hint.side, row) {
                None => unclear.push(row.id().clone()),
                Some(winner) if winner == hint.side => patch.extend(lost),
                Some(_) => {}
            }
        }
        let put_back = !patch.is_empty() && self.put_back(link, (hint.side, contact), &patch).await?;
        if !put_back {
            let rows = self.mapping.rows().iter().filter(|row| patch.contains_key(row.field(hint.side)));
            unclear.extend(rows.map(|row| row.id().clone()));
        }
        for row in &unclear {
            note(link, hint.side, row);
        }
        Ok(match (put_back, unclear.is_empty()) {
            (true, _) => Unseen::PutBack,
            (false, true) => Unseen::Nothing,
            (false, false) => Unseen::Noted,
        })
    }

    /// Writes lost edits again; tells whether the side took them, as it may not take from us what it took from a person.
    async fn put_back(&self, link: &mut Link, (side, contact): (Side, &mut Contact), patch: &Patch) -> Step<bool> {
        // A worker that read the record before must not write over it once more.
        let unfinished = link.intent.clone();
        self.keep_others_off(link, side).await?;
        link.intent = unfinished;
        info!(site = %self.site.site, record = %contact.id, fields = patch.len(), "Put back an edit that our write had gone over.");
        match self.store(side).update(contact, patch).await {
            Ok(returned) => {
                self.remember_overwritten(link, side, patch, [contact, &returned]);
                *contact = returned;
            }
            Err(error) if matches!(error.kind, ErrorKind::Invalid(_) | ErrorKind::Exists(_) | ErrorKind::Forbidden) => return Ok(false),
            Err(error) => return Err(Stop::at(side, error)),
        }
        Ok(true)
    }

    /// Returns what is to be written to bring the last edit back that a person made between our read and our write, if it was lost.
    async fn lost_value(&self, side: Side, contact: &Contact, row: &Row, window: &Overwrote) -> Step<Option<Patch>> {
        let field = row.field(side);
        let history = match self.store(side).history(&contact.id, field, &window.read).await {
            Ok(history) => history,
            Err(error) if error.kind == ErrorKind::Unsupported => return Ok(None),
            Err(error) => return Err(Stop::at(side, error)),
        };
        let wrote = window.wrote.instant().unwrap_or(Timestamp::MAX);
        let Some(at) = history.iter().rposition(|past| !past.ours && past.at <= wrote) else { return Ok(None) };
        let (Some(edit), later) = (history.get(at), history.get(at + 1..).unwrap_or_default()) else { return Ok(None) };
        // A person who edited after our write had seen it, whatever we wrote since; but not the elements of a list that were not there.
        if later.is_empty() || !row.is_list() && later.iter().any(|past| !past.ours) {
            return Ok(None);
        }
        let read = window.rows.get(row.id()).cloned().unwrap_or_default();
        let value = |past: &PastValue| row.read(side, &past.fields(field));
        let (edit, now) = (value(edit), row.read(side, &contact.fields));
        let lost = Lost { key: &self.key, row, side, read: &read, edit: edit.as_ref(), now: now.as_ref() };
        // Put back before: an event that comes again must not undo what was typed since.
        let put_back = later.iter().any(|past| lost.is_in(value(past).as_ref()));
        Ok((!put_back && lost.makes_a_difference()).then(|| Patch::from([(field.clone(), row.write(side, lost.restored()))])))
    }

    /// Returns whose edit of a row wins where `side` did not know of the other's; `None` where a person decides. Lists have room for both.
    fn winner(&self, side: Side, row: &Row) -> Option<Side> {
        let one_way = Side::BOTH.into_iter().find(|side| !row.flows_to(*side));
        let policy = self.policy(None);
        match policy.on_conflict {
            _ if one_way.is_some() => one_way,
            _ if row.is_list() => Some(side),
            OnConflict::Park => None,
            OnConflict::SystemOfRecord => Some(row.system_of_record().unwrap_or(policy.system_of_record)),
        }
    }
}

/// Notes on a link that a person has to look at a row. An event that comes again must not ask again once they did.
fn note(link: &mut Link, side: Side, row: &RowId) {
    link.rows.entry(row.clone()).or_insert(RowState::Overwritten(side));
    for window in &mut link.anchors.of_mut(side).overwrote {
        window.rows.remove(row);
    }
}

/// Returns the write of ours that an edit at `at` may have fallen under.
fn window<'a>(anchor: &'a Anchor, row: &Row, at: Timestamp) -> Option<&'a Overwrote> {
    anchor.overwrote.iter().find(|window| {
        let within = window.read.instant().is_some_and(|read| read <= at) && window.wrote.instant().is_some_and(|wrote| at <= wrote);
        within && window.rows.contains_key(row.id())
    })
}
