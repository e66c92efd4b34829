//! Counts of the calls the simulator received.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::{Value, json};

/// Counts per `METHOD /route/{template}` and per site; a person's calls apart.
#[derive(Debug, Clone, Default)]
pub struct Calls {
    counts: Arc<Mutex<Counts>>,
}

#[derive(Debug, Default)]
struct Counts {
    routes: BTreeMap<String, u64>,
    sites: BTreeMap<String, BTreeMap<String, u64>>,
    user: BTreeMap<String, u64>,
    refused: u64,
    /// Of the calls of `sites`, those refused by the call limit.
    turned_away: BTreeMap<String, BTreeMap<String, u64>>,
}

impl Calls {
    /// Counts one call of a program.
    pub fn count(&self, route: &str, site: Option<&str>) {
        self.with(|counts| {
            *counts.routes.entry(route.to_owned()).or_default() += 1;
            if let Some(site) = site {
                *counts.sites.entry(site.to_owned()).or_default().entry(route.to_owned()).or_default() += 1;
            }
        });
    }

    /// Counts one call of a person.
    pub fn count_user(&self, route: &str) {
        self.with(|counts| *counts.user.entry(route.to_owned()).or_default() += 1);
    }

    /// Counts one call refused before anybody looked where it went.
    pub fn count_refused(&self) {
        self.with(|counts| counts.refused += 1);
    }

    /// Counts one call, counted already, as refused by the call limit.
    pub fn turn_away(&self, route: &str, site: Option<&str>) {
        self.with(|counts| {
            counts.refused += 1;
            if let Some(site) = site {
                *counts.turned_away.entry(site.to_owned()).or_default().entry(route.to_owned()).or_default() += 1;
            }
        });
    }

    /// Calls of programs to `route`, as `METHOD /route/{template}`.
    #[must_use]
    pub fn of(&self, route: &str) -> u64 {
        self.with(|counts| counts.routes.get(route).copied().unwrap_or_default())
    }

    /// All calls of programs.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.with(|counts| counts.routes.values().sum())
    }

    /// Calls refused by the call limit.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.with(|counts| counts.refused)
    }

    /// All counts as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        self.with(|counts| {
            json!({
                "total": counts.routes.values().sum::<u64>(),
                "refused": counts.refused,
                "routes": counts.routes,
                "sites": counts.sites,
                "turned_away": counts.turned_away,
                "user": counts.user,
            })
        })
    }

    /// Starts again from zero.
    pub fn clear(&self) {
        self.with(|counts| *counts = Counts::default());
    }

    fn with<T>(&self, act: impl FnOnce(&mut Counts) -> T) -> T {
        act(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
