//! Scheduled runs: who is due, who runs, and how a run ends.
//!
//! The timer publishes a request for each due run and puts it off; the request is taken up under a lease. While a run is under way it is due
//! again when its lease ends, so one that died is found. Every end, good or bad, is stored with the instant of the next try.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::{Mutex, Semaphore, SemaphorePermit};
use tracing::{info, warn};

use crate::{
    model::{
        event::Event,
        field::Field,
        ids::{RecordId, Side, SiteId},
        run::{Lease, Orders, Reason, Run, RunKind, Trouble},
        site::{Site, Status},
    },
    ports::{Clock, ErrorKind, EventBus, Kept, LinkStore, RunStore, SiteStore, StoreError, StoreResult, Taken},
    sync::{retry, scan::CutShort},
};

/// So many due runs are requested at a time; the rest a minute later.
const MOST_REQUESTED: u32 = 1_000;
/// How long a requested run is given to begin before it is requested again.
const PATIENCE: SignedDuration = SignedDuration::from_mins(5);
/// What is left of the time when a run hands over to its continuation: enough to end and to store.
const LEFT_TO_END: SignedDuration = SignedDuration::from_secs(30);
/// The longest a page is expected to take: none is begun with less on top of that.
const LEFT_FOR_A_PAGE: SignedDuration = SignedDuration::from_secs(30);
/// How much longer than its time a runner keeps the lease; by then it is certainly over.
const AFTER_THE_DEADLINE: SignedDuration = SignedDuration::from_secs(10);
/// How long after the budgets were claimed every worker knows: longer than what a worker has read of a site holds.
const UNTIL_HEARD: Duration = Duration::from_secs(11);
/// How long after a claim was taken over the calls of the runner before have arrived where they were sent.
const UNTIL_ARRIVED: Duration = Duration::from_secs(1);
/// How long a claim waits for a continuation: longer than the timer takes to request whatever run of the site comes next.
const HANDED_ON: SignedDuration = SignedDuration::from_secs(90);
/// So many batches are under way at once, of all pages together: as many as the largest budget lets through in the second that an answer may take.
/// The pace is the client's business.
const BATCHES_AT_A_TIME: usize = 12;
/// How often a run looks whether events wait, and whether it is to go on.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(2);
/// When a site that is paused, or removed, is looked at again.
const CLOSED: SignedDuration = SignedDuration::from_hours(1);
/// When to try again after the credentials were refused, or fields went missing: a person has to act first.
const FOR_A_PERSON: SignedDuration = SignedDuration::from_mins(15);

/// What runs stand on.
#[derive(Clone)]
pub struct Means {
    /// The runs.
    pub runs: Arc<dyn RunStore>,
    /// The sites.
    pub sites: Arc<dyn SiteStore>,
    /// The links, where a side's wish to be left alone is noted for all workers.
    pub links: Arc<dyn LinkStore>,
    /// Where requests and hand-overs are published.
    pub bus: Arc<dyn EventBus>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// A random text for each lease.
    pub owner: Arc<dyn Fn() -> String + Send + Sync>,
    /// Has the calls to the site's vendors keep to a percentage of their budgets from now on.
    pub pace: Arc<dyn Fn(u32) + Send + Sync>,
}

impl Means {
    /// Hands records to contact sync, which brings them in step one by one. Once the bus has them they are not lost.
    pub async fn resync(&self, site: &SiteId, side: Side, ids: &[RecordId]) -> StoreResult<()> {
        let now = self.clock.now();
        let events: Vec<Event> = ids.iter().map(|id| Event::resync(site, side, id, now)).collect();
        self.bus.publish(&events).await
    }
}

/// How a request for a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Another runner is at work, or the run is paused.
    Busy,
    /// Scheduled runs are off, or the site is paused or removed.
    Closed,
    /// All that was to be done now is done.
    Rested,
    /// The time was over; a continuation is requested.
    Continues,
    /// A person paused it meanwhile.
    Paused,
    /// Something keeps it from going on; it is tried again by itself.
    Troubled(Reason),
}

