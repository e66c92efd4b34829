//! How a Mailchimp simulator is set up.

use serde::Deserialize;
use serde_json::Value;

use crate::vendors::kit::Clock;

/// The clock and the accounts.
pub struct Options {
    /// The simulator's clock.
    pub clock: Clock,
    /// Seed of ids and signing secrets.
    pub seed: u64,
    /// The accounts; their audiences' ids must all differ.
    pub accounts: Vec<AccountOptions>,
}

impl Default for Options {
    fn default() -> Self {
        Self { clock: Clock::real(), seed: 1, accounts: Vec::new() }
    }
}

/// One account; also the body of `POST /_control/sites`.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccountOptions {
    /// Its name in control calls, faults and counts.
    pub site: String,
    /// Its API key; what follows the last dash is the data centre.
    pub api_key: String,
    /// OAuth access tokens, accepted as Bearer alone.
    pub tokens: Vec<String>,
    /// Its time zone, such as `America/New_York`; absent = UTC.
    pub timezone: Option<String>,
    /// Its audiences; the first is meant when none is named.
    pub lists: Vec<ListOptions>,
}

impl AccountOptions {
    /// An account with the key `key-<site>-us6` and one audience with single opt-in.
    #[must_use]
    pub fn new(site: &str, list: &str) -> Self {
        Self { site: site.to_owned(), api_key: format!("key-{site}-us6"), lists: vec![ListOptions::new(list)], ..Self::default() }
    }
}

/// One audience.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ListOptions {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether new subscribers of its forms confirm their address first.
    pub double_optin: bool,
    /// Whether whoever becomes subscribed is mailed a welcome.
    pub has_welcome: bool,
    /// Merge fields beside the usual ones, each as the body of the create call.
    pub merge_fields: Vec<Value>,
}

impl ListOptions {
    /// An audience with single opt-in and a welcome mail.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self { id: id.to_owned(), name: format!("Audience {id}"), has_welcome: true, ..Self::default() }
    }
}
