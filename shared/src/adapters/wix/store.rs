//! The Wix contacts as a [`ContactStore`].

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use super::{
    Client, Query,
    change::{Change, Clearing, Rules, from_patch},
    contact::whole_contact,
    lists::{Emails, Entry, Phones, holds_any},
    place::{Place, is_writable},
};
use crate::{
    model::{
        contact::{Contact, Found, MatchKey},
        entity::Entity,
        field::{Field, FieldSpec, Patch, Value},
        ids::{RecordId, Revision},
        normal,
    },
    ports::{ContactStore, Draft, ErrorKind, KnownBy, PastValue, StoreError, StoreResult},
};

/// At most so many contacts are returned for a key.
const MOST_FOUND: usize = 10;

#[async_trait]
impl ContactStore for Client {
    async fn get(&self, id: &RecordId) -> StoreResult<Found> {
        self.read(id).await
    }

    fn enclosed(&self, entity: &Entity) -> Option<Contact> {
        whole_contact(entity.read()?, self.mirror())
    }

    fn known_by(&self) -> KnownBy {
        KnownBy { emails: &["email", "emails"], phones: &["phone", "phones"] }
    }

    async fn find(&self, key: &MatchKey) -> StoreResult<Vec<Contact>> {
        match key {
            MatchKey::Email(email) => {
                self.find_by("info.emails.email", json!({"$eq": email}), |contact| holds(contact, "emails", &Emails, email)).await
            }
            MatchKey::Phone(phone) => self.find_by_phone(phone).await,
        }
    }

