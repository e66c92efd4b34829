//! `scheduled-export` between the timer, its queue, both simulated vendors and the embedded `DynamoDB`.

use anyhow::Context;
use contact_bridge::adapters::secrets::Environment;
use contact_bridge_local::{
    cloud::dynamo::Storage,
    stack::{Options, SiteHandle, Stack, StoreKind},
    vendors::{hubspot, kit::Clock, wix},
};
use contact_bridge_tests::samples;
use serde_json::{Value, json};

use super::Running;

/// The function's environment, as the template sets it.
fn environment(stack: &Stack, site: &SiteHandle) -> anyhow::Result<Vec<(&'static str, String)>> {
    let (wix, hubspot) = (wix::Options::default(), hubspot::Options::default());
    let secret: &'static str = Environment::variable(&format!("hubspot/{}", site.id)).leak();
    Ok(vec![
        ("TABLE_NAME", "contact-bridge".to_owned()),
        ("EVENT_BUS_NAME", "contact-bridge".to_owned()),
        ("FINGERPRINT_SECRET", "any".to_owned()),
        ("QUEUE_URL", stack.aws_queue_url("scheduled-export")),
        ("DEAD_LETTER_URL", stack.aws_queue_url("scheduled-export-dead-letters")),
        ("WIX_BASE_URL", stack.wix.base_url()),
        ("WIX_APP_ID", wix.app_id),
        ("WIX_APP_SECRET", wix.app_secret),
        ("HUBSPOT_BASE_URL", stack.hubspot.base_url()),
        ("HUBSPOT_APP_ID", hubspot.app_id.to_string()),
        (secret, format!("pat-{}", site.portal)),
        ("AWS_ENDPOINT_URL_SQS", stack.aws_url()),
        ("AWS_ENDPOINT_URL_EVENTBRIDGE", stack.aws_url()),
        ("AWS_ENDPOINT_URL_DYNAMODB", stack.dynamo().context("the stack has a table")?.endpoint()),
    ])
}

fn sample(name: &str, site: &SiteHandle) -> anyhow::Result<Value> {
    let samples = super::samples("scheduled-export");
    let (_, text) = samples.iter().find(|(own, _)| own == name).with_context(|| name.to_owned())?;
    Ok(serde_json::from_str(&text.replace(samples::SITE, site.id.as_str()))?)
}

#[tokio::test]
async fn the_real_scheduled_export_deals_with_every_sample() -> anyhow::Result<()> {
    let options = Options { clock: Clock::real(), store: StoreKind::DynamoDb(Storage::Memory), ..Options::default() };
    let stack = Stack::start(options).await?;
    let site = stack.add_site("shop", |site| site.export.enabled = true).await?;
    let people = stack.client(&site);
    people.wix_create(json!({"name": {"first": "Ada"}, "emails": {"items": [{"email": "ada@example.com"}]}})).await?;
    let running = Running::start("scheduled-export", &environment(&stack, &site)?).await?;
    let done = json!({"batchItemFailures": []});
    assert_eq!(running.invoke(sample("timer", &site)?).await?, done);
    assert_eq!(stack.export_queue().counts().visible, 2, "an export and an audit are requested");
    assert_eq!(running.invoke(sample("export-requested", &site)?).await?, done);
    let made = stack.hubspot.contacts(Some(site.id.as_str())).map_err(|refusal| anyhow::anyhow!(refusal.0))?;
    assert_eq!(made["contacts"][0]["properties"]["email"], "ada@example.com");
    assert_eq!(stack.links(&site.id).await.len(), 1);
    for (name, _) in super::samples("scheduled-export") {
        assert_eq!(running.invoke(sample(&name, &site)?).await?, done, "{name}");
    }
    running.assert_calm();
    Ok(())
}
