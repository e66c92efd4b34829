//! The e-mail subscribers of a site and its mailing service.
//!
//! Who is subscribed in Wix goes to the list; who opts out on one side is out on the other. Consent belongs to the address: before anything is sent of
//! one, Wix is asked how it stands now. Nobody's status is raised: an address is added only where the list never had it, and all else that is
//! written leaves its status alone.

mod opt_out;
mod roll;
mod send;

use std::sync::Arc;

use jiff::Timestamp;
use tracing::info;

use super::run::{Allowance, Ended, Means, Runner, Step, Stop, later};
use crate::{
    model::{
        fingerprint::{Digest, Key},
        ids::Side,
        site::{Site, Status, subscribers},
        subscriber::{Address, Remembered},
        subscription::SubscriptionStatus,
    },
    ports::{Consents, ContactStore, ErrorKind, MailingService, StoreError, StoreResult, SubscriberLog},
    sync::{
        scan::{Cursor, Read, Scan},
        subscribers::{Checkpoint, Done, Leg, Pass, place},
    },
};

/// How often an address is looked at again that somebody else wrote about meanwhile.
const ATTEMPTS: u32 = 3;

/// The subscribers of one site, ready to be synchronised.
pub struct Subscribers {
    /// The site.
    pub site: Site,
    /// What of its settings is about subscribers.
    pub settings: subscribers::Subscribers,
    /// The site's fingerprint key.
    pub key: Key,
    /// The e-mail subscriptions of Wix.
    pub consents: Arc<dyn Consents>,
    /// The contacts of Wix, one at a time.
    pub contacts: Arc<dyn ContactStore>,
    /// The mailing list.
    pub service: Arc<dyn MailingService>,
    /// What is remembered of addresses.
    pub log: Arc<dyn SubscriberLog>,
    /// What runs stand on.
    pub means: Means,
}

impl Subscribers {
    /// Tells whether nothing is to be done now.
    fn is_closed(&self) -> bool {
        self.site.status != Status::Installed || self.site.paused || !self.settings.enabled
    }

