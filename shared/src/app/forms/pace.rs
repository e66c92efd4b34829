//! How often one internet address may post to a form, as far as this process sees.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use governor::{Quota, RateLimiter, clock, middleware::NoOpMiddleware, state::keyed::HashMapStateStore};
use jiff::Timestamp;

use crate::{
    model::ids::{FormId, SiteId},
    ports::Clock,
};

/// Beyond so many internet addresses those that are rested are forgotten.
const MOST_REMEMBERED: usize = 10_000;

/// The injected clock in the limiter's form: the time since 1970.
#[derive(Clone)]
struct SinceEpoch(Arc<dyn Clock>);

impl clock::Clock for SinceEpoch {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::try_from(self.0.now().duration_since(Timestamp::UNIX_EPOCH)).unwrap_or_default()
    }
}

type Limiter = RateLimiter<String, HashMapStateStore<String>, SinceEpoch, NoOpMiddleware<Duration>>;

/// The limiters of all public forms.
pub(super) struct Pace {
    clock: SinceEpoch,
    limiters: Mutex<HashMap<(SiteId, FormId, u32), Arc<Limiter>>>,
}

impl Pace {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock: SinceEpoch(clock), limiters: Mutex::new(HashMap::new()) }
    }

    /// Takes a turn of an internet address, at most `per_minute` of them at once and within a minute.
    pub fn admits(&self, site: &SiteId, form: &FormId, per_minute: u32, from: &str) -> bool {
        let limiter = self.of(site, form, per_minute);
        if limiter.len() > MOST_REMEMBERED {
            limiter.retain_recent();
        }
        limiter.check_key(&from.to_owned()).is_ok()
    }

    fn of(&self, site: &SiteId, form: &FormId, per_minute: u32) -> Arc<Limiter> {
        let mut limiters = self.limiters.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || {
            let most = NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN);
            Arc::new(RateLimiter::hashmap_with_clock(Quota::per_minute(most), self.clock.clone()))
        };
        limiters.entry((site.clone(), form.clone(), per_minute)).or_insert_with(fresh).clone()
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use jiff::SignedDuration;

    use super::*;

    struct Hand(Mutex<Timestamp>);

    #[async_trait]
    impl Clock for Hand {
        fn now(&self) -> Timestamp {
            *self.0.lock().unwrap()
        }

        async fn sleep(&self, _: Duration) {}
    }

    #[test]
    fn an_address_has_its_turns_within_a_minute_and_others_theirs() {
        let hand = Arc::new(Hand(Mutex::new(Timestamp::UNIX_EPOCH)));
        let pace = Pace::new(hand.clone());
        let admits = |form: &str, from: &str| pace.admits(&"s".into(), &form.into(), 2, from);
        assert_eq!([admits("f", "a"), admits("f", "a"), admits("f", "a")], [true, true, false]);
        assert!(admits("f", "b") && admits("g", "a"));
        *hand.0.lock().unwrap() += SignedDuration::from_secs(30);
        assert_eq!([admits("f", "a"), admits("f", "a")], [true, false]);
    }
}
