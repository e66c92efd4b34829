mod auth;
mod batches;
mod fields;
mod reads;
mod writes;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value as Json, json};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{method, path},
};

use super::*;
use crate::{
    adapters::http::stub::{StubClock, http},
    model::{contact::Contact, field::Field},
    ports::{ErrorKind, Secrets, StoreResult},
};

const CONTACTS: &str = "/crm/objects/2026-09/contacts";
const PROPERTIES: &str = "/crm/properties/2026-09/contacts";

/// Remembers what it was given.
#[derive(Default)]
struct Keeper(Mutex<Vec<(String, String)>>);

#[async_trait]
impl TokenKeeper for Keeper {
    async fn keep(&self, secret: &str, value: &SecretString) -> StoreResult<()> {
        self.0.lock().unwrap().push((secret.to_owned(), value.expose_secret().to_owned()));
        Ok(())
    }
}

/// The one secret there is.
struct Stored(Mutex<String>);

#[async_trait]
impl Secrets for Stored {
    async fn secret(&self, _name: &str) -> StoreResult<SecretString> {
        Ok(self.0.lock().unwrap().clone().into())
    }
}

/// A portal that answers what a test tells it to, and a client for it.
struct Portal {
    server: MockServer,
    client: Client,
    clock: Arc<StubClock>,
    stored: Arc<Stored>,
    keeper: Arc<Keeper>,
}

impl Portal {
    async fn new() -> Self {
        Self::with("token-1", &["firstname"]).await
    }

    async fn with(secret: &str, properties: &[&str]) -> Self {
        let (server, clock, keeper) = (MockServer::builder().start().await, StubClock::shared(), Arc::new(Keeper::default()));
        let properties = properties.iter().map(|name| (*name).to_owned()).collect();
        let settings = Settings { app_id: Some("77".to_owned()), ..Settings::new(server.uri().parse().unwrap(), properties) };
        let http = http(&clock, HABITS);
        let stored = Arc::new(Stored(Mutex::new(secret.to_owned())));
        let means = Means { search: http.clone(), http, clock: clock.clone(), secrets: stored.clone(), keeper: keeper.clone() };
        let client = Client::new(settings, means, Credentials::read("hubspot/site", &secret.into()).unwrap());
        Self { server, client, clock, stored, keeper }
    }

    /// Answers the next call of this method and path; further ones of the same are answered by the next such rule.
    async fn answer(&self, verb: &str, at: impl Into<String>, status: u16, body: Json) {
        self.reply(verb, at, ResponseTemplate::new(status).set_body_json(body)).await;
    }

    async fn reply(&self, verb: &str, at: impl Into<String>, reply: ResponseTemplate) {
        Mock::given(method(verb)).and(path(at.into())).respond_with(reply).up_to_n_times(1).mount(&self.server).await;
    }

    /// Returns the calls so far: `PATCH /crm/.. {body}`.
    async fn calls(&self) -> Vec<String> {
        let calls = self.server.received_requests().await.unwrap();
        calls.iter().map(|call| format!("{} {}", call.method, call.url.path())).collect()
    }

    async fn body(&self, call: usize) -> Json {
        self.server.received_requests().await.unwrap()[call].body_json().unwrap()
    }
}

/// Returns an object as a read returns it, with everything that is asked for.
#[expect(clippy::needless_pass_by_value, reason = "callers give json literals")]
fn object(id: &str, properties: Json) -> Json {
    let mut all = json!({"email": null, "hs_additional_emails": null, "phone": null, "mobilephone": null, "firstname": null,
        "wix_contact_id": null, "hs_merged_object_ids": null, "hs_object_id": id});
    all.as_object_mut().unwrap().extend(properties.as_object().unwrap().clone());
    json!({"id": id, "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-02-01T00:00:00.123Z", "archived": false, "properties": all})
}

fn not_found() -> Json {
    json!({"status": "error", "message": "resource not found", "category": "OBJECT_NOT_FOUND", "correlationId": "c-1"})
}

fn text<'a>(contact: &'a Contact, name: &str) -> Option<&'a str> {
    contact.get(&Field::from(name)).and_then(|value| value.as_text())
}

fn record(id: &str) -> String {
    format!("{CONTACTS}/{id}")
}

fn kind<T: std::fmt::Debug>(outcome: StoreResult<T>) -> ErrorKind {
    outcome.unwrap_err().kind
}