/// Why a run stops before it is done.
#[derive(Debug)]
pub enum Stop {
    /// Time is over.
    Time,
    /// A person paused it.
    Paused,
    /// Another has the lease by now: nothing more may be done.
    Lost,
    /// The settings changed: it goes on with the new ones, or not at all.
    Settings,
    /// The listing says that there is more than it shows.
    CutShort,
    /// These mapped fields do not exist any more.
    MissingFields(Side, Vec<Field>),
    /// The secret with the credentials cannot be used.
    NoCredentials(StoreError),
    /// A side, or the store, does not answer as needed.
    Failed {
        /// The side, nothing for the store.
        side: Option<Side>,
        /// What it answered.
        error: StoreError,
    },
}

impl Stop {
    /// A failure of a side.
    #[must_use]
    pub const fn at(side: Side, error: StoreError) -> Self {
        Self::Failed { side: Some(side), error }
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Failed { side: None, error }
    }
}

impl From<CutShort> for Stop {
    fn from(CutShort: CutShort) -> Self {
        Self::CutShort
    }
}

/// What a step of a run returns.
pub type Step<T> = Result<T, Stop>;

/// The timer went off: requests every due run, and returns how many.
///
/// # Errors
/// When the store or the bus fails; what was not requested is still due.
pub async fn request_due(runs: &dyn RunStore, bus: &dyn EventBus, now: Timestamp) -> StoreResult<usize> {
    let due = runs.due(now, MOST_REQUESTED).await?;
    let events: Vec<Event> = due.iter().map(|due| Event::requested(&due.site, due.kind, now)).collect();
    bus.publish(&events).await?;
    for due in &due {
        runs.postpone(due, now + PATIENCE).await?;
    }
    Ok(due.len())
}

/// Has the timer look at the runs of a site whose settings were saved, or never again.
pub async fn schedule(runs: &dyn RunStore, site: &Site, now: Timestamp) -> StoreResult<()> {
    // A preview begins when somebody asks, and one under way goes on.
    for kind in RunKind::ALL.into_iter().filter(|kind| *kind != RunKind::Preview) {
        runs.schedule(&site.site, kind, may_begin(site, kind).then_some(now)).await?;
    }
    Ok(())
}

/// Tells whether there may be anything to do for a kind of run: what it begins by itself, or what a person asked for and may be under way.
fn may_begin(site: &Site, kind: RunKind) -> bool {
    is_wanted(site, kind) || (kind == RunKind::Audit && site.export.enabled)
}

/// Tells whether a site's settings want a kind of run.
#[must_use]
pub fn is_wanted(site: &Site, kind: RunKind) -> bool {
    match kind {
        RunKind::Export => site.export.enabled,
        RunKind::Audit => site.export.enabled && site.export.audit_hours > 0,
        RunKind::Subscribers => site.subscribers.as_ref().is_some_and(|subscribers| subscribers.enabled),
        RunKind::Preview => false,
    }
}

/// What a runner may use: its time, and the site's budgets at the vendors.
pub struct Allowance {
    deadline: Timestamp,
    site: Site,
    kind: RunKind,
    owner: String,
    means: Means,
    /// Whether the claim of the runner before goes on.
    taken_over: bool,
    around: Mutex<Around>,
    /// The batches of all pages that are under way.
    batches: Semaphore,
}

/// What a runner knows of those around it.
#[derive(Default)]
struct Around {
    /// Whether everybody knows that the budgets are claimed.
    claimed: bool,
    /// When it last looked whether events wait, and whether it is to go on.
    looked: Option<Timestamp>,
}

impl Allowance {
    /// Tells whether there is time to begin a page.
    #[must_use]
    pub fn has_time_for_a_page(&self) -> bool {
        self.means.clock.now() + LEFT_TO_END + LEFT_FOR_A_PAGE <= self.deadline
    }

