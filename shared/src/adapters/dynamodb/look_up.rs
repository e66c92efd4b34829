//! Finding what is known of a record.

use jiff::Timestamp;

use super::{
    Store,
    call::Read,
    item::{Item, get_instant, get_text, read_draft, read_link, read_tombstone},
    key::Key,
};
use crate::{
    model::{
        ids::{RecordId, Side, SiteId},
        link::{Intent, Link, Slot},
    },
    ports::{ErrorKind, StoreError, StoreResult},
};

/// A pointer and its link are two reads: a link that moves between them is looked for again, so often.
const ATTEMPTS: usize = 3;

/// What lies under a record's own key.
enum Entry {
    Nothing,
    Reserved {
        until: Timestamp,
        draft: Option<Box<Intent>>,
    },
    Linked(Box<Link>),
    /// A pointer to a link that does not name the record.
    Dangling,
}

impl Store {
    /// An eventually consistent read is enough to find a link: its version guards whatever follows. Everything else is read again
    /// consistently, because "free" leads to a new record, and a pointer may be ahead of its link.
    pub(super) async fn slot(&self, site: &SiteId, side: Side, id: &RecordId) -> StoreResult<Slot> {
        if let Entry::Linked(link) = self.entry(site, side, id, Read::Eventual).await? {
            return Ok(Slot::Linked(link));
        }
        for _ in 0..ATTEMPTS {
            match self.entry(site, side, id, Read::Consistent).await? {
                Entry::Linked(link) => return Ok(Slot::Linked(link)),
                Entry::Reserved { until, draft } => {
                    return Ok(self.remains(site, side, id).await?.unwrap_or(Slot::Reserved { until, draft }));
                }
                Entry::Nothing => return Ok(self.remains(site, side, id).await?.unwrap_or(Slot::Free)),
                Entry::Dangling => {}
            }
        }
        Err(StoreError::new(ErrorKind::Corrupt, format!("look up {side} {id}")))
    }

    async fn entry(&self, site: &SiteId, side: Side, id: &RecordId, read: Read) -> StoreResult<Entry> {
        let guess = if side == Side::External && read == Read::Eventual { self.pointers.guess(site, id) } else { None };
        if let Some(wix) = guess
            && let Entry::Linked(link) = self.follow(site, id, &wix, read).await?
        {
            return Ok(Entry::Linked(link));
        }
        let Some(item) = self.get(Key::record(site, side, id), read).await? else { return Ok(Entry::Nothing) };
        if item.contains_key("holder") {
            let until = get_instant(&item, "held_until").ok_or_else(|| StoreError::new(ErrorKind::Corrupt, format!("read {side} {id}")))?;
            return Ok(Entry::Reserved { until, draft: read_draft(&item, id)? });
        }
        match (side, get_text(&item, "wix")) {
            (Side::Wix, _) => self.linked(site, &item),
            (Side::External, Some(wix)) => self.follow(site, id, &RecordId::from(wix), read).await,
            (Side::External, None) => Ok(Entry::Dangling),
        }
    }

    /// Reads the link that a pointer names.
    async fn follow(&self, site: &SiteId, external: &RecordId, wix: &RecordId, read: Read) -> StoreResult<Entry> {
        match self.get(Key::record(site, Side::Wix, wix), read).await? {
            Some(item) if get_text(&item, "ext") == Some(external.as_str()) => self.linked(site, &item),
            _ => Ok(Entry::Dangling),
        }
    }

    fn linked(&self, site: &SiteId, item: &Item) -> StoreResult<Entry> {
        let link = read_link(item)?;
        self.pointers.keep(site, link.id(Side::External), link.id(Side::Wix));
        Ok(Entry::Linked(Box::new(link)))
    }

    /// Looks for the tombstone of a record without a link. It was written together with the end of the link, so it is seen. It
    /// counts for more than a reservation, which may have expired unnoticed.
    async fn remains(&self, site: &SiteId, side: Side, id: &RecordId) -> StoreResult<Option<Slot>> {
        let key = Key::tombstone(site, side, id, &self.fingerprints(site));
        let item = self.get(key, Read::Consistent).await?;
        item.map(|item| Ok(Slot::Gone(read_tombstone(&item, id)?))).transpose()
    }
}
