mod index;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use secrecy::SecretString;
use serde_json::{Value as Json, json};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{header, method, path},
};

use super::*;
use crate::{
    adapters::http::stub::{StubClock, http},
    model::{
        field::{Patch, Value},
        ids::RecordId,
    },
    ports::{Clock, ContactStore, Draft, ErrorKind, Secrets, StoreResult},
};

const PERSONS: &str = "/api/v2/persons";
const FIELDS: &str = "/api/v2/personFields";
const SEARCH: &str = "/api/v2/persons/search";

/// The one secret there is.
struct Stored(Mutex<String>);

#[async_trait]
impl Secrets for Stored {
    async fn secret(&self, _name: &str) -> StoreResult<SecretString> {
        Ok(self.0.lock().unwrap().clone().into())
    }
}

/// A company that answers what a test tells it to, and a client for it.
struct Company {
    server: MockServer,
    client: Client,
    stored: Arc<Stored>,
    clock: Arc<StubClock>,
}

impl Company {
    async fn new() -> Self {
        let (server, clock) = (MockServer::builder().start().await, StubClock::shared());
        let stored = Arc::new(Stored(Mutex::new("token-1".to_owned())));
        let http = http(&clock, HABITS);
        let means = Means { search: http.clone(), http, clock: clock.clone(), secrets: stored.clone() };
        let base = server.uri().parse().unwrap();
        let settings =
            Settings { base, secret: "pipedrive/site".to_owned(), country: None, fields: ["first_name", "Tier"].map(str::to_owned).into() };
        Self { server, client: Client::new(settings, means, &"token-1\n".into()), stored, clock }
    }

    /// Answers the next call of this method and path; further ones of the same are answered by the next such rule.
    async fn answer(&self, verb: &str, at: &str, status: u16, body: Json) {
        let reply = ResponseTemplate::new(status).set_body_json(body);
        Mock::given(method(verb)).and(path(at)).respond_with(reply).up_to_n_times(1).mount(&self.server).await;
    }

    /// Has a field of the Wix contact's id, under this key.
    async fn fields(&self, code: Option<&str>) {
        let field =
            code.map(|code| json!({"field_code": code, "field_name": "Wix contact ID", "field_type": "varchar", "is_custom_field": true}));
        self.answer("GET", FIELDS, 200, data(field.into_iter().collect())).await;
    }

    /// Has a field with these options, numbered from 1.
    async fn tiers(&self, options: &[&str]) {
        let options: Vec<Json> = options.iter().zip(1..).map(|(label, id)| json!({"id": id, "label": label})).collect();
        let field = json!({"field_code": "t", "field_name": "Tier", "field_type": "enum", "options": options, "is_custom_field": true});
        self.answer("GET", FIELDS, 200, data(json!([field]))).await;
    }

    /// Reads the tier of person 7, of which this number comes.
    async fn tier(&self, number: u64) -> Option<String> {
        self.answer("GET", "/api/v2/persons/7", 200, data(person(7, &json!({"t": number})))).await;
        let person = self.client.read(&"7".into()).await.unwrap().unwrap();
        person.get(&"Tier".into()).and_then(|tier| tier.as_text().map(str::to_owned))
    }

    /// Counts how often the fields were asked for.
    async fn asked(&self) -> usize {
        self.calls().await.iter().filter(|call| **call == format!("GET {FIELDS}")).count()
    }

    /// Returns the calls so far: `PATCH /api/..`.
    async fn calls(&self) -> Vec<String> {
        let calls = self.server.received_requests().await.unwrap();
        calls.iter().map(|call| format!("{} {}", call.method, call.url.path())).collect()
    }

    async fn body(&self, call: usize) -> Json {
        self.server.received_requests().await.unwrap()[call].body_json().unwrap()
    }
}

#[expect(clippy::needless_pass_by_value, reason = "callers give json literals")]
fn data(data: Json) -> Json {
    json!({"success": true, "data": data, "additional_data": {"next_cursor": null}})
}

fn person(id: u64, custom: &Json) -> Json {
    json!({"id": id, "name": "Ada", "emails": [], "phones": [], "custom_fields": custom, "is_deleted": false})
}

fn ada() -> Draft {
    Draft { counterpart: RecordId::new("w-1"), fields: [("first_name".into(), Value::text("Ada").unwrap())].into() }
}

#[tokio::test]
async fn whom_the_search_does_not_know_yet_is_found_among_those_that_changed() {
    let company = Company::new().await;
    company.answer("GET", SEARCH, 200, data(json!({"items": []}))).await;
    company.answer("GET", PERSONS, 200, data(json!([person(1, &json!({"k": "w-0"})), person(2, &json!({"k": "w-1"}))]))).await;
    company.fields(Some("k")).await;
    company.answer("GET", "/api/v2/persons/2", 200, data(person(2, &json!({"k": "w-1"})))).await;
    let found = company.client.find_counterpart(&"w-1".into()).await.unwrap();
    assert_eq!(found.map(|found| found.id), Some("2".into()));
    let listed = &company.server.received_requests().await.unwrap()[1];
    assert!(listed.url.query().unwrap().contains("updated_since=2026-02-03T10%3A30%3A00Z"), "{}", listed.url);
}

