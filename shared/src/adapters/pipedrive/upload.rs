//! Many persons at a time, although Pipedrive takes them one by one.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use super::{Client, find::MOST_FOUND};
use crate::{
    model::{
        contact::{Contact, MatchKey},
        ids::RecordId,
    },
    ports::{ContactStore, Draft, ErrorKind, Row, StoreError, StoreResult, Upload, Whose},
};

/// So few rows that a run that is to end does not wait for the rest of them.
pub const MOST_ROWS: usize = 10;

/// Up to so many keys are searched for; the first pass over ten thousand persons costs as much as ten searches, and later ones next to nothing.
const MOST_SEARCHES: usize = 10;

#[async_trait]
impl Upload for Client {
    fn most_rows(&self) -> usize {
        MOST_ROWS
    }

    /// No field is unique: who sends a draft again has to look first.
    fn makes_once(&self) -> bool {
        false
    }

    async fn count(&self, whose: Whose) -> StoreResult<u64> {
        let mut count = 0;
        let named = whose == Whose::Named;
        self.scan(None, |contact| count += u64::from(contact.counterpart.is_some() == named)).await?;
        Ok(count)
    }

    async fn find_many(&self, keys: &[MatchKey]) -> StoreResult<BTreeMap<MatchKey, Vec<Contact>>> {
        let keys: Vec<MatchKey> = keys.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect();
        if keys.len() > MOST_SEARCHES {
            return self.find_all(&keys).await;
        }
        let mut finds = BTreeMap::new();
        for key in keys {
            let found = self.find_by(&key).await?;
            debug_assert!(found.len() <= MOST_FOUND, "at most ten are read");
            if !found.is_empty() {
                finds.insert(key, found);
            }
        }
        Ok(finds)
    }

    async fn named(&self, counterparts: &[RecordId]) -> StoreResult<Vec<RecordId>> {
        let wanted: BTreeSet<&RecordId> = counterparts.iter().collect();
        if wanted.len() > MOST_SEARCHES {
            return Ok(self.named_all(&wanted).await?.into_iter().collect());
        }
        let mut named = BTreeSet::new();
        for id in wanted {
            named.extend(self.find_named(id).await?.map(|_| id.clone()));
        }
        Ok(named.into_iter().collect())
    }

    async fn upload(&self, drafts: &[Draft]) -> StoreResult<Vec<Row>> {
        let mut rows: Vec<Row> = Vec::with_capacity(drafts.len());
        let mut stopped: Option<StoreError> = None;
        for draft in drafts {
            let made = match &stopped {
                Some(error) => Err(StoreError::new(error.kind.clone(), &*error.operation)),
                None => self.create(draft).await,
            };
            match made {
                Err(error) if stopped.is_none() && is_of_all(&error) && rows.is_empty() => return Err(error),
                Err(error) if stopped.is_none() && is_of_all(&error) => {
                    stopped = Some(StoreError::new(error.kind.clone(), &*error.operation));
                    rows.push((draft.counterpart.clone(), Err(error)));
                }
                made => rows.push((draft.counterpart.clone(), made)),
            }
        }
        Ok(rows)
    }
}

/// Tells whether a refusal is none of a row's: then no other one would land.
fn is_of_all(error: &StoreError) -> bool {
    matches!(error.kind, ErrorKind::Throttled(_) | ErrorKind::AccessDenied)
}
