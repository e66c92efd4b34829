//! The scheduled export of a site's Wix contacts to its CRM.
//!
//! The first time all contacts, a page at a time; later, what was created (or changed) since the watermark. A page is read; its rows are looked up,
//! those without a counterpart are made in the CRM in its largest batches, and everything that takes a closer look is handed to contact sync.
//! When every row of the page is accounted for, the checkpoint moves. Whatever stops in between is done again, and costs no second write.

mod failed;
mod make;
mod mirror;
mod page;

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use futures::{Stream, StreamExt, stream};
use jiff::Timestamp;
use tracing::info;

use self::page::{Load, Sheet};
use super::{
    contact::Contacts,
    run::{Allowance, Ended, Means, Runner, Step, Stop, later},
};
use crate::{
    model::ids::{RecordId, Side},
    ports::{LinkBatches, Listing, StoreResult, Upload, Whose},
    sync::{
        export::{Checkpoint, Pass, Settings},
        scan::{Cursor, Read, Scan},
    },
};

/// How many pages are worked on at a time, so that the CRM is never left idle. They are entered in their order.
const PAGES_AT_A_TIME: usize = 3;

/// The export of one site, ready to run.
pub struct Export {
    /// The site's contacts: how records become each other, and what is read one by one.
    pub contacts: Contacts,
    /// The contacts of Wix.
    pub listing: Arc<dyn Listing>,
    /// The CRM.
    pub upload: Arc<dyn Upload>,
    /// The links.
    pub batches: Arc<dyn LinkBatches>,
    /// What runs stand on.
    pub means: Means,
}

/// Pages are read until the leg is over, time runs short, or one of them could not be carried out.
struct Pages<'a> {
    scan: Scan,
    allowance: &'a Allowance,
    halted: &'a AtomicBool,
}

impl Export {
    /// Runs the export: what failed before, then what is new, then the ids that are still to be shown in Wix.
    ///
    /// # Errors
    /// When the end cannot be stored.
    pub async fn run(&self, mut runner: Runner<'_>) -> StoreResult<Ended> {
        if self.contacts.closed().is_some() || self.contacts.site.paused || !self.contacts.site.export.enabled {
            return runner.close().await;
        }
        let mut checkpoint: Checkpoint = match runner.checkpoint() {
            Ok(checkpoint) => checkpoint,
            Err(error) => return runner.end(Err(error.into()), None).await,
        };
        let outcome = self.work(&mut runner, &mut checkpoint).await;
        let last = checkpoint.last.as_ref().map(|last| last.tally);
        let tally = checkpoint.pass.as_ref().map(|pass| pass.tally).or(last).unwrap_or_default();
        let next = self.next(&checkpoint, runner.asked_at());
        let ended = runner.end(outcome, Some(next)).await?;
        info!(site = %self.contacts.site.site, ended = ?ended, tally = ?tally, "Ran an export.");
        Ok(ended)
    }

    async fn work(&self, runner: &mut Runner<'_>, checkpoint: &mut Checkpoint) -> Step<()> {
        loop {
            let next = self.next(checkpoint, runner.asked_at());
            if next <= self.now() {
                self.retry_failed(&runner.allowance()).await?;
                checkpoint.begin(self.now());
            }
            while let Some(pass) = checkpoint.pass.clone() {
                self.load(runner, checkpoint, &pass).await?;
            }
            if checkpoint.mirror.is_none() {
                return Ok(());
            }
            let next = self.next(checkpoint, runner.asked_at());
            self.fill_mirror(runner, checkpoint, next).await?;
        }
    }

    /// When the next pass begins: at once if one is under way or asked for, else at the end of the interval.
    fn next(&self, checkpoint: &Checkpoint, asked_at: Option<Timestamp>) -> Timestamp {
        match &checkpoint.last {
            Some(last) if checkpoint.pass.is_none() && asked_at.is_none_or(|asked| asked <= last.began) => {
                later(last.began, self.contacts.site.export.interval())
            }
            _ => self.now(),
        }
    }

