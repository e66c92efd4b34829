//! Group 6: consent. The whole path: subscriptions in Wix, signed webhooks of both sides, the run, and the list in Mailchimp.

mod consent;
mod list;
mod trouble;

use std::{collections::BTreeSet, time::Duration};

use contact_bridge::model::{
    run::{Run, RunKind},
    site::subscribers::Subscribers,
};
use contact_bridge_local::vendors::kit::{Fault, FaultKind, plain_http};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    lab::Lab,
    switches::{Vendor, at_switches_of_lists},
};

/// What Wix leaves open of subscriptions.
const WIX: &[&str] = &[
    "in_limit",
    "mirrored_email",
    "noop_subscription_event",
    "page_cap",
    "subscription_case",
    "subscription_keys",
    "subscription_mirror",
    "subscription_upsert",
    "total_omitted",
    "unknown_subscription",
    "visibility_lag_ms",
];

/// What Mailchimp leaves open.
const MAIL: &[&str] = &[
    "api_unsubscribe",
    "archive_fires",
    "archived_listed",
    "bare_refusals",
    "complaint_is_unsubscribe",
    "compliance_pending",
    "default_order",
    "member_exists_title",
    "profile_with_subscribe",
    "put_archived",
    "since_last_changed",
    "status_if_new_required",
    "touch_without_change",
    "unknown_merge_field",
    "upemail_order",
    "visibility_lag_ms",
    "webhook_delay_ms",
];

async fn at_both(scenario: impl AsyncFn(Lab)) {
    at_switches_of_lists(WIX, MAIL, scenario).await;
}

impl Lab {
    /// Has subscribers go to Mailchimp; nothing is sent before the first run.
    async fn subscribers(&self, more: Value) {
        let service = json!({"kind": "mailchimp", "secret": "mailchimp/shop", "list": self.site.audience});
        let mut settings = json!({"service": service, "interval_minutes": 720});
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let settings: Subscribers = serde_json::from_value(settings).unwrap();
        self.adjust(|site| site.subscribers = Some(settings)).await;
    }

    async fn person(&self, name: &str, status: &str) -> String {
        let email = address(name);
        let id = self.wix_create(json!({"firstname": name, "lastname": "Stone", "email": email})).await;
        self.set_subscription(&email, status, "VALID").await;
        id
    }

    /// Runs the subscribers now, when what was written before shows everywhere.
    async fn run_subscribers(&self) {
        self.settle().await;
        self.stack.clock().advance(Duration::from_mins(3));
        self.stack.run_now(&self.site.id, RunKind::Subscribers).await.unwrap();
        self.settle().await;
    }

    /// Turns the subscribers on and runs them for an hour in which the key may look at the list and add nobody; what is noted of the run.
    async fn run_with_a_revoked_key(&self) -> Run {
        let revoked = json!({"title": "API Key Invalid", "status": 401, "detail": "Your API key may be invalid."});
        let post = format!("POST /3.0/lists/{}", self.site.audience);
        self.fault(Vendor::Mail, Fault { body: Some(revoked), times: 1_000, ..Fault::status(401, &post) });
        self.subscribers(json!({})).await;
        self.stack.run_now(&self.site.id, RunKind::Subscribers).await.unwrap();
        self.stack.live(Duration::from_hours(1)).await.unwrap();
        self.stack.run_of(&self.site.id, RunKind::Subscribers).await.unwrap()
    }

    /// Runs a pass that looks at everybody.
    async fn run_all(&self) {
        self.stack.live(Duration::from_hours(25)).await.unwrap();
        self.settle().await;
    }

    fn member(&self, name: &str) -> Value {
        let all = self.stack.mailchimp.contacts(Some(self.site.id.as_str())).unwrap();
        all.into_iter().find(|member| member["email_address"] == address(name)).unwrap_or_default()
    }

    fn status(&self, name: &str) -> String {
        self.member(name)["status"].as_str().unwrap_or("absent").to_owned()
    }

    fn tags(&self, name: &str) -> BTreeSet<String> {
        let tags = self.member(name)["tags"].as_array().cloned().unwrap_or_default();
        tags.iter().filter_map(|tag| tag["name"].as_str().map(str::to_owned)).collect()
    }

    async fn consent(&self, name: &str) -> String {
        self.subscription(&address(name)).await["subscriptionStatus"].as_str().unwrap_or("absent").to_owned()
    }

    /// A person acts in Mailchimp.
    fn in_mailchimp(&self, act: &str, name: &str) {
        self.stack.mailchimp.act(act, &json!({"site": self.site.id, "email": address(name)})).unwrap();
    }

    fn drop_webhooks_of_mailchimp(&self) {
        self.fault(Vendor::Mail, Fault { times: 100, ..Fault::any(FaultKind::WebhookDrop) });
    }

    /// Whoever was written to in Mailchimp's name.
    fn written_to(&self, name: &str) -> usize {
        self.stack.mailchimp.mails().iter().filter(|mail| mail["email"] == address(name)).count()
    }

    /// The writes to the list of this site.
    fn list_writes(&self) -> Vec<String> {
        let calls = self.stack.mailchimp.core().calls.to_json();
        let own = calls["sites"][self.site.id.as_str()].as_object().cloned().unwrap_or_default();
        own.into_iter().filter(|(route, _)| !route.starts_with("GET ")).map(|(route, count)| format!("{route} x {count}")).collect()
    }

    /// The list's owner acts on a member.
    async fn list_call(&self, method: Method, name: &str, tail: &str) {
        self.list_call_with(method, name, tail, None).await;
    }

    async fn list_call_with(&self, method: Method, name: &str, tail: &str, body: Option<Value>) {
        let hash = self.member(name)["id"].as_str().unwrap().to_owned();
        let url = format!("{}/3.0/lists/{}/members/{hash}{tail}", self.stack.mailchimp.base_url(), self.site.audience);
        let call = plain_http().unwrap().request(method, url).bearer_auth(format!("key-{}-us6", self.site.id)).header("x-actor", "admin");
        let call = if let Some(body) = body { call.json(&body) } else { call };
        assert!(call.send().await.unwrap().status().is_success());
    }
}

fn address(name: &str) -> String {
    format!("{}@example.com", name.to_lowercase())
}
