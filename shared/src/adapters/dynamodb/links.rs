//! The links in the table.

use std::collections::BTreeSet;

use async_trait::async_trait;
use aws_sdk_dynamodb::types::Select;
use jiff::Timestamp;

use super::{
    Store,
    call::Read,
    item::{self, get_instant, read_link, read_parked},
    key::{self, Key},
    write::{Condition, Refusal, Write},
};
use crate::{
    model::{
        ids::{RecordId, Side, SiteId},
        link::{Cause, Link, Notes, Parked, Reservation, Slot, Tombstone},
    },
    ports::{ErrorKind, LinkStore, Noted, StoreError, StoreResult},
};

/// Links on one page of a listing.
const PAGE: i32 = 100;

/// A transaction takes 100 items, one of them for the record:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>. Whoever has more addresses and
/// numbers is guarded by the first ones.
pub(super) const MAX_KEYS: usize = 99;

/// How long the counts of deletes are kept after the last one, in seconds: longer than they count.
const RAIL_KEPT: i64 = 24 * 3600;

/// How often a delete is counted anew because another worker counted one meanwhile. Beyond that the event comes again.
const RAIL_TRIES: usize = 32;

const STALE: Refusal = Refusal::Fail(ErrorKind::Stale);
pub(super) const EXISTS: Refusal = Refusal::Fail(ErrorKind::Exists(None));

impl Store {
    /// The write that leaves a tombstone, unless there is one of an erasure.
    fn entombing(&self, site: &SiteId, side: Side, id: &RecordId, tombstone: &Tombstone) -> Write {
        let key = Key::tombstone(site, side, id, &self.fingerprints(site));
        Write::put(item::tombstone(key, tombstone), Condition::gives_way_to(tombstone.cause), Refusal::Skip)
    }
}

/// The writes that put notes on the list, or take them off it.
fn noting(site: &SiteId, notes: &Notes) -> StoreResult<Vec<Write>> {
    let write = |((side, id), note): (&(Side, RecordId), &Option<Parked>)| match note {
        Some(note) => Ok(Write::put(item::parked(site, note)?, Condition::none(), Refusal::Skip)),
        None => Ok(Write::delete(Key::parked(site, *side, id), Condition::none(), Refusal::Skip)),
    };
    notes.iter().map(write).collect()
}

/// The writes that store a new link with its pointer and notes.
pub(super) fn linking(site: &SiteId, Noted { link, notes }: Noted<'_>, free: Condition) -> StoreResult<Vec<Write>> {
    let mut writes = vec![Write::put(item::link(site, link)?, free.clone(), EXISTS), Write::put(item::pointer(site, link), free, EXISTS)];
    writes.extend(noting(site, notes)?);
    Ok(writes)
}

/// The writes that move one side of a link: the new item, and the end of the old one if it lies elsewhere.
fn moving(place: (Key, Key), new: item::Item, as_stored: Condition, now: Timestamp) -> Vec<Write> {
    let (from, to) = place;
    if from == to {
        return vec![Write::put(new, as_stored, STALE)];
    }
    vec![Write::delete(from, as_stored, STALE), Write::put(new, Condition::free(None, now), EXISTS)]
}

#[async_trait]
impl LinkStore for Store {
    async fn look_up(&self, site: &SiteId, side: Side, id: &RecordId) -> StoreResult<Slot> {
        self.slot(site, side, id).await
    }

    async fn reserve(&self, site: &SiteId, reservation: &Reservation, now: Timestamp) -> StoreResult<()> {
        let keys: BTreeSet<_> = reservation.keys.iter().take(MAX_KEYS).collect();
        let places = keys.into_iter().map(|digest| Key::match_key(site, digest));
        let free = Condition::free(Some(&reservation.owner), now);
        let mut writes = vec![Write::put(item::reservation(site, reservation)?, free.clone(), EXISTS)];
        writes.extend(places.map(|key| Write::put(item::claim(key, reservation), free.clone(), EXISTS)));
        self.commit(&format!("reserve {} {}", reservation.side, reservation.id), writes).await
    }

    async fn release(&self, site: &SiteId, reservation: &Reservation) -> StoreResult<()> {
        let operation = format!("release {} {}", reservation.side, reservation.id);
        let record = Key::record(site, reservation.side, &reservation.id);
        let keys = reservation.keys.iter().map(|digest| Key::match_key(site, digest));
        // One by one: what is another's by now must not keep the rest from being given back.
        for key in std::iter::once(record).chain(keys) {
            let write = Write::delete(key, Condition::held_by(&reservation.owner), Refusal::Skip);
            self.commit(&operation, vec![write]).await?;
        }
        Ok(())
    }

