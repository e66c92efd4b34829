//! The Pipedrive company of a site: its webhook led to the gateway.

use contact_bridge::model::site::{CrmAccess, Site};
use serde_json::json;

use super::{Stack, lock, mailing::trust};
use crate::vendors::kit::plain_http;

impl Stack {
    /// Does for a site whose CRM is Pipedrive what its owner does: a webhook of all that happens to persons, and its credentials to the intake.
    pub(super) async fn connect_company(&self, site: &Site) -> anyhow::Result<()> {
        match &site.crm {
            CrmAccess::Pipedrive { .. } if !lock(&self.companies).contains(&site.site) => {}
            CrmAccess::Pipedrive { .. } | CrmAccess::Hubspot { .. } => return Ok(()),
        }
        let password = format!("password-{}", site.site);
        let hook = json!({
            "subscription_url": format!("{}/webhooks/pipedrive/{}", self.gateway_url(), site.site),
            "name": "Contact Bridge", "event_action": "*", "event_object": "person", "version": "2.0",
            "http_auth_user": "bridge", "http_auth_password": password,
        });
        let call = plain_http()?.post(format!("{}/api/v1/webhooks", self.pipedrive.base_url()));
        call.header("x-api-token", format!("token-{}", site.site)).json(&hook).send().await?.error_for_status()?;
        trust(&self.vault, "pipedrive", &format!("{}=bridge:{password}", site.site)).await;
        lock(&self.companies).insert(site.site.clone());
        let keys = lock(&self.wix_keys).clone();
        self.admit(&keys).await
    }
}
