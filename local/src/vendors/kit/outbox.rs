//! Webhooks on their way, with the vendor's retries.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::{StreamExt, stream};
use rand::{SeedableRng, rngs::SmallRng, seq::SliceRandom};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{Clock, Faults, plain_http};

/// One event on its way to one address.
#[derive(Debug, Clone)]
pub struct Parcel {
    /// Number in the outbox.
    pub id: u64,
    /// The vendor account it is about.
    pub site: String,
    /// The vendor's event type.
    pub event: String,
    /// Where it goes.
    pub url: String,
    /// When it was raised.
    pub raised_ms: i64,
    /// When it is due.
    pub due_ms: i64,
    /// Attempts made so far.
    pub attempt: u32,
    /// What the carrier makes the letter from.
    pub payload: String,
    /// The letter of the first attempt, kept for carriers that send the same bytes again.
    pub letter: Option<Letter>,
}

/// An HTTP request ready to be posted.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

/// How a vendor delivers webhooks.
pub trait Carrier: Send + Sync + 'static {
    /// Makes one request of `parcels` (never empty, all for one address) at `now_ms`.
    fn pack(&self, parcels: &[Parcel], now_ms: i64) -> Letter;

    /// Whether an answer with this status counts as received.
    fn is_success(&self, status: u16) -> bool;

    /// How long the receiver may take; real time, whatever the clock.
    fn patience(&self) -> Duration;

    /// How long after the failed attempt number `attempt` (from 1) the next one follows; `None` = given up.
    fn retry_after(&self, attempt: u32) -> Option<Duration>;

    /// How many events go into one request at most.
    fn batch(&self) -> usize {
        1
    }

    /// Whether a retry is packed anew; only carriers with a batch of 1 may say no.
    fn repacks(&self) -> bool {
        true
    }
}

/// The webhooks not yet received.
#[derive(Clone)]
pub struct Outbox {
    inner: Arc<Inner>,
}

struct Inner {
    clock: Clock,
    faults: Faults,
    carrier: Box<dyn Carrier>,
    http: reqwest::Client,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    next_id: u64,
    waiting: BTreeMap<u64, Parcel>,
    delivered: u64,
    given_up: u64,
    failed_attempts: u64,
}

impl Outbox {
    /// An empty outbox.
    #[must_use]
    pub fn new(clock: Clock, faults: Faults, carrier: Box<dyn Carrier>) -> Self {
        let http = plain_http().unwrap_or_default();
        let inner = Inner { clock, faults, carrier, http, state: Mutex::default(), changed: Notify::new() };
        Self { inner: Arc::new(inner) }
    }

    /// Puts an event into the outbox for each address, due `delay_ms` from now, unless a fault drops it.
    pub fn post(&self, site: &str, event: &str, urls: &[String], payload: &str, delay_ms: i64) {
        let now_ms = self.inner.clock.now_ms();
        for url in urls {
            let fault = self.inner.faults.hit_webhook(site, event);
            let held = i64::try_from(fault.delay_ms).unwrap_or(i64::MAX / 4);
            for _ in 0..fault.copies {
                self.add(Parcel {
                    id: 0,
                    site: site.to_owned(),
                    event: event.to_owned(),
                    url: url.clone(),
                    raised_ms: now_ms,
                    due_ms: now_ms + delay_ms + held,
                    attempt: 0,
                    payload: payload.to_owned(),
                    letter: None,
                });
            }
        }
        self.inner.changed.notify_one();
    }

    /// Posts everything due now and returns how many events were attempted; failures wait for their retry.
    pub async fn deliver_due(&self) -> usize {
        let now_ms = self.inner.clock.now_ms();
        let due = self.take_due(now_ms);
        let count = due.len();
        // On a manual clock one request follows the other, so that runs are reproducible.
        let at_once = if self.inner.clock.is_manual() { 1 } else { 8 };
        stream::iter(self.batches(due)).for_each_concurrent(at_once, |batch| self.attempt(batch, now_ms)).await;
        count
    }

    /// When the next event is due.
    #[must_use]
    pub fn next_due(&self) -> Option<i64> {
        self.with(|state| state.waiting.values().map(|parcel| parcel.due_ms).min())
    }

    /// Events waiting.
    #[must_use]
    pub fn waiting(&self) -> Vec<Parcel> {
        self.with(|state| state.waiting.values().cloned().collect())
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.with(|state| *state = State { next_id: state.next_id, ..State::default() });
    }

