//! What the kit needs to know of a vendor, and what it gives to each simulator.

use axum::{http::request::Parts, response::Response};
use serde_json::Value;

use super::{Calls, Clock, ControlError, Faults, Limits, Outbox, Switches};

/// The parts common to all simulators.
#[derive(Clone)]
pub struct Core {
    /// The clock.
    pub clock: Clock,
    /// Open behaviours.
    pub switches: Switches,
    /// Faults waiting.
    pub faults: Faults,
    /// Call counts.
    pub calls: Calls,
    /// Call limits.
    pub limits: Limits,
    /// Webhooks on their way.
    pub outbox: Outbox,
}

impl Core {
    /// Puts everything but the clock back to the start.
    pub fn reset(&self) {
        self.switches.reset();
        self.faults.clear();
        self.calls.clear();
        self.limits.clear();
        self.outbox.clear();
    }
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The vendor account (site, portal) the call is about, if it can be told.
    pub site: Option<String>,
    /// Whether a person acts (`x-actor: user`).
    pub user: bool,
}

/// A simulated vendor.
pub trait Vendor: Clone + Send + Sync + 'static {
    /// The common parts.
    fn core(&self) -> &Core;

    /// The vendor's own time, which it stamps contacts and answers with.
    fn now_ms(&self) -> i64 {
        self.core().clock.now_ms()
    }

    /// Who makes this call; no judgement whether it may.
    fn caller(&self, request: &Parts) -> Caller;

    /// Whether the call limits admit this call; `route` is `METHOD /route/{template}`.
    fn admits(&self, caller: &Caller, route: &str) -> bool;

    /// The vendor's usual error answer of this status.
    fn refusal(&self, status: u16) -> Response;

    /// The answer to a call that [`Self::admits`] did not admit.
    fn excess(&self, _caller: &Caller, _route: &str) -> Response {
        self.refusal(429)
    }

    /// All contacts of `site` (or of all sites), deleted ones flagged.
    ///
    /// # Errors
    /// When the site is unknown.
    fn contacts(&self, site: Option<&str>) -> Result<Value, ControlError>;

    /// Puts contacts into a site.
    ///
    /// # Errors
    /// Names the field that is wrong.
    fn seed(&self, request: &Value) -> Result<Value, ControlError>;

    /// Adds a site.
    ///
    /// # Errors
    /// Names the field that is wrong.
    fn add_site(&self, request: &Value) -> Result<Value, ControlError>;

    /// Removes all contacts and definitions; sites and keys stay.
    fn reset(&self);

    /// One line per control call of this vendor alone.
    fn own_control_calls(&self) -> Vec<(&'static str, &'static str)> {
        Vec::new()
    }
}

/// Unix milliseconds as RFC 3339 in UTC with milliseconds.
#[must_use]
pub fn rfc3339(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).unwrap_or_default().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}
