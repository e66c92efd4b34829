//! Carrying a plan out: intent, write, commit.

use std::collections::BTreeMap;

use tracing::warn;

use super::{Contacts, Effect, INTENT_TIME, Step, Stop, notes::Shown};
use crate::{
    model::{
        contact::Contact,
        field::Patch,
        ids::{Pair, Revision, RowId, Side},
        link::{Base, Hold, Intent, IntentRow, Link, Notes, Overwrote, RowState},
    },
    ports::{ErrorKind, Noted, StoreResult},
    sync::{
        enter::{self, Written},
        merge::Plan,
        prints,
    },
};

/// How often a side may refuse some of a patch's fields before the rest is given up too.
const REFUSALS: usize = 4;

/// A plan on its way.
pub(super) struct Work {
    pub(super) link: Link,
    pub(super) plan: Plan,
    pub(super) contacts: Pair<Contact>,
    pub(super) prefer: Option<Side>,
    /// Whether a refusal that may pass by itself is waited for: an address that another record is about to give up.
    pub(super) patient: bool,
    /// What a person knows of the link.
    pub(super) shown: Shown,
    /// Whether the link is in the store already.
    pub(super) stored: bool,
    /// Whether the link differs from what is stored even if the plan is empty.
    pub(super) touched: bool,
    /// The revision last agreed on with the side being written.
    pub(super) agreed_revision: Option<Revision>,
}

impl Work {
    /// Begins to carry out a plan for a link that is stored.
    pub(super) fn new(link: Link, plan: Plan, contacts: Pair<Contact>) -> Self {
        let shown = Shown::of(&link);
        Self { link, plan, contacts, prefer: None, patient: false, shown, stored: true, touched: false, agreed_revision: None }
    }

    /// Notes what an unconditional write goes over that is not in the base: if its answer is lost, an edit in between is told from it.
    fn announce_overwriting(&mut self, side: Side) {
        let anchor = self.link.anchors.of_mut(side);
        let Some(read) = anchor.revision.clone().filter(|read| read.counter().is_none()) else { return };
        let base = |row: &RowId| anchor.base.get(row).cloned().unwrap_or_default();
        let flows = self.plan.flows.of(side).iter().filter(|(row, flow)| flow.replaced != base(row));
        let rows = flows.map(|(row, flow)| (row.clone(), flow.replaced.clone())).collect();
        anchor.announce(read, rows);
    }

    /// Tells whether a record was read in another version than the one that was dealt with last.
    fn has_newer_versions(&self) -> bool {
        Side::BOTH.iter().any(|side| self.contacts.of(*side).revision != self.link.anchors.of(*side).revision)
    }
}

impl Contacts {
    /// Carries a plan out: the CRM first, then Wix, each write announced before and entered after.
    pub(super) async fn carry_out(&self, mut work: Work) -> Step<Effect> {
        let mirror_due = work.link.held == Some(Hold::MirrorDue);
        let was_held = work.link.held.is_some();
        if !mirror_due {
            work.link.held = None;
        }
        work.touched |= was_held;
        let unchanged = work.plan.is_empty() && !work.touched;
        if unchanged && !work.has_newer_versions() {
            return Ok(Effect::Unchanged);
        }
        let mut is_written = Pair { wix: false, external: false };
        let mut dropped = Vec::new();
        for side in [Side::External, Side::Wix] {
            if work.plan.flows.of(side).is_empty() {
                continue;
            }
            let intent = self.announce(&mut work, side).await?;
            let current = work.contacts.of(side).clone();
            let Some(returned) = self.write(&mut work, side, &current).await? else { continue };
            let is_second = *is_written.of(side.opposite());
            let written = Written { side, before: &current, returned: &returned, is_second, intent: &intent };
            dropped.extend(enter::enter(&mut work.link, &work.plan, written, &self.key, &self.mapping));
            let patch = work.plan.patch(&self.mapping, side);
            self.remember_overwritten(&mut work.link, side, &patch, [&current, &returned]);
            work.plan.is_written(side, &returned, (&self.key, &self.mapping));
            *work.contacts.of_mut(side) = returned;
            *is_written.of_mut(side) = true;
        }
        let mirrored = if mirror_due { self.mirror(&mut work.link, &mut work.contacts).await } else { Ok(()) };
        self.commit(&mut work, dropped).await?;
        mirrored?;
        Ok(match (is_written.wix, is_written.external) {
            (false, false) if unchanged => Effect::Unchanged,
            (false, false) => Effect::Agreed,
            (wix, external) => Effect::Updated { wix, external },
        })
    }

