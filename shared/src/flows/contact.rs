//! Two-way sync of one contact.
//!
//! An event is a hint: the flow reads both records, compares them with what both sides last agreed on, and carries out the difference. The
//! same event applied twice, or two events in either order, end the same. Every step that could be lost leaves a state that the next
//! event completes.

mod create;
mod gone;
mod matching;
mod merged;
mod notes;
mod outcome;
mod overwritten;
mod pair;
mod unfinished;
mod write;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

pub use self::outcome::{Effect, Outcome, Skip};
pub(super) use self::{create::Drafted, outcome::Stop};
use super::queue::Later;
use crate::{
    mapping::Mapping,
    model::{
        contact::{Contact, Found},
        event::{Event, EventKind},
        fingerprint::Key,
        ids::{Pair, RecordId, Side},
        link::{Link, Parked, Slot},
        site::{Site, Status},
    },
    ports::{Clock, ContactStore, LinkStore, StoreResult},
};

/// How long a worker that announced a write has the link for itself.
const INTENT_TIME: SignedDuration = SignedDuration::from_secs(60);
/// How long after that an event is waited for that tells what became of an unanswered write.
const EVIDENCE_TIME: SignedDuration = SignedDuration::from_mins(5);
/// When to look again while another worker writes.
const WHILE_WRITTEN: SignedDuration = SignedDuration::from_secs(5);
/// How long a create is given before another worker may look what became of it: longer than the vendors' indexes lag.
pub(super) const RESERVATION_TIME: SignedDuration = SignedDuration::from_mins(6);
/// When to look again after losing a race: the winner is at work right now.
const SOON: SignedDuration = SignedDuration::from_secs(2);
/// When to look again at a paused site.
const PAUSED: SignedDuration = SignedDuration::from_mins(15);

/// One site's contacts, ready to be synchronised.
#[derive(Clone)]
pub struct Contacts {
    /// The site's settings.
    pub site: Site,
    /// Its mapping.
    pub mapping: Mapping,
    /// Its fingerprint key.
    pub key: Key,
    /// Both sides.
    pub stores: Pair<Arc<dyn ContactStore>>,
    /// The links.
    pub links: Arc<dyn LinkStore>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// A random text for each reservation.
    pub owner: Arc<dyn Fn() -> String + Send + Sync>,
}

/// What an event asks for beyond reading its record.
#[derive(Clone, Copy)]
struct Hint<'a> {
    event: &'a Event,
    side: Side,
}

impl Hint<'_> {
    fn prefer(&self) -> Option<Side> {
        match self.event.kind {
            EventKind::Resync { prefer, .. } => prefer,
            _ => None,
        }
    }

    fn approves_delete(&self) -> bool {
        matches!(self.event.kind, EventKind::Resync { approve_delete: true, .. })
    }
}

type Step<T> = Result<T, Stop>;

impl Contacts {
    /// Applies one event of a contact and says what came of it. Never fails: what cannot be done now is for later, what can never be done
    /// says why.
    pub async fn apply(&self, event: &Event) -> Outcome {
        match Box::pin(self.try_apply(event)).await {
            Ok(effect) => Outcome::Done(effect),
            Err(stop) => self.settle(stop).await,
        }
    }

    async fn try_apply(&self, event: &Event) -> Step<Effect> {
        if let Some(skip) = self.closed() {
            return Ok(Effect::Skipped(skip));
        }
        if self.site.paused {
            return Err(self.later(PAUSED, "the site is paused").into());
        }
        let Some(id) = &event.record else { return Ok(Effect::Skipped(Skip::NotAContact)) };
        let hint = Hint { event, side: event.side };
        match &event.kind {
            EventKind::Installed | EventKind::Removed | EventKind::Requested { .. } | EventKind::SubscriptionChanged { .. } => {
                Ok(Effect::Skipped(Skip::NotAContact))
            }
            EventKind::Erased => self.erased(event.side, id).await,
            EventKind::Merged { from } => self.merge_event(hint, id, from).await,
            EventKind::Deleted { by_merge } => self.deleted(hint, id, *by_merge).await,
            EventKind::Restored => self.restored(hint, id).await,
            EventKind::Created | EventKind::Updated { .. } | EventKind::Resync { .. } => self.synchronise(hint, id).await,
        }
    }

