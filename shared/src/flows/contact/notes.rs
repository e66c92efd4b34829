//! What a person is told: the notes about a link are stored together with it, so neither is ever without the other.

use std::collections::BTreeMap;

use tracing::warn;

use super::{Contacts, Effect, Hint, SOON, Step, Stop};
use crate::{
    model::{
        event::{Event, EventKind},
        ids::{RecordId, RowId, Side},
        link::{Hold, Link, Notes, Parked, ParkedReason, RowState},
    },
    ports::{ErrorKind, Noted, StoreError, StoreResult},
};

/// What of a link, as it is stored, is on the list.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Shown {
    hold: Option<Hold>,
    rows: BTreeMap<RowId, RowState>,
}

impl Shown {
    pub(super) fn of(link: &Link) -> Self {
        Self { hold: link.held.filter(|hold| hold.waits_for_a_person()), rows: link.rows.clone() }
    }
}

impl Contacts {
    /// Stores a link again, with what is new to tell of it.
    pub(super) async fn save(&self, link: &mut Link, notes: &Notes) -> StoreResult<()> {
        link.version += 1;
        self.links.save(&self.site.site, Noted { link, notes }).await
    }

    /// Returns what there is to tell of a link about its rows and an erasure, and that there is nothing else.
    pub(in crate::flows) fn notes_on_rows(&self, link: &Link) -> Notes {
        let mut notes = self.no_notes(link);
        notes.extend(self.note_on_rows(link));
        if link.erasure_open {
            notes.extend(self.note_on_erasure(link));
        }
        notes
    }

    /// What is told of a link's rows lies with its record in Wix. As long as the whole link waits for a person, what is told of that stays.
    pub(super) fn note_on_erasure(&self, link: &Link) -> Notes {
        if link.held.is_some_and(Hold::waits_for_a_person) {
            return Notes::new();
        }
        let (side, id) = (Side::External, link.id(Side::External));
        Notes::from([((side, id.clone()), Some(self.note(side, id, ParkedReason::ErasureUnclear)))])
    }

    fn note_on_rows(&self, link: &Link) -> Notes {
        let side = Side::Wix;
        let rows: Vec<RowId> = link.rows.keys().cloned().collect();
        let unclear = |state: &RowState| matches!(state, RowState::Conflict | RowState::Overwritten(_));
        let reason = if link.rows.values().any(unclear) { ParkedReason::Conflict } else { ParkedReason::FieldSkipped };
        let note = Parked { rows, ..self.note(side, link.id(side), reason) };
        let note = Some(note).filter(|note| !note.rows.is_empty());
        Notes::from([((side, link.id(side).clone()), note)])
    }

    /// The same, if it is news. As long as the whole link waits for a person, what is told of that stays.
    pub(super) fn news(&self, shown: &Shown, link: &Link) -> Notes {
        let now = Shown::of(link);
        if shown.hold != now.hold {
            self.notes_on_rows(link)
        } else if now.hold.is_none() && shown.rows != now.rows {
            self.note_on_rows(link)
        } else {
            Notes::new()
        }
    }

    /// Returns that there is nothing to tell of a link any more.
    #[expect(clippy::unused_self, reason = "reads like its siblings")]
    pub(super) fn no_notes(&self, link: &Link) -> Notes {
        Side::BOTH.into_iter().map(|side| ((side, link.id(side).clone()), None)).collect()
    }

    pub(super) fn note(&self, side: Side, id: &RecordId, reason: ParkedReason) -> Parked {
        Parked { side, id: id.clone(), reason, rows: Vec::new(), because_of: Vec::new(), since: self.clock.now() }
    }

    /// Puts a record without a link on the list; one that went away meanwhile comes off it again, as its own event may have passed by.
    pub(in crate::flows) async fn park(&self, side: Side, id: &RecordId, reason: ParkedReason) -> Step<Effect> {
        self.park_because(reason, (side, id), Vec::new()).await
    }

    /// The same, because of what other records are.
    pub(super) async fn park_because(
        &self,
        reason: ParkedReason,
        (side, id): (Side, &RecordId),
        of: Vec<(Side, RecordId)>,
    ) -> Step<Effect> {
        let note = Parked { because_of: of, ..self.note(side, id, reason) };
        match self.links.park(&self.site.site, &note).await {
            Ok(()) if self.is_present(side, id).await? => Ok(Effect::Parked(reason)),
            Ok(()) => {
                self.unpark(side, id).await?;
                Err(self.later(SOON, "it went away just now").into())
            }
            Err(error) if matches!(error.kind, ErrorKind::Exists(_)) => Err(self.later(SOON, "it was linked just now").into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Tells whether a record is there; one that cannot be understood is.
    async fn is_present(&self, side: Side, id: &RecordId) -> Step<bool> {
        match self.read_present(side, id).await {
            Ok(present) => Ok(present.is_some()),
            Err(Stop::Failed { error: StoreError { kind: ErrorKind::Garbled | ErrorKind::Corrupt, .. }, .. }) => Ok(true),
            Err(stop) => Err(stop),
        }
    }

    /// Takes a record without a link off the list.
    pub(super) async fn unpark(&self, side: Side, id: &RecordId) -> StoreResult<()> {
        self.links.unpark(&self.site.site, side, id).await
    }

    /// Returns an event that asks for one record to be looked at.
    pub(super) fn resync(&self, side: Side, id: &RecordId) -> Event {
        let kind = EventKind::Resync { approve_delete: false, prefer: None };
        Event {
            site: self.site.site.clone(),
            side,
            record: Some(id.clone()),
            kind,
            at: self.clock.now(),
            id: None,
            entity: None,
            attempts: 0,
        }
    }

    /// Looks again at the records that wait because of what one of these was: it went, or lost its link.
    pub(super) async fn look_again(&self, ended: &[(Side, &RecordId)]) -> Step<()> {
        let parked = self.links.parked(&self.site.site).await?;
        let waits = |note: &&Parked| note.because_of.iter().any(|(side, id)| ended.contains(&(*side, id)));
        let mut stopped = Ok(());
        for note in parked.iter().filter(waits) {
            let event = self.resync(note.side, &note.id);
            match Box::pin(self.synchronise(Hint { event: &event, side: note.side }, &note.id)).await {
                // It stays on the list.
                Err(stop) if stop.is_final() => {
                    warn!(site = %self.site.site, record = %note.id, "Could not look again at a parked record.");
                }
                // The others do not wait for it; all are looked at when the event comes again.
                Err(stop) => stopped = stopped.and(Err(stop)),
                Ok(_) => {}
            }
        }
        stopped
    }
}
