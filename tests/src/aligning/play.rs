//! A site between two full sides, and those who let it work and kill it.

use std::{cell::Cell, collections::BTreeMap, pin::pin, time::Duration};

use anyhow::Context;
use contact_bridge::{
    model::{
        ids::Side,
        run::RunKind,
        site::{Export, Site},
    },
    sync::{audit, export, preview},
};
use contact_bridge_local::stack::{Options, SiteHandle, Stack};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{
    people::{Cast, Person},
    recount::{Places, Recount},
};

/// So many are put into a side at a time.
const AT_A_TIME: usize = 40;
/// So long after the ones before: longer than an export looks back, or every pass would hand over again who waits for contact sync.
const APART: Duration = Duration::from_mins(10);
/// Wix lists so many contacts at most, and fewer where there are few, so that there are pages to be killed between.
const MOST_ROWS: usize = 1_000;
const PAGES: usize = 20;
/// Somebody looks how far it has come once in so much virtual time.
const LOOK_EVERY_MS: i64 = 2_000;
/// The stack is let work for so long at a time.
const SPELL: Duration = Duration::from_hours(1);
/// Nothing takes so many spells.
const MOST_SPELLS: usize = 24 * 365;
/// How HubSpot counts writes of one record.
const WRITTEN: &str = "PATCH /crm/objects/2026-09/contacts/{id}";

/// When everything is killed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Moment {
    /// So many contacts of Wix are previewed.
    Previewed(u64),
    /// So many are read by the first load.
    Read(u64),
    /// The first load is over.
    Loaded,
    /// So many records are listed by the comparison, on both sides together.
    Compared(u64),
    /// So many records of the CRM were written one by one.
    Written(u64),
}

/// What something took.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spent {
    pub calls: [u64; 2],
    pub writes: u64,
    pub refused: u64,
    pub time: Duration,
}

/// A site between two full sides.
pub(super) struct Stage {
    stack: Stack,
    site: SiteHandle,
    /// Who the records are.
    places: Places,
    /// When the account that is open began.
    since_ms: Cell<i64>,
}

impl Stage {
    /// Fills both sides; nobody hears of it.
    pub async fn open(cast: &Cast, options: Options) -> anyhow::Result<Self> {
        let stack = Stack::start(options).await?;
        let adjust = |site: &mut Site| {
            site.default_country = Some("US".to_owned());
            site.system_of_record = None;
        };
        let site = stack.add_site("full", adjust).await?;
        stack.wix.set_webhook_urls(Vec::new());
        stack.wix.switch("page_cap", (cast.people.len() / PAGES).min(MOST_ROWS))?;
        let (mut wix, mut crm) = (BTreeMap::new(), BTreeMap::new());
        let people = |places: &[usize]| places.iter().filter_map(|place| cast.people.get(*place)).collect::<Vec<&Person>>();
        for places in cast.shuffled(|person| person.wix.is_some(), 1).chunks(AT_A_TIME) {
            let infos: Vec<Value> = people(places).iter().filter_map(|person| Some(person.wix.as_ref()?.in_wix())).collect();
            wix.extend(stack.wix.seed(Some(site.id.as_str()), &infos)?.into_iter().zip(places.iter().copied()));
            stack.clock().advance(APART);
        }
        for places in cast.shuffled(|person| person.crm.is_some(), 2).chunks(AT_A_TIME) {
            let records = people(places).into_iter().filter_map(|person| Some(json!({"properties": person.crm.as_ref()?.in_hubspot()})));
            let request = json!({"site": site.id, "contacts": records.collect::<Vec<Value>>()});
            let seeded = stack.hubspot.seed(&request).map_err(|refusal| anyhow::anyhow!(refusal.0))?;
            let ids = seeded.get("ids").and_then(Value::as_array).cloned().unwrap_or_default();
            crm.extend(ids.iter().filter_map(Value::as_str).map(str::to_owned).zip(places.iter().copied()));
            stack.clock().advance(Duration::from_secs(1));
        }
        stack.wix.set_webhook_urls(vec![format!("{}/webhooks/wix", stack.gateway_url())]);
        // Listings look back a little, and nothing of this is news.
        stack.clock().advance(Duration::from_hours(1));
        let stage = Self { since_ms: Cell::new(0), places: [wix, crm], site, stack };
        stage.spent();
        Ok(stage)
    }

    /// A person asks for a run.
    pub async fn ask(&self, kind: RunKind) -> anyhow::Result<()> {
        Ok(self.stack.run_now(&self.site.id, kind).await?)
    }

