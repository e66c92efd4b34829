//! A form that lies somewhere else becomes a contact: look for the person by e-mail, else by phone; who is there is updated, who is not is
//! created.
//!
//! Every submission has an id, and the right to deal with it is exclusive: a repeat finds what became of it. What cannot be done now waits in
//! a queue and is done by the same steps, once.

mod check;
mod consent;
mod contact;
mod create;
mod job;
mod outcome;
mod read;

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tracing::{error, info, warn};

pub use self::{
    check::{FormError, check},
    outcome::{Answer, Invalid, Outcome, Waiting},
    read::is_trapped,
};
use self::{job::Job, outcome::Stop};
use super::queue::{End, Job as _, Later, Patience};
use crate::{
    model::{
        fingerprint::Key,
        ids::{Side, SubmissionId},
        site::{Site, Status, form::Form},
        submission::{Claim, Effect, Progress, Record, Submission},
    },
    ports::{Claimed, Clock, ContactStore, ErrorKind, LinkStore, Queue, StoreError, StoreResult, SubmissionStore, Subscriptions},
};

/// How long a worker has a submission for itself: longer than it can live.
const CLAIM_TIME: SignedDuration = SignedDuration::from_secs(60);
/// Within this time the same content is the same submission: a double click, a page loaded again.
const SAME_WITHIN: SignedDuration = SignedDuration::from_secs(60);
/// When to look again at a paused site.
const PAUSED: SignedDuration = SignedDuration::from_mins(15);
/// With the growing delay that is about a day.
const PATIENCE: Patience = Patience { tries: 100, longest: Duration::from_mins(15) };

/// One site's forms, ready to take submissions.
#[derive(Clone)]
pub struct Forms {
    /// The site's settings.
    pub site: Site,
    /// Its fingerprint key.
    pub key: Key,
    /// Wix's contacts.
    pub contacts: Arc<dyn ContactStore>,
    /// Wix's e-mail subscriptions.
    pub subscriptions: Arc<dyn Subscriptions>,
    /// What is remembered of submissions.
    pub submissions: Arc<dyn SubmissionStore>,
    /// Where submissions wait.
    pub queue: Arc<dyn Queue<Submission>>,
    /// Where it is noted that Wix asked to be left alone.
    pub links: Arc<dyn LinkStore>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// A random text for each claim.
    pub owner: Arc<dyn Fn() -> String + Send + Sync>,
}

impl Forms {
    /// Deals with a submission while its sender waits. What cannot be done now is stored before this returns, and done later.
    ///
    /// # Errors
    /// When it can neither be done nor stored: the sender has to come again.
    pub async fn submit(&self, submission: &Submission) -> StoreResult<Answer> {
        match self.apply(submission).await? {
            Outcome::Done(effect) => Ok(Answer::Done(effect)),
            Outcome::Refused(invalid) => Ok(Answer::Refused(invalid)),
            Outcome::Later(waiting) => self.put_off(waiting).await.map(|_| Answer::Waiting),
            Outcome::Hopeless(failure) => self.give_up(submission, &failure.to_string()).await.map(|_| Answer::Waiting),
        }
    }

    /// Stores a submission, to be dealt with later.
    ///
    /// # Errors
    /// When the queue does not take it.
    pub async fn hold(&self, submission: &Submission, delay: Duration) -> StoreResult<()> {
        self.queue.put_back(submission, delay).await?;
        info!(site = %self.site.site, form = %submission.form, submission = %submission.id, delay_s = delay.as_secs(), "Put a submission off.");
        Ok(())
    }

    /// Deals with a submission from the queue, and puts it back or gives it up if need be.
    ///
    /// # Errors
    /// When it has to be left to the queue.
    pub async fn work_off(&self, submission: &Submission) -> StoreResult<End> {
        match self.apply(submission).await? {
            Outcome::Done(_) => Ok(End::Done),
            Outcome::Refused(invalid) => {
                let fields: Vec<_> = invalid.iter().map(|invalid| format!("{} {}", invalid.field, invalid.rule)).collect();
                self.give_up(submission, &fields.join("; ")).await
            }
            Outcome::Hopeless(failure) => self.give_up(submission, &failure.to_string()).await,
            Outcome::Later(waiting) => self.put_off(waiting).await,
        }
    }

    /// Returns what is remembered of a submission.
    pub async fn look_up(&self, id: &SubmissionId) -> StoreResult<Option<Record>> {
        self.submissions.submission(&self.site.site, id).await
    }

    /// Puts a submission back into the queue; one that was tried too often goes to the dead letters.
    async fn put_off(&self, Waiting { mut submission, later }: Waiting) -> StoreResult<End> {
        match PATIENCE.next(&mut submission, later, self.now()) {
            Ok(delay) => self.hold(&submission, delay).await.map(|()| End::Later),
            Err(reason) => self.give_up(&submission, &reason).await,
        }
    }

    async fn give_up(&self, submission: &Submission, reason: &str) -> StoreResult<End> {
        let (site, id) = (&self.site.site, &submission.id);
        let mut letter = submission.clone();
        letter.forget_tries();
        self.queue.give_up(&letter, reason).await?;
        error!(%site, form = %submission.form, submission = %id, reason, "Gave a submission up.");
        let claim = self.claim_of(submission);
        if let Claimed::Taken = self.submissions.claim(site, &claim, self.now()).await? {
            let progress = Progress::Failed { reason: reason.to_owned() };
            self.submissions.settle(site, &claim, &progress, &[]).await?;
        }
        Ok(End::Dead)
    }

