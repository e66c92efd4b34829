//! Pointers this process has met, so that finding a link from the external side takes one read as well.
//!
//! What is kept here is a guess. A link names its external record, so the link that a guess leads to tells whether it still holds; if it
//! does not, the table is asked.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::model::ids::{RecordId, SiteId};

/// Of all sites together; beyond that all are forgotten. Two megabytes.
const KEPT: usize = 10_000;

/// Wix ids by site and external id.
#[derive(Default)]
pub(super) struct Pointers(Mutex<HashMap<(SiteId, RecordId), RecordId>>);

impl Pointers {
    pub(super) fn guess(&self, site: &SiteId, external: &RecordId) -> Option<RecordId> {
        self.met().get(&(site.clone(), external.clone())).cloned()
    }

    pub(super) fn keep(&self, site: &SiteId, external: &RecordId, wix: &RecordId) {
        let mut met = self.met();
        if met.len() >= KEPT {
            met.clear();
        }
        met.insert((site.clone(), external.clone()), wix.clone());
    }

    fn met(&self) -> MutexGuard<'_, HashMap<(SiteId, RecordId), RecordId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_so_many_are_kept() {
        let (pointers, site) = (Pointers::default(), SiteId::from("s"));
        for number in 0..=KEPT {
            let id = RecordId::new(number.to_string());
            pointers.keep(&site, &id, &id);
            assert_eq!(pointers.guess(&site, &id), Some(id));
            assert!(pointers.met().len() <= KEPT);
        }
    }
}
