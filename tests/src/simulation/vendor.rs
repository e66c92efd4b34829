//! A vendor as the flows see it: ids, versions, uniqueness, normalisation, lag and failures, without HTTP.

use async_trait::async_trait;
use contact_bridge::{
    model::{
        contact::{Contact, Found, MatchKey},
        entity::Entity,
        event::{EventKind, FieldChange},
        field::{Field, FieldSpec, Fields, Patch, Value},
        ids::{RecordId, Revision, Side},
        normal,
    },
    ports::{ContactStore, Draft, ErrorKind, PastValue, StoreError, StoreResult},
};
use jiff::Timestamp;
use serde_json::json;

use super::{
    edits::{EditId, token},
    executor::point,
    plants::Plant,
    world::{Record, Shared, World, lock},
};

/// Who changes a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A person.
    Person,
    /// The bridge.
    Bridge,
}

/// One vendor of one world, as a port.
pub struct SimulatedVendor {
    /// The world.
    pub world: Shared,
    /// Which of its vendors.
    pub side: Side,
    /// The planted bug, if any.
    pub plant: Plant,
}

/// Returns a record in the form Wix encloses in events.
#[must_use]
pub fn enclose(id: &RecordId, record: &Record) -> serde_json::Value {
    json!({ "id": id, "counter": record.counter, "fields": record.fields, "counterpart": record.counterpart })
}

fn contact(side: Side, id: &RecordId, record: &Record) -> Contact {
    Contact {
        id: id.clone(),
        revision: World::revision(side, record),
        created_at: Timestamp::from_millisecond(record.created).ok(),
        updated_at: Timestamp::from_millisecond(record.updated).ok(),
        counterpart: record.counterpart.clone(),
        fields: record.fields.clone(),
        native: serde_json::Value::Null,
    }
}

/// What a vendor makes of a value: the CRM lower-cases e-mails and last names, and trims.
fn normalise(side: Side, field: &Field, value: Value) -> Value {
    match (side, field.as_str(), value) {
        (Side::External, "email" | "lastname", Value::Text(text)) => Value::Text(text.trim().to_lowercase()),
        (Side::External, _, Value::Text(text)) => Value::Text(text.trim().to_owned()),
        (_, _, value) => value,
    }
}

/// Returns what the trace tells of values: where they come from.
fn tokens<'a>(fields: impl Iterator<Item = (&'a Field, Option<&'a Value>)>) -> impl Iterator<Item = (String, Option<EditId>)> {
    fields.map(|(field, value)| (field.to_string(), value.and_then(token)))
}

/// Returns the field that holds the e-mail on either side.
fn email_of(fields: &Fields) -> Option<String> {
    fields.get(&Field::from("email")).and_then(Value::as_text).map(normal::email)
}

impl World {
    /// Returns the record that holds an e-mail already.
    #[must_use]
    pub fn holder(&self, side: Side, fields: &Fields, but: Option<&RecordId>) -> Option<RecordId> {
        let email = email_of(fields)?;
        let vendor = self.sides.of(side);
        let holds =
            |(id, record): &(&RecordId, &Record)| !record.deleted && Some(*id) != but && email_of(&record.fields).as_ref() == Some(&email);
        vendor.records.iter().find(holds).map(|(id, _)| id.clone())
    }

    /// Makes a record and raises its event.
    pub fn insert(&mut self, side: Side, actor: Actor, fields: &Fields, counterpart: Option<&RecordId>) -> RecordId {
        let now = self.now;
        let vendor = self.sides.of_mut(side);
        vendor.ids += 1;
        let id = RecordId::new(format!("{}{}", side.name().chars().next().unwrap_or('?'), vendor.ids));
        let fields: Fields = fields.iter().map(|(field, value)| (field.clone(), normalise(side, field, value.clone()))).collect();
        let values: Vec<_> = tokens(fields.iter().map(|(field, value)| (field, Some(value)))).collect();
        let past = fields.iter().map(|(field, value)| (field.clone(), Some(value.clone()), now, actor == Actor::Bridge)).collect();
        let record = Record {
            fields,
            counter: 1,
            created: now,
            updated: now,
            counterpart: counterpart.cloned(),
            deleted: false,
            past,
            made_for: counterpart.filter(|_| actor == Actor::Bridge).cloned(),
        };
        vendor.records.insert(id.clone(), record);
        self.count_write(side, actor);
        self.trace((actor, "insert", side, id.as_str(), counterpart.map(RecordId::as_str), values));
        self.raise(side, &id, EventKind::Created);
        id
    }

