//! Mailchimp: one audience, over the Marketing API 3.0.
//!
//! Nothing here raises anybody's status: `status` is only ever sent to lower one, or with an address that the audience does not have.

mod client;
mod error;
mod members;
mod service;
mod wire;

use std::{num::NonZeroU32, time::Duration};

pub use self::{
    client::{Client, Settings},
    error::HABITS,
};
use super::http::Rate;

/// The pace of calls for an account. Mailchimp tells no number of calls in a time, only one of connections at once, which each client keeps
/// to by itself; this is for a loop gone wild.
/// <https://mailchimp.com/developer/marketing/docs/fundamentals/#api-limits>
pub const RATE: Rate = Rate {
    requests: NonZeroU32::MIN.saturating_add(49),
    per: Duration::from_secs(1),
    burst: NonZeroU32::MIN.saturating_add(49),
    longest_wait: Duration::from_secs(30),
};

#[cfg(test)]
mod tests;
