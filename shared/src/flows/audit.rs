//! The full comparison: both sides are read completely, and whatever is not as agreed is synchronised again, one contact at a time.
//!
//! It finds what lost webhooks left behind, and aligns two sides that were filled before they were connected. It writes nothing itself: contact
//! sync reads both records by id before it does anything, so what a listing leaves out is looked up, and never taken for deleted.

use std::{collections::BTreeMap, sync::Arc};

use futures::future::try_join;
use jiff::Timestamp;
use tracing::info;

use super::{
    contact::Contacts,
    run::{Allowance, Ended, Means, Runner, Step, Stop, later},
};
use crate::{
    model::{
        contact::Contact,
        ids::{Pair, RecordId, Side},
        link::{Hold, Link, Slot},
        listing::Listed,
    },
    ports::{ErrorKind, LinkBatches, Listing, ReadMany, Snapshot, StoreError, StoreResult},
    sync::{
        audit::{Checkpoint, Leg, Tally},
        prints,
        scan::{Cursor, Read, Scan},
    },
};

/// The full comparison of one site, ready to run.
pub struct Audit {
    /// The site's contacts: how records are compared.
    pub contacts: Contacts,
    /// The contacts of Wix.
    pub listing: Arc<dyn Listing>,
    /// The records of the CRM.
    pub snapshot: Arc<dyn Snapshot>,
    /// Both sides by id.
    pub reads: Pair<Arc<dyn ReadMany>>,
    /// The links.
    pub batches: Arc<dyn LinkBatches>,
    /// What runs stand on.
    pub means: Means,
}

/// A page of a leg that is done: where the leg goes on, and what was found.
type Done = (Option<Leg>, Tally);

impl Audit {
    /// Runs the comparison until it is over, or time is.
    ///
    /// # Errors
    /// When the end cannot be stored.
    pub async fn run(&self, mut runner: Runner<'_>) -> StoreResult<Ended> {
        let off = self.contacts.site.export.audit_interval().is_none() && runner.asked_at().is_none();
        if off || self.contacts.closed().is_some() || self.contacts.site.paused || !self.contacts.site.export.enabled {
            return runner.close().await;
        }
        let mut checkpoint: Checkpoint = match runner.checkpoint() {
            Ok(checkpoint) => checkpoint,
            Err(error) => return runner.end(Err(error.into()), None).await,
        };
        let outcome = self.work(&mut runner, &mut checkpoint).await;
        let next = self.next(&checkpoint, runner.asked_at());
        let ended = runner.end(outcome, next).await?;
        let tally = checkpoint.pass.map(|pass| pass.tally).or(checkpoint.last.map(|last| last.tally)).unwrap_or_default();
        info!(site = %self.contacts.site.site, ended = ?ended, tally = ?tally, "Ran a full comparison.");
        Ok(ended)
    }

    async fn work(&self, runner: &mut Runner<'_>, checkpoint: &mut Checkpoint) -> Step<()> {
        if checkpoint.since.is_none() {
            checkpoint.since = Some(self.now());
            runner.keep(checkpoint).await?;
        }
        if self.next(checkpoint, runner.asked_at()).is_some_and(|next| next <= self.now()) {
            checkpoint.begin(self.now());
        }
        let allowance = runner.allowance();
        while let Some(pass) = &checkpoint.pass {
            let (next, tally) = self.page(&pass.leg, &allowance).await?;
            checkpoint.enter(next, &tally, self.now());
            runner.keep(checkpoint).await?;
        }
        Ok(())
    }

    /// When the next comparison begins: at once if one is under way or asked for, else at the end of the interval, if there is one.
    fn next(&self, checkpoint: &Checkpoint, asked_at: Option<Timestamp>) -> Option<Timestamp> {
        let before = checkpoint.last.as_ref().map(|last| last.began);
        let asked = asked_at.is_some_and(|asked| before.is_none_or(|before| asked > before));
        if checkpoint.pass.is_some() || asked {
            return Some(self.now());
        }
        Some(later(before.or(checkpoint.since)?, self.contacts.site.export.audit_interval()?))
    }

    async fn page(&self, leg: &Leg, allowance: &Allowance) -> Step<Done> {
        if !allowance.has_time_for_a_page() {
            return Err(Stop::Time);
        }
        allowance.ensure_room().await?;
        match leg {
            Leg::Links(after) => self.links(after.as_ref()).await,
            Leg::Wix(cursor) => self.wix(cursor).await,
            Leg::Crm(after) => self.crm(after.as_deref()).await,
        }
    }

