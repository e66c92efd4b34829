//! How a Pipedrive simulator is set up.

use serde::Deserialize;
use serde_json::Value;

use crate::vendors::kit::Clock;

/// The clock and the companies.
pub struct Options {
    /// The simulator's clock.
    pub clock: Clock,
    /// Seed of field codes and event ids.
    pub seed: u64,
    /// The id of the first person of every company; ids of different companies overlap.
    pub first_person_id: u64,
    /// The companies.
    pub companies: Vec<CompanyOptions>,
}

impl Default for Options {
    fn default() -> Self {
        Self { clock: Clock::real(), seed: 1, first_person_id: 1, companies: Vec::new() }
    }
}

/// One company; also the body of `POST /_control/sites`.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CompanyOptions {
    /// Its name in control calls, faults and counts.
    pub site: String,
    /// Its id, as events name it; must be greater than 0.
    pub id: u64,
    /// The API token of its user, sent as `x-api-token`.
    pub token: String,
    /// OAuth access tokens, sent as Bearer.
    pub access_tokens: Vec<String>,
    /// Whether contact sync is on: without it notes, birthday, job title, messengers and postal address are refused.
    pub contact_sync: bool,
    /// Custom fields, each as the body of the create call of version 2.
    pub fields: Vec<Value>,
}

impl CompanyOptions {
    /// A company with the token `token-<site>`.
    #[must_use]
    pub fn new(site: &str, id: u64) -> Self {
        Self { site: site.to_owned(), id, token: format!("token-{site}"), ..Self::default() }
    }
}
