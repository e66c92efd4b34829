//! HubSpot's limits of calls: per ten seconds, per day, and of searches per second
//! (<https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines>).

use axum::{
    Json,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::json;

use super::hub::Hub;
use crate::vendors::kit::Window;

const TEN_SECONDS_MS: i64 = 10_000;
const SECOND_MS: i64 = 1_000;

/// What an answer tells of the limits.
pub(super) const HEADERS: [&str; 5] = [
    "x-hubspot-ratelimit-max",
    "x-hubspot-ratelimit-remaining",
    "x-hubspot-ratelimit-interval-milliseconds",
    "x-hubspot-ratelimit-daily",
    "x-hubspot-ratelimit-daily-remaining",
];

/// A limit, by the name a refusal gives it.
#[derive(Clone, Copy)]
enum Limit {
    TenSeconds,
    Searches,
    Day,
}

impl Limit {
    /// The policy's name, the word in the message and the seconds to wait that a 429 may carry.
    fn told(self) -> (&'static str, &'static str, Option<&'static str>) {
        match self {
            Self::TenSeconds => ("TEN_SECONDLY_ROLLING", "ten_secondly_rolling", Some("10")),
            Self::Searches => ("SECONDLY", "secondly", Some("1")),
            Self::Day => ("DAILY", "daily", None),
        }
    }

    fn switch(self) -> &'static str {
        match self {
            Self::TenSeconds => "rate_per_ten_seconds",
            Self::Searches => "searches_per_second",
            Self::Day => "calls_per_day",
        }
    }
}

impl Hub {
    /// Whether the account's limits admit one more call; one that is refused counts for neither limit.
    pub fn admits(&self, portal: u64, search: bool) -> bool {
        let short = if search { Limit::Searches } else { Limit::TenSeconds };
        !self.is_spent(Limit::Day, portal) && self.take(short, portal) && self.take(Limit::Day, portal)
    }

    /// HubSpot's 429, which has a shape of its own.
    pub fn too_many(&self, portal: Option<u64>, search: bool) -> Response {
        let short = if search { Limit::Searches } else { Limit::TenSeconds };
        let spent = portal.is_some_and(|portal| self.is_spent(Limit::Day, portal));
        let (policy, word, wait) = if spent { Limit::Day } else { short }.told();
        let body = json!({
            "status": "error", "message": format!("You have reached your {word} limit."), "errorType": "RATE_LIMIT", "policyName": policy,
            "correlationId": self.ids().guid(), "requestId": self.ids().guid(),
        });
        let mut response = (StatusCode::TOO_MANY_REQUESTS, Json(body)).into_response();
        if let Some(wait) = wait.filter(|_| self.core().switches.flag("retry_after_on_429")) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(wait));
        }
        response
    }

    /// Puts what is left of the limits there are into an answer; OAuth apps learn nothing of the day.
    pub fn tell_limits(&self, portal: u64, oauth: bool, headers: &mut HeaderMap) {
        let [short, day] = [Limit::TenSeconds, Limit::Day].map(|limit| (self.most(limit), self.left(limit, portal)));
        let values = [short.0, short.1, TEN_SECONDS_MS, day.0, day.1];
        let limits = [short.0, short.0, short.0, day.0, day.0];
        let told = if oauth { 3 } else { HEADERS.len() };
        for ((name, value), limit) in HEADERS.into_iter().zip(values).zip(limits).take(told) {
            if limit > 0 {
                headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
            }
        }
    }

    fn take(&self, limit: Limit, portal: u64) -> bool {
        let now_ms = self.core().clock.now_ms();
        self.core().limits.admit(&key(limit, portal), self.most(limit), self.window(limit, portal), now_ms)
    }

    fn is_spent(&self, limit: Limit, portal: u64) -> bool {
        self.most(limit) > 0 && self.left(limit, portal) == 0
    }

    fn most(&self, limit: Limit) -> i64 {
        self.core().switches.number(limit.switch())
    }

    fn left(&self, limit: Limit, portal: u64) -> i64 {
        let used = self.core().limits.used(&key(limit, portal), self.window(limit, portal), self.core().clock.now_ms());
        (self.most(limit) - used).max(0)
    }

    fn window(&self, limit: Limit, portal: u64) -> Window {
        let ms = match limit {
            Limit::TenSeconds => TEN_SECONDS_MS,
            Limit::Searches => SECOND_MS,
            Limit::Day => return Window::Since(self.midnight_ms(portal)),
        };
        let switches = &self.core().switches;
        if switches.is("rate_window", "fixed") {
            Window::Fixed { ms, offset_ms: switches.number("rate_window_offset_ms") }
        } else {
            Window::Sliding(ms)
        }
    }

    /// When the account's present day began.
    fn midnight_ms(&self, portal: u64) -> i64 {
        let name = self.with_world(|world| world.accounts.get(&portal).and_then(|account| account.options.timezone.clone()));
        let zone = name.and_then(|name| TimeZone::get(&name).ok()).unwrap_or(TimeZone::UTC);
        let now = Timestamp::from_millisecond(self.core().clock.now_ms()).unwrap_or_default();
        now.to_zoned(zone).start_of_day().map_or(i64::MIN, |midnight| midnight.timestamp().as_millisecond())
    }
}

fn key(limit: Limit, portal: u64) -> String {
    format!("{}:{portal}", limit.switch())
}
