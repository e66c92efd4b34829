//! How bad a history is, and what Wix's documentation leaves open.

use contact_bridge::model::subscription::SubscriptionStatus;
use rand::{Rng, rngs::SmallRng};

/// How bad a history is, in percent of the calls or deliveries concerned.
#[derive(Clone, Copy, Debug)]
pub struct Chaos {
    /// Calls of Wix that are throttled.
    pub throttled: u32,
    /// Calls of Wix, the table or the queue that fail before they are carried out.
    pub failed: u32,
    /// Calls that are carried out and whose reply is lost.
    pub lost_replies: u32,
    /// Calls that take some seconds.
    pub slow: u32,
    /// Await points at which the worker crashes, in per mille.
    pub crashes: u32,
    /// Deliveries that come again although they were answered.
    pub repeats: u32,
    /// Steps at which a person does something, in per mille.
    pub acts: u32,
    /// The longest delay of a delivery, in milliseconds.
    pub delay: i64,
    /// How long the index does not see what was written, in milliseconds.
    pub lag: i64,
}

impl Chaos {
    /// Nothing goes wrong.
    pub const NONE: Self = Self { throttled: 0, failed: 0, lost_replies: 0, slow: 0, crashes: 0, repeats: 0, acts: 0, delay: 0, lag: 0 };

    /// Draws how bad a history is: one in eight is calm.
    pub fn draw(rng: &mut SmallRng) -> Self {
        if rng.random_ratio(1, 8) {
            return Self::NONE;
        }
        Self {
            throttled: rng.random_range(0..6),
            failed: rng.random_range(0..10),
            lost_replies: rng.random_range(0..10),
            slow: rng.random_range(0..15),
            crashes: rng.random_range(0..40),
            repeats: rng.random_range(0..50),
            acts: rng.random_range(0..30),
            delay: *[0, 50, 5_000, 300_000].get(rng.random_range(0..4)).unwrap_or(&0),
            lag: *[0, 0, 2_000, 200_000].get(rng.random_range(0..4)).unwrap_or(&0),
        }
    }
}

/// What Wix's documentation leaves open.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    /// Whether a refused duplicate names the contact that is there.
    pub names_duplicates: bool,
    /// How long the check for duplicates does not see a new contact, in milliseconds.
    pub check_lag: i64,
    /// Whether a refusal names the fields it is about.
    pub names_fields: bool,
    /// What becomes of an address that is to be subscribed: its status, or `None` if Wix declines.
    pub subscribes: Option<SubscriptionStatus>,
}

impl Habits {
    /// Draws them.
    pub fn draw(rng: &mut SmallRng) -> Self {
        Self {
            names_duplicates: rng.random_bool(0.7),
            check_lag: if rng.random_bool(0.5) { 0 } else { 1_500 },
            names_fields: rng.random_bool(0.7),
            subscribes: match rng.random_range(0..10) {
                0 => None,
                1 | 2 => Some(SubscriptionStatus::Pending),
                _ => Some(SubscriptionStatus::Subscribed),
            },
        }
    }
}
