//! How much of the time of a webhook goes into anything but its signature.

use std::{hint::black_box, sync::Arc, time::Instant};

use anyhow::Context;
use async_trait::async_trait;
use contact_bridge::{
    adapters::memory::Vault,
    config,
    model::{event::Event, message::Message},
    ports::{Clock, EventBus, MessageBus, StoreResult},
    webhook::{Intake, Request, Sender},
};
use contact_bridge_tests::samples;
use futures::FutureExt;
use http::{HeaderMap, Method};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, crypto};

use super::{median, rate};

const KEY: &str = include_str!("../../../../events/keys/wix-webhook.public.pem");
/// Events in one round.
const EVENTS: usize = 4_000;

/// The instant at which the sample was sent.
struct Then(Timestamp);

#[async_trait]
impl Clock for Then {
    fn now(&self) -> Timestamp {
        self.0
    }

    async fn sleep(&self, _: std::time::Duration) {}
}

/// Nothing is published.
struct Nowhere;

#[async_trait]
impl EventBus for Nowhere {
    async fn publish(&self, _: &[Event]) -> StoreResult<()> {
        Ok(())
    }
}

#[async_trait]
impl MessageBus for Nowhere {
    async fn publish_messages(&self, _: &[Message]) -> StoreResult<()> {
        Ok(())
    }
}

/// Prints the rate of webhook intake and of bare verification.
#[expect(clippy::print_stdout, reason = "the command's answer")]
pub(super) fn run(rounds: usize) -> anyhow::Result<()> {
    let sent = Timestamp::from_second(samples::SENT)?;
    let token = token(sent)?;
    let intake = intake(sent)?;
    let key = DecodingKey::from_rsa_pem(KEY.as_bytes())?;
    let (mut whole, mut bare, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let (own, other) = (ready_per_second(&intake, &token)?, verified_per_second(&key, &token)?);
        whole.push(own);
        bare.push(other);
        ratios.push(own / other);
    }
    println!("one Wix update of {} bytes, one core, {rounds} alternating rounds of {EVENTS}, medians", token.len());
    println!("verified, parsed, ready to publish  {:>9.0} /s", median(whole));
    println!("bare RS256 verification             {:>9.0} /s", median(bare));
    println!("ratio                               {:>9.3}", median(ratios));
    Ok(())
}

/// The whole way of a webhook up to the call of the bus.
fn ready_per_second(intake: &Intake, token: &str) -> anyhow::Result<f64> {
    let headers = HeaderMap::new();
    let begun = Instant::now();
    for _ in 0..EVENTS {
        let request = Request::new(&Method::POST, "/webhooks/wix", &headers, black_box(token).as_bytes(), intake.max_body_bytes())?;
        for event in intake.open(&Sender::Wix, &request)?.events {
            black_box((serde_json::to_string(&event)?, event.detail_type()));
        }
    }
    Ok(rate(EVENTS, begun))
}

fn verified_per_second(key: &DecodingKey, token: &str) -> anyhow::Result<f64> {
    let begun = Instant::now();
    for _ in 0..EVENTS {
        let (message, signature) = black_box(token).rsplit_once('.').context("a token has three parts")?;
        anyhow::ensure!(crypto::verify(signature, message.as_bytes(), key, Algorithm::RS256)?, "the signature holds");
    }
    Ok(rate(EVENTS, begun))
}

/// The body of the sample of a Wix update.
fn token(sent: Timestamp) -> anyhow::Result<String> {
    let samples = samples::all(sent);
    let sample = samples.iter().find(|sample| sample.path.ends_with("webhook-intake/wix-contact-updated.json"));
    let body = sample.and_then(|sample| sample.event.get("body")).and_then(serde_json::Value::as_str);
    Ok(body.context("the sample has a body")?.to_owned())
}

fn intake(sent: Timestamp) -> anyhow::Result<Intake> {
    let variables = [
        ("WIX_APP_ID", samples::APP),
        ("WIX_WEBHOOK_PUBLIC_KEYS", KEY),
        ("PUBLIC_URL", samples::PUBLIC_URL),
        ("EVENT_BUS_NAME", "contacts"),
    ];
    let settings = config::Intake::from_variables(&variables.into_iter().collect())?;
    let vault = Vault::default();
    let intake = Intake::from_settings(&settings, &vault, Arc::new(Nowhere), Arc::new(Then(sent))).now_or_never();
    Ok(intake.context("nothing is waited for")??)
}
