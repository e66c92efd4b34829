//! One site's Inbox, the queue, the clock, and what the checker remembers.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, MutexGuard},
};

use contact_bridge::{
    model::{
        fingerprint::Digest,
        ids::{ConversationId, RecordId},
        message::Message,
        post::Said,
    },
    ports::ErrorKind,
};
use jiff::Timestamp;
use rand::{Rng, SeedableRng, rngs::SmallRng};

/// How bad a history is, in percent of the calls or deliveries concerned.
#[derive(Clone, Copy, Debug)]
pub struct Chaos {
    /// Calls of Wix that are throttled.
    pub throttled: u32,
    /// Calls of Wix or of the table that fail before they are carried out.
    pub failed: u32,
    /// Calls that are carried out and whose reply is lost.
    pub lost_replies: u32,
    /// Await points at which the worker crashes, in per mille.
    pub crashes: u32,
    /// Deliveries that come twice.
    pub repeats: u32,
    /// Steps at which a person merges two contacts, in per mille.
    pub merges: u32,
    /// The longest delay of a delivery, in milliseconds.
    pub delay: i64,
    /// How long a listing does not see what was written, in milliseconds.
    pub lag: i64,
}

impl Chaos {
    /// Nothing goes wrong.
    pub const NONE: Self = Self { throttled: 0, failed: 0, lost_replies: 0, crashes: 0, repeats: 0, merges: 0, delay: 0, lag: 0 };

    /// Draws how bad a history is: one in eight is calm.
    pub fn draw(rng: &mut SmallRng) -> Self {
        if rng.random_ratio(1, 8) {
            return Self::NONE;
        }
        Self {
            throttled: rng.random_range(0..8),
            failed: rng.random_range(0..12),
            lost_replies: rng.random_range(0..15),
            crashes: rng.random_range(0..40),
            repeats: rng.random_range(0..50),
            merges: rng.random_range(0..4),
            delay: *[0, 50, 5_000, 90_000].get(rng.random_range(0..4)).unwrap_or(&0),
            lag: *[0, 0, 2_000, 200_000].get(rng.random_range(0..4)).unwrap_or(&0),
        }
    }
}

/// A contact of the site.
#[derive(Clone, Debug)]
pub struct Contact {
    /// Its addresses.
    pub emails: BTreeSet<String>,
    /// When it was created, or got its last address.
    pub changed: i64,
    /// The contact it was merged into, and when.
    pub merged: Option<(RecordId, i64)>,
}

/// A message as it stands in a conversation.
#[derive(Clone)]
pub struct Standing {
    /// The conversation.
    pub conversation: ConversationId,
    /// Its place.
    pub place: u64,
    /// When it was posted.
    pub at: i64,
    /// What it says.
    pub said: Vec<Said>,
}

/// One site.
pub struct World {
    /// All that is drawn.
    pub rng: SmallRng,
    /// Now, in milliseconds.
    pub now: i64,
    /// How bad it is at present.
    pub chaos: Chaos,
    /// The contacts.
    pub contacts: BTreeMap<RecordId, Contact>,
    /// The conversation with each contact that has one.
    pub conversations: BTreeMap<RecordId, ConversationId>,
    /// Everything that stands in a conversation.
    pub standing: Vec<Standing>,
    /// Deliveries by due time.
    pub queue: BTreeMap<(i64, u64), Message>,
    /// What was given up, by id, with the reason.
    pub dead: BTreeMap<String, String>,
    /// When each message lined up the first time, in steps.
    pub first_lined: BTreeMap<Digest, u64>,
    /// The worker that goes on now.
    pub worker: u64,
    /// What each worker's message is, and when it lined up, in steps.
    pub lined: BTreeMap<u64, (Digest, u64)>,
    /// What was posted at a place, and when it had lined up for that, in steps.
    pub turns: BTreeMap<u64, (Digest, u64)>,
    steps: u64,
    sequence: u64,
    trace: DefaultHasher,
}

/// A handle on a world.
pub type Shared = Arc<Mutex<World>>;

/// Locks a world; it is never poisoned, everything runs on one thread.
///
/// # Panics
/// Never, see above.
pub fn lock(world: &Shared) -> MutexGuard<'_, World> {
    world.lock().expect("one thread")
}

