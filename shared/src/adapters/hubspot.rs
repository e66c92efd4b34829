//! HubSpot: the contacts of one portal, over the dated CRM API.
//!
//! Path versions are dated and end (<https://developers.hubspot.com/docs/api-reference/legacy/migration-guide>), so the version is a
//! setting and every path is built from it.

mod auth;
mod batch;
mod bulk;
mod client;
mod contact;
mod error;
mod find;
mod listing;
mod property;
mod store;
mod upload;
mod wire;

use std::{num::NonZeroU32, time::Duration};

pub use self::{
    auth::{Credentials, TokenKeeper},
    batch::BatchOutcome,
    bulk::MOST_ROWS,
    client::{Client, Means, Settings},
    error::HABITS,
    property::{COUNTERPART, LABELS},
};
use super::http::Rate;

/// The pace of calls for a portal: 100 in ten seconds are allowed in the smallest subscriptions.
/// <https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines>
pub const RATE: Rate = Rate {
    requests: NonZeroU32::MIN.saturating_add(64),
    per: Duration::from_secs(10),
    burst: NonZeroU32::MIN.saturating_add(29),
    longest_wait: Duration::from_secs(5),
};

/// The pace of exports for a portal: all that is allowed, evenly spread.
pub const BULK_RATE: Rate = Rate {
    requests: NonZeroU32::MIN.saturating_add(99),
    per: Duration::from_secs(10),
    burst: NonZeroU32::MIN,
    longest_wait: Duration::from_mins(1),
};

/// The pace of searches for a portal: five in a second are allowed, for all apps together. One is left over for the others.
/// <https://developers.hubspot.com/docs/api-reference/search/guide#limits>
pub const SEARCH_RATE: Rate = Rate {
    requests: NonZeroU32::MIN.saturating_add(3),
    per: Duration::from_secs(1),
    burst: NonZeroU32::MIN,
    longest_wait: Duration::from_secs(5),
};

#[cfg(test)]
mod tests;
