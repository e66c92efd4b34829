//! Deletes and erasures: positive evidence only, within the rails.

use tracing::warn;

use super::{Contacts, Effect, Hint, SOON, Skip, Step, Stop, pair::Reads};
use crate::{
    model::{
        contact::Found,
        ids::{RecordId, Side},
        link::{Cause, Hold, Link, Notes, Parked, ParkedReason, Slot, Tombstone},
    },
    ports::{ErrorKind, Noted, StoreResult},
    sync::{decide, guard},
};

impl Contacts {
    /// A delete event: a hint like any other, confirmed by a read.
    pub(super) async fn deleted(&self, hint: Hint<'_>, id: &RecordId, by_merge: bool) -> Step<Effect> {
        match self.look_up(hint.side, id).await? {
            Slot::Linked(link) => {
                if by_merge && matches!(self.read(hint.side, id).await?, Found::Absent) {
                    return Ok(Effect::Skipped(Skip::PartOfMerge));
                }
                self.synchronise_pair(hint, *link).await
            }
            Slot::Reserved { until, .. } => Err(self.until(until, "its counterpart is being made").into()),
            Slot::Gone(tombstone) => {
                // What is told of one that could not be erased goes over to the winner of its merge, at the merge's own event.
                let passes_on = by_merge && tombstone.cause.is_of_erasure();
                if tombstone.cause != Cause::Deleted && !passes_on {
                    // It may have been reported as the one that lost its link, or could not be erased.
                    self.unpark(hint.side, id).await?;
                }
                let counterpart = tombstone.counterpart.iter().map(|counterpart| (hint.side.opposite(), counterpart));
                self.look_again(&counterpart.chain([(hint.side, id)]).collect::<Vec<_>>()).await?;
                Ok(Effect::Skipped(Skip::Buried))
            }
            Slot::Free => self.deleted_unlinked(hint.side, id).await,
        }
    }

    /// A record without a counterpart is gone. An export that listed it before must not make one now, so it leaves a tombstone.
    async fn deleted_unlinked(&self, side: Side, id: &RecordId) -> Step<Effect> {
        let cause = match self.read(side, id).await? {
            Found::Present(_) => None,
            Found::Merged(_) => Some(Cause::Merged),
            Found::Absent => Some(Cause::Deleted),
        };
        if let Some(cause) = cause {
            let tombstone = Tombstone { at: self.clock.now(), cause, counterpart: None };
            self.links.entomb(&self.site.site, side, id, &tombstone).await?;
        }
        self.unpark(side, id).await?;
        self.look_again(&[(side, id)]).await?;
        Ok(Effect::Skipped(Skip::Absent))
    }

    /// Ends or moves a link whose records are not both there.
    pub(super) async fn end_or_move(&self, hint: Hint<'_>, link: Link, step: decide::Step, reads: Reads) -> Step<Effect> {
        let ends = matches!(step, decide::Step::DeleteOther | decide::Step::Hold | decide::Step::Unlink);
        let left = if matches!(reads.this, Found::Absent) { hint.side.opposite() } else { hint.side };
        if ends && !hint.approves_delete() {
            if link.held == Some(Hold::CannotDelete) {
                return Ok(Effect::Parked(ParkedReason::CannotDelete));
            }
            if link.erasure_open && step != decide::Step::DeleteOther {
                return self.leave_to_erase((&link, Cause::ErasureUnclear), left, ParkedReason::ErasureUnclear).await;
            }
        }
        match step {
            decide::Step::Repoint => self.follow_merge(hint, link, reads).await,
            decide::Step::Bury => self.bury(&link, cause_of_delete(&link)).await,
            decide::Step::Unlink => self.bury(&link, Cause::Unlinked).await,
            decide::Step::DeleteOther => self.delete_counterpart(hint, link, left).await,
            decide::Step::Hold if hint.approves_delete() => self.delete_counterpart(hint, link, left).await,
            decide::Step::Hold => self.hold(link, left, Hold::DeletedAndChanged, ParkedReason::DeletedAndChanged).await,
            decide::Step::Nothing | decide::Step::Merge => Ok(Effect::Unchanged),
        }
    }

