use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, Method, StatusCode};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};

use super::*;
use crate::{
    model::{
        entity::Entity,
        event::{Event, EventKind},
        ids::{RecordId, Side, SiteId},
        subscriber::Address,
    },
    webhook::{
        WebhookError,
        testing::{CURRENT, LIMIT, NEXT, OTHER, sealed, token},
    },
};

const APP: &str = "5bc2062d-010b-448c-a62a-d6bb269c5a4c";
const NOW: i64 = 1_795_176_000;

fn verifier() -> WixVerifier {
    WixVerifier::new(APP, &format!("{},{}", CURRENT.1, NEXT.1)).unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn open(body: &[u8]) -> Result<Vec<Event>, WebhookError> {
    let headers = HeaderMap::new();
    let request = Request::new(&Method::POST, "/webhooks/wix", &headers, body, LIMIT)?;
    verifier().verify(&request, now())?.events()
}

fn open_token(token: &str) -> Result<Vec<Event>, WebhookError> {
    open(token.as_bytes())
}

/// Claims as genuine deliveries have them: made now, valid for some forty days.
fn claims(data: impl Into<Value>) -> Value {
    json!({"data": data.into(), "iat": NOW, "exp": NOW + 3_600_000})
}

fn delivered(envelope: &Value) -> Result<Vec<Event>, WebhookError> {
    open_token(&token(CURRENT.0, &claims(envelope.to_string())))
}

/// An envelope around `data`, which is sent as it is: a string, or an object.
fn envelope(event_type: &str, data: impl Into<Value>) -> Value {
    json!({
        "eventType": event_type,
        "instanceId": "site-1",
        "data": data.into(),
        "identity": "{\"identityType\":\"WIX_USER\",\"wixUserId\":\"72751428\"}",
    })
}

fn domain_event(slug: &str, body: &Value) -> Value {
    let mut event = json!({
        "id": "event-1",
        "entityFqdn": "wix.contacts.v4.contact",
        "slug": slug,
        "entityId": "contact-1",
        "eventTime": "2026-11-20T11:59:59.304800Z",
        "triggeredByAnonymizeRequest": false,
    });
    event.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    event
}

fn contact_event(slug: &str, body: &Value) -> Event {
    let data = domain_event(slug, body).to_string();
    let mut events = delivered(&envelope(&format!("wix.contacts.v4.contact_{slug}"), data)).unwrap();
    assert_eq!(events.len(), 1);
    events.remove(0)
}

/// The record an event encloses, as the sender's JSON.
fn enclosed(event: &Event) -> Option<Value> {
    event.entity.as_ref().and_then(Entity::read)
}

fn genuine() -> Value {
    envelope(
        "wix.contacts.v4.contact_created",
        domain_event("created", &json!({"createdEvent": {"entity": {"id": "contact-1"}}})).to_string(),
    )
}

#[test]
fn a_created_contact_is_read() {
    let entity = json!({"id": "contact-1", "revision": 1, "info": {"name": {"first": "Ada"}}});
    let event = contact_event("created", &json!({"createdEvent": {"entity": entity}}));
    assert_eq!(event.site, SiteId::from("site-1"));
    assert_eq!(event.side, Side::Wix);
    assert_eq!(event.record, Some(RecordId::from("contact-1")));
    assert_eq!(event.kind, EventKind::Created);
    assert_eq!(event.at.to_string(), "2026-11-20T11:59:59.3048Z");
    assert_eq!(event.id.as_deref(), Some("event-1"));
    assert_eq!(enclosed(&event), Some(entity));
}

#[test]
fn the_enclosed_contact_may_have_either_name_and_either_form() {
    let entity = json!({"id": "contact-1"});
    for (slug, wrapper, name) in [
        ("created", "createdEvent", "entity"),
        ("created", "createdEvent", "entityAsJson"),
        ("updated", "updatedEvent", "currentEntity"),
        ("updated", "updatedEvent", "currentEntityAsJson"),
    ] {
        for form in [entity.clone(), Value::String(entity.to_string())] {
            let event = contact_event(slug, &json!({wrapper: {name: form, "modifiedFields": {"a": "b"}}}));
            assert_eq!(enclosed(&event).as_ref(), Some(&entity), "{name}");
        }
    }
}

#[test]
fn the_nested_levels_may_be_strings_or_objects() {
    let data = domain_event("updated", &json!({"updatedEvent": {"currentEntity": {"id": "contact-1"}}}));
    for data in [Value::String(data.to_string()), data] {
        for identity in [json!("{\"identityType\":\"APP\"}"), json!({"identityType": "APP"}), Value::Null, json!(7)] {
            let mut envelope = envelope("wix.contacts.v4.contact_updated", data.clone());
            envelope["identity"] = identity;
            assert_eq!(delivered(&envelope).unwrap()[0].kind, EventKind::Updated { changes: vec![] });
        }
    }
}

#[test]
fn event_types_may_be_written_with_hyphens() {
    let data = domain_event("deleted", &json!({"deletedEvent": {}})).to_string();
    let events = delivered(&envelope("wix.contacts.v4.contact-deleted", data)).unwrap();
    assert_eq!(events[0].kind, EventKind::Deleted { by_merge: false });
}

#[test]
fn a_delete_tells_why() {
    for (extra, expected) in [
        (json!({"deletedEvent": {}}), EventKind::Deleted { by_merge: false }),
        (json!({"deletedEvent": {}, "originatedFrom": "merge"}), EventKind::Deleted { by_merge: true }),
        (json!({"deletedEvent": {}, "triggeredByAnonymizeRequest": true}), EventKind::Erased),
        (json!({}), EventKind::Deleted { by_merge: false }),
    ] {
        assert_eq!(contact_event("deleted", &extra).kind, expected);
    }
}

#[test]
fn a_deleted_contact_is_not_carried_on() {
    let event = contact_event("deleted", &json!({"deletedEvent": {"deletedEntity": {"id": "contact-1", "info": {"company": "X"}}}}));
    assert!(event.entity.is_none());
}

#[test]
fn an_anonymising_update_is_an_update() {
    let body = json!({"updatedEvent": {"currentEntity": {"id": "contact-1"}}, "triggeredByAnonymizeRequest": true});
    assert_eq!(contact_event("updated", &body).kind, EventKind::Updated { changes: vec![] });
}

#[test]
fn a_merge_is_an_event_of_its_winner() {
    let body = json!({"targetContactId": "winner", "sourceContactIds": ["a", "winner", "b"], "targetContact": {"id": "winner"}});
    for slug in ["merged", "merge"] {
        for (name, body) in [("body", body.clone()), ("bodyAsJson", Value::String(body.to_string()))] {
            let event = contact_event(slug, &json!({"actionEvent": {name: body}}));
            assert_eq!(event.record, Some(RecordId::from("winner")));
            assert_eq!(event.kind, EventKind::Merged { from: vec!["a".into(), "b".into()] });
            assert_eq!(enclosed(&event), Some(json!({"id": "winner"})));
        }
    }
}

#[test]
fn the_app_is_installed_and_removed() {
    for (name, kind) in [("AppInstalled", EventKind::Installed), ("AppRemoved", EventKind::Removed)] {
        let events = delivered(&envelope(name, json!({"appId": APP}).to_string())).unwrap();
        assert_eq!((events[0].kind.clone(), events[0].record.clone(), events[0].at), (kind, None, now()));
    }
}

fn subscription_changed(body: &Value) -> Result<Vec<Event>, WebhookError> {
    delivered(&envelope("com.wixpress.emailsubscriptions.v1.EmailSubscriptionChanged", body.to_string()))
}

#[test]
fn the_subscription_of_an_address_changed() {
    for body in [
        json!({"subscription": {"id": "s", "email": "ada@example.com", "subscriptionStatus": "UNSUBSCRIBED", "deliverabilityStatus": "VALID"}}),
        json!({"subscription": {"email": "ada@example.com", "subscription_status": "SUBSCRIBED"}}),
        json!({"email_subscription": {"email": " ada@example.com "}}),
    ] {
        let events = subscription_changed(&body).unwrap();
        let expected = EventKind::SubscriptionChanged { address: Address::new("ada@example.com") };
        assert_eq!((&events[0].kind, &events[0].record, events[0].side, events[0].at), (&expected, &None, Side::Wix, now()), "{body}");
    }
}

#[test]
fn a_subscription_of_nobody_is_refused_by_name() {
    for body in [json!({"subscription": {}}), json!({"subscription": {"email": ""}})] {
        assert_eq!(subscription_changed(&body).unwrap_err().to_string(), "event lacks subscription.email", "{body}");
    }
    assert!(matches!(subscription_changed(&json!({"email": "ada@example.com"})), Err(WebhookError::Unreadable { part: "event", .. })));
}

#[test]
fn other_well_signed_events_are_none_of_ours() {
    for name in [
        "wix.contacts.v4.label_created",
        "wix.contacts.v4.extended-field_created",
        "wix.contacts.v4.extended_field_updated",
        "wix.contacts.v4.contact_renamed",
        "wix.crm.inbox.v2.message_message_sent_to_business",
        "com.wixpress.emailsubscriptions.v1.EmailSubscriptionRenamed",
        "Contacts/ContactCreated",
        "",
    ] {
        assert_eq!(delivered(&envelope(name, "not JSON")), Ok(vec![]), "{name}");
    }
}

#[test]
fn a_contact_that_is_too_large_travels_as_its_id() {
    let entity = json!({"id": "contact-1", "info": {"notes": "x".repeat(200_000)}});
    let event = contact_event("created", &json!({"createdEvent": {"entity": entity}}));
    assert_eq!((event.record, event.entity.is_none()), (Some(RecordId::from("contact-1")), true));
}

#[test]
fn either_active_key_vouches_and_no_other_does() {
    let claims = claims(genuine().to_string());
    for (key, expected) in [(CURRENT.0, Ok(1)), (NEXT.0, Ok(1)), (OTHER.0, Err(WebhookError::Signature))] {
        assert_eq!(open_token(&token(key, &claims)).map(|events| events.len()), expected);
    }
}

#[test]
fn a_key_may_be_base64_of_pem_or_have_escaped_line_breaks() {
    for key in [STANDARD.encode(CURRENT.1), CURRENT.1.replace('\n', "\\n"), format!(" {} , ", CURRENT.1)] {
        assert!(WixVerifier::new(APP, &key).is_ok());
    }
}

#[test]
fn a_verifier_needs_one_or_two_public_keys() {
    let three = [CURRENT.1, NEXT.1, OTHER.1].join(",");
    for (keys, expected) in [
        ("", "no Wix public key is set"),
        (three.as_str(), "more than two Wix public keys are set"),
        ("secret", "Wix public key 1 is no RSA public key in PEM, or the base64 of one"),
        (CURRENT.0, "Wix public key 1 is no RSA public key in PEM, or the base64 of one"),
    ] {
        assert_eq!(WixVerifier::new(APP, keys).unwrap_err().to_string(), expected);
    }
}

fn sign_with(algorithm: Algorithm) -> String {
    let key = EncodingKey::from_rsa_pem(CURRENT.0.as_bytes()).unwrap();
    let header = json!({"alg": format!("{algorithm:?}")});
    sealed(&header, &claims(genuine().to_string()), |message| crypto::sign(message, &key, algorithm).unwrap())
}

#[test]
fn only_rs256_is_accepted() {
    let claims = claims(genuine().to_string());
    let hmac_with_public_key = |message: &[u8]| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, CURRENT.1.as_bytes());
        URL_SAFE_NO_PAD.encode(hmac::sign(&key, message))
    };
    let none = |_: &[u8]| String::new();
    for token in [
        sealed(&json!({"alg": "none"}), &claims, none),
        sealed(&json!({"alg": "None"}), &claims, none),
        sealed(&json!({"alg": "HS256"}), &claims, hmac_with_public_key),
        sign_with(Algorithm::RS384),
        sign_with(Algorithm::RS512),
        sign_with(Algorithm::PS256),
    ] {
        assert_eq!(open_token(&token), Err(WebhookError::Algorithm));
    }
}

