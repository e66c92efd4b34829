//! Limits of calls: per two seconds and token, and the tokens that a company's calls cost in a day
//! (<https://pipedrive.readme.io/docs/core-api-concepts-rate-limiting>).

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};

use super::{refusal::Refusal, world::World};
use crate::vendors::kit::{Caller, Window};

const TWO_SECONDS: Window = Window::Sliding(2_000);
const MINUTE: Window = Window::Sliding(60_000);
const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;

/// What a call costs in tokens; version 1 costs twice what version 2 does.
fn cost(route: &str) -> usize {
    let (method, path) = route.split_once(' ').unwrap_or_default();
    let many = !path.ends_with('}') && !path.ends_with("/me");
    let single = if path.starts_with("/api/v2") { 1 } else { 2 };
    let price = match method {
        "GET" if path.ends_with("/search") => 20,
        "GET" if many => 10,
        "GET" => 1,
        "DELETE" => 3,
        _ => 5,
    };
    price * single
}

fn is_search(route: &str) -> bool {
    route.ends_with("/search")
}

impl World {
    /// Whether the limits admit this call; one that is refused costs nothing.
    pub fn admits_call(&self, caller: &Caller, route: &str) -> bool {
        let Some(site) = &caller.site else {
            return true;
        };
        let (limits, now_ms) = (&self.core.limits, self.core.clock.now_ms());
        let (burst, most) = self.burst(site, is_search(route));
        let cost = cost(route);
        let has_budget = self.budget() <= 0 || usize::try_from(self.budget_left(site)).is_ok_and(|left| left >= cost);
        has_budget && limits.admit(&burst, most, TWO_SECONDS, now_ms) && limits.spend(&day(site), cost, self.budget(), (self.day(), now_ms))
    }

    /// The answer to a call that is too much; who does not heed it meets a machine that knows no JSON.
    pub fn too_many(&self, caller: &Caller, route: &str) -> Response {
        let site = caller.site.as_deref().unwrap_or_default();
        let patience = self.core.switches.number("abuse_after");
        if !self.core.limits.admit(&format!("refused:{site}"), patience, MINUTE, self.core.clock.now_ms()) {
            return Refusal::page();
        }
        let mut answer = Refusal::new(429, "request over limit").into_response();
        self.tell_limits(site, is_search(route), answer.headers_mut());
        if self.core.switches.flag("retry_after") {
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        }
        answer
    }

    /// Puts what is left of the limits there are into an answer.
    pub fn tell_limits(&self, site: &str, search: bool, headers: &mut HeaderMap) {
        let (burst, most) = self.burst(site, search);
        let used = self.core.limits.used(&burst, TWO_SECONDS, self.core.clock.now_ms());
        let budget = Some(self.budget()).filter(|_| self.core.switches.flag("budget_headers"));
        let told = [
            ("x-ratelimit-limit", most, most),
            ("x-ratelimit-remaining", most, (most - used).max(0)),
            ("x-ratelimit-reset", most, 2),
            ("x-daily-ratelimit-token-limit", budget.unwrap_or_default(), self.budget()),
            ("x-daily-ratelimit-token-remaining", budget.unwrap_or_default(), self.budget_left(site)),
        ];
        for (name, _, value) in told.into_iter().filter(|(_, limit, _)| *limit > 0) {
            headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
        }
    }

    /// Key and size of the window a call counts in.
    fn burst(&self, site: &str, search: bool) -> (String, i64) {
        let switch = if search { "searches_per_two_seconds" } else { "calls_per_two_seconds" };
        (format!("{switch}:{site}"), self.core.switches.number(switch))
    }

    fn budget(&self) -> i64 {
        self.core.switches.number("tokens_per_day")
    }

    fn budget_left(&self, site: &str) -> i64 {
        (self.budget() - self.core.limits.used(&day(site), self.day(), self.core.clock.now_ms())).max(0)
    }

    /// The server's present day.
    fn day(&self) -> Window {
        Window::Fixed { ms: DAY_MS, offset_ms: self.core.switches.number("day_begins_at_hour") * HOUR_MS }
    }
}

fn day(site: &str) -> String {
    format!("tokens:{site}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_cost_what_they_work() {
        for (route, tokens) in [
            ("GET /api/v2/persons/{id}", 1),
            ("GET /api/v2/persons", 10),
            ("GET /api/v2/persons/search", 20),
            ("POST /api/v2/persons", 5),
            ("DELETE /api/v2/persons/{id}", 3),
            ("PUT /api/v1/persons/{id}/merge", 10),
            ("GET /v1/personFields", 20),
            ("GET /api/v1/users/me", 2),
        ] {
            assert_eq!(cost(route), tokens, "{route}");
        }
    }
}
