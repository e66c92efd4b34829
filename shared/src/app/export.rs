//! Scheduled runs, put together.

use std::sync::Arc;

use jiff::Timestamp;

use super::{App, crm::Crm, random_text};
use crate::{
    adapters::wix,
    flows::{
        audit::Audit,
        contact::Contacts,
        export::Export,
        preview::Preview,
        run::{self, Ended, Runner, Stop},
        subscribers::Subscribers,
    },
    model::{
        ids::{Pair, SiteId},
        run::RunKind,
        site::Site,
        subscriber::Address,
    },
    ports::{ContactStore, EventBus, LinkBatches, StoreResult, SubscriberLog},
};

/// Both sides of a site, connected.
struct Sides {
    wix: Arc<wix::Client>,
    crm: Crm,
}

/// What runs on a schedule.
pub struct Exporter {
    /// The bridge, at the pace of runs.
    pub app: App,
    /// The links, many at a time.
    pub batches: Arc<dyn LinkBatches>,
    /// What is remembered of e-mail addresses.
    pub log: Arc<dyn SubscriberLog>,
    /// The bus.
    pub bus: Arc<dyn EventBus>,
}

impl Exporter {
    /// Requests every run that is due, and returns how many.
    pub async fn request_due(&self) -> StoreResult<usize> {
        run::request_due(self.app.means.runs.as_ref(), self.bus.as_ref(), self.app.means.clock.now()).await
    }

    /// Has a run begin whatever its interval says, as a person asks.
    pub async fn ask(&self, site: &SiteId, kind: RunKind) -> StoreResult<()> {
        self.app.means.runs.ask(site, kind, self.app.means.clock.now()).await
    }

    /// Runs one site until the work is done or `deadline` comes near.
    pub async fn run(&self, site: &SiteId, kind: RunKind, deadline: Timestamp) -> StoreResult<Ended> {
        let Some(settings) = self.app.means.sites.site(site).await? else {
            self.app.means.runs.schedule(site, kind, None).await?;
            return Ok(Ended::Closed);
        };
        let means = self.means_of(site);
        let Some(runner) = Runner::take(&means, &settings, kind, deadline).await? else { return Ok(Ended::Busy) };
        if kind == RunKind::Subscribers {
            return Box::pin(self.run_subscribers(&settings, runner)).await;
        }
        let sides = match self.sides(&settings).await {
            Ok(sides) => sides,
            Err(error) => return runner.end(Err(Stop::NoCredentials(error)), None).await,
        };
        match kind {
            RunKind::Export => Box::pin(self.export(&settings, sides).run(runner)).await,
            RunKind::Preview => Box::pin(self.preview(&settings, sides).run(runner)).await,
            RunKind::Audit | RunKind::Subscribers => Box::pin(self.audit(&settings, sides).run(runner)).await,
        }
    }

    async fn run_subscribers(&self, site: &Site, runner: Runner<'_>) -> StoreResult<Ended> {
        match self.subscribers(site).await {
            Ok(Some(subscribers)) => subscribers.run(runner).await,
            Ok(None) => runner.close().await,
            Err(error) => runner.end(Err(Stop::NoCredentials(error)), None).await,
        }
    }

    /// Sees to an address whose subscription may have changed.
    pub async fn subscription_changed(&self, site: &SiteId, address: &Address) -> StoreResult<()> {
        let Some(settings) = self.app.means.sites.site(site).await? else { return Ok(()) };
        match self.subscribers(&settings).await? {
            Some(subscribers) => subscribers.changed(address).await,
            None => Ok(()),
        }
    }

    /// Connects a site's subscribers; nothing where its settings have none.
    async fn subscribers(&self, site: &Site) -> StoreResult<Option<Subscribers>> {
        let Some(settings) = site.subscribers.clone() else { return Ok(None) };
        let wix = self.app.wix(site).await?;
        Ok(Some(Subscribers {
            key: self.app.key_of(&site.site),
            service: self.app.mailing(site, &settings.service).await?,
            consents: wix.clone(),
            contacts: wix,
            log: self.log.clone(),
            means: self.means_of(&site.site),
            site: site.clone(),
            settings,
        }))
    }

    async fn sides(&self, site: &Site) -> StoreResult<Sides> {
        Ok(Sides { wix: self.app.wix(site).await?, crm: self.app.crm(site).await? })
    }

    fn export(&self, site: &Site, sides: Sides) -> Export {
        Export {
            contacts: self.contacts(site, &sides),
            listing: sides.wix,
            upload: sides.crm.upload,
            batches: self.batches.clone(),
            means: self.means_of(&site.site),
        }
    }

    fn audit(&self, site: &Site, sides: Sides) -> Audit {
        Audit {
            contacts: self.contacts(site, &sides),
            listing: sides.wix.clone(),
            snapshot: sides.crm.snapshot,
            reads: Pair { wix: sides.wix, external: sides.crm.reads },
            batches: self.batches.clone(),
            means: self.means_of(&site.site),
        }
    }

    fn preview(&self, site: &Site, sides: Sides) -> Preview {
        Preview {
            contacts: self.contacts(site, &sides),
            listing: sides.wix,
            upload: sides.crm.upload,
            snapshot: sides.crm.snapshot,
            batches: self.batches.clone(),
            means: self.means_of(&site.site),
        }
    }

    fn contacts(&self, site: &Site, sides: &Sides) -> Contacts {
        let stores = Pair { wix: sides.wix.clone() as Arc<dyn ContactStore>, external: sides.crm.contacts.clone() };
        self.app.contacts_over(site.clone(), stores)
    }

    fn means_of(&self, site: &SiteId) -> run::Means {
        run::Means {
            runs: self.app.means.runs.clone(),
            sites: self.app.means.sites.clone(),
            links: self.app.means.links.clone(),
            bus: self.bus.clone(),
            clock: self.app.means.clock.clone(),
            owner: Arc::new(random_text),
            pace: self.app.pace_of(site),
        }
    }
}
