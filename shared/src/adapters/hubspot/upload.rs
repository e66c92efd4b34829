//! Many contacts at a time.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use super::{
    Client,
    bulk::MOST_ROWS,
    client::Call,
    error::row_refusal,
    find::{MOST_FOUND, has_email, has_phone, phone_query},
    property::COUNTERPART,
    wire::{Batch, Object},
};
use crate::{
    adapters::http::Safety,
    model::{
        contact::{Contact, MatchKey},
        field::Fields,
        ids::RecordId,
        normal,
    },
    ports::{Draft, ErrorKind, Row, StoreError, StoreResult, Upload, Whose},
};

/// A search's body has 3,000 characters at most; this leaves room for what stands around the values.
/// <https://developers.hubspot.com/docs/api-reference/search/guide#limits>
const MOST_CHARACTERS: usize = 2_800;

/// Contacts by the keys they were looked for.
type Finds = BTreeMap<MatchKey, Vec<Contact>>;

#[async_trait]
impl Upload for Client {
    fn most_rows(&self) -> usize {
        MOST_ROWS
    }

    async fn count(&self, whose: Whose) -> StoreResult<u64> {
        let operator = match whose {
            Whose::Named => "HAS_PROPERTY",
            Whose::Strangers => "NOT_HAS_PROPERTY",
        };
        let filter = json!({"propertyName": COUNTERPART, "operator": operator});
        let query = json!({"filterGroups": [{"filters": [filter]}], "limit": 1});
        Ok(self.search_page("hubspot count contacts", query).await?.1)
    }

    async fn find_many(&self, keys: &[MatchKey]) -> StoreResult<Finds> {
        let keys: BTreeSet<&MatchKey> = keys.iter().collect();
        let mut emails: Vec<String> = Vec::new();
        let mut phones: Vec<&str> = Vec::new();
        for key in keys {
            match key {
                MatchKey::Email(text) => emails.push(normal::email(text)),
                MatchKey::Phone(text) => phones.push(text),
            }
        }
        let mut finds = self.find_emails(&emails).await?;
        finds.extend(self.find_phones(&phones).await?);
        finds.retain(|_, contacts| !contacts.is_empty());
        Ok(finds)
    }

    async fn named(&self, counterparts: &[RecordId]) -> StoreResult<Vec<RecordId>> {
        let keys: Vec<String> = counterparts.iter().map(|id| id.as_str().to_owned()).collect();
        let found = self.read_by(COUNTERPART, &keys).await?;
        Ok(found.into_iter().filter_map(|contact| contact.counterpart).collect())
    }

    async fn upload(&self, drafts: &[Draft]) -> StoreResult<Vec<Row>> {
        let rows: Vec<(RecordId, Fields)> = drafts.iter().map(|draft| (draft.counterpart.clone(), draft.fields.clone())).collect();
        let outcome = self.upsert(&rows).await?;
        let done = outcome.done.into_iter().map(|(key, contact)| (RecordId::new(key), Ok(contact)));
        Ok(done.chain(outcome.failed.into_iter().map(|(key, error)| (RecordId::new(key), Err(error)))).collect())
    }
}

impl Client {
    /// HubSpot sees to it that an address, primary or additional, is one contact's; where a read by address does not see additional
    /// ones, the write that follows is refused.
    async fn find_emails(&self, emails: &[String]) -> StoreResult<Finds> {
        let mut finds = Finds::new();
        for emails in emails.chunks(MOST_ROWS) {
            let found = self.read_by("email", emails).await?;
            for email in emails {
                let own: Vec<Contact> = found.iter().filter(|contact| has_email(contact, email)).cloned().collect();
                finds.insert(MatchKey::Email(email.clone()), own);
            }
        }
        Ok(finds)
    }

