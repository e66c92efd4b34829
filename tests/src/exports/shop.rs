//! A site with an export, and the people around it.

use std::{
    collections::BTreeSet,
    future::Future,
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

use anyhow::Context;
use contact_bridge::{
    app::{App, Exporter, Pace},
    model::{run::RunKind, site::Export},
    sync::export::{Checkpoint, Tally},
};
use contact_bridge_local::{
    stack::{Options, SiteHandle, Stack},
    vendors::{kit::plain_http, wix},
};
use serde_json::{Value, json};

use super::{passage::Passage, recipe::Recipe};

/// How often the export runs.
const INTERVAL: Duration = Duration::from_mins(15);
/// How much time a run has.
const TIME: Duration = Duration::from_mins(14);
/// How many contacts a page has: ten pages then need no ten thousand contacts.
pub(super) const PAGE: usize = 5;

/// Which export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The recipe, to the letter.
    Recipe,
    /// The bridge's.
    Bridge,
}

enum Running {
    Recipe(Box<Recipe>),
    Bridge(Box<Exporter>),
}

/// People who can be sent along to a passage.
#[derive(Clone)]
pub struct Crowd {
    stack: Arc<Stack>,
    site: SiteHandle,
    count: Arc<AtomicUsize>,
    /// Whom the CRM refuses.
    refused: Arc<Mutex<BTreeSet<String>>>,
}

/// A site with an export.
pub struct Shop {
    pub(super) stack: Arc<Stack>,
    pub(super) site: SiteHandle,
    pub(super) crowd: Crowd,
    pub(super) hubspot: Passage,
    running: Running,
    /// What must not happen, beside what the recount sees: the name, and whether it did.
    pub(super) noted: Vec<(&'static str, bool)>,
}

impl Shop {
    pub(super) async fn open(kind: Kind) -> anyhow::Result<Self> {
        let stack = Arc::new(Stack::start(Options::default()).await?);
        let site = stack.add_site("shop", |site| site.default_country = Some("US".to_owned())).await?;
        stack.wix.set_webhook_urls(Vec::new());
        stack.wix.switch("page_cap", PAGE)?;
        let hubspot = Passage::to(stack.hubspot.base_url()).await?;
        let running = match kind {
            Kind::Recipe => Running::Recipe(Box::new(recipe(&stack, &site, &hubspot)?)),
            Kind::Bridge => Running::Bridge(Box::new(bridge(&stack, &site, &hubspot).await?)),
        };
        let crowd = Crowd { stack: Arc::clone(&stack), site: site.clone(), count: Arc::default(), refused: Arc::default() };
        Ok(Self { stack, site, crowd, hubspot, running, noted: Vec::new() })
    }

    /// Has the export run once, and an interval pass.
    pub async fn pass(&mut self) -> anyhow::Result<()> {
        self.run().await?;
        match &self.running {
            Running::Recipe(_) => self.stack.clock().advance(INTERVAL),
            Running::Bridge(_) => drop(self.stack.live(INTERVAL).await?),
        }
        Ok(())
    }

    /// Has the export run once. A load of the recipe that breaks is begun again with the next run.
    pub async fn run(&mut self) -> anyhow::Result<()> {
        let stack = Arc::clone(&self.stack);
        let now = || stack.app.means.clock.now();
        match &mut self.running {
            Running::Recipe(recipe) => drop(recipe.load(now).await),
            Running::Bridge(exporter) => drop(exporter.run(&self.site.id, RunKind::Export, now() + TIME).await?),
        }
        Ok(())
    }

    /// Has the export run, and kills it once so many uploads have gone through.
    pub async fn run_killed_after(&mut self, uploads: usize) -> anyhow::Result<()> {
        let stack = Arc::clone(&self.stack);
        let now = || stack.app.means.clock.now();
        let is_over = || self.hubspot.calls("/batch/upsert") >= uploads;
        match &mut self.running {
            Running::Recipe(recipe) => drop(unless(is_over, recipe.load(now)).await),
            Running::Bridge(exporter) => drop(unless(is_over, exporter.run(&self.site.id, RunKind::Export, now() + TIME)).await),
        }
        self.stack.clock().advance(INTERVAL);
        Ok(())
    }

    /// Whatever is still to be done is done: an hour passes.
    pub(super) async fn rest(&mut self) -> anyhow::Result<()> {
        for _ in 0..4 {
            self.pass().await?;
        }
        Ok(())
    }

