//! The control calls common to all simulators.

use std::time::Duration;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{faults::Fault, vendor::Vendor, vendor::rfc3339};

const CALLS: &[(&str, &str)] = &[
    ("GET /_control", "this list"),
    ("GET|PUT /_control/switches", "open behaviours; PUT a partial map of name to value"),
    ("GET|POST|DELETE /_control/faults", "faults waiting; POST one or a list, DELETE all"),
    ("GET|DELETE /_control/calls", "call counts; DELETE starts from zero"),
    ("GET|POST /_control/clock", "the clock; POST {\"advance_ms\": n} or {\"set\": RFC 3339}"),
    ("GET /_control/outbox", "webhooks on their way"),
    ("POST /_control/outbox/deliver", "post every webhook due now"),
    ("POST /_control/reset", "forget contacts, definitions, faults, counts, webhooks; switches to default"),
    ("GET /_control/contacts?site=", "all contacts, deleted ones flagged"),
    ("POST /_control/seed", "put contacts into a site"),
    ("POST /_control/sites", "add a site"),
];

/// A control call that cannot be done; the text names the field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlError(pub String);

impl<T: Into<String>> From<T> for ControlError {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl IntoResponse for ControlError {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, Json(json!({"error": self.0}))).into_response()
    }
}

type Reply = Result<Json<Value>, ControlError>;

/// The routes under `/_control`; vendors merge their own.
pub fn control_router<V: Vendor>(vendor: V) -> Router {
    Router::new()
        .route("/_control", get(index::<V>))
        .route("/_control/switches", get(switches::<V>).put(put_switches::<V>))
        .route("/_control/faults", get(faults::<V>).post(add_faults::<V>).delete(clear_faults::<V>))
        .route("/_control/calls", get(calls::<V>).delete(clear_calls::<V>))
        .route("/_control/clock", get(clock::<V>).post(move_clock::<V>))
        .route("/_control/outbox", get(outbox::<V>))
        .route("/_control/outbox/deliver", post(deliver::<V>))
        .route("/_control/reset", post(reset::<V>))
        .route("/_control/contacts", get(contacts::<V>))
        .route("/_control/seed", post(seed::<V>))
        .route("/_control/sites", post(add_site::<V>))
        .with_state(vendor)
}

/// The body of a control call as a JSON object; an empty body is an empty object.
///
/// # Errors
/// When it is something else.
pub fn parse_object(body: &[u8]) -> Result<Map<String, Value>, ControlError> {
    if body.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err("body: must be a JSON object".into()),
        Err(error) => Err(ControlError(format!("body: {error}"))),
    }
}

/// A required text field of a control request.
///
/// # Errors
/// Names the field.
pub fn text_of<'a>(request: &'a Value, field: &str) -> Result<&'a str, ControlError> {
    request.get(field).and_then(Value::as_str).ok_or_else(|| ControlError(format!("{field}: must be a text")))
}

/// A required object field of a control request.
///
/// # Errors
/// Names the field.
pub fn object_of<'a>(request: &'a Value, field: &str) -> Result<&'a Map<String, Value>, ControlError> {
    request.get(field).and_then(Value::as_object).ok_or_else(|| ControlError(format!("{field}: must be an object")))
}

async fn index<V: Vendor>(State(vendor): State<V>) -> Json<Value> {
    let own = vendor.own_control_calls();
    let lines = CALLS.iter().chain(&own).map(|(call, line)| ((*call).to_owned(), Value::from(*line)));
    Json(Value::Object(lines.collect()))
}

async fn switches<V: Vendor>(State(vendor): State<V>) -> Json<Value> {
    Json(vendor.core().switches.to_json())
}

async fn put_switches<V: Vendor>(State(vendor): State<V>, body: Bytes) -> Reply {
    vendor.core().switches.set(&parse_object(&body)?)?;
    Ok(Json(vendor.core().switches.to_json()))
}

async fn faults<V: Vendor>(State(vendor): State<V>) -> Json<Value> {
    Json(json!({"faults": vendor.core().faults.waiting()}))
}

async fn add_faults<V: Vendor>(State(vendor): State<V>, body: Bytes) -> Reply {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        Many(Vec<Value>),
        One(Value),
    }
    let parsed = serde_json::from_slice(&body).map_err(|error| ControlError(format!("body: {error}")))?;
    let wanted = match parsed {
        OneOrMany::Many(list) => list,
        OneOrMany::One(one) => vec![one],
    };
    for value in wanted {
        let fault: Fault = serde_json::from_value(value).map_err(|error| ControlError(error.to_string()))?;
        vendor.core().faults.add(fault)?;
    }
    Ok(faults(State(vendor)).await)
}

async fn clear_faults<V: Vendor>(State(vendor): State<V>) -> Json<Value> {
    vendor.core().faults.clear();
    Json(json!({}))
}

async fn calls<V: Vendor>(State(vendor): State<V>) -> Json<Value> {
    Json(vendor.core().calls.to_json())
}

async fn clear_calls<V: Vendor>(State(vendor): State<V>) -> Json<Value> {
    vendor.core().calls.clear();
    Json(json!({}))
}

async fn clock<V: Vendor>(State(vendor): State<V>) -> Json<Value> {
    let clock = &vendor.core().clock;
    let now_ms = clock.now_ms();
    let mode = if clock.is_manual() { "manual" } else { "real" };
    Json(json!({"now_ms": now_ms, "now": rfc3339(now_ms), "mode": mode}))
}

async fn move_clock<V: Vendor>(State(vendor): State<V>, body: Bytes) -> Reply {
    let request = parse_object(&body)?;
    match (request.get("advance_ms"), request.get("set")) {
        (Some(by), None) => {
            let by = by.as_u64().ok_or("advance_ms: must be a number of at least 0")?;
            vendor.core().clock.advance(Duration::from_millis(by));
        }
        (None, Some(to)) => {
            let to = to.as_str().and_then(|to| to.parse::<jiff::Timestamp>().ok());
            vendor.core().clock.set_ms(to.ok_or("set: must be an RFC 3339 time")?.as_millisecond());
        }
        _ => return Err("advance_ms or set: exactly one is required".into()),
    }
    Ok(clock(State(vendor)).await)
}

async fn outbox<V: Vendor>(State(vendor): State<V>) -> Json<Value> {
    Json(vendor.core().outbox.to_json())
}

async fn deliver<V: Vendor>(State(vendor): State<V>) -> Json<Value> {
    Json(json!({"attempted": vendor.core().outbox.deliver_due().await}))
}

async fn reset<V: Vendor>(State(vendor): State<V>) -> Json<Value> {
    vendor.core().reset();
    vendor.reset();
    Json(json!({}))
}

#[derive(Deserialize)]
struct OfSite {
    site: Option<String>,
}

async fn contacts<V: Vendor>(State(vendor): State<V>, Query(of): Query<OfSite>) -> Reply {
    vendor.contacts(of.site.as_deref()).map(Json)
}

async fn seed<V: Vendor>(State(vendor): State<V>, body: Bytes) -> Reply {
    vendor.seed(&Value::Object(parse_object(&body)?)).map(Json)
}

async fn add_site<V: Vendor>(State(vendor): State<V>, body: Bytes) -> Reply {
    vendor.add_site(&Value::Object(parse_object(&body)?)).map(Json)
}
