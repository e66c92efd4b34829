//! A simulator on a manual clock, a client of it and a receiver of its webhooks.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use contact_bridge_local::vendors::{
    kit::Clock,
    pipedrive::{CompanyOptions, Options, Simulator},
};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

/// 2026-02-02, 02:40 UTC.
pub const START_MS: i64 = 1_770_000_000_000;
pub const PERSONS: &str = "/api/v2/persons";

/// A simulator with the companies `a` (id 7) and `b` (id 8).
pub struct Pipedrive {
    pub sim: Simulator,
    http: reqwest::Client,
}

/// An answer.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn data(&self) -> &Value {
        assert!(self.status < 300 && self.body["success"] == true, "{} {}", self.status, self.body);
        &self.body["data"]
    }

    pub fn id(&self) -> u64 {
        self.data()["id"].as_u64().unwrap()
    }

    /// Names of the persons listed or found.
    pub fn names(&self) -> Vec<&str> {
        let items = self.data().get("items").unwrap_or_else(|| self.data()).as_array().unwrap();
        items.iter().map(|each| each.get("item").unwrap_or(each)["name"].as_str().unwrap()).collect()
    }

    pub fn cursor(&self) -> Option<&str> {
        self.body["additional_data"]["next_cursor"].as_str()
    }

    /// Status, and whether the error names the field.
    pub fn refuses(&self, field: &str) -> (u16, bool) {
        let error = self.body["error"].as_str().unwrap_or_default();
        (self.status, self.body["success"] == false && error.contains(field))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

impl Pipedrive {
    pub async fn start() -> Self {
        let a = CompanyOptions { access_tokens: vec!["oauth-a".to_owned()], ..CompanyOptions::new("a", 7) };
        let options = Options { clock: Clock::manual(START_MS), companies: vec![a, CompanyOptions::new("b", 8)], ..Options::default() };
        let sim = Simulator::start(([127, 0, 0, 1], 0).into(), options).await.unwrap();
        let pipedrive = Self { sim, http: reqwest::Client::new() };
        // Two slow cores must not turn a delivery into a failure.
        pipedrive.set("webhook_timeout_ms", 30_000);
        pipedrive.set("calls_per_two_seconds", 0);
        pipedrive.set("searches_per_two_seconds", 0);
        pipedrive
    }

    pub fn set(&self, switch: &str, value: impl Into<Value>) {
        self.sim.switch(switch, value).unwrap();
    }

    pub fn advance(&self, ms: u64) {
        self.sim.core().clock.advance(Duration::from_millis(ms));
    }

    /// A call without credentials.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.sim.base_url()))
    }

    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.unwrap();
        Answer { status, headers, body: serde_json::from_str(&text).unwrap_or_default() }
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request = self.request(method, path).header("x-api-token", "token-a");
        self.send(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PUT, path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PATCH, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, None).await
    }

    /// Creates a person with an address made of the name.
    pub async fn create(&self, name: &str) -> u64 {
        let email = format!("{}@example.com", name.to_lowercase().replace(' ', "."));
        self.post(PERSONS, json!({"name": name, "emails": [{"value": email}]})).await.id()
    }

    /// A person's own call.
    pub async fn by_hand(&self, method: Method, path: &str, body: Value) -> Answer {
        self.send(self.request(method, path).header("x-actor", "user").json(&body)).await
    }
}

/// Credentials, and an event.
type Delivery = (Option<String>, Value);

/// What a receiver got and what it answers.
#[derive(Clone, Default)]
pub struct Inbox {
    pub url: String,
    got: Arc<Mutex<Vec<Delivery>>>,
    answers: Arc<Mutex<VecDeque<u16>>>,
}

impl Inbox {
    /// A receiver of all events of company `a`.
    pub async fn of(pipedrive: &Pipedrive) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let inbox = Self { url: format!("http://{}/hook", listener.local_addr().unwrap()), ..Self::default() };
        let router = Router::new().route("/hook", post(received)).with_state(inbox.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let made = pipedrive.post("/v1/webhooks", order(&inbox.url)).await;
        assert_eq!(made.status, 201, "{}", made.body);
        inbox
    }

    /// Answers the next requests with these statuses instead of 200.
    pub fn answer(&self, statuses: &[u16]) {
        self.answers.lock().unwrap().extend(statuses);
    }

    /// Credentials and events that came since the last time.
    pub async fn take(&self, pipedrive: &Pipedrive) -> Vec<Delivery> {
        while pipedrive.sim.deliver_due().await > 0 {}
        std::mem::take(&mut self.got.lock().unwrap())
    }

    /// Events that came since the last time.
    pub async fn events(&self, pipedrive: &Pipedrive) -> Vec<Value> {
        self.take(pipedrive).await.into_iter().map(|(_, event)| event).collect()
    }
}

/// The body of a webhook's creation.
pub fn order(url: &str) -> Value {
    json!({
        "subscription_url": url, "event_action": "*", "event_object": "person", "name": "bridge", "version": "2.0",
        "http_auth_user": "bridge", "http_auth_password": "secret",
    })
}

async fn received(State(inbox): State<Inbox>, headers: HeaderMap, body: String) -> StatusCode {
    let auth = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    inbox.got.lock().unwrap().push((auth, serde_json::from_str(&body).unwrap()));
    let status = inbox.answers.lock().unwrap().pop_front().unwrap_or(200);
    StatusCode::from_u16(status).unwrap()
}
