//! Call limits on the simulator's clock.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

/// Calls per key, each counted as long as it lies in the window that the caller names.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    calls: Arc<Mutex<HashMap<String, VecDeque<i64>>>>,
}

/// How far back a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// Always the last so many milliseconds.
    Sliding(i64),
    /// Windows of so many milliseconds one after the other, on the limiter's own clock: they begin `offset_ms` after the full ones of
    /// the simulator's.
    Fixed {
        /// How long a window is.
        ms: i64,
        /// How far the limiter's clock is behind.
        offset_ms: i64,
    },
}

impl Window {
    /// The first instant that counts at `now_ms`.
    #[must_use]
    pub fn start(self, now_ms: i64) -> i64 {
        match self {
            Self::Sliding(ms) => now_ms - ms + 1,
            Self::Fixed { ms, offset_ms } => now_ms - (now_ms - offset_ms).rem_euclid(ms.max(1)),
        }
    }
}

impl Limits {
    /// Takes one call of `key` at `now_ms` and says whether it stays within `limit` calls in the window;
    /// a limit of 0 or less means none. A refused call does not count.
    #[must_use]
    pub fn admit(&self, key: &str, limit: i64, window: Window, now_ms: i64) -> bool {
        self.spend(key, 1, limit, (window, now_ms))
    }

    /// As [`Self::admit`], for a call that counts as `cost`, at an instant in a window.
    #[must_use]
    pub fn spend(&self, key: &str, cost: usize, limit: i64, (window, now_ms): (Window, i64)) -> bool {
        let Some(limit) = usize::try_from(limit).ok().filter(|limit| *limit > 0) else {
            return true;
        };
        let start = window.start(now_ms);
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = calls.entry(key.to_owned()).or_default();
        while counted.front().is_some_and(|first| *first < start) {
            counted.pop_front();
        }
        let admitted = counted.len() + cost <= limit;
        if admitted {
            counted.extend(std::iter::repeat_n(now_ms, cost));
        }
        admitted
    }

    /// How many calls of `key` lie in the window at `now_ms`.
    #[must_use]
    pub fn used(&self, key: &str, window: Window, now_ms: i64) -> i64 {
        let start = window.start(now_ms);
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let used = calls.get(key).map_or(0, |counted| counted.len() - counted.partition_point(|at| *at < start));
        i64::try_from(used).unwrap_or(i64::MAX)
    }

    /// Forgets all calls.
    pub fn clear(&self) {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_above_the_limit_wait_for_the_window_to_move_on() {
        let limits = Limits::default();
        let window = Window::Sliding(100);
        assert!(limits.admit("a", 2, window, 0));
        assert!(limits.admit("a", 2, window, 50));
        assert!(!limits.admit("a", 2, window, 99));
        assert!(limits.admit("b", 2, window, 99));
        assert!(limits.admit("a", 2, window, 100));
        assert!(limits.admit("a", 0, window, 100));
        assert_eq!((limits.used("a", window, 149), limits.used("a", window, 150)), (2, 1));
    }

    #[test]
    fn fixed_windows_begin_when_the_limiters_clock_says() {
        let limits = Limits::default();
        let window = Window::Fixed { ms: 100, offset_ms: 30 };
        assert!(limits.admit("a", 2, window, 129));
        assert!(limits.admit("a", 2, window, 130));
        assert!(limits.admit("a", 2, window, 229));
        assert!(!limits.admit("a", 2, window, 229));
        assert!(limits.admit("a", 2, window, 230));
        assert_eq!(window.start(29), -70);
    }

    #[test]
    fn a_call_may_count_as_several() {
        let limits = Limits::default();
        let at = |now_ms| (Window::Sliding(100), now_ms);
        assert!(limits.spend("a", 3, 5, at(0)));
        assert!(!limits.spend("a", 3, 5, at(1)));
        assert!(limits.spend("a", 2, 5, at(1)));
        assert_eq!(limits.used("a", Window::Sliding(100), 100), 2);
    }
}
