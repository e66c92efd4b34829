//! A submission at work: what is left of it, and what became of the rest.

use super::read::{is_email, is_key};
use crate::{
    model::{
        contact::Contact,
        field::{Field, Fields},
        fingerprint::Digest,
        normal,
        site::form::{Form, OnFilled},
        submission::{Claim, Effect, Progress, Reason, Rejected, Submission, Values},
    },
    sync::{
        SKEW,
        upsert::{self, Rules, Upsert},
    },
};

/// A submission at work.
pub(super) struct Job<'a> {
    pub form: &'a Form,
    pub submission: &'a Submission,
    pub claim: Claim,
    /// The addresses that are reserved.
    pub reserved: Vec<Digest>,
    /// Whether the contact was made, or may have been.
    pub may_be_made: bool,
    /// What the contact has become, once it has.
    pub done: Option<Effect>,
    /// What is left of the values.
    pub sent: Values,
    /// The labels the contact is to get.
    pub labels: Vec<String>,
    /// The labels that are added once the contact is there, because Wix refused to make it and does not say whether they are why.
    pub labels_after: Vec<String>,
    /// What did not become the contact's.
    pub rejected: Vec<Rejected>,
    /// Whether a part of the values was written although the call failed.
    pub wrote: bool,
    /// How often it was begun to make the contact.
    pub begun: usize,
}

impl<'a> Job<'a> {
    pub fn new(form: &'a Form, submission: &'a Submission, claim: Claim) -> Self {
        Self {
            form,
            submission,
            claim,
            reserved: Vec::new(),
            may_be_made: false,
            done: None,
            sent: submission.values.clone(),
            labels: form.labels.clone(),
            labels_after: Vec::new(),
            rejected: submission.rejected.clone(),
            wrote: false,
            begun: 0,
        }
    }

    /// The texts that are left of a kind.
    pub fn texts(&self, of: fn(&Field) -> bool) -> impl Iterator<Item = &str> {
        texts(&self.sent, of)
    }

    /// The submission as it is left, if it has to wait.
    pub fn left(&self) -> Submission {
        Submission { done: self.done.clone(), ..self.submission.clone() }
    }

    /// The e-mail address of the person, whether their contact has it or not.
    pub fn email(&self) -> Option<&str> {
        texts(&self.submission.values, is_email).next()
    }

    /// The addresses that lead to the contact once it is made, or are free again. Where it may be made nobody else makes it meanwhile.
    pub fn given_back(&self, progress: &Progress) -> &[Digest] {
        if matches!(progress, Progress::Done(_)) || !self.may_be_made { &self.reserved } else { &[] }
    }

    /// Decides what the values change on a contact, or on a new one. A submission that waited does not override what has changed since it was sent.
    pub fn decide(&self, contact: Option<&Contact>, country: Option<&str>) -> Upsert {
        // What one submission after the other changes within that time is overridden by the last.
        let changed_since = contact.is_some_and(|contact| contact.updated_at.is_some_and(|at| at > self.submission.at + SKEW));
        let override_filled = matches!(self.form.on_filled, OnFilled::Override { .. }) && !changed_since;
        let new = Fields::new();
        let known = contact.map_or(&new, |contact| &contact.fields);
        upsert::decide(known, &self.sent, Rules { override_filled, labels: &self.labels, country })
    }

    /// Leaves out all e-mail addresses but the first; `None` if there are no others.
    pub fn keep_first_email(&mut self) -> Option<()> {
        let first = normal::email(self.email()?);
        let mut dropped = Vec::new();
        for (field, texts) in self.sent.iter_mut().filter(|(field, _)| is_email(field)) {
            let before = texts.len();
            texts.retain(|text| normal::email(text) == first);
            if texts.len() < before {
                dropped.push(Rejected { field: field.clone(), reason: Reason::AnotherContact });
            }
        }
        self.sent.retain(|_, texts| !texts.is_empty());
        self.rejected.extend(dropped.iter().cloned());
        (!dropped.is_empty()).then_some(())
    }

    /// What is left out first when Wix does not say what it refuses: a person without a company is better than none.
    pub fn but_keys(&self) -> Vec<Field> {
        self.sent.keys().filter(|field| !is_key(field)).cloned().collect()
    }

    pub fn keys_left(&self) -> usize {
        self.sent.keys().filter(|field| is_key(field)).count()
    }

    /// Tells whether an earlier try made the contact and did not hear of it.
    pub fn made(&self, contact: &Contact) -> bool {
        self.submission.attempts > 0 && contact.created_at.is_some_and(|created| created >= self.submission.at)
    }
}

fn texts(values: &Values, of: fn(&Field) -> bool) -> impl Iterator<Item = &str> {
    values.iter().filter(move |(field, _)| of(field)).flat_map(|(_, texts)| texts).map(String::as_str)
}
