//! Credentials, errors, limits and faults.

use std::{sync::Arc, time::Duration};

use contact_bridge_local::vendors::kit::{Fault, FaultKind};
use reqwest::Method;
use serde_json::json;

use super::client::{LIST, MEMBERS, Mailchimp, path_of};

#[tokio::test]
async fn keys_are_basic_or_bearer_and_belong_to_one_account() {
    let mailchimp = Mailchimp::start().await;
    let ping = || mailchimp.request(Method::GET, "/ping");
    for request in [ping().basic_auth("x", Some("key-a-us6")), ping().bearer_auth("key-a-us6"), ping().bearer_auth("oauth-a")] {
        assert_eq!(mailchimp.send(request).await.body["health_status"], "Everything's Chimpy!");
    }
    for request in [ping().basic_auth("x", Some("key-a-us7")), ping().bearer_auth("none"), ping().basic_auth("x", Some("oauth-a"))] {
        assert_eq!(mailchimp.send(request).await.title(), (401, "API Key Invalid"));
    }
    assert_eq!(mailchimp.send(ping()).await.title(), (401, "API Key Missing"));
    assert_eq!(mailchimp.send(ping().bearer_auth("key-a-us6").header("host", "us7.api.mailchimp.com")).await.status, 401);
    assert_eq!(mailchimp.send(ping().bearer_auth("key-a-us6").header("host", "us6.api.mailchimp.com")).await.status, 200);
    assert_eq!(mailchimp.get("/lists/l3").await.title(), (404, "Resource Not Found"));
}

#[tokio::test]
async fn errors_are_problem_documents() {
    let mailchimp = Mailchimp::start().await;
    let answer = mailchimp.request(Method::PUT, &path_of("ada@example.com")).bearer_auth(&mailchimp.key).body("{").send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/problem+json; charset=utf-8");
    assert!(answer.headers().contains_key("x-request-id"));
    let body: serde_json::Value = answer.json().await.unwrap();
    assert_eq!((&body["title"], &body["status"]), (&json!("JSON Parse Exception"), &json!(400)));
    assert!(body["type"].is_string() && body["instance"].is_string());
    assert_eq!(mailchimp.get("/nothing").await.title(), (404, "Resource Not Found"));
    assert_eq!(mailchimp.patch(LIST, json!({})).await.title(), (405, "Method Not Allowed"));
}

#[tokio::test]
async fn a_caller_can_ask_for_an_error() {
    let mailchimp = Mailchimp::start().await;
    let request = |name: &str| mailchimp.request(Method::GET, MEMBERS).bearer_auth(&mailchimp.key).header("x-trigger-error", name);
    assert_eq!(mailchimp.send(request("UserDisabled")).await.title(), (403, "User Disabled"));
    assert_eq!(mailchimp.send(request("TooManyRequests")).await.title(), (429, "Too Many Requests"));
    assert_eq!(mailchimp.send(request("NoSuchError")).await.status, 200);
}

#[tokio::test]
async fn the_eleventh_call_at_once_is_refused() {
    let mailchimp = Arc::new(Mailchimp::start().await);
    let path = "/_control/connections";
    mailchimp.post(path, json!({"hold": true})).await;
    let calls: Vec<_> = (0..10).map(|_| tokio::spawn(get(mailchimp.clone()))).collect();
    while mailchimp.get(path).await.body["connections"]["a"]["now"] != 10 {
        tokio::task::yield_now().await;
    }
    assert_eq!(mailchimp.get(LIST).await.title(), (429, "Too Many Requests"));
    mailchimp.post(path, json!({"hold": false})).await;
    for call in calls {
        assert_eq!(call.await.unwrap(), 200);
    }
    assert_eq!((mailchimp.get(LIST).await.status, mailchimp.sim.most_connections("a")), (200, 10));
    assert_eq!(mailchimp.sim.core().calls.refused(), 1);
}

