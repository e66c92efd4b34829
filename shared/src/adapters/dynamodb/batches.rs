//! Links, many at a time.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use async_trait::async_trait;
use aws_sdk_dynamodb::types::KeysAndAttributes;
use futures::future::try_join_all;
use jiff::Timestamp;

use super::{
    Store,
    call::Read,
    item::{self, Item, get_instant, get_text, read_draft, read_failed, read_link, read_parked, read_tombstone},
    key::Key,
    links::{EXISTS, MAX_KEYS, linking},
    write::{Condition, Write},
};
use crate::{
    adapters::aws::failure,
    model::{
        ids::{RecordId, Side, SiteId},
        link::{Reservation, Slot},
    },
    ports::{ErrorKind, Known, LinkBatches, Made, Noted, StoreError, StoreResult},
};

/// A call reads 100 items: <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html>.
const MOST_READ: usize = 100;
/// A transaction writes 100 items: <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>.
const MOST_WRITTEN: usize = 100;
/// How often what a call left over, or met another's, is sent again, each time after twice the time.
const ATTEMPTS: u32 = 8;

/// Items by their sort keys, all of one partition.
pub(super) type Items = BTreeMap<String, Item>;

#[async_trait]
impl LinkBatches for Store {
    async fn look_up_many(&self, site: &SiteId, side: Side, ids: &[RecordId]) -> StoreResult<Vec<Known>> {
        let records = self.read_many(ids.iter().map(|id| Key::record(site, side, id)), Read::Eventual).await?;
        let links = match side {
            Side::Wix => Items::new(),
            Side::External => self.linked_by(site, records.values()).await?,
        };
        let mut slots = Vec::with_capacity(ids.len());
        for id in ids {
            slots.push(self.slot_in(site, (side, id), &records, &links).await?);
        }
        let others = ids.iter().zip(&slots).filter(|(_, slot)| !matches!(slot, Slot::Linked(_))).map(|(id, _)| id);
        let beside = self.read_many(others.flat_map(|id| self.beside(site, side, id)), Read::Eventual).await?;
        ids.iter().zip(slots).map(|(id, slot)| self.known(site, (side, id), slot, &beside)).collect()
    }

    async fn reserve_many(&self, site: &SiteId, reservations: &[Reservation], now: Timestamp) -> StoreResult<Vec<bool>> {
        let groups = reservations.iter().map(|reservation| reserving(site, reservation, now)).collect::<StoreResult<Vec<_>>>()?;
        let mut taken = self.commit_groups(&format!("reserve many of {site}"), groups).await?;
        // A record that ended before it was reserved shows now; one that ends from now on waits for the reservation.
        let tombstone = |reservation: &Reservation| self.tombstone_of(site, reservation.side, &reservation.id);
        let ended = self.read_many(reservations.iter().map(tombstone), Read::Consistent).await?;
        let gone = |reservation: &&Reservation| ended.contains_key(&tombstone(reservation).sort);
        let given_back: Vec<_> =
            reservations.iter().zip(&taken).filter(|(_, taken)| **taken).map(|(own, _)| own).filter(gone).cloned().collect();
        self.release_many(site, &given_back).await?;
        for (taken, reservation) in taken.iter_mut().zip(reservations) {
            *taken &= !gone(&reservation);
        }
        Ok(taken)
    }

    async fn release_many(&self, site: &SiteId, reservations: &[Reservation]) -> StoreResult<()> {
        let release = |reservation: &Reservation| {
            let held = Condition::held_by(&reservation.owner);
            places(site, reservation).into_iter().map(|key| vec![Write::delete(key, held.clone(), EXISTS)]).collect::<Vec<_>>()
        };
        // Each item on its own: what is another's by now must not keep the rest from being given back.
        let groups = reservations.iter().flat_map(release).collect();
        self.commit_groups(&format!("release many of {site}"), groups).await.map(drop)
    }

