//! The way from an export to a vendor: people act before a call, and a call with a certain text in it comes back as an error.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use contact_bridge_local::vendors::kit::plain_http;
use tokio::{net::TcpListener, task::JoinHandle};

/// What people do before a call.
pub(super) type Act = Box<dyn FnMut() + Send>;

/// What happens on the way.
#[derive(Default)]
struct Events {
    /// Before calls whose path ends like this, so many times.
    moments: Vec<(&'static str, u32, Act)>,
    /// Calls with this text in them fail.
    poison: Option<String>,
    /// The calls that went through, as method and path.
    calls: Vec<String>,
}

/// A way to a vendor.
pub(super) struct Passage {
    pub base: String,
    events: Arc<Mutex<Events>>,
    server: JoinHandle<()>,
}

#[derive(Clone)]
struct Way {
    to: String,
    http: reqwest::Client,
    events: Arc<Mutex<Events>>,
}

impl Passage {
    pub async fn to(vendor: String) -> anyhow::Result<Self> {
        let events = Arc::new(Mutex::new(Events::default()));
        let way = Way { to: vendor, http: plain_http()?, events: Arc::clone(&events) };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}", listener.local_addr()?);
        let router = Router::new().fallback(pass).with_state(way);
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "The way to a vendor is closed.");
            }
        });
        Ok(Self { base, events, server })
    }

    pub fn before(&self, end: &'static str, times: u32, act: impl FnMut() + Send + 'static) {
        lock(&self.events).moments.push((end, times, Box::new(act)));
    }

    pub fn poison(&self, text: &str) {
        lock(&self.events).poison = Some(text.to_owned());
    }

    /// How many calls of paths that end like this went through.
    pub fn calls(&self, end: &str) -> usize {
        lock(&self.events).calls.iter().filter(|call| call.ends_with(end)).count()
    }

    pub fn forget_calls(&self) {
        lock(&self.events).calls.clear();
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Events {
    fn happen(&mut self, path: &str) {
        for (end, times, act) in &mut self.moments {
            if *times > 0 && path.ends_with(*end) {
                *times -= 1;
                act();
            }
        }
    }
}

async fn pass(State(way): State<Way>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    lock(&way.events).happen(&path);
    match forward(&way, &path, request).await {
        Ok(answer) => answer,
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

async fn forward(way: &Way, path: &str, request: Request) -> anyhow::Result<Response> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 22).await?;
    let is_poisoned = lock(&way.events).poison.as_ref().is_some_and(|text| String::from_utf8_lossy(&body).contains(text));
    if is_poisoned {
        return Ok((StatusCode::INTERNAL_SERVER_ERROR, "{}").into_response());
    }
    let target = parts.uri.path_and_query().map_or(path, |whole| whole.as_str());
    let reply = way.http.request(parts.method, format!("{}{target}", way.to)).headers(parts.headers).body(body).send().await?;
    lock(&way.events).calls.push(path.to_owned());
    let mut answer = Response::builder().status(reply.status());
    if let Some(headers) = answer.headers_mut() {
        headers.extend(reply.headers().clone());
    }
    Ok(answer.body(Body::from(reply.bytes().await?))?)
}

/// Whoever panicked left it whole.
fn lock(events: &Mutex<Events>) -> MutexGuard<'_, Events> {
    events.lock().unwrap_or_else(PoisonError::into_inner)
}
