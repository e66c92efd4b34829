use super::*;
use crate::{
    model::contact::{Found, MatchKey},
    ports::ContactStore,
};

#[tokio::test]
async fn a_read_asks_for_what_is_mapped_and_what_tells_merges() {
    let portal = Portal::new().await;
    portal.answer("GET", record("512"), 200, object("512", json!({"firstname": "Ada", "wix_contact_id": "w1"}))).await;
    let Found::Present(contact) = portal.client.get(&"512".into()).await.unwrap() else { panic!("not present") };
    assert_eq!((text(&contact, "firstname"), contact.counterpart.clone()), (Some("Ada"), Some("w1".into())));
    let calls = portal.server.received_requests().await.unwrap();
    let query = calls[0].url.query().unwrap().replace("%2C", ",");
    assert_eq!(query, "properties=email,firstname,hs_additional_emails,mobilephone,phone,wix_contact_id,hs_merged_object_ids");
    assert_eq!(calls[0].headers["authorization"], "Bearer token-1");
}

#[tokio::test]
async fn what_is_not_there_is_absent_and_what_was_merged_is_the_winner() {
    let portal = Portal::new().await;
    portal.answer("GET", record("1"), 404, not_found()).await;
    let mut archived = object("2", json!({}));
    archived["archived"] = true.into();
    portal.answer("GET", record("2"), 200, archived).await;
    portal.answer("GET", record("3"), 200, object("9", json!({"hs_merged_object_ids": "3"}))).await;
    assert!(matches!(portal.client.get(&"1".into()).await.unwrap(), Found::Absent));
    assert!(matches!(portal.client.get(&"2".into()).await.unwrap(), Found::Absent));
    assert!(matches!(portal.client.get(&"3".into()).await.unwrap(), Found::Merged(winner) if winner.id == "9".into()));
    assert!(matches!(portal.client.get(&"..".into()).await.unwrap(), Found::Absent));
    assert_eq!(portal.calls().await.len(), 3);
}

#[tokio::test]
async fn a_reply_that_is_not_understood_proves_nothing() {
    for (status, body) in [
        (404, "<html>no such page</html>"),
        (200, "<html>maintenance</html>"),
        (200, "{\"id\":\"512\",\"properties\":{\"email\":\"ad"),
        (200, "{\"id\":\"512\"}"),
        (200, "{\"id\":\"512\",\"properties\":{\"email\":{}}}"),
        (200, ""),
        (200, "null"),
    ] {
        let portal = Portal::new().await;
        portal.reply("GET", record("512"), ResponseTemplate::new(status).set_body_string(body)).await;
        let error = portal.client.get(&"512".into()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Garbled, "{body}");
        assert!(!format!("{error:?}").contains("ad\""), "{error:?}");
    }
}

#[tokio::test]
async fn a_mapped_property_that_the_portal_lost_is_told_from_an_empty_one() {
    let portal = Portal::with("token-1", &["colour"]).await;
    let list = |names: &[&str]| json!({"results": names.iter().map(|name| json!({"name": name, "type": "string"})).collect::<Vec<_>>()});
    portal.answer("GET", PROPERTIES, 200, list(&["colour"])).await;
    for _ in 0..2 {
        portal.answer("GET", PROPERTIES, 200, list(&["size"])).await;
    }
    for _ in 0..2 {
        portal.answer("GET", record("512"), 200, object("512", json!({}))).await;
    }
    assert!(matches!(portal.client.get(&"512".into()).await.unwrap(), Found::Present(_)));
    crate::ports::Clock::sleep(portal.clock.as_ref(), std::time::Duration::from_secs(301)).await;
    assert!(matches!(portal.client.get(&"512".into()).await.unwrap(), Found::Present(_)));
    assert_eq!(portal.client.lacks(&["colour".into(), "email".into()]).await.unwrap(), ["colour".into()]);
}

