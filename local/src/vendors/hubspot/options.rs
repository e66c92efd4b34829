//! How a HubSpot simulator is set up.

use serde::Deserialize;
use serde_json::Value;

use crate::vendors::kit::Clock;

/// The app and its accounts.
pub struct Options {
    /// The simulator's clock.
    pub clock: Clock,
    /// Seed of tokens and correlation ids.
    pub seed: u64,
    /// The app's id, as events name it.
    pub app_id: u64,
    /// The app's OAuth client id.
    pub client_id: String,
    /// The app's client secret; it also signs webhooks.
    pub client_secret: String,
    /// The id of the first contact of every portal; ids of different portals overlap.
    pub first_contact_id: u64,
    /// The accounts that installed the app.
    pub portals: Vec<PortalOptions>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            clock: Clock::real(),
            seed: 1,
            app_id: 9_318_066,
            client_id: "hubspot-client-id".to_owned(),
            client_secret: "hubspot-client-secret".to_owned(),
            first_contact_id: 106_500_991_877,
            portals: Vec::new(),
        }
    }
}

/// One account; also the body of `POST /_control/sites`.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PortalOptions {
    /// The portal (hub) id; must be greater than 0.
    pub id: u64,
    /// Another name for control calls, such as the site of the other side.
    pub site: Option<String>,
    /// A static token with all scopes.
    pub token: Option<String>,
    /// A refresh token the app already holds.
    pub refresh_token: Option<String>,
    /// An authorization code the app can redeem once.
    pub code: Option<String>,
    /// The account's time zone, such as `America/New_York`, whose midnight ends the day of the daily limit; absent = UTC.
    pub timezone: Option<String>,
    /// Granted scopes; absent = all that the simulator knows.
    pub scopes: Option<Vec<String>>,
    /// Where webhooks go; absent = nowhere.
    pub webhook_url: Option<String>,
    /// Properties with a change subscription; `*` = all, absent = the usual standard ones.
    pub subscribed_properties: Option<Vec<String>>,
    /// Kinds of events subscribed to, such as `creation`; absent = all.
    pub subscribed_events: Option<Vec<String>>,
    /// Custom properties, each as the body of the create-property call.
    pub properties: Vec<Value>,
}

impl PortalOptions {
    /// An account with a static token.
    #[must_use]
    pub fn new(id: u64, token: &str) -> Self {
        Self { id, token: Some(token.to_owned()), ..Self::default() }
    }
}
