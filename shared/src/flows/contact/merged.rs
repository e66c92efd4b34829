//! Merges: a link follows its record to the winner.

use tracing::info;

use super::{
    Contacts, EVIDENCE_TIME, Effect, Hint, RESERVATION_TIME, SOON, Skip, Step, Stop, WHILE_WRITTEN, gone::ids, notes::Shown, pair::Reads,
    write::Work,
};
use crate::{
    model::{
        contact::{Contact, Found},
        ids::{Pair, RecordId, Side},
        link::{Cause, Hold, Link, Notes, Parked, ParkedReason, Slot, Tombstone},
        site::OnMerge,
    },
    ports::{ErrorKind, Noted},
    sync::{enter, merge},
};

impl Contacts {
    /// A merge event: every record that went into the winner loses its link to it; then the winner is synchronised.
    pub(super) async fn merge_event(&self, hint: Hint<'_>, winner: &RecordId, from: &[RecordId]) -> Step<Effect> {
        let side = hint.side;
        let Some(winner) = self.surviving(side, winner).await? else {
            return self.all_are_gone(hint, winner, from).await;
        };
        let mut effect = Effect::Unchanged;
        let mut left_to_erase = Vec::new();
        for source in from.iter().filter(|source| **source != winner.id) {
            match self.look_up(side, source).await? {
                Slot::Linked(link) if self.went_into(side, source, &winner).await? => effect = self.follow(*link, side, &winner).await?,
                Slot::Linked(_) => {}
                Slot::Gone(tombstone) if tombstone.cause.is_of_erasure() && self.is_left_to_erase(side, source).await? => {
                    left_to_erase.push(source);
                }
                Slot::Free | Slot::Gone(_) => {
                    self.unpark(side, source).await?;
                    self.look_again(&[(side, source)]).await?;
                }
                Slot::Reserved { until, .. } => return Err(self.until(until, "its counterpart is being made").into()),
            }
        }
        let synchronised = self.synchronise(hint, &winner.id).await?;
        for source in left_to_erase {
            self.pass_on_erasure(side, source, &winner).await?;
        }
        Ok(if matches!(synchronised, Effect::Unchanged | Effect::Skipped(_)) { effect } else { synchronised })
    }

    /// A record that was still to be erased went into the winner, and so did what it held: from now on a person is told of that one.
    pub(super) async fn pass_on_erasure(&self, side: Side, source: &RecordId, winner: &Contact) -> Step<()> {
        if !self.went_into(side, source, winner).await? {
            return Ok(());
        }
        match self.look_up(side, &winner.id).await? {
            Slot::Linked(link) => self.open_erasure(side, *link).await?,
            Slot::Reserved { until, .. } => return Err(self.until(until, "its counterpart is being made").into()),
            Slot::Gone(_) if self.is_left_to_erase(side, &winner.id).await? => {}
            Slot::Gone(_) | Slot::Free => {
                // Whoever comes anew must not take it for somebody to be linked with.
                self.entomb_erased(side, &winner.id).await?;
                self.park(side, &winner.id, ParkedReason::ErasureUnclear).await?;
            }
        }
        self.unpark(side, source).await?;
        self.look_again(&[(side, source)]).await
    }

    /// The winner was deleted since: whatever went into it is gone with it, or erased with it. Which of the two, the winner's own events tell, of
    /// which the one of its deletion may come before the one of its erasure; they are waited for.
    async fn all_are_gone(&self, hint: Hint<'_>, winner: &RecordId, from: &[RecordId]) -> Step<Effect> {
        let (told, at) = (self.look_up(hint.side, winner).await?, hint.event.at);
        let is_erased = matches!(&told, Slot::Gone(tombstone) if tombstone.cause == Cause::Erased);
        let told_by = match told {
            // Its own events wait for that.
            Slot::Reserved { until, .. } => until + WHILE_WRITTEN,
            // It may have gone into another, whose end is waited for.
            Slot::Linked(_) => at + EVIDENCE_TIME + RESERVATION_TIME,
            Slot::Gone(_) | Slot::Free => at + EVIDENCE_TIME,
        };
        if !is_erased && self.clock.now() < told_by {
            return Err(self.later(WHILE_WRITTEN, "the end of a merge's winner is not told yet").into());
        }
        let mut effect = Effect::Skipped(Skip::Absent);
        for id in from.iter().chain([winner]) {
            let Slot::Linked(link) = self.look_up(hint.side, id).await? else {
                self.unpark(hint.side, id).await?;
                continue;
            };
            effect = if is_erased && matches!(self.read(hint.side, id).await?, Found::Absent) {
                self.erase_linked(hint.side.opposite(), &link).await?
            } else {
                self.synchronise_pair(hint, *link).await?
            };
        }
        Ok(effect)
    }