#[tokio::test]
async fn an_email_is_found_by_a_current_read_and_by_the_index() {
    let portal = Portal::new().await;
    portal.answer("GET", record("ada%2Bshop%40example.com"), 200, object("5", json!({"email": "ada+shop@example.com"}))).await;
    portal
        .answer(
            "POST",
            format!("{CONTACTS}/search"),
            200,
            json!({"total": 3, "results": [object("5", json!({})), object("6", json!({})),
        object("7", json!({}))]}),
        )
        .await;
    let batch = json!({"status": "COMPLETE", "results": [object("5", json!({"email": "ada+shop@example.com"})),
        object("6", json!({"hs_additional_emails": "x@example.com;Ada+Shop@example.com"})), object("7", json!({"email": "shop@example.com"}))]});
    portal.answer("POST", format!("{CONTACTS}/batch/read"), 200, batch).await;
    let found = portal.client.find(&MatchKey::Email(" Ada+Shop@Example.com".to_owned())).await.unwrap();
    assert_eq!(found.iter().map(|contact| contact.id.as_str()).collect::<Vec<_>>(), ["5", "6"]);
    let query = portal.server.received_requests().await.unwrap()[0].url.query().unwrap().to_owned();
    assert!(query.ends_with("&idProperty=email"), "{query}");
    let filters = portal.body(1).await["filterGroups"].clone();
    assert_eq!(filters[0], json!({"filters": [{"propertyName": "email", "operator": "EQ", "value": "ada+shop@example.com"}]}));
}

#[tokio::test]
async fn a_phone_is_found_however_it_was_written_oldest_first() {
    let portal = Portal::new().await;
    portal.answer("POST", format!("{CONTACTS}/search"), 200, json!({"results": [object("5", json!({})), object("6", json!({}))]})).await;
    let mut older = object("6", json!({"mobilephone": "+1 212-736-5000"}));
    older["createdAt"] = "2025-01-01T00:00:00Z".into();
    let batch = json!({"status": "COMPLETE", "results": [object("5", json!({"phone": "+12127365000"})), older,
        object("7", json!({"phone": "+12127365001"}))]});
    portal.answer("POST", format!("{CONTACTS}/batch/read"), 200, batch).await;
    let found = portal.client.find(&MatchKey::Phone("+1 (212) 736-5000".to_owned())).await.unwrap();
    assert_eq!(found.iter().map(|contact| contact.id.as_str()).collect::<Vec<_>>(), ["6", "5"]);
    let forms = portal.body(0).await["filterGroups"][0]["filters"][0]["values"].clone();
    for form in ["+12127365000", "2127365000", "+1 (212) 736-5000"] {
        assert!(forms.as_array().unwrap().contains(&form.into()), "{forms}");
    }
}

#[tokio::test]
async fn nothing_is_looked_for_by_an_empty_key_and_nothing_read_when_nothing_is_found() {
    let portal = Portal::new().await;
    for key in [MatchKey::Email(" ".to_owned()), MatchKey::Phone(String::new())] {
        assert!(portal.client.find(&key).await.unwrap().is_empty());
    }
    assert!(portal.calls().await.is_empty());
    portal.answer("POST", format!("{CONTACTS}/search"), 200, json!({"total": 0, "results": []})).await;
    assert!(portal.client.find(&MatchKey::Phone("1".to_owned())).await.unwrap().is_empty());
    assert_eq!(portal.calls().await.len(), 1);
}

#[tokio::test]
async fn a_counterpart_is_found_by_the_unique_property() {
    let portal = Portal::new().await;
    portal.answer("GET", record("w1"), 200, object("512", json!({"wix_contact_id": "w1"}))).await;
    portal.answer("GET", record("w2"), 404, not_found()).await;
    assert_eq!(portal.client.find_counterpart(&"w1".into()).await.unwrap().unwrap().id, "512".into());
    assert!(portal.client.find_counterpart(&"w2".into()).await.unwrap().is_none());
    assert!(portal.server.received_requests().await.unwrap()[0].url.query().unwrap().ends_with("&idProperty=wix_contact_id"));
}

#[tokio::test]
async fn reads_are_sent_again_after_a_passing_failure_and_limits_are_told() {
    let portal = Portal::new().await;
    portal.reply("GET", record("1"), ResponseTemplate::new(502).set_body_string("<html>")).await;
    portal.answer("GET", record("1"), 200, object("1", json!({}))).await;
    assert!(matches!(portal.client.get(&"1".into()).await.unwrap(), Found::Present(_)));
    portal.answer("GET", record("2"), 429, json!({"policyName": "DAILY", "message": "You have reached your daily limit."})).await;
    let midnight = "2026-02-04T00:00:00Z".parse().unwrap();
    assert_eq!(kind(portal.client.get(&"2".into()).await), ErrorKind::Throttled(midnight));
    assert_eq!(kind(portal.client.get(&"3".into()).await), ErrorKind::Throttled(midnight));
    assert_eq!(portal.calls().await.len(), 3, "nothing is sent before the day is over");
}
