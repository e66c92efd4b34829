//! Limits of calls: rolling and fixed windows, searches, the day.

use reqwest::Method;
use serde_json::json;

use super::client::{CONTACTS, HubSpot};

const REFUSED: (u16, &str) = (429, "TEN_SECONDLY_ROLLING");

#[tokio::test]
async fn a_rolling_window_holds_the_last_ten_seconds() {
    let hubspot = HubSpot::start().await;
    hubspot.set("rate_per_ten_seconds", 2);
    hubspot.get(CONTACTS).await;
    hubspot.advance(6_000);
    let told = hubspot.get(CONTACTS).await;
    assert_eq!((told.header("x-hubspot-ratelimit-max"), told.header("x-hubspot-ratelimit-remaining")), (Some("2"), Some("0")));
    let refused = hubspot.get(CONTACTS).await;
    assert_eq!((refused.policy(), refused.header("retry-after")), (REFUSED, None));
    assert_eq!(refused.body["errorType"], "RATE_LIMIT");
    assert_eq!(hubspot.call(Method::GET, CONTACTS, "pat-8", None).await.status, 200);
    hubspot.advance(3_999);
    assert_eq!(hubspot.get(CONTACTS).await.policy(), REFUSED);
    hubspot.advance(1);
    assert_eq!(hubspot.get(CONTACTS).await.status, 200);
    assert_eq!(hubspot.get(CONTACTS).await.policy(), REFUSED);
    assert_eq!(hubspot.sim.calls().refused(), 3);
}

#[tokio::test]
async fn fixed_windows_follow_the_limiters_own_clock() {
    let hubspot = HubSpot::start().await;
    hubspot.set("rate_per_ten_seconds", 2);
    hubspot.set("rate_window", "fixed");
    hubspot.set("rate_window_offset_ms", 3_000);
    for _ in 0..2 {
        assert_eq!(hubspot.get(CONTACTS).await.status, 200);
    }
    hubspot.advance(2_999);
    assert_eq!(hubspot.get(CONTACTS).await.policy(), REFUSED);
    hubspot.advance(1);
    assert_eq!(hubspot.get(CONTACTS).await.header("x-hubspot-ratelimit-remaining"), Some("1"));
    hubspot.advance(9_999);
    assert_eq!(hubspot.get(CONTACTS).await.status, 200);
    assert_eq!(hubspot.get(CONTACTS).await.policy(), REFUSED);
    hubspot.advance(1);
    assert_eq!(hubspot.get(CONTACTS).await.status, 200);
}

#[tokio::test]
async fn searches_have_a_limit_of_their_own_and_no_headers() {
    let hubspot = HubSpot::start().await;
    hubspot.set("rate_per_ten_seconds", 1);
    hubspot.set("retry_after_on_429", true);
    for _ in 0..5 {
        let answer = hubspot.search(json!({})).await;
        assert_eq!(
            (answer.status, answer.header("x-hubspot-ratelimit-max"), answer.header("x-hubspot-ratelimit-daily")),
            (200, None, None)
        );
    }
    let refused = hubspot.search(json!({})).await;
    assert_eq!((refused.policy(), refused.header("retry-after")), ((429, "SECONDLY"), Some("1")));
    assert_eq!(refused.body["message"], "You have reached your secondly limit.");
    assert_eq!(hubspot.get(CONTACTS).await.status, 200);
    hubspot.advance(1_000);
    assert_eq!(hubspot.search(json!({})).await.status, 200);
}

#[tokio::test]
async fn a_day_ends_at_the_accounts_midnight() {
    let hubspot = HubSpot::start().await;
    hubspot.set("calls_per_day", 2);
    hubspot.set("retry_after_on_429", true);
    hubspot.search(json!({})).await;
    let told = hubspot.get(CONTACTS).await;
    assert_eq!((told.header("x-hubspot-ratelimit-daily"), told.header("x-hubspot-ratelimit-daily-remaining")), (Some("2"), Some("0")));
    for refused in [hubspot.get(CONTACTS).await, hubspot.search(json!({})).await] {
        assert_eq!((refused.policy(), refused.header("retry-after")), ((429, "DAILY"), None));
        assert_eq!(refused.body["message"], "You have reached your daily limit.");
    }
    // 21:40 in New York.
    hubspot.advance(140 * 60_000 - 1);
    assert_eq!(hubspot.get(CONTACTS).await.policy(), (429, "DAILY"));
    hubspot.advance(1);
    assert_eq!(hubspot.get(CONTACTS).await.status, 200);
}

#[tokio::test]
async fn oauth_apps_learn_nothing_of_the_day() {
    let hubspot = HubSpot::start().await;
    let options = contact_bridge_local::vendors::hubspot::Options::default();
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", &*options.client_id),
        ("client_secret", &*options.client_secret),
        ("redirect_uri", "https://example.com"),
        ("code", "code-8"),
    ];
    let url = format!("{}/oauth/2026-03/token", hubspot.sim.base_url());
    let granted: serde_json::Value = reqwest::Client::new().post(url).form(&form).send().await.unwrap().json().await.unwrap();
    let answer = hubspot.call(Method::GET, CONTACTS, granted["access_token"].as_str().unwrap(), None).await;
    assert_eq!((answer.header("x-hubspot-ratelimit-max"), answer.header("x-hubspot-ratelimit-daily")), (Some("100"), None));
}
