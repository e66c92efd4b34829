//! A portal's contacts as a side of the bridge.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use super::{
    Client,
    client::{invalid, specs},
    contact::{found, from_patch, has_swallowed, with_primary_apart},
    find::PHONES,
    property::{COUNTERPART, LABELS, MORE_EMAILS, Property, Shape, Shapes, read},
    wire::Version,
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

/// What people see of the property that holds the Wix contact's id.
const COUNTERPART_LABEL: &str = "Wix contact ID";

#[async_trait]
impl ContactStore for Client {
    async fn get(&self, id: &RecordId) -> StoreResult<Found> {
        Ok(self.read(id.as_str(), None).await?.map_or(Found::Absent, |contact| found(id, contact)))
    }

    /// HubSpot's events hold single properties, never a record.
    /// <https://developers.hubspot.com/docs/api-reference/webhooks-webhooks-v3/guide>
    fn enclosed(&self, _entity: &Entity) -> Option<Contact> {
        None
    }

    fn known_by(&self) -> KnownBy {
        KnownBy { emails: &["email", MORE_EMAILS], phones: &PHONES }
    }

    async fn find(&self, key: &MatchKey) -> StoreResult<Vec<Contact>> {
        match key {
            MatchKey::Email(text) => self.find_by_email(text).await,
            MatchKey::Phone(text) => self.find_by_phone(text).await,
        }
    }

    async fn find_counterpart(&self, counterpart: &RecordId) -> StoreResult<Option<Contact>> {
        match self.read(counterpart.as_str(), Some(COUNTERPART)).await {
            Err(error) if self.lost_its_key(&error).await? => Ok(None),
            found => found,
        }
    }

    /// An upsert on the unique property: when the reply to it is lost it can be repeated and makes no second record.
    async fn create(&self, draft: &Draft) -> StoreResult<Contact> {
        match self.create_once(draft).await {
            Err(error) if self.lost_its_key(&error).await? => self.create_once(draft).await,
            made => made,
        }
    }

    async fn update(&self, current: &Contact, patch: &Patch) -> StoreResult<Contact> {
        let operation = format!("hubspot update {}", current.id);
        let properties = from_patch(&with_primary_apart(current, patch)).map_err(|fields| invalid(&operation, fields))?;
        if properties.is_empty() { Ok(current.clone()) } else { self.patch(&operation, &current.id, properties).await }
    }

    async fn set_counterpart(&self, current: &Contact, counterpart: &RecordId) -> StoreResult<Contact> {
        if current.counterpart.as_ref() == Some(counterpart) {
            return Ok(current.clone());
        }
        let operation = format!("hubspot set counterpart {}", current.id);
        let properties = Map::from_iter([(COUNTERPART.to_owned(), counterpart.as_str().into())]);
        match self.patch(&operation, &current.id, properties.clone()).await {
            Err(error) if self.lost_its_key(&error).await? => self.patch(&operation, &current.id, properties).await,
            written => written,
        }
    }

    async fn delete(&self, id: &RecordId) -> StoreResult<()> {
        or_absent(self.archive(id).await)
    }

    async fn erase(&self, id: &RecordId) -> StoreResult<()> {
        or_absent(self.gdpr_delete(id).await)
    }

    async fn merge(&self, winner: &Contact, loser: &RecordId) -> StoreResult<Contact> {
        let error = match self.merge_records(&winner.id, loser).await {
            Ok(contact) => return Ok(contact),
            Err(error) if error.kind.is_transient() => return Err(error),
            Err(error) => error,
        };
        // A merge whose reply was lost is refused when it is repeated.
        match self.get(loser).await? {
            Found::Merged(contact) if contact.id == winner.id || has_swallowed(&contact, &winner.id) => Ok(contact),
            _ => Err(error),
        }
    }

    /// HubSpot returns up to the 45 newest values of a contact's property.
    async fn history(&self, id: &RecordId, field: &Field, since: &Revision) -> StoreResult<Vec<PastValue>> {
        let object = self.read_history(id, field.as_str()).await?;
        let since = since.as_str().parse().unwrap_or(Timestamp::MIN);
        let shape = self.shapes().await?.of(field.as_str());
        // No history at all is not a history without changes.
        let operation = || format!("hubspot history {id} {field}");
        let versions = object.properties_with_history.get(field.as_str());
        let versions = versions.ok_or_else(|| StoreError::new(ErrorKind::Unsupported, operation()))?;
        let past: Option<Vec<_>> = versions.iter().map(|version| past_value(version, shape, self.settings.app_id.as_deref())).collect();
        let mut past = past.ok_or_else(|| StoreError::new(ErrorKind::Garbled, operation()))?;
        past.retain(|value| value.at >= since);
        past.sort_by_key(|value| value.at);
        Ok(past)
    }

