//! `inbox-relay` between the queue's messages, the simulated Inbox and the embedded `DynamoDB`.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context;
use contact_bridge::model::ids::SourceId;
use contact_bridge_local::{
    cloud::{
        aws::{Aws, Resources},
        dynamo::Storage,
        queue::{Queue, QueueOptions},
    },
    stack::{Options, SiteHandle, Stack, StoreKind},
    vendors::{kit::Clock, wix},
};
use contact_bridge_tests::samples;
use serde_json::{Value, json};

use super::Running;

/// The function, what it works on, and the contact that the samples are of.
struct Relay {
    running: Running,
    site: SiteHandle,
    dead_letters: Queue,
    stack: Stack,
    _aws: Aws,
}

impl Relay {
    async fn start() -> anyhow::Result<Self> {
        let options = Options { clock: Clock::real(), store: StoreKind::DynamoDb(Storage::Memory), ..Options::default() };
        let stack = Stack::start(options).await?;
        let source = |kind: &str| serde_json::from_value(json!({"kind": kind}));
        let sources =
            [("sms", source("twilio")?), ("chat", source("intercom")?), ("bookings", source("calendly")?), ("plain", source("plain")?)];
        let inbox = sources.into_iter().map(|(name, source)| (SourceId::from(name), source)).collect();
        let site = stack.add_site("shop", |site| site.inbox = inbox).await?;
        let ada = json!({"name": {"first": "Ada"}, "emails": {"items": [{"email": "ada@example.com"}]},
            "phones": {"items": [{"phone": "202-555-0143", "countryCode": "US"}]}});
        stack.wix.seed(Some(site.id.as_str()), &[ada])?;
        let [work, dead_letters] = ["work", "dead"].map(|name| Queue::new(name, stack.clock(), QueueOptions::default()));
        let resources = Resources { queues: vec![work, dead_letters.clone()], ..Resources::default() };
        let aws = Aws::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), resources).await?;
        let running = Running::start("inbox-relay", &environment(&stack, &aws)?).await?;
        Ok(Self { running, site, dead_letters, stack, _aws: aws })
    }

    /// Hands the function a sample, made one of this site; every message of it must be done with.
    async fn play(&self, name: &str, sample: &str) -> anyhow::Result<()> {
        let event: Value = serde_json::from_str(&sample.replace(samples::SITE, self.site.id.as_str()))?;
        assert_eq!(self.running.invoke(event).await?, json!({"batchItemFailures": []}), "{name}");
        Ok(())
    }

    async fn messages(&self) -> anyhow::Result<usize> {
        let url = format!("{}/_control/conversations?site={}", self.stack.wix.base_url(), self.site.id);
        let reply: Value = reqwest::get(url).await?.json().await?;
        let conversations = reply["conversations"].as_array().context("conversations")?;
        assert!(conversations.len() < 2, "all samples are of one contact");
        Ok(conversations.iter().filter_map(|one| one["messages"].as_array()).map(Vec::len).sum())
    }
}

/// The function's environment, as the template sets it.
fn environment(stack: &Stack, aws: &Aws) -> anyhow::Result<Vec<(&'static str, String)>> {
    let wix = wix::Options::default();
    Ok(vec![
        ("TABLE_NAME", "contact-bridge".to_owned()),
        ("FINGERPRINT_SECRET", "any".to_owned()),
        ("QUEUE_URL", aws.queue_url("work")),
        ("DEAD_LETTER_URL", aws.queue_url("dead")),
        ("WIX_BASE_URL", stack.wix.base_url()),
        ("WIX_APP_ID", wix.app_id),
        ("WIX_APP_SECRET", wix.app_secret),
        ("AWS_ENDPOINT_URL_SQS", aws.url()),
        ("AWS_ENDPOINT_URL_DYNAMODB", stack.dynamo().context("the stack has a table")?.endpoint()),
    ])
}

#[tokio::test]
async fn the_real_inbox_relay_posts_every_sample_once() -> anyhow::Result<()> {
    let relay = Relay::start().await?;
    let samples = super::samples("inbox-relay");
    for _ in 0..2 {
        for (name, sample) in &samples {
            relay.play(name, sample).await?;
        }
    }
    let ids: std::collections::BTreeSet<_> = samples.iter().map(|(_, sample)| id_of(sample)).collect();
    assert_eq!(relay.messages().await?, ids.len());
    assert_eq!(relay.dead_letters.to_json(), json!([]));
    relay.running.assert_calm();
    Ok(())
}

/// What makes the message of a sample one of its own.
fn id_of(sample: &str) -> String {
    let event: Value = serde_json::from_str(sample).unwrap();
    let body: Value = serde_json::from_str(event["Records"][0]["body"].as_str().unwrap()).unwrap();
    format!("{} {}", body["detail"]["service"], body["detail"]["id"])
}
