//! The table and the bus as runs see them: an await point before and after each call, failures, lost replies, and planted bugs.

use std::sync::Arc;

use async_trait::async_trait;
use contact_bridge::{
    model::{
        event::{Event, EventKind},
        ids::{RecordId, Side, SiteId},
        link::Reservation,
        run::{Due, FailedRow, Lease, Orders, Progress, Run, RunKind},
        site::Site,
    },
    ports::{ErrorKind, EventBus, Kept, Known, LinkBatches, Made, RunStore, SiteStore, Standing, StoreError, StoreResult, Taken},
};
use jiff::Timestamp;

use super::{super::world::lock, Plant, stage::Stage};

/// The table and the bus of a site.
#[derive(Clone)]
pub struct Table(pub Arc<Stage>);

macro_rules! carried {
    ($self:ident.$port:ident.$operation:ident($($argument:expr),*)) => {
        carried!($self.$port.$operation($($argument),*), |_value| ())
    };
    ($self:ident.$port:ident.$operation:ident($($argument:expr),*), |$value:pat_param| $witness:expr) => {{
        $self.begin(stringify!($operation)).await?;
        let result = $self.0.backend.finish($self.0.backend.$port.$operation($($argument),*));
        if let Ok($value) = &result {
            $witness;
        }
        $self.end(stringify!($operation), result).await
    }};
}

impl Table {
    /// Begins a call: it may fail before it is carried out.
    async fn begin(&self, operation: &str) -> StoreResult<()> {
        self.0.point().await;
        let mut world = lock(&self.0.world);
        world.now += 1;
        let percent = world.chaos.failed / 3;
        let fails = world.chance(percent);
        world.trace((operation, fails));
        if fails { Err(StoreError::new(ErrorKind::Unavailable, operation)) } else { Ok(()) }
    }

    /// Ends a call: its reply may be lost.
    async fn end<T>(&self, operation: &str, result: StoreResult<T>) -> StoreResult<T> {
        let lost = {
            let mut world = lock(&self.0.world);
            let percent = world.chaos.lost_replies / 3;
            let lost = world.chance(percent);
            world.trace((operation, lost, result.as_ref().err().map(|error| error.kind.name())));
            lost
        };
        self.0.point().await;
        if lost { Err(StoreError::new(ErrorKind::Unavailable, operation)) } else { result }
    }

    /// What a runner wants to store, as the planted bug has it.
    fn kept(&self, kind: RunKind, progress: &Progress) -> Progress {
        let mut progress = progress.clone();
        let notes = progress.checkpoint.as_object_mut().filter(|_| kind == RunKind::Export);
        match self.0.plant {
            Plant::KeepsNoCheckpoint if kind == RunKind::Export => progress.checkpoint = serde_json::Value::Null,
            Plant::WatermarkIsNow => {
                let now = lock(&self.0.world).instant().to_string();
                for (name, watermark) in notes.into_iter().flatten() {
                    if matches!(name.as_str(), "created" | "updated") && !watermark.is_null() {
                        *watermark = now.clone().into();
                    }
                }
            }
            _ => {}
        }
        progress
    }
}

#[async_trait]
impl RunStore for Table {
    async fn run(&self, site: &SiteId, kind: RunKind) -> StoreResult<Run> {
        let run: StoreResult<Run> = carried!(self.runs.run(site, kind));
        let heeds = self.0.plant != Plant::HeedsNoPause;
        run.map(|run| Run { orders: Orders { paused: run.orders.paused && heeds, ..run.orders }, ..run })
    }

    async fn take(&self, site: &SiteId, kind: RunKind, lease: &Lease, now: Timestamp) -> StoreResult<Option<Taken>> {
        if self.0.plant == Plant::NoLeases {
            // Whoever has the run is forgotten.
            self.forget_runner(site);
        }
        carried!(self.runs.take(site, kind, lease, now), |run| {
            if run.is_some() {
                self.0.saw_lease(lease, now.as_millisecond());
            }
        })
    }

    async fn keep(&self, site: &SiteId, kind: RunKind, owner: &str, kept: Kept<'_>) -> StoreResult<Orders> {
        let (until, progress) = (kept.until, self.kept(kind, kept.progress));
        let kept = Kept { progress: &progress, ..kept };
        let orders = carried!(self.runs.keep(site, kind, owner, kept), |orders| {
            self.0.saw_keep(owner, until.is_some());
            self.0.saw_checkpoint(kind, &progress.checkpoint);
            if orders.paused {
                self.0.saw_stop(owner);
            }
        })?;
        Ok(if self.0.plant == Plant::HeedsNoPause { Orders { paused: false, ..orders } } else { orders })
    }

    async fn claim(&self, site: &SiteId, owner: &str) -> StoreResult<()> {
        carried!(self.runs.claim(site, owner))
    }

    async fn announce(&self, site: &SiteId, until: Timestamp) -> StoreResult<()> {
        carried!(self.runs.announce(site, until))
    }

