use jiff::Timestamp;

use super::*;
use crate::{
    model::{
        ids::ConversationId,
        message::{Author, Media, Person},
        post::{Body, Item, Post, Posted, Said},
        site::inbox::{Badge, Visibility},
    },
    ports::{Inbox, Order},
};

const CONVERSATION: &str = "0f2c8c1e-5a0e-4b6f-8f3e-2d7b9c4a6e15";

fn email() -> MatchKey {
    MatchKey::Email("ada.stone@example.com".to_owned())
}

fn found(contacts: &Json) -> ResponseTemplate {
    ok(json!({"contacts": contacts, "pagingMetadata": {}}))
}

#[tokio::test]
async fn a_sender_is_queried_for_the_id_alone() {
    let wix = Wix::with_key().await;
    let hers = json!({"id": ADA, "revision": 1, "info": {"emails": {"items": [{"email": "Ada.Stone@Example.com"}]}}});
    wix.answers("POST", &contacts("/query"), found(&json!([hers]))).await.answers("POST", &contacts("/query"), found(&json!([]))).await;
    assert_eq!(wix.client.contacts_of(&email(), Order::FirstCreated, 1).await.unwrap(), [ADA.into()]);
    assert!(wix.client.contacts_of(&email(), Order::LastActive, 21).await.unwrap().is_empty());
    let query = |limit: u32, name: &str, order: &str| {
        json!({"query": {"filter": {"info.emails.email": {"$eq": "ada.stone@example.com"}}, "fields": ["id", "info.emails"],
            "sort": [{"fieldName": name, "order": order}], "paging": {"limit": limit, "offset": 0}}})
    };
    let asked: Vec<_> = wix.calls().await.into_iter().map(|(_, body)| body).collect();
    assert_eq!(asked, [query(1, "createdDate", "ASC"), query(21, "lastActivity.activityDate", "DESC")]);
}

#[tokio::test]
async fn a_filter_that_was_ignored_finds_nobody() {
    let wix = Wix::with_key().await;
    let stranger = json!({"id": "c-9", "info": {"emails": {"items": [{"email": "eve@example.com"}]}}});
    wix.answers("POST", &contacts("/query"), found(&json!([stranger]))).await;
    assert_eq!(kind(wix.client.contacts_of(&email(), Order::FirstCreated, 1).await), ErrorKind::Garbled);
}

#[tokio::test]
async fn a_number_is_queried_as_it_is_known() {
    let wix = Wix::with_key().await;
    for _ in 0..3 {
        wix.answers("POST", &contacts("/query"), found(&json!([]))).await;
    }
    for phone in ["+16465550132", "ask for Ada"] {
        assert!(wix.client.contacts_of(&MatchKey::Phone(phone.to_owned()), Order::FirstCreated, 1).await.unwrap().is_empty());
    }
    let filters: Vec<_> = wix.calls().await.iter().map(|(_, body)| body["query"]["filter"].clone()).collect();
    assert_eq!(filters[0], json!({"info.phones.e164Phone": {"$eq": "+16465550132"}}));
    let forms = filters[1]["info.phones.phone"]["$in"].as_array().unwrap();
    assert!(["+16465550132", "(646) 555-0132", "6465550132"].iter().all(|form| forms.contains(&json!(form))), "{forms:?}");
    assert_eq!(filters[2], json!({"info.phones.phone": {"$in": ["ask for Ada"]}}));
}

#[tokio::test]
async fn a_newcomer_has_what_the_service_tells() {
    let wix = Wix::with_key().await;
    wix.answers("POST", &contacts(""), ok(json!({"contact": {"id": ADA, "revision": 1}}))).await;
    let person = Person::new(Some("ada@example.com"), Some("(646) 555-0132"), Some("Ada King Lovelace"));
    assert_eq!(wix.client.add_contact(&person).await.unwrap(), ADA.into());
    let info = json!({
        "name": {"first": "Ada King", "last": "Lovelace"}, "emails": {"items": [{"email": "ada@example.com"}]},
        "phones": {"items": [{"phone": "+16465550132", "countryCode": "US"}]},
    });
    assert_eq!(wix.calls().await[0].1, json!({"info": info, "allowDuplicates": false}));
    wix.answers("POST", &contacts(""), refused(409, "DUPLICATE_CONTACT_EXISTS", json!({"duplicateContactId": "c-2"}))).await;
    assert_eq!(kind(wix.client.add_contact(&person).await), ErrorKind::Exists(Some("c-2".into())));
}

fn conversation(id: &str, is_new: bool) -> ResponseTemplate {
    ok(json!({"conversation": {"id": id, "participant": {"contactId": ADA}}, "newConversation": is_new}))
}