    /// How many contacts the export says it exported.
    pub(super) async fn said(&self) -> anyhow::Result<Option<u64>> {
        match &self.running {
            Running::Recipe(recipe) => Ok(Some(recipe.exported)),
            // Each pass has its own account: the links are all of them.
            Running::Bridge(_) => Ok(Some(u64::try_from(self.stack.links(&self.site.id).await.len())?)),
        }
    }

    /// The account of the last pass, if the export keeps one.
    pub(super) async fn tally(&self) -> anyhow::Result<Option<Tally>> {
        let notes = self.stack.run_of(&self.site.id, RunKind::Export).await?.progress.checkpoint;
        let checkpoint: Checkpoint = if notes.is_null() { Checkpoint::default() } else { serde_json::from_value(notes)? };
        Ok(checkpoint.last.map(|last| last.tally))
    }

    /// Contacts show so late in listings.
    pub fn lag(&self, seconds: usize) -> anyhow::Result<()> {
        self.stack.wix.switch("people_lag", true)?;
        self.stack.wix.switch("visibility_lag_ms", seconds * 1_000)
    }

    /// Notes something that must not happen.
    pub fn note(&mut self, what: &'static str, happened: bool) {
        self.noted.push((what, happened));
    }
}

impl Crowd {
    /// So many new contacts, each created so long after the one before.
    pub fn come(&self, count: usize, apart: Duration) -> anyhow::Result<Vec<String>> {
        let mut ids = Vec::new();
        for _ in 0..count {
            let number = self.count.fetch_add(1, Ordering::SeqCst);
            let email = json!({"items": [{"email": format!("person{number}@example.com"), "primary": true}]});
            ids.push(self.one(&json!({"name": {"first": format!("Person{number}"), "last": "Stone"}, "emails": email}))?);
            self.stack.clock().advance(apart);
        }
        Ok(ids)
    }

    /// A contact that HubSpot refuses: there is nothing of it but an address that it does not take for one.
    pub fn refused_comes(&self) -> anyhow::Result<()> {
        let number = self.count.fetch_add(1, Ordering::SeqCst);
        let email = format!("nobody({number})@example.com");
        let id = self.one(&json!({"emails": {"items": [{"email": email, "primary": true}]}}))?;
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        Ok(())
    }

    fn one(&self, info: &Value) -> anyhow::Result<String> {
        let ids = self.stack.wix.seed(Some(self.site.id.as_str()), std::slice::from_ref(info))?;
        ids.into_iter().next().context("a contact was made")
    }

    /// A contact is erased, at once and without a word.
    pub fn leaves(&self, id: &str) -> anyhow::Result<()> {
        self.stack.wix.anonymize(Some(self.site.id.as_str()), id)
    }

    pub(super) fn refused(&self) -> BTreeSet<String> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn recipe(stack: &Stack, site: &SiteHandle, hubspot: &Passage) -> anyhow::Result<Recipe> {
    let options = wix::Options::default();
    Ok(Recipe {
        http: plain_http()?,
        wix: stack.wix.base_url(),
        hubspot: hubspot.base.clone(),
        app: [options.app_id, options.app_secret, site.id.to_string()],
        portal_token: format!("pat-{}", site.portal),
        limit: PAGE,
        last: None,
        exported: 0,
    })
}

async fn bridge(stack: &Stack, site: &SiteHandle, hubspot: &Passage) -> anyhow::Result<Exporter> {
    let mut settings = stack.app.means.sites.site(&site.id).await?.context("the site has settings")?;
    settings.export = Export { enabled: true, audit_hours: 0, ..Export::default() };
    stack.save_site(settings).await?;
    let mut means = stack.exporter.app.means.clone();
    means.vendors.hubspot_base = hubspot.base.parse()?;
    let Exporter { batches, log, bus, .. } = &*stack.exporter;
    Ok(Exporter { app: App::new(means)?.at(Pace::Bulk), batches: batches.clone(), log: log.clone(), bus: bus.clone() })
}

/// Does some work, and drops it in the middle once `is_over`; nothing if it was dropped.
async fn unless<T>(is_over: impl Fn() -> bool, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    std::future::poll_fn(|context| if is_over() { Poll::Ready(None) } else { work.as_mut().poll(context).map(Some) }).await
}
