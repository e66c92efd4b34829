//! Call limits on the simulator's clock.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

/// Sliding windows, one per key.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    windows: Arc<Mutex<HashMap<String, VecDeque<i64>>>>,
}

impl Limits {
    /// Takes one call of `key` at `now_ms` and says whether it stays within `limit` calls per `window_ms`;
    /// a limit of 0 or less means none. A refused call does not count against the window.
    #[must_use]
    pub fn admit(&self, key: &str, limit: i64, window_ms: i64, now_ms: i64) -> bool {
        let Ok(limit) = usize::try_from(limit) else {
            return true;
        };
        if limit == 0 {
            return true;
        }
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let window = windows.entry(key.to_owned()).or_default();
        while window.front().is_some_and(|first| *first <= now_ms - window_ms) {
            window.pop_front();
        }
        let admitted = window.len() < limit;
        if admitted {
            window.push_back(now_ms);
        }
        admitted
    }

    /// How many calls of `key` the window that ends at `now_ms` holds.
    #[must_use]
    pub fn used(&self, key: &str, window_ms: i64, now_ms: i64) -> usize {
        let windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        windows.get(key).map_or(0, |window| window.iter().filter(|at| **at > now_ms - window_ms).count())
    }

    /// Forgets all calls.
    pub fn clear(&self) {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_above_the_limit_wait_for_the_window_to_move_on() {
        let limits = Limits::default();
        assert!(limits.admit("a", 2, 100, 0));
        assert!(limits.admit("a", 2, 100, 50));
        assert!(!limits.admit("a", 2, 100, 99));
        assert!(limits.admit("b", 2, 100, 99));
        assert!(limits.admit("a", 2, 100, 100));
        assert!(limits.admit("a", 0, 100, 100));
    }
}
