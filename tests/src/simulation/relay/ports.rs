//! The world as the relay sees it: every call an await point before and after, and every call may fail.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use contact_bridge::{
    adapters::memory,
    model::{
        contact::MatchKey,
        fingerprint::Digest,
        ids::{ConversationId, RecordId, SiteId},
        message::Person,
        post::{Post, Posted},
    },
    ports::{Claim, ClaimStore, Clock, ErrorKind, Inbox, Order, Place, StoreError, StoreResult, Ticket},
};
use jiff::Timestamp;

use super::{
    super::executor::point,
    Plant,
    world::{Shared, World, lock},
};

fn failed<T>(kind: ErrorKind) -> StoreResult<T> {
    Err(StoreError::new(kind, "simulated"))
}

/// The Inbox.
pub struct SimulatedInbox {
    /// The world.
    pub world: Shared,
    /// The planted bug, if any.
    pub plant: Plant,
}

impl SimulatedInbox {
    /// Carries out a call, unless it is refused; its reply may be lost.
    async fn call<T>(&self, act: impl FnOnce(&mut World) -> StoreResult<T> + Send) -> StoreResult<T>
    where
        T: Send,
    {
        point().await;
        let outcome = {
            let mut world = lock(&self.world);
            world.now += 1;
            if let Some(refusal) = world.draw_refusal() {
                return failed(refusal);
            }
            let outcome = act(&mut world);
            if world.loses_reply() { failed(ErrorKind::Unavailable) } else { outcome }
        };
        point().await;
        outcome
    }
}

#[async_trait]
impl Inbox for SimulatedInbox {
    async fn contacts_of(&self, key: &MatchKey, _order: Order, most: usize) -> StoreResult<Vec<RecordId>> {
        let MatchKey::Email(email) = key else { return Ok(Vec::new()) };
        self.call(|world| Ok(world.indexed(email).into_iter().take(most).collect())).await
    }

    async fn add_contact(&self, person: &Person) -> StoreResult<RecordId> {
        let email = person.email.clone().unwrap_or_default();
        self.call(|world| match world.holder(&email) {
            Some(id) => failed(ErrorKind::Exists(Some(id))),
            None => Ok(world.add_contact(&email)),
        })
        .await
    }

    async fn conversation_with(&self, contact: &RecordId) -> StoreResult<ConversationId> {
        self.call(|world| world.conversation_with(contact).map_or_else(|| failed(ErrorKind::NotFound), Ok)).await
    }

    async fn posted(&self, conversation: &ConversationId, since: Timestamp) -> StoreResult<Vec<Posted>> {
        let plant = self.plant;
        self.call(|world| {
            let (now, lag) = (world.now, world.chaos.lag);
            let shows = world.standing.iter().filter(|own| own.conversation == *conversation && now - own.at >= lag);
            let shows = shows.filter(|own| own.at >= since.as_millisecond() && plant != Plant::NoLook);
            Ok(shows.map(|own| Posted { place: own.place, at: None, said: own.said.clone() }).collect())
        })
        .await
    }

    async fn post(&self, conversation: &ConversationId, post: &Post) -> StoreResult<Option<u64>> {
        self.call(|world| world.post(conversation, post.said()).map_or_else(|| failed(ErrorKind::NotFound), |place| Ok(Some(place)))).await
    }
}

/// Claims and lines.
pub struct SimulatedClaims {
    /// What stores them.
    pub below: Arc<memory::Store>,
    /// The world.
    pub world: Shared,
    /// The planted bug, if any.
    pub plant: Plant,
}

impl SimulatedClaims {
    /// Carries out a call, unless it fails; its reply may be lost.
    async fn call<T>(&self, act: impl Future<Output = StoreResult<T>> + Send) -> StoreResult<T>
    where
        T: Send,
    {
        point().await;
        let fails = {
            let mut world = lock(&self.world);
            world.now += 1;
            world.fails()
        };
        if fails {
            return failed(ErrorKind::Unavailable);
        }
        let outcome = act.await;
        let lost = {
            let mut world = lock(&self.world);
            world.loses_reply()
        };
        if lost {
            return failed(ErrorKind::Unavailable);
        }
        point().await;
        outcome
    }
}

#[async_trait]
impl ClaimStore for SimulatedClaims {
    async fn claim(&self, site: &SiteId, message: &Digest) -> StoreResult<Option<Claim>> {
        let claim = self.call(self.below.claim(site, message)).await?;
        let expired = |claim: Claim| Claim { until: Timestamp::MIN, ..claim };
        Ok(match self.plant {
            Plant::NoClaims => None,
            Plant::ClaimsExpireAtOnce => claim.map(expired),
            _ => claim,
        })
    }

    async fn swap_claim(&self, site: &SiteId, message: &Digest, known: Option<&Claim>, new: Option<&Claim>) -> StoreResult<()> {
        if matches!(self.plant, Plant::NoClaims | Plant::ClaimsExpireAtOnce) {
            let stored = self.below.claim(site, message).await?;
            // Nobody looks whether the claim is as it was.
            let known = if self.plant == Plant::NoClaims && stored.as_ref().is_some_and(|claim| claim.owner.is_none()) {
                return Ok(());
            } else {
                stored
            };
            return self.call(self.below.swap_claim(site, message, known.as_ref(), new)).await;
        }
        self.call(self.below.swap_claim(site, message, known, new)).await
    }

    async fn own_post(&self, site: &SiteId, places: &[u64], message: &Digest, now: Timestamp) -> StoreResult<bool> {
        let is_own = self.below.own_post(site, places, message, now);
        self.call(async { Ok(is_own.await? || self.plant == Plant::OwnsAnything) }).await
    }

    async fn line_up(&self, site: &SiteId, line: &Digest, ticket: &Ticket, alive: Timestamp) -> StoreResult<Vec<Ticket>> {
        let tickets = self
            .call(async {
                let tickets = self.below.line_up(site, line, ticket, alive).await;
                let mut world = lock(&self.world);
                let (step, worker) = (world.step(), world.worker);
                world.first_lined.entry(ticket.place.message).or_insert(step);
                world.lined.insert(worker, (ticket.place.message, step));
                tickets
            })
            .await?;
        Ok(if self.plant == Plant::NoLines { Vec::new() } else { tickets })
    }

    async fn step_out(&self, site: &SiteId, line: &Digest, place: &Place) -> StoreResult<()> {
        self.call(self.below.step_out(site, line, place)).await
    }
}

/// The world's clock.
pub struct WorldClock(pub Shared);

#[async_trait]
impl Clock for WorldClock {
    fn now(&self) -> Timestamp {
        lock(&self.0).instant()
    }

    async fn sleep(&self, duration: Duration) {
        lock(&self.0).now += i64::try_from(duration.as_millis()).unwrap_or(0);
    }
}
