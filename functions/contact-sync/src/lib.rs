//! Contact sync: fed by the bus through a queue, brings one contact after the other in step.
//!
//! Every message ends in one of four ways: dealt with, put back for later, put among the dead letters with its reason, or left to the queue,
//! which delivers it again.

use std::{borrow::Cow, collections::BTreeMap, time::Duration};

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use contact_bridge::{
    app::App,
    flows::{
        contact::{Effect, Later, Outcome, Skip},
        setup,
    },
    model::{
        event::{Event, EventKind},
        ids::SiteId,
    },
    ports::{ErrorKind, StoreResult},
};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::Error;
use serde::Deserialize;
use serde_json::value::RawValue;
use tracing::{error, info, warn};

/// So often an event is tried before it goes to the dead letters; with the growing delay that is about a day.
const MOST_ATTEMPTS: u32 = 100;
/// The longest delay between two tries, and the longest the queue takes.
const LONGEST_DELAY: Duration = Duration::from_mins(15);
/// What of an invocation is kept for naming the messages that were not done in time.
const RESERVE: Duration = Duration::from_secs(2);
/// When an event of a site that is not known yet is looked at again: its installation may be on the way.
const UNKNOWN_SITE: SignedDuration = SignedDuration::from_mins(5);

/// When an event of a site whose credentials are missing is looked at again: a person has to act first.
const NO_ACCESS: SignedDuration = SignedDuration::from_mins(15);

/// The envelope of the bus.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "detail-type", default)]
    detail_type: Cow<'a, str>,
    #[serde(borrow)]
    detail: &'a RawValue,
}

/// What the queue delivers.
enum Message {
    /// The daily schedule.
    Timer,
    /// An event of a contact or a site.
    Event(Event),
}

impl Message {
    fn read(message: &SqsMessage) -> Result<Self, serde_json::Error> {
        let envelope: Envelope<'_> = serde_json::from_str(message.body.as_deref().unwrap_or_default())?;
        // What EventBridge calls what a schedule sends.
        if envelope.detail_type == "Scheduled Event" {
            return Ok(Self::Timer);
        }
        serde_json::from_str(envelope.detail.get()).map(Self::Event)
    }

    /// Returns the site it is about, if it is about one.
    fn site(self) -> Option<SiteId> {
        match self {
            Self::Timer => None,
            Self::Event(event) => Some(event.site),
        }
    }
}

/// How a message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Done,
    Later,
    Dead,
    Failed,
}

/// Deals with a batch within `budget`, what is left of the invocation. A message named as failed is delivered again by the queue, which is what
/// becomes of those that are not done in time; all others are done with.
///
/// # Errors
/// None: every message has its own end.
pub async fn handle(app: &App, batch: SqsEvent, budget: Duration) -> Result<SqsBatchResponse, Error> {
    let cooling = cooling_down(app, &batch).await;
    let ends = batch.records.iter().map(|message| within(budget.saturating_sub(RESERVE), deal_with(app, message, &cooling)));
    let ends = join_all(ends).await;
    let mut tally = BTreeMap::<End, u32>::new();
    let mut response = SqsBatchResponse::default();
    for (message, end) in batch.records.iter().zip(ends) {
        *tally.entry(end).or_default() += 1;
        if end == End::Failed {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message.message_id.clone().unwrap_or_default();
            response.batch_item_failures.push(failure);
        }
    }
    let count = |end| tally.get(&end).copied().unwrap_or(0);
    info!(done = count(End::Done), later = count(End::Later), dead = count(End::Dead), failed = count(End::Failed), "Dealt with a batch.");
    Ok(response)
}

/// Sites that asked to be left alone, asked for once a batch.
async fn cooling_down(app: &App, batch: &SqsEvent) -> BTreeMap<SiteId, Timestamp> {
    let mut cooling = BTreeMap::new();
    let mut sites: Vec<SiteId> = batch.records.iter().filter_map(|message| Message::read(message).ok()?.site()).collect();
    sites.sort();
    sites.dedup();
    for site in sites {
        match app.cooling_down(&site).await {
            Ok(until) => cooling.extend(until.map(|until| (site, until))),
            Err(failure) => warn!(site = %site, error = %failure, "Could not read the cool-down."),
        }
    }
    cooling
}

/// Cuts off what takes too long, which can be done at every step of the sync.
async fn within(budget: Duration, work: impl Future<Output = End>) -> End {
    tokio::time::timeout(budget, work).await.unwrap_or_else(|_| {
        warn!("Ran out of time, left a message to the queue.");
        End::Failed
    })
}

