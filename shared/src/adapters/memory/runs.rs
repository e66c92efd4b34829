//! Scheduled runs in memory.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Store, links::refuse_as};
use crate::{
    model::{
        ids::{RecordId, SiteId},
        run::{Due, FailedRow, Lease, Orders, Run, RunKind},
    },
    ports::{ErrorKind, Kept, RunStore, StoreResult, Taken},
};

impl Store {
    fn change_run<T>(&self, site: &SiteId, kind: RunKind, change: impl FnOnce(&mut Run) -> T) -> T {
        self.of_site(site, |own| change(own.runs.entry(kind).or_default()))
    }
}

#[async_trait]
impl RunStore for Store {
    async fn run(&self, site: &SiteId, kind: RunKind) -> StoreResult<Run> {
        Ok(self.of_site(site, |own| own.runs.get(&kind).cloned().unwrap_or_default()))
    }

    async fn take(&self, site: &SiteId, kind: RunKind, lease: &Lease, now: Timestamp) -> StoreResult<Option<Taken>> {
        Ok(self.of_site(site, |own| {
            let held = |held: &Option<Lease>| held.as_ref().is_some_and(|held| held.until > now && held.owner != lease.owner);
            let run = own.runs.entry(kind).or_default();
            if held(&own.runner) || held(&run.lease) || run.orders.paused {
                return None;
            }
            let claimed_until = own.claimed_until.take().filter(|until| own.claimed && *until > now);
            own.claimed = claimed_until.is_some();
            own.runner = Some(lease.clone());
            run.lease = Some(lease.clone());
            run.due = Some(lease.until);
            Some(Taken { run: run.clone(), claimed_until })
        }))
    }

    async fn claim(&self, site: &SiteId, owner: &str) -> StoreResult<()> {
        self.of_site(site, |own| {
            if own.runner.as_ref().is_none_or(|lease| lease.owner != owner) {
                return refuse_as(ErrorKind::Stale, format!("claim the budgets of {site}"));
            }
            own.claimed = true;
            Ok(())
        })
    }

    async fn announce(&self, site: &SiteId, until: Timestamp) -> StoreResult<()> {
        self.of_site(site, |own| {
            if own.claimed {
                own.busy_until = Some(until);
            }
        });
        Ok(())
    }

    async fn announced(&self, site: &SiteId) -> StoreResult<Option<Timestamp>> {
        Ok(self.of_site(site, |own| own.busy_until))
    }

    async fn keep(&self, site: &SiteId, kind: RunKind, owner: &str, kept: Kept<'_>) -> StoreResult<Orders> {
        self.of_site(site, |own| {
            let run = own.runs.entry(kind).or_default();
            if run.lease.as_ref().is_none_or(|lease| lease.owner != owner) {
                return refuse_as(ErrorKind::Stale, format!("keep run {} of {site}", kind.name()));
            }
            if kept.until.is_none() && own.runner.take_if(|lease| lease.owner == owner).is_some() {
                own.claimed &= kept.claimed_until.is_some();
                own.claimed_until = kept.claimed_until;
            }
            run.lease = kept.until.map(|until| Lease { owner: owner.to_owned(), until });
            run.due = kept.due;
            run.progress = kept.progress.clone();
            Ok(run.orders)
        })
    }

    async fn schedule(&self, site: &SiteId, kind: RunKind, due: Option<Timestamp>) -> StoreResult<()> {
        self.change_run(site, kind, |run| {
            if !run.orders.paused {
                run.due = due;
            }
        });
        Ok(())
    }

    async fn pause(&self, site: &SiteId, kind: RunKind) -> StoreResult<()> {
        self.change_run(site, kind, |run| {
            run.orders.paused = true;
            run.due = None;
        });
        Ok(())
    }

    async fn resume(&self, site: &SiteId, kind: RunKind, now: Timestamp) -> StoreResult<()> {
        self.change_run(site, kind, |run| {
            run.orders.paused = false;
            run.due = Some(now);
        });
        Ok(())
    }

    async fn ask(&self, site: &SiteId, kind: RunKind, now: Timestamp) -> StoreResult<()> {
        self.change_run(site, kind, |run| run.orders.asked_at = Some(now));
        self.schedule(site, kind, Some(now)).await
    }

    async fn due(&self, now: Timestamp, at_most: u32) -> StoreResult<Vec<Due>> {
        let state = self.state();
        let runs = state.of_sites.iter().flat_map(|(site, own)| own.runs.iter().map(move |(kind, run)| (site, *kind, run)));
        let due = runs.filter_map(|(site, kind, run)| Some(Due { site: site.clone(), kind, at: run.due.filter(|due| *due <= now)? }));
        let mut due: Vec<Due> = due.collect();
        due.sort_by_key(|due| due.at);
        due.truncate(usize::try_from(at_most).unwrap_or(usize::MAX));
        Ok(due)
    }

    async fn postpone(&self, due: &Due, to: Timestamp) -> StoreResult<()> {
        self.change_run(&due.site, due.kind, |run| {
            if run.due == Some(due.at) {
                run.due = Some(to);
            }
        });
        Ok(())
    }

    async fn fail(&self, site: &SiteId, rows: &[FailedRow]) -> StoreResult<()> {
        self.of_site(site, |own| own.failed.extend(rows.iter().map(|row| (row.id.clone(), row.clone()))));
        Ok(())
    }

    async fn forgive(&self, site: &SiteId, ids: &[RecordId]) -> StoreResult<()> {
        self.of_site(site, |own| own.failed.retain(|id, _| !ids.contains(id)));
        Ok(())
    }

    async fn failed(&self, site: &SiteId, by: Option<Timestamp>, at_most: usize) -> StoreResult<Vec<FailedRow>> {
        let is_due = |row: &&FailedRow| by.is_none_or(|by| row.again_at <= by);
        Ok(self.of_site(site, |own| own.failed.values().filter(is_due).take(at_most).cloned().collect()))
    }
}
