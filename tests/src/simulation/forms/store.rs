//! The table, the queue and the clock as the flow sees them.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use contact_bridge::{
    adapters::memory,
    model::{
        fingerprint::Digest,
        ids::{FormId, SiteId, SubmissionId},
        submission::{Claim, ConsentProof, Progress, Record, Submission},
    },
    ports::{Claimed, Clock, ErrorKind, Queue, Reserved, StoreResult, SubmissionStore},
};
use jiff::Timestamp;

use super::{
    super::executor::point,
    Plant,
    ports::failed,
    witness,
    world::{Job, Shared, World, lock},
};

/// Carries out a call of the table or the queue, unless it fails; its reply may be lost. The witness sees what was carried out.
async fn call<T: Send>(
    world: &Shared,
    act: impl Future<Output = StoreResult<T>> + Send,
    witness: impl FnOnce(&mut World, &T) + Send,
) -> StoreResult<T> {
    point().await;
    let fails = {
        let mut world = lock(world);
        world.pass();
        let percent = world.chaos.failed;
        world.chance(percent)
    };
    if fails {
        return failed(ErrorKind::Unavailable);
    }
    let outcome = act.await;
    let lost = {
        let mut world = lock(world);
        if let Ok(value) = &outcome {
            witness(&mut world, value);
        }
        let percent = world.chaos.lost_replies;
        world.chance(percent)
    };
    point().await;
    if lost { failed(ErrorKind::Unavailable) } else { outcome }
}

/// What is remembered of submissions.
pub struct SimulatedSubmissions {
    /// What stores it.
    pub below: Arc<memory::Store>,
    /// The world.
    pub world: Shared,
    /// The planted bug, if any.
    pub plant: Plant,
}

impl SimulatedSubmissions {
    fn planted(&self, claim: &Claim) -> Claim {
        let until = if self.plant == Plant::ClaimsExpireAtOnce { Timestamp::UNIX_EPOCH } else { claim.until };
        Claim { until, ..claim.clone() }
    }
}

#[async_trait]
impl SubmissionStore for SimulatedSubmissions {
    async fn claim(&self, site: &SiteId, claim: &Claim, now: Timestamp) -> StoreResult<Claimed> {
        let planted = self.planted(claim);
        let claimed = call(&self.world, self.below.claim(site, &planted, now), |world, claimed| {
            if *claimed == Claimed::Taken {
                witness::claimed(world);
            }
        });
        let claimed = claimed.await?;
        Ok(if self.plant == Plant::NoClaims { Claimed::Taken } else { claimed })
    }

    async fn reserve_addresses(&self, site: &SiteId, claim: &Claim, keys: &[Digest], now: Timestamp) -> StoreResult<Reserved> {
        let claim = self.planted(claim);
        let reserved = call(&self.world, self.below.reserve_addresses(site, &claim, keys, now), |_, _| ()).await?;
        Ok(if self.plant == Plant::NoReservations { Reserved::Taken } else { reserved })
    }

    async fn settle(&self, site: &SiteId, claim: &Claim, progress: &Progress, reserved: &[Digest]) -> StoreResult<()> {
        let at = claim.at.as_millisecond();
        call(&self.world, self.below.settle(site, claim, progress, reserved), |world, ()| {
            if matches!(progress, Progress::Done(_)) {
                witness::settled(world, &claim.id, at);
            }
        })
        .await
    }

    async fn submission(&self, site: &SiteId, id: &SubmissionId) -> StoreResult<Option<Record>> {
        call(&self.world, self.below.submission(site, id), |_, _| ()).await
    }

    async fn prove(&self, site: &SiteId, proof: &ConsentProof) -> StoreResult<()> {
        if self.plant == Plant::NoProof {
            return Ok(());
        }
        call(&self.world, self.below.prove(site, proof), |world, ()| witness::proved(world, proof.address)).await
    }

    async fn count_post(&self, site: &SiteId, form: &FormId, from: &Digest, limit: u32, now: Timestamp) -> StoreResult<bool> {
        self.below.count_post(site, form, from, limit, now).await
    }
}

/// The queue.
pub struct SimulatedQueue(pub Shared);

#[async_trait]
impl Queue<Submission> for SimulatedQueue {
    async fn put_back(&self, submission: &Submission, delay: Duration) -> StoreResult<()> {
        call(&self.0, async { Ok(()) }, |world, ()| {
            let due = world.now + i64::try_from(delay.as_millis()).unwrap_or(0);
            let copies = 1 + u32::from(world.chance(world.chaos.repeats));
            for _ in 0..copies {
                world.deliver_at(due, Job::Queued(Box::new(submission.clone())));
            }
        })
        .await
    }

    async fn give_up(&self, submission: &Submission, reason: &str) -> StoreResult<()> {
        call(&self.0, async { Ok(()) }, |world, ()| {
            world.trace(("give up", submission.id.as_str(), reason));
            world.dead.insert(submission.id.clone(), reason.to_owned());
        })
        .await
    }

    async fn give_up_unread(&self, _: &str, _: &str) -> StoreResult<()> {
        failed(ErrorKind::Unsupported)
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
