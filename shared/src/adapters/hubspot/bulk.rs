//! The batch calls, up to a hundred records each.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::{
    batch::{BatchOutcome, Sent},
    client::{Call, Client, invalid},
    contact,
    property::COUNTERPART,
    wire::Object,
};
use crate::{
    adapters::http::Safety,
    model::{contact::Contact, field::Fields, ids::RecordId},
    ports::{ErrorKind, StoreError, StoreResult},
};

/// HubSpot takes at most so many rows in a batch.
/// <https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/guide>
pub const MOST_ROWS: usize = 100;

impl Client {
    /// Reads records by id. Old ids of merged records are not followed in batches.
    pub async fn read_batch(&self, ids: &[RecordId]) -> StoreResult<BatchOutcome<Contact>> {
        let operation = "hubspot batch read";
        let objects = self.read_objects(operation, distinct(ids)).await?;
        let mut contacts = BatchOutcome { done: Vec::with_capacity(objects.done.len()), failed: objects.failed };
        for (key, object) in objects.done.into_iter().filter(|(_, object)| !object.archived) {
            match self.contact(operation, &object).await {
                Ok(contact) => contacts.done.push((key, contact)),
                Err(error) => contacts.failed.push((key, error)),
            }
        }
        Ok(contacts)
    }

    async fn read_objects(&self, operation: &str, keys: Vec<String>) -> StoreResult<BatchOutcome<Object>> {
        let mut outcome = BatchOutcome::default();
        for keys in keys.chunks(MOST_ROWS) {
            let inputs: Vec<_> = keys.iter().map(|key| json!({ "id": key })).collect();
            let body = json!({"properties": self.asked(), "inputs": inputs});
            let call = Call::post(operation, self.objects(&["batch", "read"]), body, Safety::Read);
            let sent = Sent { keys, property: None, operation, unmentioned: || ErrorKind::NotFound };
            outcome.append(self.batch(&call, sent).await?);
        }
        Ok(outcome)
    }

    /// Makes or changes the records that name these Wix contacts. Can be repeated: a record made by a lost call is found again.
    ///
    /// Where HubSpot refuses the whole batch because of some rows, it is halved until the others have landed.
    ///
    /// # Errors
    /// When nothing landed, for a reason that is none of the rows'.
    pub async fn upsert(&self, rows: &[(RecordId, Fields)]) -> StoreResult<BatchOutcome<Contact>> {
        let operation = "hubspot upsert";
        let mut outcome = BatchOutcome::default();
        let mut open: Vec<_> = rows.chunks(MOST_ROWS).collect();
        while let Some(rows) = open.pop() {
            let error = match self.upsert_once(operation, rows).await {
                Ok(done) => {
                    outcome.append(done);
                    continue;
                }
                Err(error) => error,
            };
            let is_of_all = error.kind.is_transient() || error.kind == ErrorKind::AccessDenied;
            match rows {
                _ if is_of_all && outcome.done.is_empty() => return Err(error),
                _ if is_of_all => {
                    let left = rows.iter().chain(open.drain(..).flatten());
                    outcome.failed.extend(left.map(|(key, _)| failed(operation, key, &error)));
                }
                [(key, _)] => outcome.failed.push(failed(operation, key, &error)),
                _ if self.lacks(&error).await? => return Err(error),
                _ => open.extend(<[_; 2]>::from(rows.split_at(rows.len() / 2))),
            }
        }
        Ok(self.written_batch(operation, outcome, rows).await)
    }

    /// Tells whether a refusal is about properties that do not exist: then there is no row that would land.
    async fn lacks(&self, error: &StoreError) -> StoreResult<bool> {
        let ErrorKind::Invalid(fields) = &error.kind else { return Ok(false) };
        if fields.is_empty() {
            return Ok(false);
        }
        let known = self.properties().await?;
        Ok(fields.iter().all(|field| known.iter().all(|property| property.name != field.as_str())))
    }

