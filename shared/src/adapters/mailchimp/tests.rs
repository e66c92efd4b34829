use std::sync::Arc;

use serde_json::{Value as Json, json};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{method, path},
};

use super::*;
use crate::{
    adapters::http::stub::{StubClock, http},
    model::{
        field::Field,
        subscriber::{Address, Entry, Values},
    },
    ports::{ErrorKind, MailingService, Roll, StoreError},
};

const LIST: &str = "/3.0/lists/abc";
/// The hash of `ada@example.com`.
const ADA: &str = "/3.0/lists/abc/members/3e3417d7ef77d5932a6734b916515ed5";

/// Mailchimp as a test tells it to be, and a client for it.
struct Account {
    server: MockServer,
    client: Client,
}

impl Account {
    async fn new() -> Self {
        let (server, clock) = (MockServer::builder().start().await, StubClock::shared());
        let settings = Settings { base: Some(server.uri().parse().unwrap()), list: "abc".to_owned() };
        let client = Client::new(&settings, http(&clock, HABITS), &"key-us6".into(), clock).unwrap();
        Self { server, client }
    }

    async fn reply(&self, verb: &str, at: &str, reply: ResponseTemplate) {
        Mock::given(method(verb)).and(path(at)).respond_with(reply).mount(&self.server).await;
    }

    async fn answer(&self, verb: &str, at: &str, body: Json) {
        self.reply(verb, at, ResponseTemplate::new(200).set_body_json(body)).await;
    }

    async fn calls(&self) -> Vec<String> {
        self.server.received_requests().await.unwrap().iter().map(|call| format!("{} {}", call.method, call.url.path())).collect()
    }
}

fn address(text: &str) -> Address {
    Address::new(text)
}

fn entry(text: &str) -> Entry {
    Entry { address: address(text), fields: Values::default(), tags: [("Wix".to_owned(), true)].into() }
}

/// What a read is answered with, and what comes of it.
async fn refused(status: u16, body: &str) -> StoreError {
    let account = Account::new().await;
    account.reply("GET", ADA, ResponseTemplate::new(status).set_body_string(body)).await;
    account.client.member(&address("ada@example.com")).await.unwrap_err()
}

