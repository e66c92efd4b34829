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
    entries: Vec<(u64, u64)>,
    /// When all persons were looked through.
    built: Timestamp,
    /// When those that changed were looked through.
    seen: Timestamp,
}

impl Index {
    fn new(now: Timestamp) -> Self {
        Self { hasher: RandomState::new(), entries: Vec::new(), built: now, seen: now }
    }

    fn entries_of(&self, contact: &Contact, country: Option<&str>) -> Vec<(u64, u64)> {
        let Ok(number) = contact.id.as_str().parse() else { return Vec::new() };
        keys_of(contact, country).iter().map(|key| (self.hasher.hash_one(key), number)).collect()
    }

    /// Adds entries; one that is there already stays one.
    fn add(&mut self, entries: Vec<(u64, u64)>) {
        self.entries.extend(entries);
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

impl Client {
    /// Reads the persons that seem to have some of these keys, as they are listed now.
    pub(super) async fn who_may_have(&self, keys: impl Iterator<Item = &Key> + Send) -> StoreResult<Vec<Contact>> {
        let keys: Vec<&Key> = keys.collect();
        let mut held = self.index.lock().await;
        let now = self.means.clock.now();
        let kept = held.take().filter(|index| now.duration_since(index.built) < KEPT);
        // The list shows what changed after a while: what it did not show the last time is of this time then.
        let since = kept.as_ref().map(|index| index.seen.saturating_sub(RECENTLY).unwrap_or(Timestamp::MIN));
        let (mut index, mut fresh) = (kept.unwrap_or_else(|| Index::new(now)), Vec::new());
        let country = self.settings.country.as_deref();
        self.scan(since, |contact| fresh.extend(index.entries_of(&contact, country))).await?;
        index.add(fresh);
        index.seen = now;
        let numbers: BTreeSet<u64> = keys.into_iter().flat_map(|key| index.persons_of(key)).collect();
        *held = Some(index).filter(|index| index.entries.len() <= MOST_KEPT);
        drop(held);
        let ids: Vec<RecordId> = numbers.into_iter().map(|number| RecordId::new(number.to_string())).collect();
        self.read_many(&ids).await
    }
}
