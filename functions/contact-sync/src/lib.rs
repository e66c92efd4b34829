//! Contact sync: fed by the bus through a queue, brings one contact after the other in step.
//!
//! How a message ends: `flows::queue`.

use std::{borrow::Cow, collections::BTreeMap, time::Duration};

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use contact_bridge::{
    app::{App, Means},
    flows::{
        contact::{Effect, Outcome, Skip},
        queue::{Desk, End, Later, Patience, tally},
        setup::{self, Registry},
    },
    model::{
        event::{Event, EventKind},
        ids::SiteId,
    },
    ports::StoreResult,
};
use futures::future::join_all;
use jiff::Timestamp;
use lambda_runtime::Error;
use serde::Deserialize;
use serde_json::value::RawValue;
use tracing::{error, info, warn};

/// With the growing delay that is about a day.
const PATIENCE: Patience = Patience { tries: 100, longest: Duration::from_mins(15) };
/// What of an invocation is kept for naming the messages that were not done in time.
const RESERVE: Duration = Duration::from_secs(2);

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

/// Deals with a batch within `budget`, what is left of the invocation. A message named as failed is delivered again by the queue, which is what
/// becomes of those that are not done in time; all others are done with.
///
/// # Errors
/// None: every message has its own end.
pub async fn handle(app: &App, batch: SqsEvent, budget: Duration) -> Result<SqsBatchResponse, Error> {
    let cooling = cooling_down(app, &batch).await;
    let ends = batch.records.iter().map(|message| within(budget.saturating_sub(RESERVE), deal_with(app, message, &cooling)));
    let ends = join_all(ends).await;
    let mut response = SqsBatchResponse::default();
    for failed in tally(batch.records.iter().map(|message| message.message_id.as_deref()).zip(ends)) {
        response.add_failure(failed);
    }
    Ok(response)
}

/// Sites to be left alone: one of their sides asked for it, or room is being made beside a run. Asked for once a batch.
async fn cooling_down(app: &App, batch: &SqsEvent) -> BTreeMap<SiteId, Timestamp> {
    let mut cooling = BTreeMap::new();
    let mut sites: Vec<SiteId> = batch.records.iter().filter_map(|message| Message::read(message).ok()?.site()).collect();
    sites.sort();
    sites.dedup();
    for site in sites {
        match left_alone(app, &site).await {
            Ok(until) => cooling.extend(until.map(|until| (site, until))),
            Err(failure) => warn!(site = %site, error = %failure, "Could not read the cool-down."),
        }
    }
    cooling
}

/// Until when nothing is to be sent for a site.
async fn left_alone(app: &App, site: &SiteId) -> StoreResult<Option<Timestamp>> {
    Ok(app.cooling_down(site).await?.max(app.make_room(site).await?))
}

/// Cuts off what takes too long, which can be done at every step of the sync.
async fn within(budget: Duration, work: impl Future<Output = End>) -> End {
    tokio::time::timeout(budget, work).await.unwrap_or_else(|_| {
        warn!("Ran out of time, left a message to the queue.");
        End::Failed
    })
}

async fn deal_with(app: &App, message: &SqsMessage, cooling: &BTreeMap<SiteId, Timestamp>) -> End {
    let desk = desk(app);
    let event = match Message::read(message) {
        Ok(Message::Event(event)) => event,
        Ok(Message::Timer) => return tidy_up(app).await,
        Err(why) => return desk.give_up_unreadable(message.body.as_deref().unwrap_or_default(), &why).await,
    };
    // That the app was installed or removed sends nothing anywhere.
    let is_of_site = matches!(event.kind, EventKind::Installed | EventKind::Removed);
    if let Some(until) = cooling.get(&event.site).filter(|_| !is_of_site) {
        let later = Later { until: *until, reason: "the site is left alone for now", counts: false };
        return desk.put_back(event, later).await;
    }
    match apply(app, &event).await {
        Ok(outcome) => end(&desk, event, outcome).await,
        Err(failure) => desk.failed(event, failure).await,
    }
}

fn desk(app: &App) -> Desk<'_, Event> {
    Desk { queue: app.means.queue.as_ref(), clock: app.means.clock.as_ref(), patience: PATIENCE }
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
        EventKind::Installed => {
            let Means { runs, links, clock, .. } = &app.means;
            let registry = Registry { sites, runs: runs.as_ref(), links: links.as_ref(), clock: clock.as_ref() };
            setup::installed(registry, &event.site, event.at).await?;
        }
        EventKind::Removed => setup::removed(sites, &event.site, event.at, now).await?,
        _ => {
            return Ok(match app.contacts(&event.site).await? {
                Some(contacts) => contacts.apply(event).await,
                None => Outcome::Later(Later::unknown_site(now)),
            });
        }
    }
    app.forget(&event.site);
    Ok(Outcome::Done(Effect::Skipped(Skip::NotAContact)))
}

async fn end(desk: &Desk<'_, Event>, event: Event, outcome: Outcome) -> End {
    match outcome {
        Outcome::Done(effect) => {
            info!(site = %event.site, side = %event.side, record = event.record.as_ref().map(tracing::field::display), kind = event.kind.name(), effect = ?effect, "Dealt with an event.");
            End::Done
        }
        Outcome::Later(later) => desk.put_back(event, later).await,
        Outcome::Poison(failure) => {
            error!(site = %event.site, record = event.record.as_ref().map(tracing::field::display), error = %failure, "Gave an event up.");
            desk.give_up(event, &failure.to_string()).await
        }
    }
}
