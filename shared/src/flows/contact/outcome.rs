//! What comes of an event.

use jiff::SignedDuration;

use super::Contacts;
use crate::{
    flows::queue::Later,
    model::{
        ids::Side,
        link::{Cause, ParkedReason},
    },
    ports::{ErrorKind, StoreError},
};

/// When to try again after a passing failure; the queue adds its own growing delay.
const RETRY: SignedDuration = SignedDuration::from_secs(5);
/// When to try again after the credentials were refused: a person has to act first.
const ACCESS: SignedDuration = SignedDuration::from_mins(15);

/// What came of an event.
#[derive(Debug)]
pub enum Outcome {
    /// It is dealt with.
    Done(Effect),
    /// It cannot be dealt with now; deliver it again.
    Later(Later),
    /// It can never be dealt with as it is.
    Poison(StoreError),
}

/// What an event changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Both sides are as agreed; nothing was written anywhere.
    Unchanged,
    /// Both sides have the same by themselves; only the link was stored.
    Agreed,
    /// Changed fields were written to a side, or to both.
    Updated {
        /// Whether Wix was written to.
        wix: bool,
        /// Whether the external side was written to.
        external: bool,
    },
    /// The counterpart was made on this side.
    Created(Side),
    /// The counterpart on this side was deleted.
    Deleted(Side),
    /// The link ended without a write to either side.
    Unlinked(Cause),
    /// The person was erased on both sides.
    Erased,
    /// The link follows a merge.
    Repointed,
    /// The counterparts on this side were merged as well.
    Merged(Side),
    /// It waits for a person.
    Parked(ParkedReason),
    /// Nothing is to be done, and why.
    Skipped(Skip),
}

/// Why an event has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// The app is removed from the site.
    Removed,
    /// The owner has not chosen a system of record yet.
    NoSystemOfRecord,
    /// The record ended; late events do not revive it.
    Buried,
    /// The record does not exist any more, and never had a counterpart.
    Absent,
    /// The delete is a part of a merge, which has its own event.
    PartOfMerge,
    /// The event is about the site.
    NotAContact,
}

/// Why a step was not completed.
pub(in crate::flows) enum Stop {
    Later(Later),
    Failed { side: Option<Side>, error: StoreError },
}

impl Stop {
    pub(super) const fn at(side: Side, error: StoreError) -> Self {
        Self::Failed { side: Some(side), error }
    }

    /// Tells whether trying again later is of no use.
    pub(super) const fn is_final(&self) -> bool {
        let Self::Failed { error, .. } = self else { return false };
        !error.kind.is_transient() && !matches!(error.kind, ErrorKind::AccessDenied | ErrorKind::Exists(_) | ErrorKind::NotFound)
    }
}

impl From<Later> for Stop {
    fn from(later: Later) -> Self {
        Self::Later(later)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Failed { side: None, error }
    }
}

impl Contacts {
    /// Turns a stop into an outcome: a passing failure is for later, a vendor's limit holds for all workers, the rest is poison.
    pub(super) async fn settle(&self, stop: Stop) -> Outcome {
        let (side, error) = match stop {
            Stop::Later(later) => return Outcome::Later(later),
            Stop::Failed { side, error } => (side, error),
        };
        let now = self.clock.now();
        let (until, reason, counts) = match &error.kind {
            ErrorKind::Throttled(until) => (*until, "over the vendor's limit", false),
            ErrorKind::AccessDenied => (now + ACCESS, "the credentials are refused", true),
            ErrorKind::Stale | ErrorKind::Exists(_) | ErrorKind::NotFound => (now + super::SOON, "somebody else was faster", true),
            ErrorKind::Unavailable | ErrorKind::Garbled => (now + RETRY, "a passing failure", true),
            _ => return Outcome::Poison(error),
        };
        if let (Some(side), ErrorKind::Throttled(_) | ErrorKind::AccessDenied) = (side, &error.kind)
            && let Err(noted) = self.links.cool_down(&self.site.site, side, until).await
        {
            tracing::warn!(site = %self.site.site, error = %noted, "Could not note the cool-down.");
        }
        tracing::info!(site = %self.site.site, error = %error, "Put off an event.");
        Outcome::Later(Later { until, reason, counts })
    }
}