    async fn link_many(&self, site: &SiteId, links: &[Made], now: Timestamp) -> StoreResult<Vec<bool>> {
        let linking =
            |Made { link, notes, reservation }: &Made| linking(site, Noted { link, notes }, Condition::free(Some(&reservation.owner), now));
        let groups = links.iter().map(linking).collect::<StoreResult<Vec<_>>>()?;
        self.commit_groups(&format!("link many of {site}"), groups).await
    }
}

/// Where a reservation lies: the record, then its keys.
fn places(site: &SiteId, reservation: &Reservation) -> Vec<Key> {
    let keys: BTreeSet<_> = reservation.keys.iter().take(MAX_KEYS).collect();
    let keys = keys.into_iter().map(|digest| Key::match_key(site, digest));
    std::iter::once(Key::record(site, reservation.side, &reservation.id)).chain(keys).collect()
}

fn reserving(site: &SiteId, reservation: &Reservation, now: Timestamp) -> StoreResult<Vec<Write>> {
    let free = Condition::free(Some(&reservation.owner), now);
    let mut writes = vec![Write::put(item::reservation(site, reservation)?, free.clone(), EXISTS)];
    let claims = places(site, reservation).into_iter().skip(1).map(|key| item::claim(key, reservation));
    writes.extend(claims.map(|item| Write::put(item, free.clone(), EXISTS)));
    Ok(writes)
}

impl Store {
    fn tombstone_of(&self, site: &SiteId, side: Side, id: &RecordId) -> Key {
        Key::tombstone(site, side, id, &self.fingerprints(site))
    }

    /// What may lie beside a record without a link.
    fn beside(&self, site: &SiteId, side: Side, id: &RecordId) -> Vec<Key> {
        let mut keys = vec![self.tombstone_of(site, side, id), Key::parked(site, side, id)];
        keys.extend((side == Side::Wix).then(|| Key::failed(site, id)));
        keys
    }

    /// Reads the links that pointers name.
    async fn linked_by(&self, site: &SiteId, pointers: impl Iterator<Item = &Item>) -> StoreResult<Items> {
        let wix = pointers.filter_map(|item| get_text(item, "wix"));
        self.read_many(wix.map(|id| Key::record(site, Side::Wix, &RecordId::from(id))), Read::Eventual).await
    }

    async fn slot_in(&self, site: &SiteId, (side, id): (Side, &RecordId), records: &Items, links: &Items) -> StoreResult<Slot> {
        let Some(item) = records.get(&Key::record(site, side, id).sort) else { return Ok(Slot::Free) };
        if item.contains_key("holder") {
            let until = get_instant(item, "held_until").ok_or_else(|| StoreError::new(ErrorKind::Corrupt, format!("read {side} {id}")))?;
            return Ok(Slot::Reserved { until, draft: read_draft(item, id)? });
        }
        if side == Side::Wix {
            return Ok(Slot::Linked(Box::new(read_link(item)?)));
        }
        let link = get_text(item, "wix").and_then(|wix| links.get(&Key::record(site, Side::Wix, &RecordId::from(wix)).sort));
        match link.filter(|link| get_text(link, "ext") == Some(id.as_str())) {
            Some(link) => Ok(Slot::Linked(Box::new(read_link(link)?))),
            // The pointer was ahead of its link, or behind it.
            None => self.slot(site, side, id).await,
        }
    }

    fn known(&self, site: &SiteId, (side, id): (Side, &RecordId), slot: Slot, beside: &Items) -> StoreResult<Known> {
        if matches!(slot, Slot::Linked(_)) {
            return Ok(Known { slot, parked: None, failed: None });
        }
        let tombstone = beside.get(&self.tombstone_of(site, side, id).sort).map(|item| read_tombstone(item, id)).transpose()?;
        Ok(Known {
            slot: tombstone.map_or(slot, Slot::Gone),
            parked: beside.get(&Key::parked(site, side, id).sort).map(read_parked).transpose()?,
            failed: beside.get(&Key::failed(site, id).sort).filter(|_| side == Side::Wix).map(read_failed).transpose()?,
        })
    }

