//! The Lambda Runtime API, so that a function's real binary runs as a process on this machine
//! (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>).

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, Path, State},
    http::{StatusCode, header::CONTENT_TYPE},
    response::Response,
    routing::{get, post},
};
use futures::FutureExt;
use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::{Mutex as AsyncMutex, mpsc, oneshot},
};
use uuid::Uuid;

use super::{
    ACCOUNT, REGION,
    background::{Background, lock},
    function::{DEADLINE_MS, Function, FunctionError, wall_ms},
};

/// The largest answer of a function: 6 MB (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
const MAX_ANSWER_BYTES: usize = 6 * 1024 * 1024;

type Answer = Result<Value, FunctionError>;

/// A running Runtime API of one function; it stops when the last clone is dropped.
#[derive(Clone)]
pub struct RuntimeApi {
    shared: Arc<Shared>,
    address: SocketAddr,
    _server: Arc<Background>,
}

struct Shared {
    function_name: String,
    timeout: Duration,
    queue: mpsc::UnboundedSender<Invocation>,
    waiting: AsyncMutex<mpsc::UnboundedReceiver<Invocation>>,
    running: Mutex<HashMap<String, oneshot::Sender<Answer>>>,
    broken: Mutex<Option<FunctionError>>,
}

struct Invocation {
    id: String,
    event: String,
    deadline_ms: u64,
}

impl RuntimeApi {
    /// Serves the API of `function_name` on a free port of the loopback interface.
    ///
    /// # Errors
    /// If no port can be bound.
    pub async fn start(function_name: &str) -> std::io::Result<Self> {
        Self::start_with(function_name, Duration::from_millis(DEADLINE_MS)).await
    }

    /// As [`RuntimeApi::start`], with the function's timeout.
    ///
    /// # Errors
    /// If no port can be bound.
    pub async fn start_with(function_name: &str, timeout: Duration) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (queue, waiting) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            function_name: function_name.to_owned(),
            timeout,
            queue,
            waiting: AsyncMutex::new(waiting),
            running: Mutex::default(),
            broken: Mutex::default(),
        });
        let router = router(Arc::clone(&shared));
        let server = Background::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "The Runtime API stopped.");
            }
        });
        Ok(Self { shared, address, _server: Arc::new(server) })
    }

    /// The host and port, the value of `AWS_LAMBDA_RUNTIME_API`.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The name of the function.
    #[must_use]
    pub fn function_name(&self) -> &str {
        &self.shared.function_name
    }

    /// Hands `event` to the next runtime that asks, and waits for its answer.
    ///
    /// # Errors
    /// What the runtime reported, or that it timed out, exited, or never came up.
    pub async fn invoke(&self, event: Value) -> Answer {
        self.shared.invoke(&event).await
    }

    /// This API as a [`Function`].
    #[must_use]
    pub fn function(&self) -> Function {
        let api = self.clone();
        Arc::new(move |event| {
            let api = api.clone();
            async move { api.invoke(event).await }.boxed()
        })
    }

    /// Fails every invocation that waits for an answer, and those to come until the runtime asks for one.
    pub fn fail(&self, error: &FunctionError) {
        self.shared.fail(error);
    }
}

impl Shared {
    async fn invoke(&self, event: &Value) -> Answer {
        if let Some(error) = lock(&self.broken).clone() {
            return Err(error);
        }
        let id = Uuid::new_v4().to_string();
        let (answer, answered) = oneshot::channel();
        lock(&self.running).insert(id.clone(), answer);
        let timeout_ms = u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX);
        let invocation = Invocation { id: id.clone(), event: event.to_string(), deadline_ms: wall_ms().saturating_add(timeout_ms) };
        if self.queue.send(invocation).is_err() {
            return Err(FunctionError::new("Runtime.ExitError", "the runtime API has stopped"));
        }
        let answer = tokio::time::timeout(self.timeout, answered).await;
        lock(&self.running).remove(&id);
        match answer {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(FunctionError::new("Runtime.ExitError", "the runtime went away")),
            Err(_) => Err(FunctionError::new("Sandbox.Timedout", format!("RequestId: {id} Error: Task timed out"))),
        }
    }

    fn fail(&self, error: &FunctionError) {
        *lock(&self.broken) = Some(error.clone());
        for (_, answer) in lock(&self.running).drain() {
            // Nobody listens any more if the caller has given up.
            let _ = answer.send(Err(error.clone()));
        }
    }

    fn finish(&self, id: &str, answer: Answer) -> StatusCode {
        let Some(caller) = lock(&self.running).remove(id) else {
            return StatusCode::BAD_REQUEST;
        };
        let _ = caller.send(answer);
        StatusCode::ACCEPTED
    }
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
        .route("/2018-06-01/runtime/init/error", post(init_error))
        .layer(DefaultBodyLimit::max(MAX_ANSWER_BYTES))
        .with_state(shared)
}

async fn next(State(shared): State<Arc<Shared>>) -> Response {
    *lock(&shared.broken) = None;
    let mut waiting = shared.waiting.lock().await;
    while let Some(invocation) = waiting.recv().await {
        // Those whose caller gave up are skipped.
        if lock(&shared.running).contains_key(&invocation.id) {
            return handed_out(&shared.function_name, invocation);
        }
    }
    status(StatusCode::GONE)
}

fn handed_out(function_name: &str, invocation: Invocation) -> Response {
    let arn = format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function_name}");
    let trace = format!("Root=1-{:08x}-{:024x};Sampled=0", invocation.deadline_ms / 1_000, invocation.deadline_ms);
    Response::builder()
        .header(CONTENT_TYPE, "application/json")
        .header("Lambda-Runtime-Aws-Request-Id", invocation.id)
        .header("Lambda-Runtime-Deadline-Ms", invocation.deadline_ms)
        .header("Lambda-Runtime-Invoked-Function-Arn", arn)
        .header("Lambda-Runtime-Trace-Id", trace)
        .body(Body::from(invocation.event))
        .unwrap_or_else(|_| status(StatusCode::INTERNAL_SERVER_ERROR))
}

async fn response(State(shared): State<Arc<Shared>>, Path(id): Path<String>, body: Bytes) -> Response {
    let answer = if body.is_empty() {
        Ok(Value::Null)
    } else {
        serde_json::from_slice(&body).map_err(|_| FunctionError::new("Runtime.MalformedResponse", "the answer is not JSON"))
    };
    status(shared.finish(&id, answer))
}

async fn error(State(shared): State<Arc<Shared>>, Path(id): Path<String>, body: Bytes) -> Response {
    status(shared.finish(&id, Err(reported(&body))))
}

async fn init_error(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    shared.fail(&reported(&body));
    status(StatusCode::ACCEPTED)
}

fn reported(body: &[u8]) -> FunctionError {
    serde_json::from_slice(body).unwrap_or_else(|_| FunctionError::new("Runtime.Unknown", "the error is not JSON"))
}

fn status(status: StatusCode) -> Response {
    let body = if status.is_success() { "{\"status\":\"OK\"}" } else { "{\"errorType\":\"InvalidRequestID\"}" };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
}
