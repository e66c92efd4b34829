//! The inbox relay: fed by the bus through a queue, posts messages and activities of other services into the Wix Inbox.
//!
//! Every message ends in one of four ways: dealt with, put back for later, put among the dead letters with its reason, or left to the queue,
//! which delivers it again.

use std::{collections::BTreeMap, time::Duration};

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use contact_bridge::{
    app::inbox::{Relays, Standing},
    flows::{contact::Later, inbox::Outcome},
    model::{contact::MatchKey, ids::SiteId, message::Message},
    ports::{ErrorKind, StoreResult},
};
use futures::future::join_all;
use jiff::SignedDuration;
use lambda_runtime::Error;
use serde::{Deserialize, Serialize};
use tracing::{error, info, warn};

/// So often a message is tried before it goes to the dead letters; with the growing delay that is about a day.
const MOST_ATTEMPTS: u32 = 300;
/// The longest delay after failures. Several fit into the time for which those behind wait for it.
const LONGEST_GROWN: Duration = Duration::from_mins(5);
/// The longest delay between two tries, and the longest the queue takes.
const LONGEST_DELAY: Duration = Duration::from_mins(15);
/// When a message of a site whose credentials are missing, or of a table that refuses, is looked at again: a person has to act first.
const NO_ACCESS: SignedDuration = SignedDuration::from_mins(15);
/// When a message for a site that is not known yet is looked at again: its installation may be on the way.
const UNKNOWN_SITE: SignedDuration = SignedDuration::from_mins(5);

/// What the bus delivers: our message in its envelope.
#[derive(Deserialize, Serialize)]
struct Envelope {
    detail: Message,
}

/// A message as the queue delivered it, and as it was read.
struct Delivered<'a> {
    id: &'a str,
    body: &'a str,
    message: Message,
}

/// How a message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Done,
    Later,
    Dead,
    Failed,
}

/// Deals with a batch: the messages of one sender one after the other, in the order they were written; those of different senders beside each
/// other. A message named as failed is delivered again by the queue; all others are done with.
///
/// # Errors
/// None: every message has its own end.
pub async fn handle(relays: &Relays, batch: SqsEvent) -> Result<SqsBatchResponse, Error> {
    let mut lines = BTreeMap::<(SiteId, Option<MatchKey>), Vec<Delivered<'_>>>::new();
    let mut unreadable = Vec::new();
    for sent in &batch.records {
        let (id, body) = (sent.message_id.as_deref().unwrap_or_default(), sent.body.as_deref().unwrap_or_default());
        match read(sent) {
            Ok(message) => {
                let line = (message.site.clone(), message.who.keys(None).into_iter().next());
                lines.entry(line).or_default().push(Delivered { id, body, message });
            }
            Err(error) => unreadable.push((id, body, error)),
        }
    }
    let worked_off = join_all(lines.into_values().map(|line| work_off(relays, line))).await.into_iter().flatten();
    let buried = join_all(unreadable.into_iter().map(async |(id, body, error)| {
        let reason = format!("unreadable: {:?} at column {}", error.classify(), error.column());
        (id, bury(relays, body, &reason).await)
    }));
    Ok(respond(worked_off.chain(buried.await)))
}

fn read(sent: &SqsMessage) -> Result<Message, serde_json::Error> {
    serde_json::from_str::<Envelope>(sent.body.as_deref().unwrap_or_default()).map(|envelope| envelope.detail)
}

fn respond<'a>(ends: impl Iterator<Item = (&'a str, End)>) -> SqsBatchResponse {
    let mut tally = BTreeMap::<End, u32>::new();
    let mut response = SqsBatchResponse::default();
    for (id, end) in ends {
        *tally.entry(end).or_default() += 1;
        if end == End::Failed {
            let mut failure = BatchItemFailure::default();
            id.clone_into(&mut failure.item_identifier);
            response.batch_item_failures.push(failure);
        }
    }
    let count = |end| tally.get(&end).copied().unwrap_or(0);
    info!(done = count(End::Done), later = count(End::Later), dead = count(End::Dead), failed = count(End::Failed), "Dealt with a batch.");
    response
}

