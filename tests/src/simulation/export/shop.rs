//! What workers are made of: contact sync and the runs of a site, put together as their composition root does, each with a pace of its own.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use contact_bridge::{
    adapters::http::{Limiter, Limiters, Rate},
    app::{Room, STANDING_LIFE},
    flows::{
        audit::Audit,
        contact::{Contacts, Outcome},
        export::Export,
        queue::Later,
        run::{Ended, Means, Runner},
        setup,
    },
    mapping::Mapping,
    model::{
        event::{Event, EventKind},
        fingerprint::Key,
        ids::{Pair, Side},
        run::RunKind,
        site::Site,
    },
    ports::{ContactStore, RunStore, SiteStore, Standing, StoreResult},
};
use jiff::{SignedDuration, Timestamp};

use super::{
    super::{links::Pausing, plants, vendor::SimulatedVendor, world::lock},
    Plant,
    habits::Habits,
    listing::Reader,
    stage::{Stage, StageClock},
    store::Table,
    vendor::Counted,
};

/// What a worker is made of.
#[derive(Clone)]
pub struct Shop {
    /// The site.
    pub stage: Arc<Stage>,
    /// The site's mapping and fingerprint key.
    pub known: (Mapping, Key),
    /// So many leases and reservations there were.
    pub owners: Arc<AtomicU32>,
    /// How its calls keep to the budgets.
    pub paces: Paces,
}

/// How the two functions keep to the sides' budgets: each has limiters of its own.
#[derive(Clone)]
pub struct Paces {
    live: Arc<Limiters>,
    bulk: Arc<Limiters>,
    room: Arc<Room>,
}

impl Paces {
    /// Limiters of a site whose calls none has made yet.
    #[must_use]
    pub fn new(stage: &Arc<Stage>) -> Self {
        let clock = Arc::new(StageClock(stage.clone()));
        let [live, bulk] = [(), ()].map(|()| Arc::new(Limiters::new(clock.clone())));
        let room = Arc::new(Room::new(live.clone(), Arc::new(Table(stage.clone())), clock));
        Self { live, bulk, room }
    }

    /// Returns the pace of a function's calls to a side.
    fn of(&self, stage: &Stage, side: Side, is_bulk: bool) -> Option<Arc<Limiter>> {
        let (rates, limiters, wait) =
            if is_bulk { (Habits::BULK, &self.bulk, Duration::from_mins(1)) } else { (Habits::LIVE, &self.live, Duration::from_secs(5)) };
        let (requests, burst) = *rates.of(side);
        let per = Duration::from_millis(Habits::LIMITS.of(side).1.unsigned_abs());
        let rate = Rate { requests: NonZeroU32::new(requests)?, per, burst: NonZeroU32::new(burst)?, longest_wait: wait };
        let name = if side == Side::Wix { "wix" } else { "crm" };
        stage.habits().is_limited.then(|| limiters.of(&stage.site, name, rate))
    }
}

impl Shop {
    fn contacts(&self, site: Site, is_bulk: bool) -> Contacts {
        let vendor = |side| -> Arc<dyn ContactStore> {
            let below = SimulatedVendor { world: self.stage.world.clone(), side, plant: plants::Plant::None };
            Arc::new(Counted { stage: self.stage.clone(), below, pace: self.paces.of(&self.stage, side, is_bulk) })
        };
        let links = Pausing {
            below: self.stage.backend.clone(),
            world: self.stage.world.clone(),
            known: self.known.clone(),
            rail: site.rails.deletes_per_hour,
            plant: plants::Plant::None,
        };
        Contacts {
            stores: Pair { wix: vendor(Side::Wix), external: vendor(Side::External) },
            links: Arc::new(links),
            clock: Arc::new(StageClock(self.stage.clone())),
            owner: self.owner(),
            mapping: self.known.0.clone(),
            key: self.known.1.clone(),
            site,
        }
    }

