//! A company's persons as a side of the bridge.

use async_trait::async_trait;
use serde_json::{Map, Value as Json, json};

use super::{
    Client,
    client::invalid,
    definitions::{COUNTERPART, Definitions, is_standard},
    items::{EMAILS, PHONES},
    person::Base,
};
use crate::{
    model::{
        contact::{Contact, Found, MatchKey},
        entity::Entity,
        field::{Field, FieldSpec, Patch},
        ids::{RecordId, Revision},
    },
    ports::{ContactStore, Draft, ErrorKind, KnownBy, PastValue, StoreError, StoreResult},
};

/// What an erased person is called until the bin is emptied.
const ERASED: &str = "(erased)";

#[async_trait]
impl ContactStore for Client {
    /// A person that was merged into another is gone like a deleted one; into whom, its event alone tells.
    async fn get(&self, id: &RecordId) -> StoreResult<Found> {
        Ok(self.read(id).await?.map_or(Found::Absent, Found::Present))
    }

    /// Events show custom fields in another form, and are hints.
    fn enclosed(&self, _entity: &Entity) -> Option<Contact> {
        None
    }

    fn known_by(&self) -> KnownBy {
        KnownBy { emails: &EMAILS, phones: &PHONES }
    }

    async fn find(&self, key: &MatchKey) -> StoreResult<Vec<Contact>> {
        self.find_by(key).await
    }

    async fn find_counterpart(&self, counterpart: &RecordId) -> StoreResult<Option<Contact>> {
        self.find_named(counterpart).await
    }

    /// Nothing keeps a second person from being made when the reply to this is lost: whoever tries again looks for the first one before.
    async fn create(&self, draft: &Draft) -> StoreResult<Contact> {
        let operation = &*format!("pipedrive create for {}", draft.counterpart);
        let key = (draft.counterpart.clone(), self.key().await?);
        match self.create_once(operation, draft, &key).await {
            Err(error) if self.lost_its_key(&error, &key.1).await? => {
                let key = (key.0, self.key().await?);
                self.create_once(operation, draft, &key).await
            }
            made => made,
        }
    }

    async fn update(&self, current: &Contact, patch: &Patch) -> StoreResult<Contact> {
        let operation = format!("pipedrive update {}", current.id);
        let definitions = self.definitions_with(|known| known.unknown_labels(patch)).await?;
        let body = Base::of(current).body(patch, &definitions).map_err(|fields| invalid(&operation, fields))?;
        if body.is_empty() { Ok(current.clone()) } else { self.patch(&operation, &current.id, body).await }
    }

    async fn set_counterpart(&self, current: &Contact, counterpart: &RecordId) -> StoreResult<Contact> {
        if current.counterpart.as_ref() == Some(counterpart) {
            return Ok(current.clone());
        }
        let operation = &*format!("pipedrive set counterpart {}", current.id);
        let code = self.key().await?;
        match self.patch(operation, &current.id, named(&code, counterpart)).await {
            Err(error) if self.lost_its_key(&error, &code).await? => {
                self.patch(operation, &current.id, named(&self.key().await?, counterpart)).await
            }
            written => written,
        }
    }

    /// The person stays in the bin for thirty days.
    async fn delete(&self, id: &RecordId) -> StoreResult<()> {
        or_absent(self.bin(id).await)
    }

    /// Pipedrive has no erasure: the person's values are overwritten, and what is left goes into the bin. One that lies there already
    /// cannot be written to.
    async fn erase(&self, id: &RecordId) -> StoreResult<()> {
        let definitions = self.definitions().await?;
        let custom: Map<String, Json> = definitions.custom().map(|field| (field.code.clone(), Json::Null)).collect();
        let mut body =
            Map::from_iter([("name".to_owned(), ERASED.into()), ("emails".to_owned(), json!([])), ("phones".to_owned(), json!([]))]);
        if !custom.is_empty() {
            body.insert("custom_fields".to_owned(), custom.into());
        }
        or_absent(self.patch(&format!("pipedrive erase {id}"), id, body).await.map(drop))?;
        self.delete(id).await
    }

