//! `contact-sync` between the queue's events, both simulated vendors and the embedded `DynamoDB`.

use anyhow::Context;
use contact_bridge::adapters::secrets::Environment;
use contact_bridge_local::{
    stack::{People, SiteHandle},
    vendors::hubspot,
};
use contact_bridge_tests::samples;
use serde_json::{Value, json};

use super::{Ground, Running};

/// The contacts the samples are of.
const WIX_CONTACT: &str = "4b0133d5-7903-4411-bcc0-1817d1394028";
const HUBSPOT_CONTACT: &str = "106500991877";

/// The function, what it works on, and the contacts that stand for those of the samples.
struct Sync {
    running: Running,
    people: People,
    site: SiteHandle,
    wix_contact: String,
    hubspot_contact: String,
    ground: Ground,
}

impl Sync {
    async fn start() -> anyhow::Result<Self> {
        let ground = Ground::lay().await?;
        let stack = &ground.stack;
        let site = stack.add_site("shop", |site| site.default_country = Some("US".to_owned())).await?;
        let secret: &'static str = Environment::variable(&format!("hubspot/{}", site.id)).leak();
        let own = [
            ("HUBSPOT_BASE_URL", stack.hubspot.base_url()),
            ("HUBSPOT_APP_ID", hubspot::Options::default().app_id.to_string()),
            (secret, format!("pat-{}", site.portal)),
        ];
        let running = ground.run("contact-sync", own).await?;
        let people = stack.client(&site);
        let (wix_contact, hubspot_contact) = (people.wix_create(ada("Byron")).await?, people.hub_create(grace("Murray")).await?);
        Ok(Self { running, people, site, wix_contact, hubspot_contact, ground })
    }

    /// Hands the function a sample, made one of these contacts; every message of it must be done with.
    async fn play(&self, name: &str, sample: &str) -> anyhow::Result<()> {
        let own = [(samples::SITE, self.site.id.as_str()), (WIX_CONTACT, &self.wix_contact), (HUBSPOT_CONTACT, &self.hubspot_contact)];
        let event = own.into_iter().fold(sample.to_owned(), |text, (sample, own)| text.replace(sample, own));
        let event = self.as_of_now(event).await?;
        let answer = self.running.invoke(serde_json::from_str(&event)?).await?;
        assert_eq!(answer, json!({"batchItemFailures": []}), "{name}");
        Ok(())
    }

    /// Gives an enclosed Wix contact the revision it has: an older one would be old news.
    async fn as_of_now(&self, event: String) -> anyhow::Result<String> {
        let Some(contact) = self.people.wix_get(&self.wix_contact).await? else { return Ok(event) };
        let now = format!(r#"\"revision\":{}"#, contact["revision"]);
        let samples = [1, 2, 3].map(|revision| format!(r#"\"revision\":{revision},"#));
        Ok(samples.iter().find(|sample| event.contains(*sample)).map_or(event.clone(), |sample| event.replace(sample, &format!("{now},"))))
    }

    /// The `HubSpot` contact that was made for the Wix contact.
    async fn made_in_hubspot(&self) -> anyhow::Result<Value> {
        let all = self.people.hub(reqwest::Method::GET, "/_control/contacts", None).await?.unwrap_or_default();
        let made = all["contacts"].as_array().into_iter().flatten().find(|contact| contact["properties"]["email"] == "ada@example.com");
        made.cloned().context("no counterpart")
    }

    /// The Wix contact that was made for the `HubSpot` contact.
    fn made_in_wix(&self) -> anyhow::Result<Value> {
        let all = self.ground.stack.wix.contacts(None)?;
        let email = |contact: &Value| contact.pointer("/info/emails/items/0/email") == Some(&json!("grace@example.com"));
        all.into_iter().find(email).context("no counterpart")
    }
}

fn ada(last_name: &str) -> Value {
    json!({"name": {"first": "Ada", "last": last_name}, "emails": {"items": [{"tag": "MAIN", "email": "ada@example.com"}]}})
}

fn grace(last_name: &str) -> Value {
    json!({"firstname": "Grace", "lastname": last_name, "email": "grace@example.com"})
}

#[tokio::test]
async fn the_real_contact_sync_deals_with_every_sample() -> anyhow::Result<()> {
    let sync = Sync::start().await?;
    let samples = super::samples("contact-sync");
    let play = async |name: &str| {
        let (_, sample) = samples.iter().find(|(own, _)| own == name).with_context(|| name.to_owned())?;
        sync.play(name, sample).await
    };
    play("wix-contact-created").await?;
    assert_eq!(sync.made_in_hubspot().await?["properties"]["lastname"], "Byron");
    sync.people.wix_update(&sync.wix_contact, ada("Lovelace")).await?;
    play("wix-contact-updated").await?;
    assert_eq!(sync.made_in_hubspot().await?["properties"]["lastname"], "Lovelace");
    play("hubspot-creation").await?;
    assert_eq!(sync.made_in_wix()?["info"]["name"]["last"], "Murray");
    sync.people.hub_update(&sync.hubspot_contact, grace("Hopper")).await?;
    play("hubspot-property-change").await?;
    assert_eq!(sync.made_in_wix()?["info"]["name"]["last"], "Hopper");
    // All of them, again where they were played before; the app is removed last, for nothing happens after that.
    let last = "wix-app-removed";
    for (name, sample) in samples.iter().filter(|(name, _)| name != last) {
        sync.play(name, sample).await?;
    }
    play(last).await?;
    sync.running.assert_calm();
    sync.ground.assert_calm("contact-sync")
}
