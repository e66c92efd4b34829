//! What comes of a submission.

use jiff::{SignedDuration, Timestamp};

use crate::{
    flows::queue::Later,
    model::submission::{Effect, Rejected, Submission},
    ports::{ErrorKind, StoreError},
};

/// When to try again after a passing failure; each failed try adds a growing delay.
pub(super) const RETRY: SignedDuration = SignedDuration::from_secs(5);
/// When to try again after the credentials were refused: a person has to act first.
const ACCESS: SignedDuration = SignedDuration::from_mins(15);

/// What the sender of a submission is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is dealt with.
    Done(Effect),
    /// It is stored, and dealt with later.
    Waiting,
    /// It cannot be dealt with as it is; nothing is kept of it.
    Refused(Vec<Invalid>),
}

/// A field of a form, and the rule its value breaks; never the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The field, by its name in the form.
    pub field: String,
    /// The rule.
    pub rule: String,
}

/// What came of a submission.
#[derive(Debug)]
pub enum Outcome {
    /// It is dealt with, now or before.
    Done(Effect),
    /// It cannot be dealt with now.
    Later(Waiting),
    /// Its sender has to change it first.
    Refused(Vec<Invalid>),
    /// It can never be dealt with.
    Hopeless(StoreError),
}

/// A submission that waits.
#[derive(Debug)]
pub struct Waiting {
    /// The submission, with what was done already.
    pub submission: Submission,
    /// When it is looked at again.
    pub later: Later,
}

impl Waiting {
    pub(super) fn new(submission: &Submission, until: Timestamp, reason: &'static str) -> Self {
        Self { submission: submission.clone(), later: Later { until, reason, counts: false } }
    }
}

impl From<Waiting> for Outcome {
    fn from(waiting: Waiting) -> Self {
        Self::Later(waiting)
    }
}

/// Why the work on a submission stops.
#[derive(Debug)]
pub(super) enum Stop {
    /// It has to wait for something that is no failure.
    Later(Timestamp, &'static str),
    /// Nothing is left of it that Wix takes.
    Refused(Vec<Rejected>),
    /// A side or the store failed.
    Failed(StoreError),
}

impl From<StoreError> for Stop {
    fn from(failure: StoreError) -> Self {
        Self::Failed(failure)
    }
}

/// Returns when to try again after a failure, and whether it counts as a try; `None` if that is no use.
pub(super) fn retry(kind: &ErrorKind, now: Timestamp) -> Option<(Timestamp, bool)> {
    match kind {
        ErrorKind::Throttled(until) => Some((*until, false)),
        ErrorKind::AccessDenied => Some((now + ACCESS, true)),
        ErrorKind::Stale | ErrorKind::Exists(_) | ErrorKind::NotFound | ErrorKind::Unavailable | ErrorKind::Garbled => {
            Some((now + RETRY, true))
        }
        ErrorKind::Invalid(_) | ErrorKind::Forbidden | ErrorKind::Unsupported | ErrorKind::Corrupt => None,
    }
}