#[test]
fn a_header_that_lies_about_the_algorithm_does_not_help() {
    let claims = claims(genuine().to_string());
    let header = json!({"alg": "RS256"});
    let key = EncodingKey::from_rsa_pem(CURRENT.0.as_bytes()).unwrap();
    for algorithm in [Algorithm::RS512, Algorithm::PS256] {
        let token = sealed(&header, &claims, |message| crypto::sign(message, &key, algorithm).unwrap());
        assert_eq!(open_token(&token), Err(WebhookError::Signature));
    }
    assert_eq!(open_token(&sealed(&header, &claims, |_| String::new())), Err(WebhookError::Signature));
    let critical = json!({"alg": "RS256", "crit": ["b64"], "b64": false});
    let token = sealed(&critical, &claims, |message| crypto::sign(message, &key, Algorithm::RS256).unwrap());
    assert_eq!(open_token(&token), Err(WebhookError::MalformedToken));
}

#[test]
fn a_forged_body_is_refused() {
    let genuine = token(CURRENT.0, &claims(genuine().to_string()));
    let (message, signature) = genuine.rsplit_once('.').unwrap();
    let other = token(CURRENT.0, &claims("other"));
    let forged = format!("{}.{signature}", other.rsplit_once('.').unwrap().0);
    assert_eq!(open_token(&forged), Err(WebhookError::Signature));
    for (body, expected) in [
        (String::new(), WebhookError::Unsigned),
        ("{}".to_owned(), WebhookError::Unsigned),
        (genuine.replace('.', ""), WebhookError::Unsigned),
        (message.to_owned(), WebhookError::Unsigned),
        (format!("{message}."), WebhookError::Signature),
        (format!("{genuine}.x"), WebhookError::MalformedToken),
        (format!("\"{genuine}\""), WebhookError::MalformedToken),
        (format!(".{}", message.split_once('.').unwrap().1) + ".x", WebhookError::MalformedToken),
    ] {
        assert_eq!(open_token(&body), Err(expected));
    }
    assert_eq!(open(&[0xff, 0xfe, b'.', b'.']), Err(WebhookError::Unsigned));
    assert!(open_token(&format!("{genuine}\r\n")).is_ok());
}