    fn owner(&self) -> Arc<dyn Fn() -> String + Send + Sync> {
        let owners = self.owners.clone();
        Arc::new(move || owners.fetch_add(1, Ordering::Relaxed).to_string())
    }

    fn reader(&self, side: Side) -> Reader {
        Reader { stage: self.stage.clone(), side, pace: self.paces.of(&self.stage, side, true) }
    }

    /// Deals with an event of a contact, as the function and its composition root do.
    pub async fn apply(&self, event: &Event) -> Outcome {
        let now = lock(&self.stage.world).instant();
        let unread =
            |_| Outcome::Later(Later { until: now + SignedDuration::from_secs(30), reason: "the table does not answer", counts: false });
        let standing = match self.standing(now).await {
            Ok(standing) => standing,
            Err(error) => return unread(error),
        };
        let room = match self.paces.room.make(&self.stage.site, standing.as_ref()).await {
            Ok(room) => room,
            Err(error) => return unread(error),
        };
        let cooling = standing.as_ref().and_then(|standing| standing.cooling_down).filter(|until| *until > now);
        if let Some(until) = cooling.max(room) {
            return Outcome::Later(Later { until, reason: "the site is left alone for now", counts: false });
        }
        let site = standing.map_or_else(|| setup::defaults(&self.stage.site), |standing| standing.site);
        self.contacts(site, false).apply(event).await
    }

    /// What contact sync knows of the site.
    async fn standing(&self, now: Timestamp) -> StoreResult<Option<Standing>> {
        let known = self.stage.books().standing.clone();
        let life = i64::try_from(STANDING_LIFE.as_millis()).unwrap_or(0);
        if let Some((_, standing)) = known.filter(|(at, _)| now.as_millisecond() < at + life) {
            return Ok(Some(standing));
        }
        let standing = Table(self.stage.clone()).standing(&self.stage.site, now).await?;
        self.stage.books().standing = standing.clone().map(|standing| (now.as_millisecond(), standing));
        Ok(standing)
    }

    /// Deals with a request, as the function and its composition root do.
    pub async fn run(&self, event: &Event, deadline: Timestamp) -> StoreResult<Ended> {
        let EventKind::Requested { run: kind, .. } = event.kind else { return Ok(Ended::Closed) };
        let table = Table(self.stage.clone());
        let Some(site) = table.site(&self.stage.site).await? else {
            table.schedule(&self.stage.site, kind, None).await?;
            return Ok(Ended::Closed);
        };
        let contacts = self.contacts(self.as_planted(&site), true);
        let means = self.means(&contacts);
        let Some(runner) = Runner::take(&means, &site, kind, deadline).await? else { return Ok(Ended::Busy) };
        let [wix, crm] = Side::BOTH.map(|side| Arc::new(self.reader(side)));
        let batches = Arc::new(table);
        match kind {
            RunKind::Export => Export { contacts, listing: wix, upload: crm, batches, means: means.clone() }.run(runner).await,
            RunKind::Audit => {
                let reads = Pair { wix: wix.clone() as Arc<_>, external: crm.clone() as Arc<_> };
                Audit { contacts, listing: wix, snapshot: crm, reads, batches, means: means.clone() }.run(runner).await
            }
            // These sites have no mailing lists.
            RunKind::Subscribers | RunKind::Preview => runner.close().await,
        }
    }

    fn as_planted(&self, site: &Site) -> Site {
        let mut site = site.clone();
        if self.stage.plant == Plant::LooksBackNowhere {
            site.export.overlap_minutes = 0;
        }
        site
    }

    fn means(&self, contacts: &Contacts) -> Means {
        let table = Arc::new(Table(self.stage.clone()));
        let (limiters, site) = (self.paces.bulk.clone(), self.stage.site.clone());
        Means {
            runs: table.clone(),
            sites: table.clone(),
            links: contacts.links.clone(),
            bus: table,
            clock: contacts.clock.clone(),
            owner: self.owner(),
            pace: Arc::new(move |percent| limiters.keep_to(&site, percent)),
        }
    }
}