    async fn surviving(&self, side: Side, id: &RecordId) -> Step<Option<Contact>> {
        Ok(match self.read(side, id).await? {
            Found::Present(contact) | Found::Merged(contact) => Some(contact),
            Found::Absent => None,
        })
    }

    /// Confirms by a read that a source is not there under its own id any more.
    async fn went_into(&self, side: Side, source: &RecordId, winner: &Contact) -> Step<bool> {
        Ok(match self.read(side, source).await? {
            Found::Present(_) => false,
            Found::Merged(contact) => contact.id == winner.id,
            Found::Absent => true,
        })
    }

    /// Moves a link whose read led to another record.
    pub(super) async fn follow_merge(&self, hint: Hint<'_>, link: Link, reads: Reads) -> Step<Effect> {
        let (side, winner) = match (reads.this, reads.other) {
            (Found::Merged(winner), _) => (hint.side, winner),
            (_, Found::Merged(winner)) => (hint.side.opposite(), winner),
            _ => return Ok(Effect::Unchanged),
        };
        let effect = self.follow(link, side, &winner).await?;
        let mut event = hint.event.clone();
        event.entity = None;
        match Box::pin(self.synchronise(Hint { event: &event, side }, &winner.id)).await? {
            Effect::Unchanged | Effect::Skipped(_) => Ok(effect),
            other => Ok(other),
        }
    }

    /// Re-points a link to the winner of a merge on `side`; where the winner has a link already, two become one.
    pub(super) async fn follow(&self, link: Link, side: Side, winner: &Contact) -> Step<Effect> {
        let link = self.settled(side, link).await?;
        match self.look_up(side, &winner.id).await? {
            Slot::Free => {
                self.link_with_its_own(&link, side, winner).await?;
                self.repoint(&link, side, winner, None).await
            }
            Slot::Linked(present) => self.unite(link, *present, side, winner).await,
            Slot::Reserved { until, .. } => Err(self.until(until, "the winner's counterpart is being made").into()),
            Slot::Gone(tombstone) if tombstone.cause.is_of_erasure() => {
                self.leave_to_erase((&link, Cause::ErasureUnclear), side.opposite(), ParkedReason::ErasureUnclear).await
            }
            Slot::Gone(_) => {
                self.links.exhume(&self.site.site, side, &winner.id).await?;
                self.repoint(&link, side, winner, None).await
            }
        }
    }

    /// Finds out what became of an unanswered write before its link is moved or ends: it must not pass for an edit.
    async fn settled(&self, side: Side, mut link: Link) -> Step<Link> {
        self.ensure_not_being_written(&link)?;
        if link.intent.is_some() {
            let event = self.resync(side, link.id(side));
            let (this, other) = (self.read(side, link.id(side)).await?, self.read(side.opposite(), link.id(side.opposite())).await?);
            self.recover(Hint { event: &event, side }, &mut link, &this, &other).await?;
        }
        Ok(link)
    }

