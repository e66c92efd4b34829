//! A side as contact sync sees it, and as runs see single records of it: the vendor of the other histories, with arrivals that are counted and a clock
//! of its own.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use contact_bridge::{
    adapters::http::Limiter,
    model::{
        contact::{Contact, Found, MatchKey},
        entity::Entity,
        field::{Field, FieldSpec, Kind, Patch},
        ids::{RecordId, Revision, Side},
    },
    ports::{ContactStore, Draft, KnownBy, PastValue, StoreResult},
};

use super::{
    super::{people, vendor::SimulatedVendor},
    listing::by_own_clock,
    stage::Stage,
};

/// One side of a site.
pub struct Counted {
    /// The site.
    pub stage: Arc<Stage>,
    /// The vendor.
    pub below: SimulatedVendor,
    /// The pace that its calls keep to.
    pub pace: Option<Arc<Limiter>>,
}

impl Counted {
    async fn arrive(&self, operation: &str) -> StoreResult<()> {
        self.stage.arrive(self.below.side, self.pace.as_deref(), operation).await
    }

    fn own(&self, contact: Contact) -> Contact {
        by_own_clock(&self.stage, self.below.side, contact)
    }
}

#[async_trait]
impl ContactStore for Counted {
    async fn get(&self, id: &RecordId) -> StoreResult<Found> {
        self.arrive("get").await?;
        Ok(match self.below.get(id).await? {
            Found::Present(contact) => Found::Present(self.own(contact)),
            Found::Merged(contact) => Found::Merged(self.own(contact)),
            Found::Absent => Found::Absent,
        })
    }

    fn enclosed(&self, entity: &Entity) -> Option<Contact> {
        self.below.enclosed(entity)
    }

    fn known_by(&self) -> KnownBy {
        self.below.known_by()
    }

    async fn find(&self, key: &MatchKey) -> StoreResult<Vec<Contact>> {
        self.arrive("find").await?;
        Ok(self.below.find(key).await?.into_iter().map(|contact| self.own(contact)).collect())
    }

    async fn find_counterpart(&self, counterpart: &RecordId) -> StoreResult<Option<Contact>> {
        self.arrive("find_counterpart").await?;
        Ok(self.below.find_counterpart(counterpart).await?.map(|contact| self.own(contact)))
    }

    async fn create(&self, draft: &Draft) -> StoreResult<Contact> {
        self.arrive("create").await?;
        self.below.create(draft).await.map(|contact| self.own(contact))
    }

    async fn update(&self, current: &Contact, patch: &Patch) -> StoreResult<Contact> {
        self.arrive("update").await?;
        self.below.update(current, patch).await.map(|contact| self.own(contact))
    }

    async fn set_counterpart(&self, current: &Contact, counterpart: &RecordId) -> StoreResult<Contact> {
        self.arrive("set_counterpart").await?;
        self.below.set_counterpart(current, counterpart).await.map(|contact| self.own(contact))
    }

    async fn delete(&self, id: &RecordId) -> StoreResult<()> {
        self.arrive("delete").await?;
        self.below.delete(id).await
    }

    async fn erase(&self, id: &RecordId) -> StoreResult<()> {
        self.arrive("erase").await?;
        self.below.erase(id).await
    }

    async fn merge(&self, winner: &Contact, loser: &RecordId) -> StoreResult<Contact> {
        self.arrive("merge").await?;
        self.below.merge(winner, loser).await.map(|contact| self.own(contact))
    }

    async fn history(&self, id: &RecordId, field: &Field, since: &Revision) -> StoreResult<Vec<PastValue>> {
        self.arrive("history").await?;
        self.below.history(id, field, since).await
    }

    async fn schema(&self) -> StoreResult<Vec<FieldSpec>> {
        self.arrive("schema").await?;
        let side = self.below.side;
        let fields: BTreeSet<Field> =
            people::mapping().into_iter().map(|row| if side == Side::Wix { row.wix } else { row.external }).collect();
        Ok(fields.into_iter().map(|field| FieldSpec { field, kind: Kind::Text, writable: true }).collect())
    }

    async fn lacks(&self, fields: &[Field]) -> StoreResult<Vec<Field>> {
        self.arrive("lacks").await?;
        self.below.lacks(fields).await
    }

    async fn set_up(&self) -> StoreResult<String> {
        self.below.set_up().await
    }
}
