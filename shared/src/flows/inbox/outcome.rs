//! What comes of a message.

use jiff::SignedDuration;

use super::Relay;
use crate::{
    flows::queue::Later,
    model::{ids::Side, message::Message},
    ports::{ErrorKind, StoreError},
};

/// When to try again after a passing failure; the queue adds its own growing delay.
const RETRY: SignedDuration = SignedDuration::from_secs(5);
/// When to look again after somebody else was faster.
const SOON: SignedDuration = SignedDuration::from_secs(2);
/// When to try again after the credentials were refused: a person has to act first.
const ACCESS: SignedDuration = SignedDuration::from_mins(15);

/// What came of a message.
#[derive(Debug)]
pub enum Outcome {
    /// It is dealt with.
    Done(Effect),
    /// It cannot be dealt with now; deliver it again.
    Later(Later),
    /// What it needs is not there; deliver it again, with one more search counted.
    NotYet(Later),
    /// It waits for a person, among the dead letters.
    Parked(Parked),
    /// It can never be dealt with as it is.
    Poison(StoreError),
}

/// What a message changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It stands in the conversations with so many contacts.
    Posted {
        /// How many.
        contacts: usize,
    },
    /// Nothing is to be done, and why.
    Skipped(Skip),
}

/// Why a message has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// The app is removed from the site.
    Removed,
    /// The owner switched the source off.
    Disabled,
    /// It was posted before.
    Repeated,
}

/// Why a message waits for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parked {
    /// The service tells neither an e-mail address nor a phone number of the customer.
    NoAddress,
    /// No contact has the address.
    NoContact,
    /// Several contacts have the address, and none is to be chosen; or more than any rule means.
    SeveralContacts,
    /// The part of the text that goes before it was given up.
    PartBeforeMissing,
    /// Wix opens no conversation with the contact, although it is there: a member who does not show its own id.
    NoConversation,
}

impl Parked {
    /// Returns the name used in logs and dead letters.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoAddress => "no_address",
            Self::NoContact => "no_contact",
            Self::SeveralContacts => "several_contacts",
            Self::PartBeforeMissing => "part_before_missing",
            Self::NoConversation => "no_conversation",
        }
    }
}

/// Why a step was not completed.
pub(super) enum Stop {
    Later(Later),
    NotYet(Later),
    Skip(Skip),
    Park(Parked),
    /// A message may have been posted that nobody knows of.
    Doubt(StoreError),
    /// The contact is gone.
    Gone(StoreError),
    /// Anything else failed.
    Failed(StoreError),
}

impl Stop {
    /// Counts the wait as a failed try.
    pub(super) fn counted(self) -> Self {
        match self {
            Self::Later(later) => Self::Later(Later { counts: true, ..later }),
            other => other,
        }
    }

    /// Makes a stop of a post that failed.
    pub(super) fn of_post(error: StoreError) -> Self {
        if error.kind.is_ambiguous() { Self::Doubt(error) } else { Self::Failed(error) }
    }

    /// Makes a stop of a conversation that was not found or made.
    pub(super) fn of_contact(error: StoreError) -> Self {
        match error.kind {
            ErrorKind::NotFound => Self::Gone(error),
            ErrorKind::Unsupported => Self::Park(Parked::NoConversation),
            ErrorKind::Stale
            | ErrorKind::Exists(_)
            | ErrorKind::Invalid(_)
            | ErrorKind::Forbidden
            | ErrorKind::AccessDenied
            | ErrorKind::Throttled(_)
            | ErrorKind::Unavailable
            | ErrorKind::Garbled
            | ErrorKind::Corrupt => Self::Failed(error),
        }
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

impl Relay {
    /// Turns a stop into an outcome: a passing failure is for later, Wix's limit holds for all workers. Whoever does not come again leaves the
    /// line, or comes again until it has.
    pub(super) async fn settle(&self, message: &Message, stop: Stop) -> Outcome {
        let outcome = match stop {
            Stop::Later(later) => return Outcome::Later(later),
            Stop::NotYet(later) => return Outcome::NotYet(later),
            Stop::Skip(skip) => Outcome::Done(Effect::Skipped(skip)),
            Stop::Park(reason) => Outcome::Parked(reason),
            Stop::Doubt(error) | Stop::Gone(error) | Stop::Failed(error) => match self.again_at(&error) {
                Some(later) => return self.put_off(later, &error).await,
                None => Outcome::Poison(error),
            },
        };
        let Ok(line) = self.line_of(message) else { return outcome };
        match self.claims.step_out(&self.site.site, &line, &self.place_of(message)).await {
            Ok(()) => outcome,
            Err(error) => match self.again_at(&error) {
                Some(later) => self.put_off(later, &error).await,
                None => outcome,
            },
        }
    }

    fn again_at(&self, error: &StoreError) -> Option<Later> {
        let now = self.clock.now();
        let (until, reason, counts) = match &error.kind {
            ErrorKind::Throttled(until) => (*until, "over the vendor's limit", false),
            ErrorKind::AccessDenied => (now + ACCESS, "the credentials are refused", true),
            ErrorKind::Stale | ErrorKind::Exists(_) | ErrorKind::NotFound => (now + SOON, "somebody else was faster", true),
            ErrorKind::Unavailable | ErrorKind::Garbled => (now + RETRY, "a passing failure", true),
            ErrorKind::Invalid(_) | ErrorKind::Forbidden | ErrorKind::Unsupported | ErrorKind::Corrupt => return None,
        };
        Some(Later { until, reason, counts })
    }

    async fn put_off(&self, later: Later, error: &StoreError) -> Outcome {
        if let ErrorKind::Throttled(_) | ErrorKind::AccessDenied = error.kind
            && let Err(noted) = self.links.cool_down(&self.site.site, Side::Wix, later.until).await
        {
            tracing::warn!(site = %self.site.site, error = %noted, "Could not note the cool-down.");
        }
        tracing::info!(site = %self.site.site, %error, "Put off a message.");
        Outcome::Later(later)
    }
}
