//! Judges every write of the bridge when it happens.

use contact_bridge::model::{
    field::{Field, Value},
    fingerprint::{Digest, Key},
    ids::SubmissionId,
    normal,
    subscription::SubscriptionStatus,
};

use super::{
    wix::{Author, Contact},
    world::World,
};

/// Clocks differ by less than this, in milliseconds: an edit that is newer by more stays.
const SKEW: i64 = 120_000;
/// Within this time the same content is the same submission, in milliseconds.
const SAME_WITHIN: i64 = 60_000;

/// A contact was made or changed for the submission of the worker that goes on now.
pub fn written(world: &mut World, before: Option<&Contact>, after: &mut Contact) {
    let mut found = Vec::new();
    once(world, &mut found);
    if let Some(before) = before {
        nothing_is_lost(before, after, &mut found);
        the_override_is_allowed(world, before, after, &mut found);
    }
    if after.company() != before.and_then(Contact::company) {
        after.company_by = Some(Author::Form(world.now));
        its_own_company(world, after, &mut found);
    }
    for what in &found {
        world.trace(what);
    }
    world.violations.extend(found);
}

/// Somebody has the right to deal with a submission. Where its sender gave it no name, the same content later is another one.
pub fn claimed(world: &mut World) {
    let worker = world.worker;
    let Some(turn) = world.turns.get_mut(&worker) else { return };
    turn.claimed = true;
    let is_named = world.posts.get(turn.number).is_some_and(|post| post.token.is_some());
    if !is_named && world.done.get(&turn.id).is_some_and(|done| *done <= turn.at - SAME_WITHIN) {
        world.done.remove(&turn.id);
    }
}

/// It is stored that a submission is dealt with; from then on the right to deal with it is free.
pub fn settled(world: &mut World, id: &SubmissionId, at: i64) {
    let worker = world.worker;
    world.done.insert(id.clone(), at);
    if let Some(turn) = world.turns.get_mut(&worker) {
        turn.claimed = false;
    }
}

/// What was dealt with takes no effect again.
fn once(world: &World, found: &mut Vec<String>) {
    let Some(turn) = world.turn() else { return };
    if world.done.contains_key(&turn.id) {
        found.push(format!("I4: submission {} takes effect again", turn.number));
    }
}

fn nothing_is_lost(before: &Contact, after: &Contact, found: &mut Vec<String>) {
    let labels = |contact: &Contact| contact.fields.get(&Field::from("labels")).map(Value::elements).unwrap_or_default().to_vec();
    let has = [after.addresses(), labels(after)].concat();
    if [before.addresses(), labels(before)].concat().iter().any(|own| !has.contains(own)) {
        found.push("I2: an element of a list is lost".to_owned());
    }
    if before.company().is_some() && after.company().is_none() {
        found.push("I2: a value is lost".to_owned());
    }
}

fn the_override_is_allowed(world: &World, before: &Contact, after: &Contact, found: &mut Vec<String>) {
    let Some(turn) = world.turn() else { return };
    if before.company().is_none() || before.company() == after.company() {
        return;
    }
    if !world.overrides {
        found.push(format!("I2: submission {} overrides what the form keeps", turn.number));
    }
    if let Some(Author::Person(at)) = before.company_by
        && at > turn.at + SKEW
    {
        found.push(format!("I2: submission {} overrides an edit that is {} ms newer", turn.number, at - turn.at));
    }
}

fn its_own_company(world: &World, after: &Contact, found: &mut Vec<String>) {
    let own = world.turn().and_then(|turn| world.posts.get(turn.number)).and_then(|post| post.company.as_deref());
    if after.company() != own {
        found.push("I17: a company that is not the submission's".to_owned());
    }
}

/// A proof was stored.
pub fn proved(world: &mut World, address: Digest) {
    let Some(turn) = world.turn().cloned() else { return };
    if world.posts.get(turn.number).is_none_or(|post| !post.ticked) {
        world.violations.push(format!("I10: a proof of what nobody ticked, submission {}", turn.number));
    }
    world.proofs.insert((turn.id, address));
}

/// An address was subscribed. Wix has no condition for that: what its owner decides between the read and the write nobody can heed.
pub fn subscribed(world: &mut World, email: &str, key: &Key) {
    let Some(turn) = world.turn().cloned() else { return };
    let mut found = Vec::new();
    if world.posts.get(turn.number).is_none_or(|post| !post.ticked) {
        found.push("without a tick");
    }
    if !world.proofs.contains(&(turn.id.clone(), key.digest("consent", &normal::email(email)))) {
        found.push("without a proof");
    }
    let opted_out = world.opt_outs.get(email).copied().filter(|at| *at < turn.read);
    if opted_out.is_some_and(|at| !world.resubscribes || at >= turn.at) {
        found.push("against its owner's decision");
    }
    world.violations.extend(found.into_iter().map(|how| format!("I10: submission {} subscribes {how}", turn.number)));
}

/// Tells whether an address gets mails, or is asked whether it wants to.
#[must_use]
pub fn is_on(world: &World, email: &str) -> bool {
    let status = world.subscriptions.get(email).map(|known| known.status).unwrap_or_default();
    matches!(status, SubscriptionStatus::Subscribed | SubscriptionStatus::Pending)
}
