//! The endpoints of contacts v4
//! (<https://dev.wix.com/docs/api-reference/crm/members-contacts/contacts/contacts/contact-v4>).

use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{Client, call::Call, contact::to_contact, refusal::Refusal};
use crate::{
    model::{
        contact::{Contact, Found},
        ids::{RecordId, Revision},
    },
    ports::{ErrorKind, StoreError, StoreResult},
};

/// Contacts of a listing, a page at a time. Pages are by offset: they shift when contacts are made or deleted meanwhile.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The contacts; those that cannot be understood are left out.
    pub contacts: Vec<Contact>,
    /// How many there were on the page, understood or not.
    pub count: usize,
    /// How many there are in all, where Wix tells.
    pub total: Option<u64>,
}

/// What to look for, the oldest first. The index behind it may lag behind writes.
#[derive(Clone, Debug)]
pub struct Query {
    /// The filter: `{"info.emails.email": {"$eq": ".."}}`.
    pub filter: Json,
    /// How many at most, up to 1,000.
    pub limit: usize,
    /// How many to skip.
    pub offset: usize,
}

impl Default for Query {
    fn default() -> Self {
        Self { filter: json!({}), limit: 50, offset: 0 }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContactReply {
    contact: Json,
    #[serde(default)]
    response_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PageReply {
    pub(super) contacts: Vec<Json>,
    #[serde(default)]
    pub(super) paging_metadata: Option<Paging>,
}

#[derive(Deserialize)]
pub(super) struct Paging {
    #[serde(default)]
    pub(super) total: Option<u64>,
}

impl Client {
    /// The most label keys in one call.
    pub(super) const MOST_LABELS: usize = 100;

    async fn call_contact(&self, call: &Call) -> Result<Contact, Refusal> {
        let reply: ContactReply = self.call(call).await?;
        to_contact(reply.contact, self.mirror()).map_err(|failure| failure.during(&call.operation).into())
    }

    /// Reads a contact; one that was merged away answers with the contact it went into
    /// (<https://dev.wix.com/docs/api-reference/crm/members-contacts/contacts/contacts/contact-v4/merge-contacts>).
    pub(super) async fn read(&self, id: &RecordId) -> StoreResult<Found> {
        let operation = format!("wix get {id}");
        let Ok(url) = self.contact_url(&operation, id, &[]) else { return Ok(Found::Absent) };
        let reply: ContactReply = match self.call(&Call::read(&operation, Method::GET, url)).await {
            Ok(reply) => reply,
            Err(refusal) if refusal.error.kind == ErrorKind::NotFound => return Ok(Found::Absent),
            Err(refusal) => return Err(refusal.into()),
        };
        let merged = reply.response_type.as_deref() == Some("MERGED");
        let contact = to_contact(reply.contact, self.mirror()).map_err(|failure| failure.during(operation))?;
        Ok(if merged || contact.id != *id { Found::Merged(contact) } else { Found::Present(contact) })
    }

    pub(super) async fn create_contact(&self, operation: String, info: Json) -> StoreResult<Contact> {
        let call = Call::write(operation, Method::POST, self.url(&["contacts", "v4", "contacts"]));
        let is_labelled = info.get("labelKeys").is_some();
        let created = self.call_contact(&call.body(json!({"info": info, "allowDuplicates": false}))).await;
        // There is no contact yet that could be missing.
        created.map_err(|refusal| match refusal.status {
            Some(StatusCode::NOT_FOUND) if is_labelled => unknown_label(refusal),
            _ => refusal.into(),
        })
    }

    /// Changes the sent properties of `info`, on the condition that the contact has this revision.
    pub(super) async fn patch_contact(
        &self,
        operation: String,
        id: &RecordId,
        revision: Option<&Revision>,
        info: Json,
    ) -> Result<Contact, Refusal> {
        let url = self.contact_url(&operation, id, &[])?;
        let call = Call::write(operation, Method::PATCH, url);
        self.call_contact(&call.body(json!({"revision": number(revision), "info": info}))).await
    }

    /// Deletes a contact for good; one that is gone already is deleted.
    pub(super) async fn delete_contact(&self, id: &RecordId) -> StoreResult<()> {
        let operation = format!("wix delete {id}");
        let Ok(url) = self.contact_url(&operation, id, &[]) else { return Ok(()) };
        match self.call::<Json>(&Call::write(operation, Method::DELETE, url)).await {
            Ok(_) => Ok(()),
            // The call declares no code of its own for an unknown id.
            Err(refusal) if refusal.status == Some(StatusCode::NOT_FOUND) => Ok(()),
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// Lists contacts, the oldest first; at most 1,000 on a page.
    pub async fn list(&self, limit: usize, offset: usize) -> StoreResult<Page> {
        let mut url = self.url(&["contacts", "v4", "contacts"]);
        url.query_pairs_mut()
            .append_pair("sort.fieldName", "createdDate")
            .append_pair("sort.order", "ASC")
            .append_pair("paging.limit", &limit.to_string())
            .append_pair("paging.offset", &offset.to_string());
        self.page(&Call::read("wix list", Method::GET, url)).await
    }

    /// Queries contacts. Everything stands under `query`: what stands beside it is ignored.
    pub async fn query(&self, query: &Query) -> StoreResult<Page> {
        let body = json!({"query": {
            "filter": query.filter,
            "sort": [{"fieldName": "createdDate", "order": "ASC"}],
            "paging": {"limit": query.limit, "offset": query.offset},
        }});
        self.page(&Call::read("wix query", Method::POST, self.url(&["contacts", "v4", "contacts", "query"])).body(body)).await
    }

    async fn page(&self, call: &Call) -> StoreResult<Page> {
        let reply: PageReply = self.call(call).await?;
        let count = reply.contacts.len();
        let contacts: Vec<_> = reply.contacts.into_iter().filter_map(|native| to_contact(native, self.mirror()).ok()).collect();
        if contacts.len() < count {
            tracing::warn!(left_out = count - contacts.len(), "Wix sent contacts that cannot be understood.");
        }
        Ok(Page { contacts, count, total: reply.paging_metadata.and_then(|paging| paging.total) })
    }

    /// Merges contacts into `target`: its values stay, lists are joined, the sources are deleted.
    pub async fn merge_contacts(&self, target: &Contact, sources: &[RecordId]) -> StoreResult<Contact> {
        let operation = format!("wix merge into {}", target.id);
        let url = self.contact_url(&operation, &target.id, &["merge"])?;
        let body = json!({"targetContactRevision": number(target.revision.as_ref()), "sourceContactIds": sources});
        match self.call_contact(&Call::write(operation, Method::POST, url).body(body)).await {
            // Nothing says whether this is about a stale revision or about a source that cannot be merged away.
            Err(mut refusal) if refusal.has_code("FAILED_PRECONDITION") => {
                if self.has_moved(target).await? {
                    refusal.error.kind = ErrorKind::Stale;
                }
                Err(refusal.into())
            }
            outcome => outcome.map_err(StoreError::from),
        }
    }

    async fn has_moved(&self, contact: &Contact) -> StoreResult<bool> {
        Ok(match self.read(&contact.id).await? {
            Found::Present(now) => now.revision != contact.revision,
            Found::Merged(_) | Found::Absent => true,
        })
    }

    /// Adds labels, at most 100; they must exist.
    pub async fn label(&self, id: &RecordId, keys: &[String]) -> StoreResult<Contact> {
        let operation = format!("wix label {id}");
        let url = self.contact_url(&operation, id, &["labels"])?;
        let call = Call::write(operation, Method::POST, url).body(json!({"labelKeys": keys}));
        self.call_contact(&call).await.map_err(unknown_label)
    }

    /// Takes labels off, at most 100.
    pub async fn unlabel(&self, id: &RecordId, keys: &[String]) -> StoreResult<Contact> {
        let operation = format!("wix unlabel {id}");
        let mut url = self.contact_url(&operation, id, &["labels"])?;
        url.query_pairs_mut().extend_pairs(keys.iter().map(|key| ("labelKeys", key)));
        self.call_contact(&Call::write(operation, Method::DELETE, url)).await.map_err(unknown_label)
    }
}

/// A label that does not exist makes the call fail with a code that is not documented.
fn unknown_label(mut refusal: Refusal) -> StoreError {
    let refused = refusal.status.is_some_and(|status| matches!(status.as_u16(), 400 | 404 | 409 | 428));
    if refused && refusal.code.is_some() && !refusal.has_code("CONTACT_NOT_FOUND") && !refusal.has_code("CONTACT_ALREADY_CHANGED") {
        refusal.error.kind = ErrorKind::Invalid(Vec::new());
    }
    refusal.into()
}

/// Returns the revision as Wix wants it; a contact that was never changed may have none.
fn number(revision: Option<&Revision>) -> u64 {
    revision.and_then(|revision| revision.as_str().parse().ok()).unwrap_or_default()
}