#[tokio::test]
async fn the_key_is_made_anew_if_somebody_deleted_it() {
    let company = Company::new().await;
    company.fields(Some("old")).await;
    company.answer("POST", PERSONS, 400, json!({"success": false, "error": "Validation failed: old: is no custom field of persons"})).await;
    for code in [None, None, Some("new")] {
        company.fields(code).await;
    }
    company.answer("POST", FIELDS, 200, data(json!({"field_code": "new"}))).await;
    company.answer("POST", PERSONS, 201, data(person(7, &json!({"new": "w-1"})))).await;
    let made = company.client.create(&ada()).await.unwrap();
    assert_eq!((made.id, made.counterpart), ("7".into(), Some("w-1".into())));
    let calls = company.calls().await;
    assert_eq!(calls.iter().filter(|call| **call == format!("POST {FIELDS}")).count(), 1, "{calls:?}");
    assert_eq!(company.body(calls.len() - 1).await, json!({"name": "Ada", "custom_fields": {"new": "w-1"}}));
}

#[tokio::test]
async fn an_erasure_overwrites_before_it_deletes() {
    let company = Company::new().await;
    company.fields(Some("k")).await;
    company.answer("PATCH", "/api/v2/persons/7", 200, data(person(7, &json!({})))).await;
    company.answer("DELETE", "/api/v2/persons/7", 200, data(json!({"id": 7}))).await;
    company.client.erase(&"7".into()).await.unwrap();
    assert_eq!(company.calls().await[1..], ["PATCH /api/v2/persons/7", "DELETE /api/v2/persons/7"]);
    assert_eq!(company.body(1).await, json!({"name": "(erased)", "emails": [], "phones": [], "custom_fields": {"k": null}}));
}

#[tokio::test]
async fn a_refused_token_is_read_again_once() {
    let company = Company::new().await;
    let refusal = || ResponseTemplate::new(401).set_body_json(json!({"success": false, "error": "unauthorized access"}));
    Mock::given(header("x-api-token", "token-1")).respond_with(refusal()).mount(&company.server).await;
    assert_eq!(company.client.schema().await.unwrap_err().kind, ErrorKind::AccessDenied);
    assert_eq!(company.calls().await.len(), 1, "the same token is not tried twice");
    *company.stored.0.lock().unwrap() = "token-2".to_owned();
    Mock::given(header("x-api-token", "token-2"))
        .respond_with(ResponseTemplate::new(200).set_body_json(data(json!([]))))
        .mount(&company.server)
        .await;
    assert_eq!(company.client.schema().await.unwrap().len(), 6);
}

#[test]
fn a_company_is_one_part_of_a_hosts_name() {
    assert_eq!(base_of("acme-2").map(String::from).as_deref(), Some("https://acme-2.pipedrive.com/"));
    for company in ["", "evil.example.com/", "a.b", "a@b", "ä"] {
        assert!(base_of(company).is_none(), "{company}");
    }
}

#[tokio::test]
async fn an_option_that_is_new_is_asked_for_and_one_that_stays_unknown_only_once() {
    let company = Company::new().await;
    company.tiers(&["Gold"]).await;
    assert_eq!((company.tier(1).await.as_deref(), company.asked().await), (Some("Gold"), 1));
    company.tiers(&["Gold", "Silver"]).await;
    assert_eq!((company.tier(2).await.as_deref(), company.asked().await), (Some("Silver"), 2));
    // Within seconds nobody asks again, whatever comes.
    company.tiers(&["Gold", "Silver"]).await;
    assert_eq!((company.tier(9).await.as_deref(), company.asked().await), (Some("9"), 2));
    company.clock.sleep(Duration::from_secs(11)).await;
    for _ in 0..3 {
        assert_eq!((company.tier(9).await.as_deref(), company.asked().await), (Some("9"), 3));
        company.clock.sleep(Duration::from_secs(11)).await;
    }
    company.tiers(&["Gold", "Silver", "Bronze"]).await;
    assert_eq!((company.tier(3).await.as_deref(), company.asked().await), (Some("Bronze"), 4));
}

#[tokio::test]
async fn an_option_that_is_new_can_be_written() {
    let company = Company::new().await;
    company.tiers(&["Gold"]).await;
    company.tier(1).await;
    let current = company.client.contact(&serde_json::from_value(person(7, &json!({"t": 1}))).unwrap()).await.unwrap();
    let patch = |tier: &str| Patch::from([("Tier".into(), Value::text(tier))]);
    company.tiers(&["Gold", "Silver"]).await;
    company.answer("PATCH", "/api/v2/persons/7", 200, data(person(7, &json!({"t": 2})))).await;
    let written = company.client.update(&current, &patch("Silver")).await.unwrap();
    assert_eq!(written.get(&"Tier".into()), Value::text("Silver").as_ref());
    assert_eq!(company.body(3).await, json!({"custom_fields": {"t": 2}}));
    company.clock.sleep(Duration::from_secs(11)).await;
    company.tiers(&["Gold", "Silver"]).await;
    for _ in 0..2 {
        let refusal = company.client.update(&current, &patch("Lead")).await.unwrap_err();
        assert_eq!(refusal.kind, ErrorKind::Invalid(vec!["Tier".into()]));
        assert_eq!(company.asked().await, 3);
        company.clock.sleep(Duration::from_secs(11)).await;
    }
}
