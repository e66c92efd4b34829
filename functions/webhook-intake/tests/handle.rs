//! The function with the sample events, and with everything that is not one.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod harness;

use harness::{Harness, answer, event, samples};
use lambda_http::{Body, http::StatusCode};
use serde_json::{Value, json};

#[tokio::test]
async fn every_sample_is_published_and_answered_with_200() {
    let expected: &[(&str, &[&str])] = &[
        ("calendly-invitee-canceled", &["message.received"]),
        ("calendly-invitee-canceled-by-rescheduling", &[]),
        ("calendly-invitee-created", &["message.received"]),
        ("calendly-invitee-rescheduled", &["message.received"]),
        ("hubspot-association-change", &[]),
        ("hubspot-creation", &["contact.created"]),
        ("hubspot-deletion", &["contact.deleted"]),
        ("hubspot-merge", &["contact.merged"]),
        ("hubspot-object-property-change", &["contact.updated"]),
        ("hubspot-privacy-deletion", &["contact.deleted", "contact.erased"]),
        ("hubspot-property-change", &["contact.updated"]),
        ("hubspot-restore", &["contact.restored"]),
        ("intercom-admin-replied", &["message.received"]),
        ("intercom-user-replied", &["message.received"]),
        ("mailchimp-campaign", &[]),
        ("mailchimp-cleaned", &["subscriber.changed"]),
        ("mailchimp-profile", &["subscriber.changed"]),
        ("mailchimp-subscribe", &["subscriber.changed"]),
        ("mailchimp-unsubscribe", &["subscriber.changed"]),
        ("mailchimp-upemail", &["subscriber.changed", "subscriber.changed"]),
        ("pipedrive-deal-changed", &[]),
        ("pipedrive-person-changed", &["contact.updated"]),
        ("pipedrive-person-created", &["contact.created"]),
        ("pipedrive-person-deleted", &["contact.deleted"]),
        ("pipedrive-person-merged", &["contact.merged"]),
        ("plain-activity", &["message.received"]),
        ("plain-message", &["message.received"]),
        ("plain-message-of-the-business", &["message.received"]),
        ("twilio-sms", &["message.received"]),
        ("twilio-status", &[]),
        ("twilio-whatsapp-image", &["message.received"]),
        ("wix-app-installed", &["site.installed"]),
        ("wix-app-removed", &["site.removed"]),
        ("wix-contact-anonymized", &["contact.erased"]),
        ("wix-contact-created", &["contact.created"]),
        ("wix-contact-deleted", &["contact.deleted"]),
        ("wix-contact-deleted-by-merge", &["contact.deleted"]),
        ("wix-contact-merged", &["contact.merged"]),
        ("wix-contact-updated", &["contact.updated"]),
        ("wix-contact-updated-as-json", &["contact.updated"]),
        ("wix-conversations-merged", &[]),
        ("wix-label-created", &[]),
        ("wix-message-sent-to-business", &[]),
        ("wix-message-sent-to-participant", &[]),
        ("wix-subscription-changed", &["subscriber.changed"]),
        ("wix-unknown-event", &[]),
    ];
    assert_eq!(samples(), expected.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>());
    for (name, kinds) in expected {
        let harness = Harness::new().await;
        assert_eq!(harness.handle(&event(name)).await, wanted(name), "{name}");
        assert_eq!(harness.published(), *kinds, "{name}");
    }
}

/// What a sender wants to hear.
fn wanted(name: &str) -> (StatusCode, Body) {
    let body = if name.starts_with("twilio") { "<Response></Response>".into() } else { Body::Empty };
    (StatusCode::OK, body)
}

#[tokio::test]
async fn the_path_may_carry_a_stage() {
    for name in ["wix-contact-created", "hubspot-creation"] {
        let harness = Harness::new().await;
        let mut event = event(name);
        event["rawPath"] = format!("/prod{}", event["rawPath"].as_str().unwrap()).into();
        event["requestContext"]["stage"] = "prod".into();
        assert_eq!(harness.handle(&event).await, answer(StatusCode::OK));
        assert_eq!(harness.published(), ["contact.created"]);
    }
}

#[tokio::test]
async fn a_body_in_base64_is_decoded_before_it_is_verified() {
    let harness = Harness::new().await;
    let mut event = event("hubspot-creation");
    event["body"] = harness::base64(event["body"].as_str().unwrap()).into();
    event["isBase64Encoded"] = true.into();
    assert_eq!(harness.handle(&event).await, answer(StatusCode::OK));
    assert_eq!(harness.published(), ["contact.created"]);
}

#[tokio::test]
async fn a_message_in_base64_is_decoded_before_it_is_verified() {
    for name in ["twilio-sms", "calendly-invitee-created", "plain-message"] {
        let harness = Harness::new().await;
        let mut event = event(name);
        event["body"] = harness::base64(event["body"].as_str().unwrap()).into();
        event["isBase64Encoded"] = true.into();
        assert_eq!(harness.handle(&event).await, wanted(name));
        assert_eq!(harness.published(), ["message.received"]);
    }
}

