//! How much of the time of a webhook goes into anything but its signature.

use std::{hint::black_box, sync::Arc, time::Instant};

use anyhow::Context;
use async_trait::async_trait;
use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
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
/// Events in one round: few, so that what else the machine does is the same for all that a round compares.
const EVENTS: usize = 200;

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
    let (intake, keys) = (intake(sent)?, Keys::new()?);
    let mut rates: [Vec<f64>; 3] = Default::default();
    let mut ratios: [Vec<f64>; 2] = Default::default();
    for _ in 0..rounds {
        let round = [ready_per_second(&intake, &token)?, keys.bare_per_second(&token)?, keys.library_per_second(&token)?];
        let [own, bare, library] = round;
        rates.iter_mut().zip(round).for_each(|(all, one)| all.push(one));
        ratios.iter_mut().zip([own / bare, own / library]).for_each(|(all, one)| all.push(one));
    }
    let ([own, bare, library], [to_bare, to_library]) = (rates.map(median), ratios.map(median));
    println!("one Wix update of {} bytes, one core, {rounds} rounds of {EVENTS} each in turn, medians", token.len());
    println!("verified, parsed, ready to publish         {own:>9.0} /s");
    println!("bare RS256 verification, key parsed once   {bare:>9.0} /s   ratio {to_bare:.3}");
    println!("the same, key parsed for each token        {library:>9.0} /s   ratio {to_library:.3}");
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

/// The key of the sample, in the two forms in which it is verified with.
struct Keys {
    parsed: ParsedPublicKey,
    library: DecodingKey,
}

impl Keys {
    fn new() -> anyhow::Result<Self> {
        let library = DecodingKey::from_rsa_pem(KEY.as_bytes())?;
        let parsed = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, library.try_get_as_bytes()?)?;
        Ok(Self { parsed, library })
    }

    /// The least that verifying takes.
    fn bare_per_second(&self, token: &str) -> anyhow::Result<f64> {
        let (message, signature) = token.rsplit_once('.').context("a token has three parts")?;
        let signature = URL_SAFE_NO_PAD.decode(signature)?;
        let begun = Instant::now();
        for _ in 0..EVENTS {
            self.parsed.verify_sig(black_box(message).as_bytes(), &signature)?;
        }
        Ok(rate(EVENTS, begun))
    }

    /// Verifying as `jsonwebtoken` does it, from the text of the token.
    fn library_per_second(&self, token: &str) -> anyhow::Result<f64> {
        let begun = Instant::now();
        for _ in 0..EVENTS {
            let (message, signature) = black_box(token).rsplit_once('.').context("a token has three parts")?;
            anyhow::ensure!(crypto::verify(signature, message.as_bytes(), &self.library, Algorithm::RS256)?, "the signature holds");
        }
        Ok(rate(EVENTS, begun))
    }
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
