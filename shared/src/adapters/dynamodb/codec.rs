//! A link packed into few bytes: each row is named once, digests are bytes, and what is the same on both sides is kept once.
//!
//! Version 1 is postcard (<https://postcard.jamesmunns.com/wire-format>) of [`Packed`]; enums are written by the position of
//! their variants, so new variants go last. A byte behind it says that an erasure is open. Ids and version are attributes of their own.

mod packed;

use jiff::Timestamp;
use thiserror::Error;

use self::packed::Packed;
use crate::model::link::Link;

/// The version of the packing, the first byte.
const FORMAT: u8 = 1;
/// What follows the packed link if an erasure is open.
const ERASURE_OPEN: u8 = 1;

/// Why a link cannot be packed or read.
#[derive(Debug, Error)]
pub(super) enum Error {
    /// The first byte is not a format known here.
    #[error("unknown format")]
    Format,
    /// An instant is out of range.
    #[error("instant out of range")]
    Instant(#[from] jiff::Error),
    /// A row is referred to that is not there.
    #[error("unknown row")]
    Row,
    /// The bytes are not what the format says.
    #[error("malformed bytes")]
    Bytes(#[from] postcard::Error),
}

/// Packs a link but for its ids and version.
pub(super) fn pack(link: &Link) -> Result<Vec<u8>, Error> {
    let mut bytes = postcard::to_extend(&Packed::new(link)?, vec![FORMAT])?;
    bytes.extend(link.erasure_open.then_some(ERASURE_OPEN));
    Ok(bytes)
}

/// Reads a packed link; its ids are empty and its version 0.
pub(super) fn unpack(bytes: &[u8]) -> Result<Link, Error> {
    let Some((&FORMAT, bytes)) = bytes.split_first() else { return Err(Error::Format) };
    let (packed, rest) = postcard::take_from_bytes::<Packed>(bytes)?;
    Ok(Link { erasure_open: rest.first() == Some(&ERASURE_OPEN), ..packed.link()? })
}

fn instant(nanoseconds: i128) -> Result<Timestamp, Error> {
    Ok(Timestamp::from_nanosecond(nanoseconds)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        field::Value,
        fingerprint::{Key, Print},
        ids::{RecordId, Revision, RowId, Side, SiteId},
        link::{Base, Hold, Intent, IntentRow, Overwrote, RowState},
    };

    const ROWS: [&str; 14] = [
        "first-name",
        "last-name",
        "email",
        "phone",
        "company",
        "job-title",
        "birthdate",
        "street",
        "city",
        "region",
        "country",
        "postal-code",
        "locale",
        "labels",
    ];

    fn print(row: &str, text: &str) -> Print {
        let key = Key::derive(b"deployment", &SiteId::from("site"));
        key.print(row, Value::text(text).as_ref())
    }

    fn base(rows: usize, text: &str) -> Base {
        ROWS.into_iter().take(rows).map(|row| (RowId::from(row), print(row, text))).collect()
    }

    /// A link of a site with the default mapping, `written` rows of which were written the last times and are to be again.
    fn busy(written: usize) -> Link {
        let mut link = Link::new(RecordId::new(""), RecordId::new(""), "2026-08-21T10:11:12.123456789Z".parse().unwrap());
        for side in Side::BOTH {
            link.anchors.of_mut(side).base = base(ROWS.len(), "same");
        }
        link.anchors.external.base.extend(base(4, "formatted otherwise"));
        let revision = |minute: usize| Revision::new(format!("2026-08-21T10:{minute:02}:12.123Z"));
        link.anchors.wix.revision = Some(Revision::from("12"));
        link.anchors.external.revision = Some(revision(9));
        link.anchors.external.overwrote = (0..Overwrote::KEPT)
            .map(|write| Overwrote { read: revision(write), wrote: revision(write + 1), rows: base(written, "before") })
            .collect();
        let row = |row: &str| {
            let (source, target, loose) = (print(row, "new"), print(row, "new"), print(row, "loose"));
            IntentRow { source, target, loose, agreed: None }
        };
        let rows = ROWS.into_iter().take(written).map(|id| (RowId::from(id), row(id))).collect();
        link.intent = Some(Intent { side: Side::Wix, until: link.since, rows });
        link
    }

    #[test]
    fn a_link_reads_back_as_it_was() {
        let mut whole = busy(3);
        whole.anchors.wix.revision = Some(Revision::from("not a number"));
        whole.anchors.external.revision = Some(Revision::from("007"));
        whole.anchors.wix.base.insert(RowId::from("emptied"), Print::Empty);
        whole.anchors.external.overwrote[0].read = Revision::from("2026-08-21T10:00:12Z");
        whole.anchors.external.overwrote[1].rows.insert(RowId::from("only-overwritten"), Print::List([].into()));
        whole.rows.insert(RowId::from("only-parked"), RowState::Refused(Side::Wix));
        whole.intent.as_mut().unwrap().rows.get_mut(&RowId::from("email")).unwrap().agreed = Some(Print::Empty);
        whole.held = Some(Hold::CannotDelete);
        whole.erasure_open = true;
        for link in [whole, busy(0), Link::new(RecordId::new(""), RecordId::new(""), Timestamp::UNIX_EPOCH)] {
            assert_eq!(unpack(&pack(&link).unwrap()).unwrap(), link);
        }
    }

    /// The item's names, keys and ids take less than 200 bytes; with a kilobyte in all, a save is one write unit.
    #[test]
    fn a_link_of_the_default_mapping_stays_below_a_kilobyte() {
        for (written, most) in [(0, 530), (1, 640), (3, 824)] {
            let bytes = pack(&busy(written)).unwrap().len();
            assert!(bytes <= most, "{written} rows: {bytes} bytes");
        }
    }

    #[test]
    fn the_bytes_of_version_1_do_not_change() {
        let mut link = Link::new(RecordId::new(""), RecordId::new(""), Timestamp::UNIX_EPOCH);
        link.anchors.wix.base.insert(RowId::from("r"), Print::Empty);
        link.anchors.external.revision = Some(Revision::from("7"));
        link.rows.insert(RowId::from("r"), RowState::Unconvertible(Side::External));
        link.held = Some(Hold::DeleteAwaitsApproval);
        assert_eq!(hex::encode(pack(&link).unwrap()), "0100000001010700010172010001030100000101");
        let earlier = hex::decode("01000000010107000101720100010100000101").unwrap();
        assert_eq!(unpack(&earlier).unwrap(), link, "written when a state did not tell its side");
    }

    #[test]
    fn what_is_not_a_packed_link_is_refused() {
        let bytes = pack(&busy(1)).unwrap();
        assert!(matches!(unpack(&[]), Err(Error::Format)));
        assert!(matches!(unpack(&[9, 0]), Err(Error::Format)));
        assert!((1..bytes.len()).all(|cut| unpack(&bytes[..cut]).is_err()));
    }
}