    /// Changes a record and raises its event; an equal value changes nothing.
    pub fn change(&mut self, side: Side, actor: Actor, id: &RecordId, patch: &Patch) {
        self.now += 1;
        let now = self.now;
        let Some(record) = self.sides.of_mut(side).records.get_mut(id) else { return };
        let mut changes = Vec::new();
        for (field, value) in patch {
            let value = value.clone().map(|value| normalise(side, field, value));
            if record.fields.get(field) == value.as_ref() {
                continue;
            }
            record.past.push((field.clone(), value.clone(), now, actor == Actor::Bridge));
            changes.push(FieldChange {
                field: field.as_str().to_owned(),
                at: Timestamp::from_millisecond(now).unwrap_or_default(),
                ours: false,
            });
            match value {
                Some(value) => record.fields.insert(field.clone(), value),
                None => record.fields.remove(field),
            };
        }
        if changes.is_empty() && side == Side::External {
            return;
        }
        record.counter += 1;
        record.updated = now;
        self.count_write(side, actor);
        let changes = if side == Side::External { changes } else { Vec::new() };
        let values: Vec<_> = tokens(patch.iter().map(|(field, value)| (field, value.as_ref()))).collect();
        self.trace((actor, "change", side, id.as_str(), values));
        self.raise(side, id, EventKind::Updated { changes });
    }

    /// Deletes a record and raises its event.
    pub fn remove(&mut self, side: Side, id: &RecordId, kind: EventKind) {
        if let Some(record) = self.sides.of_mut(side).records.get_mut(id) {
            record.deleted = true;
            record.updated = self.now;
        }
        self.trace(("remove", side, id.as_str()));
        self.raise(side, id, kind);
    }

    /// Merges one record into another, as both vendors do: empty fields are filled, lists joined; the loser's id leads to the winner.
    pub fn unite(&mut self, side: Side, winner: &RecordId, loser: &RecordId) {
        self.now += 1;
        let now = self.now;
        let Some(lost) = self.sides.of(side).present(loser).cloned() else { return };
        if let Some(record) = self.sides.of_mut(side).records.get_mut(winner) {
            for (field, value) in lost.fields {
                let merged = match (record.fields.get(&field), &value) {
                    (Some(Value::List(own)), Value::List(other)) => {
                        let new = other.iter().filter(|item| !own.contains(item)).cloned();
                        Some(Value::List(own.iter().cloned().chain(new).collect()))
                    }
                    (Some(_), _) => None,
                    (None, _) => Some(value),
                };
                if let Some(value) = merged {
                    record.past.push((field.clone(), Some(value.clone()), now, false));
                    record.fields.insert(field, value);
                }
            }
            record.counter += 1;
            record.updated = now;
        }
        let vendor = self.sides.of_mut(side);
        if let Some(record) = vendor.records.get_mut(loser) {
            record.deleted = true;
        }
        vendor.merged.insert(loser.clone(), winner.clone());
        self.trace(("merge", side, winner.as_str(), loser.as_str()));
        self.raise(side, winner, EventKind::Merged { from: vec![loser.clone()] });
        if side == Side::Wix {
            self.raise(side, winner, EventKind::Updated { changes: Vec::new() });
            self.raise(side, loser, EventKind::Deleted { by_merge: true });
        }
    }
}

impl World {
    fn count_write(&mut self, side: Side, actor: Actor) {
        self.sides.of_mut(side).writes += u32::from(actor == Actor::Bridge);
    }
}

impl SimulatedVendor {
    /// Begins a call: an await point, and perhaps a failure.
    async fn begin(&self, operation: &str) -> StoreResult<()> {
        point().await;
        let mut world = lock(&self.world);
        world.now += 1;
        let failure = world.draw_failure();
        world.trace((operation, self.side, failure.as_ref().map(ErrorKind::name)));
        failure.map_or(Ok(()), |kind| Err(StoreError::new(kind, operation)))
    }

    /// Ends a write: perhaps its reply is lost.
    async fn end_write<T>(&self, operation: &str, result: StoreResult<T>) -> StoreResult<T> {
        point().await;
        let mut world = lock(&self.world);
        let percent = world.chaos.lost_replies;
        let lost = world.chance(percent);
        world.trace((operation, self.side, "answers", lost, result.as_ref().err().map(|error| error.kind.name())));
        if lost { Err(StoreError::new(ErrorKind::Unavailable, operation)) } else { result }
    }

    fn error<T>(operation: &str, kind: ErrorKind) -> StoreResult<T> {
        Err(StoreError::new(kind, operation))
    }

    fn read(&self, id: &RecordId) -> Found {
        let world = lock(&self.world);
        let vendor = world.sides.of(self.side);
        if let Some(record) = vendor.present(id) {
            return Found::Present(contact(self.side, id, record));
        }
        let winner = vendor.surviving(id);
        match vendor.present(winner) {
            Some(record) if winner != id && self.plant != Plant::MergeReadsAsDelete => Found::Merged(contact(self.side, winner, record)),
            _ => Found::Absent,
        }
    }

