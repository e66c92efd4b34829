//! `inbox-relay` between the queue's messages, the simulated Inbox and the embedded `DynamoDB`.

use anyhow::Context;
use contact_bridge::model::ids::SourceId;
use contact_bridge_local::stack::SiteHandle;
use contact_bridge_tests::samples;
use serde_json::{Value, json};

use super::{Ground, Running};

/// The function, what it works on, and the contact that the samples are of.
struct Relay {
    running: Running,
    site: SiteHandle,
    ground: Ground,
}

impl Relay {
    async fn start() -> anyhow::Result<Self> {
        let ground = Ground::lay().await?;
        let source = |kind: &str| serde_json::from_value(json!({"kind": kind}));
        let sources =
            [("sms", source("twilio")?), ("chat", source("intercom")?), ("bookings", source("calendly")?), ("plain", source("plain")?)];
        let inbox = sources.into_iter().map(|(name, source)| (SourceId::from(name), source)).collect();
        let site = ground.stack.add_site("shop", |site| site.inbox = inbox).await?;
        let ada = json!({"name": {"first": "Ada"}, "emails": {"items": [{"email": "ada@example.com"}]},
            "phones": {"items": [{"phone": "202-555-0143", "countryCode": "US"}]}});
        ground.stack.wix.seed(Some(site.id.as_str()), &[ada])?;
        let running = ground.run("inbox-relay", []).await?;
        Ok(Self { running, site, ground })
    }

    /// Hands the function a sample, made one of this site; every message of it must be done with.
    async fn play(&self, name: &str, sample: &str) -> anyhow::Result<()> {
        let event: Value = serde_json::from_str(&sample.replace(samples::SITE, self.site.id.as_str()))?;
        assert_eq!(self.running.invoke(event).await?, json!({"batchItemFailures": []}), "{name}");
        Ok(())
    }

    async fn messages(&self) -> anyhow::Result<usize> {
        let url = format!("{}/_control/conversations?site={}", self.ground.stack.wix.base_url(), self.site.id);
        let reply: Value = reqwest::get(url).await?.json().await?;
        let conversations = reply["conversations"].as_array().context("conversations")?;
        assert!(conversations.len() < 2, "all samples are of one contact");
        Ok(conversations.iter().filter_map(|one| one["messages"].as_array()).map(Vec::len).sum())
    }
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
    relay.running.assert_calm();
    relay.ground.assert_calm("inbox-relay")
}

/// What makes the message of a sample one of its own.
fn id_of(sample: &str) -> String {
    let event: Value = serde_json::from_str(sample).unwrap();
    let body: Value = serde_json::from_str(event["Records"][0]["body"].as_str().unwrap()).unwrap();
    format!("{} {}", body["detail"]["service"], body["detail"]["id"])
}
