//! How long what a batch is about to make is held.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use contact_bridge::{
    flows::run::Ended,
    model::{
        ids::{RecordId, Side, SiteId},
        link::Reservation,
        run::RunKind,
    },
    ports::{Clock, Known, LinkBatches, Made, StoreResult},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::{
    crash::Watched,
    lab::Lab,
    people::person,
    switches::{Position, Vendor, at},
};

const A_SECOND: Duration = Duration::from_secs(1);

/// Links, and how long each reservation is held when it is taken.
struct Held {
    below: Arc<dyn LinkBatches>,
    clock: Arc<dyn Clock>,
    seen: Mutex<Vec<SignedDuration>>,
}

#[async_trait]
impl LinkBatches for Held {
    async fn look_up_many(&self, site: &SiteId, side: Side, ids: &[RecordId]) -> StoreResult<Vec<Known>> {
        self.below.look_up_many(site, side, ids).await
    }

    async fn reserve_many(&self, site: &SiteId, reservations: &[Reservation], now: Timestamp) -> StoreResult<Vec<bool>> {
        let from_now = |reservation: &Reservation| reservation.until.duration_since(self.clock.now());
        self.seen.lock().unwrap().extend(reservations.iter().map(from_now).min());
        self.below.reserve_many(site, reservations, now).await
    }

    async fn release_many(&self, site: &SiteId, reservations: &[Reservation]) -> StoreResult<()> {
        self.below.release_many(site, reservations).await
    }

    async fn link_many(&self, site: &SiteId, links: &[Made], now: Timestamp) -> StoreResult<Vec<bool>> {
        self.below.link_many(site, links, now).await
    }
}

/// Makes these people, each call of this kind being slow; how long each batch was held when its turn came.
async fn held(lab: &Lab, people: &[Value], (vendor, slow): (Vendor, &str), takes: Duration) -> Vec<SignedDuration> {
    lab.export(|_| {}).await;
    let ids = lab.seed(people, A_SECOND);
    let watched = Watched::towards(vendor, lab).await;
    let (clock, calls) = (lab.stack.clock().clone(), u32::MAX);
    watched.before(slow, calls, move || {
        clock.advance(takes);
        std::future::ready(())
    });
    let mut exporter = watched.exporter(lab);
    let (below, clock) = (exporter.batches.clone(), lab.stack.app.means.clock.clone());
    let held = Arc::new(Held { below, clock: clock.clone(), seen: Mutex::default() });
    exporter.batches = held.clone();
    let run = async || {
        let deadline = clock.now() + Duration::from_hours(1);
        exporter.run(&lab.site.id, RunKind::Export, deadline).await.unwrap()
    };
    // Where the clock leaps, calls that are spread evenly may meet, and be one too many.
    for _ in 0..9 {
        if run().await == Ended::Rested {
            break;
        }
        lab.stack.clock().advance(Duration::from_mins(30));
    }
    lab.assert_exported(&ids);
    std::mem::take(&mut *held.seen.lock().unwrap())
}

#[tokio::test]
async fn a_batch_is_held_from_the_moment_its_turn_comes() {
    at(&[Position::defaults()], async |lab| {
        // Four of the five batches begin at once. One address is refused, so that its row is sent once more.
        let mut people: Vec<Value> = (0..410).map(person).collect();
        people[3]["email"] = json!("some(body)@example.com");
        let held = held(&lab, &people, (Vendor::Hub, "POST *upsert"), Duration::from_secs(50)).await;
        assert!(held.len() >= 6, "{held:?}");
        assert!(held.iter().all(|held| *held >= SignedDuration::from_mins(6)), "{held:?}");
    })
    .await;
}

#[tokio::test]
async fn where_the_crm_does_not_make_once_a_batch_is_held_for_longer_than_a_run() {
    at(&[Position::pipedrive()], async |lab| {
        let people: Vec<Value> = (0..60).map(person).collect();
        let held = held(&lab, &people, (Vendor::Pipe, "POST /api/v2/persons"), Duration::from_secs(5)).await;
        assert!(held.len() >= 6, "{held:?}");
        assert!(held.iter().all(|held| *held >= SignedDuration::from_mins(16)), "{held:?}");
    })
    .await;
}
