//! Reading a side's contacts page by page.

use async_trait::async_trait;

use super::StoreResult;
use crate::model::listing::{Ask, Page};

/// The contacts of Wix, a page at a time, in the order of their creation.
#[async_trait]
pub trait Listing: Send + Sync {
    /// The most rows a page has.
    fn most_rows(&self) -> usize;

    /// Lists a page. May lag behind writes by minutes. Fewer rows than asked for do not mean that there are no more; a row that is missing is
    /// no evidence that the contact is gone.
    async fn page(&self, ask: &Ask) -> StoreResult<Page>;
}