    /// Works through the pages of a leg, from where it stands.
    async fn load(&self, runner: &mut Runner<'_>, checkpoint: &mut Checkpoint, pass: &Pass) -> Step<()> {
        let unchecked = self.survey(pass, checkpoint).await?;
        let handed = checkpoint.handed.clone();
        let load = Load { leg: pass.leg, unchecked, handed: &handed };
        let settings = Settings { include: self.contacts.site.export.include, overlap: self.contacts.site.export.overlap() };
        let (allowance, halted) = (runner.allowance(), AtomicBool::new(false));
        let pages = Pages { scan: pass.scan, allowance: &allowance, halted: &halted };
        let sheets = self.sheets(&pages, pass.cursor.clone());
        let mut done = pin!(sheets.map(|sheet| async { self.carry(sheet?, load, &allowance).await }).buffered(PAGES_AT_A_TIME));
        let (mut over, mut stop) = (false, None);
        while let Some(page) = done.next().await {
            let entered = match page {
                // Those behind a page that stopped are let finish, and come again.
                _ if stop.is_some() => continue,
                Ok(page) => {
                    over = page.next.is_none();
                    checkpoint.enter(page, settings, self.now());
                    runner.keep(checkpoint).await
                }
                Err(stop) => Err(stop),
            };
            if let Err(why) = entered {
                halted.store(true, Ordering::Relaxed);
                stop = Some(why);
            }
        }
        match stop {
            Some(stop) => Err(stop),
            None if over => Ok(()),
            None => Err(Stop::Time),
        }
    }

    /// Lists page after page; each begins where the one before ended, whatever becomes of its rows.
    fn sheets<'a>(&'a self, pages: &'a Pages<'a>, from: Cursor) -> impl Stream<Item = Step<Sheet>> + 'a {
        stream::unfold(Some((from, 0)), move |at| async move {
            let (cursor, number) = at?;
            if pages.halted.load(Ordering::Relaxed) || !pages.allowance.has_time_for_a_page() {
                return None;
            }
            Some(match self.sheet(pages, &cursor, number).await {
                Ok(sheet) => {
                    let next = sheet.next.clone().map(|next| (next, number + 1));
                    (Ok(sheet), next)
                }
                Err(stop) => (Err(stop), None),
            })
        })
    }

    /// Lists a page. The first few are no more than anybody's calls; for many there has to be room, even if nothing on them is new.
    async fn sheet(&self, pages: &Pages<'_>, cursor: &Cursor, number: usize) -> Step<Sheet> {
        if number >= PAGES_AT_A_TIME {
            pages.allowance.ensure_room().await?;
        }
        let ask = cursor.ask(&pages.scan, self.listing.most_rows());
        let page = self.listing.page(&ask).await.map_err(|error| Stop::at(Side::Wix, error))?;
        let turn = cursor.turn(Read { rows: &page.rows, limit: page.limit, total: page.total })?;
        Ok(Sheet::new(page, turn))
    }

    /// Tells whether a first load may make contacts without looking for earlier ones that name them: the CRM had none when it began, and
    /// makes each once.
    async fn survey(&self, pass: &Pass, checkpoint: &mut Checkpoint) -> Step<bool> {
        if pass.first && pass.cursor == Cursor::Start && self.upload.makes_once() {
            let named = self.upload.count(Whose::Named).await.map_err(|error| Stop::at(Side::External, error))?;
            if let Some(pass) = &mut checkpoint.pass {
                pass.unchecked = named == 0;
            }
        }
        Ok(checkpoint.pass.as_ref().is_some_and(|pass| pass.unchecked))
    }

    async fn hand_over(&self, ids: &[RecordId]) -> Step<()> {
        Ok(self.means.resync(&self.contacts.site.site, Side::Wix, ids).await?)
    }

    fn now(&self) -> Timestamp {
        self.means.clock.now()
    }
}