#[test]
fn restricting_claims_bind_where_they_are_present() {
    for (changes, expected) in [
        (json!({"exp": NOW - 59}), Ok(1)),
        (json!({"exp": NOW - 60}), Err(WebhookError::Expired)),
        (json!({"exp": 0}), Err(WebhookError::Expired)),
        (json!({"exp": null}), Ok(1)),
        (json!({"nbf": NOW + 60}), Ok(1)),
        (json!({"nbf": NOW + 61}), Err(WebhookError::NotYetValid)),
        (json!({"iat": NOW + 86_400}), Ok(1)),
        (json!({"aud": APP}), Ok(1)),
        (json!({"aud": ["x", APP]}), Ok(1)),
        (json!({"aud": "x"}), Err(WebhookError::Audience)),
        (json!({"aud": []}), Err(WebhookError::Audience)),
        (json!({"iss": "wix.com"}), Ok(1)),
        (json!({"iss": "https://www.wix.com"}), Ok(1)),
    ] {
        let mut claims = claims(genuine().to_string());
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        assert_eq!(open_token(&token(CURRENT.0, &claims)).map(|events| events.len()), expected, "{changes}");
    }
}

#[test]
fn wrong_nesting_is_unparsable() {
    let bad = |claims: &Value| open_token(&token(CURRENT.0, claims)).unwrap_err();
    let type_ = "wix.contacts.v4.contact_created";
    for claims in [
        json!({}),
        json!({"data": genuine()}),
        claims("not JSON"),
        claims("[]"),
        claims("\"\""),
        claims(json!({"instanceId": "site-1"}).to_string()),
        claims(json!({"eventType": type_, "data": "{}"}).to_string()),
        claims(envelope(type_, "not JSON").to_string()),
        claims(envelope(type_, json!([])).to_string()),
        claims(envelope(type_, Value::Null).to_string()),
        claims(envelope(type_, "{}").to_string()),
        claims(envelope(type_, "\"{}\"").to_string()),
        claims(envelope(type_, json!({"entityId": "1", "createdEvent": {"entityAsJson": "not JSON"}})).to_string()),
        claims(envelope("wix.contacts.v4.contact_merged", json!({"entityId": "1"})).to_string()),
        claims(envelope("wix.contacts.v4.contact_merged", json!({"actionEvent": {"body": {}}})).to_string()),
    ] {
        assert_eq!(bad(&claims).status(), StatusCode::BAD_REQUEST, "{claims}");
    }
}

