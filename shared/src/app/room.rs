//! Room for events beside a run: a site's budgets at the vendors are shared by processes that know of each other through the table alone.
//!
//! A run that is about to make many calls claims the budgets and waits until every worker has looked. A worker that meets a claim says that
//! events wait, leaves them for as long as the vendors' windows need to empty, and then uses the share that is not the run's.

use std::sync::{Arc, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::App;
use crate::{model::ids::SiteId, ports::StoreResult};

/// How long it holds what a worker knows; a run waits longer before its first call.
const LIFE: SignedDuration = SignedDuration::from_secs(5);
/// How long after a worker's word a run leaves room.
const WORD: SignedDuration = SignedDuration::from_secs(30);
/// How long events are left when a run is met: it looks every two seconds, and the vendors' windows are ten seconds long.
const UNTIL_EMPTY: SignedDuration = SignedDuration::from_secs(13);

/// What a worker knows of a site's run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    looked: Timestamp,
    /// Since when it knows of one.
    since: Option<Timestamp>,
}

impl Room {
    fn empty_at(self) -> Option<Timestamp> {
        self.since.map(|since| since + UNTIL_EMPTY)
    }
}

impl App {
    /// Makes room for the events of a site beside a run; returns until when they have to wait for it.
    pub async fn make_room(&self, site: &SiteId) -> StoreResult<Option<Timestamp>> {
        let now = self.means.clock.now();
        let known = self.rooms.lock().unwrap_or_else(PoisonError::into_inner).get(site).copied();
        let room = match known {
            Some(room) if now < room.looked + LIFE => room,
            _ => self.look_for_a_run(site, known, now).await?,
        };
        Ok(room.empty_at().filter(|until| *until > now))
    }

    async fn look_for_a_run(&self, site: &SiteId, known: Option<Room>, now: Timestamp) -> StoreResult<Room> {
        let runs = self.means.runs.announce(site, now + WORD, now).await?;
        let since = runs.then(|| known.and_then(|room| room.since).unwrap_or(now));
        let share = if runs { 100 - self.busy_share(site).await? } else { 100 };
        self.limiters.keep_to(site, share);
        let room = Room { looked: now, since };
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner).insert(site.clone(), room);
        Ok(room)
    }

    async fn busy_share(&self, site: &SiteId) -> StoreResult<u32> {
        let settings = self.means.sites.site(site).await?;
        Ok(settings.map_or(0, |settings| settings.export.busy_share.min(100)))
    }

    /// Returns what has a site's calls keep to a percentage of the budgets.
    pub(super) fn pace_of(&self, site: &SiteId) -> Arc<dyn Fn(u32) + Send + Sync> {
        let (limiters, site) = (Arc::clone(&self.limiters), site.clone());
        Arc::new(move |percent| limiters.keep_to(&site, percent))
    }
}
