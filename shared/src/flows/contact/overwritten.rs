//! Edits that a write of ours went over on a side without conditional writes.
//!
//! Between our read and our write a person may have saved the same field. The event of that edit still comes, and the side's history has
//! the value: by the conflict rule it either stands superseded, or it is put back and flows on like any edit.

use jiff::Timestamp;
use tracing::info;

use super::{Contacts, Hint, Step, Stop};
use crate::{
    mapping::Row,
    model::{
        contact::Contact,
        event::EventKind,
        field::{Patch, Value},
        fingerprint::Print,
        ids::Side,
        link::{Anchor, Link, Overwrote, Parked, ParkedReason},
        site::OnConflict,
    },
    ports::{ErrorKind, PastValue},
    sync::prints,
};

impl Contacts {
    /// Puts back what a write of ours went over unseen, where the conflict rule says that it wins; tells whether it did. `contact` is then as the
    /// side returned it.
    pub(super) async fn restore_overwritten(&self, hint: Hint<'_>, link: &Link, contact: &mut Contact) -> Step<bool> {
        let EventKind::Updated { changes } = &hint.event.kind else { return Ok(false) };
        let anchor = link.anchors.of(hint.side);
        let mut patch = Patch::new();
        for change in changes.iter().filter(|change| !change.ours) {
            let row = self.mapping.rows().iter().find(|row| row.field(hint.side).as_str() == change.field);
            let Some((row, window)) = row.and_then(|row| Some((row, window(anchor, row, change.at)?))) else { continue };
            if let Some(lost) = self.lost_value(hint.side, contact, row, window).await?
                && self.wins(hint.side, link, row).await?
            {
                patch.insert(row.field(hint.side).clone(), lost);
            }
        }
        if patch.is_empty() {
            return Ok(false);
        }
        info!(site = %self.site.site, record = %contact.id, fields = patch.len(), "Put back an edit that our write had gone over.");
        *contact = self.store(hint.side).update(contact, &patch).await.map_err(|error| Stop::at(hint.side, error))?;
        Ok(true)
    }

    /// Returns the last value a person gave a field between our read and our write, if it was neither what we read nor what stands now.
    async fn lost_value(&self, side: Side, contact: &Contact, row: &Row, window: &Overwrote) -> Step<Option<Option<Value>>> {
        let history = match self.store(side).history(&contact.id, row.field(side), &window.read).await {
            Ok(history) => history,
            Err(error) if error.kind == ErrorKind::Unsupported => return Ok(None),
            Err(error) => return Err(Stop::at(side, error)),
        };
        let wrote = window.wrote.instant().unwrap_or(Timestamp::MAX);
        let print = |past: &PastValue| prints::print(&self.key, row, side, row.read(side, &past.fields(row.field(side))).as_ref());
        let read = window.rows.get(row.id()).cloned().unwrap_or_default();
        let Some(at) = history.iter().rposition(|past| !past.ours && past.at <= wrote) else { return Ok(None) };
        let (Some(lost), later) = (history.get(at), history.get(at + 1..).unwrap_or_default()) else { return Ok(None) };
        // A person who edited after our write had seen it, whatever we wrote since.
        if later.is_empty() || later.iter().any(|past| !past.ours) {
            return Ok(None);
        }
        let value = print(lost);
        let stands = value == read || value == print_of(self, side, row, contact);
        // Put back before: an event that comes again must not undo what was typed since.
        let put_back = later.iter().any(|past| print(past) == value);
        Ok((!stands && !put_back).then(|| lost.value.clone()))
    }

    /// Tells whether an overwritten edit of `side` wins; where a person decides, it is reported.
    async fn wins(&self, side: Side, link: &Link, row: &Row) -> Step<bool> {
        let policy = self.policy(None);
        if policy.on_conflict == OnConflict::Park {
            let (id, rows) = (link.id(side).clone(), vec![row.id().clone()]);
            let note = Parked { side, id, reason: ParkedReason::Conflict, rows, since: self.clock.now() };
            self.links.park(&self.site.site, &note).await?;
            return Ok(false);
        }
        let winner = row.system_of_record().unwrap_or(policy.system_of_record);
        Ok(winner == side && row.flows_to(side.opposite()))
    }
}

fn print_of(contacts: &Contacts, side: Side, row: &Row, contact: &Contact) -> Print {
    prints::print(&contacts.key, row, side, row.read(side, &contact.fields).as_ref())
}

/// Returns the write of ours that an edit at `at` may have fallen under.
fn window<'a>(anchor: &'a Anchor, row: &Row, at: Timestamp) -> Option<&'a Overwrote> {
    anchor.overwrote.iter().find(|window| {
        let within = window.read.instant().is_some_and(|read| read <= at) && window.wrote.instant().is_some_and(|wrote| at <= wrote);
        within && window.rows.contains_key(row.id())
    })
}
