//! Settings of contact sync.

use url::Url;

use super::{ConfigError, SecretText, Variables, WixApp};

/// What contact sync needs to know.
#[derive(Clone, Debug)]
pub struct Sync {
    /// The table. Read from `TABLE_NAME`.
    pub table: String,
    /// The secret all fingerprint keys are derived from. Read from `FINGERPRINT_SECRET`; may be `ssm:` and a parameter's name.
    pub fingerprint_secret: SecretText,
    /// The queue the function is fed from, where events are put back. Read from `QUEUE_URL`.
    pub queue_url: String,
    /// The queue of dead letters. Read from `DEAD_LETTER_URL`.
    pub dead_letter_url: String,
    /// What stands before the names of the sites' secrets in Parameter Store. Read from `SECRET_PREFIX`; without it secrets are read
    /// from the environment.
    pub secret_prefix: Option<String>,
    /// How to reach the vendors.
    pub vendors: Vendors,
}

/// How to reach the vendors.
#[derive(Clone, Debug)]
pub struct Vendors {
    /// The app at Wix.
    pub wix: WixApp,
    /// The HubSpot API. Read from `HUBSPOT_BASE_URL`; the public one if that is not set.
    pub hubspot_base: Url,
    /// The dated version of HubSpot's CRM API. Read from `HUBSPOT_API_VERSION`; `2026-09` if that is not set.
    pub hubspot_version: String,
    /// The id of the HubSpot app, to tell its own writes in a property's history. Read from `HUBSPOT_APP_ID`.
    pub hubspot_app_id: Option<String>,
}

impl Sync {
    /// Reads the settings from the process's environment.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_variables(&Variables::of_process())
    }

    /// Reads the settings from variables.
    pub fn from_variables(variables: &Variables) -> Result<Self, ConfigError> {
        Ok(Self {
            table: variables.required("TABLE_NAME")?.to_owned(),
            fingerprint_secret: variables.required_secret("FINGERPRINT_SECRET")?,
            queue_url: variables.required("QUEUE_URL")?.to_owned(),
            dead_letter_url: variables.required("DEAD_LETTER_URL")?.to_owned(),
            secret_prefix: variables.optional("SECRET_PREFIX").map(str::to_owned),
            vendors: Vendors::from_variables(variables)?,
        })
    }
}

impl Vendors {
    /// Reads the settings from variables.
    pub fn from_variables(variables: &Variables) -> Result<Self, ConfigError> {
        Ok(Self {
            wix: WixApp::from_variables(variables)?,
            hubspot_base: variables.url("HUBSPOT_BASE_URL", "https://api.hubapi.com")?,
            hubspot_version: variables.optional("HUBSPOT_API_VERSION").unwrap_or("2026-09").to_owned(),
            hubspot_app_id: variables.optional("HUBSPOT_APP_ID").map(str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: [(&str, &str); 6] = [
        ("TABLE_NAME", "contacts"),
        ("FINGERPRINT_SECRET", "ssm:/bridge/fingerprints"),
        ("QUEUE_URL", "https://sqs.example.com/1/queue"),
        ("DEAD_LETTER_URL", "https://sqs.example.com/1/dead"),
        ("WIX_APP_ID", "app"),
        ("WIX_APP_SECRET", "ssm:/bridge/wix"),
    ];

    fn read(changes: &[(&'static str, &'static str)]) -> Result<Sync, ConfigError> {
        Sync::from_variables(&VALID.iter().chain(changes).copied().collect())
    }

    #[test]
    fn the_vendors_are_the_public_ones_unless_told() {
        let settings = read(&[]).unwrap();
        assert_eq!(settings.vendors.wix.base.as_str(), "https://www.wixapis.com/");
        assert_eq!(settings.vendors.hubspot_version, "2026-09");
        assert_eq!(read(&[("WIX_BASE_URL", "http://127.0.0.1:1/")]).unwrap().vendors.wix.base.as_str(), "http://127.0.0.1:1/");
    }

    #[test]
    fn what_is_missing_or_malformed_is_named() {
        for (change, expected) in [
            (("TABLE_NAME", ""), "TABLE_NAME is not set"),
            (("FINGERPRINT_SECRET", ""), "FINGERPRINT_SECRET is not set"),
            (("WIX_APP_SECRET", ""), "WIX_APP_SECRET is not set"),
            (("HUBSPOT_BASE_URL", "hubapi"), "HUBSPOT_BASE_URL is not a URL"),
        ] {
            assert_eq!(read(&[change]).unwrap_err().to_string(), expected);
        }
    }
}
