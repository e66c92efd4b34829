//! `form-upsert` between the gateway's and the queue's events, the simulated Wix and the embedded `DynamoDB`.

use anyhow::Context;
use contact_bridge_local::stack::SiteHandle;
use contact_bridge_tests::samples;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Ground, Running};

/// The function and what it works on.
struct Upsert {
    running: Running,
    site: SiteHandle,
    ground: Ground,
}

impl Upsert {
    async fn start() -> anyhow::Result<Self> {
        let ground = Ground::lay().await?;
        ground.stack.put_secret("forms/secret", samples::FORM_SECRET);
        let forms = serde_json::from_value(samples::form_settings())?;
        let site = ground.stack.add_site("shop", |site| site.forms = forms).await?;
        let own = [("CONTACT_BRIDGE_SECRET_FORMS_SECRET", samples::FORM_SECRET.to_owned())];
        let running = ground.run("form-upsert", own).await?;
        Ok(Self { running, site, ground })
    }

    /// Hands the function a sample, made one of this site's.
    async fn play(&self, event: &Value) -> anyhow::Result<Value> {
        let event = event.to_string().replace(samples::SITE, self.site.id.as_str());
        self.running.invoke(serde_json::from_str(&event)?).await
    }
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
    let contacts = upsert.ground.stack.wix.contacts(None)?;
    assert_eq!(contacts.len(), 1, "all samples are of one person");
    assert_eq!(contacts[0].pointer("/info/company"), Some(&json!("Works")));
    upsert.running.assert_calm();
    upsert.ground.assert_calm("form-upsert")
}
