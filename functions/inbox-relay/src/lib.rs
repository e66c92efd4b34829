//! The inbox relay: fed by the bus through a queue, posts messages and activities of other services into the Wix Inbox.
//!
//! How a message ends: `flows::queue`.

use std::collections::BTreeMap;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use contact_bridge::{
    app::inbox::{Relays, Standing},
    flows::{
        inbox::{Outcome, PATIENCE},
        queue::{Desk, End, Later, tally},
    },
    model::{contact::MatchKey, ids::SiteId, message::Message},
    ports::StoreResult,
};
use futures::future::join_all;
use lambda_runtime::Error;
use serde::Deserialize;
use tracing::{error, info, warn};

/// What the bus delivers: our message in its envelope.
#[derive(Deserialize)]
struct Envelope {
    detail: Message,
}

/// A message as the queue delivered it, and as it was read.
struct Delivered<'a> {
    id: Option<&'a str>,
    message: Message,
}

/// Deals with a batch: the messages of one sender one after the other, in the order they were written; those of different senders beside each
/// other. A message named as failed is delivered again by the queue; all others are done with.
///
/// # Errors
/// None: every message has its own end.
pub async fn handle(relays: &Relays, batch: SqsEvent) -> Result<SqsBatchResponse, Error> {
    let desk = desk(relays);
    let mut lines = BTreeMap::<(SiteId, Option<MatchKey>), Vec<Delivered<'_>>>::new();
    let mut unreadable = Vec::new();
    for sent in &batch.records {
        let (id, body) = (sent.message_id.as_deref(), sent.body.as_deref().unwrap_or_default());
        match serde_json::from_str::<Envelope>(body).map(|envelope| envelope.detail) {
            Ok(message) => {
                let line = (message.site.clone(), message.who.keys(None).into_iter().next());
                lines.entry(line).or_default().push(Delivered { id, message });
            }
            Err(why) => unreadable.push((id, body, why)),
        }
    }
    let worked_off = join_all(lines.into_values().map(|line| work_off(relays, line))).await.into_iter().flatten();
    let given_up = join_all(unreadable.into_iter().map(async |(id, body, why)| (id, desk.give_up_unreadable(body, &why).await))).await;
    let mut response = SqsBatchResponse::default();
    for failed in tally(worked_off.chain(given_up)) {
        response.add_failure(failed);
    }
    Ok(response)
}

fn desk(relays: &Relays) -> Desk<'_, Message> {
    Desk { queue: relays.means.queue.as_ref(), clock: relays.means.clock.as_ref(), patience: PATIENCE }
}

/// Deals with the messages of one sender. One that has to wait keeps those behind it waiting: they find it in their line.
async fn work_off<'a>(relays: &Relays, mut line: Vec<Delivered<'a>>) -> Vec<(Option<&'a str>, End)> {
    line.sort_by_key(|delivered| delivered.message.turn());
    let mut ends = Vec::new();
    for Delivered { id, message } in line {
        ends.push((id, deal_with(relays, message).await));
    }
    ends
}

async fn deal_with(relays: &Relays, message: Message) -> End {
    let desk = desk(relays);
    match relay(relays, &message).await {
        Ok(outcome) => end(&desk, message, outcome).await,
        Err(failure) => desk.failed(message, failure).await,
    }
}

async fn relay(relays: &Relays, message: &Message) -> StoreResult<Outcome> {
    let site = &message.site;
    Ok(match relays.of(site).await? {
        Standing::Ready(relay) => relay.relay(message).await,
        Standing::CoolingDown(until, relay) => relay.wait(message, until).await,
        Standing::Unknown => Outcome::Later(Later::unknown_site(relays.means.clock.now())),
    })
}

async fn end(desk: &Desk<'_, Message>, message: Message, outcome: Outcome) -> End {
    let (site, source) = (&message.site, &message.source);
    match outcome {
        Outcome::Done(effect) => {
            info!(site = %site, source = %source, part = message.part, effect = ?effect, "Dealt with a message.");
            End::Done
        }
        Outcome::Later(later) => desk.put_back(message, later).await,
        Outcome::NotYet(later) => desk.put_back(Message { searches: message.searches + 1, ..message }, later).await,
        Outcome::Parked(reason) => {
            warn!(site = %site, source = %source, reason = reason.name(), "A message waits for a person.");
            desk.give_up(message, &format!("parked: {}", reason.name())).await
        }
        Outcome::Poison(failure) => {
            error!(site = %site, source = %source, error = %failure, "Gave a message up.");
            desk.give_up(message, &failure.to_string()).await
        }
    }
}
