//! The client against a server that answers as Wix does: what is asked for, and what is made of the answers.

use serde_json::{Value as Json, json};
use wiremock::{
    Mock, MockServer, Request as Received, ResponseTemplate,
    matchers::{header, method, path, query_param},
};

use super::{samples::ada, *};
use crate::{
    adapters::http::stub::{self, StubClock},
    model::{
        contact::{Contact, Found, MatchKey},
        field::{Kind, Patch, Value},
        ids::RecordId,
    },
    ports::{Clock, ContactStore, Draft, ErrorKind, StoreError},
};

mod consent;
mod inbox;
mod reading;
mod signing;
mod writing;

const ADA: &str = "2712ae1d-3f64-46c2-ac3a-94a6c2e29847";
const MIRROR: &str = "custom.externalcrmid";

/// A stand-in for Wix with a client of one of its sites.
struct Wix {
    server: MockServer,
    clock: Arc<StubClock>,
    client: Client,
}

impl Wix {
    async fn with(credentials: Credentials) -> Self {
        let (server, clock) = (MockServer::builder().start().await, StubClock::shared());
        let settings = Settings {
            base: server.uri().parse().unwrap(),
            credentials,
            mirror_field: Some(MIRROR.to_owned()),
            default_country: Some("US".to_owned()),
        };
        let client = Client::new(settings, clock.clone(), stub::http(&clock, HABITS));
        Self { server, clock, client }
    }

    async fn with_key() -> Self {
        Self::with(Credentials::ApiKey { secret: "wix".to_owned(), key: "k-1".into(), site_id: "site-1".to_owned() }).await
    }

    async fn with_app() -> Self {
        Self::with(Credentials::App { app_id: "app-1".to_owned(), secret: "s-1".into(), instance: "i-1".into() }).await
    }

    /// Answers one call, after those that were told before.
    async fn answers(&self, verb: &str, at: &str, reply: ResponseTemplate) -> &Self {
        Mock::given(method(verb)).and(path(at)).respond_with(reply).up_to_n_times(1).mount(&self.server).await;
        self
    }

    async fn received(&self) -> Vec<Received> {
        self.server.received_requests().await.unwrap()
    }

    /// Returns what was asked for, as `POST /path`, with the bodies.
    async fn calls(&self) -> Vec<(String, Json)> {
        let body = |request: &Received| serde_json::from_slice(&request.body).unwrap_or(Json::Null);
        self.received().await.iter().map(|request| (format!("{} {}", request.method, request.url.path()), body(request))).collect()
    }
}

fn contacts(rest: &str) -> String {
    format!("/contacts/v4/contacts{rest}")
}

fn of_ada(rest: &str) -> String {
    contacts(&format!("/{ADA}{rest}"))
}

fn ok(body: Json) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body).insert_header("x-wix-request-id", "r-1")
}

#[expect(clippy::needless_pass_by_value, reason = "callers give json literals")]
fn refused(status: u16, code: &str, data: Json) -> ResponseTemplate {
    let error = json!({"code": code, "description": "", "data": data});
    ResponseTemplate::new(status)
        .set_body_json(json!({"message": "no", "details": {"applicationError": error}}))
        .insert_header("x-wix-request-id", "r-1")
}

/// Returns Ada as she is after a write.
fn written(revision: u64, change: impl Fn(&mut Json)) -> ResponseTemplate {
    let mut contact = ada();
    contact["revision"] = revision.into();
    change(&mut contact["info"]);
    ok(json!({"contact": contact}))
}

fn contact() -> Contact {
    to_contact(ada(), Some(MIRROR)).unwrap()
}

fn patch(changes: &[(&str, Option<&str>)]) -> Patch {
    changes.iter().map(|(field, text)| (Field::from(*field), text.and_then(Value::text))).collect()
}

fn kind<T: std::fmt::Debug>(outcome: Result<T, StoreError>) -> ErrorKind {
    outcome.unwrap_err().kind
}
