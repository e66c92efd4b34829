//! As much of Wix and of HubSpot as a first load needs, for any number of contacts: strict about pages, batches and limits, and holding no
//! contact in memory.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc::Sender},
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{MatchedPath, Path, Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use contact_bridge_local::vendors::kit::{Clock, Limits, Window};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::people::{self, People};

/// Calls of a site that Wix takes in a minute, and of a portal that HubSpot takes in ten seconds; searches in a second
/// (<https://dev.wix.com/docs/rest/articles/get-started/rate-limits>,
/// <https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines>).
const WIX: (i64, i64) = (200, 60_000);
const HUBSPOT: (i64, i64) = (100, 10_000);
const SEARCHES: (i64, i64) = (5, 1_000);

/// What the vendors saw.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Counts {
    /// Calls, by route.
    pub routes: BTreeMap<String, u64>,
    /// Calls refused for excess.
    pub refused: u64,
    /// Contacts made in HubSpot, and how many rows were sent for one that was there.
    pub made: u64,
    pub twice: u64,
}

impl Counts {
    pub fn total(&self) -> u64 {
        self.routes.values().sum()
    }

    /// Calls of the routes that end like this.
    pub fn of(&self, end: &str) -> u64 {
        self.routes.iter().filter(|(route, _)| route.ends_with(end)).map(|(_, count)| count).sum()
    }
}

/// Both vendors.
#[derive(Clone)]
pub(super) struct Vendors {
    people: People,
    clock: Clock,
    limits: Limits,
    state: Arc<Mutex<Held>>,
}

#[derive(Default)]
struct Held {
    counts: Counts,
    /// Whom HubSpot has, by number.
    made: Vec<bool>,
}

type Reply = Result<Response, StatusCode>;

impl Vendors {
    pub fn new(contacts: u64, clock: &Clock) -> Self {
        let made = vec![false; usize::try_from(contacts).unwrap_or_default()];
        let held = Held { made, counts: Counts::default() };
        Self { people: People { count: contacts }, clock: clock.clone(), limits: Limits::default(), state: Arc::new(Mutex::new(held)) }
    }

    /// Serves until the process ends, and tells where.
    pub async fn serve(self, tell: &Sender<String>) -> anyhow::Result<()> {
        let api = Router::new()
            .route("/oauth2/token", post(token))
            .route("/contacts/v4/contacts/query", post(query))
            .route("/contacts/v4/contacts/{id}", get(contact).patch(contact))
            .route("/crm/properties/2026-09/contacts", get(properties))
            .route("/crm/objects/2026-09/contacts/search", post(search))
            .route("/crm/objects/2026-09/contacts/batch/upsert", post(upsert))
            .route_layer(middleware::from_fn_with_state(self.clone(), pass));
        let own = Router::new().route("/clock/{to_ms}", post(clock)).route("/counts", get(counts));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        tell.send(format!("http://{}", listener.local_addr()?))?;
        Ok(axum::serve(listener, api.merge(own).with_state(self)).await?)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn admits(&self, route: &str) -> bool {
        let (vendor, (limit, window_ms)) = match route {
            "/oauth2/token" => return true,
            route if route.starts_with("/contacts/") => ("wix", WIX),
            route if route.ends_with("/search") => ("search", SEARCHES),
            _ => ("hubspot", HUBSPOT),
        };
        self.limits.admit(vendor, limit, Window::Sliding(window_ms), self.clock.now_ms())
    }
}

/// Counts a call before its body is read, in the order in which calls come, and refuses what is too much.
async fn pass(State(vendors): State<Vendors>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or_else(String::new, |path| path.as_str().to_owned());
    let admitted = vendors.admits(&route);
    {
        let mut held = vendors.held();
        held.counts.refused += u64::from(!admitted);
        *held.counts.routes.entry(format!("{} {route}", request.method())).or_default() += 1;
    }
    let known = route == "/oauth2/token" || request.headers().contains_key(header::AUTHORIZATION);
    let now = Timestamp::from_millisecond(vendors.clock.now_ms()).unwrap_or_default();
    let mut answer = match (known, admitted) {
        (false, _) => StatusCode::UNAUTHORIZED.into_response(),
        (_, false) => StatusCode::TOO_MANY_REQUESTS.into_response(),
        _ => next.run(request).await,
    };
    let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&now);
    if let Some(date) = date.ok().and_then(|date| date.parse().ok()) {
        answer.headers_mut().insert(header::DATE, date);
    }
    answer
}

async fn clock(State(vendors): State<Vendors>, Path(to_ms): Path<i64>) {
    vendors.clock.set_ms(to_ms);
}

/// What was seen since the last time.
async fn counts(State(vendors): State<Vendors>) -> Json<Counts> {
    Json(std::mem::take(&mut vendors.held().counts))
}

async fn token() -> Json<Value> {
    Json(json!({"access_token": "token", "token_type": "Bearer", "expires_in": 14_400}))
}

