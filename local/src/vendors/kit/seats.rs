//! A limit of calls at work at the same time.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::{Value, json};
use tokio::sync::watch;

/// Seats for calls, per key; a call without a seat is to be refused.
#[derive(Debug, Clone)]
pub struct Seats {
    rooms: Arc<Mutex<BTreeMap<String, Room>>>,
    held: Arc<watch::Sender<bool>>,
}

#[derive(Debug, Default)]
struct Room {
    taken: usize,
    most: usize,
    /// When the seats of calls that ran into a time-out become free, Unix milliseconds.
    lost: Vec<i64>,
}

/// A taken seat; it is free again when this is dropped.
#[derive(Debug)]
pub struct Seat {
    seats: Seats,
    key: String,
}

impl Default for Seats {
    fn default() -> Self {
        Self { rooms: Arc::default(), held: Arc::new(watch::Sender::new(false)) }
    }
}

impl Seats {
    /// Takes a seat among `limit` of `key`, 0 or less = any number; `None` when all are taken.
    #[must_use]
    pub fn take(&self, key: &str, limit: i64, now_ms: i64) -> Option<Seat> {
        self.with(|rooms| {
            let room = rooms.entry(key.to_owned()).or_default();
            room.lost.retain(|until| *until > now_ms);
            let full = usize::try_from(limit).is_ok_and(|limit| limit > 0 && room.taken + room.lost.len() >= limit);
            if full {
                return None;
            }
            room.taken += 1;
            room.most = room.most.max(room.taken);
            Some(Seat { seats: self.clone(), key: key.to_owned() })
        })
    }

    /// Keeps all calls that have a seat, and those that get one, from going on, or lets them go on.
    pub fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    /// Waits while calls are held.
    pub async fn may_go_on(&self) {
        // The sender lives as long as this does.
        let _ = self.held.subscribe().wait_for(|held| !held).await;
    }

    /// Seats taken now and the most ever taken at once, per key.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let held = *self.held.borrow();
        self.with(|rooms| {
            let shown =
                rooms.iter().map(|(key, room)| (key.clone(), json!({"now": room.taken, "most": room.most, "lost": room.lost.len()})));
            json!({"held": held, "connections": Value::Object(shown.collect())})
        })
    }

    /// The most seats of `key` ever taken at once.
    #[must_use]
    pub fn most(&self, key: &str) -> usize {
        self.with(|rooms| rooms.get(key).map_or(0, |room| room.most))
    }

    /// Forgets lost seats and counts, and lets calls go on.
    pub fn clear(&self) {
        self.hold(false);
        self.with(|rooms| {
            for room in rooms.values_mut() {
                *room = Room { taken: room.taken, most: room.taken, lost: Vec::new() };
            }
        });
    }

    fn with<T>(&self, act: impl FnOnce(&mut BTreeMap<String, Room>) -> T) -> T {
        act(&mut self.rooms.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Seat {
    /// Gives the seat up only at `until_ms`, whatever becomes of the call.
    pub fn lose(self, until_ms: i64) {
        self.seats.with(|rooms| rooms.entry(self.key.clone()).or_default().lost.push(until_ms));
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.with(|rooms| {
            if let Some(room) = rooms.get_mut(&self.key) {
                room.taken = room.taken.saturating_sub(1);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_is_free_again_when_its_call_ends() {
        let seats = Seats::default();
        let (a, _b) = (seats.take("x", 2, 0).unwrap(), seats.take("x", 2, 0).unwrap());
        assert!(seats.take("x", 2, 0).is_none() && seats.take("y", 2, 0).is_some());
        drop(a);
        assert!(seats.take("x", 2, 0).is_some());
        assert_eq!(seats.most("x"), 2);
    }

    #[test]
    fn a_lost_seat_stays_taken_until_its_time() {
        let seats = Seats::default();
        seats.take("x", 1, 0).unwrap().lose(100);
        assert!(seats.take("x", 1, 99).is_none());
        assert!(seats.take("x", 1, 100).is_some());
    }

    #[tokio::test]
    async fn held_calls_go_on_when_they_are_let_go() {
        let seats = Seats::default();
        seats.hold(true);
        let waiting = tokio::spawn({
            let seats = seats.clone();
            async move { seats.may_go_on().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        seats.hold(false);
        waiting.await.unwrap();
    }
}
