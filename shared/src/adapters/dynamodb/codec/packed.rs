//! The packed form, and the way there and back.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Error, instant};
use crate::model::{
    fingerprint::{Digest, Print},
    ids::{Pair, RecordId, Revision, RowId, Side},
    link::{Anchor, Base, Hold, Intent, IntentRow, Link, Overwrote, RowState},
};

#[derive(Serialize, Deserialize)]
pub(super) struct Packed {
    since: i128,
    anchors: Pair<PackedAnchor>,
    rows: Vec<PackedRow>,
    intent: Option<PackedIntent>,
    held: Option<Hold>,
}

#[derive(Serialize, Deserialize)]
struct PackedAnchor {
    revision: Option<PackedRevision>,
    overwrote: Vec<PackedOverwrote>,
}

/// A revision; texts that are numbers or instants take a third of the bytes as such, where they read back letter by letter.
#[derive(Serialize, Deserialize)]
enum PackedRevision {
    Text(String),
    Counter(u64),
    Milliseconds(i64),
}

/// Names its rows by their position.
#[derive(Serialize, Deserialize)]
struct PackedOverwrote {
    read: PackedRevision,
    wrote: PackedRevision,
    rows: Vec<(u16, PackedPrint)>,
}

/// Everything about one row; its intent if the pending write touches it.
#[derive(Serialize, Deserialize)]
struct PackedRow {
    id: RowId,
    wix: PackedPrint,
    external: PackedPrint,
    state: Option<PackedState>,
    intent: Option<PackedIntentRow>,
}

/// Why a row is left alone. The first states did not say of which side they tell.
#[derive(Serialize, Deserialize)]
enum PackedState {
    Conflict,
    Unconvertible,
    Refused,
    UnconvertibleTo(Side),
    RefusedBy(Side),
    Overwritten(Side),
    LostInMerge,
}

#[derive(Serialize, Deserialize)]
struct PackedIntentRow {
    source: PackedPrint,
    target: PackedPrint,
    loose: PackedPrint,
    agreed: PackedPrint,
}

/// A fingerprint that may be missing, or the same as the one before it.
#[derive(Serialize, Deserialize)]
enum PackedPrint {
    Missing,
    Empty,
    Text(Digest),
    List(BTreeSet<Digest>),
    Same,
}

#[derive(Serialize, Deserialize)]
struct PackedIntent {
    side: Side,
    until: i128,
}

impl Packed {
    pub(super) fn new(link: &Link) -> Result<Self, Error> {
        let ids: Vec<_> = row_ids(link).into_iter().collect();
        let pack = |side| pack_anchor(link.anchors.of(side), &ids);
        Ok(Self {
            since: link.since.as_nanosecond(),
            anchors: Pair { wix: pack(Side::Wix)?, external: pack(Side::External)? },
            rows: ids.iter().map(|id| PackedRow::new(link, id)).collect(),
            intent: link.intent.as_ref().map(|intent| PackedIntent { side: intent.side, until: intent.until.as_nanosecond() }),
            held: link.held,
        })
    }

    pub(super) fn link(self) -> Result<Link, Error> {
        let Self { since, anchors, rows, intent, held } = self;
        let ids: Vec<_> = rows.iter().map(|row| row.id.clone()).collect();
        let mut parts = Parts::default();
        for row in rows {
            parts.add(row)?;
        }
        let intent = intent
            .map(|intent| Ok::<_, Error>(Intent { side: intent.side, until: instant(intent.until)?, rows: mem::take(&mut parts.intent) }))
            .transpose()?;
        Ok(Link {
            anchors: Pair {
                wix: anchors.wix.unpack(parts.bases.wix, &ids)?,
                external: anchors.external.unpack(parts.bases.external, &ids)?,
            },
            version: 0,
            since: instant(since)?,
            intent,
            rows: parts.states,
            held,
            erasure_open: false,
        })
    }
}

fn row_ids(link: &Link) -> BTreeSet<&RowId> {
    let anchors = [&link.anchors.wix, &link.anchors.external];
    let overwrote = anchors.into_iter().flat_map(|anchor| &anchor.overwrote).flat_map(|overwrote| overwrote.rows.keys());
    let intended = link.intent.iter().flat_map(|intent| intent.rows.keys());
    anchors.into_iter().flat_map(|anchor| anchor.base.keys()).chain(overwrote).chain(intended).chain(link.rows.keys()).collect()
}

fn pack_anchor(anchor: &Anchor, ids: &[&RowId]) -> Result<PackedAnchor, Error> {
    let overwrote = anchor.overwrote.iter().map(|overwrote| PackedOverwrote::new(overwrote, ids));
    Ok(PackedAnchor { revision: anchor.revision.as_ref().map(PackedRevision::new), overwrote: overwrote.collect::<Result<_, _>>()? })
}

impl PackedAnchor {
    fn unpack(self, base: Base, ids: &[RowId]) -> Result<Anchor, Error> {
        Ok(Anchor {
            id: RecordId::new(""),
            revision: self.revision.map(PackedRevision::unpack).transpose()?,
            overwrote: self.overwrote.into_iter().map(|overwrote| overwrote.unpack(ids)).collect::<Result<_, _>>()?,
            base,
        })
    }
}

impl PackedRevision {
    fn new(revision: &Revision) -> Self {
        let text = revision.as_str();
        if let Some(counter) = revision.counter().filter(|counter| counter.to_string() == text) {
            return Self::Counter(counter);
        }
        let instant = revision.instant().filter(|instant| milliseconds_text(*instant) == text);
        instant.map_or_else(|| Self::Text(text.to_owned()), |instant| Self::Milliseconds(instant.as_millisecond()))
    }

