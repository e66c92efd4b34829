//! Reading a side's contacts page by page.

use async_trait::async_trait;

use super::StoreResult;
use crate::model::{
    contact::Contact,
    ids::RecordId,
    listing::{Ask, Listed, Page},
};

/// The contacts of Wix, a page at a time, in the order of their creation.
#[async_trait]
pub trait Listing: Send + Sync {
    /// The most rows a page has.
    fn most_rows(&self) -> usize;

    /// Lists a page. May lag behind writes by minutes. Fewer rows than asked for do not mean that there are no more; a row that is missing is
    /// no evidence that the contact is gone.
    async fn page(&self, ask: &Ask) -> StoreResult<Page>;
}

/// The records of the CRM, a page at a time.
#[async_trait]
pub trait Snapshot: Send + Sync {
    /// Lists a page; `after` is what the page before said. May lag behind writes by minutes. A record that is missing is no evidence that it
    /// is gone.
    async fn snapshot(&self, after: Option<&str>) -> StoreResult<Slice>;
}

/// A page of a snapshot.
#[derive(Clone, Debug)]
pub struct Slice {
    /// The rows.
    pub rows: Vec<Listed>,
    /// Where the next page begins; nothing on the last one.
    pub next: Option<String>,
}

/// Records of a side by their ids, many at a time.
#[async_trait]
pub trait ReadMany: Send + Sync {
    /// Reads records; those that are not found are left out, which is no evidence that they are gone.
    async fn read_many(&self, ids: &[RecordId]) -> StoreResult<Vec<Contact>>;
}