    /// A person chooses who wins, and turns the export on.
    pub async fn turn_on(&self, system_of_record: Side) -> anyhow::Result<()> {
        // What the preview spent of the budgets is there again.
        self.stack.clock().advance(Duration::from_mins(1));
        let settings = self.stack.app.means.sites.site(&self.site.id).await?.context("the site has settings")?;
        let export = Export { enabled: true, ..settings.export };
        self.stack.save_site(Site { system_of_record: Some(system_of_record), export, ..settings }).await?;
        Ok(())
    }

    /// Lets everything work until the moment, and then drops whatever it is at. Tells whether it was through before.
    pub async fn kill_at(&self, moment: Moment) -> anyhow::Result<bool> {
        let mut looked_ms = 0;
        let mut work = pin!(self.work());
        loop {
            tokio::select! {
                biased;
                () = self.stack.clock().moved() => {
                    let now = self.stack.clock().now_ms();
                    if now - looked_ms >= LOOK_EVERY_MS {
                        looked_ms = now;
                        if self.is_at(moment).await? {
                            return Ok(false);
                        }
                    }
                }
                done = &mut work => return done.map(|()| true),
            }
        }
    }

    /// Lets everything work until nothing is due.
    pub async fn rest(&self) -> anyhow::Result<()> {
        self.work().await
    }

    async fn work(&self) -> anyhow::Result<()> {
        for _ in 0..MOST_SPELLS {
            let mut settled = self.stack.settle_within(SPELL).await?;
            if settled.virtual_ms == 0 && !settled.quiet {
                // What is due next is further off.
                settled = self.stack.settle().await?;
            }
            if settled.quiet {
                return Ok(());
            }
        }
        anyhow::bail!("it never rests")
    }

    async fn is_at(&self, moment: Moment) -> anyhow::Result<bool> {
        Ok(match moment {
            Moment::Previewed(contacts) => self.preview().await?.pass.is_some_and(|pass| pass.found.tally.wix >= contacts),
            Moment::Read(contacts) => {
                let notes: export::Checkpoint = self.notes(RunKind::Export).await?;
                notes.last.is_some() || notes.pass.is_some_and(|pass| pass.tally.read >= contacts)
            }
            Moment::Loaded => self.notes::<export::Checkpoint>(RunKind::Export).await?.last.is_some(),
            Moment::Compared(records) => {
                let notes: audit::Checkpoint = self.notes(RunKind::Audit).await?;
                notes.last.is_some() || notes.pass.is_some_and(|pass| pass.tally.wix + pass.tally.crm >= records)
            }
            Moment::Written(records) => self.stack.hubspot.calls().of(WRITTEN) >= records,
        })
    }

    /// The preview, as far as it has come.
    pub async fn preview(&self) -> anyhow::Result<preview::Checkpoint> {
        self.notes(RunKind::Preview).await
    }

    async fn notes<T: DeserializeOwned + Default>(&self, kind: RunKind) -> anyhow::Result<T> {
        let notes = self.stack.run_of(&self.site.id, kind).await?.progress.checkpoint;
        Ok(if notes.is_null() { T::default() } else { serde_json::from_value(notes)? })
    }

    /// Everything that both vendors have, as they show it.
    pub fn records(&self) -> anyhow::Result<Vec<String>> {
        let site = Some(self.site.id.as_str());
        let crm = self.stack.hubspot.contacts(site).map_err(|refusal| anyhow::anyhow!(refusal.0))?;
        let crm = crm.get("contacts").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        Ok(self.stack.wix.contacts(site)?.iter().chain(crm).map(Value::to_string).collect())
    }

    /// Counts both sides.
    pub async fn recount(&self, cast: &Cast) -> anyhow::Result<Recount> {
        Recount::of(&self.stack, &self.site, cast, &self.places).await
    }

    /// What was spent since this was last asked.
    pub fn spent(&self) -> Spent {
        let (wix, hubspot, now) = (&self.stack.wix.core().calls, self.stack.hubspot.calls(), self.stack.clock().now_ms());
        let spent = Spent {
            calls: [wix.total(), hubspot.total()],
            writes: writes(&wix.to_json()) + writes(&hubspot.to_json()),
            refused: wix.refused() + hubspot.refused(),
            time: Duration::from_millis(u64::try_from(now - self.since_ms.get()).unwrap_or_default()),
        };
        wix.clear();
        hubspot.clear();
        self.since_ms.set(now);
        spent
    }
}

/// How many of a vendor's calls were writes.
fn writes(calls: &Value) -> u64 {
    const READS: [&str; 5] = ["/query", "/search", "/batch/read", "/token", "/preview-merge"];
    let is_write = |route: &str| !route.starts_with("GET ") && !READS.iter().any(|end| route.ends_with(end));
    let routes = calls.get("routes").and_then(Value::as_object);
    routes.into_iter().flatten().filter(|(route, _)| is_write(route)).filter_map(|(_, count)| count.as_u64()).sum()
}
