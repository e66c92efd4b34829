//! Histories drawn from a seed: people fill a form in, senders deliver it again and again, workers die, replies are lost, Wix fails. Then
//! quiet, and the judgement by one who saw every post and every edit.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use contact_bridge::{
    app::forms::FormApp,
    model::{
        fingerprint::Key,
        ids::{FormId, SubmissionId},
        submission::{Filled, Identity},
    },
};
use contact_bridge_local::vendors::kit::{Fault, FaultKind};
use rand::{Rng, SeedableRng, rngs::SmallRng};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::desk::Desk;
use crate::scenarios::{
    crash::die_after,
    switches::{Position, Vendor, at},
};

const FAULTS: [FaultKind; 4] = [FaultKind::Status, FaultKind::LoseReply, FaultKind::Cut, FaultKind::Timeout];

/// A submission, as its sender keeps it to deliver it again.
#[derive(Clone)]
struct Post {
    token: String,
    person: usize,
    number: usize,
    company: String,
}

/// What the judge saw of a person.
#[derive(Default)]
struct Witness {
    /// The numbers of all their submissions.
    numbers: BTreeSet<usize>,
    /// What the company can be: what was submitted since all was quiet, or else what it was then.
    companies: BTreeSet<String>,
    /// Whether anything was submitted since then.
    is_stirred: bool,
}

struct History {
    desk: Desk,
    seed: u64,
    random: SmallRng,
    posts: Vec<Post>,
    people: BTreeMap<usize, Witness>,
}

impl History {
    fn new(desk: Desk, seed: u64) -> Self {
        Self { desk, seed, random: SmallRng::seed_from_u64(seed), posts: Vec::new(), people: BTreeMap::new() }
    }

    fn email(&self, person: usize) -> String {
        format!("person{person}@history{}.example.com", self.seed)
    }

    fn fields(&self, post: &Post) -> Vec<(&'static str, String)> {
        let phone = format!("+1 212-736-{:04}", post.number);
        vec![("email", self.email(post.person)), ("company", post.company.clone()), ("tel", phone), ("subscribe", "yes".to_owned())]
    }

    /// Somebody fills the form in.
    fn fill_in(&mut self) -> Post {
        let (number, person) = (self.posts.len(), self.random.random_range(0..3));
        let post = Post { token: format!("{}-{number}", self.seed), person, number, company: format!("Company {number}") };
        let witness = self.people.entry(person).or_default();
        if !std::mem::replace(&mut witness.is_stirred, true) {
            witness.companies.clear();
        }
        witness.numbers.insert(number);
        witness.companies.insert(post.company.clone());
        self.posts.push(post.clone());
        post
    }

    /// Delivers a submission; while it is dealt with, anything may happen.
    async fn deliver(&mut self, post: &Post) {
        if self.random.random_bool(0.4) {
            let kind = FAULTS[self.random.random_range(0..FAULTS.len())];
            let status = (kind == FaultKind::Status).then_some(503);
            let (times, after) = (self.random.random_range(1..4), self.random.random_range(0..4));
            self.desk.lab.fault(Vendor::Wix, Fault { times, after, status, ..Fault::any(kind) });
        }
        if self.random.random_bool(0.3) {
            self.deliver_to_the_dying(post).await;
        }
        let fields = self.fields(post);
        let fields: Vec<_> = fields.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let answer = self.desk.post_as_typeform(&post.token, &fields).await;
        assert!([200, 202].contains(&answer.status), "seed {}: {answer:?}", self.seed);
    }

    /// Delivers a submission to a worker that dies with it, or just after it.
    async fn deliver_to_the_dying(&mut self, post: &Post) {
        let app = FormApp::new(self.desk.lab.stack.forms.means.clone()).unwrap();
        let forms = app.site(&self.desk.lab.site.id).await.unwrap().unwrap();
        let id = FormId::from("typeform");
        let filled = Filled { id: Some(post.token.clone()), at: None, entries: self.fields(post).into_iter().collect() };
        let submission = forms.read(&id, &forms.site.forms[&id], &filled).unwrap();
        die_after(self.random.random_range(1..40), async { forms.submit(&submission).await.ok() }).await;
    }