    async fn merge(&self, winner: &Contact, loser: &RecordId) -> StoreResult<Contact> {
        match self.merge_persons(&winner.id, loser).await {
            Err(error) if error.kind.is_transient() => return Err(error),
            // A merge whose reply was lost is refused when it is repeated.
            Err(error) if self.read(loser).await?.is_some() => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let lost = |kind| StoreError::new(kind, format!("pipedrive merge {loser} into {}", winner.id));
        match self.read(&winner.id).await {
            Ok(Some(merged)) => Ok(merged),
            Ok(None) => Err(lost(ErrorKind::NotFound)),
            // It was carried out, so this must not pass for one that was not.
            Err(error) => Err(lost(ErrorKind::Unavailable).caused_by(error)),
        }
    }

    async fn history(&self, id: &RecordId, field: &Field, _since: &Revision) -> StoreResult<Vec<PastValue>> {
        Err(StoreError::new(ErrorKind::Unsupported, format!("pipedrive history {id} {field}")))
    }

    async fn schema(&self) -> StoreResult<Vec<FieldSpec>> {
        Ok(self.definitions().await?.specs())
    }

    /// Only custom fields can be deleted.
    async fn lacks(&self, fields: &[Field]) -> StoreResult<Vec<Field>> {
        let mut lacking: Vec<Field> = fields.iter().filter(|field| !is_standard(field.as_str())).cloned().collect();
        if !lacking.is_empty() {
            let definitions = self.definitions().await?;
            lacking.retain(|field| definitions.find(field.as_str()).is_none());
        }
        Ok(lacking)
    }

    async fn set_up(&self) -> StoreResult<String> {
        let missing = self.definitions().await?.missing(&self.settings.fields);
        for (name, kind) in &missing {
            self.create_field(name, kind).await?;
        }
        if !missing.is_empty() {
            self.definitions().await?;
        }
        self.key().await
    }
}

impl Client {
    async fn create_once(&self, operation: &str, draft: &Draft, (counterpart, code): &(RecordId, String)) -> StoreResult<Contact> {
        let patch: Patch = draft.fields.iter().map(|(field, value)| (field.clone(), Some(value.clone()))).collect();
        let definitions = self.definitions_with(|known| known.unknown_labels(&patch)).await?;
        let mut body = Base::new().body(&patch, &definitions).map_err(|fields| invalid(operation, fields))?;
        let custom = body.entry("custom_fields").or_insert_with(|| json!({}));
        if let Some(custom) = custom.as_object_mut() {
            custom.insert(code.clone(), counterpart.as_str().into());
        }
        self.post(operation, body).await
    }

    /// Returns the key of the field that holds the Wix contact's id; makes the field if it is gone, as without it nobody new could be made.
    async fn key(&self) -> StoreResult<String> {
        let code = |definitions: &Definitions| definitions.find(COUNTERPART).map(|field| field.code.clone());
        if let Some(code) = code(self.known_definitions().await?.as_ref()) {
            return Ok(code);
        }
        if let Some(code) = code(self.definitions().await?.as_ref()) {
            return Ok(code);
        }
        self.create_field(COUNTERPART, "varchar").await?;
        let missing = || StoreError::new(ErrorKind::Unavailable, "pipedrive find the field just made");
        code(self.definitions().await?.as_ref()).ok_or_else(missing)
    }

    /// Tells whether a refusal came of the field that holds the Wix contact's id, because somebody deleted it.
    async fn lost_its_key(&self, refusal: &StoreError, code: &str) -> StoreResult<bool> {
        if !matches!(refusal.kind, ErrorKind::Invalid(_)) {
            return Ok(false);
        }
        Ok(self.definitions().await?.find(COUNTERPART).is_none_or(|field| field.code != code))
    }
}

fn named(code: &str, counterpart: &RecordId) -> Map<String, Json> {
    Map::from_iter([("custom_fields".to_owned(), json!({ code: counterpart }))])
}

fn or_absent(outcome: StoreResult<()>) -> StoreResult<()> {
    match outcome {
        Err(StoreError { kind: ErrorKind::NotFound, .. }) => Ok(()),
        outcome => outcome,
    }
}
