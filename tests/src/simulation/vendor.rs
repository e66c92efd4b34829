//! A vendor as the flows see it, without HTTP: conditions, refusals, lag, failures and lost replies.

use async_trait::async_trait;
use contact_bridge::{
    model::{
        contact::{Contact, Found, MatchKey},
        entity::Entity,
        event::EventKind,
        field::{Field, FieldSpec, Fields, Patch, Value},
        ids::{RecordId, Revision, Side},
        normal,
    },
    ports::{ContactStore, Draft, ErrorKind, KnownBy, PastValue, StoreError, StoreResult},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::{
    edits::token,
    executor::point,
    plants::Plant,
    records::{Actor, email_of},
    world::{Record, Shared, World, lock},
};

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

pub(super) fn contact(side: Side, id: &RecordId, record: &Record) -> Contact {
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

    /// A value that the CRM does not take from the bridge, whatever people may type there.
    fn refused<'a>(&self, world: &World, mut values: impl Iterator<Item = (&'a Field, Option<&'a Value>)>) -> Option<ErrorKind> {
        let refuses = world.refusals.values && self.side == Side::External;
        let odd = |value: &Value| token(value).is_some_and(|id| id % 11 == 0);
        let refused = values.find(|(field, value)| refuses && field.as_str() == "company" && value.is_some_and(odd));
        refused.map(|(field, _)| ErrorKind::Invalid(vec![field.clone()]))
    }

    /// Some contacts belong to members, who can neither be deleted nor merged into others.
    fn is_member(&self, world: &World, id: &RecordId) -> bool {
        world.refusals.members && self.side == Side::Wix && id.as_str().ends_with(['2', '7'])
    }

    fn do_create(&self, draft: &Draft) -> StoreResult<Contact> {
        let mut world = lock(&self.world);
        if let Some(refusal) = self.refused(&world, draft.fields.iter().map(|(field, value)| (field, Some(value)))) {
            return Self::error("create", refusal);
        }
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
        if let Some(refusal) = self.refused(&world, patch.iter().map(|(field, value)| (field, value.as_ref()))) {
            return Self::error("update", refusal);
        }
        world.saw_update(self.side, current, patch);
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
        if lock(&self.world).refusals.unreadable.as_ref() == Some(&(self.side, id.clone())) {
            return Self::error("get", ErrorKind::Corrupt);
        }
        let found = self.read(id);
        point().await;
        Ok(found)
    }

    fn enclosed(&self, entity: &Entity) -> Option<Contact> {
        let entity: serde_json::Value = entity.read()?;
        let mut contact = Contact {
            id: RecordId::deserialize(entity.get("id")?).ok()?,
            revision: Some(Revision::new(entity.get("counter")?.as_u64()?.to_string())),
            created_at: None,
            updated_at: None,
            counterpart: Option::deserialize(entity.get("counterpart")?).ok()?,
            fields: Fields::deserialize(entity.get("fields")?).ok()?,
            native: serde_json::Value::Null,
        };
        if self.plant == Plant::EnclosesTheLatest {
            contact.fields = lock(&self.world).sides.of(self.side).present(&contact.id)?.fields.clone();
        }
        Some(contact)
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
                    if self.side == Side::External || record.counterpart.is_none() {
                        record.counterpart = Some(counterpart.clone());
                    }
                    record.counter += 1;
                    record.updated = now;
                    let returned = contact(self.side, &current.id, record);
                    world.raise(self.side, &current.id, EventKind::Updated { changes: Vec::new() });
                    Ok(returned)
                }
                _ => Self::error("set_counterpart", ErrorKind::NotFound),
            }
        };
        self.end_write("set_counterpart", result).await
    }

    async fn delete(&self, id: &RecordId) -> StoreResult<()> {
        self.begin("delete").await?;
        {
            let mut world = lock(&self.world);
            if world.sides.of(self.side).present(id).is_some() {
                if self.is_member(&world, id) {
                    return Self::error("delete", ErrorKind::Forbidden);
                }
                world.saw_delete(self.side, id);
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
                if self.is_member(&world, id) {
                    return Self::error("erase", ErrorKind::Forbidden);
                }
                world.saw_erasure(self.side, id);
                world.sides.of_mut(self.side).deleted_by_bridge.insert(id.clone());
                world.count_write(self.side, Actor::Bridge);
                world.sides.of_mut(self.side).erased.insert(id.clone(), None);
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
                (Some(_), Some(_)) if self.is_member(&world, loser) => Self::error("merge", ErrorKind::Forbidden),
                (Some(_), Some(_)) if winner.id != *loser => {
                    world.saw_merge(self.side, &winner.id, loser);
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
        let past = record.iter().flat_map(|record| &record.past).filter(|(own, _, at, _)| own == field && *at >= since);
        let past = past.map(|(_, value, at, ours)| PastValue {
            value: value.clone(),
            at: Timestamp::from_millisecond(*at).unwrap_or_default(),
            ours: *ours,
        });
        let mut past: Vec<_> = past.collect();
        if self.plant == Plant::HistoryTakesAllForOurs && past.last().is_some_and(|last| last.ours) {
            past.iter_mut().skip_while(|past| !past.ours).for_each(|past| past.ours = true);
        }
        Ok(past)
    }

    /// Everything is mapped.
    fn known_by(&self) -> KnownBy {
        KnownBy::default()
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