    /// The outbox as JSON, with the letters that would go out now.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let now_ms = self.inner.clock.now_ms();
        let waiting = self.waiting();
        let items: Vec<Value> = waiting.iter().map(|parcel| self.describe(parcel, now_ms)).collect();
        self.with(|state| {
            json!({
                "waiting": items, "delivered": state.delivered, "given_up": state.given_up,
                "failed_attempts": state.failed_attempts,
            })
        })
    }

    /// Delivers forever as events become due; for real clocks.
    pub async fn run(self) {
        loop {
            self.deliver_due().await;
            let wait = self.next_due().map_or(1_000, |due| (due - self.inner.clock.now_ms()).clamp(0, 1_000));
            if wait > 0 {
                let pause = Duration::from_millis(wait.unsigned_abs());
                // A timeout only means that nothing new came: the due events are looked for again.
                let _ = tokio::time::timeout(pause, self.inner.changed.notified()).await;
            }
        }
    }

    fn describe(&self, parcel: &Parcel, now_ms: i64) -> Value {
        let letter = self.letter_of(std::slice::from_ref(parcel), now_ms);
        json!({
            "id": parcel.id, "site": parcel.site, "event": parcel.event, "url": parcel.url,
            "raised_ms": parcel.raised_ms, "due_ms": parcel.due_ms, "attempt": parcel.attempt,
            "headers": letter.headers, "body": letter.body,
        })
    }

    fn add(&self, mut parcel: Parcel) {
        self.with(|state| {
            if parcel.id == 0 {
                state.next_id += 1;
                parcel.id = state.next_id;
            }
            state.waiting.insert(parcel.id, parcel);
        });
    }

    fn take_due(&self, now_ms: i64) -> Vec<Parcel> {
        let mut due: Vec<Parcel> =
            self.with(|state| state.waiting.extract_if(.., |_, parcel| parcel.due_ms <= now_ms).map(|(_, p)| p).collect());
        due.sort_by_key(|parcel| (parcel.due_ms, parcel.id));
        if due.len() > 1
            && let Some(seed) = self.inner.faults.hit_round()
        {
            due.shuffle(&mut SmallRng::seed_from_u64(seed));
        }
        due
    }

    fn batches(&self, due: Vec<Parcel>) -> Vec<Vec<Parcel>> {
        let size = self.inner.carrier.batch().max(1);
        let mut batches: Vec<Vec<Parcel>> = Vec::new();
        for parcel in due {
            let fits = |batch: &&mut Vec<Parcel>| {
                batch.len() < size
                    && batch.first().is_some_and(|f| f.url == parcel.url && f.site == parcel.site && f.attempt == parcel.attempt)
            };
            match batches.last_mut().filter(fits) {
                Some(batch) => batch.push(parcel),
                None => batches.push(vec![parcel]),
            }
        }
        batches
    }

    async fn attempt(&self, batch: Vec<Parcel>, now_ms: i64) {
        let letter = self.letter_of(&batch, now_ms);
        let Some(url) = batch.first().map(|parcel| parcel.url.clone()) else {
            return;
        };
        if self.send(&url, &letter).await {
            self.with(|state| state.delivered += batch.len() as u64);
            return;
        }
        for parcel in batch {
            self.retry_later(parcel, &letter, now_ms);
        }
    }

    async fn send(&self, url: &str, letter: &Letter) -> bool {
        let mut request = self.inner.http.post(url).timeout(self.inner.carrier.patience()).body(letter.body.clone());
        for (name, value) in &letter.headers {
            request = request.header(name, value);
        }
        match request.send().await {
            Ok(answer) => self.inner.carrier.is_success(answer.status().as_u16()),
            Err(_) => false,
        }
    }

    fn retry_later(&self, mut parcel: Parcel, letter: &Letter, now_ms: i64) {
        parcel.attempt += 1;
        self.with(|state| state.failed_attempts += 1);
        match self.inner.carrier.retry_after(parcel.attempt) {
            None => self.with(|state| state.given_up += 1),
            Some(gap) => {
                parcel.due_ms = now_ms + i64::try_from(gap.as_millis()).unwrap_or(i64::MAX / 4);
                parcel.letter.get_or_insert_with(|| letter.clone());
                self.add(parcel);
            }
        }
    }

    fn letter_of(&self, batch: &[Parcel], now_ms: i64) -> Letter {
        let kept = batch.first().and_then(|parcel| parcel.letter.clone()).filter(|_| !self.inner.carrier.repacks());
        kept.unwrap_or_else(|| self.inner.carrier.pack(batch, now_ms))
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.inner.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