#[tokio::test]
async fn twilio_hears_xml() {
    let harness = Harness::new().await;
    let response = harness.respond(&event("twilio-sms")).await;
    assert_eq!(response.headers()["content-type"], "text/xml");
}

#[tokio::test]
async fn a_message_for_another_site_or_source_is_refused() {
    for path in ["/webhooks/twilio/other-site/sms", "/webhooks/twilio/3d1f7a52-8c64-4b0e-a7d9-5e2c90b1f4a6/calls"] {
        refused("twilio-sms", StatusCode::UNAUTHORIZED, |event| event["rawPath"] = path.into()).await;
    }
    refused("calendly-invitee-created", StatusCode::UNAUTHORIZED, |event| event["rawPath"] = "/webhooks/calendly/closed-site".into()).await;
    refused("mailchimp-unsubscribe", StatusCode::UNAUTHORIZED, |event| event["rawPath"] = "/webhooks/mailchimp/other-site".into()).await;
    refused("pipedrive-person-created", StatusCode::UNAUTHORIZED, |event| event["rawPath"] = "/webhooks/pipedrive/other-site".into()).await;
    refused("plain-message", StatusCode::NOT_FOUND, |event| event["rawPath"] = "/webhooks/telegraph/site".into()).await;
}

#[tokio::test]
async fn what_is_wrong_with_a_message_is_told_to_who_signed_it() {
    let harness = Harness::new().await;
    for (body, expected) in [
        (json!({"text": "Hi"}).to_string(), "body: is not what it should be"),
        (json!({"contact": {}, "text": "Hi"}).to_string(), "contact: must have an email or a phone"),
        ("\u{feff}ada@example.com".to_owned(), "body: is not what it should be"),
    ] {
        let response = harness.respond(&harness::plain(&body)).await;
        assert_eq!(
            (response.status(), response.headers()["content-type"].to_str().unwrap()),
            (StatusCode::BAD_REQUEST, "application/json")
        );
        let Body::Text(answer) = response.into_body() else { panic!("no text") };
        assert_eq!(serde_json::from_str::<Value>(&answer).unwrap(), json!({"error": expected}));
    }
    assert_eq!(harness.publications(), 0);
}

#[tokio::test]
async fn a_megabyte_of_text_is_published_in_parts() {
    let harness = Harness::new().await;
    let text = "long ".repeat(200_000);
    let event = harness::plain(&json!({"contact": {"email": "ada@example.com"}, "text": text}).to_string());
    assert_eq!(harness.handle(&event).await, answer(StatusCode::OK));
    assert!(harness.published().len() > 5);
    let event = harness::plain(&json!({"contact": {"email": "ada@example.com"}, "text": text.repeat(2)}).to_string());
    assert_eq!(harness.handle(&event).await, answer(StatusCode::PAYLOAD_TOO_LARGE));
}

/// Changes a sample and expects a status, nothing published and nothing told.
async fn refused(name: &str, expected: StatusCode, change: impl FnOnce(&mut Value)) {
    let harness = Harness::new().await;
    let mut event = event(name);
    change(&mut event);
    assert_eq!(harness.handle(&event).await, answer(expected), "{name}");
    assert_eq!(harness.publications(), 0);
}

fn drop_header(event: &mut Value, name: &str) {
    event["headers"].as_object_mut().unwrap().remove(name).unwrap();
}

#[tokio::test]
async fn what_is_forged_is_refused() {
    let flip = |event: &mut Value| {
        let body = event["body"].as_str().unwrap().replacen('A', "B", 1);
        event["body"] = body.into();
    };
    refused("wix-contact-created", StatusCode::UNAUTHORIZED, flip).await;
    let other = event("wix-contact-deleted")["body"].as_str().unwrap().rsplit_once('.').unwrap().1.to_owned();
    let swap = |event: &mut Value| {
        let message = event["body"].as_str().unwrap().rsplit_once('.').unwrap().0.to_owned();
        event["body"] = format!("{message}.{other}").into();
    };
    refused("wix-contact-created", StatusCode::UNAUTHORIZED, swap).await;
    refused("hubspot-creation", StatusCode::UNAUTHORIZED, |event| event["body"] = "[]".into()).await;
    let query = |event: &mut Value| event["rawQueryString"] = "a=b".into();
    refused("hubspot-creation", StatusCode::UNAUTHORIZED, query).await;
    let site = |event: &mut Value| event["rawPath"] = "/webhooks/hubspot/other-site".into();
    refused("hubspot-creation", StatusCode::UNAUTHORIZED, site).await;
}

#[tokio::test]
async fn what_is_unsigned_is_refused() {
    let plain = |event: &mut Value| event["body"] = json!({"eventType": "AppRemoved", "instanceId": "site"}).to_string().into();
    refused("wix-contact-created", StatusCode::UNAUTHORIZED, plain).await;
    refused("hubspot-creation", StatusCode::UNAUTHORIZED, |event| drop_header(event, "x-hubspot-signature-v3")).await;
    refused("hubspot-creation", StatusCode::UNAUTHORIZED, |event| drop_header(event, "x-hubspot-request-timestamp")).await;
}