    fn do_create(&self, draft: &Draft) -> StoreResult<Contact> {
        let mut world = lock(&self.world);
        let own_key =
            world.sides.of(self.side).records.iter().find(|(_, r)| !r.deleted && r.counterpart.as_ref() == Some(&draft.counterpart));
        let own_key = own_key.map(|(id, record)| contact(self.side, id, record));
        match own_key {
            Some(made) if self.side == Side::External && self.plant != Plant::CreateIsNotIdempotent => return Ok(made),
            _ => {}
        }
        if let Some(holder) = world.holder(self.side, &draft.fields, None)
            && self.plant != Plant::CreateIsNotIdempotent
        {
            return Self::error("create", ErrorKind::Exists(Some(holder)));
        }
        let id = world.insert(self.side, Actor::Bridge, &draft.fields, Some(&draft.counterpart));
        let vendor = world.sides.of(self.side);
        vendor.present(&id).map_or_else(|| Self::error("create", ErrorKind::Garbled), |record| Ok(contact(self.side, &id, record)))
    }

    fn do_update(&self, current: &Contact, patch: &Patch) -> StoreResult<Contact> {
        let mut world = lock(&self.world);
        let Some(record) = world.sides.of(self.side).present(&current.id).cloned() else {
            return Self::error("update", ErrorKind::NotFound);
        };
        let stale = self.side == Side::Wix && World::revision(self.side, &record) != current.revision;
        if stale && self.plant != Plant::WritesWithoutRevision {
            return Self::error("update", ErrorKind::Stale);
        }
        let mut wanted = record.fields.clone();
        for (field, value) in patch {
            match value {
                Some(value) => wanted.insert(field.clone(), value.clone()),
                None => wanted.remove(field),
            };
        }
        if patch.contains_key(&Field::from("email")) && world.holder(self.side, &wanted, Some(&current.id)).is_some() {
            return Self::error("update", ErrorKind::Exists(None));
        }
        world.change(self.side, Actor::Bridge, &current.id, patch);
        let vendor = world.sides.of(self.side);
        let Some(record) = vendor.present(&current.id) else { return Self::error("update", ErrorKind::Garbled) };
        let mut returned = contact(self.side, &current.id, record);
        if self.plant == Plant::BaseIsWhatWasSent {
            returned.fields.extend(patch.iter().filter_map(|(field, value)| value.clone().map(|value| (field.clone(), value))));
        }
        Ok(returned)
    }

    fn matches(key: &MatchKey, fields: &Fields) -> bool {
        match key {
            MatchKey::Email(email) => email_of(fields).as_ref() == Some(email),
            MatchKey::Phone(phone) => {
                let own = fields.get(&Field::from("phone")).and_then(Value::as_text);
                own.is_some_and(|own| normal::phone(own, Some("US")) == *phone)
            }
        }
    }
}

#[async_trait]
impl ContactStore for SimulatedVendor {
    async fn get(&self, id: &RecordId) -> StoreResult<Found> {
        match self.begin("get").await {
            Err(_) if self.plant == Plant::FailureReadsAsAbsence => return Ok(Found::Absent),
            result => result?,
        }
        let found = self.read(id);
        point().await;
        Ok(found)
    }

    fn enclosed(&self, entity: &Entity) -> Option<Contact> {
        let entity: serde_json::Value = entity.read()?;
        Some(Contact {
            id: serde_json::from_value(entity.get("id")?.clone()).ok()?,
            revision: Some(Revision::new(entity.get("counter")?.as_u64()?.to_string())),
            created_at: None,
            updated_at: None,
            counterpart: serde_json::from_value(entity.get("counterpart")?.clone()).ok()?,
            fields: serde_json::from_value(entity.get("fields")?.clone()).ok()?,
            native: serde_json::Value::Null,
        })
    }

    async fn find(&self, key: &MatchKey) -> StoreResult<Vec<Contact>> {
        self.begin("find").await?;
        let found = {
            let world = lock(&self.world);
            let seen = world.now - world.chaos.lag;
            let records = world.sides.of(self.side).records.iter();
            let found = records.filter(|(_, record)| !record.deleted && record.updated <= seen && Self::matches(key, &record.fields));
            found.take(10).map(|(id, record)| contact(self.side, id, record)).collect()
        };
        point().await;
        Ok(found)
    }

    async fn find_counterpart(&self, counterpart: &RecordId) -> StoreResult<Option<Contact>> {
        self.begin("find_counterpart").await?;
        if self.plant == Plant::NoLookForHalfMade {
            return Ok(None);
        }
        let world = lock(&self.world);
        let seen = if self.side == Side::Wix { world.now - world.chaos.lag } else { world.now };
        let mut records = world.sides.of(self.side).records.iter();
        let found =
            records.find(|(_, record)| !record.deleted && record.updated <= seen && record.counterpart.as_ref() == Some(counterpart));
        Ok(found.map(|(id, record)| contact(self.side, id, record)))
    }