    async fn announced(&self, site: &SiteId) -> StoreResult<Option<Timestamp>> {
        carried!(self.runs.announced(site))
    }

    async fn schedule(&self, site: &SiteId, kind: RunKind, due: Option<Timestamp>) -> StoreResult<()> {
        carried!(self.runs.schedule(site, kind, due))
    }

    async fn pause(&self, site: &SiteId, kind: RunKind) -> StoreResult<()> {
        carried!(self.runs.pause(site, kind))
    }

    async fn resume(&self, site: &SiteId, kind: RunKind, now: Timestamp) -> StoreResult<()> {
        carried!(self.runs.resume(site, kind, now))
    }

    async fn ask(&self, site: &SiteId, kind: RunKind, now: Timestamp) -> StoreResult<()> {
        carried!(self.runs.ask(site, kind, now))
    }

    /// Each site has a timer of its own, so that none feels the others.
    async fn due(&self, now: Timestamp, at_most: u32) -> StoreResult<Vec<Due>> {
        let due = carried!(self.runs.due(now, at_most))?;
        Ok(due.into_iter().filter(|due| due.site == self.0.site).collect())
    }

    async fn postpone(&self, due: &Due, to: Timestamp) -> StoreResult<()> {
        carried!(self.runs.postpone(due, to))
    }

    async fn fail(&self, site: &SiteId, rows: &[FailedRow]) -> StoreResult<()> {
        if self.0.plant == Plant::ForgetsFailedRows {
            return Ok(());
        }
        carried!(self.runs.fail(site, rows))
    }

    async fn forgive(&self, site: &SiteId, ids: &[RecordId]) -> StoreResult<()> {
        carried!(self.runs.forgive(site, ids))
    }

    async fn failed(&self, site: &SiteId, by: Option<Timestamp>, at_most: usize) -> StoreResult<Vec<FailedRow>> {
        carried!(self.runs.failed(site, by, at_most))
    }
}

impl Table {
    /// Whoever has the run is taken for nobody.
    fn forget_runner(&self, site: &SiteId) {
        let runs = &self.0.backend.runs;
        for kind in RunKind::ALL {
            let Ok(run) = self.0.backend.finish(runs.run(site, kind)) else { continue };
            if let Some(lease) = run.lease {
                let kept = Kept { progress: &run.progress, until: None, due: run.due, claimed_until: None };
                let _ = self.0.backend.finish(runs.keep(site, kind, &lease.owner, kept));
            }
        }
    }
}

#[async_trait]
impl LinkBatches for Table {
    async fn look_up_many(&self, site: &SiteId, side: Side, ids: &[RecordId]) -> StoreResult<Vec<Known>> {
        carried!(self.batches.look_up_many(site, side, ids))
    }

    async fn reserve_many(&self, site: &SiteId, reservations: &[Reservation], now: Timestamp) -> StoreResult<Vec<bool>> {
        carried!(self.batches.reserve_many(site, reservations, now))
    }

    async fn release_many(&self, site: &SiteId, reservations: &[Reservation]) -> StoreResult<()> {
        carried!(self.batches.release_many(site, reservations))
    }

    async fn link_many(&self, site: &SiteId, links: &[Made], now: Timestamp) -> StoreResult<Vec<bool>> {
        carried!(self.batches.link_many(site, links, now), |stored| {
            for (made, _) in links.iter().zip(stored).filter(|(_, stored)| **stored) {
                lock(&self.0.world).saw_link(&made.link);
                self.0.books().witness.linked += 1;
            }
        })
    }
}

#[async_trait]
impl SiteStore for Table {
    async fn site(&self, site: &SiteId) -> StoreResult<Option<Site>> {
        carried!(self.sites.site(site))
    }

    async fn standing(&self, site: &SiteId, now: Timestamp) -> StoreResult<Option<Standing>> {
        carried!(self.sites.standing(site, now))
    }

    async fn save_site(&self, site: &Site) -> StoreResult<()> {
        carried!(self.sites.save_site(site))
    }

    async fn sites(&self) -> StoreResult<Vec<Site>> {
        carried!(self.sites.sites())
    }

    async fn purge(&self, site: &SiteId) -> StoreResult<()> {
        carried!(self.sites.purge(site))
    }
}

#[async_trait]
impl EventBus for Table {
    /// Events of contacts go to contact sync, requests to the runs.
    async fn publish(&self, events: &[Event]) -> StoreResult<()> {
        self.begin("publish").await?;
        for event in events {
            let delay = lock(&self.0.world).chaos.delay;
            let due = self.0.now() + self.0.below(delay);
            match event.kind {
                EventKind::Requested { .. } => self.0.request_at(due, event.clone()),
                _ if self.0.plant == Plant::HandsNothingOver => {}
                _ => lock(&self.0.world).deliver_at(due, event.clone()),
            }
        }
        self.end("publish", Ok(())).await
    }
}