    async fn apply(&self, submission: &Submission) -> StoreResult<Outcome> {
        if let Some(outcome) = self.closed(submission).await? {
            return Ok(outcome);
        }
        let Some(form) = self.site.forms.get(&submission.form) else {
            return Ok(Outcome::Hopeless(StoreError::new(ErrorKind::NotFound, format!("form {}", submission.form))));
        };
        let claim = self.claim_of(submission);
        match self.submissions.claim(&self.site.site, &claim, self.now()).await? {
            Claimed::Taken => Ok(self.deal_with(form, submission, claim).await),
            Claimed::Busy(until) => Ok(Waiting::new(submission, until, "another worker is at work").into()),
            Claimed::Done(effect) => Ok(Outcome::Done(effect)),
        }
    }

    /// Tells why nothing is done now, if nothing is.
    async fn closed(&self, submission: &Submission) -> StoreResult<Option<Outcome>> {
        let now = self.now();
        if self.site.status != Status::Installed {
            let gone = StoreError::new(ErrorKind::NotFound, format!("the app on site {}", self.site.site));
            return Ok(Some(Outcome::Hopeless(gone)));
        }
        if self.site.paused {
            return Ok(Some(Waiting::new(submission, now + PAUSED, "the site is paused").into()));
        }
        let cooling = self.links.cooling_down(&self.site.site, Side::Wix, now).await?;
        Ok(cooling.map(|until| Waiting::new(submission, until, "Wix asked to be left alone").into()))
    }

    fn claim_of(&self, submission: &Submission) -> Claim {
        Claim {
            id: submission.id.clone(),
            form: submission.form.clone(),
            at: submission.at,
            owner: (self.owner)(),
            until: self.now() + CLAIM_TIME,
            anew_since: (!submission.named).then(|| submission.at - SAME_WITHIN),
        }
    }

    /// Does the work under a claim, and ends the claim with what came of it.
    async fn deal_with(&self, form: &Form, submission: &Submission, claim: Claim) -> Outcome {
        let mut job = Job::new(form, submission, claim);
        let outcome = match self.work(&mut job).await {
            Ok(effect) => Outcome::Done(effect),
            Err(stop) => self.stopped(stop, &job).await,
        };
        let progress = match &outcome {
            Outcome::Done(effect) => Progress::Done(effect.clone()),
            Outcome::Refused(_) => Progress::Failed { reason: "refused".to_owned() },
            Outcome::Later(_) | Outcome::Hopeless(_) => Progress::Pending,
        };
        match self.submissions.settle(&self.site.site, &job.claim, &progress, job.given_back(&progress)).await {
            Ok(()) => outcome,
            Err(failure) => self.unsettled(outcome, &failure, &job),
        }
    }

    /// What could not be stored is told nobody: a repeat would do it again. It waits until it can be stored.
    fn unsettled(&self, outcome: Outcome, failure: &StoreError, job: &Job<'_>) -> Outcome {
        warn!(site = %self.site.site, submission = %job.submission.id, error = %failure, "Could not store what became of a submission.");
        if failure.kind == ErrorKind::Stale || matches!(outcome, Outcome::Later(_)) {
            return outcome;
        }
        let later = Later { until: self.now() + outcome::RETRY, reason: failure.kind.name(), counts: true };
        Outcome::Later(Waiting { submission: job.left(), later })
    }

    async fn work(&self, job: &mut Job<'_>) -> Result<Effect, Stop> {
        let mut effect = match &job.submission.done {
            Some(effect) => effect.clone(),
            None => self.upsert(job).await?,
        };
        job.done = Some(effect.clone());
        effect.subscription = self.consent(job).await?;
        info!(
            site = %self.site.site, form = %job.submission.form, submission = %job.submission.id, record = %effect.contact,
            action = ?effect.action, rejected = effect.rejected.len(), subscription = ?effect.subscription, "Dealt with a submission."
        );
        Ok(effect)
    }

    /// Says what is to be done about what stopped the work.
    async fn stopped(&self, stop: Stop, job: &Job<'_>) -> Outcome {
        let later = |until, reason, counts| Outcome::Later(Waiting { submission: job.left(), later: Later { until, reason, counts } });
        match stop {
            Stop::Refused(rejected) => Outcome::Refused(read::invalid(job.form, &rejected)),
            Stop::Later(until, reason) => later(until, reason, false),
            Stop::Failed(failure) => {
                warn!(site = %self.site.site, submission = %job.submission.id, error = %failure, "Could not deal with a submission.");
                match outcome::retry(&failure.kind, self.now()) {
                    Some((until, counts)) => {
                        self.cool_down(&failure.kind).await;
                        later(until, failure.kind.name(), counts)
                    }
                    None => Outcome::Hopeless(failure),
                }
            }
        }
    }

    async fn cool_down(&self, kind: &ErrorKind) {
        let ErrorKind::Throttled(until) = kind else { return };
        if let Err(failure) = self.links.cool_down(&self.site.site, Side::Wix, *until).await {
            warn!(site = %self.site.site, error = %failure, "Could not store the cool-down.");
        }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
