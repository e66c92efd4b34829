//! Pace: at most so many requests to a system for a site, and none while it asked to be left alone.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use governor::{Quota, RateLimiter, clock::Clock as GovernorClock, middleware::NoOpMiddleware, state::InMemoryState, state::NotKeyed};
use jiff::Timestamp;

use super::{Failure, later, until};
use crate::{model::ids::SiteId, ports::Clock};

/// How fast requests may go.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// So many requests.
    pub requests: NonZeroU32,
    /// In so much time.
    pub per: Duration,
    /// So many of them at once, after a pause. Within any `per`, at most `requests` and `burst` together are sent.
    pub burst: NonZeroU32,
    /// A request waits no longer than this for its turn; beyond it, it fails as throttled.
    pub longest_wait: Duration,
}

impl Rate {
    /// Returns so many percent of the rate, its burst included; never none at all.
    fn quota(&self, percent: u32) -> Quota {
        let percent = percent.clamp(1, 100);
        let burst = NonZeroU32::new(self.burst.get() * percent / 100).unwrap_or(NonZeroU32::MIN);
        let period = self.per * 100 / percent / self.requests.get();
        Quota::with_period(period).unwrap_or_else(|| Quota::per_second(self.requests)).allow_burst(burst)
    }
}

type Bucket = RateLimiter<NotKeyed, InMemoryState, SinceEpoch, NoOpMiddleware<Duration>>;

/// The injected clock in the limiter's form: the time since 1970.
struct SinceEpoch(Arc<dyn Clock>);

impl SinceEpoch {
    fn at(now: Timestamp) -> Duration {
        until(Timestamp::UNIX_EPOCH, now)
    }
}

impl GovernorClock for SinceEpoch {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Self::at(self.0.now())
    }
}

/// The pace of one site at one system. Everything that sends there for the site shares it.
pub struct Limiter {
    rate: Rate,
    clock: Arc<dyn Clock>,
    /// The share it keeps to, in percent, and what counts it.
    bucket: Mutex<(u32, Arc<Bucket>)>,
    closed_until: Mutex<Timestamp>,
}

impl Limiter {
    /// Makes a limiter that starts rested.
    #[must_use]
    pub fn new(rate: Rate, clock: Arc<dyn Clock>) -> Self {
        let bucket = Mutex::new((100, bucket(&rate, 100, &clock)));
        Self { rate, clock, bucket, closed_until: Mutex::new(Timestamp::MIN) }
    }

    /// Keeps to so many percent of the rate from now on: somebody else needs the rest. What was sent just before counts too, so it begins without a
    /// burst.
    pub fn keep_to(&self, percent: u32) {
        let mut held = lock(&self.bucket);
        if held.0 != percent {
            let bucket = bucket(&self.rate, percent, &self.clock);
            let _ = bucket.check_n(self.rate.quota(percent).burst_size());
            *held = (percent, bucket);
        }
    }

    /// Lets nothing through before `instant`.
    pub fn close_until(&self, instant: Timestamp) {
        let mut closed = lock(&self.closed_until);
        *closed = (*closed).max(instant);
    }

    /// Waits for a turn, but not longer than the rate allows.
    ///
    /// # Errors
    /// [`Failure::Throttled`] if the turn comes too late.
    pub async fn admit(&self, clock: &dyn Clock) -> Result<(), Failure> {
        let deadline = later(clock.now(), self.rate.longest_wait);
        loop {
            let now = clock.now();
            let turn = match self.turn(now) {
                Ok(()) => return Ok(()),
                Err(turn) => turn,
            };
            if turn > deadline {
                return Err(Failure::Throttled(turn));
            }
            clock.sleep(until(now, turn)).await;
        }
    }

    /// Takes a turn, or tells when to ask again.
    fn turn(&self, now: Timestamp) -> Result<(), Timestamp> {
        let closed = *lock(&self.closed_until);
        if closed > now {
            return Err(closed);
        }
        let bucket = Arc::clone(&lock(&self.bucket).1);
        bucket.check().map_err(|not_until| {
            let wait = not_until.wait_time_from(SinceEpoch::at(now));
            // A clock that rounds must still move.
            later(now, wait.max(Duration::from_millis(1)))
        })
    }
}

fn bucket(rate: &Rate, percent: u32, clock: &Arc<dyn Clock>) -> Arc<Bucket> {
    Arc::new(RateLimiter::direct_with_clock(rate.quota(percent), SinceEpoch(clock.clone())))
}

