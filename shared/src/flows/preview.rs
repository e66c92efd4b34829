//! The preview of an alignment: both sides are read completely and matched as contact sync would match them, and nothing is written to either.
//!
//! For an owner who is about to connect two full sides, before a system of record is chosen. A run like the others: under a lease, with a checkpoint
//! after each page, within the budgets, resumed after a crash; it begins when somebody asks.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use tracing::info;

use super::{
    candidates::{Candidates, Search},
    contact::Contacts,
    run::{Allowance, Ended, Means, Runner, Step, Stop},
};
use crate::{
    model::{
        contact::Contact,
        ids::{RecordId, Side},
        link::Slot,
        listing::Listed,
        site::Status,
    },
    ports::{LinkBatches, Listing, Snapshot, StoreResult, Upload},
    sync::{
        preview::{Checkpoint, Example, Found, Leg, Tally, Verdict},
        scan::{Cursor, Read, Scan},
    },
};

/// The preview of one site, ready to run.
pub struct Preview {
    /// The site's contacts: what they are matched by.
    pub contacts: Contacts,
    /// The contacts of Wix.
    pub listing: Arc<dyn Listing>,
    /// The CRM, to be searched.
    pub upload: Arc<dyn Upload>,
    /// The records of the CRM.
    pub snapshot: Arc<dyn Snapshot>,
    /// The links.
    pub batches: Arc<dyn LinkBatches>,
    /// What runs stand on.
    pub means: Means,
}

/// A page that is done: where its leg goes on, and what it showed.
type Done = (Option<Leg>, Found);

impl Preview {
    /// Runs the preview until it is over, or time is.
    ///
    /// # Errors
    /// When the end cannot be stored.
    pub async fn run(&self, mut runner: Runner<'_>) -> StoreResult<Ended> {
        if self.contacts.site.status != Status::Installed || self.contacts.site.paused {
            return runner.close().await;
        }
        let mut checkpoint: Checkpoint = match runner.checkpoint() {
            Ok(checkpoint) => checkpoint,
            Err(error) => return runner.end(Err(error.into()), None).await,
        };
        let outcome = self.work(&mut runner, &mut checkpoint).await;
        let next = checkpoint.is_wanted(runner.asked_at()).then(|| self.now());
        let ended = runner.end(outcome, next).await?;
        info!(site = %self.contacts.site.site, ended = ?ended, tally = ?checkpoint.last.map(|last| last.found.tally), "Ran a preview.");
        Ok(ended)
    }

    async fn work(&self, runner: &mut Runner<'_>, checkpoint: &mut Checkpoint) -> Step<()> {
        if checkpoint.is_wanted(runner.asked_at()) {
            checkpoint.begin(self.now());
        }
        let allowance = runner.allowance();
        while let Some(pass) = &checkpoint.pass {
            if !allowance.has_time_for_a_page() {
                return Err(Stop::Time);
            }
            allowance.ensure_room().await?;
            let (next, found) = match &pass.leg {
                Leg::Wix(cursor) => self.wix(cursor, &allowance).await?,
                Leg::Crm(after) => self.crm(after.as_deref()).await?,
            };
            checkpoint.enter(next, found, self.now());
            runner.keep(checkpoint).await?;
        }
        Ok(())
    }

    /// Wix contacts, and whom the CRM has for those without a counterpart.
    async fn wix(&self, cursor: &Cursor, allowance: &Allowance) -> Step<Done> {
        let ask = cursor.ask(&Scan::default(), self.listing.most_rows());
        let page = self.listing.page(&ask).await.map_err(|error| Stop::at(Side::Wix, error))?;
        let turn = cursor.turn(Read { rows: &page.rows, limit: page.limit, total: page.total })?;
        let rows: Vec<&Contact> = turn.fresh.iter().filter_map(|place| page.rows.get(*place)).filter_map(readable).collect();
        let (open, mut tally) = self.open(Side::Wix, &rows).await?;
        tally.wix = turn.fresh.len() as u64;
        let search = Search { contacts: &self.contacts, upload: self.upload.as_ref(), allowance };
        let candidates = search.candidates(&open).await?;
        let free = self.free(&candidates).await?;
        tally.crm_matched = free.len() as u64;
        let sample: Vec<Example> = open.iter().map(|contact| example(contact, &candidates, &free)).collect();
        for example in &sample {
            tally.count(example.verdict);
        }
        Ok((turn.next.map(Leg::Wix), Found { tally, sample }))
    }

