//! The contacts of a site, page by page.

use std::error::Error as _;

use async_trait::async_trait;
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Map, Value as Json, json};

use super::{Client, Query, call::Call, contact::to_contact, contacts::PageReply};
use crate::{
    adapters::http::Failure,
    model::{
        contact::Contact,
        ids::RecordId,
        listing::{Ask, Created, Listed, Page},
    },
    ports::{ErrorKind, Listing, ReadMany, StoreError, StoreResult},
};

/// The most contacts on a page
/// (<https://dev.wix.com/docs/api-reference/crm/members-contacts/contacts/contacts/contact-v4/query-contacts>).
const MOST_ROWS: usize = 1_000;

#[async_trait]
impl Listing for Client {
    fn most_rows(&self) -> usize {
        MOST_ROWS
    }

    async fn page(&self, ask: &Ask) -> StoreResult<Page> {
        self.page_having(ask, None).await
    }
}

/// What else is asked of the contacts of a listing.
pub(super) struct Having<'a> {
    /// A field of a filter, and the value it is to have.
    pub(super) filter: (&'a str, &'a str),
    /// The parts of a contact that are shown.
    pub(super) shown: &'a [&'a str],
}

impl Client {
    /// A page whose reply would be too long is asked for again with half as many contacts.
    pub(super) async fn page_having(&self, ask: &Ask, having: Option<&Having<'_>>) -> StoreResult<Page> {
        let mut limit = ask.limit.clamp(1, MOST_ROWS);
        loop {
            match self.listed(ask, having, limit).await {
                Err(error) if is_too_long(&error) && limit > 1 => limit = limit.div_ceil(2),
                outcome => return outcome,
            }
        }
    }
}

/// The most values of a filter's `$in`; the documents name no limit, others of Wix's say 100.
const MOST_IDS: usize = 100;

#[async_trait]
impl ReadMany for Client {
    /// Asks again for what a page left out, until it brings nothing new; takes fewer ids at a time where Wix refuses so many.
    async fn read_many(&self, ids: &[RecordId]) -> StoreResult<Vec<Contact>> {
        let mut found: Vec<Contact> = Vec::with_capacity(ids.len());
        let mut open: Vec<Vec<RecordId>> = ids.chunks(MOST_IDS).map(<[RecordId]>::to_vec).collect();
        while let Some(ids) = open.pop() {
            match self.listed_ids(&ids).await {
                Ok(contacts) if contacts.is_empty() => {}
                Ok(contacts) => {
                    let left: Vec<RecordId> = ids.into_iter().filter(|id| contacts.iter().all(|contact| contact.id != *id)).collect();
                    open.extend((!left.is_empty()).then_some(left));
                    found.extend(contacts);
                }
                Err(error) if matches!(error.kind, ErrorKind::Invalid(_) | ErrorKind::Unsupported) && ids.len() > 1 => {
                    open.extend(ids.chunks(ids.len().div_ceil(2)).map(<[RecordId]>::to_vec));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }
}

impl Client {
    async fn listed_ids(&self, ids: &[RecordId]) -> StoreResult<Vec<Contact>> {
        let wanted: Vec<&str> = ids.iter().map(RecordId::as_str).collect();
        let query = Query { filter: json!({"id": {"$in": wanted}}), limit: ids.len(), offset: 0 };
        // A filter that is not understood may be ignored, and then everybody matches.
        let page = self.query(&query).await?;
        let contacts = page.contacts.into_iter().filter(|contact| ids.contains(&contact.id));
        Ok(contacts.map(|contact| Contact { native: Json::Null, ..contact }).collect())
    }

    /// Everything stands under `query`: what stands beside it is ignored, and then every contact matches.
    async fn listed(&self, ask: &Ask, having: Option<&Having<'_>>, limit: usize) -> StoreResult<Page> {
        let operation = "wix list contacts";
        let mut body = json!({"query": {
            "filter": filter(ask, having),
            "sort": [{"fieldName": "createdDate", "order": "ASC"}],
            "paging": {"limit": limit, "offset": ask.offset},
        }});
        if let (Some(having), Some(query)) = (having, body.get_mut("query")) {
            query["fields"] = json!(having.shown);
        }
        let asked_at = self.clock.now();
        let call = Call::read(operation, Method::POST, self.url(&["contacts", "v4", "contacts", "query"])).body(body);
        let reply = self.send(&call).await?;
        let read: PageReply = reply.json().map_err(|failure| failure.during(operation).with_request(reply.request_id.clone()))?;
        Ok(Page {
            rows: read.contacts.into_iter().map(|native| listed(native, self.mirror())).collect(),
            limit,
            total: read.paging_metadata.and_then(|paging| paging.total),
            as_of: reply.date().map_or(asked_at, |answered| answered - self.clock.now().duration_since(asked_at)),
        })
    }
}

fn filter(ask: &Ask, having: Option<&Having<'_>>) -> Json {
    let mut filter: Map<String, Json> =
        having.map(|having| having.filter).into_iter().map(|(field, value)| (field.to_owned(), json!({"$eq": value}))).collect();
    let created = match ask.created {
        Created::Any => None,
        Created::From(stamp) => Some(("$gte", stamp)),
        Created::After(stamp) => Some(("$gt", stamp)),
        Created::At(stamp) => Some(("$eq", stamp)),
    };
    for (field, test) in [("createdDate", created), ("updatedDate", ask.updated_since.map(|stamp| ("$gte", stamp)))] {
        filter.extend(test.map(|(operator, stamp)| (field.to_owned(), json!({operator: text(stamp)}))));
    }
    Json::Object(filter)
}

/// Writes an instant like Wix does, with milliseconds, and more digits only where there are more.
fn text(stamp: Timestamp) -> String {
    let whole_milliseconds = stamp.subsec_nanosecond() % 1_000_000 == 0;
    if whole_milliseconds { format!("{stamp:.3}") } else { stamp.to_string() }
}

/// Reads one row. What a listing shows is not written to, so the vendor's own form is dropped.
fn listed(native: Json, mirror: Option<&str>) -> Listed {
    let part = |name: &str| native.get(name).and_then(Json::as_str);
    let unreadable = Listed::Unreadable {
        id: part("id").filter(|id| !id.is_empty()).map(RecordId::from),
        created_at: part("createdDate").and_then(|text| text.parse().ok()),
    };
    match to_contact(native, mirror) {
        Ok(contact) => Listed::Contact(Contact { native: Json::Null, ..contact }),
        Err(_) => unreadable,
    }
}

fn is_too_long(error: &StoreError) -> bool {
    matches!(error.source().and_then(|cause| cause.downcast_ref::<Failure>()), Some(Failure::TooLong))
}