/// The limiters of all sites and systems of this process.
pub struct Limiters {
    clock: Arc<dyn Clock>,
    known: Mutex<HashMap<(SiteId, &'static str), Arc<Limiter>>>,
    /// The shares that sites keep to, where not all.
    shares: Mutex<HashMap<SiteId, u32>>,
}

impl Limiters {
    /// Starts without any.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, known: Mutex::default(), shares: Mutex::default() }
    }

    /// Returns the limiter of a site at a system; `rate` counts the first time.
    pub fn of(&self, site: &SiteId, system: &'static str, rate: Rate) -> Arc<Limiter> {
        let mut known = lock(&self.known);
        let limiter = known.entry((site.clone(), system)).or_insert_with(|| Arc::new(Limiter::new(rate, self.clock.clone())));
        limiter.keep_to(lock(&self.shares).get(site).copied().unwrap_or(100));
        Arc::clone(limiter)
    }

    /// Keeps to so many percent of all of a site's rates from now on.
    pub fn keep_to(&self, site: &SiteId, percent: u32) {
        let known = lock(&self.known);
        lock(&self.shares).insert(site.clone(), percent);
        known.iter().filter(|((of, _), _)| of == site).for_each(|(_, limiter)| limiter.keep_to(percent));
    }
}

/// Whoever panicked left it whole.
fn lock<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{super::stub::StubClock, *};

    fn rate(requests: u32, burst: u32, longest_wait: u64) -> Rate {
        Rate {
            requests: requests.try_into().unwrap(),
            per: Duration::from_mins(1),
            burst: burst.try_into().unwrap(),
            longest_wait: Duration::from_secs(longest_wait),
        }
    }

    #[tokio::test]
    async fn no_window_sees_more_than_the_rate_and_its_burst() {
        let clock = StubClock::shared();
        let limiter = Limiter::new(rate(60, 10, 5), clock.clone());
        let start = clock.now();
        for _ in 0..70 {
            limiter.admit(clock.as_ref()).await.unwrap();
        }
        assert_eq!(clock.now().duration_since(start).as_secs(), 60);
    }

    #[tokio::test]
    async fn a_turn_that_comes_too_late_is_throttled_with_its_instant() {
        let clock = StubClock::shared();
        let limiter = Limiter::new(rate(6, 1, 5), clock.clone());
        limiter.admit(clock.as_ref()).await.unwrap();
        let Err(Failure::Throttled(turn)) = limiter.admit(clock.as_ref()).await else { panic!("admitted") };
        assert_eq!(turn.duration_since(clock.now()).as_secs(), 10);
    }

    #[tokio::test]
    async fn a_closed_limiter_lets_nothing_through() {
        let clock = StubClock::shared();
        let limiter = Limiter::new(rate(60, 10, 5), clock.clone());
        let until = later(clock.now(), Duration::from_secs(30));
        limiter.close_until(until);
        assert!(matches!(limiter.admit(clock.as_ref()).await, Err(Failure::Throttled(at)) if at == until));
        clock.sleep(Duration::from_secs(27)).await;
        limiter.admit(clock.as_ref()).await.unwrap();
        assert_eq!(clock.now(), until);
    }

    #[tokio::test]
    async fn a_share_of_the_rate_takes_that_much_longer() {
        let clock = StubClock::shared();
        let limiter = Limiter::new(rate(60, 10, 5), clock.clone());
        let timed = async |percent| {
            limiter.keep_to(percent);
            let start = clock.now();
            for _ in 0..24 {
                limiter.admit(clock.as_ref()).await.unwrap();
            }
            clock.now().duration_since(start).as_secs()
        };
        // None of them is saved by a burst: what the other share sent just before counts too.
        assert_eq!((timed(50).await, timed(25).await), (48, 96));
    }

    #[test]
    fn sites_do_not_share_a_limiter() {
        let limiters = Limiters::new(StubClock::shared());
        let a = limiters.of(&"a".into(), "wix", rate(1, 1, 0));
        assert!(Arc::ptr_eq(&a, &limiters.of(&"a".into(), "wix", rate(1, 1, 0))));
        assert!(!Arc::ptr_eq(&a, &limiters.of(&"b".into(), "wix", rate(1, 1, 0))));
        assert!(!Arc::ptr_eq(&a, &limiters.of(&"a".into(), "hubspot", rate(1, 1, 0))));
    }
}
