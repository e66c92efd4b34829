//! The judgement of a history that came to rest.

use std::collections::BTreeMap;

use contact_bridge::{
    model::{
        message::{Content, Message},
        post::Said,
        site::inbox::{NoMatch, SeveralMatches},
    },
    ports::{ClaimStore, Place, Ticket},
};

use super::{
    super::executor::Task,
    history::Running,
    world::{Standing, lock},
};

fn now<T: 'static>(future: impl Future<Output = T> + 'static) -> T {
    let mut task = Task::new(future);
    loop {
        if let Some(result) = task.step() {
            return result;
        }
    }
}

fn words(message: &Message) -> &str {
    match &message.content {
        Content::Message { text, .. } | Content::Activity { text, .. } => text,
    }
}

/// Judges; returns what was violated.
#[must_use]
pub fn at_rest(running: &Running) -> Vec<String> {
    let mut found = Vec::new();
    if !lock(&running.world).queue.is_empty() {
        found.push("I12: the queue does not run dry".to_owned());
    }
    everything_stands_once(running, &mut found);
    nothing_is_given_up_without_reason(running, &mut found);
    the_order_is_kept(running, &mut found);
    nobody_waits(running, &mut found);
    found
}

/// Messages say the same again and again, so they are counted by their words: neither fewer nor more stand there than were sent.
fn everything_stands_once(running: &Running, found: &mut Vec<String>) {
    let world = lock(&running.world);
    let mut expected = BTreeMap::<&str, i64>::new();
    for message in running.sent.iter().filter(|message| !world.dead.contains_key(&message.id)) {
        let email = message.who.email.as_deref().unwrap_or_default();
        let holders = world.contacts.values().filter(|contact| contact.emails.contains(email)).count();
        let all = running.site.inbox.values().any(|source| source.several_matches == SeveralMatches::All);
        *expected.entry(words(message)).or_default() += if all { i64::try_from(holders).unwrap_or(1) } else { 1 };
    }
    for (words, count) in expected {
        let is_it = |standing: &&Standing| says(standing, words);
        let standing = i64::try_from(world.standing.iter().filter(is_it).count()).unwrap_or(i64::MAX);
        if standing != count {
            found.push(format!("I4: {count} times {words:?} was sent, {standing} stand there"));
        }
    }
}

/// Only what belongs to nobody waits for a person.
fn nothing_is_given_up_without_reason(running: &Running, found: &mut Vec<String>) {
    let world = lock(&running.world);
    let parks = running.site.inbox.values().any(|source| source.no_match == NoMatch::Park);
    for (id, reason) in &world.dead {
        let message = running.sent.iter().find(|message| message.id == *id);
        let email = message.and_then(|message| message.who.email.as_deref()).unwrap_or_default();
        let is_known = world.contacts.values().any(|contact| contact.emails.contains(email));
        if reason != "no_contact" || !parks || is_known {
            found.push(format!("I14: {id} was given up: {reason}"));
        }
    }
}

/// A message that lined up before a later one had the turn in which it was posted stands before it. Of messages that say the same, one may own the
/// post of another that owns its in turn: where they stand proves nothing.
fn the_order_is_kept(running: &Running, found: &mut Vec<String>) {
    let places: Vec<_> = running.sent.iter().map(|message| place_of(running, message)).collect();
    let world = lock(&running.world);
    let posted = |message: &Message, place: u64| {
        let (of, turn) = world.turns.get(&place)?;
        (*of == message.digest(&running.key)).then_some(*turn)
    };
    let placed = || {
        let own = running.sent.iter().zip(&places).filter_map(|(message, place)| Some((message, (*place)?)));
        own.filter_map(|(message, place)| Some((message, place, posted(message, place)?)))
    };
    for (earlier, first, _) in placed() {
        for (later, second, turn) in placed().filter(|(later, ..)| later.who == earlier.who && later.at > earlier.at) {
            let lined = world.first_lined.get(&earlier.digest(&running.key));
            if lined.is_some_and(|lined| *lined < turn) && first > second {
                found.push(format!("order: {} stands behind {}", earlier.id, later.id));
            }
        }
    }
}

/// Where a message stands, as the table has it.
fn place_of(running: &Running, message: &Message) -> Option<u64> {
    let is_it = |standing: &&Standing| says(standing, words(message));
    let places: Vec<_> = lock(&running.world).standing.iter().filter(is_it).map(|standing| standing.place).collect();
    let owns = |place: &u64| {
        let (store, site, place, digest) = (running.store.clone(), running.site.site.clone(), *place, message.digest(&running.key));
        now(async move { store.own_post(&site, &[place], &digest, jiff::Timestamp::UNIX_EPOCH).await.unwrap_or_default() })
    };
    places.into_iter().filter(owns).max()
}

fn says(standing: &Standing, words: &str) -> bool {
    standing.said.iter().any(|said| matches!(said, Said::Text(text) if text == words))
}

/// Nobody is left in a line, and no claim is left open.
fn nobody_waits(running: &Running, found: &mut Vec<String>) {
    let (store, site) = (running.store.clone(), running.site.site.clone());
    for email in running.sent.iter().filter_map(|message| message.who.email.clone()) {
        let line = running.key.digest("line:email", &email);
        let place = Place { at: jiff::Timestamp::MAX, order: 0, part: 0, message: line };
        let looker = Ticket { place, since: jiff::Timestamp::MIN };
        let (store, site) = (store.clone(), site.clone());
        let waiting = now(async move {
            let ahead = store.line_up(&site, &line, &looker, jiff::Timestamp::MIN).await.unwrap_or_default();
            let _ = store.step_out(&site, &line, &place).await;
            ahead.len()
        });
        if waiting > 0 {
            found.push(format!("I12: {waiting} messages of one sender are left in line"));
        }
    }
    for message in &running.sent {
        let (store, site, digest) = (store.clone(), site.clone(), message.digest(&running.key));
        let claim = now(async move { store.claim(&site, &digest).await.unwrap_or_default() });
        if claim.is_some_and(|claim| claim.owner.is_some()) {
            found.push(format!("I14: the claim on {} is left open", message.id));
        }
    }
}
