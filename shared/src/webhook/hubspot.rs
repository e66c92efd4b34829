//! Webhooks of HubSpot: a JSON array, signed together with the URL it was sent to.
//!
//! <https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation>

mod batch;
mod signature;
#[cfg(test)]
mod tests;

use std::fmt;

use jiff::Timestamp;

use super::{Request, SetUpError, Verified, WebhookError};
use crate::{config, model::ids::SiteId, ports::Secrets};
pub use batch::Batch;
use signature::{ClientSecrets, Signature};

/// Vouches for webhooks of HubSpot: version 3 of its signature, nothing older.
pub struct HubspotVerifier {
    public_url: String,
    secrets: ClientSecrets,
}

impl HubspotVerifier {
    /// Makes a verifier for requests sent to `public_url` as HubSpot knows it (scheme, host, base path). `secrets` are comma separated:
    /// a client secret, or `site=secret` for a site that has a HubSpot app of its own; several of either while one is rotated.
    pub fn new(public_url: &str, secrets: &str) -> Result<Self, SetUpError> {
        Ok(Self { public_url: public_url.trim_end_matches('/').to_owned(), secrets: ClientSecrets::parse(secrets)? })
    }

    /// Makes a verifier from settings, fetching the secrets if they are kept elsewhere. Without secrets it refuses everything.
    pub async fn from_settings(settings: &config::HubspotWebhooks, secrets: &dyn Secrets) -> Result<Self, SetUpError> {
        let text = match &settings.client_secrets {
            Some(reference) => reference.resolve(secrets).await?,
            None => secrecy::SecretString::default(),
        };
        Self::new(&settings.public_url, secrecy::ExposeSecret::expose_secret(&text))
    }

    /// Verifies a request sent for `site`; the payload is not parsed before its signature holds.
    pub fn verify(&self, request: &Request<'_>, site: &SiteId, now: Timestamp) -> Result<Verified<Batch>, WebhookError> {
        let signature = Signature::of(request.headers)?;
        signature.check_time(now)?;
        signature.check(self.secrets.of(site), &self.public_url, request)?;
        Ok(Verified { payload: Batch::new(site.clone(), request.body.to_vec()), received: now })
    }
}

impl fmt::Debug for HubspotVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubspotVerifier").field("public_url", &self.public_url).finish_non_exhaustive()
    }
}
