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
    model::{event::Event, message::Message},
    ports::{Clock, ErrorKind, EventBus, MessageBus, Secrets, StoreError, StoreResult},
    telemetry,
    webhook::Intake,
};
use jiff::Timestamp;
use lambda_http::{Body, Response, http::StatusCode};
use serde_json::Value;

/// The site the samples are of, and the URL they were sent to.
const SITE: &str = "3d1f7a52-8c64-4b0e-a7d9-5e2c90b1f4a6";
const PUBLIC_URL: &str = "https://bridge.example.com";
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
    events: Mutex<Vec<String>>,
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
        self.events.lock().unwrap().extend(events.iter().map(Event::detail_type));
        Ok(())
    }
}

#[async_trait]
impl MessageBus for Bus {
    async fn publish_messages(&self, messages: &[Message]) -> StoreResult<()> {
        self.publications.fetch_add(1, Ordering::Relaxed);
        if *self.down.lock().unwrap() {
            return Err(StoreError::new(ErrorKind::Unavailable, "publish"));
        }
        self.events.lock().unwrap().extend(messages.iter().map(|_| Message::DETAIL_TYPE.to_owned()));
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
            "/bridge/messages/pipedrive" => Ok(format!("{SITE}=bridge:{}", file("keys/message-secret.txt")).into()),
            name if name.starts_with("/bridge/messages/") => Ok(format!("{SITE}={}", file("keys/message-secret.txt")).into()),
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
            ("MESSAGE_SECRET_PREFIX", "/bridge/messages/".to_owned()),
            ("PUBLIC_URL", PUBLIC_URL.to_owned()),
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
        let response = self.respond(event).await;
        (response.status(), response.into_body())
    }

    /// As [`Self::handle`], with the whole answer.
    pub async fn respond(&self, event: &Value) -> Response<Body> {
        let request = lambda_http::request::from_str(&event.to_string()).unwrap();
        webhook_intake::handle(&self.intake, request).await.unwrap()
    }

    pub fn published(&self) -> Vec<String> {
        self.bus.events.lock().unwrap().clone()
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

/// Returns a plain message with this body, well-signed.
pub fn plain(body: &str) -> Value {
    let mut event = event("plain-message");
    let key = base64::engine::general_purpose::STANDARD.decode(file("keys/message-secret.txt")).unwrap();
    let tag = aws_lc_rs::hmac::sign(
        &aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &key),
        format!("msg_plain-message.{SENT}.{body}").as_bytes(),
    );
    let signature = format!("v1,{}", base64::engine::general_purpose::STANDARD.encode(tag));
    for (pointer, value) in [("/headers/webhook-signature", signature.as_str()), ("/body", body)] {
        *event.pointer_mut(pointer).expect("the sample has it") = value.into();
    }
    event
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