async fn conversation_with_ada(wix: &Wix) -> Result<ConversationId, StoreError> {
    wix.client.conversation_with(&ADA.into()).await
}

#[tokio::test]
async fn a_conversation_that_is_there_costs_one_call() {
    let wix = Wix::with_key().await;
    wix.answers("POST", "/inbox/v2/conversations", conversation(CONVERSATION, false)).await;
    assert_eq!(conversation_with_ada(&wix).await.unwrap(), CONVERSATION.into());
    let asked = json!({"participantId": {"contactId": ADA}});
    assert_eq!(wix.calls().await, [("POST /inbox/v2/conversations".to_owned(), asked)]);
}

#[tokio::test]
async fn a_new_conversation_is_with_somebody_who_exists() {
    let mut winner = ada();
    winner["id"] = "c-2".into();
    for (contact, expected) in [
        (ok(json!({"contact": ada(), "responseType": "REGULAR"})), Ok("new")),
        (ok(json!({"contact": winner, "responseType": "MERGED"})), Ok("winner's")),
        (refused(404, "CONTACT_NOT_FOUND", json!({})), Err(ErrorKind::NotFound)),
    ] {
        let wix = Wix::with_key().await;
        wix.answers("POST", "/inbox/v2/conversations", conversation("new", true)).await;
        wix.answers("GET", &of_ada(""), contact).await.answers("POST", "/inbox/v2/conversations", conversation("winner's", false)).await;
        assert_eq!(conversation_with_ada(&wix).await.map_err(|error| error.kind), expected.map(ConversationId::from));
    }
}

#[tokio::test]
async fn a_contact_that_was_merged_leads_to_the_one_it_went_into() {
    let mut winner = ada();
    winner["id"] = "c-2".into();
    let wix = Wix::with_key().await;
    wix.answers("POST", "/inbox/v2/conversations", refused(404, "CONTACT_NOT_FOUND", json!({}))).await;
    wix.answers("GET", &of_ada(""), ok(json!({"contact": winner, "responseType": "MERGED"}))).await;
    wix.answers("POST", "/inbox/v2/conversations", conversation("winner's", false)).await;
    assert_eq!(conversation_with_ada(&wix).await.unwrap(), "winner's".into());
    assert_eq!(wix.calls().await[2].1, json!({"participantId": {"contactId": "c-2"}}));
}

#[tokio::test]
async fn a_contact_that_is_no_participant_is_gone() {
    for refusal in
        [refused(404, "CONTACT_NOT_FOUND", json!({})), ResponseTemplate::new(400).set_body_json(json!({"message": "no", "details": {}}))]
    {
        let wix = Wix::with_key().await;
        wix.answers("POST", "/inbox/v2/conversations", refusal).await;
        wix.answers("GET", &of_ada(""), refused(404, "CONTACT_NOT_FOUND", json!({}))).await;
        assert_eq!(kind(conversation_with_ada(&wix).await), ErrorKind::NotFound);
    }
}

fn post(body: Body, author: Author) -> Post {
    let badge = Badge { text: "SMS".to_owned(), icon: Some("https://a.example/sms.png".to_owned()) };
    Post { body, author, visibility: Visibility::Business, badge: Some(badge), notify: false }
}

async fn sent(post: &Post) -> Json {
    let wix = Wix::with_key().await;
    wix.answers("POST", "/inbox/v2/messages", ok(json!({"message": {"id": "7", "sequence": "8"}}))).await;
    assert_eq!(wix.client.post(&CONVERSATION.into(), post).await.unwrap(), Some(8));
    wix.calls().await.remove(0).1
}

#[tokio::test]
async fn a_message_is_what_the_customer_says() {
    let file = |mime: &str| Media { url: "https://a.example/1".to_owned(), mime: Some(mime.to_owned()), name: Some("one".to_owned()) };
    let items = vec![Item::Text("Hi".to_owned()), Item::Image(file("image/png")), Item::File(file("application/pdf"))];
    let badge = json!({"text": "SMS", "iconUrl": "https://a.example/sms.png", "badgeVisibility": "BUSINESS"});
    let items_sent = json!([
        {"text": "Hi"}, {"image": {"url": "https://a.example/1", "filename": "one"}},
        {"file": {"url": "https://a.example/1", "filename": "one", "mimeType": "application/pdf"}},
    ]);
    let message = json!({"content": {"basic": {"items": items_sent}}, "visibility": "BUSINESS", "direction": "PARTICIPANT_TO_BUSINESS", "badges": [badge]});
    let expected = json!({"conversationId": CONVERSATION, "message": message, "sendNotifications": false, "sendAs": "PARTICIPANT"});
    assert_eq!(sent(&post(Body::Basic(items), Author::Participant)).await, expected);
}

