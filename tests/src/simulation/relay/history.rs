//! One history: people write, workers relay, and in the end everything comes to rest.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use contact_bridge::{
    adapters::memory,
    flows::{
        inbox::{Outcome, PATIENCE, Relay},
        setup,
    },
    model::{
        fingerprint::Key,
        ids::{SiteId, SourceId},
        message::{Author, Content, Message, Person},
        site::{
            Site,
            inbox::{NoMatch, SeveralMatches, Source},
        },
    },
};
use rand::Rng;
use serde_json::json;

use super::{
    super::{executor::Task, history::Verdict},
    Plant, check,
    ports::{SimulatedClaims, SimulatedInbox, WorldClock},
    world::{Chaos, Shared, World, lock},
};

/// Addresses that write.
const SENDERS: [&str; 3] = ["ada@example.com", "grace@example.com", "mary@example.com"];
/// How long the queue hides a message that a worker has, in milliseconds.
const VISIBILITY: i64 = 360_000;
/// Workers at once.
const WORKERS: usize = 2;
/// After so many steps something feeds itself.
const MOST_STEPS: u32 = 400_000;

/// A running history.
pub struct Running {
    /// The world.
    pub world: Shared,
    /// What was sent, in the order it was written.
    pub sent: Vec<Message>,
    /// The site's fingerprint key.
    pub key: Key,
    /// The claims and lines.
    pub store: Arc<memory::Store>,
    /// The site's settings.
    pub site: Site,
    relay: Relay,
    plant: Plant,
    workers: Vec<(u64, Message, Task<Outcome>)>,
    begun: u64,
    ended: usize,
}

/// Plays the history of a seed, and judges it. Its edits are the messages, its events the turns of workers.
#[must_use]
pub fn run(seed: u64, plant: Plant) -> Verdict {
    let mut running = Running::new(seed, plant);
    running.run();
    let violations = check::at_rest(&running);
    let trace = lock(&running.world).trace_hash();
    Verdict { seed, traces: vec![trace], violations, edits: running.sent.len(), events: running.ended }
}

impl Running {
    fn new(seed: u64, plant: Plant) -> Self {
        let mut world = World::new(seed);
        let site = draw_site(&mut world);
        for email in SENDERS {
            // Contacts are there long enough to be found; the last one may be nobody's.
            world.now -= 3_600_000;
            if email != "mary@example.com" || world.rng.random_bool(0.5) {
                world.add_contact(email);
            }
            world.now += 3_600_000;
        }
        if world.rng.random_bool(0.5) {
            world.now -= 3_000_000;
            world.add_contact(SENDERS[0]);
            world.now += 3_000_000;
        }
        let key = Key::derive(b"simulation", &site.site);
        let (world, store) = (Arc::new(std::sync::Mutex::new(world)), Arc::new(memory::Store::new()));
        let owners = AtomicU32::new(0);
        let relay = Relay {
            site: site.clone(),
            key: key.clone(),
            inbox: Arc::new(SimulatedInbox { world: world.clone(), plant }),
            claims: Arc::new(SimulatedClaims { below: store.clone(), world: world.clone(), plant }),
            links: store.clone(),
            clock: Arc::new(WorldClock(world.clone())),
            owner: Arc::new(move || owners.fetch_add(1, Ordering::Relaxed).to_string()),
        };
        Self { world, sent: Vec::new(), key, store, site, relay, plant, workers: Vec::new(), begun: 0, ended: 0 }
    }

    fn run(&mut self) {
        let count = lock(&self.world).rng.random_range(3..14);
        for nth in 0..count {
            self.write(nth);
            let steps = lock(&self.world).rng.random_range(0..40);
            (0..steps).for_each(|_| self.step());
        }
        for _ in 0..2_000 {
            self.step();
        }
        lock(&self.world).chaos = Chaos::NONE;
        self.come_to_rest();
        // A service sends something again, a day later.
        {
            let mut world = lock(&self.world);
            world.now += 24 * 3_600_000;
            let late = world.rng.random_range(0..self.sent.len());
            self.sent.get(late).iter().for_each(|message| world.publish(message));
        }
        self.come_to_rest();
    }

    fn come_to_rest(&mut self) {
        for _ in 0..MOST_STEPS {
            if self.workers.is_empty() && lock(&self.world).queue.is_empty() {
                return;
            }
            self.step();
        }
    }