    /// Reads items of a site by their keys; those that are not there are left out.
    pub(super) async fn read_many(&self, keys: impl Iterator<Item = Key>, read: Read) -> StoreResult<Items> {
        let keys: BTreeMap<String, Key> = keys.map(|key| (key.sort.clone(), key)).collect();
        let keys: Vec<Key> = keys.into_values().collect();
        let calls = keys.chunks(MOST_READ).map(|keys| self.read_batch(keys, read));
        Ok(try_join_all(calls).await?.into_iter().flatten().collect())
    }

    async fn read_batch(&self, keys: &[Key], read: Read) -> StoreResult<Items> {
        const OPERATION: &str = "read many";
        let wanted = KeysAndAttributes::builder().set_keys(Some(keys.iter().cloned().map(Key::item).collect()));
        let wanted = wanted.consistent_read(read == Read::Consistent).build();
        let wanted = wanted.map_err(|error| StoreError::new(ErrorKind::Invalid(Vec::new()), OPERATION).caused_by(error))?;
        let mut left = HashMap::from([(self.table.clone(), wanted)]);
        let mut items = Items::new();
        for attempt in 0..ATTEMPTS {
            let call = self.client.batch_get_item().set_request_items(Some(left)).set_return_consumed_capacity(self.cost());
            let output = call.send().await.map_err(|error| failure(OPERATION, &error))?;
            if let Some(capacity) = &self.capacity {
                output.consumed_capacity().iter().for_each(|consumed| capacity.add_read(Some(consumed)));
            }
            let found = output.responses.unwrap_or_default().into_values().flatten();
            items.extend(found.filter_map(|item| Some((get_text(&item, super::SORT_KEY)?.to_owned(), item))));
            left = output.unprocessed_keys.unwrap_or_default();
            if left.is_empty() {
                return Ok(items);
            }
            self.clock.sleep(Duration::from_millis(50 << attempt)).await;
        }
        Err(StoreError::new(ErrorKind::Unavailable, OPERATION))
    }

    /// Writes groups, each all or nothing, as many as fit into a transaction; tells of each whether it was written.
    async fn commit_groups(&self, operation: &str, groups: Vec<Vec<Write>>) -> StoreResult<Vec<bool>> {
        let mut bundles: Vec<Vec<Vec<Write>>> = Vec::new();
        let mut room = 0;
        for group in groups {
            if let Some(bundle) = bundles.last_mut().filter(|_| group.len() <= room) {
                room -= group.len();
                bundle.push(group);
            } else {
                room = MOST_WRITTEN.saturating_sub(group.len());
                bundles.push(vec![group]);
            }
        }
        let calls = bundles.into_iter().map(|bundle| self.commit_bundle(operation, bundle));
        Ok(try_join_all(calls).await?.concat())
    }

    /// Writes what fits into a transaction: groups that are refused are left out, and the others go on.
    async fn commit_bundle(&self, operation: &str, bundle: Vec<Vec<Write>>) -> StoreResult<Vec<bool>> {
        let mut refused: BTreeSet<usize> = BTreeSet::new();
        let mut met = 0;
        loop {
            let (groups, writes): (Vec<usize>, Vec<Write>) = bundle
                .iter()
                .enumerate()
                .filter(|(group, _)| !refused.contains(group))
                .flat_map(|(group, writes)| writes.iter().map(move |write| (group, write.clone())))
                .unzip();
            let outcome = match writes.as_slice() {
                [] => Ok(Vec::new()),
                [write] => self.write(operation, write.clone()).await,
                writes => self.transact(operation, writes).await,
            };
            match outcome {
                Ok(indices) if indices.is_empty() => return Ok((0..bundle.len()).map(|group| !refused.contains(&group)).collect()),
                Ok(indices) => refused.extend(indices.iter().filter_map(|index| groups.get(*index).copied())),
                // Another's call met this one; it changed nothing.
                Err(error) if error.kind == ErrorKind::Stale && met < ATTEMPTS => {
                    self.clock.sleep(Duration::from_millis(20 << met)).await;
                    met += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }
}