    /// The CRM's records without a counterpart.
    async fn crm(&self, after: Option<&str>) -> Step<Done> {
        let slice = self.snapshot.snapshot(after).await.map_err(|error| Stop::at(Side::External, error))?;
        let rows: Vec<&Contact> = slice.rows.iter().filter_map(readable).collect();
        let (open, _) = self.open(Side::External, &rows).await?;
        let tally = Tally { crm: slice.rows.len() as u64, crm_only: open.len() as u64, ..Tally::default() };
        Ok((slice.next.map(|next| Leg::Crm(Some(next))), Found { tally, ..Found::default() }))
    }

    /// Returns the records that have no counterpart and wait for nobody, and how many there are of the others.
    async fn open<'a>(&self, side: Side, rows: &[&'a Contact]) -> Step<(Vec<&'a Contact>, Tally)> {
        let ids: Vec<RecordId> = rows.iter().map(|contact| contact.id.clone()).collect();
        let known = self.batches.look_up_many(&self.contacts.site.site, side, &ids).await?;
        let (mut open, mut tally) = (Vec::new(), Tally::default());
        for (contact, known) in rows.iter().zip(known) {
            match known.slot {
                Slot::Linked(_) | Slot::Gone(_) => tally.settled += 1,
                Slot::Free | Slot::Reserved { .. } if known.parked.is_some() => tally.waiting += 1,
                Slot::Free | Slot::Reserved { .. } => open.push(*contact),
            }
        }
        Ok((open, tally))
    }

    /// Returns how many contacts match each record of the CRM that nobody has.
    async fn free(&self, candidates: &Candidates) -> Step<BTreeMap<RecordId, usize>> {
        let mut matched: BTreeMap<RecordId, usize> = BTreeMap::new();
        for candidate in candidates.values().flatten() {
            *matched.entry(candidate.id.clone()).or_default() += 1;
        }
        let ids: Vec<RecordId> = matched.keys().cloned().collect();
        let known = self.batches.look_up_many(&self.contacts.site.site, Side::External, &ids).await?;
        for (id, known) in ids.iter().zip(known) {
            let is_free = match known.slot {
                Slot::Linked(_) => false,
                Slot::Gone(tombstone) => !tombstone.cause.is_of_erasure(),
                Slot::Free | Slot::Reserved { .. } => true,
            };
            if !is_free {
                matched.remove(id);
            }
        }
        Ok(matched)
    }

    fn now(&self) -> Timestamp {
        self.means.clock.now()
    }
}

/// Says what would become of a contact: linked only where one record matches and that one matches nobody else.
fn example(contact: &Contact, candidates: &Candidates, free: &BTreeMap<RecordId, usize>) -> Example {
    let own: &[Contact] = candidates.get(&contact.id).map(Vec::as_slice).unwrap_or_default();
    let mut crm = own.iter().filter(|candidate| free.contains_key(&candidate.id));
    let (first, count) = (crm.next(), crm.count());
    let verdict = match first.filter(|_| count == 0) {
        Some(only) if free.get(&only.id).is_some_and(|contacts| *contacts > 1) => Verdict::Review,
        _ => Verdict::of(own.len(), count + usize::from(first.is_some())),
    };
    Example { wix: contact.id.clone(), crm: own.iter().map(|candidate| candidate.id.clone()).collect(), verdict }
}

fn readable(row: &Listed) -> Option<&Contact> {
    match row {
        Listed::Contact(contact) => Some(contact),
        Listed::Unreadable { .. } => None,
    }
}