/// Query Contacts, as exports use it: in the order of creation, from an instant, at most a thousand.
async fn query(State(vendors): State<Vendors>, body: Bytes) -> Reply {
    let body = parse(&body)?;
    let query = body.get("query").ok_or(StatusCode::BAD_REQUEST)?;
    let sorted = query.pointer("/sort/0") == Some(&json!({"fieldName": "createdDate", "order": "ASC"}));
    let number = |pointer: &str| query.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
    let (limit, offset) = (number("/paging/limit"), number("/paging/offset"));
    if !sorted || !(1..=1_000).contains(&limit) {
        return Err(StatusCode::BAD_REQUEST);
    }
    let (from, to) = range(vendors.people, query.get("filter").unwrap_or(&Value::Null))?;
    let first = (from + offset).min(to);
    let shown: Vec<String> = (first..to.min(first + limit)).map(|number| vendors.people.wix(number)).collect();
    let (count, total) = (shown.len(), to - from);
    let contacts = shown.join(",");
    Ok(json_text(format!(
        r#"{{"contacts":[{contacts}],"pagingMetadata":{{"count":{count},"offset":{offset},"total":{total},"tooManyToCount":false}}}}"#
    )))
}

/// Which contacts a filter lets through: from a number up to another.
fn range(people: People, filter: &Value) -> Result<(u64, u64), StatusCode> {
    let none = Map::new();
    let filter = filter.as_object().unwrap_or(&none);
    let Some((test, stamp)) = filter.get("createdDate").and_then(Value::as_object).and_then(|test| test.iter().next()) else {
        return if filter.is_empty() { Ok((0, people.count)) } else { Err(StatusCode::BAD_REQUEST) };
    };
    let stamp: Timestamp = stamp.as_str().and_then(|text| text.parse().ok()).ok_or(StatusCode::BAD_REQUEST)?;
    let next = Timestamp::from_millisecond(stamp.as_millisecond() + 1).map_err(|_| StatusCode::BAD_REQUEST)?;
    match test.as_str() {
        "$gte" => Ok((people.from(stamp), people.count)),
        "$gt" => Ok((people.from(next), people.count)),
        "$eq" => Ok((people.from(stamp), people.from(next))),
        _ => Err(StatusCode::BAD_REQUEST),
    }
}

async fn contact(State(vendors): State<Vendors>, Path(id): Path<String>) -> Reply {
    let number = people::number(&id).filter(|number| *number < vendors.people.count).ok_or(StatusCode::NOT_FOUND)?;
    Ok(json_text(format!(r#"{{"contact":{},"responseType":"REGULAR"}}"#, vendors.people.wix(number))))
}

async fn properties() -> Json<Value> {
    let rows = contact_bridge::mapping::default_hubspot();
    let names = rows.iter().map(|row| row.external.as_str()).chain(["wix_contact_id", "hs_merged_object_ids", "createdate"]);
    let property = |name| json!({"name": name, "type": "string", "fieldType": "text", "hasUniqueValue": name == "wix_contact_id"});
    Json(json!({"results": names.map(property).collect::<Vec<_>>()}))
}

/// A search that only counts: those that have a Wix contact's id, or those that have none.
async fn search(State(vendors): State<Vendors>, body: Bytes) -> Reply {
    let body = parse(&body)?;
    let filter = body.pointer("/filterGroups/0/filters/0").ok_or(StatusCode::BAD_REQUEST)?;
    if filter.get("propertyName") != Some(&json!("wix_contact_id")) {
        return Err(StatusCode::BAD_REQUEST);
    }
    let total = match filter.get("operator").and_then(Value::as_str) {
        Some("HAS_PROPERTY") => vendors.held().made.iter().filter(|made| **made).count(),
        Some("NOT_HAS_PROPERTY") => 0,
        _ => return Err(StatusCode::BAD_REQUEST),
    };
    Ok(Json(json!({"total": total, "results": []})).into_response())
}

/// Makes what is not there; every row has to be of one of the contacts, at most a hundred, no two of the same.
async fn upsert(State(vendors): State<Vendors>, body: Bytes) -> Reply {
    let mut body = parse(&body)?;
    let Some(Value::Array(inputs)) = body.get_mut("inputs").map(Value::take) else { return Err(StatusCode::BAD_REQUEST) };
    if inputs.is_empty() || inputs.len() > 100 {
        return Err(StatusCode::BAD_REQUEST);
    }
    let now = Timestamp::from_millisecond(vendors.clock.now_ms()).unwrap_or_default();
    let mut held = vendors.held();
    let mut results = Vec::with_capacity(inputs.len());
    for mut input in inputs {
        let number = input.get("id").and_then(Value::as_str).and_then(people::number).ok_or(StatusCode::BAD_REQUEST)?;
        let made = held.made.get_mut(usize::try_from(number).unwrap_or(usize::MAX)).ok_or(StatusCode::BAD_REQUEST)?;
        let new = !std::mem::replace(made, true);
        held.counts.made += u64::from(new);
        held.counts.twice += u64::from(!new);
        let part = |input: &mut Value, name: &str| input.get_mut(name).map(Value::take).unwrap_or_default();
        let (properties, trace) = (part(&mut input, "properties"), part(&mut input, "objectWriteTraceId"));
        results.push(json!({"id": (1_000_000 + number).to_string(), "properties": properties, "createdAt": format!("{now:.3}"),
            "updatedAt": format!("{now:.3}"), "archived": false, "new": new, "objectWriteTraceId": trace}));
    }
    Ok(Json(json!({"status": "COMPLETE", "results": results})).into_response())
}

fn parse(body: &Bytes) -> Result<Value, StatusCode> {
    serde_json::from_slice(body).map_err(|_| StatusCode::BAD_REQUEST)
}

fn json_text(text: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], Body::from(text)).into_response()
}