/// Deals with the messages of one sender. One that has to wait keeps those behind it waiting: they find it in their line.
async fn work_off<'a>(relays: &Relays, mut line: Vec<Delivered<'a>>) -> Vec<(&'a str, End)> {
    line.sort_by_key(|delivered| (delivered.message.at, delivered.message.part));
    let mut ends = Vec::new();
    for Delivered { id, body, message } in line {
        ends.push((id, deal_with(relays, message, body).await));
    }
    ends
}

async fn deal_with(relays: &Relays, message: Message, body: &str) -> End {
    match relay(relays, &message).await {
        Ok(outcome) => end(relays, message, body, outcome).await,
        Err(failure) if failure.kind.is_transient() => {
            warn!(site = %message.site, error = %failure, "Left a message to the queue.");
            End::Failed
        }
        Err(failure) if failure.kind == ErrorKind::AccessDenied => {
            warn!(site = %message.site, error = %failure, "Put off a message.");
            let until = relays.means.clock.now() + NO_ACCESS;
            put_back(relays, message, body, Later { until, reason: "the credentials cannot be used", counts: true }).await
        }
        Err(failure) => bury(relays, body, &failure.to_string()).await,
    }
}

async fn relay(relays: &Relays, message: &Message) -> StoreResult<Outcome> {
    let site = &message.site;
    Ok(match relays.of(site).await? {
        Standing::Ready(relay) => relay.relay(message).await,
        Standing::CoolingDown(until, relay) => relay.wait(message, until).await,
        Standing::Unknown => {
            let until = relays.means.clock.now() + UNKNOWN_SITE;
            Outcome::Later(Later { until, reason: "the site is not known", counts: true })
        }
    })
}

async fn end(relays: &Relays, message: Message, body: &str, outcome: Outcome) -> End {
    let (site, source) = (&message.site, &message.source);
    match outcome {
        Outcome::Done(effect) => {
            info!(site = %site, source = %source, part = message.part, effect = ?effect, "Dealt with a message.");
            End::Done
        }
        Outcome::Later(later) => put_back(relays, message, body, later).await,
        Outcome::NobodyYet(later) => put_back(relays, Message { searches: message.searches + 1, ..message }, body, later).await,
        Outcome::Parked(reason) => {
            warn!(site = %site, source = %source, reason = reason.name(), "A message waits for a person.");
            bury(relays, &as_new(&message, body), &format!("parked: {}", reason.name())).await
        }
        Outcome::Poison(failure) => {
            error!(site = %site, source = %source, error = %failure, "Gave a message up.");
            bury(relays, body, &failure.to_string()).await
        }
    }
}

/// Puts a message back into the queue; one that was tried too often goes to the dead letters.
async fn put_back(relays: &Relays, mut message: Message, body: &str, later: Later) -> End {
    message.attempts += u32::from(later.counts);
    if message.attempts >= MOST_ATTEMPTS {
        return bury(relays, &as_new(&message, body), &format!("gave up after {} tries: {}", message.attempts, later.reason)).await;
    }
    let wait = Duration::try_from(later.until.duration_since(relays.means.clock.now())).unwrap_or_default();
    let grown = if later.counts { Duration::from_secs(1 << message.attempts.min(9)).min(LONGEST_GROWN) } else { Duration::ZERO };
    let delay = wait.max(grown).clamp(Duration::from_secs(1), LONGEST_DELAY);
    match relays.means.queue.put_back(&message, delay).await {
        Ok(()) => End::Later,
        Err(failure) => {
            warn!(site = %message.site, error = %failure, "Left a message to the queue.");
            End::Failed
        }
    }
}

/// A message as it came from the bus, so that whoever moves it back from the dead letters gives it all its tries again.
fn as_new(message: &Message, body: &str) -> String {
    let envelope = Envelope { detail: Message { attempts: 0, searches: 0, ..message.clone() } };
    serde_json::to_string(&envelope).unwrap_or_else(|_| body.to_owned())
}

async fn bury(relays: &Relays, body: &str, reason: &str) -> End {
    match relays.means.queue.give_up(body, reason).await {
        Ok(()) => End::Dead,
        Err(failure) => {
            error!(error = %failure, "Could not put a message among the dead letters.");
            End::Failed
        }
    }
}