    async fn find_counterpart(&self, counterpart: &RecordId) -> StoreResult<Option<Contact>> {
        let Some(key) = self.mirror() else { return Ok(None) };
        let names = |contact: &Contact| contact.counterpart.as_ref() == Some(counterpart);
        match self.find_by(&format!("info.extendedFields.{key}"), json!({"$eq": counterpart.as_str()}), names).await {
            Ok(found) => Ok(found.into_iter().next()),
            // The owner deleted the field: no contact has it.
            Err(error) if error.kind == ErrorKind::Unsupported => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn create(&self, draft: &Draft) -> StoreResult<Contact> {
        let operation = format!("wix create for {}", draft.counterpart);
        let patch: Patch = draft.fields.iter().map(|(field, value)| (field.clone(), Some(value.clone()))).collect();
        let change = self.change(&operation, &Json::Null, &patch).await?;
        let mut made = self.create_once(&operation, &change, &draft.counterpart).await;
        if let Err(error) = &made
            && error.kind == ErrorKind::Invalid(Vec::new())
            && let Some(change) = self.without_unknown_labels(&change).await?
        {
            made = self.create_once(&operation, &change, &draft.counterpart).await;
        }
        made.map_err(|error| blaming(error, &change.extended))
    }

    async fn update(&self, current: &Contact, patch: &Patch) -> StoreResult<Contact> {
        let operation = format!("wix update {}", current.id);
        let change = self.change(&operation, &current.native, patch).await?;
        if change.is_empty() && change.add_labels.is_empty() && change.remove_labels.is_empty() {
            return Ok(current.clone());
        }
        // The labels come last: their calls know no revision, and a stale one must stop everything.
        let written = if change.is_empty() { None } else { Some(self.write(current, &change).await?) };
        match self.relabel(&current.id, &change).await {
            Ok(relabelled) => {
                let known = written.unwrap_or_else(|| current.clone());
                Ok(match relabelled {
                    Some(relabelled) => relabelled.since(known),
                    None => known,
                })
            }
            Err(error) if written.is_some() => Err(after_a_write(error)),
            Err(error) => Err(error),
        }
    }

    async fn set_counterpart(&self, current: &Contact, counterpart: &RecordId) -> StoreResult<Contact> {
        let Some(key) = self.mirror() else { return Ok(current.clone()) };
        let items = current.native.pointer("/info/extendedFields/items").and_then(Json::as_object).cloned().unwrap_or_default();
        // Whatever a person wrote there stays.
        if items.get(key).is_some_and(|value| !value.is_null() && value != "") {
            return Ok(current.clone());
        }
        let mut items = super::change::writable(items);
        items.insert(key.to_owned(), counterpart.as_str().into());
        let operation = format!("wix set counterpart of {}", current.id);
        let info = json!({"extendedFields": {"items": items}});
        let written = self.patch_contact(operation, &current.id, current.revision.as_ref(), info).await;
        written.map_err(|refusal| blaming(refusal.into(), &[Field::new(key)]))
    }

    async fn delete(&self, id: &RecordId) -> StoreResult<()> {
        self.delete_contact(id).await
    }

    async fn erase(&self, id: &RecordId) -> StoreResult<()> {
        self.delete_contact(id).await
    }

    async fn merge(&self, winner: &Contact, loser: &RecordId) -> StoreResult<Contact> {
        self.merge_contacts(winner, std::slice::from_ref(loser)).await
    }

    async fn history(&self, id: &RecordId, _field: &Field, _since: &Revision) -> StoreResult<Vec<PastValue>> {
        Err(StoreError::new(ErrorKind::Unsupported, format!("wix history of {id}")))
    }

    async fn schema(&self) -> StoreResult<Vec<FieldSpec>> {
        self.specs().await
    }

    /// Only extended fields can be deleted.
    async fn lacks(&self, fields: &[Field]) -> StoreResult<Vec<Field>> {
        let mut lacking: Vec<Field> = fields.iter().filter(|field| matches!(Place::of(field), Some(Place::Extended(_)))).cloned().collect();
        if !lacking.is_empty() {
            let present: BTreeSet<String> = self.extended_fields().await?.into_iter().map(|field| field.key).collect();
            lacking.retain(|field| !present.contains(field.as_str()));
        }
        Ok(lacking)
    }

    async fn set_up(&self) -> StoreResult<String> {
        self.mirror_key().await
    }
}

/// Tells whether the contact holds the value in a list. The filter is checked because a filter that Wix does not understand may be
/// ignored, and then everybody matches.
fn holds(contact: &Contact, list: &str, entry: &impl Entry, value: &str) -> bool {
    contact.native.get("info").is_some_and(|info| holds_any(info, list, entry, value))
}

/// What came of the label calls of an update. They know no revision, so others may have changed the contact in between.
struct Relabelled {
    returned: Contact,
    calls: u64,
    change: Change,
}

impl Relabelled {
    /// Returns the contact as it is if nobody else changed it since it was `known`: with the labels that were changed, and of the revision
    /// up to which every change is ours. What others did comes with events of its own, which must not pass for old news.
    fn since(self, mut known: Contact) -> Contact {
        let labels = Field::from("labels");
        let of = |contact: &Contact| contact.get(&labels).map(Value::elements).unwrap_or_default().to_vec();
        let now = of(&self.returned);
        let stay = of(&known).into_iter().filter(|key| !self.change.remove_labels.contains(key));
        let added = self.change.add_labels.iter().filter(|key| now.contains(key)).cloned();
        let keys: Vec<String> = stay.chain(added).collect();
        if let Some(info) = known.native.get_mut("info").and_then(Json::as_object_mut) {
            info.insert("labelKeys".to_owned(), json!({"items": keys}));
        }
        match Value::list(keys) {
            Some(list) => known.fields.insert(labels, list),
            None => known.fields.remove(&labels),
        };
        let counter = |contact: &Contact| contact.revision.as_ref().and_then(Revision::counter);
        if counter(&self.returned).zip(counter(&known)).is_none_or(|(now, before)| now <= before + self.calls) {
            (known.revision, known.updated_at) = (self.returned.revision, self.returned.updated_at);
        }
        known
    }
}

/// Names the refused fields where Wix does not.
fn blaming(mut error: StoreError, fields: &[Field]) -> StoreError {
    if error.kind == ErrorKind::Invalid(Vec::new()) {
        error.kind = ErrorKind::Invalid(fields.to_vec());
    }
    error
}

/// Tells whether a query was refused for what it asks.
pub(super) fn is_about_the_filter(kind: &ErrorKind) -> bool {
    matches!(kind, ErrorKind::Invalid(_) | ErrorKind::Unsupported)
}

/// Tells whether a refusal may be about this field.
fn may_be_about(kind: &ErrorKind, field: &str) -> bool {
    match kind {
        ErrorKind::Invalid(named) => named.is_empty() || named.iter().any(|named| named.as_str() == field),
        _ => false,
    }
}

/// Makes of a failure that followed a successful write one after which the caller looks again.
fn after_a_write(mut error: StoreError) -> StoreError {
    if error.kind.is_transient() {
        error.kind = ErrorKind::Unavailable;
    }
    error
}

/// Returns what the change was to clear and did not.
fn still_filled(written: &Contact, change: &Change) -> BTreeSet<Field> {
    change.cleared().iter().filter(|field| written.get(field).is_some()).cloned().collect()
}

/// Tells whether another form of emptiness may be accepted after this failure.
fn may_be_about_clearing(kind: &ErrorKind, change: &Change) -> bool {
    match kind {
        ErrorKind::Invalid(fields) => fields.is_empty() || fields.iter().any(|field| change.cleared().contains(field)),
        _ => false,
    }
}

impl Client {
    /// A number without a country has no E.164 form in Wix: it is looked for as people write it.
    async fn find_by_phone(&self, phone: &str) -> StoreResult<Vec<Contact>> {
        let country = self.settings.default_country.as_deref();
        let entry = Phones(country);
        let holds = |contact: &Contact| holds(contact, "phones", &entry, phone);
        let mut found = self.find_by("info.phones.e164Phone", json!({"$eq": phone}), holds).await?;
        let forms = normal::phone_forms(phone, country);
        let written = match self.find_by("info.phones.phone", json!({"$in": forms}), holds).await {
            // How long a list may be is not documented.
            Err(error) if is_about_the_filter(&error.kind) => {
                let mut written = Vec::new();
                for form in &forms {
                    written.extend(self.find_by("info.phones.phone", json!({"$eq": form}), holds).await?);
                }
                written
            }
            written => written?,
        };
        for contact in written {
            if found.iter().all(|known| known.id != contact.id) {
                found.push(contact);
            }
        }
        found.sort_by_key(|contact| (contact.created_at.is_none(), contact.created_at));
        Ok(found)
    }

    /// Reads what a query finds: the index may show what a contact was minutes ago, or one that is gone.
    async fn find_by(&self, path: &str, condition: Json, holds: impl Fn(&Contact) -> bool + Send) -> StoreResult<Vec<Contact>> {
        let mut filter = serde_json::Map::new();
        filter.insert(path.to_owned(), condition);
        let query = Query { filter: filter.into(), limit: MOST_FOUND, ..Query::default() };
        let mut indexed = self.query(&query).await?.contacts;
        indexed.retain(&holds);
        indexed.truncate(MOST_FOUND);
        let mut found = Vec::with_capacity(indexed.len());
        for contact in indexed {
            if let Found::Present(now) = self.read(&contact.id).await? {
                found.push(now);
            }
        }
        found.retain(holds);
        Ok(found)
    }

    /// Works out what to send for a patch.
    async fn change(&self, operation: &str, native: &Json, patch: &Patch) -> StoreResult<Change> {
        let numeric = |value: &Value| value.as_text().is_some_and(|text| text.parse::<f64>().is_ok());
        // Only a value that reads as a number needs to know whether its field holds numbers.
        let numbers = if patch.iter().any(|(field, value)| is_writable(field.as_str()) && value.as_ref().is_some_and(numeric)) {
            self.number_fields().await?
        } else {
            BTreeSet::new()
        };
        let rules = Rules { mirror: self.mirror(), country: self.settings.default_country.as_deref(), numbers: &numbers };
        from_patch(native, patch, &rules).map_err(|fields| StoreError::new(ErrorKind::Invalid(fields), operation))
    }

    /// Sends the change, and what it clears once more in the other form if the first one did not clear it.
    async fn write(&self, current: &Contact, change: &Change) -> StoreResult<Contact> {
        let operation = || format!("wix update {}", current.id);
        let clearing = self.clearing();
        let first = self.patch_contact(operation(), &current.id, current.revision.as_ref(), change.info(clearing)).await;
        if change.cleared().is_empty() {
            return first.map_err(|refusal| blaming(refusal.into(), &change.extended));
        }
        match first {
            Ok(written) => {
                let left = still_filled(&written, change);
                if left.is_empty() {
                    return Ok(written);
                }
                let second = self.clear(&written, &change.clearing_only(&left), clearing.other()).await;
                second.map_err(after_a_write)
            }
            Err(refusal) if may_be_about_clearing(&refusal.error.kind, change) => self.clear(current, change, clearing.other()).await,
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// Sends a change whose first form did not clear.
    async fn clear(&self, current: &Contact, change: &Change, form: Clearing) -> StoreResult<Contact> {
        let operation = || format!("wix update {}", current.id);
        let written = self.patch_contact(operation(), &current.id, current.revision.as_ref(), change.info(form)).await;
        let suspects: Vec<Field> = change.cleared().iter().chain(&change.extended).cloned().collect();
        let written = written.map_err(|refusal| blaming(refusal.into(), &suspects))?;
        let left = still_filled(&written, change);
        if left.is_empty() {
            self.remember_clearing(form, change.cleared());
            return Ok(written);
        }
        // Neither form clears. Told as refused, so that it is not tried for ever.
        Err(StoreError::new(ErrorKind::Invalid(left.into_iter().collect()), operation()))
    }

    async fn create_once(&self, operation: &str, change: &Change, counterpart: &RecordId) -> StoreResult<Contact> {
        let Some(key) = self.mirror() else { return self.create_contact(operation.to_owned(), change.clone().new_info(None)).await };
        let info = |key: &str| change.clone().new_info(Some((key, counterpart.as_str())));
        match self.create_contact(operation.to_owned(), info(key)).await {
            // The owner may have deleted the field.
            Err(error) if may_be_about(&error.kind, key) => {
                self.create_contact(operation.to_owned(), info(&self.mirror_key().await?)).await
            }
            made => made,
        }
    }

    /// Labels that the owner deleted stop none of the others.
    async fn relabel(&self, id: &RecordId, change: &Change) -> StoreResult<Option<Relabelled>> {
        let mut relabelled = self.relabel_once(id, change).await;
        if let Err(error) = &relabelled
            && error.kind == ErrorKind::Invalid(Vec::new())
            && let Some(change) = self.without_unknown_labels(change).await?
        {
            relabelled = self.relabel_once(id, &change).await;
        }
        relabelled.map_err(|error| blaming(error, &[Field::from("labels")]))
    }

    async fn relabel_once(&self, id: &RecordId, change: &Change) -> StoreResult<Option<Relabelled>> {
        let (mut calls, mut last) = (0, None);
        for keys in change.add_labels.chunks(Self::MOST_LABELS) {
            (calls, last) = (calls + 1, Some(self.label(id, keys).await?));
        }
        for keys in change.remove_labels.chunks(Self::MOST_LABELS) {
            (calls, last) = (calls + 1, Some(self.unlabel(id, keys).await?));
        }
        Ok(last.map(|returned| Relabelled { returned, calls, change: change.clone() }))
    }

    /// Returns the change without the labels that the site does not have; `None` if it has them all.
    async fn without_unknown_labels(&self, change: &Change) -> StoreResult<Option<Change>> {
        if change.add_labels.is_empty() && change.remove_labels.is_empty() {
            return Ok(None);
        }
        let known: BTreeSet<String> = self.labels().await?.into_iter().map(|label| label.key).collect();
        let mut fewer = change.clone();
        fewer.add_labels.retain(|key| known.contains(key));
        fewer.remove_labels.retain(|key| known.contains(key));
        let all = fewer.add_labels.len() == change.add_labels.len() && fewer.remove_labels.len() == change.remove_labels.len();
        Ok((!all).then_some(fewer))
    }
}
