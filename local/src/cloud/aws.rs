//! One HTTP server that speaks the AWS JSON protocols of the official SDKs: `EventBridge`, SQS and SSM parameters.
//!
//! Point the SDKs at it with `AWS_ENDPOINT_URL_EVENTBRIDGE`, `AWS_ENDPOINT_URL_SQS` and `AWS_ENDPOINT_URL_SSM`
//! (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>). Signatures must be there, but are not checked.

mod error;
mod eventbridge;
mod sqs;
mod ssm;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, header::AUTHORIZATION},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::Value;
use tokio::net::TcpListener;

use self::error::ApiError;
use super::{
    ACCOUNT,
    background::{Background, lock},
    bus::Bus,
    queue::Queue,
};

/// The largest request: a full SQS batch with its JSON escapes.
const MAX_REQUEST_BYTES: usize = 8 * 1024 * 1024;

/// What the server serves.
#[derive(Clone, Default)]
pub struct Resources {
    /// The buses.
    pub buses: Vec<Bus>,
    /// The queues, dead-letter queues included.
    pub queues: Vec<Queue>,
    /// The parameters of Parameter Store by name.
    pub parameters: BTreeMap<String, String>,
}

/// A running server; it stops when the last clone is dropped.
#[derive(Clone)]
pub struct Aws {
    shared: Arc<Shared>,
    _server: Arc<Background>,
}

struct Shared {
    address: SocketAddr,
    resources: Resources,
    calls: Mutex<BTreeMap<String, u64>>,
}

impl Aws {
    /// Serves `resources` at `listen`; port 0 takes a free one.
    ///
    /// # Errors
    /// If the address cannot be bound.
    pub async fn start(listen: SocketAddr, resources: Resources) -> std::io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let shared = Arc::new(Shared { address: listener.local_addr()?, resources, calls: Mutex::default() });
        let router = Router::new().fallback(post(serve)).layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES)).with_state(Arc::clone(&shared));
        let server = Background::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "The AWS endpoint stopped.");
            }
        });
        Ok(Self { shared, _server: Arc::new(server) })
    }

    /// Where the server listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// The endpoint to give to the SDKs.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.shared.address)
    }

    /// The URL of the queue called `name`.
    #[must_use]
    pub fn queue_url(&self, name: &str) -> String {
        self.shared.queue_url(name)
    }

    /// How often each operation was called, such as `AWSEvents.PutEvents`.
    #[must_use]
    pub fn calls(&self) -> BTreeMap<String, u64> {
        lock(&self.shared.calls).clone()
    }
}

impl Shared {
    fn queue_url(&self, name: &str) -> String {
        format!("http://{}/{ACCOUNT}/{name}", self.address)
    }

    fn queue(&self, name: &str) -> Option<&Queue> {
        self.resources.queues.iter().find(|queue| queue.name() == name)
    }

    fn count(&self, target: &str) {
        *lock(&self.calls).entry(target.to_owned()).or_default() += 1;
    }
}

async fn serve(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    match answer(&shared, &headers, &body) {
        Ok(answer) => error::json_response(200, &answer, None),
        Err(error) => error.into_response(),
    }
}

fn answer(shared: &Shared, headers: &HeaderMap, body: &[u8]) -> Result<Value, ApiError> {
    if !headers.contains_key(AUTHORIZATION) {
        return Err(ApiError::new(403, "MissingAuthenticationToken", "Request is missing Authentication Token"));
    }
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    shared.count(target);
    match target.split_once('.') {
        Some(("AWSEvents", operation)) => eventbridge::call(shared, operation, body),
        Some(("AmazonSQS", operation)) => sqs::call(shared, operation, body),
        Some(("AmazonSSM", operation)) => ssm::call(shared, operation, body),
        _ => Err(ApiError::unknown_operation()),
    }
}

/// Reads a request body.
fn read<'a, T: serde::Deserialize<'a>>(body: &'a [u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|_| ApiError::new(400, "SerializationException", "The request is not understood."))
}
