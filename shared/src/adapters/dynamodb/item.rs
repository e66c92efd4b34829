//! Items: built, and read without trusting them.

use std::{collections::HashMap, str::FromStr};

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use jiff::Timestamp;

use super::{
    EXPIRY, SORT_KEY, codec,
    key::{self, Key},
};
use crate::{
    model::{
        ids::{RecordId, Side, SiteId},
        link::{Cause, Intent, Link, Parked, Reservation, Tombstone},
        run::FailedRow,
        site::{Site, Spent},
    },
    ports::{ErrorKind, StoreError, StoreResult},
};

/// An item as the SDK has it.
pub(super) type Item = HashMap<String, AttributeValue>;

pub(super) fn text(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(super) fn number(number: impl Into<i128>) -> AttributeValue {
    AttributeValue::N(number.into().to_string())
}

/// An instant to the nanosecond, so that it reads back as it was.
pub(super) fn instant(instant: Timestamp) -> AttributeValue {
    number(instant.as_nanosecond())
}

pub(super) fn build<const N: usize>(key: Key, attributes: [(&str, AttributeValue); N]) -> Item {
    let mut item = key.item();
    item.extend(attributes.map(|(name, value)| (name.to_owned(), value)));
    item
}

/// The link, under its Wix id.
pub(super) fn link(site: &SiteId, link: &Link) -> StoreResult<Item> {
    let id = link.id(Side::Wix);
    let body = codec::pack(link).map_err(|error| corrupt("pack link", id).caused_by(error))?;
    Ok(build(
        Key::record(site, Side::Wix, id),
        [("ext", text(link.id(Side::External).as_str())), ("version", number(link.version)), ("body", AttributeValue::B(Blob::new(body)))],
    ))
}

/// The pointer from the external id to the Wix id.
pub(super) fn pointer(site: &SiteId, link: &Link) -> Item {
    build(Key::record(site, Side::External, link.id(Side::External)), [("wix", text(link.id(Side::Wix).as_str()))])
}

/// How long a draft outlives its reservation: long enough for any retry of the event that led to it.
const DRAFT_LIFE: i64 = 14 * 24 * 3_600;

/// The reservation of a record, with what is about to be written into its counterpart.
pub(super) fn reservation(site: &SiteId, reservation: &Reservation) -> StoreResult<Item> {
    let mut item = claim(Key::record(site, reservation.side, &reservation.id), reservation);
    if let Some(draft) = &reservation.draft {
        let mut carrier = Link::new(RecordId::new(""), RecordId::new(""), reservation.until);
        carrier.intent = Some(draft.as_ref().clone());
        let body = codec::pack(&carrier).map_err(|error| corrupt("pack draft", &reservation.id).caused_by(error))?;
        item.insert("draft".to_owned(), AttributeValue::B(Blob::new(body)));
        item.insert(EXPIRY.to_owned(), number(reservation.until.as_second() + DRAFT_LIFE));
    }
    Ok(item)
}

/// Reads what the holder of a reservation was about to write.
pub(super) fn read_draft(item: &Item, id: &RecordId) -> StoreResult<Option<Box<Intent>>> {
    let Some(body) = item.get("draft").and_then(|body| body.as_b().ok()) else { return Ok(None) };
    let carrier = codec::unpack(body.as_ref()).map_err(|error| corrupt("read draft", id).caused_by(error))?;
    Ok(carrier.intent.map(Box::new))
}

/// The reservation of a match key.
pub(super) fn claim(key: Key, reservation: &Reservation) -> Item {
    let until = reservation.until;
    build(key, [("holder", text(reservation.owner.as_str())), ("held_until", instant(until)), (EXPIRY, number(until.as_second() + 1))])
}

/// The pause of a side.
pub(super) fn cooling(site: &SiteId, side: Side, until: Timestamp) -> Item {
    build(Key::cooling(site, side), [("held_until", instant(until)), (EXPIRY, number(until.as_second() + 1))])
}

/// A tombstone.
pub(super) fn tombstone(key: Key, tombstone: &Tombstone) -> Item {
    let mut item = build(key, [("cause", text(cause_name(tombstone.cause))), ("ended_at", instant(tombstone.at))]);
    item.extend(tombstone.counterpart.as_ref().map(|id| ("counterpart".to_owned(), text(id.as_str()))));
    item
}

/// A note for a person; it holds ids only.
pub(super) fn parked(site: &SiteId, parked: &Parked) -> StoreResult<Item> {
    let note = serde_json::to_string(parked).map_err(|error| corrupt("pack note", &parked.id).caused_by(error))?;
    Ok(build(Key::parked(site, parked.side, &parked.id), [("note", text(note))]))
}

/// The deletes that were propagated lately.
pub(super) fn rail(site: &SiteId, spent: &Spent, expiry: i64) -> StoreResult<Item> {
    let counts = serde_json::to_string(spent)
        .map_err(|error| StoreError::new(ErrorKind::Corrupt, format!("pack the rail of {site}")).caused_by(error))?;
    Ok(build(Key::rail(site), [("spent", text(counts)), (EXPIRY, number(expiry))]))
}

/// A row of an export that failed; it holds its id only.
pub(super) fn failed(site: &SiteId, row: &FailedRow) -> StoreResult<Item> {
    let note = serde_json::to_string(row).map_err(|error| corrupt("pack failed row", &row.id).caused_by(error))?;
    Ok(build(Key::failed(site, &row.id), [("row", text(note)), ("again_at", instant(row.again_at))]))
}

/// The settings of a site, at either of their two places.
pub(super) fn settings(key: Key, site: &Site) -> StoreResult<Item> {
    let settings = serde_json::to_string(site)
        .map_err(|error| StoreError::new(ErrorKind::Corrupt, format!("pack site {}", site.site)).caused_by(error))?;
    Ok(build(key, [("version", number(site.version)), ("settings", text(settings))]))
}

/// The name of a cause in the table.
pub(super) const fn cause_name(cause: Cause) -> &'static str {
    match cause {
        Cause::Deleted => "deleted",
        Cause::Unlinked => "unlinked",
        Cause::Merged => "merged",
        Cause::Erased => "erased",
        Cause::ErasureUnclear => "erasure_unclear",
    }
}