#[tokio::test]
async fn an_empty_body_is_refused() {
    for body in [Value::Null, "".into(), "\n".into()] {
        refused("wix-contact-created", StatusCode::UNAUTHORIZED, |event| event["body"] = body.clone()).await;
        refused("hubspot-creation", StatusCode::UNAUTHORIZED, |event| event["body"] = body.clone()).await;
    }
}

#[tokio::test]
async fn ten_megabytes_are_refused() {
    for name in ["wix-contact-created", "hubspot-creation"] {
        refused(name, StatusCode::PAYLOAD_TOO_LARGE, |event| event["body"] = "[".repeat(10 * 1024 * 1024).into()).await;
    }
}

#[tokio::test]
async fn what_was_sent_long_ago_is_refused() {
    for (name, seconds, expected) in [
        ("hubspot-creation", 300, StatusCode::OK),
        ("hubspot-creation", 301, StatusCode::UNAUTHORIZED),
        ("wix-contact-created", 3_600_059, StatusCode::OK),
        ("wix-contact-created", 3_600_060, StatusCode::UNAUTHORIZED),
        ("calendly-invitee-created", 180, StatusCode::OK),
        ("calendly-invitee-created", 181, StatusCode::UNAUTHORIZED),
        ("mailchimp-unsubscribe", 300, StatusCode::OK),
        ("mailchimp-unsubscribe", 301, StatusCode::UNAUTHORIZED),
        ("pipedrive-person-changed", 3_600, StatusCode::OK),
        ("plain-message", 300, StatusCode::OK),
        ("plain-message", 301, StatusCode::UNAUTHORIZED),
    ] {
        let harness = Harness::new().await.later(seconds);
        assert_eq!(harness.handle(&event(name)).await, answer(expected), "{name} {seconds}");
    }
}

#[tokio::test]
async fn other_paths_and_methods_are_refused() {
    for path in ["/", "/webhooks", "/webhooks/hubspot", "/webhooks/wix/x", "/webhooks/mailchimp", "/webhooks/pipedrive", "/health"] {
        refused("wix-contact-created", StatusCode::NOT_FOUND, |event| event["rawPath"] = path.into()).await;
    }
    for (name, method) in [
        ("wix-contact-created", "GET"),
        ("hubspot-creation", "GET"),
        ("hubspot-creation", "PUT"),
        ("mailchimp-profile", "PUT"),
        ("pipedrive-person-changed", "GET"),
        ("twilio-sms", "GET"),
    ] {
        refused(name, StatusCode::METHOD_NOT_ALLOWED, |event| event["requestContext"]["http"]["method"] = method.into()).await;
    }
}

#[tokio::test]
async fn mailchimp_finds_somebody_at_its_path() {
    let harness = Harness::new().await.without_bus();
    let mut event = event("mailchimp-profile");
    event["requestContext"]["http"]["method"] = "GET".into();
    event["headers"] = json!({});
    event["body"] = Value::Null;
    assert_eq!(harness.handle(&event).await, answer(StatusCode::OK));
    assert_eq!(harness.publications(), 0);
}

#[tokio::test]
async fn an_event_that_cannot_be_published_is_not_acknowledged() {
    for name in [
        "wix-contact-created",
        "hubspot-creation",
        "twilio-sms",
        "calendly-invitee-created",
        "mailchimp-upemail",
        "pipedrive-person-merged",
        "plain-message",
    ] {
        let harness = Harness::new().await.without_bus();
        assert_eq!(harness.handle(&event(name)).await, answer(StatusCode::INTERNAL_SERVER_ERROR));
    }
}

#[tokio::test]
async fn an_event_of_no_concern_needs_no_bus() {
    let harness = Harness::new().await.without_bus();
    assert_eq!(harness.handle(&event("wix-unknown-event")).await, answer(StatusCode::OK));
}

#[tokio::test]
async fn logs_carry_no_contact_value() {
    let log = harness::log();
    for name in samples() {
        Harness::new().await.handle(&event(&name)).await;
        Harness::new().await.without_bus().handle(&event(&name)).await;
        let mut broken = event(&name);
        broken["body"] = "ada@example.com Lovelace".into();
        Harness::new().await.handle(&broken).await;
    }
    let text = log.text();
    assert!(text.contains("Took a webhook in.") && text.contains("Refused a webhook."));
    for canary in
        ["ada@", "Ada", "Lovelace", "Byron", "555-0143", "5550143", "Analytical", "London", "test-client-secret", "table", "b25l", "nine"]
    {
        let line = text.lines().find(|line| line.contains(canary));
        assert_eq!(line, None, "{canary}");
    }
}

#[test]
fn an_answer_has_no_body() {
    assert!(matches!(answer(StatusCode::OK).1, Body::Empty));
}