#[test]
fn deep_json_is_unparsable_at_every_level() {
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    let type_ = "wix.contacts.v4.contact_created";
    for envelope in [
        deep.clone(),
        envelope(type_, deep.clone()).to_string(),
        envelope(type_, format!("{{\"entityId\":\"1\",\"createdEvent\":{{\"entity\":{deep}}}}}")).to_string(),
        envelope(type_, format!("{{\"entityId\":\"1\",\"createdEvent\":{{\"entity\":{{\"info\":{deep}}}}}}}")).to_string(),
        envelope("wix.contacts.v4.contact_merged", format!("{{\"actionEvent\":{{\"body\":{deep}}}}}")).to_string(),
        envelope(type_, json!({"entityId": "1", "createdEvent": {"entityAsJson": deep}}).to_string()).to_string(),
    ] {
        assert_eq!(open_token(&token(CURRENT.0, &claims(envelope))).unwrap_err().status(), StatusCode::BAD_REQUEST);
    }
}

#[test]
fn a_contact_may_be_broad() {
    let entity = json!({"id": "contact-1", "info": {"addresses": {"items": vec![json!({"address": {"city": "London"}}); 500]}}});
    for form in [entity.clone(), Value::String(entity.to_string())] {
        let event = contact_event("created", &json!({"createdEvent": {"entity": form}}));
        assert_eq!(enclosed(&event).as_ref(), Some(&entity));
    }
}

