//! Faults, limits and the other control calls.

use std::time::Duration;

use contact_bridge_local::vendors::kit::{Fault, FaultKind};
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{CONTACTS, Inbox, START_MS, Wix, named};

const CREATE: &str = "POST /contacts/v4/contacts";

async fn raw(wix: &Wix, first: &str) -> reqwest::Result<reqwest::Response> {
    let request = wix.request(Method::POST, CONTACTS).header("authorization", &wix.token);
    request.json(&json!({"info": named(first)})).send().await
}

fn kept(wix: &Wix) -> usize {
    wix.sim.contacts(None).unwrap().len()
}

#[tokio::test]
async fn a_status_fault_does_nothing_and_counts_down() {
    let wix = Wix::start().await;
    let fault = json!({"endpoint": CREATE, "kind": "status", "status": 503, "retry_after": "7", "times": 1});
    assert_eq!(wix.post("/_control/faults", fault).await.status, 200);
    let answer = raw(&wix, "Ada").await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].to_str().unwrap(), kept(&wix)), (503, "7", 0));
    assert_eq!(answer.json::<Value>().await.unwrap(), json!({"message": "", "details": {}}));
    assert_eq!(raw(&wix, "Ada").await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_lost_reply_still_did_the_work() {
    let wix = Wix::start().await;
    for (kind, done) in [(FaultKind::LoseReply, 1), (FaultKind::Timeout, 2)] {
        wix.sim.fault(Fault::once(kind, CREATE)).unwrap();
        assert!(raw(&wix, "Ada").await.is_err());
        assert_eq!(kept(&wix), done);
    }
}

#[tokio::test]
async fn bodies_can_break_off_or_be_html() {
    let wix = Wix::start().await;
    wix.sim.fault(Fault::once(FaultKind::Cut, CREATE)).unwrap();
    let answer = raw(&wix, "Ada").await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.json::<Value>().await.is_err());
    wix.sim.fault(Fault::once(FaultKind::NotJson, CREATE)).unwrap();
    let answer = raw(&wix, "Bob").await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.unwrap().starts_with("<!DOCTYPE"));
    assert_eq!(kept(&wix), 1);
}

#[tokio::test]
async fn people_are_spared_faults_and_limits() {
    let wix = Wix::start().await;
    wix.set("rate_limit_per_minute", 1);
    wix.sim.fault(Fault::status(500, CREATE)).unwrap();
    for first in ["Ada", "Bob"] {
        let request = wix.request(Method::POST, CONTACTS).header("x-actor", "user");
        wix.send(request.json(&json!({"info": named(first)}))).await.id();
    }
    assert_eq!(wix.create(named("Cyd")).await.status, 500);
}

#[tokio::test]
async fn the_limit_counts_per_instance_and_minute() {
    let mut wix = Wix::start().await;
    wix.set("rate_limit_per_minute", 2);
    let one = wix.token.clone();
    wix.get(CONTACTS).await;
    wix.get(CONTACTS).await;
    let refused = wix.get(CONTACTS).await;
    assert_eq!((refused.status, refused.body["message"].as_str().unwrap()), (429, "Resource exhausted"));
    wix.token = wix.token_for("i2").await;
    assert_eq!(wix.get(CONTACTS).await.status, 200);
    wix.token = one;
    wix.set("throttle_status", "403");
    wix.set("retry_after", true);
    let answer = wix.request(Method::GET, CONTACTS).header("authorization", &wix.token).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].to_str().unwrap()), (403, "60"));
    assert_eq!(wix.sim.core().calls.refused(), 2);
    wix.sim.clock().advance(Duration::from_mins(1));
    assert_eq!(wix.get(CONTACTS).await.status, 200);
}

#[tokio::test]
async fn minutes_may_follow_the_limiters_own_clock() {
    let wix = Wix::start().await;
    wix.set("rate_limit_per_minute", 2);
    wix.set("rate_window", "fixed");
    // The simulator starts at a full minute.
    wix.set("rate_window_offset_ms", 45_000);
    let status = async || wix.get(CONTACTS).await.status;
    assert_eq!([status().await, status().await, status().await], [200, 200, 429]);
    wix.sim.clock().advance(Duration::from_millis(44_999));
    assert_eq!(status().await, 429);
    wix.sim.clock().advance(Duration::from_millis(1));
    assert_eq!([status().await, status().await, status().await], [200, 200, 429]);
}