    /// Stops a run that has to end now.
    pub fn ensure_time(&self) -> Step<()> {
        if self.means.clock.now() + LEFT_TO_END <= self.deadline { Ok(()) } else { Err(Stop::Time) }
    }

    /// Before many calls: claims the budgets, once everybody who works on the site's events knows, and keeps to the run's share while
    /// events wait. Stops a run that a person wants to stop.
    pub async fn ensure_room(&self) -> Step<()> {
        self.ensure_time()?;
        let mut around = self.around.lock().await;
        let clock = &self.means.clock;
        if !around.claimed && self.taken_over {
            clock.sleep(UNTIL_ARRIVED).await;
        } else if !around.claimed {
            self.means.runs.claim(&self.site.site, &self.owner).await.map_err(lost)?;
            clock.sleep(UNTIL_HEARD).await;
        }
        around.claimed = true;
        let now = clock.now();
        if around.looked.is_none_or(|looked| now.duration_since(looked) >= LOOK_AGAIN) {
            let busy = self.means.runs.announced(&self.site.site).await?.is_some_and(|until| until > now);
            (self.means.pace)(if busy { self.site.export.busy_share } else { 100 });
            self.heed(self.means.runs.run(&self.site.site, self.kind).await?.orders).await?;
            around.looked = Some(now);
        }
        Ok(())
    }

    /// Waits until a batch may be under way beside the others, in the order in which they ask: a page's go before those of the next.
    pub async fn ensure_turn(&self) -> Step<SemaphorePermit<'_>> {
        // Nobody closes it.
        self.batches.acquire().await.map_err(|_| Stop::Time)
    }

    /// Stops a run that a person has paused, or given other settings.
    async fn heed(&self, orders: Orders) -> Step<()> {
        if orders.paused {
            return Err(Stop::Paused);
        }
        let settings = self.means.sites.site(&self.site.site).await?;
        if settings.is_some_and(|settings| settings == self.site) { Ok(()) } else { Err(Stop::Settings) }
    }

    /// Tells whether the run has claimed the budgets, or taken the claim over.
    async fn has_claimed(&self) -> bool {
        self.taken_over || self.around.lock().await.claimed
    }
}

/// The right to run, and the progress so far.
pub struct Runner<'a> {
    means: &'a Means,
    site: &'a Site,
    kind: RunKind,
    lease: Lease,
    allowance: Arc<Allowance>,
    run: Run,
}

impl<'a> Runner<'a> {
    /// Takes the lease of a site's run until `deadline`, when the caller's time is over; nothing if another has it, or it is paused.
    pub async fn take(means: &'a Means, site: &'a Site, kind: RunKind, deadline: Timestamp) -> StoreResult<Option<Self>> {
        let lease = Lease { owner: (means.owner)(), until: deadline + AFTER_THE_DEADLINE };
        let Some(Taken { run, claimed_until }) = means.runs.take(&site.site, kind, &lease, means.clock.now()).await? else {
            return Ok(None);
        };
        let allowance = Arc::new(Allowance {
            deadline,
            site: site.clone(),
            kind,
            owner: lease.owner.clone(),
            means: means.clone(),
            // Workers that read the claim before go by its old end until they read it again.
            taken_over: claimed_until.is_some_and(|until| until >= later(means.clock.now(), UNTIL_HEARD)),
            around: Mutex::default(),
            batches: Semaphore::new(BATCHES_AT_A_TIME),
        });
        Ok(Some(Self { means, site, kind, lease, allowance, run }))
    }

    /// Reads the run's own notes; those of a run that never was are empty.
    pub fn checkpoint<T: DeserializeOwned + Default>(&self) -> StoreResult<T> {
        let notes = &self.run.progress.checkpoint;
        if notes.is_null() {
            return Ok(T::default());
        }
        let corrupt = |error| StoreError::new(ErrorKind::Corrupt, format!("read checkpoint of {}", self.name())).caused_by(error);
        serde_json::from_value(notes.clone()).map_err(corrupt)
    }