    /// Linked pairs: both records as they are now, against what was agreed on.
    async fn links(&self, after: Option<&RecordId>) -> Step<Done> {
        let links = self.contacts.links.list_links(&self.contacts.site.site, after).await?;
        let Some(last) = links.last().map(|link| link.id(Side::Wix).clone()) else { return Ok((None, Tally::default())) };
        let (wix, external) = try_join(self.read(Side::Wix, &links), self.read(Side::External, &links)).await?;
        let found = Pair { wix, external };
        let mut tally = Tally { links: links.len() as u64, ..Tally::default() };
        let mut again = Vec::new();
        for link in &links {
            let records = Side::BOTH.map(|side| (side, found.of(side).get(link.id(side))));
            if link.held.is_some_and(Hold::waits_for_a_person) {
                tally.held += 1;
            } else if records.iter().any(|(_, record)| record.is_none()) {
                tally.missing += 1;
                again.push(link.id(Side::Wix).clone());
            } else if link.held.is_some()
                || records.iter().any(|(side, record)| record.is_some_and(|record| self.differs(link, *side, record)))
            {
                tally.changed += 1;
                again.push(link.id(Side::Wix).clone());
            }
        }
        self.means.resync(&self.contacts.site.site, Side::Wix, &again).await?;
        Ok((Some(Leg::Links(Some(last))), tally))
    }

    fn differs(&self, link: &Link, side: Side, record: &Contact) -> bool {
        prints::differs(&self.contacts.key, &self.contacts.mapping, side, record, &link.anchors.of(side).base)
    }

    async fn read(&self, side: Side, links: &[Link]) -> Step<BTreeMap<RecordId, Contact>> {
        let ids: Vec<RecordId> = links.iter().map(|link| link.id(side).clone()).collect();
        let found = self.reads.of(side).read_many(&ids).await.map_err(|error| missing_fields(side, error))?;
        Ok(found.into_iter().map(|contact| (contact.id.clone(), contact)).collect())
    }

    /// Wix contacts without a counterpart.
    async fn wix(&self, cursor: &Cursor) -> Step<Done> {
        let ask = cursor.ask(&Scan::default(), self.listing.most_rows());
        let page = self.listing.page(&ask).await.map_err(|error| Stop::at(Side::Wix, error))?;
        let turn = cursor.turn(Read { rows: &page.rows, limit: page.limit, total: page.total })?;
        let rows: Vec<&Listed> = turn.fresh.iter().filter_map(|place| page.rows.get(*place)).collect();
        let (only, waiting) = self.unlinked(Side::Wix, &rows).await?;
        Ok((turn.next.map(Leg::Wix), Tally { wix: rows.len() as u64, wix_only: only, waiting, ..Tally::default() }))
    }

    /// The CRM's records without a counterpart.
    async fn crm(&self, after: Option<&str>) -> Step<Done> {
        let slice = self.snapshot.snapshot(after).await.map_err(|error| missing_fields(Side::External, error))?;
        let rows: Vec<&Listed> = slice.rows.iter().collect();
        let (only, waiting) = self.unlinked(Side::External, &rows).await?;
        Ok((slice.next.map(|next| Leg::Crm(Some(next))), Tally { crm: rows.len() as u64, crm_only: only, waiting, ..Tally::default() }))
    }

    /// Has records synchronised that have neither a link nor a tombstone; returns how many, and how many wait since before.
    async fn unlinked(&self, side: Side, rows: &[&Listed]) -> Step<(u64, u64)> {
        let contacts: Vec<&Contact> = rows.iter().filter_map(|row| contact(row)).collect();
        let ids: Vec<RecordId> = contacts.iter().map(|contact| contact.id.clone()).collect();
        let known = self.batches.look_up_many(&self.contacts.site.site, side, &ids).await?;
        let (mut again, mut waiting) = (Vec::new(), 0);
        for (contact, known) in contacts.into_iter().zip(known) {
            match known.slot {
                Slot::Linked(_) | Slot::Gone(_) => {}
                Slot::Free | Slot::Reserved { .. } => match &known.parked {
                    Some(parked) if !self.contacts.changed_since(contact, parked) => waiting += 1,
                    _ => again.push(contact.id.clone()),
                },
            }
        }
        self.means.resync(&self.contacts.site.site, side, &again).await?;
        Ok((again.len() as u64, waiting))
    }

    fn now(&self) -> Timestamp {
        self.means.clock.now()
    }
}

fn contact(row: &Listed) -> Option<&Contact> {
    match row {
        Listed::Contact(contact) => Some(contact),
        Listed::Unreadable { .. } => None,
    }
}

/// A read that cannot be taken for the record because mapped fields are not there says which.
fn missing_fields(side: Side, error: StoreError) -> Stop {
    match error.kind {
        ErrorKind::Invalid(fields) if !fields.is_empty() => Stop::MissingFields(side, fields),
        _ => Stop::at(side, error),
    }
}
