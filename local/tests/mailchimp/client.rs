//! A simulator on a manual clock, a client of it and a receiver of its webhooks.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::get,
};
use contact_bridge_local::vendors::{
    kit::Clock,
    mailchimp::{AccountOptions, ListOptions, Options, Simulator},
};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

pub const START_MS: i64 = 1_770_000_000_000;
pub const LIST: &str = "/lists/l1";
pub const MEMBERS: &str = "/lists/l1/members";

/// A simulator with the accounts `a` (audiences `l1` with single and `l2` with double opt-in) and `b` (`l3`).
pub struct Mailchimp {
    pub sim: Simulator,
    pub http: reqwest::Client,
    pub key: String,
}

/// An answer: status and body, null where there is none.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Answer {
    pub fn title(&self) -> (u16, &str) {
        (self.status, self.body["title"].as_str().unwrap_or_default())
    }

    /// The first refused field.
    pub fn field(&self) -> (u16, &str) {
        (self.status, self.body["errors"][0]["field"].as_str().unwrap_or_default())
    }

    /// The status of the member answered.
    pub fn member(&self) -> &str {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body["status"].as_str().unwrap()
    }
}

pub fn hash(email: &str) -> String {
    hex::encode(*md5::compute(email.to_lowercase()))
}

pub fn path_of(email: &str) -> String {
    format!("{MEMBERS}/{}", hash(email))
}

impl Mailchimp {
    pub async fn start() -> Self {
        let mut a = AccountOptions::new("a", "l1");
        a.timezone = Some("America/New_York".to_owned());
        a.tokens = vec!["oauth-a".to_owned()];
        a.lists.push(ListOptions { double_optin: true, ..ListOptions::new("l2") });
        let options = Options { clock: Clock::manual(START_MS), seed: 1, accounts: vec![a, AccountOptions::new("b", "l3")] };
        let sim = Simulator::start(([127, 0, 0, 1], 0).into(), options).await.unwrap();
        let mailchimp = Self { sim, http: reqwest::Client::new(), key: "key-a-us6".to_owned() };
        // Two slow cores must not turn a delivery into a failure.
        mailchimp.set("webhook_timeout_ms", 30_000);
        mailchimp
    }

    pub fn set(&self, switch: &str, value: impl Into<Value>) {
        self.sim.core().switches.put(switch, value).unwrap();
    }

    pub fn advance(&self, seconds: u64) {
        self.sim.core().clock.advance(Duration::from_secs(seconds));
    }

    /// A call without credentials.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let prefix = if path.starts_with("/_control") { "" } else { "/3.0" };
        self.http.request(method, format!("{}{prefix}{path}", self.sim.base_url()))
    }

    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        Answer { status, body: serde_json::from_str(&text).unwrap_or_default() }
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request = self.request(method, path).basic_auth("any", Some(&self.key));
        self.send(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PUT, path, Some(body)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PATCH, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, None).await
    }

    /// Exports an address as an opted-in contact.
    pub async fn export(&self, email: &str) -> Answer {
        self.put(&path_of(email), json!({"email_address": email, "status_if_new": "subscribed"})).await
    }

    pub async fn set_status(&self, email: &str, status: &str) -> Answer {
        self.patch(&path_of(email), json!({"status": status})).await
    }

    /// A person acts in `l1`.
    pub fn act(&self, act: &str, email: &str) -> Value {
        self.sim.act(act, &json!({"list": "l1", "email": email})).unwrap()
    }

    /// Kinds of the mails sent so far.
    pub fn mailed(&self) -> Vec<String> {
        self.sim.mails().iter().map(|mail| mail["kind"].as_str().unwrap().to_owned()).collect()
    }

    /// Posts everything due until nothing is left that is due now.
    pub async fn deliver(&self) {
        while self.sim.deliver_due().await > 0 {}
    }
}

/// What a receiver got and what it answers.
#[derive(Clone, Default)]
pub struct Inbox {
    pub url: String,
    got: Arc<Mutex<Vec<Letter>>>,
    answers: Arc<Mutex<VecDeque<u16>>>,
    pub probes: Arc<Mutex<u32>>,
}

/// One delivery.
#[derive(Clone)]
pub struct Letter {
    pub signature: Option<String>,
    pub body: String,
    pub form: BTreeMap<String, String>,
}

impl Inbox {
    /// A receiver at an address of its own.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let inbox = Self { url: format!("http://{}/hook", listener.local_addr().unwrap()), ..Self::default() };
        let router = Router::new().route("/hook", get(probed).post(received)).with_state(inbox.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        inbox
    }

    /// A receiver of all events of `l1` from all sources; with the webhook as created.
    pub async fn of(mailchimp: &Mailchimp) -> (Self, Value) {
        let inbox = Self::start().await;
        let hook = mailchimp.post(&format!("{LIST}/webhooks"), order(&inbox.url, true)).await;
        assert_eq!(hook.status, 200, "{}", hook.body);
        (inbox, hook.body)
    }

    /// Answers the next requests with these statuses instead of 200.
    pub fn answer(&self, statuses: &[u16]) {
        self.answers.lock().unwrap().extend(statuses);
    }

    /// What came since the last time.
    pub fn take(&self) -> Vec<Letter> {
        std::mem::take(&mut self.got.lock().unwrap())
    }

    /// Types of the events that came since the last time.
    pub async fn types(&self, mailchimp: &Mailchimp) -> Vec<String> {
        mailchimp.deliver().await;
        self.take().iter().map(|letter| letter.form["type"].clone()).collect()
    }

    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.answers.lock().unwrap().pop_front().unwrap_or(200)).unwrap()
    }
}

/// The body of a webhook's creation.
pub fn order(url: &str, api: bool) -> Value {
    let events = ["subscribe", "unsubscribe", "profile", "cleaned", "upemail", "campaign"].map(|event| (event, true));
    json!({"url": url, "events": BTreeMap::from(events), "sources": {"user": true, "admin": true, "api": api}})
}

async fn probed(State(inbox): State<Inbox>) -> StatusCode {
    *inbox.probes.lock().unwrap() += 1;
    inbox.status()
}

async fn received(State(inbox): State<Inbox>, headers: HeaderMap, body: String) -> StatusCode {
    assert_eq!(headers["content-type"], "application/x-www-form-urlencoded");
    let signature = headers.get("x-mailchimp-signature").map(|value| value.to_str().unwrap().to_owned());
    let form = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    inbox.got.lock().unwrap().push(Letter { signature, body, form });
    inbox.status()
}
