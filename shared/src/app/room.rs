//! Room for events beside a run: a site's budgets at the vendors are shared by processes that know of each other through the table alone.
//!
//! A run that is about to make many calls claims the budgets and waits until every worker has looked. A worker that meets a claim says that
//! events wait, leaves them for as long as the vendors' windows need to empty, and then uses the share that is not the run's.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use jiff::{SignedDuration, Timestamp};

use super::{App, lock};
use crate::{
    adapters::http::Limiters,
    model::ids::SiteId,
    ports::{Clock, RunStore, Standing, StoreResult},
};

/// How long after a worker's word a run leaves room.
const WORD: SignedDuration = SignedDuration::from_secs(30);
/// How often a worker says so while it is at work.
const SAY_AGAIN: SignedDuration = SignedDuration::from_secs(5);
/// How long events are left when a run is met: it looks every two seconds, and the vendors' windows are ten seconds long.
const UNTIL_EMPTY: SignedDuration = SignedDuration::from_secs(13);

/// A run that a worker met.
#[derive(Clone, Copy, Debug)]
struct Met {
    since: Timestamp,
    /// When the worker last said that events wait.
    said: Timestamp,
}

/// How the workers of a process make room for the events of sites beside their runs.
pub struct Room {
    /// What the workers' calls wait for.
    limiters: Arc<Limiters>,
    runs: Arc<dyn RunStore>,
    clock: Arc<dyn Clock>,
    /// The runs beside which events are dealt with.
    met: Mutex<HashMap<SiteId, Met>>,
}

impl Room {
    /// Makes room by keeping these limiters to a share.
    #[must_use]
    pub fn new(limiters: Arc<Limiters>, runs: Arc<dyn RunStore>, clock: Arc<dyn Clock>) -> Self {
        Self { limiters, runs, clock, met: Mutex::default() }
    }

    /// Makes room for the events of a site beside a run; returns until when they have to wait for it. `standing` is what is known of the site,
    /// not older than what workers read of sites holds.
    pub async fn make(&self, site: &SiteId, standing: Option<&Standing>) -> StoreResult<Option<Timestamp>> {
        let now = self.clock.now();
        let Some(standing) = standing.filter(|standing| standing.claimed_until.is_some_and(|until| until > now)) else {
            if lock(&self.met).remove(site).is_some() {
                self.limiters.keep_to(site, 100);
            }
            return Ok(None);
        };
        // A run that heard nothing for a while uses the whole budgets again.
        let known = lock(&self.met).get(site).copied().filter(|met| now.duration_since(met.said) < WORD - SAY_AGAIN);
        let since = known.map_or(now, |met| met.since);
        if known.is_none_or(|met| now.duration_since(met.said) >= SAY_AGAIN) {
            self.runs.announce(site, now + WORD).await?;
            self.limiters.keep_to(site, 100 - standing.site.export.busy_share.min(100));
            lock(&self.met).insert(site.clone(), Met { since, said: now });
        }
        Ok(Some(since + UNTIL_EMPTY).filter(|until| *until > now))
    }
}

impl App {
    /// Makes room for the events of a site beside a run; returns until when they have to wait for it.
    pub async fn make_room(&self, site: &SiteId) -> StoreResult<Option<Timestamp>> {
        let standing = self.standing(site).await?;
        self.room.make(site, standing.as_deref()).await
    }

    /// Returns what has a site's calls keep to a percentage of the budgets.
    pub(super) fn pace_of(&self, site: &SiteId) -> Arc<dyn Fn(u32) + Send + Sync> {
        let (limiters, site) = (Arc::clone(&self.limiters), site.clone());
        Arc::new(move |percent| limiters.keep_to(&site, percent))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        adapters::{http::stub::StubClock, memory},
        flows::setup,
        model::run::{Lease, RunKind},
    };

    #[tokio::test]
    async fn a_run_that_was_left_alone_for_a_while_is_met_anew() {
        let (clock, store, site) = (StubClock::shared(), Arc::new(memory::Store::new()), SiteId::from("shop"));
        let lease = Lease { owner: "runner".to_owned(), until: clock.now() + SignedDuration::from_hours(1) };
        store.take(&site, RunKind::Export, &lease, clock.now()).await.unwrap();
        store.claim(&site, "runner").await.unwrap();
        let standing = Standing { site: setup::defaults(&site), cooling_down: None, claimed_until: Some(lease.until) };
        let room = Room::new(Arc::new(Limiters::new(clock.clone())), store.clone(), clock.clone());
        for (pause, is_to_wait) in [(0, true), (12, true), (1, false), (20, false), (24, false), (40, true), (12, true), (1, false)] {
            clock.sleep(Duration::from_secs(pause)).await;
            let until = room.make(&site, Some(&standing)).await.unwrap();
            assert_eq!(until.is_some(), is_to_wait, "{pause} s later: {until:?}");
            assert!(store.announced(&site).await.unwrap().is_some_and(|until| until > clock.now()));
        }
    }
}
