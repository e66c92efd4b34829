//! The demonstration: both sides are filled, people go to work on them, and at the end the two are compared field by field.

mod compare;
mod crowd;
mod export;
mod forms;
mod messages;
mod scenes;
mod screen;
mod stage;
mod subscribers;

use std::{path::PathBuf, time::Instant};

use contact_bridge::model::site::Site;
use serde_json::json;

pub use self::{compare::Comparison, screen::Screen};
use self::{crowd::Crowd, stage::Stage};
use crate::{
    cloud::dynamo::Storage,
    stack::{Listen, Options, SiteHandle, Stack, StoreKind},
    vendors::kit::Clock,
};

/// What a demonstration needs to know.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many people there are, on either side or on both.
    pub people: usize,
    /// How many new contacts another shop exports; none, and there is no such shop.
    pub exported: usize,
    /// The seed of everything random.
    pub seed: u64,
    /// The file links and sites are kept in; without one they are in memory.
    pub store: Option<PathBuf>,
    /// Where the servers listen.
    pub listen: Listen,
    /// Whether the clock starts at the present time.
    pub now: bool,
}

impl Plan {
    /// The fewest people every scene finds somebody among.
    pub const FEWEST: usize = 40;
    /// As many as are on both sides, in Wix alone and in `HubSpot` alone in a run of usual size.
    pub const USUAL: usize = 52;
    /// The fewest contacts of an export that is seen to be half-way: fewer are over at once.
    pub const FEWEST_EXPORTED: usize = 6_000;
    /// As many contacts as an export of usual size has, and at most.
    pub const EXPORTED: usize = 20_000;
}

impl Default for Plan {
    fn default() -> Self {
        Self { people: Self::USUAL, exported: Self::EXPORTED, seed: 1, store: None, listen: Listen::default(), now: false }
    }
}

/// A demonstration that is over; the stack still runs.
pub struct Outcome {
    /// The stack.
    pub stack: Stack,
    /// How the two sides compare.
    pub comparison: Comparison,
    /// Scenes that did not end as they should.
    pub failed: Vec<String>,
}

impl Outcome {
    /// Tells whether every scene went well, both sides agree, and everybody who is on one side only is reported.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.failed.is_empty() && self.comparison.agrees()
    }
}

/// Plays the demonstration.
///
/// # Errors
/// When the stack fails, or a person's call is refused.
pub async fn play(plan: &Plan, screen: &mut Screen) -> anyhow::Result<Outcome> {
    let began = Instant::now();
    let stack = Stack::start(options(plan)).await?;
    let site = open_shop(&stack).await?;
    let crowd = Crowd::gather(plan.people, plan.seed);
    screen.line("Contact Bridge: Wix and HubSpot, simulated; the functions, bus, queue and DynamoDB, on this machine.");
    screen.line(&format!("{} people: {}", plan.people, crowd.describe()));
    let started = stack.clock().now_ms();
    let first = settle_in(&stack, &site, &crowd, screen).await?;
    screen.line(&format!(
        "In step after {} of the vendors' time: {} webhooks taken in, {} links.",
        span(stack.clock().now_ms() - started),
        first.webhooks,
        stack.links(&site.id).await.len()
    ));
    let mut stage = Stage::open(&stack, &site, screen).await?;
    scenes::all(&mut stage).await?;
    let mut failed = stage.close();
    let comparison = Comparison::of(&stack, &site).await?;
    summarise(&stack, &comparison, &failed, screen);
    // Vendors and a table of their own: what an export costs is measured elsewhere, and nothing of the first shop is in its way.
    let others = Stack::start(Options { store: StoreKind::DynamoDb(Storage::Memory), seed: plan.seed, ..Options::default() }).await?;
    let opened = others.clock().now_ms();
    let exported = export::play(&others, plan.exported, screen).await?;
    if plan.exported > 0 {
        screen.line(if exported.is_empty() { "Every row is accounted for." } else { "Not every row is accounted for." });
    }
    let sent = subscribers::play(&others, screen).await?;
    screen.line(if sent.is_empty() { "Nobody else was sent." } else { "The list is not as it should be." });
    let wrong = [exported, sent].concat();
    for line in &wrong {
        screen.line(&format!("  ✗ {line}"));
    }
    failed.extend(wrong);
    let virtual_ms = stack.clock().now_ms() - started + others.clock().now_ms() - opened;
    screen.line(&format!("{} of the vendors' time in {:.1} s.", span(virtual_ms), began.elapsed().as_secs_f64()));
    Ok(Outcome { stack, comparison, failed })
}

