//! A bus that remembers, a clock that stands, and the samples.

use std::{
    fs, io,
    path::PathBuf,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use base64::Engine;
use contact_bridge::{
    config,
    model::event::Event,
    ports::{Clock, ErrorKind, EventBus, Secrets, StoreError, StoreResult},
    telemetry,
    webhook::Intake,
};
use jiff::Timestamp;
use lambda_http::{Body, http::StatusCode};
use serde_json::Value;

/// When the samples were sent.
const SENT: i64 = 1_795_176_000;

/// The function and its surroundings.
pub struct Harness {
    intake: Intake,
    bus: Arc<Bus>,
    clock: Arc<StandingClock>,
}

#[derive(Default)]
struct Bus {
    events: Mutex<Vec<Event>>,
    publications: AtomicU32,
    down: Mutex<bool>,
}

#[async_trait]
impl EventBus for Bus {
    async fn publish(&self, events: &[Event]) -> StoreResult<()> {
        self.publications.fetch_add(1, Ordering::Relaxed);
        if *self.down.lock().unwrap() {
            return Err(StoreError::new(ErrorKind::Unavailable, "publish"));
        }
        self.events.lock().unwrap().extend_from_slice(events);
        Ok(())
    }
}

struct StandingClock(AtomicI64);

#[async_trait]
impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::Relaxed)).unwrap()
    }

    async fn sleep(&self, _: Duration) {}
}

/// Secrets as the cloud keeps them.
struct Parameters;

#[async_trait]
impl Secrets for Parameters {
    async fn secret(&self, name: &str) -> StoreResult<secrecy::SecretString> {
        match name {
            "/bridge/hubspot" => Ok(file("keys/hubspot-client-secret.txt").into()),
            _ => Err(StoreError::new(ErrorKind::NotFound, name)),
        }
    }
}

impl Harness {
    pub async fn new() -> Self {
        log();
        let variables = [
            ("WIX_APP_ID", "0f9c2b7e-6d0a-4c1e-9a51-2b8f6c3d7e10".to_owned()),
            ("WIX_WEBHOOK_PUBLIC_KEYS", file("keys/wix-webhook.public.pem")),
            ("HUBSPOT_CLIENT_SECRETS", "ssm:/bridge/hubspot".to_owned()),
            ("PUBLIC_URL", "https://bridge.example.com".to_owned()),
            ("EVENT_BUS_NAME", "contacts".to_owned()),
        ];
        let settings = config::Intake::from_variables(&variables.into_iter().collect()).unwrap();
        let (bus, clock) = (Arc::new(Bus::default()), Arc::new(StandingClock(AtomicI64::new(SENT))));
        let intake = Intake::from_settings(&settings, &Parameters, bus.clone(), clock.clone()).await.unwrap();
        Self { intake, bus, clock }
    }

    pub fn later(self, seconds: i64) -> Self {
        self.clock.0.fetch_add(seconds, Ordering::Relaxed);
        self
    }

    pub fn without_bus(self) -> Self {
        *self.bus.down.lock().unwrap() = true;
        self
    }

    /// Hands an event of API Gateway to the function.
    pub async fn handle(&self, event: &Value) -> (StatusCode, Body) {
        let request = lambda_http::request::from_str(&event.to_string()).unwrap();
        let response = webhook_intake::handle(&self.intake, request).await.unwrap();
        (response.status(), response.into_body())
    }

    pub fn published(&self) -> Vec<String> {
        self.bus.events.lock().unwrap().iter().map(Event::detail_type).collect()
    }

    pub fn publications(&self) -> u32 {
        self.bus.publications.load(Ordering::Relaxed)
    }
}

/// An answer as all are: a status, no body.
pub fn answer(status: StatusCode) -> (StatusCode, Body) {
    (status, Body::Empty)
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../events").join(name)
}

fn file(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap()
}

/// Returns a sample.
pub fn event(name: &str) -> Value {
    serde_json::from_str(&file(&format!("webhook-intake/{name}.json"))).unwrap()
}

/// Returns the names of all samples, in order.
pub fn samples() -> Vec<String> {
    let entries = fs::read_dir(path("webhook-intake")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

/// Encodes a body as API Gateway does with binary ones.
pub fn base64(text: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// What was logged.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Collects what the process logs from now on, from `trace` up. For all threads: a place that first logs on a thread without a subscriber
/// stays silent for every other thread.
pub fn log() -> Log {
    static LOG: LazyLock<Log> = LazyLock::new(|| {
        let log = Log::default();
        let writer = log.clone();
        let filter = telemetry::filter(&[("RUST_LOG", "trace")].into_iter().collect());
        tracing::subscriber::set_global_default(telemetry::subscriber(filter, move || writer.clone())).unwrap();
        log
    });
    LOG.clone()
}