    fn unpack(self) -> Result<Revision, Error> {
        Ok(Revision::new(match self {
            Self::Text(text) => text,
            Self::Counter(counter) => counter.to_string(),
            Self::Milliseconds(milliseconds) => milliseconds_text(Timestamp::from_millisecond(milliseconds)?),
        }))
    }
}

/// An instant as HubSpot writes it: `2026-08-21T10:11:12.120Z`.
fn milliseconds_text(instant: Timestamp) -> String {
    format!("{instant:.3}")
}

impl PackedOverwrote {
    fn new(overwrote: &Overwrote, ids: &[&RowId]) -> Result<Self, Error> {
        let position = |id: &RowId| ids.binary_search(&id).ok().and_then(|position| u16::try_from(position).ok()).ok_or(Error::Row);
        let rows = overwrote.rows.iter().map(|(id, print)| Ok((position(id)?, PackedPrint::new(Some(print)))));
        Ok(Self {
            read: PackedRevision::new(&overwrote.read),
            wrote: PackedRevision::new(&overwrote.wrote),
            rows: rows.collect::<Result<_, Error>>()?,
        })
    }

    fn unpack(self, ids: &[RowId]) -> Result<Overwrote, Error> {
        let row = |(position, print): (u16, PackedPrint)| {
            let id = ids.get(usize::from(position)).ok_or(Error::Row)?;
            Ok((id.clone(), print.unpack(None).ok_or(Error::Row)?))
        };
        let rows = self.rows.into_iter().map(row).collect::<Result<_, Error>>()?;
        Ok(Overwrote { read: self.read.unpack()?, wrote: self.wrote.unpack()?, rows })
    }
}

impl PackedRow {
    fn new(link: &Link, id: &RowId) -> Self {
        let Pair { wix, external } = link.anchors.as_ref().map(|_, anchor| anchor.base.get(id));
        Self {
            id: id.clone(),
            wix: PackedPrint::new(wix),
            external: PackedPrint::after(external, wix),
            state: link.rows.get(id).copied().map(PackedState::new),
            intent: link.intent.as_ref().and_then(|intent| intent.rows.get(id)).map(PackedIntentRow::new),
        }
    }
}

impl PackedState {
    const fn new(state: RowState) -> Self {
        match state {
            RowState::Conflict => Self::Conflict,
            RowState::Unconvertible(side) => Self::UnconvertibleTo(side),
            RowState::Refused(side) => Self::RefusedBy(side),
            RowState::Overwritten(side) => Self::Overwritten(side),
            RowState::LostInMerge => Self::LostInMerge,
        }
    }

    /// Where no side is told it is the CRM, which has the stricter fields.
    const fn unpack(self) -> RowState {
        match self {
            Self::Conflict => RowState::Conflict,
            Self::Unconvertible => RowState::Unconvertible(Side::External),
            Self::Refused => RowState::Refused(Side::External),
            Self::UnconvertibleTo(side) => RowState::Unconvertible(side),
            Self::RefusedBy(side) => RowState::Refused(side),
            Self::Overwritten(side) => RowState::Overwritten(side),
            Self::LostInMerge => RowState::LostInMerge,
        }
    }
}

impl PackedIntentRow {
    fn new(row: &IntentRow) -> Self {
        Self {
            source: PackedPrint::new(Some(&row.source)),
            target: PackedPrint::after(Some(&row.target), Some(&row.source)),
            loose: PackedPrint::new(Some(&row.loose)),
            agreed: PackedPrint::after(row.agreed.as_ref(), Some(&row.target)),
        }
    }

    fn unpack(self) -> Option<IntentRow> {
        let source = self.source.unpack(None)?;
        let target = self.target.unpack(Some(&source))?;
        let agreed = self.agreed.unpack(Some(&target));
        Some(IntentRow { source, target, loose: self.loose.unpack(None)?, agreed })
    }
}

impl PackedPrint {
    fn new(print: Option<&Print>) -> Self {
        match print {
            None => Self::Missing,
            Some(Print::Empty) => Self::Empty,
            Some(Print::Text(digest)) => Self::Text(*digest),
            Some(Print::List(digests)) => Self::List(digests.clone()),
        }
    }

    fn after(print: Option<&Print>, before: Option<&Print>) -> Self {
        if print.is_some() && print == before { Self::Same } else { Self::new(print) }
    }

    fn unpack(self, before: Option<&Print>) -> Option<Print> {
        match self {
            Self::Missing => None,
            Self::Empty => Some(Print::Empty),
            Self::Text(digest) => Some(Print::Text(digest)),
            Self::List(digests) => Some(Print::List(digests)),
            Self::Same => before.cloned(),
        }
    }
}

/// What the rows are taken apart into.
#[derive(Default)]
struct Parts {
    bases: Pair<Base>,
    states: BTreeMap<RowId, RowState>,
    intent: BTreeMap<RowId, IntentRow>,
}

impl Parts {
    fn add(&mut self, row: PackedRow) -> Result<(), Error> {
        let wix = row.wix.unpack(None);
        let external = row.external.unpack(wix.as_ref());
        self.bases.wix.extend(wix.map(|print| (row.id.clone(), print)));
        self.bases.external.extend(external.map(|print| (row.id.clone(), print)));
        self.states.extend(row.state.map(|state| (row.id.clone(), state.unpack())));
        if let Some(intent) = row.intent {
            self.intent.insert(row.id, intent.unpack().ok_or(Error::Row)?);
        }
        Ok(())
    }
}
