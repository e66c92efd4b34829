//! Settings of contact sync.

use url::Url;

use super::{ConfigError, Variables, WixApp, Worker};

/// What contact sync needs to know.
#[derive(Clone, Debug)]
pub struct Sync {
    /// What every worker needs to know.
    pub worker: Worker,
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
        Ok(Self { worker: Worker::from_variables(variables)?, vendors: Vendors::from_variables(variables)? })
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
    use super::{super::worker::tests::but, *};

    #[test]
    fn the_vendors_are_the_public_ones_unless_told() {
        let vendors = Sync::from_variables(&but("HUBSPOT_APP_ID", "7")).unwrap().vendors;
        assert_eq!((vendors.wix.base.as_str(), vendors.hubspot_version.as_str()), ("https://www.wixapis.com/", "2026-09"));
        let own = Sync::from_variables(&but("WIX_BASE_URL", "http://127.0.0.1:1/")).unwrap().vendors;
        assert_eq!(own.wix.base.as_str(), "http://127.0.0.1:1/");
    }

    #[test]
    fn what_is_missing_or_malformed_is_named() {
        for (name, value, expected) in [
            ("TABLE_NAME", "", "TABLE_NAME is not set"),
            ("WIX_APP_SECRET", "", "WIX_APP_SECRET is not set"),
            ("HUBSPOT_BASE_URL", "hubapi", "HUBSPOT_BASE_URL is not a URL"),
        ] {
            assert_eq!(Sync::from_variables(&but(name, value)).unwrap_err().to_string(), expected);
        }
    }
}