    /// Stores what is about to be written.
    async fn announce(&self, work: &mut Work, side: Side) -> Step<Intent> {
        let rows = work.plan.intent_rows(&self.input(&work.link, &work.contacts, work.prefer), side);
        self.announce_rows(work, side, rows).await
    }

    /// The same, where the write brings the winner of a merge what was done to a record that goes. Its pair has agreed on nothing by that: what is
    /// carried over has still to come to the winner's own counterpart, like an edit.
    pub(super) async fn announce_carried(&self, work: &mut Work, side: Side) -> Step<Intent> {
        let mut rows = work.plan.intent_rows(&self.input(&work.link, &work.contacts, None), side);
        for (row, intent) in &mut rows {
            let [own, source] = [side, side.opposite()].map(|side| work.link.anchors.of(side).base.get(row).cloned().unwrap_or_default());
            (intent.source, intent.agreed) = (source, Some(own));
        }
        self.announce_rows(work, side, rows).await
    }

    async fn announce_rows(&self, work: &mut Work, side: Side, rows: BTreeMap<RowId, IntentRow>) -> Step<Intent> {
        let intent = Intent { side, until: self.clock.now() + INTENT_TIME, rows };
        work.link.intent = Some(intent.clone());
        // What the write is decided on tells later how often the record was changed since.
        let read = work.contacts.of(side).revision.clone();
        work.agreed_revision = std::mem::replace(&mut work.link.anchors.of_mut(side).revision, read);
        work.announce_overwriting(side);
        self.store_link(work).await?;
        Ok(intent)
    }

    /// Stores that the next try leaves rows out: if its answer is lost, they must not pass for written.
    async fn announce_without(&self, work: &mut Work, rows: &[RowId]) -> StoreResult<()> {
        match &mut work.link.intent {
            Some(intent) => intent.rows.retain(|row, _| !rows.contains(row)),
            None => return Ok(()),
        }
        let is_over = work.link.intent.as_ref().is_some_and(|intent| intent.rows.is_empty());
        if is_over { Ok(()) } else { self.store_link(work).await }
    }

    /// Keeps other workers off a link while something is done to one of its records that is not a write of rows: whoever decided on the link as it
    /// was before fails to store what they decided.
    pub(super) async fn keep_others_off(&self, link: &mut Link, side: Side) -> StoreResult<()> {
        let until = self.clock.now() + INTENT_TIME;
        let none = Intent { side, until, rows: BTreeMap::new() };
        link.intent = Some(link.intent.take().map_or(none, |unfinished| Intent { until, ..unfinished }));
        self.save(link, &Notes::new()).await
    }

    async fn store_link(&self, work: &mut Work) -> StoreResult<()> {
        if work.stored {
            let news = self.news(&work.shown, &work.link);
            self.save(&mut work.link, &news).await?;
        } else {
            let notes = self.notes_on_rows(&work.link);
            self.links.link(&self.site.site, Noted { link: &work.link, notes: &notes }, None, self.clock.now()).await?;
        }
        (work.stored, work.shown) = (true, Shown::of(&work.link));
        Ok(())
    }

    /// Writes a plan's rows to a side, leaving out what it refuses; `None` if it refuses all of them.
    pub(super) async fn write(&self, work: &mut Work, side: Side, current: &Contact) -> Step<Option<Contact>> {
        for _ in 0..=REFUSALS {
            let patch = work.plan.patch(&self.mapping, side);
            if patch.is_empty() {
                return Ok(None);
            }
            let error = match self.store(side).update(current, &patch).await {
                Ok(returned) => return Ok(Some(returned)),
                Err(error) => error,
            };
            let may_pass = work.patient && matches!(error.kind, ErrorKind::Exists(_));
            let Some(rows) = self.refused_rows(&error.kind, side, &patch).filter(|_| !may_pass) else {
                if !error.kind.is_ambiguous() {
                    self.withdraw(work, side).await;
                }
                return Err(Stop::at(side, error));
            };
            work.plan.refuse(side, &rows);
            self.announce_without(work, &rows).await?;
        }
        let rest: Vec<RowId> = work.plan.flows.of(side).keys().cloned().collect();
        work.plan.refuse(side, &rest);
        Ok(None)
    }

