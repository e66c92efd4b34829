//! Rows that did not go through before.

use super::{
    super::{
        contact,
        run::{Allowance, Step, Stop},
    },
    Export,
    make::Made,
    page::Fresh,
};
use crate::{
    model::{
        contact::Found,
        ids::{RecordId, Side},
        link::{ParkedReason, Slot},
        run::FailedRow,
    },
    ports::{Known, StoreError},
    sync::retry,
};

/// So many rows are tried again before a pass; the rest before the next.
const MOST_ROWS: usize = 100;

/// What is to become of rows that are tried again.
#[derive(Default)]
struct Retried {
    /// To be made.
    fresh: Vec<Fresh>,
    /// Nothing is left to do.
    settled: Vec<RecordId>,
    again: Made,
}

impl Export {
    /// Tries the rows again whose time has come, together: what is wrong with one costs the others nothing.
    pub(super) async fn retry_failed(&self, allowance: &Allowance) -> Step<()> {
        let site = &self.contacts.site.site;
        let rows = self.means.runs.failed(site, Some(self.now()), MOST_ROWS).await?;
        if rows.is_empty() {
            return Ok(());
        }
        allowance.ensure_room().await?;
        let ids: Vec<RecordId> = rows.iter().map(|row| row.id.clone()).collect();
        let known = self.batches.look_up_many(site, Side::Wix, &ids).await?;
        let mut retried = Retried::default();
        let mut outcome = Ok(());
        for (row, known) in rows.into_iter().zip(known) {
            outcome = match allowance.ensure_room().await {
                Ok(()) => self.look_again(row, known, &mut retried).await,
                stop => stop,
            };
            if outcome.is_err() {
                break;
            }
        }
        if outcome.is_ok() {
            outcome = self.make_all(retried.fresh, false, allowance).await.map(|made| retried.again.handed_over.extend(made.handed_over));
        }
        // Whatever stops it: some of these are taken off the list already.
        self.hand_over(&retried.again.handed_over).await?;
        retried.settled.extend(retried.again.handed_over);
        self.means.runs.forgive(site, &retried.settled).await?;
        outcome
    }

    /// Reads a row again, and decides what becomes of it.
    async fn look_again(&self, row: FailedRow, known: Known, retried: &mut Retried) -> Step<()> {
        match (known.slot, self.read_again(&row).await) {
            (_, Err(Stop::Failed { error, .. })) if !is_of_all(&error) => {
                self.note_failed(&row.id, Some(&row), &error, &mut retried.again).await?;
            }
            (_, Err(stop)) => return Err(stop),
            (Slot::Free, Ok(Found::Present(contact))) => {
                retried.fresh.push(Fresh { contact, parked: known.parked.is_some(), failed: Some(row) });
            }
            (Slot::Reserved { .. }, Ok(Found::Present(_))) => retried.again.handed_over.push(row.id),
            // It could not be read when it was listed, so nobody knows whether it changed.
            (Slot::Linked(link), Ok(Found::Present(contact))) if self.differs(&contact, &link) => retried.again.handed_over.push(row.id),
            (Slot::Linked(_) | Slot::Gone(_), _) | (_, Ok(Found::Absent | Found::Merged(_))) => retried.settled.push(row.id),
        }
        Ok(())
    }

    async fn read_again(&self, row: &FailedRow) -> Step<Found> {
        self.contacts.stores.wix.get(&row.id).await.map_err(|error| Stop::at(Side::Wix, error))
    }

    /// Notes that a row failed for a passing reason; after enough tries a person is asked.
    pub(super) async fn note_failed(&self, id: &RecordId, before: Option<&FailedRow>, error: &StoreError, made: &mut Made) -> Step<()> {
        let now = self.now();
        let attempts = before.map_or(0, |row| row.attempts) + 1;
        let Some(again_at) = retry::row(attempts, now) else { return self.park(id, ParkedReason::GaveUp, made).await };
        let since = before.map_or(now, |row| row.since);
        let row = FailedRow { id: id.clone(), reason: error.kind.name().to_owned(), attempts, since, again_at };
        self.means.runs.fail(&self.contacts.site.site, &[row]).await?;
        made.tally.failed += 1;
        Ok(())
    }

    /// Leaves a contact to a person; one that was linked, or went away, just now is handed over instead.
    pub(super) async fn park(&self, id: &RecordId, reason: ParkedReason, made: &mut Made) -> Step<()> {
        match self.contacts.park(Side::Wix, id, reason).await {
            Ok(_) => made.tally.parked += 1,
            Err(contact::Stop::Later(_)) => made.handed_over.push(id.clone()),
            Err(contact::Stop::Failed { side, error }) => return Err(Stop::Failed { side, error }),
        }
        Ok(self.means.runs.forgive(&self.contacts.site.site, std::slice::from_ref(id)).await?)
    }
}

/// Tells whether a failure is none of the row's.
pub(super) fn is_of_all(error: &StoreError) -> bool {
    use crate::ports::ErrorKind;
    matches!(error.kind, ErrorKind::Throttled(_) | ErrorKind::AccessDenied)
}