async fn deal_with(app: &App, message: &SqsMessage, cooling: &BTreeMap<SiteId, Timestamp>) -> End {
    let body = message.body.as_deref().unwrap_or_default();
    let event = match Message::read(message) {
        Ok(Message::Event(event)) => event,
        Ok(Message::Timer) => return tidy_up(app).await,
        Err(unreadable) => {
            return bury(app, body, &format!("unreadable: {:?} at column {}", unreadable.classify(), unreadable.column())).await;
        }
    };
    // That the app was installed or removed sends nothing anywhere.
    let is_of_site = matches!(event.kind, EventKind::Installed | EventKind::Removed);
    if let Some(until) = cooling.get(&event.site).filter(|_| !is_of_site) {
        let later = Later { until: *until, reason: "the site is cooling down", counts: false };
        return put_back(app, event, body, later).await;
    }
    match apply(app, &event).await {
        Ok(outcome) => end(app, event, body, outcome).await,
        Err(failure) if failure.kind.is_transient() => {
            warn!(site = %event.site, error = %failure, "Left an event to the queue.");
            End::Failed
        }
        Err(failure) if failure.kind == ErrorKind::AccessDenied => {
            warn!(site = %event.site, error = %failure, "Put off an event.");
            let until = app.means.clock.now() + NO_ACCESS;
            put_back(app, event, body, Later { until, reason: "the credentials cannot be used", counts: true }).await
        }
        Err(failure) => bury(app, body, &failure.to_string()).await,
    }
}

/// Purges the sites whose app was removed long ago.
async fn tidy_up(app: &App) -> End {
    match setup::purge_removed(app.means.sites.as_ref(), app.means.clock.now()).await {
        Ok(purged) => {
            info!(purged, "Looked for sites to purge.");
            End::Done
        }
        Err(failure) => {
            warn!(error = %failure, "Could not look for sites to purge.");
            End::Failed
        }
    }
}

async fn apply(app: &App, event: &Event) -> StoreResult<Outcome> {
    let sites = app.means.sites.as_ref();
    let now = app.means.clock.now();
    match event.kind {
        EventKind::Installed => setup::installed(sites, &event.site, event.at).await?,
        EventKind::Removed => setup::removed(sites, &event.site, event.at, now).await?,
        _ => {
            return Ok(match app.contacts(&event.site).await? {
                Some(contacts) => contacts.apply(event).await,
                None => Outcome::Later(Later { until: now + UNKNOWN_SITE, reason: "the site is not known", counts: true }),
            });
        }
    }
    app.forget(&event.site);
    Ok(Outcome::Done(Effect::Skipped(Skip::NotAContact)))
}

async fn end(app: &App, event: Event, body: &str, outcome: Outcome) -> End {
    match outcome {
        Outcome::Done(effect) => {
            info!(site = %event.site, side = %event.side, record = event.record.as_ref().map(tracing::field::display), kind = event.kind.name(), effect = ?effect, "Dealt with an event.");
            End::Done
        }
        Outcome::Later(later) => put_back(app, event, body, later).await,
        Outcome::Poison(failure) => {
            error!(site = %event.site, record = event.record.as_ref().map(tracing::field::display), error = %failure, "Gave an event up.");
            bury(app, body, &failure.to_string()).await
        }
    }
}

/// Puts an event back into the queue; one that was tried too often goes to the dead letters.
async fn put_back(app: &App, mut event: Event, body: &str, later: Later) -> End {
    event.attempts += u32::from(later.counts);
    if event.attempts >= MOST_ATTEMPTS {
        return bury(app, body, &format!("gave up after {} tries: {}", event.attempts, later.reason)).await;
    }
    let wait = Duration::try_from(later.until.duration_since(app.means.clock.now())).unwrap_or_default();
    let grown = if later.counts { Duration::from_secs(1 << event.attempts.min(10)) } else { Duration::ZERO };
    let delay = wait.max(grown).clamp(Duration::from_secs(1), LONGEST_DELAY);
    match app.means.queue.defer(&event, delay).await {
        Ok(()) => End::Later,
        Err(failure) => {
            warn!(site = %event.site, error = %failure, "Left an event to the queue.");
            End::Failed
        }
    }
}

async fn bury(app: &App, body: &str, reason: &str) -> End {
    match app.means.queue.dead_letter(body, reason).await {
        Ok(()) => End::Dead,
        Err(failure) => {
            error!(error = %failure, "Could not put a message among the dead letters.");
            End::Failed
        }
    }
}