#[tokio::test]
async fn calls_are_counted_by_route() {
    let wix = Wix::start().await;
    let id = wix.create(named("Ada")).await.id();
    wix.get(&format!("{CONTACTS}/{id}")).await;
    let calls = wix.get("/_control/calls").await.body;
    assert_eq!(calls["routes"]["GET /contacts/v4/contacts/{id}"], 1);
    assert_eq!(calls["sites"]["i1"]["POST /contacts/v4/contacts"], 1);
    assert_eq!(wix.sim.core().calls.of(CREATE), 1);
}

#[tokio::test]
async fn webhooks_can_be_dropped_repeated_delayed_and_shuffled() {
    let wix = Wix::start().await;
    let inbox = Inbox::of(&wix).await;
    for (fault, copies) in [(json!({"kind": "webhook_drop"}), 0), (json!({"kind": "webhook_repeat", "n": 2}), 3)] {
        wix.post("/_control/faults", fault).await;
        wix.create(named("Ada")).await.id();
        wix.deliver().await;
        assert_eq!(inbox.take().len(), copies);
    }
    wix.post("/_control/faults", json!({"kind": "webhook_delay", "ms": 5, "event": "wix.contacts.v4.contact_created"})).await;
    wix.create(named("Ada")).await.id();
    assert_eq!(wix.sim.next_due(), Some(START_MS + 5));
    wix.sim.clock().advance(Duration::from_millis(5));
    wix.deliver().await;
    inbox.take();
    wix.post("/_control/faults", json!({"kind": "webhook_reorder", "seed": 3})).await;
    let ids: Vec<String> = wix.sim.seed(None, &["A", "B", "C", "D", "E"].map(named)).unwrap();
    wix.deliver().await;
    let got: Vec<Value> = inbox.events(&wix).iter().map(|event| event["data"]["entityId"].clone()).collect();
    assert!(got.len() == 5 && got != ids, "{got:?}");
}

#[tokio::test]
async fn the_control_calls_steer_the_simulator() {
    let wix = Wix::start().await;
    assert!(wix.get("/_control").await.body.get("POST /_control/anonymize").is_some());
    let switches = wix.send(wix.request(Method::PUT, "/_control/switches").json(&json!({"patch_name": "merge"}))).await;
    assert_eq!(switches.body["patch_name"]["value"], "merge");
    let wrong = wix.send(wix.request(Method::PUT, "/_control/switches").json(&json!({"patch_name": 1}))).await;
    assert!(wrong.status == 400 && wrong.body["error"].as_str().unwrap().starts_with("patch_name"));
    assert_eq!(wix.post("/_control/clock", json!({"advance_ms": 5})).await.body["now_ms"], START_MS + 5);
    assert_eq!(wix.post("/_control/clock", json!({"set": "soon"})).await.status, 400);
    let site = wix.post("/_control/sites", json!({"site_id": "s3", "instance_id": "i3"})).await;
    assert_eq!(site.status, 200);
    assert!(!wix.token_for("i3").await.is_empty());
    wix.create(named("Ada")).await.id();
    assert_eq!(wix.post("/_control/reset", json!({})).await.status, 200);
    assert_eq!((kept(&wix), wix.get(CONTACTS).await.status), (0, 401));
}

#[tokio::test]
async fn a_real_clock_delivers_by_itself() {
    let wix = Wix::start().await;
    let options = contact_bridge_local::vendors::wix::Options::default();
    let sim = contact_bridge_local::vendors::wix::Simulator::start(([127, 0, 0, 1], 0).into(), options).await.unwrap();
    let inbox = Inbox::of(&wix).await;
    let url = wix.get("/_control/webhooks").await.body["urls"][0].as_str().unwrap().to_owned();
    sim.core().switches.put("webhook_timeout_ms", 30_000).unwrap();
    sim.set_webhook_urls(vec![url]);
    sim.seed(None, &[named("Ada")]).unwrap();
    let got = async {
        while inbox.take().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), got).await.unwrap();
}
