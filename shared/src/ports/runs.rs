//! Where scheduled runs keep who runs them, how far they have come, and the rows that did not go through.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreResult;
use crate::model::{
    ids::{RecordId, SiteId},
    run::{Due, FailedRow, Lease, Orders, Progress, Run, RunKind},
};

/// What a runner stores of a run: how far it has come, until when it goes on, and when the timer is to look at it.
#[derive(Clone, Debug)]
pub struct Kept<'a> {
    /// How far it has come.
    pub progress: &'a Progress,
    /// Until when the runner keeps the lease; it is given back without.
    pub until: Option<Timestamp>,
    /// When the timer is to look at the run; never by itself without.
    pub due: Option<Timestamp>,
    /// Until when a claim of the site's budgets outlives the lease that is given back, for whoever takes the next; without, it ends with it.
    pub claimed_until: Option<Timestamp>,
}

/// A run whose lease was taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    /// The run.
    pub run: Run,
    /// Until when workers may take the site's budgets for claimed, if the runner before left its claim behind. It goes on with the new lease.
    pub claimed_until: Option<Timestamp>,
}

/// The scheduled runs of all sites.
#[async_trait]
pub trait RunStore: Send + Sync {
    /// Returns a run, as it is; one that nobody ever ran is empty.
    async fn run(&self, site: &SiteId, kind: RunKind) -> StoreResult<Run>;

    /// Takes the lease of a run and returns the run, due again when the lease ends: a runner that dies is found. Nothing if it is paused, or
    /// another runs anything of the site and its time is not over: the site's budgets are its runner's alone. A claim that a runner left behind goes
    /// on; one whose runner died is over.
    async fn take(&self, site: &SiteId, kind: RunKind, lease: &Lease, now: Timestamp) -> StoreResult<Option<Taken>>;

    /// Stores what a runner has to keep, and returns what people asked of the run meanwhile. `Stale` if `owner` has the lease no longer: then
    /// nothing is stored, and the runner has to stop.
    async fn keep(&self, site: &SiteId, kind: RunKind, owner: &str, kept: Kept<'_>) -> StoreResult<Orders>;

    /// Claims the site's budgets at the vendors for whoever runs it, until the lease is given back; `Stale` if `owner` has it no longer.
    async fn claim(&self, site: &SiteId, owner: &str) -> StoreResult<()>;

    /// Says that events of the site wait until then, if somebody claims its budgets.
    async fn announce(&self, site: &SiteId, until: Timestamp) -> StoreResult<()>;

    /// Returns until when events of the site are said to wait.
    async fn announced(&self, site: &SiteId) -> StoreResult<Option<Timestamp>>;

    /// Has the timer look at a run at `due`, or never; whoever runs it goes on.
    async fn schedule(&self, site: &SiteId, kind: RunKind, due: Option<Timestamp>) -> StoreResult<()>;

    /// Pauses a run: its runner stops when it looks at it next, and the timer does not look at it.
    async fn pause(&self, site: &SiteId, kind: RunKind) -> StoreResult<()>;

    /// Ends a pause, and has the timer look at the run at once.
    async fn resume(&self, site: &SiteId, kind: RunKind, now: Timestamp) -> StoreResult<()>;

    /// Asks for a run to begin at once; it stays paused if it is.
    async fn ask(&self, site: &SiteId, kind: RunKind, now: Timestamp) -> StoreResult<()>;

    /// Returns the runs the timer is to look at, the longest due first. May miss those of the last moment.
    async fn due(&self, now: Timestamp, at_most: u32) -> StoreResult<Vec<Due>>;

    /// Has the timer look at a run later, unless somebody else said so meanwhile.
    async fn postpone(&self, due: &Due, to: Timestamp) -> StoreResult<()>;

    /// Notes rows that failed, each in place of an earlier note on it.
    async fn fail(&self, site: &SiteId, rows: &[FailedRow]) -> StoreResult<()>;

    /// Takes the notes on rows away.
    async fn forgive(&self, site: &SiteId, ids: &[RecordId]) -> StoreResult<()>;

    /// Returns failed rows that are to be tried again by now, or all of them without an instant, but no more than `at_most`.
    async fn failed(&self, site: &SiteId, by: Option<Timestamp>, at_most: usize) -> StoreResult<Vec<FailedRow>>;
}
