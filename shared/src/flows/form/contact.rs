//! The contact of a submission: found and updated, or made.

use super::{
    Forms, Stop,
    read::{is_email, is_key, is_phone},
};
use crate::{
    model::{
        contact::{Contact, Found, MatchKey},
        field::{Field, Fields, Patch, Value},
        fingerprint::Digest,
        ids::RecordId,
        normal,
        site::form::{Form, OnFilled},
        submission::{Action, Claim, Effect, Progress, Reason, Rejected, Submission, Values},
    },
    ports::{Draft, ErrorKind, Reserved, StoreError},
    sync::upsert::{self, Rules, Upsert},
};

/// How often the same contact is tried anew within one go: after it changed under us, or some values were refused.
const TRIES: usize = 6;
/// A person has a few addresses; whoever sends more is looked up by the first ones.
const MOST_KEYS: usize = 3;
/// A contact that changed this long after a submission was sent, by clocks that differ, has changed since. What one submission after the other
/// changes within it is overridden by the last.
const SKEW: jiff::SignedDuration = jiff::SignedDuration::from_mins(2);

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
    sent: Values,
    labels: Vec<String>,
    /// The labels that are added once the contact is there, because Wix refused to make it and does not say whether they are why.
    labels_after: Vec<String>,
    rejected: Vec<Rejected>,
    /// Whether a part of the values was written although the call failed.
    wrote: bool,
    /// How often it was begun to make the contact.
    begun: usize,
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
    fn texts(&self, of: fn(&Field) -> bool) -> impl Iterator<Item = &str> {
        texts(&self.sent, of)
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
    fn decide(&self, contact: Option<&Contact>, country: Option<&str>) -> Upsert {
        let changed_since = contact.is_some_and(|contact| contact.updated_at.is_some_and(|at| at > self.submission.at + SKEW));
        let override_filled = matches!(self.form.on_filled, OnFilled::Override { .. }) && !changed_since;
        let new = Fields::new();
        let known = contact.map_or(&new, |contact| &contact.fields);
        upsert::decide(known, &self.sent, Rules { override_filled, labels: &self.labels, country })
    }

    /// Leaves out all e-mail addresses but the first; `None` if there are no others.
    fn keep_first_email(&mut self) -> Option<()> {
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
    fn but_keys(&self) -> Vec<Field> {
        self.sent.keys().filter(|field| !is_key(field)).cloned().collect()
    }

    fn keys_left(&self) -> usize {
        self.sent.keys().filter(|field| is_key(field)).count()
    }

    /// Tells whether an earlier try made the contact and did not hear of it.
    fn made(&self, contact: &Contact) -> bool {
        self.submission.attempts > 0 && contact.created_at.is_some_and(|created| created >= self.submission.at)
    }
}

fn texts(values: &Values, of: fn(&Field) -> bool) -> impl Iterator<Item = &str> {
    values.iter().filter(move |(field, _)| of(field)).flat_map(|(_, texts)| texts).map(String::as_str)
}

impl Forms {
    /// Brings the values of a submission to its contact.
    pub(super) async fn upsert(&self, job: &mut Job<'_>) -> Result<Effect, Stop> {
        match self.find(job).await? {
            Some(contact) => self.update(job, contact).await,
            None => self.create(job).await,
        }
    }

    fn country(&self) -> Option<&str> {
        self.site.default_country.as_deref()
    }

    /// What the contact is looked up by: its e-mail addresses, or if there is none its phone numbers.
    fn keys(&self, job: &Job<'_>) -> Vec<MatchKey> {
        let emails: Vec<_> = job.texts(is_email).take(MOST_KEYS).map(|text| MatchKey::Email(normal::email(text))).collect();
        if !emails.is_empty() {
            return emails;
        }
        job.texts(is_phone).take(MOST_KEYS).map(|text| MatchKey::Phone(normal::phone(text, self.country()))).collect()
    }

    fn digest(&self, key: &MatchKey) -> Digest {
        match key {
            MatchKey::Email(email) => self.key.digest("form:email", email),
            MatchKey::Phone(phone) => self.key.digest("form:phone", phone),
        }
    }

    /// Finds the contact; of several, the one that was created first.
    async fn find(&self, job: &Job<'_>) -> Result<Option<Contact>, Stop> {
        for key in self.keys(job) {
            if let Some(first) = self.contacts.find(&key).await?.into_iter().next() {
                return Ok(Some(first));
            }
        }
        Ok(None)
    }

    async fn read_contact(&self, id: &RecordId) -> Result<Option<Contact>, StoreError> {
        Ok(match self.contacts.get(id).await? {
            Found::Present(contact) | Found::Merged(contact) => Some(contact),
            Found::Absent => None,
        })
    }

    async fn update(&self, job: &mut Job<'_>, mut contact: Contact) -> Result<Effect, Stop> {
        for _ in 0..TRIES {
            let upsert = job.decide(Some(&contact), self.country());
            if upsert.patch.is_empty() {
                return Ok(self.effect(job, &upsert, &contact, if job.wrote { Action::Updated } else { Action::Unchanged }));
            }
            let Err(refused) = self.contacts.update(&contact, &upsert.patch).await else {
                return Ok(self.effect(job, &upsert, &contact, Action::Updated));
            };
            match refused.kind {
                ErrorKind::Stale | ErrorKind::NotFound => {
                    let Some(fresh) = self.read_contact(&contact.id).await? else { return Box::pin(self.create(job)).await };
                    contact = fresh;
                }
                _ => self.drop_refused(job, &refused, &upsert, &contact.fields).ok_or(refused)?,
            }
        }
        Err(self.soon("the contact keeps changing"))
    }

    async fn create(&self, job: &mut Job<'_>) -> Result<Effect, Stop> {
        job.begun += 1;
        if job.begun > TRIES {
            return Err(self.soon("the contact comes and goes"));
        }
        let keys: Vec<_> = self.keys(job).iter().map(|key| self.digest(key)).collect();
        match self.submissions.reserve_addresses(&self.site.site, &job.claim, &keys, self.now()).await? {
            Reserved::Taken => job.reserved = keys,
            Reserved::Busy(until) => return Err(Stop::Later(until, "another worker makes the contact")),
            Reserved::Made(id) => match self.read_contact(&id).await? {
                Some(contact) => return Box::pin(self.update(job, contact)).await,
                None => return Err(self.soon("the contact was made and is gone")),
            },
        }
        for _ in 0..TRIES {
            let upsert = job.decide(None, self.country());
            let fields = upsert.patch.clone().into_iter().filter_map(|(field, value)| Some((field, value?))).collect();
            let draft = Draft { counterpart: RecordId::new(job.submission.id.as_str()), fields };
            let made = self.contacts.create(&draft).await;
            job.may_be_made |= made.as_ref().map_or_else(|error| error.kind.is_ambiguous(), |_| true);
            let refused = match made {
                Ok(contact) => {
                    let effect = self.effect(job, &upsert, &contact, Action::Created);
                    return self.label(job, &contact, effect).await;
                }
                Err(error) => error,
            };
            if matches!(refused.kind, ErrorKind::Invalid(_)) && !job.labels.is_empty() {
                job.labels_after = std::mem::take(&mut job.labels);
                continue;
            }
            if let ErrorKind::Exists(id) = &refused.kind {
                match self.twin(job, id.as_ref()).await? {
                    Some(twin) => {
                        job.labels.append(&mut job.labels_after);
                        return Box::pin(self.update(job, twin)).await;
                    }
                    None => job.keep_first_email().ok_or(refused)?,
                }
                continue;
            }
            self.drop_refused(job, &refused, &upsert, &Fields::new()).ok_or(refused)?;
            if job.keys_left() == 0 {
                return Err(Stop::Refused(job.rejected.clone()));
            }
        }
        Err(self.soon("Wix keeps refusing the contact"))
    }

    /// Adds the labels that were left out of a new contact.
    async fn label(&self, job: &Job<'_>, contact: &Contact, mut effect: Effect) -> Result<Effect, Stop> {
        let Some(labels) = Value::list(job.labels_after.iter().cloned()) else { return Ok(effect) };
        let field = Field::from("labels");
        match self.contacts.update(contact, &Patch::from([(field.clone(), Some(labels))])).await {
            Ok(_) => {}
            Err(error) if matches!(error.kind, ErrorKind::Invalid(_)) => effect.rejected.push(Rejected { field, reason: Reason::Refused }),
            Err(error) => return Err(error.into()),
        }
        Ok(effect)
    }

    /// The contact that Wix says is there already, if it is the person: it can be named for an address of somebody else that was sent as well.
    async fn twin(&self, job: &Job<'_>, id: Option<&RecordId>) -> Result<Option<Contact>, Stop> {
        let Some(id) = id else { return self.find(job).await };
        let Some(contact) = self.read_contact(id).await? else { return Ok(None) };
        let known = job.decide(Some(&contact), self.country());
        let first = self.keys(job).into_iter().next();
        let is_theirs = match first {
            // An address that is the contact's is not among what would change.
            Some(MatchKey::Email(email)) => !adds(&known, is_email, &email),
            Some(MatchKey::Phone(_)) | None => true,
        };
        Ok(is_theirs.then_some(contact))
    }

    /// Leaves out what Wix refuses; `None` if the failure is no refusal of values, or nothing is left out.
    fn drop_refused(&self, job: &mut Job<'_>, failure: &StoreError, upsert: &Upsert, known: &Fields) -> Option<()> {
        let emails = || vec![Field::from("emails")];
        let (fields, reason) = match &failure.kind {
            ErrorKind::Invalid(fields) => (fields.clone(), Reason::Refused),
            ErrorKind::Exists(_) => (emails(), Reason::AnotherContact),
            ErrorKind::Forbidden => (emails(), Reason::Refused),
            _ => return None,
        };
        let labels = Field::from("labels");
        if fields.contains(&labels) {
            // The labels are written last, so all else was.
            job.wrote |= upsert.patch.len() > 1 && !known.is_empty();
            job.labels.clear();
            job.rejected.push(Rejected { field: labels, reason });
            return Some(());
        }
        let blamed = if fields.is_empty() { job.but_keys() } else { fields };
        let mut dropped = upsert::drop_refused(&mut job.sent, &blamed, known, self.country());
        if dropped.is_empty() {
            // It is about none of these: then about something else that is new.
            dropped = upsert::drop_refused(&mut job.sent, &[], known, self.country());
        }
        job.rejected.extend(dropped.iter().map(|field| Rejected { field: field.clone(), reason }));
        (!dropped.is_empty()).then_some(())
    }

    fn effect(&self, job: &Job<'_>, upsert: &Upsert, contact: &Contact, action: Action) -> Effect {
        let mut rejected = [job.rejected.as_slice(), &upsert.rejected].concat();
        rejected.sort();
        rejected.dedup();
        Effect {
            contact: contact.id.clone(),
            action: if action == Action::Unchanged && job.made(contact) { Action::Created } else { action },
            accepted: upsert.accepted.iter().cloned().collect(),
            as_written: upsert.accepted.iter().filter(|field| self.is_as_written(job, field)).cloned().collect(),
            rejected,
            subscription: None,
        }
    }

    fn is_as_written(&self, job: &Job<'_>, field: &Field) -> bool {
        let is_unknown = |text: &String| normal::e164(text, self.country()).is_none();
        is_phone(field) && job.sent.get(field).is_some_and(|texts| texts.iter().any(is_unknown))
    }

    fn soon(&self, reason: &'static str) -> Stop {
        Stop::Later(self.now() + jiff::SignedDuration::from_secs(2), reason)
    }
}

/// Tells whether an upsert adds this address.
fn adds(upsert: &Upsert, is_of: fn(&Field) -> bool, email: &str) -> bool {
    let mut values = upsert.patch.iter().filter(|(field, _)| is_of(field)).filter_map(|(_, value)| value.as_ref());
    values.any(|value| value.elements().iter().any(|text| normal::email(text) == email))
}
