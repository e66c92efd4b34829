//! Whom a company has, by what people are known by, for as long as a run lasts.
//!
//! No call finds many persons by their keys, so all persons have to be looked through: once for a run, and from then on only those that changed
//! since. What is kept is a keyed digest of each key and the person's number, sixteen bytes; whoever that leads to is read before anything
//! follows from it, so a digest that is old, or another's, costs a call and no more.

use std::{
    collections::BTreeSet,
    hash::{BuildHasher, RandomState},
};

use jiff::{SignedDuration, Timestamp};

use super::{
    Client,
    find::{Key, MOST_FOUND, RECENTLY, keys_of},
};
use crate::{
    model::{contact::Contact, ids::RecordId},
    ports::{ReadMany, StoreResult},
};

/// The digest of a key, and the number of a person who has it.
type Entry = (u64, u64);

/// After this long all persons are looked through again: as long as an invocation lasts.
const KEPT: SignedDuration = SignedDuration::from_mins(15);
/// More than so many keys, 64 megabytes, are not kept from one call to the next.
const MOST_KEPT: usize = 4_000_000;

/// So many of those that have a key are read: of some of them the digest is old.
const MOST_READ: usize = 10 * MOST_FOUND;

/// The keys of all persons.
pub(super) struct Index {
    hasher: RandomState,
    /// Digests of keys and numbers of persons, in order.
    entries: Vec<Entry>,
    /// When all persons were looked through.
    built: Timestamp,
    /// When those that changed were looked through.
    seen: Timestamp,
}

impl Index {
    fn new(now: Timestamp) -> Self {
        Self { hasher: RandomState::new(), entries: Vec::new(), built: now, seen: now }
    }

    fn entries_of(&self, contact: &Contact, country: Option<&str>) -> Vec<Entry> {
        let Ok(number) = contact.id.as_str().parse() else { return Vec::new() };
        keys_of(contact, country).iter().map(|key| (self.hasher.hash_one(key), number)).collect()
    }

    /// Adds entries; one that is there already stays one.
    fn add(&mut self, entries: Vec<Entry>) {
        if self.entries.is_empty() {
            self.entries = entries;
        } else {
            self.entries.extend(entries);
        }
        self.entries.sort_unstable();
        self.entries.dedup();
    }

    /// The oldest persons that have a key; nobody is served by all who share a switchboard's number.
    fn persons_of(&self, key: &Key) -> impl Iterator<Item = u64> {
        let digest = self.hasher.hash_one(key);
        let from = self.entries.partition_point(|entry| entry.0 < digest);
        self.entries.iter().skip(from).take_while(move |entry| entry.0 == digest).map(|entry| entry.1).take(MOST_READ)
    }
}

/// What a look through the persons brings together: all of it, or if that is more than is kept, what is wanted now.
struct Harvest {
    wanted: BTreeSet<u64>,
    room: usize,
    entries: Vec<Entry>,
    is_whole: bool,
}

impl Harvest {
    fn new(wanted: BTreeSet<u64>, room: usize) -> Self {
        Self { wanted, room, entries: Vec::new(), is_whole: true }
    }

    fn add(&mut self, entries: Vec<Entry>) {
        if self.is_whole && self.entries.len() + entries.len() > self.room {
            self.is_whole = false;
            self.entries.retain(|entry| self.wanted.contains(&entry.0));
            self.entries.shrink_to_fit();
        }
        self.entries.extend(entries.into_iter().filter(|entry| self.is_whole || self.wanted.contains(&entry.0)));
    }
}

impl Client {
    /// Reads the persons that seem to have some of these keys, as they are listed now.
    pub(super) async fn who_may_have(&self, keys: impl Iterator<Item = &Key> + Send) -> StoreResult<Vec<Contact>> {
        let keys: Vec<&Key> = keys.collect();
        let mut held = self.index.lock().await;
        let now = self.means.clock.now();
        let kept = held.take().filter(|index| now.duration_since(index.built) < KEPT);
        // The list shows what changed after a while: what it did not show the last time is of this time then.
        let since = kept.as_ref().map(|index| index.seen.saturating_sub(RECENTLY).unwrap_or(Timestamp::MIN));
        let mut index = kept.unwrap_or_else(|| Index::new(now));
        let wanted = keys.iter().map(|key| index.hasher.hash_one(key)).collect();
        let mut harvest = Harvest::new(wanted, MOST_KEPT.saturating_sub(index.entries.len()));
        let country = self.settings.country.as_deref();
        self.scan(since, |contact| harvest.add(index.entries_of(&contact, country))).await?;
        index.add(harvest.entries);
        index.seen = now;
        let numbers: BTreeSet<u64> = keys.into_iter().flat_map(|key| index.persons_of(key)).collect();
        *held = Some(index).filter(|_| harvest.is_whole);
        drop(held);
        let ids: Vec<RecordId> = numbers.into_iter().map(|number| RecordId::new(number.to_string())).collect();
        self.read_many(&ids).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_more_than_is_kept_only_what_is_wanted_is_held() {
        let mut harvest = Harvest::new([1, 9].into(), 4);
        harvest.add(vec![(1, 10), (2, 10)]);
        harvest.add(vec![(3, 11), (1, 11)]);
        assert_eq!((harvest.is_whole, harvest.entries.len()), (true, 4));
        harvest.add(vec![(9, 12), (4, 12)]);
        harvest.add(vec![(1, 13)]);
        assert_eq!((harvest.is_whole, harvest.entries), (false, vec![(1, 10), (1, 11), (9, 12), (1, 13)]));
    }
}
