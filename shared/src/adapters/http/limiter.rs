//! Pace: at most so many requests to a system for a site, and none while it asked to be left alone.

use std::{
    collections::{HashMap, VecDeque},
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
    /// So many of them at once, after a pause. Within any `per`, fewer than `requests` and `burst` together arrive.
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

    /// Returns how many the other side may count within any `per`.
    fn most(&self) -> usize {
        usize::try_from(u64::from(self.requests.get()) + u64::from(self.burst.get()) - 1).unwrap_or(usize::MAX)
    }
}

/// The requests that the other side may count in its window. When one arrives nobody here knows; it is certain only that it was between its being sent
/// and its answer, so it counts from the one until the window's length after the other, however long it was on its way.
#[derive(Default)]
struct Window {
    under_way: usize,
    answered: VecDeque<Timestamp>,
}

impl Window {
    /// Tells when to ask again if there is no place left.
    fn full_until(&mut self, rate: &Rate, now: Timestamp) -> Option<Timestamp> {
        while self.answered.front().is_some_and(|answered| later(*answered, rate.per) <= now) {
            self.answered.pop_front();
        }
        let too_many = (self.under_way + self.answered.len()).checked_sub(rate.most())?;
        let free = self.answered.get(too_many).map(|answered| later(*answered, rate.per));
        // None is answered: nobody knows when one will be.
        Some(free.unwrap_or_else(|| later(now, rate.per / rate.requests.get())))
    }
}

/// A request's place in the window, to be held until the answer is there.
#[must_use = "a place that is given back before the answer makes room too early"]
pub struct Place<'a>(&'a Limiter);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut held = lock(&self.0.held);
        held.window.under_way = held.window.under_way.saturating_sub(1);
        held.window.answered.push_back(self.0.clock.now());
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
    held: Mutex<Held>,
    /// Those who wait, in the order in which they came.
    line: tokio::sync::Mutex<()>,
}

struct Held {
    /// The share it keeps to.
    percent: u32,
    /// What spaces the requests.
    bucket: Bucket,
    /// What counts them.
    window: Window,
    closed_until: Timestamp,
}

impl Limiter {
    /// Makes a limiter that starts rested.
    #[must_use]
    pub fn new(rate: Rate, clock: Arc<dyn Clock>) -> Self {
        let held = Held { percent: 100, bucket: bucket(&rate, 100, &clock), window: Window::default(), closed_until: Timestamp::MIN };
        Self { rate, clock, held: Mutex::new(held), line: tokio::sync::Mutex::default() }
    }

    /// Keeps to so many percent of the rate from now on: somebody else needs the rest. What was sent just before counts too, so it begins without a
    /// burst.
    pub fn keep_to(&self, percent: u32) {
        let mut held = lock(&self.held);
        if held.percent != percent {
            held.percent = percent;
            held.bucket = bucket(&self.rate, percent, &self.clock);
            let _ = held.bucket.check_n(self.rate.quota(percent).burst_size());
        }
    }

    /// Lets nothing through before `instant`.
    pub fn close_until(&self, instant: Timestamp) {
        let mut held = lock(&self.held);
        held.closed_until = held.closed_until.max(instant);
    }

    /// Waits for a turn, first come, first served, but not longer than the rate allows; the place is to be held until the answer is there.
    ///
    /// # Errors
    /// [`Failure::Throttled`] if the turn comes too late.
    pub async fn admit(&self) -> Result<Place<'_>, Failure> {
        let deadline = later(self.clock.now(), self.rate.longest_wait);
        let _first = self.line.lock().await;
        loop {
            let now = self.clock.now();
            let turn = match self.turn(now) {
                Ok(place) => return Ok(place),
                Err(turn) => turn,
            };
            if turn > deadline {
                return Err(Failure::Throttled(turn));
            }
            self.clock.sleep(until(now, turn)).await;
        }
    }

    /// Takes a turn, or tells when to ask again.
    fn turn(&self, now: Timestamp) -> Result<Place<'_>, Timestamp> {
        let mut held = lock(&self.held);
        if held.closed_until > now {
            return Err(held.closed_until);
        }
        if let Some(turn) = held.window.full_until(&self.rate, now) {
            return Err(turn);
        }
        held.bucket.check().map_err(|not_until| {
            let wait = not_until.wait_time_from(SinceEpoch::at(now));
            // A clock that rounds must still move.
            later(now, wait.max(Duration::from_millis(1)))
        })?;
        held.window.under_way += 1;
        Ok(Place(self))
    }
}

