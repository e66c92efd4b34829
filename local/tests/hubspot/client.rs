//! A simulator on a manual clock and a client of it.

use std::time::Duration;

use contact_bridge_local::vendors::{
    hubspot::{Options, PortalOptions, Simulator},
    kit::Clock,
};
use reqwest::{
    Method,
    header::{HeaderMap, HeaderValue},
};
use serde_json::{Value, json};

/// 2026-02-02, 02:40 UTC.
pub const START_MS: i64 = 1_770_000_000_000;
pub const CONTACTS: &str = "/crm/objects/2026-09/contacts";

/// A simulator with the portals 7 (New York) and 8 (UTC).
pub struct HubSpot {
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
    /// The refused limit, and what a 429 says to wait.
    pub fn policy(&self) -> (u16, &str) {
        (self.status, self.body["policyName"].as_str().unwrap_or_default())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(HeaderValue::to_str).and_then(Result::ok)
    }

    /// First names of the contacts answered.
    pub fn names(&self) -> Vec<&str> {
        assert!(self.status < 300, "{}", self.body);
        self.body["results"].as_array().unwrap().iter().map(|each| each["properties"]["firstname"].as_str().unwrap()).collect()
    }
}

impl HubSpot {
    pub async fn start() -> Self {
        let mut new_york = PortalOptions { timezone: Some("America/New_York".to_owned()), ..PortalOptions::new(7, "pat-7") };
        new_york.properties.push(json!({
            "name": "wix_contact_id", "label": "Wix contact ID", "type": "string", "fieldType": "text", "groupName": "contactinformation",
            "hasUniqueValue": true,
        }));
        let portals = vec![new_york, PortalOptions { code: Some("code-8".to_owned()), ..PortalOptions::new(8, "pat-8") }];
        let options = Options { clock: Clock::manual(START_MS), portals, ..Options::default() };
        let sim = Simulator::start(([127, 0, 0, 1], 0).into(), options).await.unwrap();
        Self { sim, http: reqwest::Client::new() }
    }

    pub fn set(&self, switch: &str, value: impl Into<Value>) {
        self.sim.switches().put(switch, value).unwrap();
    }

    pub fn advance(&self, ms: u64) {
        self.sim.clock().advance(Duration::from_millis(ms));
    }

    pub async fn call(&self, method: Method, path: &str, token: &str, body: Option<Value>) -> Answer {
        let mut request = self.http.request(method, format!("{}{path}", self.sim.base_url())).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        Answer { status: answer.status().as_u16(), headers: answer.headers().clone(), body: answer.json().await.unwrap() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, "pat-7", None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, "pat-7", Some(body)).await
    }

    pub async fn create(&self, name: &str) -> String {
        let answer = self.post(CONTACTS, json!({"properties": {"firstname": name}})).await;
        answer.body["id"].as_str().unwrap().to_owned()
    }

    pub async fn search(&self, body: Value) -> Answer {
        self.post(&format!("{CONTACTS}/search"), body).await
    }

    /// Puts contacts with these first names into portal 7.
    pub fn seed(&self, names: impl Iterator<Item = String>) {
        let contacts: Vec<Value> = names.map(|name| json!({"properties": {"firstname": name}})).collect();
        self.sim.seed(&json!({"site": "7", "contacts": contacts})).unwrap();
    }
}
