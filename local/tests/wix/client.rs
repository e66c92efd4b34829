//! A simulator on a manual clock, a client of it and a receiver of its webhooks.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use axum::{Router, extract::State, http::StatusCode, routing::post};
use contact_bridge_local::vendors::{
    kit::Clock,
    wix::{Options, Simulator, SiteIds},
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

pub const START_MS: i64 = 1_770_000_000_000;
pub const CONTACTS: &str = "/contacts/v4/contacts";

/// A simulator with the sites `s1`/`i1` and `s2`/`i2`.
pub struct Wix {
    pub sim: Simulator,
    pub http: reqwest::Client,
    pub token: String,
}

/// An answer: status and body.
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Answer {
    /// The application error's code.
    pub fn code(&self) -> (u16, &str) {
        (self.status, self.body["details"]["applicationError"]["code"].as_str().unwrap_or_default())
    }

    /// The first violated field and its rule.
    pub fn violation(&self) -> (u16, &str, &str) {
        let first = &self.body["details"]["validationError"]["fieldViolations"][0];
        (self.status, first["field"].as_str().unwrap_or_default(), first["violatedRule"].as_str().unwrap_or_default())
    }

    pub fn contact(&self) -> &Value {
        assert_eq!(self.status, 200, "{}", self.body);
        &self.body["contact"]
    }

    pub fn id(&self) -> String {
        self.contact()["id"].as_str().unwrap().to_owned()
    }
}

impl Wix {
    pub async fn start() -> Self {
        let site = |n| SiteIds { site_id: format!("s{n}"), instance_id: format!("i{n}") };
        let options = Options {
            clock: Clock::manual(START_MS),
            app_id: "app".into(),
            app_secret: "secret".into(),
            api_keys: vec!["key".into()],
            sites: vec![site(1), site(2)],
            ..Options::default()
        };
        let sim = Simulator::start(([127, 0, 0, 1], 0).into(), options).await.unwrap();
        let mut wix = Self { sim, http: reqwest::Client::new(), token: String::new() };
        wix.token = wix.token_for("i1").await;
        // Two slow cores must not turn a delivery into a failure.
        wix.set("webhook_timeout_ms", 30_000);
        wix
    }

    pub fn set(&self, switch: &str, value: impl Into<Value>) {
        self.sim.switch(switch, value).unwrap();
    }

    pub async fn token_for(&self, instance: &str) -> String {
        let body = json!({"grant_type": "client_credentials", "client_id": "app", "client_secret": "secret", "instance_id": instance});
        let answer = self.send(self.request(Method::POST, "/oauth2/token").json(&body)).await;
        answer.body["access_token"].as_str().unwrap_or_default().to_owned()
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.sim.base_url()))
    }

    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let answer = request.send().await.unwrap();
        assert!(answer.headers().contains_key("x-wix-request-id") || answer.url().path().starts_with("/_control"));
        let status = answer.status().as_u16();
        Answer { status, body: answer.json().await.unwrap() }
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request = self.request(method, path).header("authorization", &self.token);
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

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PATCH, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, None).await
    }

    pub async fn create(&self, info: Value) -> Answer {
        self.post(CONTACTS, json!({"info": info})).await
    }

    /// Updates the contact at its present revision.
    pub async fn update(&self, id: &str, info: Value) -> Answer {
        let revision = self.get(&format!("{CONTACTS}/{id}")).await.contact()["revision"].clone();
        self.patch(&format!("{CONTACTS}/{id}"), json!({"revision": revision, "info": info})).await
    }

    pub async fn query(&self, query: Value) -> Answer {
        self.post(&format!("{CONTACTS}/query"), json!({"query": query})).await
    }

    /// First names of the contacts a filter finds.
    pub async fn found(&self, filter: Value) -> Vec<String> {
        let answer = self.query(json!({"filter": filter})).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        names(&answer)
    }

    /// Posts everything due until nothing is left that is due now.
    pub async fn deliver(&self) {
        while self.sim.deliver_due().await > 0 {}
    }
}

pub fn names(answer: &Answer) -> Vec<String> {
    let contacts = answer.body["contacts"].as_array().unwrap();
    contacts.iter().map(|contact| contact["info"]["name"]["first"].as_str().unwrap_or_default().to_owned()).collect()
}

pub fn named(first: &str) -> Value {
    json!({"name": {"first": first}})
}

pub fn emails(list: &[&str]) -> Value {
    let items: Vec<Value> = list.iter().map(|email| json!({"email": email})).collect();
    json!({"items": items})
}

/// What a receiver got and what it answers.
#[derive(Clone, Default)]
pub struct Inbox {
    got: Arc<Mutex<Vec<(String, String)>>>,
    answers: Arc<Mutex<VecDeque<u16>>>,
}

impl Inbox {
    /// A receiver the simulator posts to.
    pub async fn of(wix: &Wix) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let inbox = Self::default();
        let router = Router::new().route("/hook", post(receive)).with_state(inbox.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        wix.sim.set_webhook_urls(vec![url]);
        inbox
    }

    /// Answers the next deliveries with these statuses instead of 200.
    pub fn answer(&self, statuses: &[u16]) {
        self.answers.lock().unwrap().extend(statuses);
    }

    /// Raw bodies with their content types, and forgets them.
    pub fn take(&self) -> Vec<(String, String)> {
        std::mem::take(&mut self.got.lock().unwrap())
    }

    /// The envelopes received, verified with the simulator's key; inner data and identity parsed.
    pub fn events(&self, wix: &Wix) -> Vec<Value> {
        self.take().iter().map(|(_, body)| open(wix, body)).collect()
    }

    /// Inner events of one type.
    pub fn slugs(&self, wix: &Wix) -> Vec<String> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        self.events(wix).iter().map(|event| text(&event["data"]["slug"])).collect()
    }
}

async fn receive(State(inbox): State<Inbox>, headers: axum::http::HeaderMap, body: String) -> StatusCode {
    let kind = headers["content-type"].to_str().unwrap().to_owned();
    inbox.got.lock().unwrap().push((kind, body));
    let status = inbox.answers.lock().unwrap().pop_front().unwrap_or(200);
    StatusCode::from_u16(status).unwrap()
}

/// The claims of a delivery, verified.
pub fn claims(wix: &Wix, jwt: &str) -> Value {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let key = DecodingKey::from_rsa_pem(wix.sim.public_key_pem().as_bytes()).unwrap();
    jsonwebtoken::decode::<Value>(jwt, &key, &validation).unwrap().claims
}

/// The envelope of a delivery with its nested texts parsed.
pub fn open(wix: &Wix, jwt: &str) -> Value {
    let parse = |text: &Value| serde_json::from_str::<Value>(text.as_str().unwrap()).unwrap();
    let mut envelope = parse(&claims(wix, jwt)["data"]);
    envelope["data"] = parse(&envelope["data"]);
    if envelope["identity"].is_string() {
        envelope["identity"] = parse(&envelope["identity"]);
    }
    envelope
}
