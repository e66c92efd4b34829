//! One small HTTP client for all vendors: a time limit per call, replies of bounded size, pace, and retries of what is safe.
//!
//! What is retried, at most twice: whatever was refused for pace with a short wait (nothing was carried out), connections that could
//! not be made (nothing was sent), and reads after a 5xx, a timeout or a cut reply. A write that may have been carried out is never
//! sent again from here: the caller reads the record first.

mod limiter;
mod reply;
mod request;
#[cfg(test)]
pub(crate) mod stub;

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use rand::{Rng, SeedableRng, rngs::SmallRng};

pub use self::{
    limiter::{Limiter, Limiters, Place, Rate},
    reply::{Failure, Reply, retry_after},
    request::{Body, Request, Safety},
};
use crate::ports::Clock;

/// How long a vendor's wait may be for it to be waited for here; a longer one is the caller's business.
const PATIENCE: SignedDuration = SignedDuration::from_secs(5);

/// How often a request is sent again after the first time.
const MORE_TRIES: u32 = 2;

/// The pause before the first retry of something that just failed; it doubles.
const BACKOFF: Duration = Duration::from_millis(200);

/// How long one try may take, reading the reply included.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The longest reply that is read.
const LONGEST_REPLY: usize = 16 << 20;

/// What the client must know of a vendor's habits.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    /// The header that carries the vendor's id of the request.
    pub request_id: &'static str,
    /// Reads from a reply, at this instant, before when nothing may be sent; `None` if the reply is not a refusal for pace.
    pub not_before: fn(&Reply, Timestamp) -> Option<Timestamp>,
}

/// Makes the connection pool; one serves a whole process, clones share it.
///
/// Redirects are not followed: they would carry credentials elsewhere.
pub fn pool() -> Result<reqwest::Client, Failure> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(3))
        .build()
        .map_err(|error| Failure::Unsent(error.without_url()))
}

/// A client for one site at one vendor.
#[derive(Clone)]
pub struct Http {
    pool: reqwest::Client,
    clock: Arc<dyn Clock>,
    limiter: Arc<Limiter>,
    habits: Habits,
    timeout: Duration,
    longest_reply: usize,
}

impl Http {
    /// Makes a client over a shared pool and the limiter of the site at the vendor.
    #[must_use]
    pub fn new(pool: reqwest::Client, clock: Arc<dyn Clock>, limiter: Arc<Limiter>, habits: Habits) -> Self {
        Self { pool, clock, limiter, habits, timeout: TIMEOUT, longest_reply: LONGEST_REPLY }
    }

    /// Sets how long one try may take.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the longest reply that is read, in bytes.
    #[must_use]
    pub const fn with_longest_reply(mut self, bytes: usize) -> Self {
        self.longest_reply = bytes;
        self
    }

    /// Sends a request and returns the reply, whatever its status.
    ///
    /// # Errors
    /// [`Failure::Throttled`] for a refusal for pace that cannot be waited for; the others say what became of the call.
    pub async fn send(&self, request: &Request) -> Result<Reply, Failure> {
        let mut tries = 0;
        loop {
            let place = self.limiter.admit().await?;
            let outcome = self.send_once(request).await;
            drop(place);
            tries += 1;
            match self.again_at(request.safety, tries, &outcome)? {
                None => return outcome,
                Some(instant) => self.clock.sleep(until(self.clock.now(), instant)).await,
            }
        }
    }

    /// Decides when to send again, if at all.
    fn again_at(&self, safety: Safety, tries: u32, outcome: &Result<Reply, Failure>) -> Result<Option<Timestamp>, Failure> {
        let now = self.clock.now();
        if let Ok(reply) = outcome
            && let Some(instant) = (self.habits.not_before)(reply, now)
        {
            self.limiter.close_until(instant);
            return if tries > MORE_TRIES || instant.duration_since(now) > PATIENCE {
                Err(Failure::Throttled(instant))
            } else {
                Ok(Some(later(instant, jitter(now, BACKOFF))))
            };
        }
        let safe = match outcome {
            Ok(reply) => reply.status.is_server_error() && safety == Safety::Read,
            Err(failure) => failure.allows_retry(safety),
        };
        Ok((safe && tries <= MORE_TRIES).then(|| later(now, BACKOFF * tries + jitter(now, BACKOFF))))
    }

    async fn send_once(&self, request: &Request) -> Result<Reply, Failure> {
        let mut call =
            self.pool.request(request.method.clone(), request.url.clone()).headers(request.headers.clone()).timeout(self.timeout);
        call = match &request.body {
            Body::None => call,
            Body::Json(value) => call.json(value),
            Body::Form(pairs) => call.form(pairs),
        };
        let mut response = call.send().await.map_err(Failure::from_reqwest)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| Failure::Cut(Some(error.without_url())))? {
            if body.len() + chunk.len() > self.longest_reply {
                return Err(Failure::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        let headers = std::mem::take(response.headers_mut());
        let request_id = headers.get(self.habits.request_id).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok(Reply { status: response.status(), headers, body, request_id })
    }
}

/// Returns the time from `now` to `instant`, zero if it has passed.
fn until(now: Timestamp, instant: Timestamp) -> Duration {
    instant.duration_since(now).try_into().unwrap_or_default()
}

/// Returns `instant` and `wait` more, or the end of time.
fn later(instant: Timestamp, wait: Duration) -> Timestamp {
    instant.saturating_add(wait).unwrap_or(Timestamp::MAX)
}

/// Returns up to `most`, so that those who failed together do not come back together. It is drawn from the clock: a run on a test's clock
/// repeats itself.
fn jitter(now: Timestamp, most: Duration) -> Duration {
    let seed = u64::from(now.subsec_nanosecond().unsigned_abs()) ^ now.as_second().unsigned_abs();
    most.mul_f64(SmallRng::seed_from_u64(seed).random::<f64>())
}

#[cfg(test)]
mod tests;