    async fn link(&self, site: &SiteId, new: Noted<'_>, reservation: Option<&Reservation>, now: Timestamp) -> StoreResult<()> {
        let free = Condition::free(reservation.map(|reservation| reservation.owner.as_str()), now);
        let operation = format!("link {} to {}", new.link.id(Side::Wix), new.link.id(Side::External));
        self.commit(&operation, linking(site, new, free)?).await
    }

    async fn save(&self, site: &SiteId, new: Noted<'_>) -> StoreResult<()> {
        let link = new.link;
        let operation = format!("save link {}", link.id(Side::Wix));
        let Some(before) = link.version.checked_sub(1) else { return Err(StoreError::new(ErrorKind::Stale, operation)) };
        let mut writes = vec![Write::put(item::link(site, link)?, Condition::linked(link, before), STALE)];
        writes.extend(noting(site, new.notes)?);
        self.commit(&operation, writes).await
    }

    async fn repoint(&self, site: &SiteId, old: &Link, Noted { link: new, notes }: Noted<'_>, now: Timestamp) -> StoreResult<()> {
        let place = |side| (Key::record(site, side, old.id(side)), Key::record(site, side, new.id(side)));
        let mut writes = moving(place(Side::Wix), item::link(site, new)?, Condition::linked(old, old.version), now);
        writes.extend(moving(place(Side::External), item::pointer(site, new), Condition::points_to(old.id(Side::Wix)), now));
        let left = Side::BOTH.into_iter().filter(|side| old.id(*side) != new.id(*side));
        let merged = Tombstone { at: now, cause: Cause::Merged, counterpart: None };
        writes.extend(left.map(|side| self.entombing(site, side, old.id(side), &merged)));
        writes.extend(noting(site, notes)?);
        // A link that changed is reported before a record that is taken.
        writes.sort_by_key(Write::reports_taken);
        self.commit(&format!("repoint {} to {}", old.id(Side::Wix), new.id(Side::Wix)), writes).await
    }

    async fn bury(&self, site: &SiteId, Noted { link, notes }: Noted<'_>, at: Timestamp, cause: Cause) -> StoreResult<()> {
        let place = |side| Key::record(site, side, link.id(side));
        let mut writes = vec![
            Write::delete(place(Side::Wix), Condition::linked(link, link.version), STALE),
            Write::delete(place(Side::External), Condition::points_to(link.id(Side::Wix)), STALE),
        ];
        writes.extend(Side::BOTH.map(|side| {
            let counterpart = (!cause.is_of_erasure()).then(|| link.id(side.opposite()).clone());
            self.entombing(site, side, link.id(side), &Tombstone { at, cause, counterpart })
        }));
        writes.extend(noting(site, notes)?);
        self.commit(&format!("bury {}", link.id(Side::Wix)), writes).await
    }

    async fn entomb(&self, site: &SiteId, side: Side, id: &RecordId, tombstone: &Tombstone) -> StoreResult<()> {
        let free = Condition::free(None, tombstone.at);
        let writes = vec![Write::check(Key::record(site, side, id), free, STALE), self.entombing(site, side, id, tombstone)];
        self.commit(&format!("entomb {side} {id}"), writes).await
    }

    async fn exhume(&self, site: &SiteId, side: Side, id: &RecordId) -> StoreResult<()> {
        let key = Key::tombstone(site, side, id, &self.fingerprints(site));
        let write = Write::delete(key, Condition::gives_way_to(Cause::Deleted), Refusal::Skip);
        self.commit(&format!("exhume {side} {id}"), vec![write]).await
    }

    /// Counts the pointers: a fraction of the bytes of the links, and one for each.
    async fn count_links(&self, site: &SiteId, at_most: u32) -> StoreResult<u32> {
        let call = self.query(&key::partition(site), key::POINTER).select(Select::Count).filter_expression("attribute_exists(wix)");
        let mut count = 0;
        let mut from = None;
        loop {
            // Reservations are read as well, but are few: the limit is only there not to read much further than needed.
            let limit = i32::try_from((at_most - count).max(1)).unwrap_or(i32::MAX);
            let page = self.page(&format!("count links of {site}"), call.clone().limit(limit), from).await?;
            count = (count + page.count).min(at_most);
            from = page.next;
            if from.is_none() || count == at_most {
                return Ok(count);
            }
        }
    }