    /// Tells when a person last asked for the run.
    #[must_use]
    pub const fn asked_at(&self) -> Option<Timestamp> {
        self.run.orders.asked_at
    }

    /// Returns what the runner may use.
    #[must_use]
    pub fn allowance(&self) -> Arc<Allowance> {
        Arc::clone(&self.allowance)
    }

    /// Stores the run's own notes, and stops the run if somebody wants it to.
    pub async fn keep<T: Serialize>(&mut self, checkpoint: &T) -> Step<()> {
        self.run.progress.checkpoint = serde_json::to_value(checkpoint).map_err(|error| {
            StoreError::new(ErrorKind::Invalid(Vec::new()), format!("keep checkpoint of {}", self.name())).caused_by(error)
        })?;
        self.run.progress.trouble = None;
        let until = Some(self.lease.until);
        let kept = Kept { progress: &self.run.progress, until, due: until, claimed_until: None };
        let orders = self.means.runs.keep(&self.site.site, self.kind, &self.lease.owner, kept).await.map_err(lost)?;
        self.allowance.heed(orders).await
    }

    /// Ends a run, however it went: `next` is when it begins again by itself.
    ///
    /// # Errors
    /// When the end cannot be stored; then the run is found when its lease ends.
    pub async fn end(mut self, outcome: Step<()>, next: Option<Timestamp>) -> StoreResult<Ended> {
        let now = self.means.clock.now();
        self.run.progress.next = next;
        let (ended, due) = match outcome {
            Ok(()) => {
                self.run.progress.trouble = None;
                (Ended::Rested, next)
            }
            Err(Stop::Time | Stop::Settings) => (Ended::Continues, Some(now)),
            Err(Stop::Paused) => (Ended::Paused, None),
            Err(Stop::Lost) => return Ok(Ended::Busy),
            Err(stop) => {
                let trouble = self.trouble(stop, now).await;
                let (reason, until) = (trouble.reason, trouble.until);
                self.run.progress.trouble = Some(trouble);
                (Ended::Troubled(reason), Some(until))
            }
        };
        let goes_on = ended == Ended::Continues && self.allowance.has_claimed().await;
        let kept = Kept { progress: &self.run.progress, until: None, due, claimed_until: goes_on.then(|| now + HANDED_ON) };
        match self.means.runs.keep(&self.site.site, self.kind, &self.lease.owner, kept).await {
            Ok(orders) => self.heed(orders, due).await?,
            Err(error) if error.kind == ErrorKind::Stale => return Ok(Ended::Busy),
            Err(error) => return Err(error),
        }
        if ended == Ended::Continues && !self.others_wait(now).await? {
            self.means.bus.publish(&[Event::requested(&self.site.site, self.kind, now)]).await?;
        }
        Ok(ended)
    }

    /// Ends a run that the settings do not want, or not now.
    pub async fn close(mut self) -> StoreResult<Ended> {
        let asked = (self.kind == RunKind::Preview || may_begin(self.site, self.kind)) && self.asked_at().is_some();
        let off = self.site.status == Status::Installed && !is_wanted(self.site, self.kind) && !asked;
        let due = (!off).then(|| self.means.clock.now() + CLOSED);
        self.run.progress.next = None;
        let kept = Kept { progress: &self.run.progress, until: None, due, claimed_until: None };
        let orders = self.means.runs.keep(&self.site.site, self.kind, &self.lease.owner, kept).await?;
        self.heed(orders, due).await?;
        Ok(Ended::Closed)
    }

