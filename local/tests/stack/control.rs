//! The control API.

use contact_bridge_local::cloud::dynamo::Storage;
use contact_bridge_local::stack::{Options, Stack, StoreKind};
use reqwest::Method;
use serde_json::{Value, json};

use crate::stack;

/// Calls the control API; the status and the JSON.
async fn call(stack: &Stack, method: Method, path: &str, body: &str) -> (u16, Value) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let reply = http.request(method, format!("{}/_control{path}", stack.control_url())).body(body.to_owned()).send().await.unwrap();
    (reply.status().as_u16(), reply.json().await.unwrap())
}

#[tokio::test]
async fn what_cannot_be_done_is_400_and_names_the_field() {
    let (stack, site) = stack().await;
    let of_site = |rest: &str| format!(r#"{{"site": "{}", {rest}}}"#, site.id);
    let cases = [
        (Method::POST, "/settle", r#"{"limit_ms": "x"}"#.to_owned(), "limit_ms"),
        (Method::POST, "/settle", "nonsense".to_owned(), "body"),
        (Method::POST, "/clock", "{}".to_owned(), "advance_ms or set"),
        (Method::POST, "/clock", r#"{"advance_ms": -1}"#.to_owned(), "advance_ms"),
        (Method::POST, "/clock", r#"{"set": "2001-01-01T00:00:00Z"}"#.to_owned(), "set"),
        (Method::POST, "/clock", r#"{"set": "noon"}"#.to_owned(), "set"),
        (Method::POST, "/sites/new", "{}".to_owned(), "body: missing field `name`"),
        (Method::POST, "/sites/new", r#"{"name": " "}"#.to_owned(), "name"),
        (Method::POST, "/sites/new", r#"{"name": "shop"}"#.to_owned(), "name"),
        (Method::GET, "/links?site=nowhere", String::new(), "site"),
        (Method::GET, "/parked?site=nowhere", String::new(), "site"),
        (Method::POST, "/resync", of_site(r#""side": "moon", "id": "1""#), "side"),
        (Method::POST, "/resync", of_site(r#""side": "wix""#), "body: missing field `id`"),
        (Method::POST, "/resync", r#"{"site": "nowhere", "side": "wix", "id": "1"}"#.to_owned(), "site"),
        (Method::GET, "/runs?site=nowhere", String::new(), "site"),
        (Method::POST, "/runs", of_site(r#""run": "marathon", "do": "now""#), "run"),
        (Method::POST, "/runs", of_site(r#""run": "export", "do": "jump""#), "do"),
        (Method::POST, "/runs", r#"{"site": "nowhere", "run": "export", "do": "now"}"#.to_owned(), "site"),
        (Method::POST, "/live", r#"{"ms": "x"}"#.to_owned(), "ms"),
        (Method::POST, "/bus/faults", r#"{"kind": "explode"}"#.to_owned(), "kind"),
        (Method::POST, "/bus/faults", r#"{"kind": "repeat", "times": 0}"#.to_owned(), "times"),
        (Method::POST, "/workers", r#"{"count": 0}"#.to_owned(), "count"),
        (Method::POST, "/workers", "{}".to_owned(), "body: missing field `count`"),
        (Method::PUT, "/wix-keys", r#"{"pems": ["x"]}"#.to_owned(), "pems"),
        (Method::PUT, "/sites", "{}".to_owned(), "body: missing field `site`"),
    ];
    for (method, path, body, field) in cases {
        let (status, reply) = call(&stack, method.clone(), path, &body).await;
        let error = reply["error"].as_str().unwrap();
        assert!(status == 400 && error.contains(field), "{method} {path} {body}: {status} {error}");
    }
}

#[tokio::test]
async fn settings_are_checked_when_they_are_saved() {
    let (stack, site) = stack().await;
    let (_, all) = call(&stack, Method::GET, "/sites", "").await;
    let stored = all["sites"][0].clone();
    assert_eq!(stored["site"], json!(site.id));
    let row = |external: &str| json!([{"id": "x", "wix": "jobTitle", "external": external}]);
    let cases = [
        (json!({"mapping": row("no_such_property")}), "no_such_property"),
        (json!({"mapping": row("createdate")}), "createdate"),
        (json!({"rails": {"percent_per_hour": 101}}), "rails.percent_per_hour"),
        (json!({"system_of_record": "moon"}), "system_of_record"),
        (json!({"colour": "blue"}), "colour"),
        (json!({"site": "nowhere"}), "site"),
        (json!({"crm": {"kind": "hubspot", "secret": "none"}}), "crm.secret"),
        (json!({"version": 7}), "version"),
    ];
    for (change, named) in cases {
        let mut wanted = stored.clone();
        wanted.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let (status, reply) = call(&stack, Method::PUT, "/sites", &wanted.to_string()).await;
        assert!(status == 400 && reply["error"].as_str().unwrap().contains(named), "{change}: {status} {reply}");
    }
    let (status, saved) = call(&stack, Method::PUT, "/sites", &stored.to_string()).await;
    assert_eq!((status, &saved["version"]), (200, &json!(2)));
}

#[tokio::test]
async fn every_listed_call_is_there() {
    let (stack, _) = stack().await;
    let (_, index) = call(&stack, Method::GET, "", "").await;
    for line in index.as_object().unwrap().keys() {
        let (methods, path) = line.split_once(' ').unwrap();
        let path = path.strip_prefix("/_control").unwrap().trim_end_matches("?site=");
        for method in methods.split('|') {
            let (status, reply) = call(&stack, method.parse().unwrap(), path, "").await;
            assert!(status == 200 || status == 400, "{method} {path}: {status} {reply}");
        }
    }
    assert_eq!(call(&stack, Method::GET, "/nothing", "").await.0, 404);
}

#[tokio::test]
async fn a_day_at_the_desk() {
    let options = Options { store: StoreKind::DynamoDb(Storage::Memory), metered: true, ..Options::default() };
    let stack = Stack::start(options).await.unwrap();
    let (_, site) = call(&stack, Method::POST, "/sites/new", r#"{"name": "shop"}"#).await;
    let (_, addresses) = call(&stack, Method::GET, "/addresses", "").await;
    assert_eq!((&addresses["sites"][0]["site"], &addresses["control"]), (&site["site"], &json!(stack.control_url())));
    call(&stack, Method::POST, "/workers", r#"{"count": 2}"#).await;
    call(&stack, Method::POST, "/bus/faults", r#"{"kind": "repeat", "copies": 2}"#).await;
    let people = stack.client(&stack.sites()[0]);
    let id = people.wix_create(json!({"name": {"first": "Ada"}})).await.unwrap();
    let (_, settled) = call(&stack, Method::POST, "/settle", "").await;
    assert_eq!((&settled["quiet"], settled["webhooks"].as_u64().unwrap() > 0), (&json!(true), true));
    let (_, links) = call(&stack, Method::GET, "/links", "").await;
    assert_eq!((links["links"].as_array().unwrap().len(), &links["links"][0]["wix"]["id"]), (1, &json!(id)));
    let order = json!({"site": site["site"], "side": "wix", "id": id}).to_string();
    assert_eq!(call(&stack, Method::POST, "/resync", &order).await.0, 200);
    let (_, usage) = call(&stack, Method::GET, "/usage", "").await;
    assert!(usage["dynamodb"]["write_units"].as_f64().unwrap() > 0.0);
    assert_eq!(usage["hubspot"]["routes"]["POST /crm/objects/2026-09/contacts/batch/upsert"], 1);
    let (_, usage) = call(&stack, Method::DELETE, "/usage", "").await;
    assert_eq!((&usage["dynamodb"]["write_units"], &usage["wix"]["total"]), (&json!(0.0), &json!(0)));
}

#[tokio::test]
async fn a_dead_letter_goes_back_to_the_queue() {
    let (stack, _) = stack().await;
    let _ = stack.queue().send(contact_bridge_local::cloud::queue::Draft::new("not an event")).unwrap();
    stack.settle().await.unwrap();
    let (_, letters) = call(&stack, Method::GET, "/dead-letters", "").await;
    assert!(letters["dead_letters"][0].to_string().contains("unreadable"), "{letters}");
    let (_, redriven) = call(&stack, Method::POST, "/dead-letters/redrive", "").await;
    assert_eq!(redriven["redriven"], 1);
    assert!(stack.dead_letters().is_empty() && !stack.queue().is_empty());
}
