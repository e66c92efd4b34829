//! Pipedrive: the persons of one company, over version 2 of the API, with what only version 1 has (merges).
//!
//! It differs from what the ports were made for: no unique field, no batch, no revision, no history and no privacy deletion; custom fields
//! are known by hashes that differ from company to company, and a person has one name. Each difference is met in one file here.
//! <https://developers.pipedrive.com/docs/api/v1/Persons>

mod client;
mod definitions;
mod error;
mod find;
mod index;
mod items;
mod listing;
mod name;
mod options;
mod person;
mod store;
mod upload;
mod wire;

use std::{num::NonZeroU32, time::Duration};

pub use self::{
    client::{Client, Means, Settings, base_of},
    error::HABITS,
    upload::MOST_ROWS,
};
use super::http::Rate;

/// The pace of calls for a company: twenty in two seconds are allowed to a token in the smallest plan.
/// <https://pipedrive.readme.io/docs/core-api-concepts-rate-limiting>
pub const RATE: Rate = Rate {
    requests: NonZeroU32::MIN.saturating_add(11),
    per: Duration::from_secs(2),
    burst: NonZeroU32::MIN.saturating_add(5),
    longest_wait: Duration::from_secs(5),
};

/// The pace of runs for a company: nearly all that is allowed, evenly spread.
pub const BULK_RATE: Rate = Rate {
    requests: NonZeroU32::MIN.saturating_add(17),
    per: Duration::from_secs(2),
    burst: NonZeroU32::MIN,
    longest_wait: Duration::from_mins(1),
};

/// The pace of searches for a company: ten in two seconds are allowed to a token, in every plan.
/// <https://pipedrive.readme.io/docs/core-api-concepts-rate-limiting>
pub const SEARCH_RATE: Rate = Rate {
    requests: NonZeroU32::MIN.saturating_add(6),
    per: Duration::from_secs(2),
    burst: NonZeroU32::MIN.saturating_add(1),
    longest_wait: Duration::from_secs(30),
};

#[cfg(test)]
mod tests;
