//! A proxy that asks every call what it consumed, and adds it up.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode, header},
    response::Response,
    routing::post,
};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::cloud::background::{Background, lock};

/// `DynamoDB` takes requests of up to 16 MB.
const MAX_REQUEST_BYTES: usize = 16 * 1024 * 1024;

/// What was consumed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usage {
    /// Read units, as the engine reports them.
    pub read_units: f64,
    /// Write units of writes that were done, as the engine reports them.
    pub write_units: f64,
    /// Write units of writes whose condition failed. `DynamoDB` charges them without reporting them: one for a single write,
    /// two for each of a transaction, of items up to 1 KB
    /// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html>).
    pub refused_write_units: f64,
    /// Calls by operation.
    pub calls: BTreeMap<String, u64>,
}

/// A running proxy.
#[derive(Clone)]
pub(super) struct Meter {
    shared: Arc<Shared>,
    address: SocketAddr,
    _server: Arc<Background>,
}

struct Shared {
    target: String,
    client: reqwest::Client,
    usage: Mutex<Usage>,
}

impl Meter {
    pub(super) async fn start(target: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { target: format!("http://{target}/"), client: reqwest::Client::new(), usage: Mutex::default() });
        let router = Router::new().route("/", post(pass)).layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES)).with_state(Arc::clone(&shared));
        let server = Background::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "The meter of the embedded DynamoDB stopped.");
            }
        });
        Ok(Self { shared, address, _server: Arc::new(server) })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn usage(&self) -> Usage {
        lock(&self.shared.usage).clone()
    }

    pub(super) fn reset(&self) {
        *lock(&self.shared.usage) = Usage::default();
    }
}

async fn pass(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
    let (request, asked) = with_capacity(&operation, &body);
    let answer = match shared.forward(&headers, request.clone()).await {
        Ok(answer) => answer,
        Err(error) => {
            tracing::warn!(%error, "The embedded DynamoDB did not answer the meter.");
            return plain(StatusCode::SERVICE_UNAVAILABLE, Vec::new());
        }
    };
    let (status, body) = answer;
    let mut answer: Value = serde_json::from_slice(&body).unwrap_or_default();
    lock(&shared.usage).add(&operation, &request, &answer);
    // What the caller did not ask for, it does not see.
    let fields = answer.as_object_mut().filter(|_| !asked);
    if fields.is_some_and(|fields| fields.remove("ConsumedCapacity").is_some()) {
        return plain(status, answer.to_string().into_bytes());
    }
    plain(status, body)
}

impl Shared {
    async fn forward(&self, headers: &HeaderMap, request: Vec<u8>) -> reqwest::Result<(StatusCode, Vec<u8>)> {
        let mut headers = headers.clone();
        for hop in [header::HOST, header::CONTENT_LENGTH, header::CONNECTION, header::TRANSFER_ENCODING] {
            headers.remove(hop);
        }
        let answer = self.client.post(&self.target).headers(headers).body(request).send().await?;
        let status = answer.status();
        Ok((status, answer.bytes().await?.to_vec()))
    }
}

/// The request with the question for its cost, and whether the caller had asked it.
fn with_capacity(operation: &str, body: &[u8]) -> (Vec<u8>, bool) {
    const NAME: &str = "ReturnConsumedCapacity";
    let item_operation = is_read(operation) || is_write(operation);
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(body) else {
        return (body.to_vec(), true);
    };
    let asked = fields.get(NAME).is_some_and(|value| value != "NONE");
    if asked || !item_operation {
        return (body.to_vec(), true);
    }
    fields.insert(NAME.to_owned(), Value::from("TOTAL"));
    (Value::Object(fields).to_string().into_bytes(), false)
}

fn is_read(operation: &str) -> bool {
    ["GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems"].contains(&operation)
}

fn is_write(operation: &str) -> bool {
    ["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"].contains(&operation)
}

impl Usage {
    fn add(&mut self, operation: &str, request: &[u8], answer: &Value) {
        *self.calls.entry(operation.to_owned()).or_default() += 1;
        let units = capacity(answer.get("ConsumedCapacity"));
        if is_read(operation) {
            self.read_units += units;
        } else if is_write(operation) {
            self.write_units += units;
            self.refused_write_units += refused(request, answer);
        }
    }
}

fn capacity(consumed: Option<&Value>) -> f64 {
    match consumed {
        Some(Value::Array(tables)) => tables.iter().map(|table| capacity(Some(table))).sum(),
        Some(table) => table.get("CapacityUnits").and_then(Value::as_f64).unwrap_or_default(),
        None => 0.0,
    }
}

#[expect(clippy::cast_precision_loss, reason = "a transaction has at most 100 items")]
fn refused(request: &[u8], answer: &Value) -> f64 {
    let error = answer.get("__type").and_then(Value::as_str).unwrap_or_default();
    if error.ends_with("ConditionalCheckFailedException") {
        return 1.0;
    }
    if !error.ends_with("TransactionCanceledException") {
        return 0.0;
    }
    let request: Value = serde_json::from_slice(request).unwrap_or_default();
    request.get("TransactItems").and_then(Value::as_array).map_or(0.0, |items| 2.0 * items.len() as f64)
}

fn plain(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let kind = axum::http::HeaderValue::from_static("application/x-amz-json-1.0");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