fn corrupt(operation: &str, id: &RecordId) -> StoreError {
    StoreError::new(ErrorKind::Corrupt, format!("{operation} {id}"))
}

/// Returns a text of an item.
pub(super) fn get_text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

/// Returns a number of an item.
pub(super) fn get_number<T: FromStr>(item: &Item, name: &str) -> Option<T> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

/// Returns an instant of an item.
pub(super) fn get_instant(item: &Item, name: &str) -> Option<Timestamp> {
    Timestamp::from_nanosecond(get_number(item, name)?).ok()
}

/// Reads a link.
pub(super) fn read_link(item: &Item) -> StoreResult<Link> {
    let sort = get_text(item, SORT_KEY).unwrap_or_default();
    let wix = RecordId::new(sort.strip_prefix(key::LINK).unwrap_or(sort));
    let stored = || {
        let body = item.get("body")?.as_b().ok()?;
        Some((RecordId::new(get_text(item, "ext")?), get_number(item, "version")?, body))
    };
    let (external, version, body) = stored().ok_or_else(|| corrupt("read link", &wix))?;
    let mut link = codec::unpack(body.as_ref()).map_err(|error| corrupt("read link", &wix).caused_by(error))?;
    link.version = version;
    link.anchors.wix.id = wix;
    link.anchors.external.id = external;
    Ok(link)
}

/// Reads a tombstone.
pub(super) fn read_tombstone(item: &Item, id: &RecordId) -> StoreResult<Tombstone> {
    let stored = || {
        let cause = [Cause::Deleted, Cause::Unlinked, Cause::Merged, Cause::Erased, Cause::ErasureUnclear];
        let name = get_text(item, "cause")?;
        let cause = cause.into_iter().find(|cause| cause_name(*cause) == name)?;
        let counterpart = get_text(item, "counterpart").map(RecordId::from);
        Some(Tombstone { at: get_instant(item, "ended_at")?, cause, counterpart })
    };
    stored().ok_or_else(|| corrupt("read tombstone", id))
}

/// Reads a note.
pub(super) fn read_parked(item: &Item) -> StoreResult<Parked> {
    let error = || StoreError::new(ErrorKind::Corrupt, format!("read {}", get_text(item, SORT_KEY).unwrap_or_default()));
    let note = get_text(item, "note").ok_or_else(error)?;
    serde_json::from_str(note).map_err(|cause| error().caused_by(cause))
}

/// Reads the deletes that were propagated lately.
pub(super) fn read_rail(item: &Item) -> StoreResult<Spent> {
    let error = || StoreError::new(ErrorKind::Corrupt, "read a rail");
    let counts = get_text(item, "spent").ok_or_else(error)?;
    serde_json::from_str(counts).map_err(|cause| error().caused_by(cause))
}

/// Reads a failed row.
pub(super) fn read_failed(item: &Item) -> StoreResult<FailedRow> {
    let error = || StoreError::new(ErrorKind::Corrupt, format!("read {}", get_text(item, SORT_KEY).unwrap_or_default()));
    serde_json::from_str(get_text(item, "row").ok_or_else(error)?).map_err(|cause| error().caused_by(cause))
}

/// Reads a site's settings.
pub(super) fn read_settings(item: &Item, site: &str) -> StoreResult<Site> {
    let error = || StoreError::new(ErrorKind::Corrupt, format!("read site {site}"));
    let settings = get_text(item, "settings").ok_or_else(error)?;
    serde_json::from_str(settings).map_err(|cause| error().caused_by(cause))
}
