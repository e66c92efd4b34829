//! The judgement of a history that came to rest.

use contact_bridge::model::{
    field::{Field, Value},
    ids::RecordId,
    submission::{Progress, Record},
};

use super::{
    super::executor::Task,
    history::Running,
    posts::{self, PEOPLE, Post, REFUSED},
    witness,
    wix::{Author, Contact},
    world::{World, lock},
};

/// By how much clocks differ at most, in milliseconds.
const SKEW: i64 = 120_000;

fn now<T: 'static>(future: impl Future<Output = T> + 'static) -> T {
    let mut task = Task::new(future);
    loop {
        if let Some(result) = task.step() {
            return result;
        }
    }
}

/// Judges; notes what was violated.
pub fn at_rest(running: &Running) {
    let mut found = Vec::new();
    if !lock(&running.world).queue.is_empty() {
        found.push("I12: the queue does not run dry".to_owned());
    }
    everybody_can_look_up(running, &mut found);
    {
        let world = lock(&running.world);
        nothing_is_given_up_without_reason(&world, &mut found);
        everybody_is_one_contact(&world, &mut found);
        every_number_is_there_once(&world, &mut found);
        labels_are_there(&world, running, &mut found);
        singles_are_the_latest(&world, &mut found);
        who_ticked_is_subscribed(&world, running, &mut found);
    }
    lock(&running.world).violations.extend(found);
}

/// What the sender of a post is told who asks what became of it.
fn record(running: &Running, post: &Post) -> Option<Record> {
    let (forms, id) = (running.forms(), post.id.clone()?);
    now(async move { forms.look_up(&id).await.ok() })?
}

fn everybody_can_look_up(running: &Running, found: &mut Vec<String>) {
    let (posts, habits) = {
        let world = lock(&running.world);
        (world.posts.clone(), world.habits)
    };
    for post in &posts {
        let told = record(running, post).map(|record| record.progress);
        let consents = running.form.consent.is_some() && post.ticked;
        let is_right = match &told {
            Some(Progress::Done(effect)) => !post.is_hopeless(&habits) && effect.subscription.is_some() == consents,
            Some(Progress::Failed { .. }) => post.is_hopeless(&habits),
            Some(Progress::Pending) | None => false,
        };
        if !is_right || !post.accepted {
            let state = told.as_ref().map(Progress::name);
            found.push(format!("I14: submission {} is {state:?}, accepted: {}", post.number, post.accepted));
        }
    }
}

fn nothing_is_given_up_without_reason(world: &World, found: &mut Vec<String>) {
    for (id, reason) in &world.dead {
        if !world.posts.iter().any(|post| post.is_hopeless(&world.habits) && post.id.as_ref() == Some(id)) {
            found.push(format!("I14: {id} was given up: {reason}"));
        }
    }
}

fn of_person(world: &World, person: usize) -> Vec<(&RecordId, &Contact)> {
    let key = posts::key(person);
    world.present().filter(|(_, contact)| contact.keys.contains_key(&key)).collect()
}

fn everybody_is_one_contact(world: &World, found: &mut Vec<String>) {
    for person in 0..PEOPLE {
        let count = of_person(world, person).len();
        if count > 1 {
            found.push(format!("I7: person {person} is {count} contacts"));
        }
    }
}

/// Every submission's number is once on the contact of the person, unless a person deleted it.
fn every_number_is_there_once(world: &World, found: &mut Vec<String>) {
    for post in world.posts.iter().filter(|post| !post.is_hopeless(&world.habits)) {
        let count = |contact: &Contact| contact.list(["phone", "phones"]).iter().filter(|own| **own == post.phone()).count();
        let all: usize = world.present().map(|(_, contact)| count(contact)).sum();
        let theirs: usize = of_person(world, post.person).iter().map(|(_, contact)| count(contact)).sum();
        // Who gave no address that Wix takes cannot be found again by it: what a crash left behind may stand there beside another contact.
        let is_once = if post.person == REFUSED { all >= 1 } else { all == theirs && all == 1 };
        let is_right = is_once || (all == 0 && world.deleted.contains(&post.phone()));
        if !is_right {
            let ids: Vec<_> = world.present().filter(|(_, contact)| count(contact) > 0).map(|(id, _)| id).collect();
            found.push(format!("I4: number {} is {all} times there, {theirs} times on the person's contact: {ids:?}", post.number));
        }
    }
}

fn labels_are_there(world: &World, running: &Running, found: &mut Vec<String>) {
    let wanted: Vec<_> = running.form.labels.iter().filter(|label| *label == "custom.form").collect();
    let is_known = |contact: &Contact| (0..PEOPLE).any(|person| contact.keys.contains_key(&posts::key(person)));
    let came_by_form = |contact: &Contact| is_known(contact) && contact.addresses().iter().any(|own| own.starts_with("7361"));
    for (id, contact) in world.present().filter(|(_, contact)| came_by_form(contact)) {
        let labels = contact.fields.get(&Field::from("labels")).map(Value::elements).unwrap_or_default();
        if wanted.iter().any(|label| !labels.contains(*label)) || labels.iter().any(|label| label == "custom.gone") {
            found.push(format!("I2: the labels of {id} are not the form's"));
        }
    }
}

/// What was submitted since all was quiet became the company, if the form says so and nobody did anything to the contact since.
fn singles_are_the_latest(world: &World, found: &mut Vec<String>) {
    for (id, contact) in world.present().filter(|(_, contact)| contact.touched < world.quiet) {
        let addresses = contact.known_by();
        let has_said = |post: &&Post| addresses.contains(&post.phone()) && post.at >= world.quiet && post.good_company().is_some();
        let said: Vec<_> = world.posts.iter().filter(has_said).collect();
        let is_older = contact.company_by.map(Author::at).is_none_or(|at| at < world.quiet);
        let overrides = world.overrides && said.iter().any(|post| contact.updated <= post.at + SKEW);
        if !said.is_empty() && is_older && (overrides || contact.company().is_none()) {
            found.push(format!("I2: the company of {id} is none that was submitted"));
        }
    }
}

fn who_ticked_is_subscribed(world: &World, running: &Running, found: &mut Vec<String>) {
    if running.form.consent.is_none() || world.habits.subscribes.is_none() {
        return;
    }
    for post in world.posts.iter().filter(|post| post.ticked && !post.is_hopeless(&world.habits)) {
        let Some(email) = posts::email(post.person) else { continue };
        if !world.opt_outs.contains_key(&email) && !witness::is_on(world, &email) {
            found.push(format!("I10: submission {} asked for e-mails and gets none", post.number));
        }
    }
}
