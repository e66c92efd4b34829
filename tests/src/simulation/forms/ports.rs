//! Wix as the flow sees it: every call an await point before and after, and every call may fail.

use async_trait::async_trait;
use contact_bridge::{
    model::{
        contact::{Contact, Found, MatchKey},
        entity::Entity,
        field::{Field, FieldSpec, Patch},
        fingerprint::Key,
        ids::{RecordId, Revision},
        subscription::Subscription,
    },
    ports::{ContactStore, Draft, ErrorKind, KnownBy, PastValue, StoreError, StoreResult, Subscriptions},
};

use super::{
    super::executor::point,
    Plant, witness,
    world::{Shared, World, lock},
};

pub(super) fn failed<T>(kind: ErrorKind) -> StoreResult<T> {
    Err(StoreError::new(kind, "simulated"))
}

/// Wix.
pub struct SimulatedWix {
    /// The world.
    pub world: Shared,
    /// The site's fingerprint key, for the witness.
    pub key: Key,
    /// The planted bug, if any.
    pub plant: Plant,
}

impl SimulatedWix {
    /// Carries out a call, unless it is refused; its reply may be lost.
    async fn call<T>(&self, act: impl FnOnce(&mut World) -> StoreResult<T> + Send) -> StoreResult<T>
    where
        T: Send,
    {
        point().await;
        let outcome = {
            let mut world = lock(&self.world);
            world.pass();
            if let Some(refusal) = world.draw_refusal() {
                return failed(refusal);
            }
            let outcome = act(&mut world);
            let lost = world.chaos.lost_replies;
            let (lost, garbled) = (world.chance(lost), world.chance(30));
            match (lost, garbled) {
                (false, _) => outcome,
                (true, false) => failed(ErrorKind::Unavailable),
                (true, true) => failed(ErrorKind::Garbled),
            }
        };
        point().await;
        outcome
    }

    fn shown(&self, mut contact: Contact) -> Contact {
        contact.updated_at = contact.updated_at.filter(|_| self.plant != Plant::OverridesNewer);
        contact
    }
}

fn unused<T>() -> StoreResult<T> {
    failed(ErrorKind::Unsupported)
}

#[async_trait]
impl ContactStore for SimulatedWix {
    async fn get(&self, id: &RecordId) -> StoreResult<Found> {
        let found = self.call(|world| {
            let mut id = id.clone();
            let asked = id.clone();
            while let Some(winner) = world.contacts.get(&id).and_then(|contact| contact.merged.clone()) {
                id = winner;
            }
            let Some(contact) = world.contacts.get(&id).filter(|contact| !contact.gone) else { return Ok(Found::Absent) };
            let seen = self.shown(contact.seen(&id));
            Ok(if asked == id { Found::Present(seen) } else { Found::Merged(seen) })
        });
        found.await
    }

    fn enclosed(&self, _: &Entity) -> Option<Contact> {
        None
    }

    fn known_by(&self) -> KnownBy {
        KnownBy::default()
    }

    async fn find(&self, key: &MatchKey) -> StoreResult<Vec<Contact>> {
        let (MatchKey::Email(key) | MatchKey::Phone(key)) = key;
        self.call(|world| Ok(world.indexed(key).into_iter().map(|contact| self.shown(contact)).collect())).await
    }

    async fn find_counterpart(&self, _: &RecordId) -> StoreResult<Option<Contact>> {
        unused()
    }

    async fn create(&self, draft: &Draft) -> StoreResult<Contact> {
        self.call(|world| world.create(&draft.fields)).await
    }

    async fn update(&self, current: &Contact, patch: &Patch) -> StoreResult<Contact> {
        let mut values = patch.clone();
        let labels = values.remove(&Field::from("labels")).flatten();
        let (wrote, mut contact) = (!values.is_empty(), current.clone());
        if wrote {
            contact = self.call(|world| world.update(current, &values)).await?;
        }
        let Some(labels) = labels else { return Ok(contact) };
        // The labels come last, in a call of their own.
        self.call(|world| world.label(&current.id, &labels)).await.map_err(|mut error| {
            if wrote && error.kind.is_transient() {
                error.kind = ErrorKind::Unavailable;
            }
            error
        })
    }

    async fn set_counterpart(&self, _: &Contact, _: &RecordId) -> StoreResult<Contact> {
        unused()
    }

    async fn delete(&self, _: &RecordId) -> StoreResult<()> {
        unused()
    }

    async fn erase(&self, _: &RecordId) -> StoreResult<()> {
        unused()
    }

    async fn merge(&self, _: &Contact, _: &RecordId) -> StoreResult<Contact> {
        unused()
    }

    async fn history(&self, _: &RecordId, _: &Field, _: &Revision) -> StoreResult<Vec<PastValue>> {
        unused()
    }

    async fn schema(&self) -> StoreResult<Vec<FieldSpec>> {
        unused()
    }

    async fn lacks(&self, _: &[Field]) -> StoreResult<Vec<Field>> {
        unused()
    }

    async fn set_up(&self) -> StoreResult<String> {
        unused()
    }
}

#[async_trait]
impl Subscriptions for SimulatedWix {
    async fn subscription(&self, email: &str) -> StoreResult<Subscription> {
        let known = self.call(|world| {
            let (worker, now) = (world.worker, world.now);
            if let Some(turn) = world.turns.get_mut(&worker) {
                turn.read = now;
            }
            Ok(world.subscriptions.get(email).cloned().unwrap_or_default())
        });
        let known = known.await?;
        Ok(if self.plant == Plant::IgnoresOptOuts { Subscription::default() } else { known })
    }

    async fn subscribe(&self, email: &str, _: &Subscription) -> StoreResult<Subscription> {
        let subscribed = self.call(|world| {
            let Some(status) = world.habits.subscribes else { return failed(ErrorKind::Forbidden) };
            witness::subscribed(world, email, &self.key);
            let now = Subscription { status, updated_at: Some(world.instant()), ..Subscription::default() };
            world.trace(("subscribe", email));
            world.subscriptions.insert(email.to_owned(), now.clone());
            Ok(now)
        });
        subscribed.await
    }
}
