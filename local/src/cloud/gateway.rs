//! An API Gateway HTTP API: real HTTP in, the payload of version 2.0 to a function, its answer back.
//!
//! Payload: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>;
//! limits: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>.

mod adapter;
mod answer;
mod event;
mod route;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request, State},
    http::{StatusCode, header::CONTENT_TYPE},
    response::Response,
};
use futures::StreamExt;
use tokio::net::TcpListener;

pub use adapter::http_function;
use event::Call;
pub use route::Route;

use super::background::Background;
use crate::vendors::kit::Clock;

/// The largest body: 10 MB.
pub const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;

/// How much of an oversized body is read and thrown away, so that the sender hears the 413 instead of a broken pipe.
const MAX_DRAINED_BYTES: usize = 8 * MAX_BODY_BYTES;

/// How long a function may take before the gateway gives up.
pub const INTEGRATION_TIMEOUT: Duration = Duration::from_secs(30);

/// A running gateway; it stops when the last clone is dropped.
#[derive(Clone)]
pub struct Gateway {
    address: SocketAddr,
    _server: Arc<Background>,
}

struct Shared {
    clock: Clock,
    routes: Vec<Route>,
}

impl Gateway {
    /// Serves `routes` at `listen`; port 0 takes a free one. The first route that matches is taken.
    ///
    /// # Errors
    /// If the address cannot be bound.
    pub async fn start(listen: SocketAddr, clock: &Clock, routes: Vec<Route>) -> std::io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { clock: clock.clone(), routes });
        let app = Router::new().fallback(serve).with_state(shared);
        let service = app.into_make_service_with_connect_info::<SocketAddr>();
        let server = Background::spawn(async move {
            if let Err(error) = axum::serve(listener, service).await {
                tracing::error!(%error, "The gateway stopped.");
            }
        });
        Ok(Self { address, _server: Arc::new(server) })
    }

    /// Where the gateway listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The gateway's base URL, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn serve(State(shared): State<Arc<Shared>>, ConnectInfo(source): ConnectInfo<SocketAddr>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let found = shared.routes.iter().find_map(|route| Some((route, route.matches(&head.method, head.uri.path())?)));
    let body = match read_body(body).await {
        Ok(body) => body,
        Err(status) => return refusal(status),
    };
    let Some((route, path_parameters)) = found else {
        return refusal(StatusCode::NOT_FOUND);
    };
    let call = Call { head: &head, body: &body, source, route_key: route.key(), path_parameters, now_ms: shared.clock.now_ms() };
    let answer = tokio::time::timeout(INTEGRATION_TIMEOUT, (route.function())(call.event())).await;
    match answer {
        Ok(Ok(answer)) => answer::response(answer).unwrap_or_else(|| refusal(StatusCode::INTERNAL_SERVER_ERROR)),
        Ok(Err(error)) => {
            tracing::warn!(error.kind = %error.error_type, route = %route.key(), "The function failed.");
            refusal(StatusCode::INTERNAL_SERVER_ERROR)
        }
        Err(_) => refusal(StatusCode::SERVICE_UNAVAILABLE),
    }
}

async fn read_body(body: Body) -> Result<Vec<u8>, StatusCode> {
    let mut stream = body.into_data_stream();
    let (mut bytes, mut seen) = (Vec::new(), 0_usize);
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| StatusCode::BAD_REQUEST)?;
        seen = seen.saturating_add(chunk.len());
        if seen > MAX_DRAINED_BYTES {
            break;
        }
        if seen <= MAX_BODY_BYTES {
            bytes.extend_from_slice(&chunk);
        }
    }
    if seen > MAX_BODY_BYTES { Err(StatusCode::PAYLOAD_TOO_LARGE) } else { Ok(bytes) }
}

/// An answer of the gateway's own, with the text of the real one.
fn refusal(status: StatusCode) -> Response {
    let text = match status {
        StatusCode::PAYLOAD_TOO_LARGE => "Request Entity Too Large",
        status => status.canonical_reason().unwrap_or("Internal Server Error"),
    };
    let mut response = Response::new(Body::from(format!("{{\"message\":\"{text}\"}}")));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, axum::http::HeaderValue::from_static("application/json"));
    response
}