    /// A winner that was made for another record, whose link was not stored, is that one's first; then two links meet in it.
    async fn link_with_its_own(&self, link: &Link, side: Side, winner: &Contact) -> Step<()> {
        match self.named_counterpart(side, winner).await? {
            Some(own) if own.id != *link.id(side.opposite()) => {
                self.link_pair(side, winner.clone(), own).await?;
                Err(self.later(SOON, "the winner was linked with the record it was made for").into())
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Moves a link to the winner, in place of the link that ended, if that was the winner's: what was written to it still has to be looked at.
    async fn repoint(&self, link: &Link, side: Side, winner: &Contact, ended: Option<&Link>) -> Step<Effect> {
        let mut moved = link.clone();
        moved.version += 1;
        moved.intent = None;
        moved.held = Some(Hold::MirrorDue);
        let anchor = moved.anchors.of_mut(side);
        anchor.id = winner.id.clone();
        anchor.revision = None;
        let own = ended.map(|ended| ended.anchors.of(side)).filter(|own| own.id == winner.id);
        anchor.overwrote = own.map(|own| own.overwrote.clone()).unwrap_or_default();
        let mut notes = self.no_notes(link);
        notes.extend(self.notes_on_rows(&moved));
        self.links.repoint(&self.site.site, link, Noted { link: &moved, notes: &notes }, self.clock.now()).await?;
        info!(site = %self.site.site, side = %side, from = %link.id(side), to = %winner.id, "Re-pointed a link after a merge.");
        Ok(Effect::Repointed)
    }

    /// Two links meet in one winner: their counterparts are merged as well, or one of the links ends and is reported: the younger, unless the
    /// counterpart of the older is not there any more.
    async fn unite(&self, lost: Link, kept: Link, side: Side, winner: &Contact) -> Step<Effect> {
        let other = side.opposite();
        let (mut lost, mut kept) = (lost, self.settled(side, kept).await?);
        if let Some(effect) = self.merge_counterparts(&mut lost, &mut kept, (side, winner)).await? {
            return Ok(effect);
        }
        let (older, younger) = if kept.since <= lost.since { (&kept, &lost) } else { (&lost, &kept) };
        let is_there = [self.is_there(other, older.id(other)).await?, self.is_there(other, younger.id(other)).await?];
        let (stays, ends) = if is_there == [false, true] { (younger, older) } else { (older, younger) };
        let mut stays = stays.clone();
        if ends.erasure_open && !stays.erasure_open {
            stays.erasure_open = true;
            let note = self.note_on_erasure(&stays);
            self.save(&mut stays, &note).await?;
        }
        let mut notes = self.no_notes(ends);
        let reports = is_there == [true, true] && self.read_present(other, ends.id(other)).await?.is_some();
        if reports {
            let reason = if ends.erasure_open { ParkedReason::ErasureUnclear } else { ParkedReason::UnlinkedByMerge };
            let note = Parked { because_of: vec![(side, winner.id.clone())], ..self.note(other, ends.id(other), reason) };
            notes.insert((other, ends.id(other).clone()), Some(note));
        }
        self.bury_noting(ends, Cause::Merged, &notes).await?;
        if reports && ends.erasure_open {
            // Whoever comes anew must not take it for somebody to be linked with.
            self.entomb_erased(other, ends.id(other)).await?;
        }
        if reports && self.read_present(other, ends.id(other)).await?.is_none() {
            // Its own event may have passed by meanwhile.
            self.unpark(other, ends.id(other)).await?;
        }
        if stays.id(side) == &winner.id {
            self.look_again(&ids(ends)).await?;
            return Ok(Effect::Repointed);
        }
        self.links.exhume(&self.site.site, side, &winner.id).await?;
        let moved = self.repoint(&stays, side, winner, Some(ends)).await;
        if moved.is_err() {
            // The winner's own counterpart must still be found, should the winner be erased.
            let tombstone = Tombstone { at: self.clock.now(), cause: Cause::Merged, counterpart: Some(ends.id(other).clone()) };
            self.links.entomb(&self.site.site, side, &winner.id, &tombstone).await?;
        }
        let moved = moved?;
        self.look_again(&ids(ends)).await?;
        Ok(moved)
    }

    pub(super) async fn is_there(&self, side: Side, id: &RecordId) -> Step<bool> {
        Ok(!matches!(self.read(side, id).await?, Found::Absent))
    }

    /// Merges the counterparts of two links whose records went into one on a side, unless they are one already; `None` if neither the site nor
    /// the other side lets them be merged.
    async fn merge_counterparts(&self, lost: &mut Link, kept: &mut Link, into: (Side, &Contact)) -> Step<Option<Effect>> {
        let side = into.0.opposite();
        let mut own = into.1.clone();
        let Some(winner) = self.surviving(side, kept.id(side)).await? else { return Ok(None) };
        let merged = match self.read(side, lost.id(side)).await? {
            Found::Present(own) | Found::Merged(own) if own.id == winner.id => winner,
            _ if self.site.on_merge != OnMerge::Propagate => return Ok(None),
            Found::Absent => winner,
            Found::Merged(into) => into,
            Found::Present(loser) => {
                self.ensure_in_step(kept, side).await?;
                // Whoever compares the two before this is entered takes for edits what it brings.
                self.keep_others_off(kept, side).await?;
                own = self.carry_over((lost, kept), (side, loser), own).await?;
                match self.store(side).merge(&winner, lost.id(side)).await {
                    Ok(merged) => merged,
                    Err(error) if matches!(error.kind, ErrorKind::Forbidden | ErrorKind::Unsupported | ErrorKind::Invalid(_)) => {
                        kept.intent = None;
                        self.save(kept, &Notes::new()).await?;
                        return Ok(None);
                    }
                    Err(error) => return Err(Stop::at(side, error)),
                }
            }
        };
        let shown = Shown::of(kept);
        kept.intent = None;
        let contacts = Pair::from_side(side, &merged, &own);
        kept.erasure_open |= lost.erasure_open;
        enter::take_over(kept, (lost, side), contacts, (&self.key, &self.mapping));
        // Whoever looks next compares both records: no event tells of one that lacks what the other was given.
        kept.held.get_or_insert(Hold::MirrorDue);
        let mut news = self.news(&shown, kept);
        if lost.erasure_open {
            news.extend(self.note_on_erasure(kept));
        }
        self.save(kept, &news).await?;
        self.bury(lost, Cause::Merged).await?;
        if merged.id != *kept.id(side) {
            self.repoint(kept, side, &merged, Some(lost)).await?;
        }
        Ok(Some(Effect::Merged(side)))
    }

    /// Before another record is merged into one of a pair, what was done to the two is carried over: the merge fills what somebody has emptied.
    async fn ensure_in_step(&self, link: &mut Link, side: Side) -> Step<()> {
        let event = self.resync(side, link.id(side));
        match Box::pin(self.synchronise_pair(Hint { event: &event, side }, link.clone())).await {
            Ok(Effect::Unchanged | Effect::Parked(_) | Effect::Skipped(_)) => Ok(()),
            // It lacks what the other one has until they are merged.
            Err(Stop::Failed { error, .. }) if matches!(error.kind, ErrorKind::Exists(_)) => {
                if let Slot::Linked(withdrawn) = self.look_up(side, link.id(side)).await? {
                    *link = *withdrawn;
                }
                Ok(())
            }
            Ok(_) => Err(self.later(SOON, "two that are to be one with others were brought in step").into()),
            Err(stop) => Err(stop),
        }
    }

    /// Before a record is merged away, what was done to it and not carried over yet goes to where its counterpart went, and so to the record that
    /// stays. Where that has another value than the counterpart had, whoever merged there has chosen. Then they have agreed on what was carried
    /// over, each in its own spelling.
    async fn carry_over(&self, (lost, kept): (&mut Link, &mut Link), (side, loser): (Side, Contact), into: Contact) -> Step<Contact> {
        let before = lost.clone();
        let into = self.carry((lost, kept), (side, &loser), into).await?;
        enter::agree_loosely(lost, Pair::from_side(side, &loser, &into), (&self.key, &self.mapping));
        if *lost != before {
            self.save(lost, &Notes::new()).await?;
        }
        Ok(into)
    }

    async fn carry(&self, (lost, kept): (&mut Link, &mut Link), (side, loser): (Side, &Contact), into: Contact) -> Step<Contact> {
        let other = side.opposite();
        let contacts = Pair::from_side(side, loser.clone(), into);
        let mut plan = merge::merge(&self.input(lost, &contacts, None));
        let agreed = &lost.anchors.of(other).base;
        plan.flows.of_mut(other).retain(|row, flow| flow.replaced == agreed.get(row).cloned().unwrap_or_default());
        let into = contacts.of(other).clone();
        let mut work = Work::new(kept.clone(), plan, contacts);
        let written = if work.plan.flows.of(other).is_empty() { Ok(None) } else { self.write_carried(&mut work, other, &into).await };
        enter::enter_left_out(lost, &work.plan);
        *kept = work.link;
        Ok(written?.unwrap_or(into))
    }

    /// Writes to the winner what was done to a record that goes, announced on the winner's link as any other write; `None` if all is refused.
    async fn write_carried(&self, work: &mut Work, side: Side, into: &Contact) -> Step<Option<Contact>> {
        let keeps_off = work.link.intent.clone();
        self.announce_carried(work, side).await?;
        let returned = self.write(work, side, into).await?;
        if let Some(returned) = &returned {
            let patch = work.plan.patch(&self.mapping, side);
            self.remember_overwritten(&mut work.link, side, &patch, [into, returned]);
        }
        let anchor = work.link.anchors.of_mut(side);
        anchor.take_announced();
        anchor.revision = work.agreed_revision.take();
        work.link.intent = keeps_off;
        self.save(&mut work.link, &Notes::new()).await?;
        Ok(returned)
    }
}
