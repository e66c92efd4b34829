//! Settings of how the vendors are reached.

use url::Url;

use super::{ConfigError, Variables, WixApp};

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
    /// The Pipedrive API, for all companies. Read from `PIPEDRIVE_BASE_URL`; the host of each company if that is not set.
    pub pipedrive_base: Option<Url>,
    /// The Mailchimp API. Read from `MAILCHIMP_BASE_URL`; the data centre of each account's key if that is not set.
    pub mailchimp_base: Option<Url>,
}

impl Vendors {
    /// Reads the settings from variables.
    pub fn from_variables(variables: &Variables) -> Result<Self, ConfigError> {
        Ok(Self {
            wix: WixApp::from_variables(variables)?,
            hubspot_base: variables.url("HUBSPOT_BASE_URL", "https://api.hubapi.com")?,
            hubspot_version: variables.optional("HUBSPOT_API_VERSION").unwrap_or("2026-09").to_owned(),
            hubspot_app_id: variables.optional("HUBSPOT_APP_ID").map(str::to_owned),
            pipedrive_base: variables.optional_url("PIPEDRIVE_BASE_URL")?,
            mailchimp_base: variables.optional_url("MAILCHIMP_BASE_URL")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::worker::tests::but, *};

    #[test]
    fn the_vendors_are_the_public_ones_unless_told() {
        let vendors = Vendors::from_variables(&but("HUBSPOT_APP_ID", "7")).unwrap();
        assert_eq!((vendors.wix.base.as_str(), vendors.hubspot_version.as_str()), ("https://www.wixapis.com/", "2026-09"));
        let own = Vendors::from_variables(&but("WIX_BASE_URL", "http://127.0.0.1:1/")).unwrap();
        assert_eq!(own.wix.base.as_str(), "http://127.0.0.1:1/");
    }
}
