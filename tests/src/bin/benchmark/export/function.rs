//! The function, in a process of its own.

use std::sync::Arc;

use anyhow::Context;
use async_trait::async_trait;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Credentials, Region};
use contact_bridge::{
    adapters::{
        dynamodb::{self, Capacity, Units},
        hubspot::TokenKeeper,
        memory::{Bus, NoQueue, Vault},
    },
    app::{App, Exporter, Means, Pace, Vendors, WixApp},
    flows::{run::Ended, setup},
    model::{
        ids::{Side, SiteId},
        run::RunKind,
        site::{Export, Site},
    },
    ports::{Clock as _, RunStore, SiteStore, StoreResult},
    sync::export::{Checkpoint, Tally},
};
use contact_bridge_local::vendors::kit::plain_http;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Report, TABLE, Taken,
    clock::{Still, VirtualClock},
    people,
    vendors::Counts,
};

/// As in `template.yaml`.
const TIME: SignedDuration = SignedDuration::from_mins(15);
/// Longer than a lease and than the interval between passes.
const BETWEEN: SignedDuration = SignedDuration::from_mins(30);
const SITE: &str = "7d1f8e2a-0000-4000-8000-000000000001";

/// Where everything is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Place {
    /// The base URL of both vendors.
    pub vendors: String,
    /// The table's endpoint.
    pub table: String,
    /// How many contacts there are.
    pub contacts: u64,
}

impl std::str::FromStr for Place {
    type Err = serde_json::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        serde_json::from_str(text)
    }
}

struct NoKeeper;

#[async_trait]
impl TokenKeeper for NoKeeper {
    async fn keep(&self, _: &str, _: &SecretString) -> StoreResult<()> {
        Ok(())
    }
}

/// The function and those who look at it.
struct Running {
    exporter: Exporter,
    clock: Arc<VirtualClock>,
    bus: Arc<Bus>,
    /// What the function's calls of the table cost.
    capacity: Arc<Capacity>,
    /// Another way to the table, whose calls are in nobody's account.
    looked_at: dynamodb::Store,
    vendors: String,
}

/// Runs both loads and prints what they took.
#[expect(clippy::print_stdout, reason = "the process's answer")]
pub(super) async fn measure(place: &Place) -> anyhow::Result<()> {
    let running = Running::start(place).await?;
    let rested_kb = peak_kb()?;
    let first = running.load(None).await?;
    running.clock.move_to((running.now() + BETWEEN).as_millisecond()).await;
    let second = running.load(Some(running.now())).await?;
    println!("{}", serde_json::to_string(&Report { rested_kb, first, second })?);
    Ok(())
}