    async fn schema(&self) -> StoreResult<Vec<FieldSpec>> {
        Ok(specs(&self.properties().await?))
    }

    /// HubSpot's own properties cannot be deleted.
    async fn lacks(&self, fields: &[Field]) -> StoreResult<Vec<Field>> {
        let mut lacking: Vec<Field> = fields.iter().filter(|field| !Shapes::Presumed.has(field.as_str())).cloned().collect();
        if !lacking.is_empty() {
            let present = self.schema().await?;
            lacking.retain(|field| present.iter().all(|spec| spec.field != *field));
        }
        Ok(lacking)
    }

    async fn set_up(&self) -> StoreResult<String> {
        let known = self.properties().await?;
        let counterpart = self.ensure(&known, COUNTERPART, COUNTERPART_LABEL, true).await?;
        if !counterpart.has_unique_value {
            // Whose ever it is: upserts on it are refused, and it cannot be made unique afterwards.
            return Err(StoreError::new(ErrorKind::Exists(None), format!("hubspot set up: {COUNTERPART} is not unique")));
        }
        self.ensure(&known, LABELS, "Wix labels", false).await?;
        Ok(COUNTERPART.to_owned())
    }
}

impl Client {
    /// Finds a text property or makes it.
    /// <https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide#create-unique-identifier-properties>
    async fn create_once(&self, draft: &Draft) -> StoreResult<Contact> {
        let operation = format!("hubspot create for {}", draft.counterpart);
        let mut outcome = self.upsert(&[(draft.counterpart.clone(), draft.fields.clone())]).await?;
        match (outcome.done.pop(), outcome.failed.pop()) {
            (Some((_, contact)), _) => Ok(contact),
            (None, Some((_, error))) => Err(StoreError { operation, ..error }),
            (None, None) => Err(StoreError::new(ErrorKind::Garbled, operation)),
        }
    }

    /// Tells whether a refusal came of the deleted property that holds the Wix contact's id, which is made anew then: without it nobody new
    /// could be created.
    async fn lost_its_key(&self, refusal: &StoreError) -> StoreResult<bool> {
        if !matches!(refusal.kind, ErrorKind::Invalid(_)) {
            return Ok(false);
        }
        let known = self.properties().await?;
        if known.iter().any(|property| property.name == COUNTERPART) {
            return Ok(false);
        }
        self.ensure(&known, COUNTERPART, COUNTERPART_LABEL, true).await?;
        Ok(true)
    }

    async fn ensure(&self, known: &[Property], name: &str, label: &str, unique: bool) -> StoreResult<Property> {
        let named = |properties: &[Property]| properties.iter().find(|property| property.name == name).cloned();
        if let Some(property) = named(known) {
            return Ok(property);
        }
        let mut definition =
            json!({"name": name, "label": label, "type": "string", "fieldType": "text", "groupName": "contactinformation"});
        if unique && let Some(definition) = definition.as_object_mut() {
            definition.insert("hasUniqueValue".to_owned(), true.into());
        }
        match self.create_property(definition).await {
            // Somebody was faster.
            Err(error) if matches!(error.kind, ErrorKind::Exists(_)) => named(&self.properties().await?).ok_or(error),
            outcome => outcome,
        }
    }
}

fn or_absent(outcome: StoreResult<()>) -> StoreResult<()> {
    match outcome {
        Err(StoreError { kind: ErrorKind::NotFound, .. }) => Ok(()),
        outcome => outcome,
    }
}

/// Reads a value of a property's history; `None` if it cannot be understood.
fn past_value(version: &Version, shape: Shape, app_id: Option<&str>) -> Option<PastValue> {
    let at = match &version.timestamp {
        Json::String(text) => text.parse().ok().or_else(|| Timestamp::from_millisecond(text.parse().ok()?).ok())?,
        Json::Number(millis) => Timestamp::from_millisecond(millis.as_i64()?).ok()?,
        _ => return None,
    };
    let by_app = version.source_type.as_deref() == Some("INTEGRATION");
    let ours = by_app && app_id.is_some() && version.source_id.as_deref() == app_id;
    Some(PastValue { value: read(shape, &version.value).ok()?, at, ours })
}
