//! `scheduled-export` between the timer, its queue, both simulated vendors and the embedded `DynamoDB`.

use anyhow::Context;
use contact_bridge::adapters::secrets::Environment;
use contact_bridge_local::{stack::SiteHandle, vendors::hubspot};
use contact_bridge_tests::samples;
use serde_json::{Value, json};

use super::Ground;

fn sample(name: &str, site: &SiteHandle) -> anyhow::Result<Value> {
    let samples = super::samples("scheduled-export");
    let (_, text) = samples.iter().find(|(own, _)| own == name).with_context(|| name.to_owned())?;
    Ok(serde_json::from_str(&text.replace(samples::SITE, site.id.as_str()))?)
}

#[tokio::test]
async fn the_real_scheduled_export_deals_with_every_sample() -> anyhow::Result<()> {
    let ground = Ground::lay().await?;
    let stack = &ground.stack;
    let site = stack.add_site("shop", |site| site.export.enabled = true).await?;
    let people = stack.client(&site);
    people.wix_create(json!({"name": {"first": "Ada"}, "emails": {"items": [{"email": "ada@example.com"}]}})).await?;
    let secret: &'static str = Environment::variable(&format!("hubspot/{}", site.id)).leak();
    let own = [
        ("EVENT_BUS_NAME", "contact-bridge".to_owned()),
        ("HUBSPOT_BASE_URL", stack.hubspot.base_url()),
        ("HUBSPOT_APP_ID", hubspot::Options::default().app_id.to_string()),
        ("AWS_ENDPOINT_URL_EVENTBRIDGE", ground.aws.url()),
        (secret, format!("pat-{}", site.portal)),
    ];
    let running = ground.run("scheduled-export", own).await?;
    let done = json!({"batchItemFailures": []});
    assert_eq!(running.invoke(sample("timer", &site)?).await?, done);
    assert_eq!(ground.aws.calls().get("AWSEvents.PutEvents"), Some(&1), "what is due is requested");
    assert_eq!(running.invoke(sample("export-requested", &site)?).await?, done);
    let made = stack.hubspot.contacts(Some(site.id.as_str())).map_err(|refusal| anyhow::anyhow!(refusal.0))?;
    assert_eq!(made["contacts"][0]["properties"]["email"], "ada@example.com");
    assert_eq!(stack.links(&site.id).await.len(), 1);
    for (name, _) in super::samples("scheduled-export") {
        assert_eq!(running.invoke(sample(&name, &site)?).await?, done, "{name}");
    }
    running.assert_calm();
    ground.assert_calm("scheduled-export")
}