    /// Deletes the counterpart of a deleted record, unless the rails say that a person is to be asked.
    async fn delete_counterpart(&self, hint: Hint<'_>, mut link: Link, side: Side) -> Step<Effect> {
        if link.held == Some(Hold::DeleteAwaitsApproval) && !hint.approves_delete() {
            return Ok(Effect::Parked(ParkedReason::DeleteAwaitsApproval));
        }
        let counted = hint.approves_delete() || link.held == Some(Hold::DeleteUnderWay);
        if !counted && !self.is_within_rails().await? {
            return self.hold(link, side, Hold::DeleteAwaitsApproval, ParkedReason::DeleteAwaitsApproval).await;
        }
        self.keep_others_off(&mut link, side).await?;
        match self.store(side).delete(link.id(side)).await {
            Ok(()) => {}
            Err(error) if error.kind == ErrorKind::Forbidden && link.erasure_open => {
                return self.leave_to_erase((&link, Cause::ErasureUnclear), side, ParkedReason::CannotDelete).await;
            }
            Err(error) if error.kind == ErrorKind::Forbidden => {
                return self.hold(link, side, Hold::CannotDelete, ParkedReason::CannotDelete).await;
            }
            Err(error) => {
                self.remember_counted(link).await;
                return Err(Stop::at(side, error));
            }
        }
        self.bury(&link, cause_of_delete(&link)).await?;
        Ok(Effect::Deleted(side))
    }

    /// Notes that a delete is counted, so that the tries of one contact do not use up what all may delete. If this fails, the next try is
    /// counted again, which holds deletes back rather than letting too many pass.
    async fn remember_counted(&self, mut link: Link) {
        link.intent = None;
        link.held = Some(Hold::DeleteUnderWay);
        let notes = self.notes_on_rows(&link);
        if let Err(error) = self.save(&mut link, &notes).await {
            warn!(site = %self.site.site, error = %error, "Could not note that a delete is counted.");
        }
    }

    async fn is_within_rails(&self) -> StoreResult<bool> {
        let (site, rails) = (&self.site.site, self.site.rails);
        let links = self.links.count_links(site, guard::links_to_count(rails)).await?;
        self.links.spend_delete(site, self.clock.now(), guard::deletes_per_hour(rails, links)).await
    }

    async fn hold(&self, mut link: Link, side: Side, hold: Hold, reason: ParkedReason) -> Step<Effect> {
        if link.held != Some(hold) || link.intent.is_some() {
            link.held = Some(hold);
            link.intent = None;
            let mut notes = self.notes_on_rows(&link);
            notes.insert((side, link.id(side).clone()), Some(self.note(side, link.id(side), reason)));
            self.save(&mut link, &notes).await?;
        }
        Ok(Effect::Parked(reason))
    }

    pub(super) async fn bury(&self, link: &Link, cause: Cause) -> Step<Effect> {
        let effect = self.bury_noting(link, cause, &self.no_notes(link)).await?;
        self.look_again(&ids(link)).await?;
        Ok(effect)
    }

    pub(super) async fn bury_noting(&self, link: &Link, cause: Cause, notes: &Notes) -> Step<Effect> {
        self.links.bury(&self.site.site, Noted { link, notes }, self.clock.now(), cause).await?;
        Ok(Effect::Unlinked(cause))
    }

