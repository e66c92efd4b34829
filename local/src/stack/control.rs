//! The control API of a stack: JSON over HTTP on a port of its own. What it cannot do it answers with 400 and the field that is wrong.

mod body;
mod calls;
mod site;
mod view;

use std::{net::SocketAddr, sync::Arc};

use anyhow::Context;
use axum::{
    Json, Router,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

use super::Stack;
use crate::{cloud::Background, vendors::kit::ControlError};

/// Every call, with what it does.
const CALLS: &[(&str, &str)] = &[
    ("GET /_control", "this list"),
    ("GET /_control/addresses", "where everything listens"),
    ("POST /_control/settle", "run until nothing is due, retries and delays included; {\"limit_ms\"?}"),
    ("GET|POST /_control/clock", "the clock; POST {\"advance_ms\": n} or {\"set\": RFC 3339}"),
    ("GET|PUT /_control/sites", "settings of all sites; PUT saves a site's, checked"),
    ("POST /_control/sites/new", "{\"name\"}: a new site with a Wix site, a portal and settings"),
    ("PUT /_control/secrets", "{\"name\", \"value\"}: a secret that settings can name"),
    ("GET /_control/links?site=", "a site's links"),
    ("GET /_control/parked?site=", "what waits for a person"),
    ("POST /_control/resync", "{\"site\", \"side\": wix|external, \"id\", \"approve_delete\"?, \"prefer\"?}: synchronise a record again"),
    ("GET /_control/runs?site=", "a site's scheduled runs and the rows that failed"),
    ("POST /_control/runs", "{\"site\", \"run\": export|audit, \"do\": now|pause|resume}: what a person does with a run"),
    ("POST /_control/live", "{\"ms\": n}: let so much time pass, with the runs that become due in it"),
    ("GET /_control/dead-letters", "messages that were given up, with the reason"),
    ("POST /_control/dead-letters/redrive", "send them back to the queue"),
    ("GET|POST|DELETE /_control/bus/faults", "faults of the bus; POST one, DELETE all"),
    ("POST /_control/workers", "{\"count\": n}: so many instances of contact sync at once"),
    ("PUT /_control/wix-keys", "{\"pems\": [..]}: the public keys of Wix that the intake trusts"),
    ("GET|DELETE /_control/usage", "DynamoDB units, calls of AWS and of both vendors; DELETE counts from zero"),
];

type Reply = Result<Json<Value>, Failure>;

/// A control call that could not be done.
enum Failure {
    /// The call is wrong; the text names the field.
    Asked(ControlError),
    /// The stack failed.
    Broke(String),
}

impl From<ControlError> for Failure {
    fn from(error: ControlError) -> Self {
        Self::Asked(error)
    }
}

impl From<&str> for Failure {
    fn from(text: &str) -> Self {
        Self::Asked(text.into())
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Broke(format!("{error:#}"))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Asked(error) => error.into_response(),
            Self::Broke(error) => (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({"error": error}))).into_response(),
        }
    }
}

/// The bound address of the control API, before it is served.
pub(super) struct Desk(TcpListener);

impl Desk {
    pub async fn bind(listen: SocketAddr) -> anyhow::Result<(Self, SocketAddr)> {
        let listener = TcpListener::bind(listen).await.with_context(|| format!("control API at {listen}"))?;
        let address = listener.local_addr()?;
        Ok((Self(listener), address))
    }

    pub fn serve(self, stack: Stack) -> Background {
        let router = router().with_state(Arc::new(stack));
        Background::spawn(async move {
            if let Err(error) = axum::serve(self.0, router).await {
                tracing::error!(%error, "The control API stopped.");
            }
        })
    }
}

fn router() -> Router<Arc<Stack>> {
    Router::new()
        .route("/_control", get(index))
        .route("/_control/addresses", get(calls::addresses))
        .route("/_control/settle", post(calls::settle))
        .route("/_control/clock", get(calls::clock).post(calls::move_clock))
        .route("/_control/sites", get(site::all).put(site::save))
        .route("/_control/sites/new", post(site::add))
        .route("/_control/secrets", axum::routing::put(calls::put_secret))
        .route("/_control/links", get(site::links))
        .route("/_control/parked", get(site::parked))
        .route("/_control/resync", post(site::resync))
        .route("/_control/runs", get(site::runs).post(site::order_run))
        .route("/_control/live", post(calls::live))
        .route("/_control/dead-letters", get(calls::dead_letters))
        .route("/_control/dead-letters/redrive", post(calls::redrive))
        .route("/_control/bus/faults", get(calls::faults).post(calls::add_fault).delete(calls::clear_faults))
        .route("/_control/workers", post(calls::workers))
        .route("/_control/wix-keys", axum::routing::put(calls::wix_keys))
        .route("/_control/usage", get(calls::usage).delete(calls::reset_usage))
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
}

async fn index() -> Json<Value> {
    let lines = CALLS.iter().map(|(call, line)| ((*call).to_owned(), Value::from(*line)));
    Json(Value::Object(lines.collect::<Map<_, _>>()))
}

async fn unknown() -> Response {
    (StatusCode::NOT_FOUND, Json(json!({"error": "no such call; GET /_control lists them"}))).into_response()
}
