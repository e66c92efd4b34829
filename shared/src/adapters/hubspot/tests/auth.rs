use std::time::Duration;

use wiremock::matchers::{body_string_contains, header};

use super::*;
use crate::ports::{Clock, ContactStore};

const OAUTH: &str = r#"{"client_id":"id-1","client_secret":"cs-1","refresh_token":"rt-1"}"#;
const TOKEN: &str = "/oauth/2026-03/token";

fn token(access: &str) -> Json {
    json!({"token_type": "bearer", "access_token": access, "refresh_token": "rt-1", "expires_in": 1800, "hub_id": 1})
}

async fn oauth() -> Portal {
    Portal::with(OAUTH, &["firstname"]).await
}

/// Serves every record to whoever brings this token, and refuses the others.
async fn accept(portal: &Portal, token: &str) {
    let found = ResponseTemplate::new(200).set_body_json(object("1", json!({})));
    Mock::given(path(record("1")))
        .and(header("authorization", &*format!("Bearer {token}")))
        .respond_with(found)
        .mount(&portal.server)
        .await;
    let refused = ResponseTemplate::new(401).set_body_json(json!({"category": "EXPIRED_AUTHENTICATION"}));
    Mock::given(path(record("1"))).respond_with(refused).mount(&portal.server).await;
}

async fn refreshes(portal: &Portal) -> usize {
    portal.calls().await.iter().filter(|call| call.ends_with(TOKEN)).count()
}

