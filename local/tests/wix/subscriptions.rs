//! Email subscriptions: the consent of an address, who may change it and who is mailed.

use contact_bridge_local::vendors::kit::{Fault, FaultKind};
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Answer, Inbox, START_MS, Wix};

const BASE: &str = "/email-marketing/v1/email-subscriptions";

impl Wix {
    async fn upsert(&self, email: &str, status: &str) -> Answer {
        self.post(BASE, json!({"subscription": {"email": email, "subscriptionStatus": status}})).await
    }

    async fn bulk(&self, rows: Value) -> Answer {
        self.post(&format!("{BASE}/bulk"), json!({"subscriptions": rows})).await
    }

    /// Addresses and statuses a query for these addresses finds.
    async fn consent(&self, emails: &[&str]) -> Vec<(String, String)> {
        let answer = self.post(&format!("{BASE}/query"), json!({"filter": {"email": {"$in": emails}}})).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let pair = |found: &Value| (text(&found["email"]), text(&found["subscriptionStatus"]));
        answer.body["subscriptions"].as_array().unwrap().iter().map(pair).collect()
    }
}

fn pair(email: &str, status: &str) -> (String, String) {
    (email.to_owned(), status.to_owned())
}

#[tokio::test]
async fn an_upsert_creates_and_changes() {
    let wix = Wix::start().await;
    let first = wix.upsert("Ada@x.io", "SUBSCRIBED").await;
    let made = first.body["subscription"].clone();
    let (email, status, deliverability) = (&made["email"], &made["subscriptionStatus"], &made["deliverabilityStatus"]);
    assert_eq!((email, status, deliverability), (&json!("Ada@x.io"), &json!("SUBSCRIBED"), &json!("NOT_SET")));
    wix.sim.clock().set_ms(START_MS + 5000);
    let second = wix.post(BASE, json!({"subscription": {"email": "ada@X.io", "deliverability_status": "BOUNCED"}})).await;
    let now = second.body["subscription"].clone();
    assert_eq!((&now["id"], &now["createdDate"], &now["subscriptionStatus"]), (&made["id"], &made["createdDate"], &json!("SUBSCRIBED")));
    assert_eq!((&now["deliverabilityStatus"], &now["updatedDate"]), (&json!("BOUNCED"), &json!("2026-02-02T02:40:05.000Z")));
    wix.set("subscription_upsert", "replace");
    let third = wix.post(BASE, json!({"subscription": {"email": "ada@x.io", "deliverabilityStatus": "VALID"}})).await;
    assert_eq!(third.body["subscription"]["subscriptionStatus"], "NOT_SET");
}

#[tokio::test]
async fn what_is_no_subscription_is_refused() {
    let wix = Wix::start().await;
    for (subscription, path, rule) in [
        (json!({}), "subscription.email", "REQUIRED_FIELD"),
        (json!({"email": "ada"}), "subscription.email", "FORMAT"),
        (json!({"email": "a@x.io", "subscriptionStatus": "YES"}), "subscription.subscriptionStatus", "ENUM"),
        (json!({"email": "a@x.io", "deliverabilityStatus": "ACTIVE"}), "subscription.deliverabilityStatus", "ENUM"),
    ] {
        assert_eq!(wix.post(BASE, json!({"subscription": subscription})).await.violation(), (400, path, rule));
    }
    assert_eq!(wix.post(BASE, json!({})).await.violation(), (400, "subscription", "REQUIRED_FIELD"));
    assert_eq!(wix.upsert("a@x.io", "UNKNOWN").await.body["subscription"]["subscriptionStatus"], "NOT_SET");
}

