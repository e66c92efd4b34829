use super::*;

async fn get(reply: ResponseTemplate) -> Result<Found, StoreError> {
    let wix = Wix::with_key().await;
    wix.answers("GET", &of_ada(""), reply).await;
    wix.client.get(&ADA.into()).await
}

#[tokio::test]
async fn a_contact_is_read_by_its_id() {
    let Ok(Found::Present(contact)) = get(ok(json!({"contact": ada(), "responseType": "REGULAR", "news": {}}))).await else { panic!() };
    assert_eq!((contact.id, contact.counterpart), (ADA.into(), Some("crm-000417".into())));
}

#[tokio::test]
async fn a_contact_that_was_merged_away_is_read_as_the_one_it_went_into() {
    let mut winner = ada();
    winner["id"] = "c-2".into();
    for reply in [json!({"contact": winner, "responseType": "MERGED"}), json!({"contact": winner})] {
        let found = get(ok(reply)).await;
        assert!(matches!(found, Ok(Found::Merged(contact)) if contact.id == "c-2".into()));
    }
}

#[tokio::test]
async fn only_wix_itself_can_say_that_a_contact_is_absent() {
    assert!(matches!(get(refused(404, "CONTACT_NOT_FOUND", json!({}))).await, Ok(Found::Absent)));
    let html = ResponseTemplate::new(404).set_body_string("<html>");
    for (reply, expected) in [
        (html, ErrorKind::Garbled),
        (ok(json!({})), ErrorKind::Garbled),
        (ok(json!({"contact": {}})), ErrorKind::Garbled),
        (ResponseTemplate::new(200).set_body_string("<html>"), ErrorKind::Garbled),
        (ResponseTemplate::new(200).set_body_string(r#"{"contact":{"id":"#), ErrorKind::Garbled),
    ] {
        assert_eq!(kind(get(reply).await), expected);
    }
}

#[tokio::test]
async fn what_cannot_be_an_id_is_the_id_of_nobody() {
    let wix = Wix::with_key().await;
    for id in ["", "..", "a/b", "a?b", "Ada Stone"] {
        assert!(matches!(wix.client.get(&id.into()).await, Ok(Found::Absent)), "{id}");
    }
    assert!(wix.received().await.is_empty());
}

/// Answers one read of Ada.
async fn ada_is_read(wix: &Wix) {
    wix.answers("GET", &of_ada(""), ok(json!({"contact": ada(), "responseType": "REGULAR"}))).await;
}

#[tokio::test]
async fn an_email_is_queried_and_the_answer_checked() {
    let wix = Wix::with_key().await;
    ada_is_read(&wix).await;
    let stranger = json!({"id": "c-9", "revision": 1, "info": {"name": {"first": "Eve"}}});
    wix.answers("POST", &contacts("/query"), ok(json!({"contacts": [stranger, ada(), {"no": "id"}], "pagingMetadata": {"count": 3}})))
        .await;
    let found = wix.client.find(&MatchKey::Email("ADA.stone@example.com".to_owned())).await.unwrap();
    assert_eq!(found.iter().map(|contact| contact.id.as_str()).collect::<Vec<_>>(), [ADA]);
    let query = json!({"query": {"filter": {"info.emails.email": {"$eq": "ADA.stone@example.com"}},
        "sort": [{"fieldName": "createdDate", "order": "ASC"}], "paging": {"limit": 10, "offset": 0}}});
    assert_eq!(wix.calls().await, [(format!("POST {}", contacts("/query")), query), (format!("GET {}", of_ada("")), Json::Null)]);
}

#[tokio::test]
async fn what_an_index_has_kept_of_a_contact_is_not_believed() {
    let mut moved = ada();
    moved["info"]["emails"]["items"] = json!([]);
    let mut winner = ada();
    winner["id"] = "c-2".into();
    for now in [
        ok(json!({"contact": moved})),
        ok(json!({"contact": winner, "responseType": "MERGED"})),
        refused(404, "CONTACT_NOT_FOUND", json!({})),
    ] {
        let wix = Wix::with_key().await;
        wix.answers("POST", &contacts("/query"), ok(json!({"contacts": [ada()]}))).await.answers("GET", &of_ada(""), now).await;
        assert!(wix.client.find(&MatchKey::Email("ada.stone@example.com".to_owned())).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_phone_is_queried_as_e164_and_as_people_write_it_and_the_first_created_comes_first() {
    let wix = Wix::with_key().await;
    let mut older = ada();
    (older["id"], older["createdDate"]) = ("c-0".into(), "2001-01-01T00:00:00Z".into());
    for page in [json!([ada()]), json!([ada(), older])] {
        wix.answers("POST", &contacts("/query"), ok(json!({"contacts": page}))).await;
    }
    wix.answers("GET", &contacts("/c-0"), ok(json!({"contact": older}))).await;
    ada_is_read(&wix).await;
    ada_is_read(&wix).await;
    let found = wix.client.find(&MatchKey::Phone("+16465550132".to_owned())).await.unwrap();
    assert_eq!(found.iter().map(|contact| contact.id.as_str()).collect::<Vec<_>>(), ["c-0", ADA]);
    let calls = wix.calls().await;
    let mut filters = calls.iter().filter_map(|(_, body)| body.pointer("/query/filter").cloned());
    assert_eq!(filters.next(), Some(json!({"info.phones.e164Phone": {"$eq": "+16465550132"}})));
    let forms = filters.next().unwrap();
    let forms = forms["info.phones.phone"]["$in"].as_array().unwrap();
    assert!(["+16465550132", "(646) 555-0132", "646-555-0132", "6465550132"].iter().all(|form| forms.contains(&json!(form))), "{forms:?}");
}

#[tokio::test]
async fn a_counterpart_is_found_by_the_mirror_field() {
    let wix = Wix::with_key().await;
    wix.answers("POST", &contacts("/query"), ok(json!({"contacts": [ada()]}))).await;
    ada_is_read(&wix).await;
    let found = wix.client.find_counterpart(&"crm-000417".into()).await.unwrap();
    assert_eq!(found.map(|contact| contact.id), Some(ADA.into()));
    assert_eq!(wix.calls().await[0].1["query"]["filter"], json!({"info.extendedFields.custom.externalcrmid": {"$eq": "crm-000417"}}));
    wix.answers("POST", &contacts("/query"), ok(json!({"contacts": [ada()]}))).await;
    assert!(wix.client.find_counterpart(&"crm-1".into()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_page_tells_how_much_there_is() {
    let wix = Wix::with_key().await;
    let page = ok(json!({"contacts": [ada(), 7], "pagingMetadata": {"count": 2, "offset": 100, "total": 102}}));
    let asked =
        Mock::given(method("GET")).and(path(contacts(""))).and(query_param("paging.limit", "100")).and(query_param("paging.offset", "100"));
    asked.and(query_param("sort.fieldName", "createdDate")).respond_with(page).mount(&wix.server).await;
    let page = wix.client.list(100, 100).await.unwrap();
    assert_eq!((page.contacts.len(), page.count, page.total), (1, 2, Some(102)));
}

#[tokio::test]
async fn the_schema_has_the_sites_own_fields() {
    let wix = Wix::with_key().await;
    let field = |key: &str, data_type: &str| json!({"key": key, "displayName": "x", "dataType": data_type, "fieldType": "USER_DEFINED"});
    let fields =
        [field("custom.size", "NUMBER"), field(MIRROR, "TEXT"), field("members.membershipStatus", "TEXT"), field("custom.odd", "NEW")];
    wix.answers("GET", "/contacts/v4/extended-fields", ok(json!({"fields": fields, "metadata": {}}))).await;
    wix.answers("GET", "/contacts/v4/labels", ok(json!({"labels": [{"key": "custom.vip", "displayName": "VIP"}]}))).await;
    let schema = wix.client.schema().await.unwrap();
    let spec = |name: &str| schema.iter().find(|spec| spec.field == name.into()).map(|spec| (spec.kind.clone(), spec.writable)).unwrap();
    assert_eq!(spec("custom.size"), (Kind::Number, true));
    assert_eq!(spec("custom.odd"), (Kind::Text, true));
    assert_eq!(spec(MIRROR), (Kind::Text, false));
    assert_eq!(spec("members.membershipStatus"), (Kind::Text, false));
    assert_eq!(spec("labels"), (Kind::Choices(vec!["custom.vip".to_owned()]), true));
    assert_eq!(spec("address.billing.postalCode"), (Kind::Text, true));
    assert_eq!(spec("phones"), (Kind::List(Box::new(Kind::Phone)), true));
}

#[tokio::test]
async fn set_up_returns_the_key_as_wix_gives_it() {
    let at = "/contacts/v4/extended-fields";
    let field = |data_type| ok(json!({"field": {"key": "custom.externalcrmid-x7", "dataType": data_type}, "newField": false}));
    let wix = Wix::with_key().await;
    wix.answers("POST", at, field("TEXT")).await;
    assert_eq!(wix.client.set_up().await.unwrap(), "custom.externalcrmid-x7");
    assert_eq!(wix.calls().await[0].1, json!({"displayName": "externalCrmId", "dataType": "TEXT"}));
    wix.answers("POST", at, field("NUMBER")).await;
    assert_eq!(kind(wix.client.set_up().await), ErrorKind::Invalid(vec!["custom.externalcrmid-x7".into()]));
    wix.answers("POST", at, refused(429, "FIELDS_QUOTA_EXCEEDED", json!({}))).await;
    assert_eq!(kind(wix.client.set_up().await), ErrorKind::Forbidden);
}

#[tokio::test]
async fn there_is_no_history() {
    let wix = Wix::with_key().await;
    let history = wix.client.history(&ADA.into(), &"company".into(), &crate::model::ids::Revision::new("1")).await;
    assert_eq!(kind(history), ErrorKind::Unsupported);
}