#[tokio::test]
async fn a_token_is_refreshed_once_for_many_and_kept_until_shortly_before_it_expires() {
    let portal = oauth().await;
    accept(&portal, "at-1").await;
    for _ in 0..2 {
        portal.answer("POST", TOKEN, 200, token("at-1")).await;
    }
    let id = "1".into();
    let (a, b, c) = tokio::join!(portal.client.get(&id), portal.client.get(&id), portal.client.get(&id));
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    portal.clock.sleep(Duration::from_secs(1_499)).await;
    portal.client.get(&id).await.unwrap();
    assert_eq!(refreshes(&portal).await, 1);
    portal.clock.sleep(Duration::from_secs(1)).await;
    portal.client.get(&id).await.unwrap();
    assert_eq!(refreshes(&portal).await, 2);
    let sent = portal.server.received_requests().await.unwrap();
    let form = String::from_utf8(sent.iter().find(|call| call.url.path() == TOKEN).unwrap().body.clone()).unwrap();
    assert_eq!(form, "grant_type=refresh_token&client_id=id-1&client_secret=cs-1&refresh_token=rt-1");
    assert!(portal.keeper.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let portal = oauth().await;
    accept(&portal, "at-2").await;
    portal.answer("POST", TOKEN, 200, token("at-1")).await;
    portal.answer("POST", TOKEN, 200, token("at-2")).await;
    portal.client.get(&"1".into()).await.unwrap();
    assert_eq!(refreshes(&portal).await, 2);
}

#[tokio::test]
async fn a_token_that_is_refused_again_needs_a_person() {
    let portal = oauth().await;
    accept(&portal, "at-9").await;
    for access in ["at-1", "at-2", "at-3"] {
        portal.answer("POST", TOKEN, 200, token(access)).await;
    }
    assert_eq!(kind(portal.client.get(&"1".into()).await), ErrorKind::AccessDenied);
    assert_eq!(refreshes(&portal).await, 2);
}

#[tokio::test]
async fn a_fixed_token_that_is_refused_needs_a_person() {
    let portal = Portal::new().await;
    accept(&portal, "token-2").await;
    assert_eq!(kind(portal.client.get(&"1".into()).await), ErrorKind::AccessDenied);
    assert_eq!(portal.calls().await.len(), 1);
}

#[tokio::test]
async fn a_token_that_a_person_replaced_is_taken_up_when_the_old_one_is_refused() {
    for status in [401, 403] {
        let portal = Portal::new().await;
        let found = ResponseTemplate::new(200).set_body_json(object("1", json!({})));
        Mock::given(header("authorization", "Bearer token-2")).respond_with(found).mount(&portal.server).await;
        let refused = ResponseTemplate::new(status).set_body_json(json!({"category": "MISSING_SCOPES"}));
        Mock::given(path(record("1"))).respond_with(refused).mount(&portal.server).await;
        assert_eq!(kind(portal.client.get(&"1".into()).await), ErrorKind::AccessDenied);
        *portal.stored.0.lock().unwrap() = "token-2".to_owned();
        for calls in [3, 4] {
            portal.client.get(&"1".into()).await.unwrap();
            assert_eq!(portal.calls().await.len(), calls);
        }
    }
}

#[tokio::test]
async fn a_refresh_token_that_another_worker_replaced_is_taken_up() {
    let portal = oauth().await;
    accept(&portal, "at-2").await;
    for (refresh, status, reply) in [("rt-1", 400, json!({"status": "BAD_REFRESH_TOKEN"})), ("rt-2", 200, token("at-2"))] {
        let with = Mock::given(path(TOKEN)).and(body_string_contains(format!("refresh_token={refresh}")));
        with.respond_with(ResponseTemplate::new(status).set_body_json(reply)).mount(&portal.server).await;
    }
    assert_eq!(kind(portal.client.get(&"1".into()).await), ErrorKind::AccessDenied);
    *portal.stored.0.lock().unwrap() = OAUTH.replace("rt-1", "rt-2");
    portal.client.get(&"1".into()).await.unwrap();
}

#[tokio::test]
async fn a_replaced_refresh_token_is_used_and_kept() {
    let portal = oauth().await;
    accept(&portal, "at-2").await;
    let replaced = json!({"access_token": "at-1", "refresh_token": "rt-2"});
    Mock::given(path(TOKEN))
        .and(body_string_contains("refresh_token=rt-1"))
        .respond_with(ResponseTemplate::new(200).set_body_json(replaced))
        .mount(&portal.server)
        .await;
    let next = json!({"access_token": "at-2", "refresh_token": "rt-2", "expires_in": 1800});
    Mock::given(path(TOKEN))
        .and(body_string_contains("refresh_token=rt-2"))
        .respond_with(ResponseTemplate::new(200).set_body_json(next))
        .mount(&portal.server)
        .await;
    portal.client.get(&"1".into()).await.unwrap();
    let kept = portal.keeper.0.lock().unwrap().clone();
    let [(name, value)] = kept.as_slice() else { panic!("{}", kept.len()) };
    assert_eq!(name, "hubspot/site");
    assert_eq!(
        serde_json::from_str::<Json>(value).unwrap(),
        json!({"client_id": "id-1", "client_secret": "cs-1", "refresh_token": "rt-2"})
    );
}

#[tokio::test]
async fn a_refused_refresh_is_a_denial_and_a_failed_one_passes() {
    for (reply, expected) in [
        (
            ResponseTemplate::new(400).set_body_json(json!({"status": "BAD_REFRESH_TOKEN", "message": "missing or invalid"})),
            ErrorKind::AccessDenied,
        ),
        (ResponseTemplate::new(403).set_body_string(""), ErrorKind::AccessDenied),
        (ResponseTemplate::new(502), ErrorKind::Unavailable),
        (ResponseTemplate::new(200).set_body_string("<html>"), ErrorKind::Garbled),
    ] {
        let portal = oauth().await;
        portal.reply("POST", TOKEN, reply).await;
        let error = portal.client.get(&"1".into()).await.unwrap_err();
        assert_eq!(error.kind, expected);
        assert!(!format!("{error} {error:?}").contains("rt-1"));
    }
}

#[test]
fn credentials_that_cannot_be_read_are_not_shown() {
    for text in [
        "{\"client_id\":\"hush\"}",
        "{\"client_id\":1,hush",
        "{\"client_id\":\"a\",\"client_secret\":\"b\",\"refresh_token\":\"c\",\"hush\":1}",
    ] {
        let error = Credentials::read("hubspot/site", &text.into()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Corrupt);
        assert!(!format!("{error} {error:?}").contains("hush"));
    }
    let fixed = Credentials::read("hubspot/site", &" pat-hush\n".into()).unwrap();
    assert_eq!(format!("{fixed:?}"), "Credentials { secret: \"hubspot/site\", .. }");
}
