//! All persons of a company, page by page, and those of some ids.
//! <https://developers.pipedrive.com/docs/api/v1/Persons#getPersons>

use async_trait::async_trait;
use serde_json::Value as Json;

use super::{Client, wire::Person};
use crate::{
    model::{contact::Contact, ids::RecordId, listing::Listed},
    ports::{ReadMany, Slice, Snapshot, StoreResult},
};

/// At most so many persons are listed by their ids.
const MOST_IDS: usize = 100;

#[async_trait]
impl Snapshot for Client {
    async fn snapshot(&self, after: Option<&str>) -> StoreResult<Slice> {
        let query: Vec<(&str, &str)> = after.map(|after| ("cursor", after)).into_iter().collect();
        let (listed, next) = self.list(&query).await?;
        let mut rows = Vec::with_capacity(listed.len());
        for row in listed {
            rows.extend(self.row(row).await?);
        }
        Ok(Slice { rows, next })
    }
}

#[async_trait]
impl ReadMany for Client {
    async fn read_many(&self, ids: &[RecordId]) -> StoreResult<Vec<Contact>> {
        let mut found = Vec::with_capacity(ids.len());
        let numbers: Vec<String> = ids.iter().filter_map(|id| id.as_str().parse::<u64>().ok()).map(|id| id.to_string()).collect();
        for ids in numbers.chunks(MOST_IDS) {
            let (listed, _) = self.list(&[("ids", &ids.join(","))]).await?;
            for row in listed {
                if let Some(Listed::Contact(contact)) = self.row(row).await? {
                    found.push(contact);
                }
            }
        }
        Ok(found)
    }
}

impl Client {
    /// Understands a row of a list; nothing for a person that was deleted.
    async fn row(&self, row: Json) -> StoreResult<Option<Listed>> {
        let id = row.get("id").and_then(Json::as_u64).map(|id| RecordId::new(id.to_string()));
        Ok(match serde_json::from_value::<Person>(row) {
            Ok(person) if person.is_deleted => None,
            Ok(person) => Some(Listed::Contact(self.contact(&person).await?)),
            Err(_) => Some(Listed::Unreadable { id, created_at: None }),
        })
    }
}
