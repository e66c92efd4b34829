//! The contact of a submission: made, by one worker alone; or met after all.

use std::mem;

use super::{Forms, Stop, contact::TRIES, job::Job, read::is_email};
use crate::{
    model::{
        contact::{Contact, MatchKey},
        field::{Field, Fields, Patch, Value},
        ids::RecordId,
        normal,
        submission::{Action, Effect, Reason, Rejected},
    },
    ports::{Draft, ErrorKind, Reserved, StoreResult},
    sync::upsert::Upsert,
};

impl Forms {
    /// Makes the contact. Whoever is met instead is updated.
    pub(super) async fn create(&self, job: &mut Job<'_>) -> Result<Effect, Stop> {
        job.begun += 1;
        if job.begun > TRIES {
            return Err(self.soon("the contact comes and goes"));
        }
        if let Some(made) = self.reserve(job).await? {
            return Box::pin(self.update(job, made)).await;
        }
        for _ in 0..TRIES {
            let upsert = job.decide(None, self.country());
            let refused = match self.make(job, &upsert).await {
                Ok(contact) => {
                    let effect = self.effect(job, &upsert, &contact, Action::Created);
                    return self.label(job, &contact, effect).await;
                }
                Err(refused) => refused,
            };
            match &refused.kind {
                ErrorKind::Exists(id) => match self.twin(job, id.as_ref()).await? {
                    Some(twin) => {
                        job.labels.append(&mut job.labels_after);
                        return Box::pin(self.update(job, twin)).await;
                    }
                    None => job.keep_first_email().ok_or(refused)?,
                },
                ErrorKind::Invalid(_) if !job.labels.is_empty() => job.labels_after = mem::take(&mut job.labels),
                ErrorKind::Invalid(_) | ErrorKind::Forbidden => {
                    self.drop_refused(job, &refused, &upsert, &Fields::new()).ok_or(refused)?;
                    if job.keys_left() == 0 {
                        return Err(Stop::Refused(job.rejected.clone()));
                    }
                }
                ErrorKind::Stale
                | ErrorKind::NotFound
                | ErrorKind::AccessDenied
                | ErrorKind::Throttled(_)
                | ErrorKind::Unavailable
                | ErrorKind::Garbled
                | ErrorKind::Unsupported
                | ErrorKind::Corrupt => return Err(refused.into()),
            }
        }
        Err(self.soon("Wix keeps refusing the contact"))
    }

    /// Takes the exclusive right to make the contact; returns the contact if it was made a moment ago.
    async fn reserve(&self, job: &mut Job<'_>) -> Result<Option<Contact>, Stop> {
        let keys: Vec<_> = self.keys(job).iter().map(|key| self.digest(key)).collect();
        match self.submissions.reserve_addresses(&self.site.site, &job.claim, &keys, self.now()).await? {
            Reserved::Taken => {
                job.reserved = keys;
                Ok(None)
            }
            Reserved::Busy(until) => Err(Stop::Later(until, "another worker makes the contact")),
            Reserved::Made(id) => match self.read_contact(&id).await? {
                Some(contact) => Ok(Some(contact)),
                None => Err(self.soon("the contact was made and is gone")),
            },
        }
    }

    async fn make(&self, job: &mut Job<'_>, upsert: &Upsert) -> StoreResult<Contact> {
        let fields = upsert.patch.clone().into_iter().filter_map(|(field, value)| Some((field, value?))).collect();
        let draft = Draft { counterpart: RecordId::new(job.submission.id.as_str()), fields };
        let made = self.contacts.create(&draft).await;
        job.may_be_made |= made.as_ref().map_or_else(|error| error.kind.is_ambiguous(), |_| true);
        made
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
}

/// Tells whether an upsert adds this address.
fn adds(upsert: &Upsert, is_of: fn(&Field) -> bool, email: &str) -> bool {
    let mut values = upsert.patch.iter().filter(|(field, _)| is_of(field)).filter_map(|(_, value)| value.as_ref());
    values.any(|value| value.elements().iter().any(|text| normal::email(text) == email))
}