    async fn create(&self, draft: &Draft) -> StoreResult<Contact> {
        self.begin("create").await?;
        let result = self.do_create(draft);
        self.end_write("create", result).await
    }

    async fn update(&self, current: &Contact, patch: &Patch) -> StoreResult<Contact> {
        self.begin("update").await?;
        let result = self.do_update(current, patch);
        self.end_write("update", result).await
    }

    async fn set_counterpart(&self, current: &Contact, counterpart: &RecordId) -> StoreResult<Contact> {
        self.begin("set_counterpart").await?;
        let result = {
            let mut world = lock(&self.world);
            let now = world.now;
            match world.sides.of_mut(self.side).records.get_mut(&current.id) {
                Some(record) if self.side == Side::Wix && World::revision(self.side, record) != current.revision => {
                    Self::error("set_counterpart", ErrorKind::Stale)
                }
                Some(record) if !record.deleted => {
                    record.counterpart.get_or_insert_with(|| counterpart.clone());
                    record.counter += 1;
                    record.updated = now;
                    let returned = contact(self.side, &current.id, record);
                    world.raise(self.side, &current.id, EventKind::Updated { changes: Vec::new() });
                    Ok(returned)
                }
                _ => Self::error("set_counterpart", ErrorKind::NotFound),
            }
        };
        point().await;
        result
    }

    async fn delete(&self, id: &RecordId) -> StoreResult<()> {
        self.begin("delete").await?;
        {
            let mut world = lock(&self.world);
            if world.sides.of(self.side).present(id).is_some() {
                world.sides.of_mut(self.side).deleted_by_bridge.insert(id.clone());
                world.count_write(self.side, Actor::Bridge);
                world.remove(self.side, id, EventKind::Deleted { by_merge: false });
            }
        }
        self.end_write("delete", Ok(())).await
    }

    async fn erase(&self, id: &RecordId) -> StoreResult<()> {
        self.begin("erase").await?;
        {
            let mut world = lock(&self.world);
            if world.sides.of(self.side).present(id).is_some() {
                world.sides.of_mut(self.side).deleted_by_bridge.insert(id.clone());
                world.count_write(self.side, Actor::Bridge);
                world.sides.of_mut(self.side).erased.insert(id.clone());
                world.remove(self.side, id, EventKind::Erased);
            }
        }
        self.end_write("erase", Ok(())).await
    }

    async fn merge(&self, winner: &Contact, loser: &RecordId) -> StoreResult<Contact> {
        self.begin("merge").await?;
        let result = {
            let mut world = lock(&self.world);
            let vendor = world.sides.of(self.side);
            match (vendor.present(&winner.id), vendor.present(loser)) {
                (Some(record), Some(_)) if self.side == Side::Wix && World::revision(self.side, record) != winner.revision => {
                    Self::error("merge", ErrorKind::Stale)
                }
                (Some(_), Some(_)) if winner.id != *loser => {
                    world.count_write(self.side, Actor::Bridge);
                    world.unite(self.side, &winner.id, loser);
                    let record = world.sides.of(self.side).present(&winner.id).cloned();
                    record.map_or_else(|| Self::error("merge", ErrorKind::Garbled), |record| Ok(contact(self.side, &winner.id, &record)))
                }
                _ => Self::error("merge", ErrorKind::NotFound),
            }
        };
        self.end_write("merge", result).await
    }

    async fn history(&self, id: &RecordId, field: &Field, since: &Revision) -> StoreResult<Vec<PastValue>> {
        self.begin("history").await?;
        if self.side == Side::Wix || self.plant == Plant::NoHistory {
            return Self::error("history", ErrorKind::Unsupported);
        }
        let since = since.instant().map_or(i64::MIN, Timestamp::as_millisecond);
        let world = lock(&self.world);
        let record = world.sides.of(self.side).records.get(id);
        let past = record.map(|record| record.past.clone()).unwrap_or_default();
        let past = past.into_iter().filter(|(own, _, at, _)| own == field && *at >= since);
        Ok(past.map(|(_, value, at, ours)| PastValue { value, at: Timestamp::from_millisecond(at).unwrap_or_default(), ours }).collect())
    }

    async fn schema(&self) -> StoreResult<Vec<FieldSpec>> {
        Ok(Vec::new())
    }

    async fn lacks(&self, _fields: &[Field]) -> StoreResult<Vec<Field>> {
        Ok(Vec::new())
    }

    async fn set_up(&self) -> StoreResult<String> {
        Ok("counterpart".to_owned())
    }
}
