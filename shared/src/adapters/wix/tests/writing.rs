use super::*;

fn draft(fields: &[(&str, &str)]) -> Draft {
    let fields = fields.iter().map(|(field, text)| (Field::from(*field), Value::text(*text).unwrap())).collect();
    Draft { counterpart: "h-1".into(), fields }
}

#[tokio::test]
async fn a_new_contact_names_its_counterpart() {
    let wix = Wix::with_key().await;
    wix.answers("POST", &contacts(""), ok(json!({"contact": ada()}))).await;
    let made = wix.client.create(&draft(&[("name.first", "Ada"), ("email", "ada.stone@example.com")])).await.unwrap();
    assert_eq!(made.id, ADA.into());
    let info = json!({"name": {"first": "Ada", "last": ""}, "emails": {"items": [{"email": "ada.stone@example.com", "primary": true}]},
        "extendedFields": {"items": {MIRROR: "h-1"}}});
    assert_eq!(wix.calls().await, [(format!("POST {}", contacts("")), json!({"info": info, "allowDuplicates": false}))]);
}

#[tokio::test]
async fn a_duplicate_is_told_with_its_id() {
    let wix = Wix::with_key().await;
    let data = json!({"duplicateContactId": "c-2", "duplicateEmail": "a@example.com"});
    wix.answers("POST", &contacts(""), refused(409, "DUPLICATE_CONTACT_EXISTS", data)).await;
    let error = wix.client.create(&draft(&[("email", "a@example.com")])).await.unwrap_err();
    assert_eq!((error.kind, error.request.as_deref()), (ErrorKind::Exists(Some("c-2".into())), Some("r-1")));
}