    /// Why the site's contacts are not synchronised at all.
    pub(super) fn closed(&self) -> Option<Skip> {
        if self.site.status != Status::Installed {
            return Some(Skip::Removed);
        }
        self.site.system_of_record.is_none().then_some(Skip::NoSystemOfRecord)
    }

    /// Brings a record and its counterpart in step, whatever happened to it.
    async fn synchronise(&self, hint: Hint<'_>, id: &RecordId) -> Step<Effect> {
        match self.look_up(hint.side, id).await? {
            Slot::Linked(link) => self.synchronise_pair(hint, *link).await,
            Slot::Reserved { until, .. } => Err(self.until(until, "its counterpart is being made").into()),
            Slot::Gone(_) => Ok(Effect::Skipped(Skip::Buried)),
            Slot::Free => self.find_counterpart(hint, id).await,
        }
    }

    /// A person brought a deleted record back: its tombstone is lifted, unless it was erased.
    async fn restored(&self, hint: Hint<'_>, id: &RecordId) -> Step<Effect> {
        if let Slot::Gone(tombstone) = self.look_up(hint.side, id).await? {
            if tombstone.cause.is_of_erasure() || hint.event.at < tombstone.at {
                return Ok(Effect::Skipped(Skip::Buried));
            }
            if let Found::Absent = self.read(hint.side, id).await? {
                return Ok(Effect::Skipped(Skip::Absent));
            }
            self.links.exhume(&self.site.site, hint.side, id).await?;
            if let Some(counterpart) = &tombstone.counterpart {
                self.links.exhume(&self.site.site, hint.side.opposite(), counterpart).await?;
            }
        }
        self.synchronise(hint, id).await
    }

    /// Another worker that announced a write is left to finish it, until its time is over.
    fn ensure_not_being_written(&self, link: &Link) -> Step<()> {
        let now = self.clock.now();
        match &link.intent {
            Some(intent) if intent.until > now => {
                Err(self.until(intent.until.min(now + WHILE_WRITTEN), "another worker is writing").into())
            }
            _ => Ok(()),
        }
    }

    fn store(&self, side: Side) -> &dyn ContactStore {
        self.stores.of(side).as_ref()
    }

    /// Looks a record up; a reservation whose time is over holds nobody.
    async fn look_up(&self, side: Side, id: &RecordId) -> StoreResult<Slot> {
        Ok(match self.links.look_up(&self.site.site, side, id).await? {
            Slot::Reserved { until, .. } if until <= self.clock.now() => Slot::Free,
            slot => slot,
        })
    }

    async fn read(&self, side: Side, id: &RecordId) -> Step<Found> {
        self.store(side).get(id).await.map_err(|error| Stop::at(side, error))
    }

    async fn read_present(&self, side: Side, id: &RecordId) -> Step<Option<Contact>> {
        Ok(match self.read(side, id).await? {
            Found::Present(contact) => Some(contact),
            Found::Merged(_) | Found::Absent => None,
        })
    }

    /// Tells whether a record may have changed since it was parked, however the clocks differ.
    pub(super) fn changed_since(&self, contact: &Contact, parked: &Parked) -> bool {
        let overlap = self.site.export.overlap();
        contact.updated_at.is_none_or(|updated| updated.saturating_add(overlap).unwrap_or(Timestamp::MAX) >= parked.since)
    }

    fn later(&self, after: SignedDuration, reason: &'static str) -> Later {
        self.until(self.clock.now() + after, reason)
    }

    #[expect(clippy::unused_self, reason = "reads like its sibling")]
    fn until(&self, until: Timestamp, reason: &'static str) -> Later {
        Later { until, reason, counts: false }
    }
}
