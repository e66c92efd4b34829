use super::*;
use crate::{
    model::subscription::{Subscription, SubscriptionStatus},
    ports::Subscriptions,
};

const BASE_PATH: &str = "/email-marketing/v1/email-subscriptions";

fn stored(status: &str, deliverability: &str) -> Json {
    json!({"id": "s-1", "email": "Ada@example.com", "subscriptionStatus": status, "deliverabilityStatus": deliverability,
        "updatedDate": "2026-11-20T12:00:00.000Z"})
}

#[tokio::test]
async fn an_address_is_asked_for_at_the_top_level_and_found_whatever_its_case() {
    for key in ["subscriptions", "email_subscriptions"] {
        let wix = Wix::with_key().await;
        wix.answers("POST", &format!("{BASE_PATH}/query"), ok(json!({key: [stored("UNSUBSCRIBED", "SPAM_COMPLAINT")]}))).await;
        let known = wix.client.subscription("ada@example.com").await.unwrap();
        assert_eq!((known.status, known.complained), (SubscriptionStatus::Unsubscribed, true));
        assert_eq!(known.updated_at, Some("2026-11-20T12:00:00Z".parse().unwrap()));
        let body = json!({"filter": {"email": {"$in": ["ada@example.com"]}}, "paging": {"limit": 1}});
        assert_eq!(wix.calls().await, [(format!("POST {BASE_PATH}/query"), body)]);
    }
}

#[tokio::test]
async fn an_address_that_was_never_heard_of_is_not_set() {
    for reply in [
        json!({"subscriptions": []}),
        json!({}),
        json!({"subscriptions": [{"email": "ben@example.com", "subscriptionStatus": "SUBSCRIBED"}]}),
    ] {
        let wix = Wix::with_key().await;
        wix.answers("POST", &format!("{BASE_PATH}/query"), ok(reply)).await;
        assert_eq!(wix.client.subscription("ada@example.com").await.unwrap(), Subscription::default());
    }
}

#[tokio::test]
async fn a_status_that_nobody_knows_is_not_raised() {
    for (status, expected) in [
        ("UNKNOWN", SubscriptionStatus::Unsubscribed),
        ("SUSPENDED", SubscriptionStatus::Unsubscribed),
        ("NOT_SET", SubscriptionStatus::NotSet),
        ("NO_SUBSCRIPTION_STATUS", SubscriptionStatus::NotSet),
    ] {
        let wix = Wix::with_key().await;
        wix.answers("POST", &format!("{BASE_PATH}/query"), ok(json!({"subscriptions": [stored(status, "NOT_SET")]}))).await;
        assert_eq!(wix.client.subscription("Ada@Example.com").await.unwrap().status, expected, "{status}");
        let body = json!({"filter": {"email": {"$in": ["Ada@Example.com"]}}, "paging": {"limit": 1}});
        assert_eq!(wix.calls().await, [(format!("POST {BASE_PATH}/query"), body)]);
    }
}

#[tokio::test]
async fn subscribing_keeps_what_is_known_of_deliverability() {
    let known = Subscription { deliverability: Some("BOUNCED".to_owned()), ..Subscription::default() };
    for (known, expected) in [
        (Subscription::default(), json!({"email": "ada@example.com", "subscriptionStatus": "SUBSCRIBED"})),
        (known, json!({"email": "ada@example.com", "subscriptionStatus": "SUBSCRIBED", "deliverabilityStatus": "BOUNCED"})),
    ] {
        let wix = Wix::with_key().await;
        wix.answers("POST", BASE_PATH, ok(json!({"subscription": stored("SUBSCRIBED", "NOT_SET")}))).await;
        let now = wix.client.subscribe("ada@example.com", &known).await.unwrap();
        assert_eq!(now.status, SubscriptionStatus::Subscribed);
        assert_eq!(wix.calls().await, [(format!("POST {BASE_PATH}"), json!({"subscription": expected}))]);
    }
}

#[tokio::test]
async fn a_subscription_without_an_answer_is_not_sent_again() {
    let wix = Wix::with_key().await;
    wix.answers("POST", BASE_PATH, ResponseTemplate::new(502)).await;
    assert_eq!(kind(wix.client.subscribe("ada@example.com", &Subscription::default()).await), ErrorKind::Unavailable);
    assert_eq!(wix.received().await.len(), 1);
}
