//! Webhooks of an audience (<https://mailchimp.com/developer/marketing/api/list-webhooks/>).

use std::time::Duration;

use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use serde_json::{Map, Value, json};

use super::{
    problem::Problem,
    projection::object,
    world::{Answer, World},
};

const EVENTS: [&str; 6] = ["subscribe", "unsubscribe", "profile", "cleaned", "upemail", "campaign"];
const SOURCES: [&str; 3] = ["user", "admin", "api"];
/// How long an address may take to show that it is there.
const PROBE_PATIENCE: Duration = Duration::from_secs(10);

/// One webhook.
pub(super) struct Hook {
    id: String,
    pub url: String,
    pub secret: Option<String>,
    events: Map<String, Value>,
    sources: Map<String, Value>,
}

impl Hook {
    /// Whether it is told of this event when it comes from this source.
    pub fn wants(&self, event: &str, source: &str) -> bool {
        let on = |map: &Map<String, Value>, name: &str| map.get(name) == Some(&Value::Bool(true));
        on(&self.events, event) && on(&self.sources, source)
    }

    fn to_json(&self, list: &str) -> Value {
        json!({
            "id": self.id, "url": self.url, "events": self.events, "sources": self.sources, "list_id": list,
            "signing_enabled": self.secret.is_some(),
        })
    }
}

/// What a create call asks for.
struct Order {
    url: String,
    events: Map<String, Value>,
    sources: Map<String, Value>,
    signing: bool,
}

impl Order {
    fn read(body: &str) -> Result<Self, Problem> {
        let body = object(body)?;
        let url = body.get("url").and_then(Value::as_str).unwrap_or_default();
        if !url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
            return Err(Problem::field("url", "This value is not a valid URL."));
        }
        let signing = body.get("signing_enabled").and_then(Value::as_bool).unwrap_or_default();
        Ok(Self { url: url.to_owned(), events: flags(&body, "events", &EVENTS)?, sources: flags(&body, "sources", &SOURCES)?, signing })
    }
}

/// Every flag of `names`; those not sent are off.
fn flags(body: &Map<String, Value>, field: &str, names: &[&str]) -> Result<Map<String, Value>, Problem> {
    let none = Map::new();
    let sent = match body.get(field) {
        None => &none,
        Some(Value::Object(map)) => map,
        Some(other) => return Err(Problem::kind(field, "object", other)),
    };
    let flag = |name: &&str| match sent.get(*name) {
        None => Ok(((*name).to_owned(), Value::Bool(false))),
        Some(Value::Bool(on)) => Ok(((*name).to_owned(), Value::Bool(*on))),
        Some(other) => Err(Problem::kind(&format!("{field}.{name}"), "boolean", other)),
    };
    names.iter().map(flag).collect()
}

pub(super) async fn list(State(world): State<World>, Path(list): Path<String>, headers: HeaderMap) -> Response {
    world.call(&headers, &list, |desk| {
        let hooks: Vec<Value> = desk.list.hooks.values().map(|hook| hook.to_json(&desk.list.id)).collect();
        Ok(Answer::ok(json!({"webhooks": hooks, "list_id": desk.list.id, "total_items": hooks.len()})))
    })
}

pub(super) async fn one(State(world): State<World>, Path((list, id)): Path<(String, String)>, headers: HeaderMap) -> Response {
    world.call(&headers, &list, |desk| {
        let hook = desk.list.hooks.get(&id).ok_or_else(Problem::not_found)?;
        Ok(Answer::ok(hook.to_json(&desk.list.id)))
    })
}

pub(super) async fn delete(State(world): State<World>, Path((list, id)): Path<(String, String)>, headers: HeaderMap) -> Response {
    world.call(&headers, &list, |desk| {
        desk.list.hooks.remove(&id).ok_or_else(Problem::not_found)?;
        Ok(Answer::no_content())
    })
}

/// Takes a webhook after its address answered; the signing secret is told here and never again.
pub(super) async fn create(State(world): State<World>, Path(list): Path<String>, headers: HeaderMap, body: String) -> Response {
    let mut order = None;
    let checked = world.call(&headers, &list, |desk| {
        let read = Order::read(&body)?;
        if desk.list.hooks.values().any(|hook| hook.url == read.url) {
            return Err(Problem::field("url", "Sorry, you can't set up multiple WebHooks for one URL"));
        }
        order = Some(read);
        Ok(Answer::no_content())
    });
    let Some(order) = order else {
        return checked;
    };
    if world.core.switches.is("webhook_probe", "get") && !answers(&world, &order.url).await {
        return world.respond(Err(Problem::field("url", "We couldn't verify the WebHook URL: it must answer GET with 200.")));
    }
    world.call(&headers, &list, |desk| {
        let hook = hook(&world, order);
        let mut shown = hook.to_json(&desk.list.id);
        if let (Some(shown), Some(secret)) = (shown.as_object_mut(), &hook.secret) {
            shown.insert("signing_secret".to_owned(), secret.as_str().into());
        }
        desk.list.hooks.insert(hook.id.clone(), hook);
        Ok(Answer::ok(shown))
    })
}

fn hook(world: &World, order: Order) -> Hook {
    let signed = match world.core.switches.word("webhook_signing").as_str() {
        "never" => false,
        "on_request" => order.signing,
        _ => true,
    };
    let secret = signed.then(|| world.ids.alphanumeric(32));
    Hook { id: world.ids.letters(10), url: order.url, secret, events: order.events, sources: order.sources }
}

async fn answers(world: &World, url: &str) -> bool {
    let answer = world.http.get(url).timeout(PROBE_PATIENCE).send().await;
    answer.is_ok_and(|answer| answer.status().as_u16() == 200)
}