    /// Somebody writes something: often the same words as before.
    fn write(&mut self, nth: u32) {
        let mut world = lock(&self.world);
        world.now += world.rng.random_range(0..20_000);
        let sender = *SENDERS.get(world.rng.random_range(0..SENDERS.len())).unwrap_or(&SENDERS[0]);
        let words = *["ok", "thanks", "Ok!", "where are you?"].get(world.rng.random_range(0..4)).unwrap_or(&"ok");
        let message = Message {
            site: self.site.site.clone(),
            source: SourceId::from("chat"),
            service: "plain".to_owned(),
            id: format!("m{nth}"),
            part: 0,
            who: Person::new(Some(sender), None, None),
            author: Author::Participant,
            content: Content::Message { text: words.to_owned(), media: Vec::new() },
            at: world.instant(),
            order: 0,
            attempts: 0,
            searches: 0,
        };
        world.trace(("write", nth, sender));
        world.publish(&message);
        drop(world);
        self.sent.push(message);
    }

    /// Lets one worker go on to its next await point, or crash there; without one, takes a message or lets time pass.
    fn step(&mut self) {
        let (merges, crashes, nth, begins) = {
            let mut world = lock(&self.world);
            let (merges, crashes) = (world.chaos.merges, world.chaos.crashes);
            let (merges, crashes) = (world.seldom(merges), world.seldom(crashes));
            let nth = world.rng.random_range(0..WORKERS);
            (merges, crashes, nth, world.rng.random_bool(0.3))
        };
        if merges {
            lock(&self.world).merge();
        }
        if self.workers.len() < WORKERS && (begins || self.workers.is_empty()) {
            self.begin();
            return;
        }
        if self.workers.is_empty() {
            return;
        }
        let nth = nth % self.workers.len();
        if crashes {
            let (_, message, _) = self.workers.swap_remove(nth);
            let mut world = lock(&self.world);
            world.trace("crash");
            let due = world.now + VISIBILITY;
            world.deliver_at(due, message);
            return;
        }
        let Some((worker, _, task)) = self.workers.get_mut(nth) else { return };
        lock(&self.world).worker = *worker;
        if let Some(outcome) = task.step() {
            let (_, message, _) = self.workers.swap_remove(nth);
            self.ended += 1;
            self.end(message, &outcome);
        }
    }

    fn begin(&mut self) {
        let due = {
            let mut world = lock(&self.world);
            let due = world.take_due();
            if let (None, true, Some((next, _))) = (&due, self.workers.is_empty(), world.queue.keys().next().copied()) {
                world.now = world.now.max(next);
            }
            due
        };
        let Some(message) = due else { return };
        let (relay, own) = (self.relay.clone(), message.clone());
        self.begun += 1;
        self.workers.push((self.begun, message, Task::new(async move { relay.relay(&own).await })));
    }

    fn end(&self, mut message: Message, outcome: &Outcome) {
        let mut world = lock(&self.world);
        world.trace(format!("{} {outcome:?}", message.id));
        match outcome {
            Outcome::Done(_) => {}
            Outcome::Later(_) | Outcome::NotYet(_) if self.plant == Plant::AcknowledgesFailures => {}
            Outcome::Later(later) | Outcome::NotYet(later) => {
                message.searches += u32::from(matches!(outcome, Outcome::NotYet(_)));
                match PATIENCE.next(&mut message, *later, world.instant()) {
                    Ok(delay) => {
                        let due = world.now + i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
                        world.deliver_at(due, message);
                    }
                    Err(reason) => drop(world.dead.insert(message.id, reason)),
                }
            }
            Outcome::Parked(reason) => drop(world.dead.insert(message.id, reason.name().to_owned())),
            Outcome::Poison(error) => drop(world.dead.insert(message.id, error.to_string())),
        }
    }
}

fn draw_site(world: &mut World) -> Site {
    let id = SiteId::new("site");
    let mut source: Source = serde_json::from_value(json!({"kind": "plain"})).expect("the settings are whole");
    if world.rng.random_bool(0.3) {
        source.several_matches = SeveralMatches::All;
        // Of two contacts that become one, nobody could say how often a message should stand there.
        world.chaos.merges = 0;
    }
    source.no_match = if world.rng.random_bool(0.5) { NoMatch::Create } else { NoMatch::Park };
    Site { inbox: [(SourceId::from("chat"), source)].into(), ..setup::defaults(&id) }
}
