//! A value whose writes become visible to searches only after a while.

use std::collections::VecDeque;

/// A value with its not yet indexed writes: reads by id see the newest, searches see the newest indexed one.
#[derive(Debug, Clone)]
pub struct Lagged<T> {
    newest: T,
    /// Writes with the time they become visible, oldest first; the first is the one searches see now.
    indexed: VecDeque<(i64, T)>,
}

impl<T: Clone> Lagged<T> {
    /// A value first written with `value`, visible to searches from `visible_ms`.
    #[must_use]
    pub fn new(value: T, visible_ms: i64) -> Self {
        Self { newest: value.clone(), indexed: VecDeque::from([(visible_ms, value)]) }
    }

    /// Replaces the value; searches see it from `visible_ms`.
    pub fn write(&mut self, value: T, now_ms: i64, visible_ms: i64) {
        self.newest = value.clone();
        self.indexed.push_back((visible_ms, value));
        self.forget_superseded(now_ms);
    }

    /// The newest value.
    #[must_use]
    pub fn current(&self) -> &T {
        &self.newest
    }

    /// What a search made at `now_ms` sees.
    #[must_use]
    pub fn seen(&self, now_ms: i64) -> Option<&T> {
        self.indexed.iter().rev().find(|(visible, _)| *visible <= now_ms).map(|(_, value)| value)
    }

    fn forget_superseded(&mut self, now_ms: i64) {
        let Some(shown) = self.indexed.iter().rposition(|(visible, _)| *visible <= now_ms) else {
            return;
        };
        self.indexed.drain(..shown);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_sees_a_write_only_after_the_lag() {
        let mut value = Lagged::new("a", 10);
        assert_eq!(value.seen(9), None);
        value.write("b", 20, 30);
        assert_eq!((value.current(), value.seen(20), value.seen(30)), (&"b", Some(&"a"), Some(&"b")));
    }

    #[test]
    fn an_immediate_write_hides_an_older_pending_one() {
        let mut value = Lagged::new("a", 100);
        value.write("b", 20, 20);
        assert_eq!(value.seen(100), Some(&"b"));
    }
}