#[tokio::test]
async fn a_write_without_an_answer_is_not_sent_again() {
    for (reply, expected) in [
        (ResponseTemplate::new(502).set_body_string("<html>"), ErrorKind::Unavailable),
        (ResponseTemplate::new(200).set_body_string(r#"{"contact":{"id":"c-1","#), ErrorKind::Garbled),
    ] {
        let wix = Wix::with_key().await;
        wix.answers("POST", &contacts(""), reply).await;
        assert_eq!(kind(wix.client.create(&draft(&[("email", "a@example.com")])).await), expected);
        assert_eq!(wix.received().await.len(), 1);
    }
}

#[tokio::test]
async fn an_update_is_conditional_and_the_labels_come_last() {
    let wix = Wix::with_key().await;
    wix.answers("PATCH", &of_ada(""), written(4, |_| {})).await;
    wix.answers("POST", &of_ada("/labels"), written(5, |_| {})).await.answers("DELETE", &of_ada("/labels"), written(6, |_| {})).await;
    let mut patch = patch(&[("company", Some("Iron Works"))]);
    patch.insert("labels".into(), Value::list(["custom.vip".to_owned(), "custom.new".to_owned()]));
    let updated = wix.client.update(&contact(), &patch).await.unwrap();
    assert_eq!(updated.revision.unwrap().as_str(), "6");
    let expected = [
        (format!("PATCH {}", of_ada("")), json!({"revision": 3, "info": {"company": "Iron Works"}})),
        (format!("POST {}", of_ada("/labels")), json!({"labelKeys": ["custom.new"]})),
        (format!("DELETE {}", of_ada("/labels")), Json::Null),
    ];
    assert_eq!(wix.calls().await, expected);
    assert_eq!(wix.received().await[2].url.query(), Some("labelKeys=contacts.customers"));
}

#[tokio::test]
async fn a_stale_revision_stops_everything() {
    let wix = Wix::with_key().await;
    wix.answers("PATCH", &of_ada(""), refused(409, "CONTACT_ALREADY_CHANGED", json!({}))).await;
    assert_eq!(kind(wix.client.update(&contact(), &patch(&[("company", Some("x")), ("labels", None)])).await), ErrorKind::Stale);
    assert_eq!(wix.received().await.len(), 1);
}

#[tokio::test]
async fn nothing_is_sent_when_nothing_changes() {
    let wix = Wix::with_key().await;
    let same = wix.client.update(&contact(), &patch(&[("company", Some("Stone Works")), ("phones", None)])).await.unwrap();
    assert_eq!(same.revision.unwrap().as_str(), "3");
    assert_eq!(kind(wix.client.update(&contact(), &patch(&[("picture", Some("x"))])).await), ErrorKind::Invalid(vec!["picture".into()]));
    assert!(wix.received().await.is_empty());
}

#[tokio::test]
async fn a_failure_behind_a_change_that_was_made_says_so() {
    for (reply, expected) in [
        (ResponseTemplate::new(429), ErrorKind::Unavailable),
        (refused(400, "NO_SUCH_LABEL", json!({})), ErrorKind::Invalid(vec!["labels".into()])),
        (refused(404, "CONTACT_NOT_FOUND", json!({})), ErrorKind::NotFound),
    ] {
        let wix = Wix::with_key().await;
        wix.answers("PATCH", &of_ada(""), written(4, |_| {})).await.answers("DELETE", &of_ada("/labels"), reply).await;
        let known =
            json!({"labels": [{"key": "contacts.customers", "displayName": "Customers"}, {"key": "custom.vip", "displayName": "VIP"}]});
        wix.answers("GET", "/contacts/v4/labels", ok(known)).await;
        assert_eq!(kind(wix.client.update(&contact(), &patch(&[("company", Some("x")), ("labels", None)])).await), expected);
    }
}

fn without_company(info: &mut Json) {
    info["company"] = "".into();
}

/// Clears the company and returns what was sent for it, and what came of it.
async fn clears(wix: &Wix, replies: Vec<ResponseTemplate>) -> (Vec<Json>, Result<Contact, StoreError>) {
    wix.server.reset().await;
    for reply in replies {
        wix.answers("PATCH", &of_ada(""), reply).await;
    }
    let outcome = wix.client.update(&contact(), &patch(&[("company", None)])).await;
    let sent = wix.calls().await.into_iter().map(|(_, body)| json!([body["revision"], body["info"]["company"]])).collect();
    (sent, outcome)
}

#[tokio::test]
async fn clearing_tries_the_other_form_and_remembers_which_one_works() {
    let wix = Wix::with_key().await;
    let (sent, outcome) = clears(&wix, vec![written(4, without_company)]).await;
    assert!(outcome.is_ok());
    assert_eq!(sent, [json!([3, ""])]);
    let (sent, outcome) = clears(&wix, vec![written(4, |_| {}), written(5, without_company)]).await;
    assert_eq!(outcome.unwrap().revision.unwrap().as_str(), "5");
    assert_eq!(sent, [json!([3, ""]), json!([4, null])]);
    let (sent, _) = clears(&wix, vec![written(4, without_company)]).await;
    assert_eq!(sent, [json!([3, null])]);
}

#[tokio::test]
async fn a_field_that_no_form_clears_is_refused() {
    let wix = Wix::with_key().await;
    let (sent, outcome) = clears(&wix, vec![written(4, |_| {}), written(5, |_| {})]).await;
    assert_eq!((sent.len(), kind(outcome)), (2, ErrorKind::Invalid(vec!["company".into()])));
    let violation = json!({"message": "no", "details": {"validationError": {"fieldViolations": [{"field": "info.company"}]}}});
    let (sent, outcome) = clears(&wix, vec![ResponseTemplate::new(400).set_body_json(violation), written(4, without_company)]).await;
    assert!(outcome.is_ok());
    assert_eq!(sent, [json!([3, ""]), json!([3, null])]);
}

#[tokio::test]
async fn a_refusal_of_both_forms_names_what_was_to_be_cleared() {
    let wix = Wix::with_key().await;
    let nothing = || refused(400, "INSUFFICIENT_UPDATE_CONTACT_DATA", json!({}));
    let (sent, outcome) = clears(&wix, vec![nothing(), nothing()]).await;
    assert_eq!((sent.len(), kind(outcome)), (2, ErrorKind::Invalid(vec!["company".into()])));
}

#[tokio::test]
async fn a_number_is_sent_as_a_number_and_the_types_are_remembered() {
    let wix = Wix::with_key().await;
    wix.answers("GET", "/contacts/v4/extended-fields", ok(json!({"fields": [{"key": "custom.size", "dataType": "NUMBER"}]}))).await;
    for _ in 0..2 {
        wix.answers("PATCH", &of_ada(""), written(4, |_| {})).await;
        wix.client.update(&contact(), &patch(&[("custom.size", Some("42"))])).await.unwrap();
    }
    let calls = wix.calls().await;
    assert_eq!(calls.len(), 3);
    assert_eq!(calls[1].1["info"]["extendedFields"]["items"]["custom.size"], json!(42));
}

#[tokio::test]
async fn a_refused_extended_field_is_named() {
    let wix = Wix::with_key().await;
    wix.answers("PATCH", &of_ada(""), refused(400, "INVALID_EXTENDED_FIELD_VALUE", json!({}))).await;
    let outcome = wix.client.update(&contact(), &patch(&[("custom.day", Some("soon"))])).await;
    assert_eq!(kind(outcome), ErrorKind::Invalid(vec!["custom.day".into()]));
}

#[tokio::test]
async fn a_members_email_stays() {
    let wix = Wix::with_key().await;
    wix.answers("PATCH", &of_ada(""), refused(428, "CANNOT_UPDATE_MEMBER_EMAIL", json!({}))).await;
    assert_eq!(kind(wix.client.update(&contact(), &patch(&[("email", Some("x@example.com"))])).await), ErrorKind::Forbidden);
}

#[tokio::test]
async fn the_counterpart_is_written_once_and_beside_all_else() {
    let wix = Wix::with_key().await;
    assert_eq!(wix.client.set_counterpart(&contact(), &"h-2".into()).await.unwrap().counterpart, Some("crm-000417".into()));
    assert!(wix.received().await.is_empty());
    let mut native = ada();
    native["info"]["extendedFields"]["items"].as_object_mut().unwrap().remove(MIRROR);
    wix.answers("PATCH", &of_ada(""), written(4, |info| info["extendedFields"]["items"][MIRROR] = "h-2".into())).await;
    let current = to_contact(native, Some(MIRROR)).unwrap();
    assert_eq!(wix.client.set_counterpart(&current, &"h-2".into()).await.unwrap().counterpart, Some("h-2".into()));
    let items = json!({"invoices.vatId": "", "custom.shoe-size": 38.5, MIRROR: "h-2"});
    assert_eq!(wix.calls().await[0].1, json!({"revision": 3, "info": {"extendedFields": {"items": items}}}));
}

#[tokio::test]
async fn what_is_gone_is_deleted_and_what_must_stay_is_not() {
    for (reply, expected) in [
        (ok(json!({})), None),
        (refused(404, "CONTACT_NOT_FOUND", json!({})), None),
        (ResponseTemplate::new(404), None),
        (refused(428, "CANNOT_DELETE_MEMBER", json!({})), Some(ErrorKind::Forbidden)),
        (refused(500, "FAILED_DELETE_CONTACT_AFTER_MEMBER_DELETION", json!({})), Some(ErrorKind::Unavailable)),
    ] {
        let wix = Wix::with_key().await;
        wix.answers("DELETE", &of_ada(""), reply).await;
        assert_eq!(wix.client.erase(&ADA.into()).await.err().map(|error| error.kind), expected);
    }
}

#[tokio::test]
async fn a_merge_names_the_revision_of_the_winner() {
    let wix = Wix::with_key().await;
    wix.answers("POST", &of_ada("/merge"), written(4, |_| {})).await;
    assert_eq!(wix.client.merge(&contact(), &"c-2".into()).await.unwrap().revision.unwrap().as_str(), "4");
    assert_eq!(wix.calls().await[0].1, json!({"targetContactRevision": 3, "sourceContactIds": ["c-2"]}));
}

#[tokio::test]
async fn a_merge_that_is_refused_is_looked_into() {
    for (revision, expected) in [(3, ErrorKind::Forbidden), (4, ErrorKind::Stale)] {
        let wix = Wix::with_key().await;
        wix.answers("POST", &of_ada("/merge"), refused(428, "FAILED_PRECONDITION", json!({}))).await;
        wix.answers("GET", &of_ada(""), written(revision, |_| {})).await;
        assert_eq!(kind(wix.client.merge(&contact(), &"c-2".into()).await), expected);
    }
}

#[tokio::test]
async fn labels_are_found_or_made_by_name() {
    let wix = Wix::with_key().await;
    wix.answers("POST", "/contacts/v4/labels", ok(json!({"label": {"key": "custom.vip", "displayName": "VIP"}, "newLabel": true}))).await;
    assert_eq!(wix.client.find_or_create_label("VIP").await.unwrap().key, "custom.vip");
    assert_eq!(wix.calls().await[0].1, json!({"displayName": "VIP"}));
}