#[tokio::test]
async fn what_the_business_says_is_from_the_app() {
    let own = Post {
        visibility: Visibility::Everybody,
        notify: true,
        badge: None,
        ..post(Body::Basic(vec![Item::Text("Hi".to_owned())]), Author::Business)
    };
    let sent = sent(&own).await;
    assert_eq!((&sent["sendAs"], &sent["sendNotifications"], &sent["message"]["badges"]), (&json!("CALLER"), &json!(true), &json!([])));
    assert_eq!(
        (&sent["message"]["direction"], &sent["message"]["visibility"]),
        (&json!("BUSINESS_TO_PARTICIPANT"), &json!("BUSINESS_AND_PARTICIPANT"))
    );
}

#[tokio::test]
async fn an_activity_is_one_line_that_the_app_writes() {
    let line = Body::Minimal { text: "Booked".to_owned(), icon: Some("https://a.example/i".to_owned()), link: None };
    let sent = sent(&post(line, Author::Participant)).await;
    assert_eq!(sent["message"]["content"], json!({"minimal": {"text": "Booked", "iconUrl": "https://a.example/i"}}));
    assert_eq!((&sent["sendAs"], &sent["message"]["direction"]), (&json!("CALLER"), &json!("PARTICIPANT_TO_BUSINESS")));
}

#[tokio::test]
async fn a_post_that_may_have_landed_is_not_sent_again() {
    let wix = Wix::with_key().await;
    let post = post(Body::Basic(vec![Item::Text("Hi".to_owned())]), Author::Participant);
    wix.answers("POST", "/inbox/v2/messages", ResponseTemplate::new(503)).await;
    assert_eq!(kind(wix.client.post(&CONVERSATION.into(), &post).await), ErrorKind::Unavailable);
    wix.answers("POST", "/inbox/v2/messages", ResponseTemplate::new(200).set_body_string("<html>")).await;
    assert_eq!(kind(wix.client.post(&CONVERSATION.into(), &post).await), ErrorKind::Garbled);
    wix.answers("POST", "/inbox/v2/messages", refused(403, "INVALID_MEDIA_URL", json!({}))).await;
    assert_eq!(kind(wix.client.post(&CONVERSATION.into(), &post).await), ErrorKind::Invalid(vec!["media".into()]));
    assert_eq!(wix.received().await.len(), 3);
}

fn listed(place: u64, app: &str, at: &str, content: &Json) -> Json {
    json!({"id": place.to_string(), "sequence": place.to_string(), "appId": app, "createdDate": at, "content": content})
}

fn text(text: &str) -> Json {
    json!({"basic": {"items": [{"text": text}, {"image": {"url": "https://static.example/x", "width": 1200.0}}, {"file": {"url": "https://x"}}]}})
}

#[tokio::test]
async fn what_we_posted_is_listed_back_to_an_instant() {
    let wix = Wix::with_app().await;
    wix.answers("POST", "/oauth2/token", ok(json!({"access_token": "t", "expires_in": 14_400}))).await;
    let (now, before) = ("2026-02-03T11:00:00.000Z", "2026-02-03T10:00:00.000Z");
    let first = json!([
        listed(9, "app-1", now, &json!({"minimal": {"text": "Booked"}})),
        listed(8, "other", now, &text("theirs")),
        listed(7, "app-1", now, &json!({"form": {"title": "x"}})),
    ]);
    let second = json!([listed(6, "app-1", now, &text("ours")), listed(5, "app-1", before, &text("old"))]);
    let page = |messages: Json| ok(json!({"messages": messages, "pagingMetadata": {"count": 3, "cursors": {"next": "c-1"}}}));
    let at = "/inbox/v2/messages";
    let more = Mock::given(method("GET")).and(path(at)).and(query_param("paging.cursor", "c-1"));
    more.respond_with(page(second)).with_priority(1).mount(&wix.server).await;
    let start = Mock::given(method("GET")).and(path(at)).and(query_param("conversationId", CONVERSATION));
    let start = start.and(query_param("visibility", "BUSINESS")).and(query_param("paging.limit", "100"));
    start.respond_with(page(first)).mount(&wix.server).await;
    let since: Timestamp = "2026-02-03T10:58:00Z".parse().unwrap();
    let posted = wix.client.posted(&CONVERSATION.into(), since).await.unwrap();
    let at = Some("2026-02-03T11:00:00Z".parse().unwrap());
    let ours = Posted { place: 6, at, said: vec![Said::Text("ours".to_owned()), Said::Image, Said::File] };
    let line = Posted { place: 9, at, said: vec![Said::Text("Booked".to_owned())] };
    assert!(posted == [ours, line], "{posted:?}");
    assert_eq!(wix.received().await.len(), 3);
}
