//! All contacts of a portal, page by page.
//!
//! By the list call, whose pages follow the records: a search shows its first ten thousand results and no more.
//! <https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/guide>

use async_trait::async_trait;

use super::{
    Client,
    bulk::MOST_ROWS,
    client::Call,
    wire::{Object, Page},
};
use crate::{
    model::{contact::Contact, ids::RecordId, listing::Listed},
    ports::{ErrorKind, ReadMany, Slice, Snapshot, StoreResult},
};

#[async_trait]
impl Snapshot for Client {
    async fn snapshot(&self, after: Option<&str>) -> StoreResult<Slice> {
        let operation = "hubspot list contacts";
        let mut url = self.objects(&[]);
        url.query_pairs_mut()
            .append_pair("limit", &MOST_ROWS.to_string())
            .append_pair("properties", &self.asked().join(","))
            .extend_pairs(after.map(|after| ("after", after)));
        let reply = self.send(&Call::read(operation, url)).await?;
        let page: Page<Object> = reply.json().map_err(|failure| failure.during(operation))?;
        let next = page.paging.and_then(|paging| paging.next).map(|next| next.after);
        let mut rows = Vec::with_capacity(page.results.len());
        for object in page.results {
            rows.push(match self.contact(operation, &object).await {
                Ok(contact) => Listed::Contact(contact),
                Err(error) if error.kind == ErrorKind::Garbled => {
                    Listed::Unreadable { id: Some(RecordId::new(object.id)), created_at: None }
                }
                Err(error) => return Err(error),
            });
        }
        Ok(Slice { rows, next })
    }
}

#[async_trait]
impl ReadMany for Client {
    async fn read_many(&self, ids: &[RecordId]) -> StoreResult<Vec<Contact>> {
        let outcome = self.read_batch(ids).await?;
        match outcome.failed.into_iter().find(|(_, error)| error.kind != ErrorKind::NotFound) {
            Some((_, error)) => Err(error),
            None => Ok(outcome.done.into_iter().map(|(_, contact)| contact).collect()),
        }
    }
}
