//! The CRM as exports write to it: rows that land, rows that do not, and batches whose answer is lost.

use std::collections::BTreeMap;

use async_trait::async_trait;
use contact_bridge::{
    model::{
        contact::{Contact, MatchKey},
        field::{Field, Value},
        ids::{RecordId, Side},
        normal,
    },
    ports::{Draft, ErrorKind, Row, StoreError, StoreResult, Upload, Whose},
};
use rand::Rng;

use super::{
    super::{
        edits::token,
        records::{Actor, email_of},
        vendor,
        world::{World, lock},
    },
    Plant,
    listing::Reader,
};

/// What a search shows at most.
const MOST_FOUND: usize = 10;

fn error<T>(kind: ErrorKind) -> StoreResult<T> {
    Err(StoreError::new(kind, "upload"))
}

/// Tells whether the CRM refuses a contact for good.
#[must_use]
pub fn is_refused(email: Option<&str>) -> bool {
    email.is_some_and(|email| email.contains("poison"))
}

/// Tells whether the CRM refuses a value for good.
fn refused_field(world: &World, draft: &Draft) -> Option<Field> {
    let company = Field::from("company");
    let odd = draft.fields.get(&company).and_then(token).is_some_and(|id| id % 11 == 0);
    (world.refusals.values && odd).then_some(company)
}

impl Reader {
    fn found(key: &MatchKey, all: &[Contact]) -> Vec<Contact> {
        let phone = |contact: &Contact| Some(normal::phone(contact.get(&Field::from("phone"))?.as_text()?, Some("US")));
        let has = |contact: &&Contact| match key {
            MatchKey::Email(email) => email_of(&contact.fields).as_ref() == Some(email),
            MatchKey::Phone(wanted) => phone(contact).as_ref() == Some(wanted),
        };
        let mut found: Vec<Contact> = all.iter().filter(has).cloned().collect();
        found.sort_by_key(|contact| contact.created_at);
        found.truncate(MOST_FOUND);
        found
    }

    fn searched(&self) -> Vec<Contact> {
        self.stage.observe();
        let now = self.stage.now();
        let books = self.stage.books();
        books.indexes.external.shown(now).map(|(id, record)| vendor::contact(Side::External, id, record)).collect()
    }

    /// One row lands, or does not.
    fn upload_row(&self, world: &mut World, draft: &Draft) -> StoreResult<Contact> {
        if is_refused(email_of(&draft.fields).as_deref()) {
            return error(ErrorKind::Invalid(Vec::new()));
        }
        if let Some(field) = refused_field(world, draft) {
            return error(ErrorKind::Invalid(vec![field]));
        }
        let fails = world.chance(self.stage.habits().failing_rows);
        if fails && world.chance(50) {
            return error(ErrorKind::Unavailable);
        }
        let made = self.insert(world, draft);
        if fails { error(ErrorKind::Garbled) } else { made }
    }

    /// A record that names the contact is written again; there is one of an address.
    fn insert(&self, world: &mut World, draft: &Draft) -> StoreResult<Contact> {
        let names = |record: &super::super::world::Record| !record.deleted && record.counterpart.as_ref() == Some(&draft.counterpart);
        let known = world.sides.external.records.iter().find(|(_, record)| names(record)).map(|(id, _)| id.clone());
        let known = known.filter(|_| self.stage.plant != Plant::UploadsTwice);
        if let Some(holder) =
            world.holder(Side::External, &draft.fields, known.as_ref()).filter(|_| self.stage.plant != Plant::UploadsTwice)
        {
            return error(ErrorKind::Exists(world.chance(50).then_some(holder)));
        }
        let id = if let Some(known) = known {
            let patch = draft.fields.iter().map(|(field, value)| (field.clone(), Some(value.clone()))).collect();
            world.change(Side::External, Actor::Bridge, &known, &patch);
            known
        } else {
            world.insert(Side::External, Actor::Bridge, &draft.fields, Some(&draft.counterpart))
        };
        let record = world.sides.external.present(&id);
        record.map_or_else(|| error(ErrorKind::Garbled), |record| Ok(vendor::contact(Side::External, &id, record)))
    }

    /// Some records break every batch they are in.
    fn breaks(&self, draft: &Draft) -> bool {
        let number = draft.fields.get(&Field::from("firstname")).and_then(Value::as_text).map_or(0, str::len);
        self.stage.habits().breakers
            && (number + draft.counterpart.as_str().len()).is_multiple_of(3)
            && draft.counterpart.as_str().ends_with('3')
    }
}

#[async_trait]
impl Upload for Reader {
    fn most_rows(&self) -> usize {
        self.stage.habits().batch
    }

    async fn count(&self, whose: Whose) -> StoreResult<u64> {
        self.begin("count").await?;
        let is_own = |contact: &&Contact| contact.counterpart.is_some() == (whose == Whose::Named);
        Ok(self.searched().iter().filter(is_own).count() as u64)
    }

    async fn find_many(&self, keys: &[MatchKey]) -> StoreResult<BTreeMap<MatchKey, Vec<Contact>>> {
        if keys.is_empty() {
            return Ok(BTreeMap::new());
        }
        self.begin("find many").await?;
        let all = self.searched();
        let found: BTreeMap<_, _> =
            keys.iter().map(|key| (key.clone(), Self::found(key, &all))).filter(|(_, found)| !found.is_empty()).collect();
        self.stage.point().await;
        Ok(found)
    }

    async fn named(&self, counterparts: &[RecordId]) -> StoreResult<Vec<RecordId>> {
        self.begin("named").await?;
        let named = {
            let world = lock(&self.stage.world);
            let records = world.sides.external.records.values().filter(|record| !record.deleted);
            records.filter_map(|record| record.counterpart.clone()).filter(|id| counterparts.contains(id)).collect()
        };
        self.stage.point().await;
        Ok(named)
    }

    async fn upload(&self, drafts: &[Draft]) -> StoreResult<Vec<Row>> {
        self.begin("upload").await?;
        if drafts.iter().any(|draft| self.breaks(draft)) {
            return error(ErrorKind::Unavailable);
        }
        let (mut rows, is_lost) = {
            let mut world = lock(&self.stage.world);
            let lost_replies = world.chaos.lost_replies;
            let is_lost = world.chance(lost_replies);
            // Of a batch whose answer is lost, some may have landed.
            let landed = if is_lost { world.rng.random_range(0..=drafts.len()) } else { drafts.len() };
            let rows: Vec<Row> =
                drafts.iter().take(landed).map(|draft| (draft.counterpart.clone(), self.upload_row(&mut world, draft))).collect();
            let told: Vec<_> = rows.iter().map(|(id, row)| (id.as_str(), row.as_ref().err().map(|error| error.kind.name()))).collect();
            world.trace(("uploaded", is_lost, told));
            (rows, is_lost)
        };
        for (id, _) in rows.iter().filter(|(_, row)| row.as_ref().is_err_and(|error| error.kind == ErrorKind::Invalid(Vec::new()))) {
            *self.stage.books().witness.refused.entry(id.clone()).or_default() += 1;
        }
        self.stage.point().await;
        if is_lost {
            return error(ErrorKind::Unavailable);
        }
        if self.stage.plant == Plant::ForgetsRefusedRows {
            rows.retain(|(_, row)| row.is_ok());
        }
        Ok(rows)
    }
}