impl World {
    /// Makes an empty world.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        Self {
            chaos: Chaos::draw(&mut rng),
            rng,
            now: 1_790_000_000_000,
            contacts: BTreeMap::new(),
            conversations: BTreeMap::new(),
            standing: Vec::new(),
            queue: BTreeMap::new(),
            dead: BTreeMap::new(),
            first_lined: BTreeMap::new(),
            worker: 0,
            lined: BTreeMap::new(),
            turns: BTreeMap::new(),
            steps: 0,
            sequence: 0,
            trace: DefaultHasher::new(),
        }
    }

    /// Draws with a chance in percent.
    pub fn chance(&mut self, percent: u32) -> bool {
        percent > 0 && self.rng.random_range(0..100) < percent
    }

    /// Draws with a chance in per mille.
    pub fn seldom(&mut self, per_mille: u32) -> bool {
        per_mille > 0 && self.rng.random_range(0..1000) < per_mille
    }

    /// Adds to the trace that makes histories comparable.
    pub fn trace(&mut self, what: impl Hash) {
        what.hash(&mut self.trace);
        self.now.hash(&mut self.trace);
    }

    /// Returns the trace's hash.
    #[must_use]
    pub fn trace_hash(&self) -> u64 {
        self.trace.finish()
    }

    /// Returns now as an instant.
    #[must_use]
    pub fn instant(&self) -> Timestamp {
        Timestamp::from_millisecond(self.now).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Counts a step of the history.
    pub const fn step(&mut self) -> u64 {
        self.steps += 1;
        self.steps
    }

    /// Delivers a message at least once, some time.
    pub fn publish(&mut self, message: &Message) {
        let copies = 1 + u32::from(self.chance(self.chaos.repeats));
        for _ in 0..copies {
            let delay = if self.chaos.delay == 0 { 0 } else { self.rng.random_range(0..self.chaos.delay) };
            self.deliver_at(self.now + delay, message.clone());
        }
    }

    /// Puts a message into the queue.
    pub fn deliver_at(&mut self, due: i64, message: Message) {
        self.sequence += 1;
        self.queue.insert((due, self.sequence), message);
    }

    /// Takes a due message, not always the first one.
    pub fn take_due(&mut self) -> Option<Message> {
        let due = self.queue.range(..=(self.now, u64::MAX)).count();
        if due == 0 {
            return None;
        }
        let nth = if self.chaos.delay > 0 { self.rng.random_range(0..due) } else { 0 };
        let key = *self.queue.keys().nth(nth)?;
        self.queue.remove(&key)
    }

    /// Draws what happens to a call of Wix before it is carried out.
    pub fn draw_refusal(&mut self) -> Option<ErrorKind> {
        if self.chance(self.chaos.throttled) {
            let wait = self.rng.random_range(1_000..10_000);
            return Timestamp::from_millisecond(self.now + wait).ok().map(ErrorKind::Throttled);
        }
        self.chance(self.chaos.failed).then_some(ErrorKind::Unavailable)
    }

    /// Draws whether a call of the table fails before it is carried out.
    pub fn fails(&mut self) -> bool {
        self.chance(self.chaos.failed)
    }

    /// Draws whether the reply of a call is lost.
    pub fn loses_reply(&mut self) -> bool {
        self.chance(self.chaos.lost_replies)
    }

    /// Makes a contact.
    pub fn add_contact(&mut self, email: &str) -> RecordId {
        let id = RecordId::new(format!("c{}", self.contacts.len() + 1));
        let contact = Contact { emails: [email.to_owned()].into(), changed: self.now, merged: None };
        self.contacts.insert(id.clone(), contact);
        id
    }

    /// Returns the contacts that are there.
    #[must_use]
    pub fn present(&self) -> Vec<RecordId> {
        self.contacts.iter().filter(|(_, contact)| contact.merged.is_none()).map(|(id, _)| id.clone()).collect()
    }

    /// Returns the first contact that has an address now.
    #[must_use]
    pub fn holder(&self, email: &str) -> Option<RecordId> {
        self.present().into_iter().find(|id| self.contacts.get(id).is_some_and(|contact| contact.emails.contains(email)))
    }

    /// Returns what the index of contacts finds by an address: of what happened a moment ago, nothing.
    #[must_use]
    pub fn indexed(&self, email: &str) -> Vec<RecordId> {
        let seen = |at: i64| self.now - at >= self.chaos.lag;
        let shows = |contact: &Contact| {
            let is_there = contact.merged.as_ref().is_none_or(|(_, at)| !seen(*at));
            is_there && seen(contact.changed) && contact.emails.contains(email)
        };
        self.contacts.iter().filter(|(_, contact)| shows(contact)).map(|(id, _)| id.clone()).collect()
    }

    /// Returns the conversation with a contact, or with the one it was merged into.
    pub fn conversation_with(&mut self, contact: &RecordId) -> Option<ConversationId> {
        let mut id = contact.clone();
        while let Some((winner, _)) = self.contacts.get(&id)?.merged.clone() {
            id = winner;
        }
        self.sequence += 1;
        let fresh = ConversationId::new(format!("v{}", self.sequence));
        Some(self.conversations.entry(id).or_insert(fresh).clone())
    }

    /// Posts; `None` if the conversation was merged away.
    pub fn post(&mut self, conversation: &ConversationId, said: Vec<Said>) -> Option<u64> {
        self.conversations.values().find(|own| *own == conversation)?;
        self.sequence += 1;
        let place = self.now.unsigned_abs() * 1000 + self.sequence;
        self.trace(("post", conversation.as_str(), place));
        self.turns.extend(self.lined.get(&self.worker).map(|turn| (place, *turn)));
        self.standing.push(Standing { conversation: conversation.clone(), place, at: self.now, said });
        Some(place)
    }

    /// A person merges a contact into another: the conversation becomes a new one with the messages of both.
    pub fn merge(&mut self) {
        let present = self.present();
        if present.len() < 2 {
            return;
        }
        let winner = self.rng.random_range(0..present.len());
        let loser = (winner + self.rng.random_range(1..present.len())) % present.len();
        let (Some(winner), Some(loser)) = (present.get(winner), present.get(loser)) else { return };
        self.trace(("merge", winner.as_str(), loser.as_str()));
        let now = self.now;
        let moved = self.contacts.get(loser).map(|contact| contact.emails.clone()).unwrap_or_default();
        if let Some(contact) = self.contacts.get_mut(loser) {
            contact.merged = Some((winner.clone(), now));
        }
        if let Some(contact) = self.contacts.get_mut(winner) {
            contact.emails.extend(moved);
            contact.changed = now;
        }
        let old: Vec<_> = [winner, loser].into_iter().filter_map(|id| self.conversations.remove(id)).collect();
        if old.is_empty() {
            return;
        }
        let Some(new) = self.conversation_with(winner) else { return };
        for standing in self.standing.iter_mut().filter(|standing| old.contains(&standing.conversation)) {
            standing.conversation = new.clone();
        }
    }
}
