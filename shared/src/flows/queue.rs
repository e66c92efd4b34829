//! How a job of a queue ends: dealt with, put back for later, among the dead letters with its reason, or left to the queue, which delivers it
//! again.

use std::{collections::BTreeMap, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tracing::{error, info, warn};

use crate::{
    model::{event::Event, ids::SiteId, message::Message, submission::Submission},
    ports::{Clock, ErrorKind, Queue, StoreError, StoreResult},
};

/// The longest delay between two tries, and the longest the queue takes.
const LONGEST_DELAY: Duration = Duration::from_mins(15);
/// When a job of a site whose credentials are missing, or of a table that refuses, is looked at again: a person has to act first.
const NO_ACCESS: SignedDuration = SignedDuration::from_mins(15);
/// When a job for a site that is not known yet is looked at again: its installation may be on the way.
const UNKNOWN_SITE: SignedDuration = SignedDuration::from_mins(5);

/// When a job is to be delivered again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Later {
    /// Not before this instant.
    pub until: Timestamp,
    /// Why, for the log.
    pub reason: &'static str,
    /// Whether it counts as a failed try; waiting for another worker does not.
    pub counts: bool,
}

impl Later {
    /// A job for a site that is not known yet.
    #[must_use]
    pub fn unknown_site(now: Timestamp) -> Self {
        Self { until: now + UNKNOWN_SITE, reason: "the site is not known", counts: true }
    }
}

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// It is dealt with.
    Done,
    /// It is back in the queue.
    Later,
    /// It is among the dead letters.
    Dead,
    /// It is left to the queue.
    Failed,
}

/// What a worker is fed.
pub trait Job: Clone + Send + Sync {
    /// Returns the site it is about.
    fn site(&self) -> &SiteId;

    /// How often it was tried and failed.
    fn tries(&mut self) -> &mut u32;

    /// Forgets the tries, for whoever moves it back from the dead letters.
    fn forget_tries(&mut self) {
        *self.tries() = 0;
    }
}

impl Job for Event {
    fn site(&self) -> &SiteId {
        &self.site
    }

    fn tries(&mut self) -> &mut u32 {
        &mut self.attempts
    }
}

impl Job for Message {
    fn site(&self) -> &SiteId {
        &self.site
    }

    fn tries(&mut self) -> &mut u32 {
        &mut self.attempts
    }

    fn forget_tries(&mut self) {
        (self.attempts, self.searches) = (0, 0);
    }
}

impl Job for Submission {
    fn site(&self) -> &SiteId {
        &self.site
    }

    fn tries(&mut self) -> &mut u32 {
        &mut self.attempts
    }

    /// That there was one is still to be known: it may have made the contact.
    fn forget_tries(&mut self) {
        self.attempts = self.attempts.min(1);
    }
}

/// How long a worker tries.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// So often a job is tried before it is given up.
    pub tries: u32,
    /// The longest that the delay grows with failed tries.
    pub longest: Duration,
}

impl Patience {
    /// Counts a failed try, and returns how long the job waits for the next one.
    ///
    /// # Errors
    /// Why it is to be given up: it was tried too often.
    pub fn next(self, job: &mut impl Job, later: Later, now: Timestamp) -> Result<Duration, String> {
        *job.tries() += u32::from(later.counts);
        let failed = later.counts.then_some(*job.tries());
        match failed.filter(|tries| *tries >= self.tries) {
            Some(tries) => Err(format!("gave up after {tries} tries: {}", later.reason)),
            None => Ok(self.delay(now, later.until, failed)),
        }
    }

    /// Returns how long a job waits: until it makes sense, and longer with every try that failed.
    fn delay(self, now: Timestamp, until: Timestamp, failed: Option<u32>) -> Duration {
        let wait = Duration::try_from(until.duration_since(now)).unwrap_or_default();
        let grown = failed.map_or(Duration::ZERO, |tries| Duration::from_secs(1 << tries.min(10))).min(self.longest);
        wait.max(grown).clamp(Duration::from_secs(1), LONGEST_DELAY)
    }
}

/// A queue as its worker sees it.
#[derive(Clone, Copy)]
pub struct Desk<'a, T> {
    /// The queue.
    pub queue: &'a dyn Queue<T>,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// How long is tried.
    pub patience: Patience,
}

