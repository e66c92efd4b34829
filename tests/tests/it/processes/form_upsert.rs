//! `form-upsert` between the gateway's and the queue's events, the simulated Wix and the embedded `DynamoDB`.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context;
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
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Running;

/// The function and what it works on.
struct Upsert {
    running: Running,
    site: SiteHandle,
    dead_letters: Queue,
    stack: Stack,
    _aws: Aws,
}

impl Upsert {
    async fn start() -> anyhow::Result<Self> {
        let options = Options { clock: Clock::real(), store: StoreKind::DynamoDb(Storage::Memory), ..Options::default() };
        let stack = Stack::start(options).await?;
        stack.put_secret("forms/secret", samples::FORM_SECRET);
        let forms = serde_json::from_value(samples::form_settings())?;
        let site = stack.add_site("shop", |site| site.forms = forms).await?;
        let [work, dead_letters] = ["work", "dead"].map(|name| Queue::new(name, stack.clock(), QueueOptions::default()));
        let resources = Resources { queues: vec![work, dead_letters.clone()], ..Resources::default() };
        let aws = Aws::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), resources).await?;
        let running = Running::start("form-upsert", &environment(&stack, &aws)?).await?;
        Ok(Self { running, site, dead_letters, stack, _aws: aws })
    }

    /// Hands the function a sample, made one of this site's.
    async fn play(&self, event: &Value) -> anyhow::Result<Value> {
        let event = event.to_string().replace(samples::SITE, self.site.id.as_str());
        self.running.invoke(serde_json::from_str(&event)?).await
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
        ("CONTACT_BRIDGE_SECRET_FORMS_SECRET", samples::FORM_SECRET.to_owned()),
        ("AWS_ENDPOINT_URL_SQS", aws.url()),
        ("AWS_ENDPOINT_URL_DYNAMODB", stack.dynamo().context("the stack has a table")?.endpoint()),
    ])
}

#[tokio::test]
async fn the_real_form_upsert_deals_with_every_sample() -> anyhow::Result<()> {
    let upsert = Upsert::start().await?;
    // Signatures age, so the samples in the files are signed afresh.
    let fresh = samples::all(Timestamp::now());
    for (name, _) in super::samples("form-upsert") {
        let path = format!("form-upsert/{name}.json");
        let sample = fresh.iter().find(|sample| sample.path.ends_with(&path)).with_context(|| name.clone())?;
        let answer = upsert.play(&sample.event).await?;
        let expected = match name.as_str() {
            "queued" => {
                assert_eq!(answer, json!({"batchItemFailures": []}));
                continue;
            }
            "urlencoded" => 303,
            "preflight" => 204,
            // That of "queued", which was dealt with by then.
            _ => 200,
        };
        assert_eq!(answer["statusCode"], expected, "{name}: {answer}");
    }
    let contacts = upsert.stack.wix.contacts(None)?;
    assert_eq!(contacts.len(), 1, "all samples are of one person");
    assert_eq!(contacts[0].pointer("/info/company"), Some(&json!("Works")));
    assert_eq!(upsert.dead_letters.to_json(), json!([]));
    upsert.running.assert_calm();
    Ok(())
}