    /// Sees to one address whose subscription may have changed on either side: an opt-out is carried over at once, and who is subscribed is sent.
    ///
    /// # Errors
    /// A side's, or the store's; the address is to be looked at again.
    pub async fn changed(&self, address: &Address) -> StoreResult<()> {
        if self.is_closed() {
            return Ok(());
        }
        let work = async {
            let standing = self.reconcile(address).await?;
            if standing.wix.status == SubscriptionStatus::Subscribed { self.send_one(address).await } else { Ok(()) }
        };
        match work.await {
            Err(Stop::Failed { error, .. }) => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Runs a pass: what changed since the last one, or all there is; opt-outs first.
    ///
    /// # Errors
    /// When the end cannot be stored.
    pub async fn run(&self, mut runner: Runner<'_>) -> StoreResult<Ended> {
        if self.is_closed() {
            return runner.close().await;
        }
        let mut checkpoint: Checkpoint = match runner.checkpoint() {
            Ok(checkpoint) => Checkpoint::of_list(checkpoint, self.settings.list()),
            Err(error) => return runner.end(Err(error.into()), None).await,
        };
        let outcome = self.work(&mut runner, &mut checkpoint).await;
        let tally = checkpoint.pass.as_ref().map(|pass| pass.tally).or(checkpoint.last.as_ref().map(|last| last.tally));
        let next = self.next(&checkpoint, runner.asked_at());
        let ended = runner.end(outcome, Some(next)).await?;
        info!(site = %self.site.site, ended = ?ended, tally = ?tally, "Ran the subscribers.");
        Ok(ended)
    }

    async fn work(&self, runner: &mut Runner<'_>, checkpoint: &mut Checkpoint) -> Step<()> {
        loop {
            if self.next(checkpoint, runner.asked_at()) > self.now() {
                return Ok(());
            }
            checkpoint.begin(self.now(), self.settings.full_interval());
            while let Some(pass) = checkpoint.pass.clone() {
                let allowance = runner.allowance();
                let done = self.page(checkpoint, &pass, &allowance).await?;
                checkpoint.enter(done, self.site.export.overlap(), self.now());
                runner.keep(checkpoint).await?;
            }
        }
    }

    /// When the next pass begins: at once if one is under way or asked for, else at the end of the interval.
    fn next(&self, checkpoint: &Checkpoint, asked_at: Option<Timestamp>) -> Timestamp {
        let before = checkpoint.last.as_ref().map(|last| last.began);
        let asked = asked_at.is_some_and(|asked| before.is_none_or(|before| asked > before));
        match before {
            Some(before) if checkpoint.pass.is_none() && !asked => later(before, self.settings.interval()),
            _ => self.now(),
        }
    }

    async fn page(&self, checkpoint: &Checkpoint, pass: &Pass, allowance: &Allowance) -> Step<Done> {
        if !allowance.has_time_for_a_page() {
            return Err(Stop::Time);
        }
        allowance.ensure_room().await?;
        let since = |watermark: Option<Timestamp>| watermark.filter(|_| !pass.full);
        match &pass.leg {
            Leg::Members(offset) => self.members(since(checkpoint.service), *offset, pass.full, allowance).await,
            Leg::Archived(offset) => self.archived(since(checkpoint.service), *offset, allowance).await,
            Leg::OptedOut(cursor) => self.opted_out(since(checkpoint.wix), cursor, allowance).await,
            Leg::Subscribed(cursor) => self.subscribed(since(checkpoint.wix), pass, cursor, allowance).await,
        }
    }

    /// Reads a page of contacts whose address has a status; returns those that were not read before, and where the listing goes on.
    async fn listed(&self, status: SubscriptionStatus, since: Option<Timestamp>, cursor: &Cursor) -> Step<Contacts> {
        let scan = Scan { created_since: None, updated_since: since };
        let ask = cursor.ask(&scan, MOST_ROWS);
        let fields: Vec<_> = self.settings.fields.values().cloned().collect();
        let mut page = self.consents.contacts(&ask, status, &fields).await.map_err(at_wix)?;
        let turn = cursor.turn(Read { rows: &page.rows, limit: page.limit, total: page.total })?;
        // From the last one on, so that the places of those before stay; then the oldest first again, whose values count for an address.
        let mut fresh = turn.fresh.iter().rev().map(|place| page.rows.swap_remove(*place)).collect::<Vec<_>>();
        fresh.reverse();
        Ok(Contacts { rows: fresh, next: turn.next, as_of: page.as_of })
    }

    /// Reads what is remembered of addresses.
    async fn remembered(&self, addresses: &[Address]) -> StoreResult<Vec<Remembered>> {
        let places: Vec<_> = addresses.iter().map(|address| self.place(address)).collect();
        self.log.remembered(&self.site.site, &places).await
    }

    /// Remembers something of an address, unless it is known already.
    async fn remember(&self, address: &Address, before: &Remembered, after: Remembered) -> StoreResult<()> {
        if after == *before {
            return Ok(());
        }
        let after = Remembered { version: before.version + 1, ..after };
        self.log.remember(&self.site.site, &self.place(address), &after).await
    }

    /// Where an address of this list is remembered.
    fn place(&self, address: &Address) -> Digest {
        place(&self.key, self.settings.list(), address)
    }

    fn now(&self) -> Timestamp {
        self.means.clock.now()
    }
}

/// The most contacts of a page.
const MOST_ROWS: usize = 1_000;

/// Contacts of a page that were not read before.
struct Contacts {
    rows: Vec<crate::model::listing::Listed>,
    next: Option<Cursor>,
    as_of: Timestamp,
}

/// A failure of Wix: its wish to be left alone holds for all who call it. The mailing service is neither side.
const fn at_wix(error: StoreError) -> Stop {
    Stop::at(Side::Wix, error)
}

/// Does something about an address again if somebody else wrote about it meanwhile.
async fn again<T, F: Future<Output = Step<T>>>(work: impl Fn() -> F) -> Step<T> {
    let mut attempt = 1;
    loop {
        match work().await {
            Err(Stop::Failed { error: StoreError { kind: ErrorKind::Stale, .. }, .. }) if attempt < ATTEMPTS => attempt += 1,
            outcome => return outcome,
        }
    }
}