    async fn upsert_once(&self, operation: &str, rows: &[(RecordId, Fields)]) -> StoreResult<BatchOutcome<Object>> {
        let mut inputs = Vec::with_capacity(rows.len());
        for (key, fields) in rows {
            let mut properties = contact::from_fields(fields).map_err(|fields| invalid(operation, fields))?;
            properties.insert(COUNTERPART.to_owned(), key.as_str().into());
            inputs.push(json!({"id": key, "idProperty": COUNTERPART, "properties": properties, "objectWriteTraceId": key}));
        }
        let keys: Vec<_> = rows.iter().map(|(key, _)| key.as_str().to_owned()).collect();
        let call = Call::post(operation, self.objects(&["batch", "upsert"]), json!({ "inputs": inputs }), Safety::Write);
        self.batch(&call, Sent { keys: &keys, property: Some(COUNTERPART), operation, unmentioned: || ErrorKind::Garbled }).await
    }

    async fn batch(&self, call: &Call<'_>, sent: Sent<'_>) -> StoreResult<BatchOutcome<Object>> {
        let reply = self.send(call).await?;
        let batch = reply.json().map_err(|failure| failure.during(call.operation))?;
        Ok(sent.account(batch, reply.request_id.as_deref(), self.means.clock.now()))
    }

    /// Reads what was written. A record that was made has nothing but what its reply shows; of one that was there before, the rest is read.
    async fn written_batch(&self, operation: &str, outcome: BatchOutcome<Object>, sent: &[(RecordId, Fields)]) -> BatchOutcome<Contact> {
        let sent: BTreeMap<&str, &Fields> = sent.iter().map(|(key, fields)| (key.as_str(), fields)).collect();
        let shows_all = |key: &str, object: &Object| {
            let shows = |fields: &&Fields| fields.keys().all(|field| object.properties.contains_key(field.as_str()));
            self.is_whole(object) || (object.new && object.updated_at.is_some() && sent.get(key).is_some_and(shows))
        };
        let (whole, partial): (Vec<_>, Vec<_>) = outcome.done.into_iter().partition(|(key, object)| shows_all(key, object));
        let mut contacts = BatchOutcome { done: Vec::with_capacity(whole.len() + partial.len()), failed: outcome.failed };
        for (key, object) in self.read_again(operation, partial).await.into_iter().chain(whole.into_iter().map(|(key, o)| (key, Ok(o)))) {
            match self.as_written(operation, object).await {
                Ok(contact) => contacts.done.push((key, contact)),
                Err(error) => contacts.failed.push((key, error)),
            }
        }
        contacts
    }

    async fn read_again(&self, operation: &str, rows: Vec<(String, Object)>) -> Vec<(String, StoreResult<Object>)> {
        if let [(key, object)] = rows.as_slice() {
            let read = self.read_object(operation, &object.id, None, &[]).await;
            return vec![(key.clone(), read.map(|read| object.clone().completed_by(read)))];
        }
        let ids = rows.iter().map(|(_, object)| object.id.clone()).collect();
        let read = self.read_objects(operation, ids).await.unwrap_or_default();
        let mut read: BTreeMap<_, _> = read.done.into_iter().collect();
        let lost = || StoreError::new(ErrorKind::Unavailable, operation);
        let mut complete = |object: Object| read.remove(&object.id).map(|read| object.completed_by(read)).ok_or_else(lost);
        rows.into_iter().map(|(key, object)| (key, complete(object))).collect()
    }
}

fn failed(operation: &str, key: &RecordId, error: &StoreError) -> (String, StoreError) {
    let row = StoreError::new(error.kind.clone(), format!("{operation} {key}")).with_request(error.request.clone());
    (key.as_str().to_owned(), row)
}

fn distinct(ids: &[RecordId]) -> Vec<String> {
    ids.iter().map(|id| id.as_str().to_owned()).collect::<BTreeSet<_>>().into_iter().collect()
}
