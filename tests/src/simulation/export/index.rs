//! What a side's listings and searches show: its records, some time after they changed.

use std::collections::BTreeMap;

use contact_bridge::model::ids::{RecordId, Side};
use rand::Rng;

use super::super::world::{Record, World};

/// A version of a record, and since when it shows.
#[derive(Debug)]
struct Version {
    shows_at: i64,
    record: Record,
}

/// One side's records as listings show them.
#[derive(Debug, Default)]
pub struct Index(BTreeMap<RecordId, Vec<Version>>);

impl Index {
    /// Takes note of what changed; each change shows after a time of its own, not later than `lag`.
    pub fn observe(&mut self, world: &mut World, side: Side, lag: i64) {
        let is_new = |index: &Self, id: &RecordId, record: &Record| {
            let last = index.0.get(id).and_then(|versions| versions.last()).map(|version| &version.record);
            last.is_none_or(|last| (last.counter, last.deleted) != (record.counter, record.deleted))
        };
        let news = world.sides.of(side).records.iter().filter(|(id, record)| is_new(self, id, record));
        let news: Vec<_> = news.map(|(id, record)| (id.clone(), record.clone())).collect();
        for (id, record) in news {
            let shows_at = record.updated + if lag > 0 { world.rng.random_range(0..=lag) } else { 0 };
            self.0.entry(id).or_default().push(Version { shows_at, record });
        }
    }

    /// Returns the records that show.
    pub fn shown(&self, now: i64) -> impl Iterator<Item = (&RecordId, &Record)> {
        let last = move |versions: &'_ [Version]| versions.iter().rposition(|version| version.shows_at <= now);
        let shown = self.0.iter().filter_map(move |(id, versions)| Some((id, &versions.get(last(versions)?)?.record)));
        shown.filter(|(_, record)| !record.deleted)
    }
}
