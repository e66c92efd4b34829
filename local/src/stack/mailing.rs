//! The mailing service of a site: its key, and its webhook led to the gateway.

use contact_bridge::{
    adapters::memory::Vault,
    model::site::{Site, subscribers::MailingAccess},
    ports::Secrets,
};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::json;

use super::{Stack, aws::MESSAGE_SECRETS, lock};
use crate::vendors::kit::plain_http;

/// What Mailchimp answers to whoever makes a webhook. It never shows the secret again.
#[derive(Deserialize)]
struct Made {
    /// Absent where webhooks are not signed; then everything from there is refused.
    signing_secret: Option<String>,
}

impl Stack {
    /// Does for a site with subscribers what its owner does: the key into the secrets, a webhook in Mailchimp, and its signing secret to the
    /// intake.
    pub(super) async fn connect_mailing(&self, site: &Site) -> anyhow::Result<()> {
        let Some(subscribers) = site.subscribers.as_ref().filter(|_| !lock(&self.mailing).contains(&site.site)) else { return Ok(()) };
        let MailingAccess::Mailchimp { secret, list } = &subscribers.service;
        let key = format!("key-{}-us6", site.site);
        self.vault.put(secret, &key);
        let all = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), true.into())).collect::<serde_json::Map<_, _>>();
        let hook = json!({
            "url": format!("{}/webhooks/mailchimp/{}", self.gateway_url(), site.site),
            "signing_enabled": true,
            "events": all(&["subscribe", "unsubscribe", "profile", "cleaned", "upemail", "campaign"]),
            "sources": all(&["user", "admin", "api"]),
        });
        let url = format!("{}/3.0/lists/{list}/webhooks", self.mailchimp.base_url());
        let answer = plain_http()?.post(url).bearer_auth(key).json(&hook).send().await?;
        // Settings that Mailchimp does not know are refused when they are saved, with the field and the rule.
        if !answer.status().is_success() {
            return Ok(());
        }
        if let Made { signing_secret: Some(secret) } = answer.json().await? {
            trust(&self.vault, "mailchimp", &format!("{}={secret}", site.site)).await;
        }
        lock(&self.mailing).insert(site.site.clone());
        let keys = lock(&self.wix_keys).clone();
        self.admit(&keys).await
    }
}

/// Adds an entry to the list of a sender's secrets.
pub(super) async fn trust(vault: &Vault, sender: &str, entry: &str) {
    let name = format!("{MESSAGE_SECRETS}{sender}");
    let known = vault.secret(&name).await.map(|list| list.expose_secret().to_owned()).unwrap_or_default();
    vault.put(name, format!("{known}{entry}\n"));
}
