//! The contact of a submission: found, and brought up to it.

use jiff::SignedDuration;

use super::{
    Forms, Stop,
    job::Job,
    read::{is_email, is_phone},
};
use crate::{
    model::{
        contact::{Contact, Found, MatchKey},
        field::{Field, Fields},
        fingerprint::Digest,
        ids::RecordId,
        normal,
        submission::{Action, Effect, Reason, Rejected},
    },
    ports::{ErrorKind, StoreError},
    sync::upsert::{self, Upsert},
};

/// How often the same contact is tried anew within one go: after it changed under us, or some values were refused.
pub(super) const TRIES: usize = 6;
/// A person has a few addresses; whoever sends more is looked up by the first ones.
const MOST_KEYS: usize = 3;
impl Forms {
    /// Brings the values of a submission to its contact.
    pub(super) async fn upsert(&self, job: &mut Job<'_>) -> Result<Effect, Stop> {
        match self.find(job).await? {
            Some(contact) => self.update(job, contact).await,
            None => self.create(job).await,
        }
    }

    pub(super) fn country(&self) -> Option<&str> {
        self.site.default_country.as_deref()
    }

    /// What the contact is looked up by: its e-mail addresses, or if there is none its phone numbers.
    pub(super) fn keys(&self, job: &Job<'_>) -> Vec<MatchKey> {
        let emails: Vec<_> = job.texts(is_email).take(MOST_KEYS).map(|text| MatchKey::Email(normal::email(text))).collect();
        if !emails.is_empty() {
            return emails;
        }
        job.texts(is_phone).take(MOST_KEYS).map(|text| MatchKey::Phone(normal::phone(text, self.country()))).collect()
    }

    pub(super) fn digest(&self, key: &MatchKey) -> Digest {
        match key {
            MatchKey::Email(email) => self.key.digest("form:email", email),
            MatchKey::Phone(phone) => self.key.digest("form:phone", phone),
        }
    }

    /// Finds the contact; of several, the one that was created first.
    pub(super) async fn find(&self, job: &Job<'_>) -> Result<Option<Contact>, Stop> {
        for key in self.keys(job) {
            if let Some(first) = self.contacts.find(&key).await?.into_iter().next() {
                return Ok(Some(first));
            }
        }
        Ok(None)
    }

    pub(super) async fn read_contact(&self, id: &RecordId) -> Result<Option<Contact>, StoreError> {
        Ok(match self.contacts.get(id).await? {
            Found::Present(contact) | Found::Merged(contact) => Some(contact),
            Found::Absent => None,
        })
    }

    pub(super) async fn update(&self, job: &mut Job<'_>, mut contact: Contact) -> Result<Effect, Stop> {
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
                ErrorKind::Exists(_) | ErrorKind::Invalid(_) | ErrorKind::Forbidden => {
                    self.drop_refused(job, &refused, &upsert, &contact.fields).ok_or(refused)?;
                }
                ErrorKind::AccessDenied
                | ErrorKind::Throttled(_)
                | ErrorKind::Unavailable
                | ErrorKind::Garbled
                | ErrorKind::Unsupported
                | ErrorKind::Corrupt => return Err(refused.into()),
            }
        }
        Err(self.soon("the contact keeps changing"))
    }

    /// Leaves out what Wix refuses; `None` if the failure is no refusal of values, or nothing is left out.
    pub(super) fn drop_refused(&self, job: &mut Job<'_>, failure: &StoreError, upsert: &Upsert, known: &Fields) -> Option<()> {
        let emails = || vec![Field::from("emails")];
        let (fields, reason) = match &failure.kind {
            ErrorKind::Invalid(fields) => (fields.clone(), Reason::Refused),
            ErrorKind::Exists(_) => (emails(), Reason::AnotherContact),
            ErrorKind::Forbidden => (emails(), Reason::Refused),
            ErrorKind::Stale
            | ErrorKind::NotFound
            | ErrorKind::AccessDenied
            | ErrorKind::Throttled(_)
            | ErrorKind::Unavailable
            | ErrorKind::Garbled
            | ErrorKind::Unsupported
            | ErrorKind::Corrupt => return None,
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

    pub(super) fn effect(&self, job: &Job<'_>, upsert: &Upsert, contact: &Contact, action: Action) -> Effect {
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

    pub(super) fn soon(&self, reason: &'static str) -> Stop {
        Stop::Later(self.now() + SignedDuration::from_secs(2), reason)
    }
}
