//! The messages of one queue, ordered by when they are due.

use std::collections::{BTreeMap, HashMap};

use super::{Counts, Message, Received};

/// When a message is due, and its place among those due at the same moment.
type Slot = (i64, u64);

/// What a receive goes by.
pub(super) struct Rules {
    /// The present.
    pub(super) now: i64,
    /// The end of the visibility timeout of what is received.
    pub(super) hidden_until: i64,
    /// Older messages are dropped.
    pub(super) sent_after: i64,
    /// Messages received as often as this are dead.
    pub(super) max_receive_count: Option<u32>,
}

/// What a receive took out.
#[derive(Default)]
pub(super) struct Taken {
    /// For the consumer.
    pub(super) received: Vec<Received>,
    /// For the dead-letter queue.
    pub(super) dead: Vec<Message>,
}

struct Entry {
    message: Message,
    receipt: Option<String>,
}

#[derive(Default)]
pub(super) struct State {
    entries: BTreeMap<Slot, Entry>,
    receipts: HashMap<String, Slot>,
    last: u64,
}

impl State {
    pub(super) fn add(&mut self, due_ms: i64, message: Message) {
        self.last += 1;
        self.entries.insert((due_ms, self.last), Entry { message, receipt: None });
    }

    pub(super) fn take(&mut self, limit: usize, rules: &Rules) -> Taken {
        let mut taken = Taken::default();
        let mut hidden = Vec::new();
        while hidden.len() < limit {
            let Some((slot, message)) = self.pop_due(rules.now) else {
                break;
            };
            if message.sent_ms < rules.sent_after {
                continue;
            }
            if rules.max_receive_count.is_some_and(|max| message.receive_count >= max) {
                taken.dead.push(message);
                continue;
            }
            hidden.push((slot.1, message));
        }
        // Hidden only now: with a visibility timeout of zero a message would otherwise be picked twice in one batch.
        taken.received = hidden.into_iter().map(|(place, message)| self.hide(place, message, rules)).collect();
        taken
    }

    fn pop_due(&mut self, now: i64) -> Option<(Slot, Message)> {
        let slot = *self.entries.first_key_value()?.0;
        if slot.0 > now {
            return None;
        }
        let entry = self.entries.remove(&slot)?;
        if let Some(receipt) = entry.receipt {
            self.receipts.remove(&receipt);
        }
        Some((slot, entry.message))
    }

    fn hide(&mut self, place: u64, mut message: Message, rules: &Rules) -> Received {
        message.receive_count += 1;
        message.first_received_ms.get_or_insert(rules.now);
        let receipt = format!("{}#{}", message.id, message.receive_count);
        let slot = (rules.hidden_until, place);
        self.receipts.insert(receipt.clone(), slot);
        let entry = Entry { message: message.clone(), receipt: Some(receipt.clone()) };
        self.entries.insert(slot, entry);
        Received { message, receipt }
    }

    pub(super) fn delete(&mut self, receipt: &str) -> bool {
        let slot = self.receipts.remove(receipt);
        slot.and_then(|slot| self.entries.remove(&slot)).is_some()
    }

    pub(super) fn release(&mut self, receipt: &str, due_ms: i64) -> bool {
        let Some(slot) = self.receipts.get_mut(receipt) else {
            return false;
        };
        let old = std::mem::replace(slot, (due_ms, slot.1));
        let Some(entry) = self.entries.remove(&old) else {
            return false;
        };
        self.entries.insert((due_ms, old.1), entry);
        true
    }

    pub(super) fn due(&self, now: i64) -> usize {
        self.entries.range(..=(now, u64::MAX)).count()
    }

    pub(super) fn next_due(&self) -> Option<i64> {
        self.entries.first_key_value().map(|(slot, _)| slot.0)
    }

    pub(super) fn counts(&self, now: i64) -> Counts {
        let mut counts = Counts::default();
        for ((due, _), entry) in &self.entries {
            match (*due <= now, entry.receipt.is_some()) {
                (true, _) => counts.visible += 1,
                (false, true) => counts.in_flight += 1,
                (false, false) => counts.delayed += 1,
            }
        }
        counts
    }

    pub(super) fn messages(&self) -> impl Iterator<Item = &Message> {
        self.entries.values().map(|entry| &entry.message)
    }

    pub(super) fn drain(&mut self) -> Vec<Message> {
        self.receipts.clear();
        std::mem::take(&mut self.entries).into_values().map(|entry| entry.message).collect()
    }
}