    /// Ends a link one of whose records is still to be erased, by a person: nothing is linked with it any more. Of one that is gone there is
    /// nothing to tell.
    pub(super) async fn leave_to_erase(&self, (link, cause): (&Link, Cause), left: Side, reason: ParkedReason) -> Step<Effect> {
        let id = link.id(left);
        let mut notes = self.no_notes(link);
        let is_there = self.is_there(left, id).await?;
        if is_there {
            notes.insert((left, id.clone()), Some(self.note(left, id, reason)));
        }
        let ended = self.bury_noting(link, cause, &notes).await?;
        let is_told = is_there && self.is_there(left, id).await?;
        if is_there && !is_told {
            // Its own event may have passed by meanwhile.
            self.unpark(left, id).await?;
        }
        self.look_again(&ids(link)).await?;
        Ok(if is_told { Effect::Parked(reason) } else { ended })
    }

    /// A privacy request erased the record: erase the counterpart and forget everything but keyed tombstones. Policies and rails do not apply.
    pub(super) async fn erased(&self, side: Side, id: &RecordId) -> Step<Effect> {
        let other = side.opposite();
        let slot = self.look_up(side, id).await?;
        if let Slot::Reserved { until, .. } = slot {
            return Err(self.until(until, "its counterpart is being made").into());
        }
        let is_buried = matches!(&slot, Slot::Gone(tombstone) if tombstone.cause == Cause::Erased);
        if !matches!(self.read(side, id).await?, Found::Absent) {
            if is_buried {
                return Ok(Effect::Skipped(Skip::Buried));
            }
            let mut later = self.later(SOON, "the record said to be erased is still there");
            later.counts = true;
            return Err(later.into());
        }
        self.leave_parted(side, id).await?;
        if is_buried {
            // It may be on the list because it could not be erased before.
            self.unpark(side, id).await?;
            self.look_again(&[(side, id)]).await?;
            return Ok(Effect::Skipped(Skip::Buried));
        }
        match slot {
            Slot::Linked(link) => match self.read(other, link.id(other)).await? {
                Found::Merged(winner) => {
                    // The merge has an event of its own, which may come later.
                    self.follow(Link { erasure_open: true, ..*link }, other, &winner).await?;
                    Box::pin(self.erased(side, id)).await
                }
                Found::Present(_) | Found::Absent => self.erase_linked(other, &link).await,
            },
            Slot::Gone(Tombstone { counterpart: Some(counterpart), .. }) => self.erase_buried(side, id, &counterpart).await,
            Slot::Gone(_) | Slot::Free | Slot::Reserved { .. } => {
                self.forget(side, id).await?;
                self.look_again(&[(side, id)]).await?;
                Ok(Effect::Erased)
            }
        }
    }

    /// Whoever lost the link to an erased record, or to its counterpart, in a merge may be the same person: that is left to somebody to decide, and nobody who comes
    /// anew is linked with them.
    async fn leave_parted(&self, side: Side, id: &RecordId) -> Step<()> {
        let parked = self.links.parked(&self.site.site).await?;
        let parted = |note: &&Parked| {
            matches!(note.reason, ParkedReason::UnlinkedByMerge | ParkedReason::ErasureUnclear)
                && note.because_of.iter().any(|(own, record)| (*own, record) == (side, id))
        };
        for note in parked.iter().filter(parted) {
            self.park_because(ParkedReason::ErasureUnclear, (note.side, &note.id), note.because_of.clone()).await?;
            self.entomb_erased(note.side, &note.id).await?;
        }
        Ok(())
    }

    /// Tells whether a record is on the list because it is still to be erased.
    pub(super) async fn is_left_to_erase(&self, side: Side, id: &RecordId) -> StoreResult<bool> {
        let parked = self.links.parked(&self.site.site).await?;
        let own = |note: &Parked| matches!(note.reason, ParkedReason::CannotDelete | ParkedReason::ErasureUnclear);
        Ok(parked.iter().any(|note| (note.side, &note.id) == (side, id) && own(note)))
    }

