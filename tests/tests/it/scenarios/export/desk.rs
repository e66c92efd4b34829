//! What people do around an export, and what they see of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use contact_bridge::{
    model::{
        run::{FailedRow, Run, RunKind},
        site::Export,
    },
    sync::export::{Checkpoint, Tally},
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::{lab::Lab, people::person};

/// Longer than any lease.
pub const AFTER_A_CRASH: Duration = Duration::from_mins(17);

impl Lab {
    /// Turns the export on.
    pub async fn export(&self, change: impl FnOnce(&mut Export)) {
        self.adjust(|site| {
            site.export = Export { enabled: true, audit_hours: 0, ..Export::default() };
            change(&mut site.export);
        })
        .await;
    }

    /// Has contacts in Wix that no webhook tells of, each created so long after the one before; their ids.
    pub fn seed(&self, people: &[Value], apart: Duration) -> Vec<String> {
        self.stack.wix.set_webhook_urls(Vec::new());
        let seed = |person: &Value| {
            let info = super::super::people::Seen::from(person).info(person.as_object().unwrap());
            let id = self.stack.wix.seed(Some(self.site.id.as_str()), &[info]).unwrap().remove(0);
            self.stack.clock().advance(apart);
            id
        };
        let ids = people.iter().map(seed).collect();
        self.stack.wix.set_webhook_urls(vec![format!("{}/webhooks/wix", self.stack.gateway_url())]);
        ids
    }

    /// As [`Lab::seed`], so many different people, numbered from `first`.
    pub fn seed_people(&self, first: usize, count: usize, apart: Duration) -> Vec<String> {
        let people: Vec<Value> = (first..first + count).map(person).collect();
        self.seed(&people, apart)
    }

    /// Lets so many minutes pass, with the runs that become due.
    pub async fn live(&self, minutes: u64) {
        self.stack.live(Duration::from_mins(minutes)).await.unwrap();
    }

    /// Once it is time, events come that wait for their share of the budgets for an hour; returns when that was.
    pub async fn events_come_when(&self, is_time: impl Fn() -> bool) -> Timestamp {
        while !is_time() {
            tokio::task::yield_now().await;
        }
        let means = &self.stack.app.means;
        let now = means.clock.now();
        means.runs.announce(&self.site.id, now + Duration::from_hours(1)).await.unwrap();
        now
    }

    pub async fn run_of_export(&self) -> Run {
        self.stack.run_of(&self.site.id, RunKind::Export).await.unwrap()
    }

    pub async fn checkpoint(&self) -> Checkpoint {
        let run = self.run_of_export().await;
        if run.progress.checkpoint.is_null() { Checkpoint::default() } else { serde_json::from_value(run.progress.checkpoint).unwrap() }
    }

    /// The account of the last pass.
    pub async fn tally(&self) -> Tally {
        self.checkpoint().await.last.expect("a pass has ended").tally
    }

    pub async fn failed_rows(&self) -> Vec<FailedRow> {
        self.stack.failed_rows(&self.site.id).await.unwrap()
    }

    /// How often each Wix contact is named by a contact of the CRM.
    pub fn exported(&self) -> BTreeMap<String, usize> {
        let mut named = BTreeMap::new();
        for (_, seen) in self.hub_contacts() {
            *named.entry(seen.get("wix_contact_id").to_owned()).or_default() += 1;
        }
        named
    }

    /// Exactly these Wix contacts are in the CRM, each once.
    pub fn assert_exported(&self, ids: &[String]) {
        let exported = self.exported();
        let (wanted, found): (BTreeSet<&String>, BTreeSet<&String>) = (ids.iter().collect(), exported.keys().collect());
        let (missing, more): (Vec<_>, Vec<_>) = (wanted.difference(&found).collect(), found.difference(&wanted).collect());
        assert!(missing.is_empty() && more.is_empty(), "of {} missing {missing:?}, too many {more:?}", ids.len());
        assert!(exported.values().all(|times| *times == 1), "{exported:?}");
    }

    /// Calls that the vendors refused for excess.
    pub fn refused_calls(&self) -> u64 {
        self.stack.wix.core().calls.refused() + self.stack.hubspot.calls().refused() + self.stack.pipedrive.core().calls.refused()
    }
}

/// Somebody whom HubSpot refuses altogether: all they have is an address that it does not take for one.
pub fn refused(number: usize) -> Value {
    json!({"email": format!("nobody({number})@example.com")})
}
