//! Writing contacts to the CRM, many at a time.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{Draft, StoreError, StoreResult};
use crate::model::{
    contact::{Contact, MatchKey},
    ids::RecordId,
};

/// What became of a row.
pub type Row = (RecordId, Result<Contact, StoreError>);

/// The CRM as exports need it.
#[async_trait]
pub trait Upload: Send + Sync {
    /// The most rows of one call.
    fn most_rows(&self) -> usize;

    /// Tells whether the CRM itself sees to it that a record made twice for the same Wix contact is one. Where it does not, whoever sends a
    /// draft looks for earlier records before, with [`Upload::named`].
    fn makes_once(&self) -> bool {
        true
    }

    /// Counts the records of a kind. May lag behind writes by minutes.
    async fn count(&self, whose: Whose) -> StoreResult<u64>;

    /// Finds the records that have these keys, oldest first; at most ten for each key. May lag behind writes by minutes. A key nobody has is left
    /// out.
    async fn find_many(&self, keys: &[MatchKey]) -> StoreResult<BTreeMap<MatchKey, Vec<Contact>>>;

    /// Returns which of these Wix contacts are named by a record as its own.
    async fn named(&self, counterparts: &[RecordId]) -> StoreResult<Vec<RecordId>>;

    /// Makes records, at most [`Upload::most_rows`], and accounts for each: made, or why not. Where the CRM
    /// [makes once](Upload::makes_once), making a record twice for the same Wix contact makes one. `Exists` if the CRM has one of the same
    /// identity.
    ///
    /// # Errors
    /// When it is not known of any row whether it landed, or none did, for a reason that is none of a row's.
    async fn upload(&self, drafts: &[Draft]) -> StoreResult<Vec<Row>>;
}

/// Which records of a CRM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Those that name a Wix contact as their own.
    Named,
    /// The others.
    Strangers,
}