fn options(plan: &Plan) -> Options {
    let storage = plan.store.clone().map_or(Storage::Memory, Storage::File);
    let mut options =
        Options { store: StoreKind::DynamoDb(storage), metered: true, seed: plan.seed, listen: plan.listen, ..Options::default() };
    // A file outlives the run, and what is in it must not be of the future.
    if plan.now || plan.store.is_some() {
        options.clock = Clock::manual(Clock::real().now_ms());
    }
    options
}

/// Opens a shop the store does not know yet: the links of an earlier run are about records that are gone with their simulators.
async fn open_shop(stack: &Stack) -> anyhow::Result<SiteHandle> {
    let known = stack.app.means.sites.sites().await?;
    let is_free = |handle: &SiteHandle| known.iter().all(|site| site.site != handle.id);
    let name = (1_u32..).map(|number| if number == 1 { "shop".to_owned() } else { format!("shop-{number}") });
    let name = name.into_iter().find(|name| is_free(&SiteHandle::named(name))).unwrap_or_default();
    let (forms, sources) = (forms::settings()?, messages::sources()?);
    stack.put_secret(forms::SECRET, forms::TOKEN);
    let british = |site: &mut Site| {
        site.default_country = Some("GB".to_owned());
        site.forms = forms;
        site.inbox = sources;
    };
    stack.add_site(&name, british).await
}

/// Fills both sides, and lets the bridge work it off.
async fn settle_in(stack: &Stack, site: &SiteHandle, crowd: &Crowd, screen: &Screen) -> anyhow::Result<crate::stack::Settled> {
    stack.wix.seed(Some(site.id.as_str()), &crowd.wix())?;
    let contacts: Vec<_> = crowd.hubspot().into_iter().map(|properties| json!({"properties": properties})).collect();
    let seed = json!({"site": site.id, "contacts": contacts, "quiet": false, "actor": "user"});
    stack.hubspot.seed(&seed).map_err(|refusal| anyhow::anyhow!(refusal.0))?;
    let bar = screen.progress(crowd.links(), "matching and linking");
    let mut work = std::pin::pin!(stack.settle());
    let mut tick = tokio::time::interval(std::time::Duration::from_millis(100));
    loop {
        tokio::select! {
            settled = &mut work => {
                bar.finish_and_clear();
                return settled;
            }
            _ = tick.tick() => {
                let count = stack.app.means.links.count_links(&site.id, u32::MAX).await?;
                bar.set_position(u64::from(count));
            }
        }
    }
}

fn summarise(stack: &Stack, comparison: &Comparison, failed: &[String], screen: &mut Screen) {
    let usage = stack.dynamo().map(crate::cloud::dynamo::Dynamo::usage).unwrap_or_default();
    screen.line("");
    screen.summary(&[
        ("people linked", comparison.linked.to_string(), true),
        ("fields equal", format!("{} of {}", comparison.equal, comparison.compared), comparison.different.is_empty()),
        ("fields waiting for a person", comparison.waiting.to_string(), true),
        ("records waiting for a person", comparison.reported_text(), true),
        ("records nobody reports", comparison.unreported.len().to_string(), comparison.unreported.is_empty()),
        ("dead letters", comparison.dead_letters.to_string(), comparison.dead_letters == 0),
        ("calls to Wix / HubSpot", format!("{} / {}", stack.wix.core().calls.total(), stack.hubspot.calls().total()), true),
        ("DynamoDB units", format!("{:.0} read, {:.0} write", usage.read_units, usage.write_units + usage.refused_write_units), true),
    ]);
    for line in comparison.different.iter().chain(&comparison.unreported).chain(failed) {
        screen.line(&format!("  ✗ {line}"));
    }
    let verdict = if failed.is_empty() && comparison.agrees() { "Both sides agree." } else { "The two sides do not agree." };
    screen.line(verdict);
}

/// A time span as people say it.
fn span(ms: i64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
    }
}