    /// Tells whether another run of the site is due, which the timer requests before this one: none starves beside one that never ends.
    async fn others_wait(&self, now: Timestamp) -> StoreResult<bool> {
        for kind in RunKind::ALL.into_iter().filter(|kind| *kind != self.kind) {
            let other = self.means.runs.run(&self.site.site, kind).await?;
            if other.due.is_some_and(|due| due <= now) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What people did while the run came to its end counts: they paused it, asked for it, or saved other settings.
    async fn heed(&self, orders: Orders, due: Option<Timestamp>) -> StoreResult<()> {
        let (runs, site) = (&self.means.runs, &self.site.site);
        if orders.paused {
            return if due.is_some() { runs.pause(site, self.kind).await } else { Ok(()) };
        }
        let settings = self.means.sites.site(site).await?;
        if orders.asked_at != self.run.orders.asked_at || settings.is_some_and(|settings| settings != *self.site) {
            runs.schedule(site, self.kind, Some(self.means.clock.now())).await?;
        }
        Ok(())
    }

    /// Says what keeps the run from going on, notes it for all workers where it concerns them, and decides when to try again.
    async fn trouble(&self, stop: Stop, now: Timestamp) -> Trouble {
        let before = self.run.progress.trouble.as_ref();
        let times = before.map_or(0, |trouble| trouble.times) + 1;
        let (side, fields) = match &stop {
            Stop::Failed { side, .. } => (*side, Vec::new()),
            Stop::MissingFields(side, fields) => (Some(*side), fields.clone()),
            Stop::NoCredentials(_) => (None, Vec::new()),
            Stop::CutShort | Stop::Time | Stop::Paused | Stop::Lost | Stop::Settings => (Some(Side::Wix), Vec::new()),
        };
        let (reason, until) = judge(&stop, times, now);
        if let Stop::Failed { error, .. } | Stop::NoCredentials(error) = &stop {
            warn!(site = %self.site.site, run = self.kind.name(), error = %error, "A run stopped.");
        }
        if let (Some(side), Stop::Failed { error, .. }) = (side, &stop)
            && matches!(error.kind, ErrorKind::Throttled(_) | ErrorKind::AccessDenied)
            && let Err(error) = self.means.links.cool_down(&self.site.site, side, until).await
        {
            warn!(site = %self.site.site, error = %error, "Could not note the cool-down.");
        }
        let since = before.filter(|trouble| trouble.reason == reason).map_or(now, |trouble| trouble.since);
        info!(site = %self.site.site, run = self.kind.name(), reason = ?reason, until = %until, "A run is in trouble.");
        Trouble { reason, side, fields, since, times, until }
    }

    fn name(&self) -> String {
        format!("run {} of {}", self.kind.name(), self.site.site)
    }
}

fn judge(stop: &Stop, times: u32, now: Timestamp) -> (Reason, Timestamp) {
    match stop {
        Stop::Failed { error, .. } => match &error.kind {
            ErrorKind::Throttled(until) => (Reason::Throttled, *until),
            ErrorKind::AccessDenied => (Reason::AccessDenied, now + FOR_A_PERSON),
            kind if kind.is_transient() => (Reason::Unavailable, retry::run(times, now)),
            _ => (Reason::Refused, now + FOR_A_PERSON),
        },
        Stop::NoCredentials(error) if error.kind.is_transient() => (Reason::Unavailable, retry::run(times, now)),
        Stop::NoCredentials(_) => (Reason::NoCredentials, now + FOR_A_PERSON),
        Stop::MissingFields(..) => (Reason::MissingFields, now + FOR_A_PERSON),
        Stop::CutShort => (Reason::CutShort, retry::run(times, now)),
        Stop::Time | Stop::Paused | Stop::Lost | Stop::Settings => (Reason::Unavailable, now),
    }
}

fn lost(error: StoreError) -> Stop {
    if error.kind == ErrorKind::Stale { Stop::Lost } else { error.into() }
}

/// Returns an instant that much later.
#[must_use]
pub fn later(instant: Timestamp, by: Duration) -> Timestamp {
    instant.saturating_add(by).unwrap_or(Timestamp::MAX)
}
