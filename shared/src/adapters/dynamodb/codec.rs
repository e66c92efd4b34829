//! A link packed into few bytes: rows are named once for both anchors and the intent, digests are bytes.
//!
//! Version 1 is postcard (<https://postcard.jamesmunns.com/wire-format>) of [`Packed`]; enums are written by the position of
//! their variants, so new variants go last. Ids and version are attributes of their own.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::model::{
    fingerprint::Print,
    ids::{Pair, RecordId, Revision, RowId, Side},
    link::{Anchor, Base, Hold, Intent, IntentRow, Link, RowState},
};

/// The version of the packing, the first byte.
const FORMAT: u8 = 1;

/// Why a link cannot be packed or read.
#[derive(Debug, Error)]
pub(super) enum Error {
    /// The first byte is not a format known here.
    #[error("unknown format")]
    Format,
    /// An instant is out of range.
    #[error("instant out of range")]
    Instant,
    /// The bytes are not what the format says.
    #[error("malformed bytes")]
    Bytes(#[from] postcard::Error),
}

#[derive(Serialize, Deserialize)]
struct Packed {
    since: i128,
    anchors: Pair<PackedAnchor>,
    rows: Vec<PackedRow>,
    intent: Option<PackedIntent>,
    held: Option<Hold>,
}

#[derive(Serialize, Deserialize)]
struct PackedAnchor {
    revision: Option<Revision>,
    read: Option<Revision>,
}

/// Everything about one row; its intent if the pending write touches it.
#[derive(Serialize, Deserialize)]
struct PackedRow {
    id: RowId,
    prints: Pair<Option<Print>>,
    state: Option<RowState>,
    intent: Option<IntentRow>,
}

#[derive(Serialize, Deserialize)]
struct PackedIntent {
    side: Side,
    until: i128,
}

/// Packs a link but for its ids and version.
pub(super) fn pack(link: &Link) -> Result<Vec<u8>, Error> {
    let packed = Packed {
        since: link.since.as_nanosecond(),
        anchors: link.anchors.as_ref().map(|_, anchor| PackedAnchor { revision: anchor.revision.clone(), read: anchor.read.clone() }),
        rows: row_ids(link).into_iter().map(|id| pack_row(link, id)).collect(),
        intent: link.intent.as_ref().map(|intent| PackedIntent { side: intent.side, until: intent.until.as_nanosecond() }),
        held: link.held,
    };
    Ok(postcard::to_extend(&packed, vec![FORMAT])?)
}

/// Reads a packed link; its ids are empty and its version 0.
pub(super) fn unpack(bytes: &[u8]) -> Result<Link, Error> {
    let Some((&FORMAT, bytes)) = bytes.split_first() else { return Err(Error::Format) };
    let packed: Packed = postcard::from_bytes(bytes)?;
    let rows = packed.rows;
    let intent = packed.intent.map(|intent| unpack_intent(&intent, &rows)).transpose()?;
    let states = rows.iter().filter_map(|row| Some((row.id.clone(), row.state?))).collect();
    let mut bases = unpack_bases(rows);
    Ok(Link {
        anchors: packed.anchors.map(|side, anchor| Anchor {
            id: RecordId::new(""),
            revision: anchor.revision,
            read: anchor.read,
            base: std::mem::take(bases.of_mut(side)),
        }),
        version: 0,
        since: instant(packed.since)?,
        intent,
        rows: states,
        held: packed.held,
    })
}

fn row_ids(link: &Link) -> BTreeSet<&RowId> {
    let intended = link.intent.iter().flat_map(|intent| intent.rows.keys());
    let anchored = link.anchors.wix.base.keys().chain(link.anchors.external.base.keys());
    anchored.chain(link.rows.keys()).chain(intended).collect()
}

fn pack_row(link: &Link, id: &RowId) -> PackedRow {
    PackedRow {
        id: id.clone(),
        prints: link.anchors.as_ref().map(|_, anchor| anchor.base.get(id).cloned()),
        state: link.rows.get(id).copied(),
        intent: link.intent.as_ref().and_then(|intent| intent.rows.get(id).cloned()),
    }
}

fn unpack_intent(intent: &PackedIntent, rows: &[PackedRow]) -> Result<Intent, Error> {
    let rows: BTreeMap<_, _> = rows.iter().filter_map(|row| Some((row.id.clone(), row.intent.clone()?))).collect();
    Ok(Intent { side: intent.side, until: instant(intent.until)?, rows })
}

fn unpack_bases(rows: Vec<PackedRow>) -> Pair<Base> {
    let mut bases = Pair::<Base>::default();
    for PackedRow { id, prints, .. } in rows {
        prints.map(|side, print| print.map(|print| bases.of_mut(side).insert(id.clone(), print)));
    }
    bases
}

fn instant(nanoseconds: i128) -> Result<Timestamp, Error> {
    Timestamp::from_nanosecond(nanoseconds).map_err(|_| Error::Instant)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{fingerprint::Key, field::Value, ids::SiteId};

    const ROWS: [&str; 14] = [
        "first-name", "last-name", "email", "phone", "company", "job-title", "birthdate", "street", "city", "region", "country",
        "postal-code", "locale", "labels",
    ];

    fn print(row: &str) -> Print {
        let key = Key::derive(b"deployment", &SiteId::from("site"));
        key.print(row, Value::text("a value").as_ref())
    }

    fn link(intended: usize) -> Link {
        let mut link = Link::new(RecordId::new(""), RecordId::new(""), Timestamp::UNIX_EPOCH);
        for side in Side::BOTH {
            let anchor = link.anchors.of_mut(side);
            anchor.base = ROWS.into_iter().map(|row| (RowId::from(row), print(row))).collect();
            anchor.revision = Some(Revision::from("2026-08-21T10:11:12.123Z"));
        }
        let row = |row: &str| IntentRow { source: print(row), target: print(row), loose: Print::Empty };
        link.intent = (intended > 0).then(|| Intent {
            side: Side::Wix,
            until: Timestamp::UNIX_EPOCH,
            rows: ROWS.into_iter().take(intended).map(|id| (RowId::from(id), row(id))).collect(),
        });
        link
    }

    #[test]
    fn a_link_reads_back_as_it_was() {
        let mut whole = link(3);
        whole.anchors.wix.read = Some(Revision::from("7"));
        whole.anchors.wix.base.insert(RowId::from("emptied"), Print::Empty);
        whole.rows.insert(RowId::from("only-parked"), RowState::Refused);
        whole.held = Some(Hold::CannotDelete);
        for link in [whole, link(0), Link::new(RecordId::new(""), RecordId::new(""), Timestamp::UNIX_EPOCH)] {
            assert_eq!(unpack(&pack(&link).unwrap()).unwrap(), link);
        }
    }

    #[test]
    fn a_link_of_the_default_mapping_stays_below_a_kilobyte() {
        // Names, keys and ids of the item take 180 bytes more.
        assert!(pack(&link(0)).unwrap().len() < 700);
        assert!(pack(&link(3)).unwrap().len() < 800);
    }

    #[test]
    fn the_bytes_of_version_1_do_not_change() {
        let mut link = Link::new(RecordId::new(""), RecordId::new(""), Timestamp::UNIX_EPOCH);
        link.anchors.wix.base.insert(RowId::from("r"), Print::Empty);
        link.anchors.external.revision = Some(Revision::from("7"));
        link.rows.insert(RowId::from("r"), RowState::Unconvertible);
        link.held = Some(Hold::DeleteAwaitsApproval);
        let expected = "010000000001013700010172010000010100000101";
        assert_eq!(hex::encode(pack(&link).unwrap()), expected);
    }

    #[test]
    fn what_is_not_a_packed_link_is_refused() {
        let bytes = pack(&link(1)).unwrap();
        assert!(matches!(unpack(&[]), Err(Error::Format)));
        assert!(matches!(unpack(&[9, 0]), Err(Error::Format)));
        assert!((1..bytes.len()).all(|cut| unpack(&bytes[..cut]).is_err()));
    }
}