#[tokio::test]
async fn queries_know_only_addresses() {
    let wix = Wix::start().await;
    wix.upsert("Ada@x.io", "SUBSCRIBED").await;
    wix.upsert("bob@x.io", "UNSUBSCRIBED").await;
    assert_eq!(wix.consent(&["ADA@x.io", "ada@x.io", "eve@x.io"]).await, [pair("Ada@x.io", "SUBSCRIBED")]);
    let many: Vec<String> = (0..101).map(|n| format!("{n}@x.io")).collect();
    for (filter, code) in [
        (json!({"email": "ada@x.io"}), "UNSUPPORTED_FILTER"),
        (json!({"email": {"$eq": "ada@x.io"}}), "UNSUPPORTED_FILTER"),
        (json!({"subscriptionStatus": {"$in": ["SUBSCRIBED"]}}), "UNSUPPORTED_FILTER"),
        (json!({"email": {"$in": ["ada@x.io"]}, "id": {"$in": []}}), "UNSUPPORTED_FILTER"),
        (json!({"email": {"$in": many}}), "UNSUPPORTED_FILTER_VALUE"),
    ] {
        let refused = wix.post(&format!("{BASE}/query"), json!({"filter": filter})).await;
        assert_eq!(refused.code(), (400, code), "{filter}");
    }
    let wrapped = json!({"query": {"filter": {"email": {"$in": ["ada@x.io"]}}}});
    let all = wix.post(&format!("{BASE}/query"), wrapped.clone()).await;
    assert_eq!(all.body["subscriptions"].as_array().unwrap().len(), 2);
    wix.set("unfiltered_subscriptions", "400");
    assert_eq!(wix.post(&format!("{BASE}/query"), wrapped).await.violation(), (400, "filter", "REQUIRED_FIELD"));
}

#[tokio::test]
async fn queries_are_paged() {
    let wix = Wix::start().await;
    let emails: Vec<String> = (10..70).map(|n| format!("{n}@x.io")).collect();
    let rows: Vec<Value> = emails.iter().map(|email| json!({"email": email, "subscriptionStatus": "SUBSCRIBED"})).collect();
    wix.bulk(json!(rows)).await;
    let page =
        async |paging: Value| wix.post(&format!("{BASE}/query"), json!({"filter": {"email": {"$in": emails}}, "paging": paging})).await;
    let first = page(json!({})).await;
    assert_eq!(first.body["metadata"], json!({"count": 50, "offset": 0, "total": 60, "tooManyToCount": false}));
    let rest = page(json!({"limit": 50, "offset": 50})).await;
    assert_eq!((rest.body["subscriptions"].as_array().unwrap().len(), &rest.body["subscriptions"][9]["email"]), (10, &json!("69@x.io")));
    for wrong in [json!({"limit": 1001}), json!({"limit": 0}), json!({"offset": -1})] {
        assert_eq!(page(wrong).await.code(), (400, "ILLEGAL_LIMIT"));
    }
}

#[tokio::test]
async fn an_address_nobody_spoke_of_is_left_out_or_not_set() {
    let wix = Wix::start().await;
    wix.create(json!({"emails": {"items": [{"email": "ada@x.io"}]}})).await.id();
    assert!(wix.consent(&["ada@x.io", "eve@x.io"]).await.is_empty());
    wix.set("unknown_subscription", "not_set");
    assert_eq!(wix.consent(&["ada@x.io", "eve@x.io"]).await, [pair("ada@x.io", "NOT_SET")]);
}

#[tokio::test]
async fn a_bulk_upsert_answers_row_by_row() {
    let wix = Wix::start().await;
    let rows = json!([{"email": "ada@x.io", "subscriptionStatus": "SUBSCRIBED"}, {"email": "bob"}, {"email": "ada@x.io", "subscriptionStatus": "UNSUBSCRIBED"}]);
    let done = wix.bulk(rows.clone()).await;
    assert_eq!(done.body["metadata"], json!({"totalSuccess": 2, "totalFailure": 1}));
    let results = &done.body["results"];
    assert_eq!((&results[0]["originalIndex"], &results[0]["emailSubscription"]["subscriptionStatus"]), (&json!(0), &json!("SUBSCRIBED")));
    assert_eq!(results[1]["error"]["errorCode"], "INVALID_ARGUMENT");
    assert!(results[1]["error"]["message"].as_str().unwrap().starts_with("subscriptions[1].email"));
    assert_eq!(wix.consent(&["ada@x.io"]).await, [pair("ada@x.io", "UNSUBSCRIBED")]);
    wix.set("bulk_invalid_row", "request");
    assert_eq!(wix.bulk(rows).await.violation(), (400, "subscriptions[1].email", "FORMAT"));
    for wrong in [json!([]), json!(vec![json!({"email": "a@x.io"}); 101])] {
        assert_eq!(wix.bulk(wrong).await.violation().1, "subscriptions");
    }
}

