//! The mailing service of a site: its key, and its webhook led to the gateway.

use contact_bridge::{
    adapters::memory::Vault,
    model::site::{Site, subscribers::MailingAccess},
    ports::Secrets,
};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::json;

use super::{SiteHandle, Stack, aws::MESSAGE_SECRETS, lock};

/// What Mailchimp answers to whoever makes a webhook. It never shows the secret again.
#[derive(Deserialize)]
struct Made {
    /// Absent where webhooks are not signed; then everything from there is refused.
    signing_secret: Option<String>,
}

impl Stack {
    /// Does for a site with subscribers what its owner does: the key into the secrets, a webhook in Mailchimp, and its signing secret to the
    /// intake.
    pub(super) async fn connect_mailing(&self, handle: &SiteHandle, site: &Site) -> anyhow::Result<()> {
        let Some(subscribers) = &site.subscribers else { return Ok(()) };
        let MailingAccess::Mailchimp { secret, list } = &subscribers.service;
        let key = format!("key-{}-us6", handle.id);
        self.vault.put(secret, &key);
        let all = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), true.into())).collect::<serde_json::Map<_, _>>();
        let hook = json!({
            "url": format!("{}/webhooks/mailchimp/{}", self.gateway_url(), handle.id),
            "signing_enabled": true,
            "events": all(&["subscribe", "unsubscribe", "profile", "cleaned", "upemail", "campaign"]),
            "sources": all(&["user", "admin", "api"]),
        });
        let url = format!("{}/3.0/lists/{list}/webhooks", self.mailchimp.base_url());
        let answer = reqwest::Client::new().post(url).bearer_auth(key).json(&hook).send().await?;
        let status = answer.status();
        anyhow::ensure!(status.is_success(), "subscribers: Mailchimp refuses the webhook with {status}: {}", answer.text().await?);
        if let Made { signing_secret: Some(secret) } = answer.json().await? {
            trust(&self.vault, &format!("{}={secret}", handle.id)).await;
        }
        let keys = lock(&self.wix_keys).clone();
        self.admit(&keys).await
    }
}

/// Adds an entry to the list of Mailchimp's secrets.
async fn trust(vault: &Vault, entry: &str) {
    let name = format!("{MESSAGE_SECRETS}mailchimp");
    let known = vault.secret(&name).await.map(|list| list.expose_secret().to_owned()).unwrap_or_default();
    vault.put(name, format!("{known}{entry}\n"));
}