#[tokio::test]
async fn the_status_decides_whatever_the_body_is() {
    let page = "<html><body>ada@example.com</body></html>";
    for (status, body, expected) in [
        (401, page, ErrorKind::AccessDenied),
        (403, r#"{"title": "Forbidden", "status": 403}"#, ErrorKind::AccessDenied),
        (405, page, ErrorKind::Unsupported),
        (422, page, ErrorKind::Invalid(Vec::new())),
        (500, page, ErrorKind::Unavailable),
        (502, page, ErrorKind::Unavailable),
        (302, page, ErrorKind::Garbled),
        (200, page, ErrorKind::Garbled),
    ] {
        assert_eq!(refused(status, body).await.kind, expected, "{status}");
    }
}

#[tokio::test]
async fn what_is_refused_for_pace_is_for_later() {
    let later = |seconds| (StubClock::shared().as_ref() as &dyn crate::ports::Clock).now() + std::time::Duration::from_secs(seconds);
    let busy = refused(429, "<html></html>").await.kind;
    assert!(matches!(busy, ErrorKind::Throttled(until) if until >= later(1) && until < later(10)), "{busy:?}");
    let flooded = refused(403, "<html></html>").await.kind;
    assert_eq!(flooded, ErrorKind::Throttled(later(30)));
}

#[tokio::test]
async fn what_is_wrong_with_an_address_is_for_good() {
    let bad = |title: &str, detail: &str, fields: &[&str]| {
        let errors: Vec<Json> = fields.iter().map(|field| json!({"field": field, "message": "Please enter a value"})).collect();
        json!({"type": "t", "title": title, "status": 400, "detail": detail, "instance": "0f9c-1", "errors": errors}).to_string()
    };
    let invalid = |fields: &[&str]| ErrorKind::Invalid(fields.iter().map(|field| Field::from(*field)).collect());
    for (body, expected) in [
        (bad("Member In Compliance State", "ada@example.com is in a compliance state due to ..", &[]), ErrorKind::Forbidden),
        (bad("Forgotten Email Not Subscribed", "ada@example.com was permanently deleted ..", &[]), ErrorKind::Forbidden),
        (bad("Invalid Resource", "ada@example.com looks fake or invalid, please ..", &[]), ErrorKind::Forbidden),
        (bad("Invalid Resource", "Please provide a valid email address.", &[]), ErrorKind::Forbidden),
        (bad("Invalid Resource", "..", &["email_address"]), ErrorKind::Forbidden),
        (bad("Member Exists", "..", &[]), ErrorKind::Exists(None)),
        (bad("Invalid Resource", "ada@example.com is already a list member. Use PUT ..", &[]), ErrorKind::Exists(None)),
        (bad("Invalid Resource", "..", &["FNAME", "merge_fields.PHONE"]), invalid(&["FNAME", "PHONE"])),
        (bad("Invalid Resource", "..", &["ada@example.com", ""]), invalid(&[])),
        ("<html></html>".to_owned(), invalid(&[])),
    ] {
        let error = refused(400, &body).await;
        assert_eq!(error.kind, expected, "{body}");
        assert!(!format!("{error} {error:?}").contains("ada@"), "{error:?}");
    }
    assert_eq!(refused(400, &bad("t", "d", &[])).await.request.as_deref(), Some("0f9c-1"));
}

#[tokio::test]
async fn no_error_tells_the_address_or_its_hash() {
    let account = Account::new().await;
    account.reply("GET", ADA, ResponseTemplate::new(500)).await;
    account.reply("POST", LIST, ResponseTemplate::new(500)).await;
    account.answer("GET", LIST, json!({"double_optin": false})).await;
    let client = &account.client;
    let errors = [
        client.member(&address("ada@example.com")).await.unwrap_err(),
        client.put(&entry("ada@example.com")).await.unwrap_err(),
        client.opt_out(&address("ada@example.com")).await.unwrap_err(),
        client.add(&[entry("ada@example.com")]).await.unwrap_err(),
    ];
    for error in errors {
        let text = format!("{error} {error:?}");
        assert!(error.operation.starts_with("mailchimp ") && !text.contains("ada@") && !text.contains("3e3417"), "{text}");
    }
}

#[tokio::test]
async fn a_row_that_is_in_no_list_is_unknown() {
    let account = Account::new().await;
    account.answer("GET", LIST, json!({"double_optin": false})).await;
    let errors = json!([{"email_address": "eve@example.com", "error": "Your merge fields were invalid.", "error_code": "ERROR_GENERIC",
        "field": "FNAME", "field_message": "Please enter a value"}]);
    let members = json!([{"email_address": "ADA@example.com", "status": "subscribed"}]);
    account.answer("POST", LIST, json!({"new_members": members, "updated_members": null, "errors": errors})).await;
    let entries = ["ada@example.com", "bob@example.com", " Eve@Example.com ", "Ada@Example.com"].map(entry);
    let outcomes = account.client.add(&entries).await.unwrap();
    assert_eq!(outcomes, [Ok(()), Err(ErrorKind::Garbled), Err(ErrorKind::Invalid(vec!["FNAME".into()])), Ok(())]);
    let body: Json = account.server.received_requests().await.unwrap()[1].body_json().unwrap();
    assert_eq!(body["members"].as_array().unwrap().len(), 3);
    assert_eq!(
        body["members"][0],
        json!({"email_address": "ada@example.com", "status": "subscribed", "merge_fields": {}, "tags": ["Wix"]})
    );
    assert_eq!(body["update_existing"], false);
}

#[tokio::test]
async fn whether_to_ask_first_is_read_once() {
    let account = Account::new().await;
    account.answer("GET", LIST, json!({"double_optin": true})).await;
    account.answer("POST", LIST, json!({"new_members": [{"email_address": "ada@example.com"}]})).await;
    for _ in 0..2 {
        account.client.add(&[entry("ada@example.com")]).await.unwrap();
    }
    assert!(account.client.add(&[]).await.unwrap().is_empty());
    let (get, post) = (format!("GET {LIST}"), format!("POST {LIST}"));
    assert_eq!(account.calls().await, [get, post.clone(), post]);
}

#[tokio::test]
async fn nothing_is_written_where_nothing_differs() {
    let account = Account::new().await;
    account
        .answer("GET", ADA, json!({"email_address": "ada@example.com", "status": "unsubscribed", "tags": [{"id": 1, "name": "Wix"}]}))
        .await;
    account.client.put(&entry("Ada@Example.com")).await.unwrap();
    account.client.opt_out(&address("ADA@example.com")).await.unwrap();
    assert_eq!(account.calls().await, [format!("GET {ADA}"), format!("GET {ADA}")]);
}

#[tokio::test]
async fn every_page_of_fields_is_read() {
    let account = Account::new().await;
    let field = |tag: &str, kind: &str| json!({"tag": tag, "type": kind});
    let page = |offset: &str, fields: Json| {
        Mock::given(path(format!("{LIST}/merge-fields")))
            .and(wiremock::matchers::query_param("offset", offset))
            .respond_with(ResponseTemplate::new(200).set_body_json(json!({"merge_fields": fields, "total_items": 3})))
    };
    page("0", json!([field("FNAME", "text"), field("ADDRESS", "address")])).mount(&account.server).await;
    page("2", json!([field("PHONE", "phone")])).mount(&account.server).await;
    assert_eq!(account.client.fields().await.unwrap(), ["FNAME", "PHONE"]);
}

#[tokio::test]
async fn changes_are_asked_for_from_a_second_earlier() {
    let account = Account::new().await;
    account.answer("GET", &format!("{LIST}/members"), json!({"members": [], "total_items": 0})).await;
    let roll = Roll { since: Some("2026-02-03T10:00:00.999Z".parse().unwrap()), archived: true, offset: 2_000 };
    account.client.members(&roll).await.unwrap();
    let calls = account.server.received_requests().await.unwrap();
    let pairs: Vec<(String, String)> = calls[0].url.query_pairs().map(|(name, value)| (name.into(), value.into())).collect();
    for (name, value) in
        [("since_last_changed", "2026-02-03T09:59:59+00:00"), ("status", "archived"), ("offset", "2000"), ("count", "1000")]
    {
        assert!(pairs.contains(&(name.to_owned(), value.to_owned())), "{name}: {pairs:?}");
    }
}

#[tokio::test]
async fn a_page_is_as_of_when_it_was_asked_for_by_mailchimps_clock() {
    let account = Account::new().await;
    let reply = ResponseTemplate::new(200).insert_header("date", "Tue, 03 Feb 2026 11:07:00 GMT");
    account.reply("GET", &format!("{LIST}/members"), reply.set_body_json(json!({"members": [], "total_items": 0}))).await;
    let page = account.client.members(&Roll { since: None, archived: false, offset: 0 }).await.unwrap();
    assert_eq!(page.as_of.to_string(), "2026-02-03T11:07:00Z");
}

#[test]
fn the_hash_is_that_of_the_lower_case_address() {
    assert!(ADA.ends_with(&format!("{:x}", md5::compute("ada@example.com"))));
    let clocked: Arc<dyn crate::ports::Clock> = StubClock::shared();
    let settings = Settings { base: None, list: "abc".to_owned() };
    let unusable = Client::new(&settings, http(&StubClock::shared(), HABITS), &"key".into(), clocked);
    assert_eq!(unusable.err().map(|error| error.kind), Some(ErrorKind::Corrupt));
}