    async fn list_links(&self, site: &SiteId, after: Option<&RecordId>) -> StoreResult<Vec<Link>> {
        let call = self.query(&key::partition(site), key::LINK).filter_expression("attribute_exists(body)").limit(PAGE);
        let mut from = after.map(|id| Key::record(site, Side::Wix, id).item());
        loop {
            let page = self.page(&format!("list links of {site}"), call.clone(), from).await?;
            from = page.next;
            // A page can hold nothing but reservations.
            if from.is_none() || !page.items.is_empty() {
                return page.items.iter().map(read_link).collect();
            }
        }
    }

    async fn knows_account(&self, site: &SiteId, now: Timestamp) -> StoreResult<bool> {
        let operation = format!("look for what is known of the account of {site}");
        let all = |prefix: &str| self.query(&key::partition(site), prefix).select(Select::Count).consistent_read(true).limit(PAGE);
        let held = |prefix| {
            let call = all(prefix).filter_expression("attribute_exists(body) OR attribute_exists(wix) OR held_until > :now");
            call.expression_attribute_values(":now", item::instant(now))
        };
        let cause = |cause| item::text(item::cause_name(cause));
        let ended = all(&key::tombstones(Side::External)).filter_expression("NOT cause IN (:erased, :unclear)");
        let ended = ended.expression_attribute_values(":erased", cause(Cause::Erased));
        let ended = ended.expression_attribute_values(":unclear", cause(Cause::ErasureUnclear));
        for call in [held(key::POINTER), held(key::LINK), ended, all(&key::notes(Side::External))] {
            if self.any(&operation, call).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn spend_delete(&self, site: &SiteId, now: Timestamp, limit: u32) -> StoreResult<bool> {
        let operation = format!("spend a delete of {site}");
        let expiry = now.as_second() + RAIL_KEPT;
        for _ in 0..RAIL_TRIES {
            let stored = self.get(Key::rail(site), Read::Consistent).await?;
            let mut spent = stored.as_ref().map(item::read_rail).transpose()?.unwrap_or_default();
            let unchanged = Condition::rail(stored.as_ref());
            if !spent.spend(now, limit) {
                return Ok(false);
            }
            match self.commit(&operation, vec![Write::put(item::rail(site, &spent, expiry)?, unchanged, STALE)]).await {
                Err(error) if matches!(error.kind, ErrorKind::Stale) => {}
                written => return written.map(|()| true),
            }
        }
        Err(StoreError::new(ErrorKind::Stale, operation))
    }

    async fn park(&self, site: &SiteId, parked: &Parked) -> StoreResult<()> {
        let unlinked = Write::check(Key::record(site, parked.side, &parked.id), Condition::unlinked(), EXISTS);
        let note = Write::put(item::parked(site, parked)?, Condition::none(), Refusal::Skip);
        self.commit(&format!("park {} {}", parked.side, parked.id), vec![unlinked, note]).await
    }

    async fn unpark(&self, site: &SiteId, side: Side, id: &RecordId) -> StoreResult<()> {
        let unlinked = Write::check(Key::record(site, side, id), Condition::unlinked(), EXISTS);
        let note = Write::delete(Key::parked(site, side, id), Condition::none(), Refusal::Skip);
        match self.commit(&format!("unpark {side} {id}"), vec![unlinked, note]).await {
            Err(error) if matches!(error.kind, ErrorKind::Exists(_)) => Ok(()),
            result => result,
        }
    }

    async fn parked(&self, site: &SiteId) -> StoreResult<Vec<Parked>> {
        let call = self.query(&key::partition(site), key::PARKED);
        self.all(&format!("list what is parked of {site}"), call).await?.iter().map(read_parked).collect()
    }

    async fn cool_down(&self, site: &SiteId, side: Side, until: Timestamp) -> StoreResult<()> {
        let write = Write::put(item::cooling(site, side, until), Condition::cooling_before(until), Refusal::Skip);
        self.commit(&format!("cool down {side} of {site}"), vec![write]).await
    }

    async fn cooling_down(&self, site: &SiteId, side: Side, now: Timestamp) -> StoreResult<Option<Timestamp>> {
        let item = self.get(Key::cooling(site, side), Read::Eventual).await?;
        Ok(item.and_then(|item| get_instant(&item, "held_until")).filter(|until| *until > now))
    }
}
