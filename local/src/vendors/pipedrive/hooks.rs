//! Webhooks of a company, managed by version 1 of the API (<https://pipedrive.readme.io/docs/guide-for-webhooks-v2>).

use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use serde_json::{Map, Value, json};

use super::{
    body::object,
    person::iso,
    refusal::Refusal,
    world::{Answer, World},
};

const ACTIONS: [&str; 4] = ["create", "change", "delete", "*"];
const OBJECTS: [&str; 11] = ["activity", "deal", "lead", "note", "organization", "person", "pipeline", "product", "stage", "user", "*"];
/// A user has at most so many.
const MOST: usize = 40;

/// One webhook.
pub(super) struct Hook {
    pub id: u64,
    pub url: String,
    pub auth: Option<(String, String)>,
    pub owner: u64,
    action: String,
    object: String,
    name: String,
    added_ms: i64,
}

impl Hook {
    /// Whether it is told of this action on persons.
    pub fn wants(&self, action: &str) -> bool {
        (self.action == action || self.action == "*") && (self.object == "person" || self.object == "*")
    }

    fn read(body: &Map<String, Value>, needs_name: bool) -> Result<Self, Refusal> {
        let text = |key: &str| body.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let one_of = |key: &str, words: &[&str]| {
            let word = text(key).filter(|word| words.contains(word));
            word.map(str::to_owned).ok_or_else(|| Refusal::field(key, &format!("must be one of {}", words.join(", "))))
        };
        let url = text("subscription_url").filter(|url| url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https")));
        let name = text("name").or(Some("").filter(|_| !needs_name));
        if text("version").is_some_and(|version| version != "2.0") {
            return Err(Refusal::field("version", "must be 2.0: the simulator knows no other"));
        }
        Ok(Self {
            id: 0,
            url: url.ok_or_else(|| Refusal::field("subscription_url", "must be a full URL"))?.to_owned(),
            auth: text("http_auth_user").map(|user| (user.to_owned(), text("http_auth_password").unwrap_or_default().to_owned())),
            owner: 0,
            action: one_of("event_action", &ACTIONS)?,
            object: one_of("event_object", &OBJECTS)?,
            name: name.ok_or_else(|| Refusal::field("name", "is required"))?.to_owned(),
            added_ms: 0,
        })
    }

    fn to_json(&self, company: u64) -> Value {
        let (user, password) = self.auth.as_ref().map(|(user, password)| (user.as_str(), password.as_str())).unzip();
        json!({
            "id": self.id, "company_id": company, "owner_id": self.owner, "user_id": self.owner, "event_action": self.action,
            "event_object": self.object, "subscription_url": self.url, "version": "2.0", "is_active": 1, "add_time": iso(self.added_ms),
            "remove_time": null, "type": "general", "http_auth_user": user, "http_auth_password": password, "name": self.name,
            "remove_reason": null, "last_delivery_time": null, "last_http_status": null,
        })
    }
}

pub(super) async fn list(State(world): State<World>, headers: HeaderMap) -> Response {
    world.call(&headers, |desk| {
        let hooks: Vec<Value> = desk.company.hooks.values().map(|hook| hook.to_json(desk.company.options.id)).collect();
        Ok(Answer::body(json!({"status": "ok", "success": true, "data": hooks})))
    })
}

pub(super) async fn create(State(world): State<World>, headers: HeaderMap, body: String) -> Response {
    world.call(&headers, |desk| {
        let read = Hook::read(&object(&body)?, world.core.switches.flag("webhook_name_required"))?;
        let owner = desk.actor.user();
        if desk.company.hooks.values().filter(|hook| hook.owner == owner).count() >= MOST {
            return Err(Refusal::new(400, "The user has the most webhooks it can have: 40"));
        }
        let hook = Hook { id: desk.company.next_hook, owner, added_ms: desk.now_ms, ..read };
        desk.company.next_hook += 1;
        let shown = hook.to_json(desk.company.options.id);
        desk.company.hooks.insert(hook.id, hook);
        Ok(Answer::body(json!({"status": "ok", "success": true, "data": shown})).created())
    })
}

pub(super) async fn delete(State(world): State<World>, Path(id): Path<u64>, headers: HeaderMap) -> Response {
    world.call(&headers, |desk| {
        desk.company.hooks.remove(&id).ok_or_else(|| Refusal::not_found("Webhook"))?;
        Ok(Answer::body(json!({"status": "ok", "success": true})))
    })
}
