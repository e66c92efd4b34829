//! `webhook-intake` between a gateway's events and the bus.

use std::net::{Ipv4Addr, SocketAddr};

use contact_bridge::webhook::services;
use contact_bridge_local::{
    cloud::{
        aws::{Aws, Resources},
        bus::{Bus, BusOptions, Pattern, Rule},
        queue::{Queue, QueueOptions},
    },
    vendors::kit::Clock,
};
use contact_bridge_tests::samples;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Running, assert_allowed};

const BUS: &str = "contacts";

/// A bus whose events all end in one queue, and the intake in front of it.
struct Intake {
    running: Running,
    events: Queue,
    aws: Aws,
}

impl Intake {
    async fn start() -> anyhow::Result<Self> {
        let clock = Clock::real();
        let events = Queue::new("events", &clock, QueueOptions::default());
        let bus = Bus::new(BUS, &clock, BusOptions::default());
        bus.add_rule(Rule { pattern: Pattern::default(), target: events.clone() });
        let secret = format!("*={}", samples::messages::SECRET);
        let by_secret = services().into_iter().chain(["mailchimp"]).map(|service| (service, secret.clone()));
        let by_password = [("pipedrive", format!("*=bridge:{}", samples::messages::SECRET))];
        let parameters = by_secret.chain(by_password).map(|(service, secret)| (format!("/messages/{service}"), secret)).collect();
        let resources = Resources { buses: vec![bus], parameters, ..Resources::default() };
        let aws = Aws::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), resources).await?;
        let env = [
            ("WIX_APP_ID", samples::APP.to_owned()),
            ("WIX_WEBHOOK_PUBLIC_KEYS", include_str!("../../../../events/keys/wix-webhook.public.pem").to_owned()),
            ("HUBSPOT_CLIENT_SECRETS", include_str!("../../../../events/keys/hubspot-client-secret.txt").to_owned()),
            ("MESSAGE_SECRET_PREFIX", "/messages/".to_owned()),
            ("PUBLIC_URL", samples::PUBLIC_URL.to_owned()),
            ("EVENT_BUS_NAME", BUS.to_owned()),
            ("AWS_ENDPOINT_URL_EVENTBRIDGE", aws.url()),
            ("AWS_ENDPOINT_URL_SSM", aws.url()),
        ];
        Ok(Self { running: Running::start("webhook-intake", &env).await?, events, aws })
    }

    /// Invokes the function; its answer's status, and the events the bus got meanwhile.
    async fn take_in(&self, event: &Value) -> anyhow::Result<(Value, Vec<Value>)> {
        let answer = self.running.invoke(event.clone()).await?;
        let bodies = self.events.messages().into_iter().map(|message| serde_json::from_str(&message.body));
        let envelopes = bodies.collect::<Result<Vec<Value>, _>>()?;
        self.events.purge();
        Ok((answer["statusCode"].clone(), envelopes.into_iter().map(|mut envelope| envelope["detail"].take()).collect()))
    }
}

/// What the sample of the function behind the bus with the same name carries; nothing if there is no such sample.
fn expected(fresh: &[samples::Sample], name: &str) -> Vec<Value> {
    let paths = ["contact-sync", "inbox-relay", "scheduled-export"].map(|function| format!("{function}/{name}.json"));
    let sample = fresh.iter().find(|sample| paths.iter().any(|path| sample.path.ends_with(path)));
    let records = sample.and_then(|sample| sample.event["Records"].as_array());
    let envelope = |record: &Value| serde_json::from_str::<Value>(record["body"].as_str().unwrap()).unwrap();
    records.into_iter().flatten().map(|record| envelope(record)["detail"].clone()).collect()
}

/// Returns an event as its sender told it: Twilio and Mailchimp do not say when, so what they send is of when it comes in.
fn told(mut event: Value) -> Value {
    if event["service"] == "twilio" || (event["kind"] == "subscription_changed" && event["side"] == "external") {
        event["at"].take();
    }
    event
}

#[tokio::test]
async fn the_real_intake_publishes_every_sample() -> anyhow::Result<()> {
    let intake = Intake::start().await?;
    // Signatures age, so the samples in the files are signed afresh.
    let fresh = samples::all(Timestamp::now());
    for (name, _) in super::samples("webhook-intake") {
        let path = format!("webhook-intake/{name}.json");
        let sample = fresh.iter().find(|sample| sample.path.ends_with(&path)).unwrap();
        let (status, events) = intake.take_in(&sample.event).await?;
        let [events, expected] = [events, expected(&fresh, &name)].map(|events| events.into_iter().map(told).collect::<Vec<_>>());
        assert_eq!((status, events), (json!(200), expected), "{name}");
    }
    let mut forged = fresh[0].event.clone();
    forged["body"] = json!(forged["body"].as_str().unwrap().replacen('.', ".e", 1));
    assert_eq!(intake.take_in(&forged).await?, (json!(401), Vec::new()));
    intake.running.assert_calm();
    assert_allowed("webhook-intake", intake.aws.calls().into_keys());
    Ok(())
}