    /// The delete came before the erasure: its tombstone still names the counterpart, unless that is somebody else's by now who is there, or went
    /// into another.
    async fn erase_buried(&self, side: Side, id: &RecordId, counterpart: &RecordId) -> Step<Effect> {
        let other = side.opposite();
        self.leave_parted(other, counterpart).await?;
        if let Found::Merged(winner) = self.read(other, counterpart).await? {
            self.pass_on_erasure(other, counterpart, &winner).await?;
            self.forget(side, id).await?;
            return Ok(Effect::Parked(ParkedReason::ErasureUnclear));
        }
        if let Slot::Linked(link) = self.look_up(other, counterpart).await? {
            if matches!(self.read(side, link.id(side)).await?, Found::Absent) {
                let effect = self.erase_linked(other, &link).await?;
                self.forget(side, id).await?;
                return Ok(effect);
            }
            self.open_erasure(other, *link).await?;
            self.forget(side, id).await?;
            return Ok(Effect::Parked(ParkedReason::ErasureUnclear));
        }
        let effect = match self.erase_record(other, counterpart).await {
            Err(Stop::Failed { error, .. }) if error.kind == ErrorKind::Forbidden => {
                let parked = self.park(other, counterpart, ParkedReason::CannotDelete).await?;
                self.entomb_erased(other, counterpart).await?;
                parked
            }
            result => {
                result?;
                self.forget(other, counterpart).await?;
                Effect::Erased
            }
        };
        self.forget(side, id).await?;
        self.look_again(&[(side, id), (other, counterpart)]).await?;
        Ok(effect)
    }

    /// Leaves it to a person whether what a link holds is of somebody who was erased. One that waits because its other record is gone ends.
    pub(super) async fn open_erasure(&self, side: Side, mut link: Link) -> Step<()> {
        self.ensure_not_being_written(&link)?;
        link.erasure_open = true;
        let note = self.note_on_erasure(&link);
        self.save(&mut link, &note).await?;
        if link.held.is_some_and(Hold::waits_for_a_person) {
            let event = self.resync(side, link.id(side));
            Box::pin(self.synchronise_pair(Hint { event: &event, side }, link)).await?;
        }
        Ok(())
    }

    pub(super) async fn erase_linked(&self, side: Side, link: &Link) -> Step<Effect> {
        self.ensure_not_being_written(link)?;
        self.leave_parted(side, link.id(side)).await?;
        let mut link = link.clone();
        link.erasure_open = true;
        self.keep_others_off(&mut link, side).await?;
        match self.erase_record(side, link.id(side)).await {
            Err(Stop::Failed { error, .. }) if error.kind == ErrorKind::Forbidden => {
                return self.leave_to_erase((&link, Cause::Erased), side, ParkedReason::CannotDelete).await;
            }
            result => result?,
        }
        self.bury(&link, Cause::Erased).await?;
        Ok(Effect::Erased)
    }

    async fn erase_record(&self, side: Side, id: &RecordId) -> Step<()> {
        self.store(side).erase(id).await.map_err(|error| Stop::at(side, error))?;
        if matches!(self.read(side, id).await?, Found::Merged(_)) {
            return Err(self.later(SOON, "what was to be erased went into another record just now").into());
        }
        Ok(())
    }

    /// Keeps nothing of an erased record but its tombstone.
    async fn forget(&self, side: Side, id: &RecordId) -> StoreResult<()> {
        self.unpark(side, id).await?;
        self.entomb_erased(side, id).await
    }

    pub(super) async fn entomb_erased(&self, side: Side, id: &RecordId) -> StoreResult<()> {
        let tombstone = Tombstone { at: self.clock.now(), cause: Cause::Erased, counterpart: None };
        self.links.entomb(&self.site.site, side, id, &tombstone).await
    }
}

/// Returns how a link ends whose records are both gone.
fn cause_of_delete(link: &Link) -> Cause {
    if link.erasure_open { Cause::ErasureUnclear } else { Cause::Deleted }
}

/// Returns both records of a link.
pub(super) fn ids(link: &Link) -> [(Side, &RecordId); 2] {
    Side::BOTH.map(|side| (side, link.id(side)))
}