async fn get(mailchimp: Arc<Mailchimp>) -> u16 {
    mailchimp.get(LIST).await.status
}

#[tokio::test]
async fn a_call_that_timed_out_keeps_its_connection_for_two_minutes() {
    let mailchimp = Mailchimp::start().await;
    mailchimp.set("simultaneous_connections", 1);
    mailchimp.sim.core().faults.add(Fault::any(FaultKind::Timeout)).unwrap();
    assert!(mailchimp.request(Method::GET, LIST).bearer_auth(&mailchimp.key).send().await.is_err());
    mailchimp.advance(119);
    assert_eq!(mailchimp.get(LIST).await.status, 429);
    mailchimp.advance(1);
    assert_eq!(mailchimp.get(LIST).await.status, 200);
}

#[tokio::test]
async fn refusals_may_come_without_json() {
    let mailchimp = Mailchimp::start().await;
    let refused = async |fault: Fault| {
        mailchimp.sim.core().faults.add(fault).unwrap();
        mailchimp.request(Method::GET, LIST).bearer_auth(&mailchimp.key).send().await.unwrap()
    };
    let answer = refused(Fault::status(502, "GET /3.0/**")).await;
    assert!(answer.status() == 502 && answer.headers()["content-type"] == "text/html; charset=utf-8");
    let page = Fault { body: Some(json!("<html>busy</html>")), ..Fault::status(429, "GET /3.0/lists/*") };
    assert_eq!(refused(page).await.text().await.unwrap(), "<html>busy</html>");
    assert_eq!(refused(Fault::status(403, "GET /3.0/**")).await.headers()["content-type"], "application/problem+json; charset=utf-8");
    mailchimp.set("bare_refusals", true);
    assert_eq!(refused(Fault::status(403, "GET /3.0/**")).await.headers()["content-type"], "text/html; charset=utf-8");
}

#[tokio::test]
async fn a_lost_reply_still_did_the_work() {
    let mailchimp = Mailchimp::start().await;
    mailchimp
        .sim
        .core()
        .faults
        .add(Fault { site: Some("a".into()), ..Fault::once(FaultKind::LoseReply, "PUT /3.0/lists/*/members/*") })
        .unwrap();
    let body = json!({"email_address": "ada@example.com", "status_if_new": "subscribed"});
    let put = mailchimp.request(Method::PUT, &path_of("ada@example.com")).bearer_auth(&mailchimp.key).json(&body);
    assert!(put.send().await.is_err());
    assert_eq!(mailchimp.get(&path_of("ada@example.com")).await.member(), "subscribed");
}

#[tokio::test]
async fn the_control_calls_steer_the_simulator() {
    let mailchimp = Mailchimp::start().await;
    let index = mailchimp.get("/_control").await.body;
    assert!(index.get("POST /_control/unsubscribe").is_some() && index.get("GET|PUT /_control/switches").is_some());
    assert_eq!(mailchimp.post("/_control/dance", json!({})).await.status, 400);
    let account = json!({"site": "c", "api_key": "key-c-us1", "lists": [{"id": "l4", "double_optin": true}]});
    assert_eq!(mailchimp.post("/_control/sites", account.clone()).await.body["site"], "c");
    assert_eq!(mailchimp.post("/_control/sites", account).await.body["error"], "site: already exists");
    mailchimp.export("ada@example.com").await;
    assert_eq!(mailchimp.get("/_control/calls").await.body["sites"]["a"]["PUT /3.0/lists/{list}/members/{hash}"], 1);
    assert_eq!(mailchimp.post("/_control/reset", json!({})).await.status, 200);
    assert_eq!((mailchimp.sim.contacts(None).unwrap().len(), mailchimp.mailed().len()), (0, 0));
    mailchimp.sim.core().clock.advance(Duration::from_secs(1));
    assert_eq!(mailchimp.export("ada@example.com").await.member(), "subscribed");
}
