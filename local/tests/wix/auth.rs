//! Tokens, API keys, people, sites.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::client::{CONTACTS, Wix, named, names};

#[tokio::test]
async fn a_token_is_accepted_raw_and_with_bearer() {
    let wix = Wix::start().await;
    for (switch, token, expected) in [
        ("accepted", wix.token.clone(), 200),
        ("accepted", format!("Bearer {}", wix.token), 200),
        ("refused", format!("Bearer {}", wix.token), 401),
        ("refused", wix.token.clone(), 200),
        ("accepted", "unknown".to_owned(), 401),
    ] {
        wix.set("bearer_prefix", switch);
        let answer = wix.send(wix.request(Method::GET, CONTACTS).header("authorization", &token)).await;
        assert_eq!(answer.status, expected, "{switch} {token}");
    }
    assert_eq!(wix.send(wix.request(Method::GET, CONTACTS)).await.status, 401);
}

#[tokio::test]
async fn a_token_expires_after_four_hours() {
    let wix = Wix::start().await;
    wix.sim.clock().advance(Duration::from_secs(14_399));
    assert_eq!(wix.get(CONTACTS).await.status, 200);
    wix.sim.clock().advance(Duration::from_secs(1));
    assert_eq!(wix.get(CONTACTS).await.status, 401);
}

#[tokio::test]
async fn wrong_credentials_get_no_token() {
    let wix = Wix::start().await;
    let good = json!({"grant_type": "client_credentials", "client_id": "app", "client_secret": "secret", "instance_id": "i1"});
    for (field, value, status, error) in [
        ("grant_type", "password", 400, "unsupported_grant_type"),
        ("client_secret", "wrong", 401, "invalid_client"),
        ("instance_id", "i9", 400, "invalid_grant"),
    ] {
        let mut body = good.clone();
        body[field] = value.into();
        let answer = wix.send(wix.request(Method::POST, "/oauth2/token").json(&body)).await;
        assert_eq!((answer.status, answer.body["error"].as_str().unwrap()), (status, error));
    }
    let answer = wix.send(wix.request(Method::POST, "/oauth2/token").json(&good)).await;
    assert_eq!((answer.body["expires_in"].clone(), answer.body["token_type"].clone()), (json!(14_400), json!("Bearer")));
}

#[tokio::test]
async fn token_info_tells_the_instance() {
    let wix = Wix::start().await;
    let info = async |token: &str| wix.send(wix.request(Method::POST, "/oauth2/token-info").json(&json!({"token": token}))).await.body;
    let told = info(&wix.token).await;
    assert_eq!((&told["active"], &told["instanceId"], &told["siteId"]), (&json!("true"), &json!("i1"), &json!("s1")));
    assert!(told["exp"].is_string());
    wix.set("token_info_types", "json");
    assert_eq!(info(&wix.token).await["active"], true);
    assert_eq!(info("unknown").await, json!({"active": false}));
}

#[tokio::test]
async fn the_instance_is_described() {
    let wix = Wix::start().await;
    let answer = wix.get("/apps/v1/instance").await;
    assert_eq!((&answer.body["instance"]["instanceId"], &answer.body["site"]["siteId"]), (&json!("i1"), &json!("s1")));
}

#[tokio::test]
async fn an_api_key_needs_the_site_and_only_the_site() {
    let wix = Wix::start().await;
    let request = || wix.request(Method::GET, CONTACTS).header("authorization", "key");
    assert_eq!(wix.send(request()).await.status, 400);
    assert_eq!(wix.send(request().header("wix-site-id", "s1")).await.status, 200);
    assert_eq!(wix.send(request().header("wix-site-id", "s9")).await.status, 403);
    assert_eq!(wix.send(request().header("wix-site-id", "s1").header("wix-account-id", "a")).await.status, 400);
}

#[tokio::test]
async fn sites_do_not_see_each_other() {
    let mut wix = Wix::start().await;
    let id = wix.create(named("Ada")).await.id();
    wix.token = wix.token_for("i2").await;
    assert!(names(&wix.get(CONTACTS).await).is_empty());
    assert_eq!(wix.get(&format!("{CONTACTS}/{id}")).await.code(), (404, "CONTACT_NOT_FOUND"));
    wix.create(named("Bob")).await.id();
    assert_eq!(wix.sim.contacts(Some("s1")).unwrap().len(), 1);
    assert_eq!(wix.sim.contacts(None).unwrap().len(), 2);
}

#[tokio::test]
async fn a_removed_instance_loses_its_token_until_it_is_installed_again() {
    let wix = Wix::start().await;
    wix.sim.remove(Some("s1")).unwrap();
    assert_eq!(wix.get(CONTACTS).await.status, 401);
    wix.set("removed_instance_status", "403");
    assert_eq!(wix.get(CONTACTS).await.status, 403);
    assert!(wix.token_for("i1").await.is_empty());
    wix.sim.install(Some("s1")).unwrap();
    assert_eq!(wix.get(CONTACTS).await.status, 200);
}

#[tokio::test]
async fn a_person_needs_no_token_and_is_counted_apart() {
    let wix = Wix::start().await;
    wix.sim.core().calls.clear();
    let request = wix.request(Method::POST, CONTACTS).header("x-actor", "user").header("wix-site-id", "s2");
    let made = wix.send(request.json(&json!({"info": named("Eve")}))).await;
    assert_eq!(made.contact()["source"]["sourceType"], "ADMIN");
    assert_eq!(wix.sim.core().calls.total(), 0);
    assert_eq!(wix.sim.core().calls.to_json()["user"]["POST /contacts/v4/contacts"], 1);
    assert_eq!(wix.sim.contacts(Some("i2")).unwrap().len(), 1);
}
