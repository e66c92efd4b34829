use super::*;
use crate::{
    model::{
        subscriber::{Address, Lowered},
        subscription::{Subscription, SubscriptionStatus},
    },
    ports::{Consents, Subscriptions},
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
    let wix = Wix::with_key().await;
    wix.answers("POST", &format!("{BASE_PATH}/query"), ok(json!({"subscriptions": []}))).await;
    assert_eq!(wix.client.subscription("ada@example.com").await.unwrap(), Subscription::default());
}

#[tokio::test]
async fn an_answer_that_is_not_about_the_address_says_nothing_of_it() {
    for reply in [
        json!({}),
        json!({"rows": [stored("UNSUBSCRIBED", "VALID")]}),
        json!({"subscriptions": [{"email": "ben@example.com", "subscriptionStatus": "SUBSCRIBED"}]}),
        json!({"subscriptions": [{"subscriptionStatus": "SUBSCRIBED"}]}),
    ] {
        let wix = Wix::with_key().await;
        wix.answers("POST", &format!("{BASE_PATH}/query"), ok(reply)).await;
        assert_eq!(kind(wix.client.subscription("ada@example.com").await), ErrorKind::Garbled);
    }
}

#[tokio::test]
async fn of_two_spellings_the_stricter_answer_counts() {
    let row = |status, complaint| ok(json!({"subscriptions": [stored(status, complaint)]}));
    for (first, second, expected) in [
        (("SUBSCRIBED", "VALID"), ("UNSUBSCRIBED", "VALID"), (SubscriptionStatus::Unsubscribed, false)),
        (("UNSUBSCRIBED", "VALID"), ("NOT_SET", "VALID"), (SubscriptionStatus::Unsubscribed, false)),
        (("SUBSCRIBED", "VALID"), ("NOT_SET", "SPAM_COMPLAINT"), (SubscriptionStatus::NotSet, true)),
    ] {
        let wix = Wix::with_key().await;
        let path = format!("{BASE_PATH}/query");
        wix.answers("POST", &path, row(first.0, first.1)).await;
        wix.answers("POST", &path, row(second.0, second.1)).await;
        let known = wix.client.subscription("Ada@Example.com").await.unwrap();
        assert_eq!((known.status, known.complained), expected);
    }
}

#[tokio::test]
async fn a_status_that_nobody_knows_says_nothing() {
    for (status, expected) in [
        ("UNKNOWN", SubscriptionStatus::Unclear),
        ("SUSPENDED", SubscriptionStatus::Unclear),
        ("NOT_SET", SubscriptionStatus::NotSet),
        ("NO_SUBSCRIPTION_STATUS", SubscriptionStatus::NotSet),
    ] {
        let wix = Wix::with_key().await;
        for _ in 0..2 {
            wix.answers("POST", &format!("{BASE_PATH}/query"), ok(json!({"subscriptions": [stored(status, "NOT_SET")]}))).await;
        }
        assert_eq!(wix.client.subscription("Ada@Example.com").await.unwrap().status, expected, "{status}");
        let asked = |spelling: &str| json!({"filter": {"email": {"$in": [spelling]}}, "paging": {"limit": 1}});
        let calls = ["Ada@Example.com", "ada@example.com"].map(|spelling| (format!("POST {BASE_PATH}/query"), asked(spelling)));
        assert_eq!(wix.calls().await, calls);
    }
}

#[tokio::test]
async fn a_bounce_is_not_carried_over_an_opt_out_since_it_was_read() {
    let known = Subscription { status: SubscriptionStatus::Subscribed, ..Subscription::default() };
    let wix = Wix::with_key().await;
    for _ in 0..2 {
        wix.answers("POST", &format!("{BASE_PATH}/query"), ok(json!({"subscriptions": [stored("UNSUBSCRIBED", "VALID")]}))).await;
    }
    let lowered = wix.client.lower(&Address::new("Ada@example.com"), &known, Lowered::Bounced).await;
    assert_eq!(lowered.unwrap_err().kind, ErrorKind::Stale);
    assert!(wix.calls().await.iter().all(|(call, _)| *call == format!("POST {BASE_PATH}/query")), "nothing is written");
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
