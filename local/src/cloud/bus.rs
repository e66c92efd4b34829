//! An `EventBridge` bus: entries in, envelopes into the queues of the rules that match.
//!
//! Accepted is durable here as it is there: the faults repeat, delay, reorder and refuse, but never drop.

mod entry;
mod fault;
mod pattern;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::Timestamp;
use rand::{Rng, SeedableRng, rngs::SmallRng};
use serde_json::{Value, json};

pub use entry::{Entry, EntryError, MAX_ENTRIES, PutError, check_call};
pub use fault::{Fault, FaultKind, Faults};
pub use pattern::{Match, Pattern, PatternError};

use super::{ACCOUNT, REGION, background::lock, ids::Ids, queue::Queue};
use crate::vendors::kit::Clock;

/// How a bus behaves.
#[derive(Clone, Debug)]
pub struct BusOptions {
    /// The largest `PutEvents` call, all entries together. 256 KiB unless set: Amazon raised it to 1 MiB in January 2026
    /// (<https://aws.amazon.com/blogs/compute/more-room-to-build-serverless-services-now-support-payloads-up-to-1-mb>),
    /// but not everywhere, so the strict bus holds callers to what every region accepts.
    pub max_bytes: usize,
    /// The seed of the reordering.
    pub seed: u64,
}

impl Default for BusOptions {
    fn default() -> Self {
        Self { max_bytes: 256 * 1024, seed: 0 }
    }
}

/// A rule: what matches the pattern goes to the target.
#[derive(Clone)]
pub struct Rule {
    /// What matches.
    pub pattern: Pattern,
    /// Where it goes.
    pub target: Queue,
}

/// The answer for one entry: the event's id, or why it was not taken.
pub type Put = Result<String, EntryError>;

/// A handle to one bus; clones share it.
#[derive(Clone)]
pub struct Bus(Arc<Inner>);

struct Inner {
    name: String,
    clock: Clock,
    options: BusOptions,
    ids: Ids,
    faults: Faults,
    rules: Mutex<Vec<Rule>>,
    random: Mutex<SmallRng>,
}

impl Bus {
    /// A bus without rules.
    #[must_use]
    pub fn new(name: &str, clock: &Clock, options: BusOptions) -> Self {
        Self(Arc::new(Inner {
            name: name.to_owned(),
            clock: clock.clone(),
            ids: Ids::new(name, clock),
            faults: Faults::default(),
            rules: Mutex::default(),
            random: Mutex::new(SmallRng::seed_from_u64(options.seed)),
            options,
        }))
    }

    /// The bus's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// `true` if `name` is this bus's name or ARN.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        name == self.0.name || name == format!("arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{}", self.0.name)
    }

    /// How the bus behaves.
    #[must_use]
    pub fn options(&self) -> &BusOptions {
        &self.0.options
    }

    /// The faults in store.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// Adds a rule.
    pub fn add_rule(&self, rule: Rule) {
        lock(&self.0.rules).push(rule);
    }

    /// Takes entries as `PutEvents` does: the answers are in the order of the entries, and some may fail while others land.
    ///
    /// # Errors
    /// The whole call is refused if it is over a limit, or if a fault says so.
    pub fn put(&self, entries: &[Entry]) -> Result<Vec<Put>, PutError> {
        check_call(entries, self.0.options.max_bytes)?;
        if let Some(status) = self.0.faults.fails_call() {
            return Err(PutError::Fault { status });
        }
        let mut refused = self.0.faults.failing_entries();
        let answers = entries.iter().map(|entry| {
            let fails = refused > 0;
            refused = refused.saturating_sub(1);
            if fails { Err(EntryError::internal()) } else { self.take(entry) }
        });
        let answers = answers.collect();
        match self.0.faults.loses_reply() {
            Some(status) => Err(PutError::Fault { status }),
            None => Ok(answers),
        }
    }

    fn take(&self, entry: &Entry) -> Put {
        let accepted = entry.accept()?;
        let id = self.0.ids.next();
        let body = self.envelope(&id, entry, &accepted).to_string();
        let rules = lock(&self.0.rules).clone();
        for rule in rules.iter().filter(|rule| rule.pattern.matches(accepted.source, accepted.detail_type)) {
            self.deliver(&rule.target, &body);
        }
        Ok(id)
    }

    /// The event as targets see it (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html>).
    fn envelope(&self, id: &str, entry: &Entry, accepted: &entry::Accepted<'_>) -> Value {
        let at = entry.time_ms.unwrap_or_else(|| self.0.clock.now_ms());
        let at = Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH);
        json!({
            "version": "0",
            "id": id,
            "detail-type": accepted.detail_type,
            "source": accepted.source,
            "account": ACCOUNT,
            "time": at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "region": REGION,
            "resources": entry.resources,
            "detail": accepted.detail,
        })
    }

    fn deliver(&self, target: &Queue, body: &str) {
        let plan = self.0.faults.delivery();
        for _ in 0..=plan.extra_copies {
            let shuffle = match plan.shuffle_within_ms {
                0 => 0,
                window => lock(&self.0.random).random_range(0..=window),
            };
            target.deliver(body.to_owned(), Duration::from_millis(plan.delay_ms.saturating_add(shuffle)));
        }
    }
}