    /// Returns the rows a refusal is about, if it is one: the fields the side names, else what such a refusal is usually about.
    fn refused_rows(&self, kind: &ErrorKind, side: Side, patch: &Patch) -> Option<Vec<RowId>> {
        let rows = || self.mapping.rows().iter().filter(|row| patch.contains_key(row.field(side)));
        let of_emails = || rows().filter(|row| row.field(Side::Wix).as_str().starts_with("email")).map(|row| row.id().clone()).collect();
        let named: Vec<RowId> = match kind {
            ErrorKind::Invalid(fields) => rows().filter(|row| fields.contains(row.field(side))).map(|row| row.id().clone()).collect(),
            ErrorKind::Exists(_) | ErrorKind::Forbidden => of_emails(),
            _ => return None,
        };
        Some(if named.is_empty() { rows().map(|row| row.id().clone()).collect() } else { named })
    }

    /// Takes an announcement back after a write that certainly was not carried out. If this fails, the announcement expires by itself.
    async fn withdraw(&self, work: &mut Work, side: Side) {
        work.link.intent = None;
        let anchor = work.link.anchors.of_mut(side);
        anchor.revision = work.agreed_revision.take();
        anchor.take_announced();
        if let Err(error) = self.store_link(work).await {
            warn!(site = %self.site.site, error = %error, "Could not withdraw an intent.");
        }
    }

    /// Remembers what an unconditional write of a patch went over.
    pub(super) fn remember_overwritten(&self, link: &mut Link, side: Side, patch: &Patch, [current, returned]: [&Contact; 2]) {
        let (Some(read), Some(wrote)) = (&current.revision, &returned.revision) else { return };
        if wrote.counter().is_some() {
            return;
        }
        let rows = self.mapping.rows().iter().filter(|row| patch.contains_key(row.field(side)));
        let rows: Base =
            rows.map(|row| (row.id().clone(), prints::print(&self.key, row, side, row.read(side, &current.fields).as_ref()))).collect();
        link.anchors.of_mut(side).remember(Overwrote { read: read.clone(), wrote: wrote.clone(), rows });
    }

    /// Writes each record's id on the other, once, when they are linked. What fails in passing is noted on the link; what a side refuses for
    /// good is given up, as the links do not depend on it.
    pub(super) async fn mirror(&self, link: &mut Link, contacts: &mut Pair<Contact>) -> Step<()> {
        link.held = None;
        let mut outcome = Ok(());
        for side in Side::BOTH {
            let (contact, id) = (contacts.of_mut(side), link.id(side.opposite()));
            if contact.counterpart.as_ref() == Some(id) {
                continue;
            }
            match self.store(side).set_counterpart(contact, id).await {
                Ok(returned) => *contact = returned,
                Err(error) if error.kind.is_transient() || error.kind == ErrorKind::AccessDenied => {
                    link.held = Some(Hold::MirrorDue);
                    outcome = Err(Stop::at(side, error));
                }
                Err(error) => warn!(site = %self.site.site, error = %error, "Could not write the counterpart's id on a record."),
            }
        }
        outcome
    }

    async fn commit(&self, work: &mut Work, dropped: Vec<(RowId, RowState)>) -> StoreResult<()> {
        enter::enter_agreed(&mut work.link, &work.plan);
        work.link.rows.extend(dropped);
        for side in Side::BOTH {
            let anchor = work.link.anchors.of_mut(side);
            anchor.revision.clone_from(&work.contacts.of(side).revision);
            anchor.take_announced();
        }
        work.link.intent = None;
        self.store_link(work).await
    }
}