impl<T: Job> Desk<'_, T> {
    /// Puts a job back into the queue; one that was tried too often goes to the dead letters.
    pub async fn put_back(&self, mut job: T, later: Later) -> End {
        let delay = match self.patience.next(&mut job, later, self.clock.now()) {
            Ok(delay) => delay,
            Err(reason) => return self.give_up(job, &reason).await,
        };
        match self.queue.put_back(&job, delay).await {
            Ok(()) => End::Later,
            Err(failure) => left(&job, &failure),
        }
    }

    /// Decides about a job whose work could not begin.
    pub async fn failed(&self, job: T, failure: StoreError) -> End {
        if failure.kind.is_transient() {
            return left(&job, &failure);
        }
        if failure.kind != ErrorKind::AccessDenied {
            return self.give_up(job, &failure.to_string()).await;
        }
        warn!(site = %job.site(), error = %failure, "Put a job off.");
        self.put_back(job, Later { until: self.clock.now() + NO_ACCESS, reason: "the credentials cannot be used", counts: true }).await
    }

    /// Puts a job among the dead letters, as one that was never tried.
    pub async fn give_up(&self, mut job: T, reason: &str) -> End {
        job.forget_tries();
        given_up(self.queue.give_up(&job, reason).await)
    }

    /// Puts a message that is no job among the dead letters.
    pub async fn give_up_unreadable(&self, body: &str, why: &serde_json::Error) -> End {
        given_up(self.queue.give_up_unread(body, &unreadable(why)).await)
    }
}

fn left(job: &impl Job, failure: &StoreError) -> End {
    warn!(site = %job.site(), error = %failure, "Left a job to the queue.");
    End::Failed
}

fn given_up(outcome: StoreResult<()>) -> End {
    match outcome {
        Ok(()) => End::Dead,
        Err(failure) => {
            error!(error = %failure, "Could not put a message among the dead letters.");
            End::Failed
        }
    }
}

/// Says why a message is no job, without a word of it.
#[must_use]
pub fn unreadable(why: &serde_json::Error) -> String {
    format!("unreadable: {:?} at column {}", why.classify(), why.column())
}

/// Logs how the messages of a batch ended, and returns the ids of those that are left to the queue.
pub fn tally<'a>(ends: impl IntoIterator<Item = (Option<&'a str>, End)>) -> Vec<String> {
    let mut tally = BTreeMap::<End, u32>::new();
    let mut failed = Vec::new();
    for (id, end) in ends {
        *tally.entry(end).or_default() += 1;
        if end == End::Failed {
            failed.push(id.unwrap_or_default().to_owned());
        }
    }
    let count = |end| tally.get(&end).copied().unwrap_or(0);
    info!(done = count(End::Done), later = count(End::Later), dead = count(End::Dead), failed = count(End::Failed), "Dealt with a batch.");
    failed
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_delay_grows_with_failures_and_ends_at_what_the_queue_takes() {
        let patience = Patience { tries: 9, longest: Duration::from_mins(5) };
        let now = Timestamp::UNIX_EPOCH;
        for (wait, failed, expected) in [
            (0, None, 1),
            (-7, None, 1),
            (30, None, 30),
            (0, Some(1), 2),
            (0, Some(5), 32),
            (60, Some(5), 60),
            (0, Some(400), 300),
            (9_999, None, 900),
        ] {
            let delay = patience.delay(now, now + SignedDuration::from_secs(wait), failed);
            assert_eq!(delay, Duration::from_secs(expected), "{wait} {failed:?}");
        }
    }

    /// A queue that shows what it was given.
    #[derive(Default)]
    struct Seen(Mutex<Vec<(Message, Option<Duration>)>>);

    #[async_trait]
    impl Queue<Message> for Seen {
        async fn put_back(&self, job: &Message, delay: Duration) -> StoreResult<()> {
            self.0.lock().unwrap().push((job.clone(), Some(delay)));
            Ok(())
        }

        async fn give_up(&self, job: &Message, _: &str) -> StoreResult<()> {
            self.0.lock().unwrap().push((job.clone(), None));
            Ok(())
        }

        async fn give_up_unread(&self, _: &str, _: &str) -> StoreResult<()> {
            Ok(())
        }
    }

    struct Then;

    #[async_trait]
    impl Clock for Then {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }

        async fn sleep(&self, _: Duration) {}
    }

    #[tokio::test]
    async fn what_is_given_up_has_all_its_tries_again() {
        let (queue, patience) = (Seen::default(), Patience { tries: 100, longest: Duration::from_mins(5) });
        let desk = Desk { queue: &queue, clock: &Then, patience };
        let later = Later { until: Timestamp::UNIX_EPOCH, reason: "a passing failure", counts: true };
        for attempts in [98, 99] {
            let message = json!({
                "site": "s", "source": "sms", "service": "twilio", "id": "1", "who": {}, "author": "participant", "attempts": attempts, "searches": 8,
                "content": {"kind": "message"}, "at": Timestamp::UNIX_EPOCH,
            });
            desk.put_back(serde_json::from_value::<Message>(message).unwrap(), later).await;
        }
        let seen = queue.0.lock().unwrap();
        let tries: Vec<_> = seen.iter().map(|(message, delay)| (message.attempts, message.searches, *delay)).collect();
        assert_eq!(tries, [(99, 8, Some(Duration::from_mins(5))), (0, 0, None)]);
    }

    #[test]
    fn whoever_is_left_to_the_queue_is_named() {
        let ends = [(Some("a"), End::Done), (Some("b"), End::Failed), (Some("c"), End::Dead), (None, End::Failed), (Some("d"), End::Later)];
        assert_eq!(tally(ends), ["b", ""]);
    }
}