#[test]
fn a_contact_that_nobody_could_read_is_unparsable() {
    for entity in ["{\"id\": \"contact-1\"", "{\"id\": contact-1}", "{} {}"] {
        let event = domain_event("created", &json!({"createdEvent": {"entityAsJson": entity}}));
        let refusal = delivered(&envelope("wix.contacts.v4.contact_created", event.to_string())).unwrap_err();
        assert_eq!(refusal.status(), StatusCode::BAD_REQUEST, "{entity}");
    }
}

#[test]
fn ten_megabytes_are_refused_unread() {
    let body = vec![b'.'; 10 * 1024 * 1024];
    let refusal = open(&body).unwrap_err();
    assert_eq!((refusal.clone(), refusal.status()), (WebhookError::TooLarge { bytes: body.len() }, StatusCode::PAYLOAD_TOO_LARGE));
}

#[test]
fn a_refusal_quotes_nothing() {
    let claims = claims(envelope("wix.contacts.v4.contact_created", "{\"entityId\": [\"Ada Lovelace\"]}").to_string());
    let refusal = open_token(&token(CURRENT.0, &claims)).unwrap_err();
    assert_eq!(refusal.to_string(), "event cannot be read (line 1, column 13)");
    assert!(!format!("{refusal:?}").contains("Ada"));
}
