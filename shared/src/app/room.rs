//! Room for events beside a run: a site's budgets at the vendors are shared by processes that know of each other through the table alone.
//!
//! A run that is about to make many calls claims the budgets and waits until every worker has looked. A worker that meets a claim says that
//! events wait, leaves them for as long as the vendors' windows need to empty, and then uses the share that is not the run's.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{App, lock};
use crate::{model::ids::SiteId, ports::StoreResult};

/// How long after a worker's word a run leaves room.
const WORD: SignedDuration = SignedDuration::from_secs(30);
/// How often a worker says so while it is at work.
const SAY_AGAIN: SignedDuration = SignedDuration::from_secs(5);
/// How long events are left when a run is met: it looks every two seconds, and the vendors' windows are ten seconds long.
const UNTIL_EMPTY: SignedDuration = SignedDuration::from_secs(13);

/// A run that a worker met.
#[derive(Clone, Copy, Debug)]
pub(super) struct Met {
    since: Timestamp,
    /// When the worker last said that events wait.
    said: Timestamp,
}

impl App {
    /// Makes room for the events of a site beside a run; returns until when they have to wait for it.
    pub async fn make_room(&self, site: &SiteId) -> StoreResult<Option<Timestamp>> {
        let now = self.means.clock.now();
        let standing = self.standing(site).await?.filter(|standing| standing.claimed_until.is_some_and(|until| until > now));
        let Some(standing) = standing else {
            if lock(&self.met).remove(site).is_some() {
                self.limiters.keep_to(site, 100);
            }
            return Ok(None);
        };
        let known = lock(&self.met).get(site).copied();
        let since = known.map_or(now, |met| met.since);
        if known.is_none_or(|met| now.duration_since(met.said) >= SAY_AGAIN) {
            self.means.runs.announce(site, now + WORD).await?;
            self.limiters.keep_to(site, 100 - standing.site.export.busy_share.min(100));
            lock(&self.met).insert(site.clone(), Met { since, said: now });
        }
        Ok(Some(since + UNTIL_EMPTY).filter(|until| *until > now))
    }

    /// Returns what has a site's calls keep to a percentage of the budgets.
    pub(super) fn pace_of(&self, site: &SiteId) -> Arc<dyn Fn(u32) + Send + Sync> {
        let (limiters, site) = (Arc::clone(&self.limiters), site.clone());
        Arc::new(move |percent| limiters.keep_to(&site, percent))
    }
}