fn bucket(rate: &Rate, percent: u32, clock: &Arc<dyn Clock>) -> Bucket {
    RateLimiter::direct_with_clock(rate.quota(percent), SinceEpoch(clock.clone()))
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
    use async_trait::async_trait;

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
            drop(limiter.admit().await.unwrap());
        }
        assert_eq!(clock.now().duration_since(start).as_secs(), 60);
    }

    #[tokio::test]
    async fn a_request_counts_from_its_answer_because_it_may_have_arrived_as_late_as_that() {
        let clock = StubClock::shared();
        let limiter = Limiter::new(rate(10, 1, 60), clock.clone());
        let mut arrived = Vec::new();
        for number in 0..30 {
            let place = limiter.admit().await.unwrap();
            // Every tenth is slow on its way there, and at once answered; what comes after it is not.
            clock.sleep(Duration::from_millis(if number % 10 == 0 { 4_900 } else { 0 })).await;
            arrived.push(clock.now());
            drop(place);
        }
        let windows = arrived.windows(11).map(|window| window[10].duration_since(window[0]).as_secs());
        assert!(windows.clone().all(|seconds| seconds >= 60), "{:?}", windows.collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_request_without_an_answer_keeps_its_place() {
        let clock = StubClock::shared();
        let limiter = Limiter::new(rate(2, 1, 60), clock.clone());
        let under_way = [limiter.admit().await.unwrap(), limiter.admit().await.unwrap()];
        assert!(matches!(limiter.admit().await, Err(Failure::Throttled(_))));
        drop(under_way);
        let answered = clock.now();
        drop(limiter.admit().await.unwrap());
        assert_eq!(clock.now().duration_since(answered).as_secs(), 60);
    }

    /// A clock that somebody else moves.
    struct Moved(Arc<StubClock>);

    #[async_trait]
    impl Clock for Moved {
        fn now(&self) -> Timestamp {
            self.0.now()
        }

        async fn sleep(&self, duration: Duration) {
            let end = later(self.now(), duration);
            while self.now() < end {
                tokio::task::yield_now().await;
            }
        }
    }

    #[tokio::test]
    async fn first_come_first_served() {
        let clock = StubClock::shared();
        let limiter = Limiter::new(rate(60, 1, 60), Arc::new(Moved(clock.clone())));
        let served = Mutex::new(Vec::new());
        let comes_twice = async |name| {
            for _ in 0..2 {
                drop(limiter.admit().await.unwrap());
                lock(&served).push(name);
            }
        };
        let move_clock = async {
            while lock(&served).len() < 6 {
                tokio::task::yield_now().await;
                clock.sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::join!(comes_twice('a'), comes_twice('b'), comes_twice('c'), move_clock);
        assert_eq!(lock(&served).iter().collect::<String>(), "aabcbc", "who comes back stands behind those who wait");
    }

    #[tokio::test]
    async fn a_turn_that_comes_too_late_is_throttled_with_its_instant() {
        let clock = StubClock::shared();
        let limiter = Limiter::new(rate(6, 1, 5), clock.clone());
        drop(limiter.admit().await.unwrap());
        let Err(Failure::Throttled(turn)) = limiter.admit().await else { panic!("admitted") };
        assert_eq!(turn.duration_since(clock.now()).as_secs(), 10);
    }

    #[tokio::test]
    async fn a_closed_limiter_lets_nothing_through() {
        let clock = StubClock::shared();
        let limiter = Limiter::new(rate(60, 10, 5), clock.clone());
        let until = later(clock.now(), Duration::from_secs(30));
        limiter.close_until(until);
        assert!(matches!(limiter.admit().await, Err(Failure::Throttled(at)) if at == until));
        clock.sleep(Duration::from_secs(27)).await;
        drop(limiter.admit().await.unwrap());
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
                drop(limiter.admit().await.unwrap());
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