#[tokio::test]
async fn answers_can_look_like_the_samples() {
    let wix = Wix::start().await;
    wix.set("subscription_keys", "samples");
    let done = wix.bulk(json!([{"email": "ada@x.io"}, {"email": "bob"}])).await;
    assert_eq!((done.body["subscriptions"].as_array().unwrap().len(), &done.body["subscriptions"][0]["email"]), (1, &json!("ada@x.io")));
    let found = wix.post(&format!("{BASE}/query"), json!({"filter": {"email": {"$in": ["ada@x.io"]}}})).await;
    assert_eq!(found.body["email_subscriptions"][0]["email"], "ada@x.io");
}

#[tokio::test]
async fn an_app_may_or_may_not_undo_an_opt_out() {
    let wix = Wix::start().await;
    wix.upsert("ada@x.io", "UNSUBSCRIBED").await;
    wix.set("resubscribe_by_app", "ignored");
    assert_eq!(wix.upsert("ada@x.io", "SUBSCRIBED").await.body["subscription"]["subscriptionStatus"], "UNSUBSCRIBED");
    wix.set("resubscribe_by_app", "refused");
    assert_eq!(wix.upsert("ada@x.io", "SUBSCRIBED").await.code(), (428, "FAILED_PRECONDITION"));
    let row = wix.bulk(json!([{"email": "ada@x.io", "subscriptionStatus": "SUBSCRIBED"}])).await;
    assert_eq!(row.body["results"][0]["error"]["errorCode"], "FAILED_PRECONDITION");
    let by_person = wix.request(Method::POST, BASE).header("x-actor", "user");
    let by_person = by_person.json(&json!({"subscription": {"email": "ada@x.io", "subscriptionStatus": "SUBSCRIBED"}}));
    assert_eq!(wix.send(by_person).await.body["subscription"]["subscriptionStatus"], "SUBSCRIBED");
    wix.upsert("ada@x.io", "UNSUBSCRIBED").await;
    wix.set("resubscribe_by_app", "allowed");
    assert_eq!(wix.upsert("ada@x.io", "SUBSCRIBED").await.body["subscription"]["subscriptionStatus"], "SUBSCRIBED");
}

#[tokio::test]
async fn only_pending_mails_the_addressee() {
    let wix = Wix::start().await;
    for status in ["SUBSCRIBED", "UNSUBSCRIBED", "NOT_SET"] {
        wix.upsert("ada@x.io", status).await;
    }
    assert!(wix.sim.mails(None).unwrap().is_empty());
    wix.upsert("ada@x.io", "PENDING").await;
    let mails = wix.get("/_control/mails?site=s1").await.body["mails"].clone();
    assert_eq!((&mails[0]["kind"], &mails[0]["to"], &mails[1]), (&json!("subscription_confirmation"), &json!("ada@x.io"), &Value::Null));
    let confirmed = wix.post("/_control/subscriptions/confirm", json!({"email": "ada@x.io"})).await;
    assert_eq!(confirmed.body["subscriptionStatus"], "SUBSCRIBED");
    assert!(wix.sim.confirm_subscription(None, "ada@x.io").is_err());
    wix.set("pending_mail", false);
    wix.upsert("ada@x.io", "PENDING").await;
    assert_eq!(wix.sim.mails(None).unwrap().len(), 1);
}

