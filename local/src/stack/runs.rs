//! What people do with scheduled runs, and what they see of them.

use std::time::Duration;

use contact_bridge::{
    model::{
        event::{Event, EventKind},
        ids::SiteId,
        run::{FailedRow, Run, RunKind},
    },
    ports::StoreResult,
};
use jiff::Timestamp;

use super::Stack;

impl Stack {
    /// A run of a site, as it stands.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn run_of(&self, site: &SiteId, kind: RunKind) -> StoreResult<Run> {
        self.app.means.runs.run(site, kind).await
    }

    /// The rows of a site's export that did not go through.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn failed_rows(&self, site: &SiteId) -> StoreResult<Vec<FailedRow>> {
        self.app.means.runs.failed(site, None, usize::MAX).await
    }

    /// Asks for a run to begin at once, as a person does.
    ///
    /// # Errors
    /// When the bus fails.
    pub async fn run_now(&self, site: &SiteId, kind: RunKind) -> StoreResult<()> {
        let kind = EventKind::Requested { run: kind, now: true };
        let event = Event { kind, ..Event::requested(site, RunKind::Export, self.app.means.clock.now()) };
        self.publisher.publish(&[event]).await
    }

    /// Pauses a run, or ends the pause.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn pause_run(&self, site: &SiteId, kind: RunKind, paused: bool) -> StoreResult<()> {
        let runs = &self.app.means.runs;
        if paused { runs.pause(site, kind).await } else { runs.resume(site, kind, self.app.means.clock.now()).await }
    }

    /// Sets how much time an invocation of scheduled export has.
    pub fn give_runs(&self, time: Duration) {
        self.schedule.give(time);
    }

    /// When the timer is to look at a run next; of those that only wait for their interval to end, if `resting`.
    pub(super) async fn next_run(&self, resting: bool) -> StoreResult<Option<i64>> {
        for due in self.app.means.runs.due(Timestamp::MAX, u32::MAX).await? {
            if resting || !self.app.means.runs.run(&due.site, due.kind).await?.rests() {
                return Ok(Some(due.at.as_millisecond()));
            }
        }
        Ok(None)
    }
}
