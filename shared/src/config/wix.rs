//! Settings of the app at Wix.

use url::Url;

use super::{ConfigError, SecretText, Variables};

/// The deployment's app at Wix, and how to reach it.
#[derive(Clone, Debug)]
pub struct WixApp {
    /// The Wix API. Read from `WIX_BASE_URL`; the public one if that is not set.
    pub base: Url,
    /// The id of the Wix app. Read from `WIX_APP_ID`.
    pub id: String,
    /// The secret of the Wix app. Read from `WIX_APP_SECRET`; may be `ssm:` and a parameter's name.
    pub secret: SecretText,
}

impl WixApp {
    /// Reads the settings from variables.
    pub fn from_variables(variables: &Variables) -> Result<Self, ConfigError> {
        Ok(Self {
            base: variables.url("WIX_BASE_URL", "https://www.wixapis.com")?,
            id: variables.required("WIX_APP_ID")?.to_owned(),
            secret: variables.required_secret("WIX_APP_SECRET")?,
        })
    }
}