#[tokio::test]
async fn a_link_unsubscribes_whoever_follows_it() {
    let wix = Wix::start().await;
    wix.upsert("ada@x.io", "SUBSCRIBED").await;
    let request = json!({"emailAddress": "ada@x.io", "language": "DE", "metadata": {"campaign_id": "7"}});
    let link = wix.post(&format!("{BASE}/unsubscribe-link"), request).await.body["link"].clone();
    assert!(link.as_str().unwrap().starts_with("http://www.wix.com/my-account/contacts/unsubscribe?metaSiteId=s1&unsubscribeToken="));
    assert_eq!(wix.consent(&["ada@x.io"]).await, [pair("ada@x.io", "SUBSCRIBED")]);
    let inbox = Inbox::of(&wix).await;
    assert_eq!(wix.post("/_control/subscriptions/click", json!({"link": link})).await.status, 200);
    assert_eq!(wix.consent(&["ada@x.io"]).await, [pair("ada@x.io", "UNSUBSCRIBED")]);
    wix.deliver().await;
    assert_eq!(inbox.events(&wix)[0]["identity"]["identityType"], "ANONYMOUS_VISITOR");
    for wrong in [json!({}), json!({"emailAddress": "ada"}), json!({"emailAddress": "a@x.io", "language": "german"})] {
        assert_eq!(wix.post(&format!("{BASE}/unsubscribe-link"), wrong).await.status, 400);
    }
    let broken = json!({"link": "http://www.wix.com/?metaSiteId=s1&unsubscribeToken=x"});
    assert_eq!(wix.post("/_control/subscriptions/click", broken).await.status, 400);
}

#[tokio::test]
async fn a_change_raises_an_event_without_id() {
    let wix = Wix::start().await;
    let inbox = Inbox::of(&wix).await;
    let shown = wix.upsert("ada@x.io", "SUBSCRIBED").await.body["subscription"].clone();
    wix.deliver().await;
    let event = inbox.events(&wix).remove(0);
    assert_eq!(event["eventType"], "com.wixpress.emailsubscriptions.v1.EmailSubscriptionChanged");
    assert_eq!((&event["data"], &event["instanceId"]), (&json!({"subscription": shown}), &json!("i1")));
    assert_eq!(event["identity"], json!({"identityType": "APP", "appId": "app"}));
    for (on, events) in [(true, 1), (false, 0)] {
        wix.set("noop_subscription_event", on);
        wix.upsert("ada@x.io", "SUBSCRIBED").await;
        wix.deliver().await;
        assert_eq!(inbox.take().len(), events);
    }
}

#[tokio::test]
async fn addressees_and_the_mailer_change_subscriptions_too() {
    let wix = Wix::start().await;
    let change = json!({"site": "s2", "email": "ada@x.io", "subscriptionStatus": "SUBSCRIBED", "deliverabilityStatus": "BOUNCED"});
    assert_eq!(wix.post("/_control/subscriptions", change).await.body["deliverabilityStatus"], "BOUNCED");
    let known = wix.get("/_control/subscriptions?site=s2").await.body["subscriptions"].clone();
    assert_eq!((&known[0]["site"], &known[0]["email"]), (&json!("i2"), &json!("ada@x.io")));
    assert!(wix.sim.subscriptions(Some("s1")).unwrap().is_empty());
    for wrong in [
        json!({}),
        json!({"email": "ada"}),
        json!({"email": "a@x.io", "subscriptionStatus": "YES"}),
        json!({"email": "a@x.io", "site": "s9"}),
    ] {
        assert_eq!(wix.post("/_control/subscriptions", wrong).await.status, 400);
    }
    assert!(wix.sim.set_subscription(None, "ada@x.io", "YES").is_err());
}

#[tokio::test]
async fn faults_hit_these_calls_like_all_others() {
    let wix = Wix::start().await;
    wix.sim.fault(Fault::once(FaultKind::LoseReply, "POST /email-marketing/v1/**")).unwrap();
    let lost = wix.request(Method::POST, BASE).header("authorization", &wix.token);
    assert!(lost.json(&json!({"subscription": {"email": "ada@x.io"}})).send().await.is_err());
    assert_eq!(wix.sim.subscriptions(None).unwrap().len(), 1);
    wix.sim.fault(Fault::once(FaultKind::Cut, "POST /email-marketing/v1/**")).unwrap();
    let cut = wix.request(Method::POST, BASE).header("authorization", &wix.token);
    let cut = cut.json(&json!({"subscription": {"email": "bob@x.io"}})).send().await.unwrap();
    assert!(cut.json::<Value>().await.is_err());
    wix.sim.fault(Fault::status(500, &format!("POST {BASE}/bulk"))).unwrap();
    assert_eq!(wix.bulk(json!([{"email": "eve@x.io"}])).await.status, 500);
    assert_eq!(wix.sim.subscriptions(None).unwrap().len(), 2);
}
