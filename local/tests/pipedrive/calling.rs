//! Credentials, errors, limits and faults.

use contact_bridge_local::vendors::kit::{Fault, FaultKind};
use reqwest::Method;
use serde_json::json;

use super::client::{PERSONS, Pipedrive};

#[tokio::test]
async fn tokens_come_in_headers_and_belong_to_one_company() {
    let pipedrive = Pipedrive::start().await;
    let get = || pipedrive.request(Method::GET, "/v1/users/me");
    for (request, company) in
        [(get().header("x-api-token", "token-a"), 7), (get().bearer_auth("oauth-a"), 7), (get().header("x-api-token", "token-b"), 8)]
    {
        assert_eq!(pipedrive.send(request).await.data()["company_id"], company);
    }
    let query = pipedrive.request(Method::GET, "/v1/users/me?api_token=token-a");
    for request in [get(), query, get().header("x-api-token", "oauth-a"), get().bearer_auth("token-a"), get().header("x-api-token", "")] {
        let refused = pipedrive.send(request).await;
        assert_eq!((refused.refuses("unauthorized access"), &refused.body["errorCode"]), ((401, true), &json!(401)));
    }
    let id = pipedrive.create("Ada").await;
    let other = pipedrive.request(Method::GET, &format!("{PERSONS}/{id}")).header("x-api-token", "token-b");
    assert_eq!(pipedrive.send(other).await.status, 404);
}

#[tokio::test]
async fn replaced_tokens_end() {
    let pipedrive = Pipedrive::start().await;
    assert_eq!(pipedrive.post("/_control/tokens", json!({"site": "a", "access_tokens": ["new"]})).await.status, 200);
    assert_eq!(pipedrive.get(PERSONS).await.status, 401);
    assert_eq!(pipedrive.send(pipedrive.request(Method::GET, PERSONS).bearer_auth("new")).await.status, 200);
}

#[tokio::test]
async fn what_is_not_there_says_so() {
    let pipedrive = Pipedrive::start().await;
    assert_eq!((pipedrive.get("/v1/persons").await.status, pipedrive.get("/v2/persons").await.status), (404, 404));
    assert_eq!(pipedrive.put(PERSONS, json!({})).await.status, 405);
    assert_eq!(pipedrive.get(&format!("{PERSONS}/77")).await.refuses("Person"), (404, true));
}

#[tokio::test]
async fn two_seconds_hold_so_many_calls_and_so_many_searches() {
    let pipedrive = Pipedrive::start().await;
    pipedrive.set("calls_per_two_seconds", 2);
    pipedrive.set("searches_per_two_seconds", 1);
    let search = format!("{PERSONS}/search?term=ada");
    pipedrive.get(PERSONS).await.data();
    let second = pipedrive.get(PERSONS).await;
    assert_eq!((second.header("x-ratelimit-limit"), second.header("x-ratelimit-remaining")), (Some("2"), Some("0")));
    let refused = pipedrive.get(PERSONS).await;
    assert_eq!((refused.status, refused.header("x-ratelimit-reset"), refused.header("retry-after")), (429, Some("2"), None));
    pipedrive.set("retry_after", true);
    assert_eq!(pipedrive.get(PERSONS).await.header("retry-after"), Some("2"));
    assert_eq!((pipedrive.get(&search).await.status, pipedrive.get(&search).await.status), (200, 429));
    pipedrive.by_hand(Method::GET, PERSONS, json!({})).await.data();
    pipedrive.advance(2_000);
    assert_eq!((pipedrive.get(PERSONS).await.status, pipedrive.sim.core().calls.refused()), (200, 3));
}

#[tokio::test]
async fn a_day_has_so_many_tokens() {
    let pipedrive = Pipedrive::start().await;
    pipedrive.set("tokens_per_day", 31);
    pipedrive.set("day_begins_at_hour", 3);
    let told = pipedrive.get(PERSONS).await;
    let left = |answer: &super::client::Answer| answer.header("x-daily-ratelimit-token-remaining").map(str::to_owned);
    assert_eq!((told.header("x-daily-ratelimit-token-limit"), left(&told)), (Some("31"), Some("21".to_owned())));
    assert_eq!(left(&pipedrive.get(&format!("{PERSONS}/search?term=ada")).await), Some("1".to_owned()));
    assert_eq!(pipedrive.get(&format!("{PERSONS}/1")).await.status, 404);
    let refused = pipedrive.get(&format!("{PERSONS}/1")).await;
    assert_eq!((refused.status, left(&refused)), (429, Some("0".to_owned())));
    pipedrive.advance(20 * 60_000 - 1);
    assert_eq!(pipedrive.get(PERSONS).await.status, 429);
    pipedrive.advance(1);
    assert_eq!(left(&pipedrive.get(PERSONS).await), Some("21".to_owned()));
    pipedrive.set("budget_headers", false);
    assert_eq!(left(&pipedrive.get(PERSONS).await), None);
}

#[tokio::test]
async fn who_does_not_heed_429_meets_a_page() {
    let pipedrive = Pipedrive::start().await;
    pipedrive.set("calls_per_two_seconds", 1);
    pipedrive.set("abuse_after", 2);
    pipedrive.get(PERSONS).await.data();
    for status in [429, 429, 403] {
        assert_eq!(pipedrive.get(PERSONS).await.status, status);
    }
    assert_eq!(pipedrive.get(PERSONS).await.header("content-type"), Some("text/html; charset=utf-8"));
}

#[tokio::test]
async fn faults_hit_this_api_too() {
    let pipedrive = Pipedrive::start().await;
    let faults = &pipedrive.sim.core().faults;
    faults.add(Fault { site: Some("a".into()), ..Fault::once(FaultKind::LoseReply, "POST /api/v2/persons") }).unwrap();
    let lost = pipedrive.request(Method::POST, PERSONS).header("x-api-token", "token-a").json(&json!({"name": "Ada"}));
    assert!(lost.send().await.is_err());
    assert_eq!(pipedrive.get(PERSONS).await.names(), ["Ada"]);
    faults.add(Fault::status(503, "GET /api/**")).unwrap();
    assert_eq!(pipedrive.get(PERSONS).await.status, 503);
    let calls = pipedrive.get("/_control/calls").await.body;
    assert_eq!(calls["sites"]["a"]["GET /api/v2/persons"], 2);
}

#[tokio::test]
async fn the_control_calls_steer_the_simulator() {
    let pipedrive = Pipedrive::start().await;
    assert!(pipedrive.get("/_control").await.body.get("POST /_control/tokens").is_some());
    let company = json!({"site": "c", "id": 9, "token": "token-c", "contact_sync": true});
    assert_eq!(pipedrive.post("/_control/sites", company.clone()).await.body["site"], "c");
    assert_eq!(pipedrive.post("/_control/sites", company).await.status, 400);
    let request =
        pipedrive.request(Method::POST, PERSONS).header("x-api-token", "token-c").json(&json!({"name": "Ada", "job_title": "CEO"}));
    assert_eq!(pipedrive.send(request).await.data()["job_title"], "CEO");
    assert_eq!(pipedrive.post("/_control/reset", json!({})).await.status, 200);
    assert!(pipedrive.sim.contacts(None).unwrap().is_empty());
    assert_eq!(pipedrive.create("Ada").await, 1);
}
