//! What contacts show of the subscriptions of their addresses.

use serde_json::{Value, json};

use super::client::{CONTACTS, Inbox, Wix, emails};

fn with(first: &str, list: &[&str]) -> Value {
    json!({"name": {"first": first}, "emails": emails(list)})
}

impl Wix {
    async fn set_consent(&self, email: &str, status: &str) {
        let request = json!({"subscription": {"email": email, "subscriptionStatus": status}});
        assert_eq!(self.post("/email-marketing/v1/email-subscriptions", request).await.status, 200);
    }

    async fn shown(&self, id: &str) -> Value {
        self.get(&format!("{CONTACTS}/{id}")).await.contact().clone()
    }

    async fn subscribers(&self) -> Vec<String> {
        self.found(json!({"info.extendedFields.emailSubscriptions.subscriptionStatus": {"$eq": "SUBSCRIBED"}})).await
    }
}

fn status(contact: &Value) -> &str {
    contact["info"]["extendedFields"]["items"]["emailSubscriptions.subscriptionStatus"].as_str().unwrap()
}

#[tokio::test]
async fn the_status_belongs_to_the_address_whoever_has_it() {
    let wix = Wix::start().await;
    wix.set_consent("ada@x.io", "SUBSCRIBED").await;
    let first = wix.create(with("Ada", &["ada@x.io"])).await.id();
    let twin = json!({"info": with("Eve", &["ADA@x.io"]), "allowDuplicates": true});
    let twin = wix.post(CONTACTS, twin).await.id();
    wix.create(with("Bob", &["bob@x.io"])).await.id();
    assert_eq!(wix.subscribers().await, ["Ada", "Eve"]);
    wix.set_consent("Ada@x.io", "UNSUBSCRIBED").await;
    for id in [&first, &twin] {
        let contact = wix.shown(id).await;
        assert_eq!((status(&contact), &contact["primaryEmail"]["subscriptionStatus"]), ("UNSUBSCRIBED", &json!("UNSUBSCRIBED")));
        assert_eq!(contact["lastActivity"]["activityType"], "NEWSLETTER_SUBSCRIPTION_UNSUBSCRIBE");
    }
    assert!(wix.subscribers().await.is_empty());
}

#[tokio::test]
async fn a_query_for_subscribers_gives_just_the_parts_asked_for() {
    let wix = Wix::start().await;
    wix.create(with("Ada", &["ada@x.io"])).await.id();
    wix.set_consent("ada@x.io", "SUBSCRIBED").await;
    let filter = json!({"info.extendedFields.emailSubscriptions.subscriptionStatus": {"$eq": "SUBSCRIBED"}});
    let page = wix.query(json!({"filter": filter, "fields": ["info.emails", "info.extendedFields"]})).await;
    let contact = &page.body["contacts"][0];
    assert_eq!(contact.as_object().unwrap().keys().collect::<Vec<_>>(), ["id", "info", "revision"]);
    assert_eq!(contact["info"].as_object().unwrap().keys().collect::<Vec<_>>(), ["emails", "extendedFields"]);
    assert_eq!(wix.query(json!({"fields": ["info.extendedFields.emailSubscriptions.subscriptionStatus"]})).await.status, 400);
    let sorted = json!({"sort": [{"fieldName": "info.extendedFields.emailSubscriptions.subscriptionStatus"}]});
    assert_eq!(wix.query(sorted).await.code(), (400, "UNSUPPORTED_SORT_FIELD"));
}

#[tokio::test]
async fn whether_consent_makes_a_revision_and_an_event_is_open() {
    let wix = Wix::start().await;
    let id = wix.create(with("Ada", &["ada@x.io"])).await.id();
    let inbox = Inbox::of(&wix).await;
    let mut revision = 1;
    for (switch, consent, bumps, events) in
        [("quiet", "PENDING", 0, 1), ("bump", "SUBSCRIBED", 1, 1), ("bump_and_event", "UNSUBSCRIBED", 1, 2)]
    {
        wix.set("subscription_mirror", switch);
        wix.set_consent("ada@x.io", consent).await;
        revision += bumps;
        let contact = wix.shown(&id).await;
        assert_eq!((status(&contact), &contact["revision"]), (consent, &json!(revision)));
        wix.deliver().await;
        assert_eq!(inbox.take().len(), events, "{switch}");
    }
}

#[tokio::test]
async fn the_primary_address_decides_or_the_one_that_may_be_written_to() {
    let wix = Wix::start().await;
    let id = wix.create(with("Ada", &["one@x.io", "two@x.io"])).await.id();
    wix.set_consent("two@x.io", "SUBSCRIBED").await;
    assert_eq!(status(&wix.shown(&id).await), "NOT_SET");
    wix.set_consent("one@x.io", "UNSUBSCRIBED").await;
    let fields = wix.shown(&id).await["info"]["extendedFields"]["items"].clone();
    assert_eq!(fields["emailSubscriptions.effectiveEmail"], "two@x.io");
    wix.set("mirrored_email", "effective");
    wix.update(&id, json!({"company": "One"})).await.id();
    let contact = wix.shown(&id).await;
    assert_eq!((status(&contact), &contact["primaryEmail"]["subscriptionStatus"]), ("SUBSCRIBED", &json!("UNSUBSCRIBED")));
    wix.set_consent("two@x.io", "UNSUBSCRIBED").await;
    let fields = wix.shown(&id).await["info"]["extendedFields"]["items"].clone();
    assert!(fields.get("emailSubscriptions.effectiveEmail").is_none());
}

#[tokio::test]
async fn another_primary_address_shows_another_status() {
    let wix = Wix::start().await;
    wix.set_consent("one@x.io", "SUBSCRIBED").await;
    let id = wix.create(with("Ada", &["one@x.io"])).await.id();
    wix.update(&id, json!({"emails": emails(&["two@x.io"])})).await.id();
    assert_eq!(status(&wix.shown(&id).await), "NOT_SET");
    wix.set_consent("one@x.io", "UNSUBSCRIBED").await;
    assert_eq!(wix.shown(&id).await["revision"], 2);
    wix.set_consent("two@x.io", "SUBSCRIBED").await;
    assert_eq!(wix.subscribers().await, ["Ada"]);
}

#[tokio::test]
async fn consent_reaches_queries_after_the_lag() {
    let wix = Wix::start().await;
    let id = wix.create(with("Ada", &["ada@x.io"])).await.id();
    wix.set("visibility_lag_ms", 5000);
    wix.set_consent("ada@x.io", "SUBSCRIBED").await;
    assert_eq!(status(&wix.shown(&id).await), "SUBSCRIBED");
    assert!(wix.subscribers().await.is_empty());
    wix.sim.clock().advance(std::time::Duration::from_secs(5));
    assert_eq!(wix.subscribers().await, ["Ada"]);
}

#[tokio::test]
async fn a_deleted_contact_leaves_the_consent_of_its_address() {
    let wix = Wix::start().await;
    let id = wix.create(with("Ada", &["ada@x.io"])).await.id();
    wix.set_consent("ada@x.io", "UNSUBSCRIBED").await;
    wix.delete(&format!("{CONTACTS}/{id}")).await;
    let again = wix.create(with("Ada", &["ada@x.io"])).await;
    assert_eq!(status(again.contact()), "UNSUBSCRIBED");
}