impl Running {
    async fn start(place: &Place) -> anyhow::Result<Self> {
        let clock = Arc::new(VirtualClock::new(people::NOW_MS, &place.vendors)?);
        let (capacity, bus) = (Arc::new(Capacity::default()), Arc::new(Bus::default()));
        let store = Arc::new(table(place, &clock, Some(Still(clock.clone()))).counting(Arc::clone(&capacity)));
        let vault = Vault::default();
        vault.put(format!("hubspot/{SITE}"), "pat-benchmark");
        let base: url::Url = place.vendors.parse()?;
        let means = Means {
            links: store.clone(),
            sites: store.clone(),
            runs: store.clone(),
            queue: Arc::new(NoQueue),
            secrets: Arc::new(vault),
            keeper: Arc::new(NoKeeper),
            clock: clock.clone(),
            fingerprint_secret: "benchmark".into(),
            vendors: Vendors {
                wix: WixApp { base: base.clone(), id: "app".to_owned(), secret: "secret".into() },
                hubspot_base: base,
                pipedrive_base: None,
                mailchimp_base: None,
                hubspot_version: "2026-09".to_owned(),
                hubspot_app_id: None,
            },
        };
        let exporter = Exporter { app: App::new(means)?.at(Pace::Bulk), batches: store.clone(), log: store, bus: bus.clone() };
        let looked_at = table(place, &clock, None);
        let running = Self { exporter, clock, bus, capacity, looked_at, vendors: place.vendors.clone() };
        running.looked_at.save_site(&site()).await?;
        Ok(running)
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Runs until a pass that began at that instant or later is over: the scan that shows ids in Wix is not measured.
    async fn load(&self, since: Option<Timestamp>) -> anyhow::Result<Taken> {
        let counted = self.counts().await?;
        anyhow::ensure!(since.is_some() || counted.total() == 0, "the vendors were called before");
        let (before, begun, mut invocations) = (self.capacity.units(), std::time::Instant::now(), 0);
        let (began, site) = (self.now(), SiteId::new(SITE));
        let (tally, ended) = loop {
            invocations += 1;
            tokio::select! {
                ended = self.exporter.run(&site, RunKind::Export, self.now() + TIME) => match ended? {
                    Ended::Continues => {}
                    Ended::Rested => break self.over(since).await?.context("a pass has ended")?,
                    other => anyhow::bail!("the run ended as {other:?}"),
                },
                over = self.until_over(since) => break over?,
            }
        };
        self.clock.forget_calls();
        let Units { read, write } = self.capacity.units();
        let handed_over = self.bus.take().iter().filter(|event| event.record.is_some()).count();
        Ok(Taken {
            virtual_ms: ended.as_millisecond() - began.as_millisecond(),
            real_ms: u64::try_from(begun.elapsed().as_millis())?,
            peak_kb: peak_kb()?,
            invocations,
            created: tally.created,
            accounted: tally.accounted(),
            handed_over: u64::try_from(handed_over)?,
            read_units: read - before.read,
            write_units: write - before.write,
            counts: self.counts().await?,
        })
    }

    /// Looks whether the last page is entered whenever the clock has moved.
    async fn until_over(&self, since: Option<Timestamp>) -> anyhow::Result<(Tally, Timestamp)> {
        loop {
            self.clock.moved().await;
            if let Some(over) = self.over(since).await? {
                return Ok(over);
            }
        }
    }

    /// The account of a pass that is over, and when it was.
    async fn over(&self, since: Option<Timestamp>) -> anyhow::Result<Option<(Tally, Timestamp)>> {
        let notes = self.looked_at.run(&SiteId::new(SITE), RunKind::Export).await?.progress.checkpoint;
        let checkpoint: Checkpoint = if notes.is_null() { Checkpoint::default() } else { serde_json::from_value(notes)? };
        let last = checkpoint.last.filter(|last| since.is_none_or(|since| last.began >= since));
        Ok(last.map(|last| (last.tally, last.ended)))
    }

    /// What the vendors saw since they were last asked.
    async fn counts(&self) -> anyhow::Result<Counts> {
        let http = plain_http()?;
        let counts: Value = http.get(format!("{}/counts", self.vendors)).send().await?.json().await?;
        Ok(serde_json::from_value(counts)?)
    }
}

fn site() -> Site {
    let id = SiteId::new(SITE);
    Site {
        version: 1,
        system_of_record: Some(Side::Wix),
        default_country: Some("US".to_owned()),
        mirror_field: Some("custom.externalcrmid".to_owned()),
        export: Export { enabled: true, audit_hours: 0, ..Export::default() },
        ..setup::defaults(&id)
    }
}

fn table(place: &Place, clock: &Arc<VirtualClock>, still: Option<Still>) -> dynamodb::Store {
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "local"))
        .endpoint_url(&place.table);
    if let Some(still) = still {
        config = config.interceptor(still);
    }
    dynamodb::Store::new(aws_sdk_dynamodb::Client::from_conf(config.build()), TABLE, "benchmark".into(), clock.clone())
}

/// The most memory this process has had.
fn peak_kb() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).and_then(|line| line.split_whitespace().next());
    Ok(peak.context("Linux tells the peak")?.parse()?)
}