    /// One thing happens.
    async fn go_on(&mut self) {
        match self.random.random_range(0..10) {
            0..5 => {
                let post = self.fill_in();
                self.deliver(&post).await;
            }
            5..8 if !self.posts.is_empty() => {
                let post = self.posts[self.random.random_range(0..self.posts.len())].clone();
                self.deliver(&post).await;
            }
            8 => self.desk.lab.stack.clock().advance(Duration::from_secs(self.random.random_range(1..200))),
            _ => self.edit_in_quiet().await,
        }
    }

    /// All comes to rest; then somebody edits by hand what a form wrote, and no form that was dealt with by then may write it again.
    async fn edit_in_quiet(&mut self) {
        self.rest().await;
        for (person, contact) in self.contacts() {
            let edit = format!("Edit {}", self.random.random_range(0..1_000));
            self.desk.lab.wix_edit(contact["id"].as_str().unwrap(), json!({"company": edit})).await;
            self.people.get_mut(&person).unwrap().companies = BTreeSet::from([edit]);
        }
        self.desk.lab.settle().await;
    }

    /// The contacts of the people of this history.
    fn contacts(&self) -> Vec<(usize, Value)> {
        let all = self.desk.lab.wix_contacts();
        let of = |person: usize| all.iter().filter(move |contact| contact["info"]["emails"].to_string().contains(&self.email(person)));
        self.people.keys().flat_map(|person| of(*person).map(|contact| (*person, contact.clone()))).collect()
    }

    /// Nothing goes wrong any more, everything that waits is done; then the judgement.
    async fn rest(&mut self) {
        self.desk.lab.clear_faults();
        self.desk.lab.settle().await;
        let (seed, contacts) = (self.seed, self.contacts());
        assert_eq!(contacts.len(), self.people.len(), "seed {seed}: one contact for each person");
        for post in &self.posts {
            let told = self.desk.progress(&self.id(post)).await;
            assert_eq!((told.text("state"), told.text("subscription").is_empty()), ("done", false), "seed {seed}, {}", post.number);
        }
        for (person, contact) in contacts {
            let witness = self.people.get_mut(&person).unwrap();
            let company = contact["info"]["company"].as_str().unwrap().to_owned();
            assert!(witness.companies.contains(&company), "seed {seed}: {company} of {:?}", witness.companies);
            assert_eq!(numbers(&contact), witness.numbers.iter().copied().collect::<Vec<_>>(), "seed {seed}: every number once");
            (witness.companies, witness.is_stirred) = (BTreeSet::from([company]), false);
        }
        self.desk.lab.stack.clock().advance(Duration::from_secs(1));
    }

    fn id(&self, post: &Post) -> SubmissionId {
        let secret = &self.desk.lab.stack.forms.means.fingerprint_secret;
        let key = Key::derive(secret.expose_secret().as_bytes(), &self.desk.lab.site.id);
        SubmissionId::of(&key, &FormId::from("typeform"), Identity::Given(&post.token))
    }
}

/// The numbers of the submissions that a contact's phones came with, sorted.
fn numbers(contact: &Value) -> Vec<usize> {
    let phones = contact["info"]["phones"]["items"].as_array().unwrap();
    let mut numbers: Vec<_> = phones.iter().map(|phone| last_four(phone["phone"].as_str().unwrap())).collect();
    numbers.sort_unstable();
    numbers
}

fn last_four(phone: &str) -> usize {
    phone[phone.len() - 4..].parse().unwrap()
}

#[tokio::test]
async fn whatever_happens_every_submission_takes_effect_once() {
    at(&[Position::defaults(), Position::dynamodb()], async |lab| {
        let desk = Desk::open(lab).await;
        let decision = json!({"kind": "override", "allowed_by": "Grace", "allowed_at": "2026-03-01T12:00:00Z"});
        let consent = json!({"field": "subscribe", "text_version": "2026-11"});
        desk.adjust("typeform", json!({"on_filled": decision, "consent": consent})).await;
        for seed in 0..12 {
            let mut history = History::new(desk.clone(), seed);
            for _ in 0..history.random.random_range(10..40) {
                history.go_on().await;
            }
            history.rest().await;
        }
        desk.lab.assert_in_step();
    })
    .await;
}