    /// Reads the records that have these values of a unique property. Where HubSpot refuses the whole batch because of a value, it is halved;
    /// a value that cannot be anybody's is nobody's.
    async fn read_by(&self, property: &str, keys: &[String]) -> StoreResult<Vec<Contact>> {
        let operation = &*format!("hubspot batch read by {property}");
        let mut found = Vec::new();
        let mut open: Vec<&[String]> = keys.chunks(MOST_ROWS).collect();
        while let Some(keys) = open.pop() {
            match self.read_by_once(operation, property, keys).await {
                Ok(objects) => {
                    for object in objects.iter().filter(|object| !object.archived) {
                        found.push(self.contact(operation, object).await?);
                    }
                }
                Err(StoreError { kind: ErrorKind::Invalid(_) | ErrorKind::NotFound, .. }) if keys.len() == 1 => {}
                Err(StoreError { kind: ErrorKind::Invalid(_) | ErrorKind::NotFound, .. }) => {
                    open.extend(<[_; 2]>::from(keys.split_at(keys.len() / 2)));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    async fn read_by_once(&self, operation: &str, property: &str, keys: &[String]) -> StoreResult<Vec<Object>> {
        let inputs: Vec<Json> = keys.iter().map(|key| json!({ "id": key })).collect();
        let body = json!({"properties": self.asked(), "idProperty": property, "inputs": inputs});
        let reply = self.send(&Call::post(operation, self.objects(&["batch", "read"]), body, Safety::Read)).await?;
        let batch: Batch = reply.json().map_err(|failure| failure.during(operation))?;
        let now = self.means.clock.now();
        let refusals = batch.errors.iter().map(|error| row_refusal(error, operation, reply.request_id.as_deref(), now));
        let is_passed_over = |error: &StoreError| matches!(error.kind, ErrorKind::NotFound | ErrorKind::Invalid(_));
        match refusals.into_iter().find(|error| !is_passed_over(error)) {
            Some(error) => Err(error),
            None => Ok(batch.results),
        }
    }

    async fn find_phones(&self, phones: &[&str]) -> StoreResult<Finds> {
        let mut finds = Finds::new();
        let mut open = self.groups(phones);
        while let Some(group) = open.pop() {
            let Some(found) = self.search_phones(&group).await? else {
                let (one, other) = group.split_at(group.len() / 2);
                open.extend([one.to_vec(), other.to_vec()]);
                continue;
            };
            let country = self.settings.country.as_deref();
            for text in group {
                let phone = normal::phone(text, country);
                let mut own: Vec<Contact> = found.iter().filter(|contact| has_phone(contact, &phone, country)).cloned().collect();
                own.truncate(MOST_FOUND);
                finds.insert(MatchKey::Phone(text.to_owned()), own);
            }
        }
        Ok(finds)
    }

    /// Puts as many numbers together as fit into a search.
    fn groups<'a>(&self, phones: &[&'a str]) -> Vec<Vec<&'a str>> {
        let mut groups: Vec<Vec<&str>> = Vec::new();
        let mut characters = MOST_CHARACTERS;
        for phone in phones.iter().filter(|phone| !phone.trim().is_empty()) {
            let own = phone_query(&self.forms_of(&[*phone])).to_string().chars().count();
            if let Some(group) = groups.last_mut().filter(|_| characters + own < MOST_CHARACTERS) {
                group.push(phone);
            } else {
                characters = 0;
                groups.push(vec![phone]);
            }
            characters += own;
        }
        groups
    }

    fn forms_of(&self, phones: &[&str]) -> BTreeSet<String> {
        phones.iter().flat_map(|phone| normal::phone_forms(phone, self.settings.country.as_deref())).collect()
    }

    /// Finds the records that have one of these numbers, oldest first; nothing if there are more than a page shows of several numbers.
    async fn search_phones(&self, phones: &[&str]) -> StoreResult<Option<Vec<Contact>>> {
        let (ids, total) = self.search_page("hubspot find by phones", phone_query(&self.forms_of(phones))).await?;
        if phones.len() > 1 && total > ids.len() as u64 {
            return Ok(None);
        }
        let outcome = self.read_batch(&ids).await?;
        if let Some((_, error)) = outcome.failed.into_iter().find(|(_, error)| error.kind != ErrorKind::NotFound) {
            return Err(error);
        }
        let mut contacts: Vec<Contact> = outcome.done.into_iter().map(|(_, contact)| contact).collect();
        contacts.sort_by_key(|contact| (contact.created_at.is_none(), contact.created_at));
        Ok(Some(contacts))
    }
}
