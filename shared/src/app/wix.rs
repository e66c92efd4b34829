//! How a site's Wix is reached.

use std::sync::Arc;

use secrecy::SecretString;
use url::Url;

use crate::{
    adapters::{http::Http, wix},
    config::{self, ConfigError},
    model::site::{Site, WixAccess},
    ports::{Clock, Secrets, StoreResult},
};

/// The deployment's app at Wix.
#[derive(Clone)]
pub struct WixApp {
    /// The Wix API.
    pub base: Url,
    /// The id of the app.
    pub id: String,
    /// The secret of the app.
    pub secret: SecretString,
}

impl WixApp {
    /// Fetches the app's secret.
    ///
    /// # Errors
    /// Names the variable.
    pub async fn of(settings: config::WixApp, secrets: &dyn Secrets) -> Result<Self, ConfigError> {
        Ok(Self { base: settings.base, id: settings.id, secret: settings.secret.resolve(secrets).await? })
    }

    /// Makes the client of a site, with the credentials that its settings name. `mirror` is the key of the field that shows the
    /// counterpart's id, for whoever makes and follows counterparts.
    pub(super) async fn client(
        &self,
        site: &Site,
        mirror: Option<String>,
        secrets: &Arc<dyn Secrets>,
        (http, clock): (Http, Arc<dyn Clock>),
    ) -> StoreResult<wix::Client> {
        let credentials = match &site.wix {
            WixAccess::App => wix::Credentials::App { app_id: self.id.clone(), secret: self.secret.clone(), instance: site.site.clone() },
            WixAccess::ApiKey { secret, site_id } => {
                let key = secrets.secret(secret).await?;
                wix::Credentials::ApiKey { secret: secret.clone(), key, site_id: site_id.clone() }
            }
        };
        let settings =
            wix::Settings { base: self.base.clone(), credentials, mirror_field: mirror, default_country: site.default_country.clone() };
        Ok(wix::Client::new(settings, clock, http).renewing_from(secrets.clone()))
    }
}
