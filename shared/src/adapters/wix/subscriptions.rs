//! E-mail subscriptions v1
//! (<https://dev.wix.com/docs/api-reference/crm/marketing/email-marketing/email-subscriptions/introduction>).
//!
//! The types and the samples of the documentation name the members of a reply differently; both are understood. Whether an upsert keeps
//! what it does not say is left open, so it says everything. Whether Wix heeds the case of an address, and in which it answers, is left open
//! too: both spellings are asked for, and the stricter answer counts. A reply that is not about the address says nothing of it: whoever opted out
//! is never taken for one who was never heard of.

use std::collections::BTreeSet;

use async_trait::async_trait;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::{Client, call::Call};
use crate::{
    model::{
        normal,
        subscription::{Subscription, SubscriptionStatus},
    },
    ports::{ErrorKind, StoreError, StoreResult, Subscriptions},
};

#[derive(Deserialize)]
struct Found {
    #[serde(alias = "email_subscriptions", alias = "emailSubscriptions")]
    subscriptions: Vec<Wire>,
}

#[derive(Deserialize)]
struct Stored {
    #[serde(alias = "email_subscription", alias = "emailSubscription")]
    subscription: Wire,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Wire {
    email: String,
    #[serde(alias = "subscription_status")]
    subscription_status: Option<String>,
    #[serde(alias = "deliverability_status")]
    deliverability_status: Option<String>,
    #[serde(alias = "updated_date")]
    updated_date: Option<String>,
}

impl From<Wire> for Subscription {
    fn from(wire: Wire) -> Self {
        Self {
            status: match wire.subscription_status.as_deref() {
                Some("SUBSCRIBED") => SubscriptionStatus::Subscribed,
                Some("PENDING") => SubscriptionStatus::Pending,
                None | Some("NOT_SET" | "NO_SUBSCRIPTION_STATUS") => SubscriptionStatus::NotSet,
                // What is not known is not raised.
                Some(_) => SubscriptionStatus::Unsubscribed,
            },
            complained: wire.deliverability_status.as_deref() == Some("SPAM_COMPLAINT"),
            deliverability: wire.deliverability_status,
            updated_at: wire.updated_date.and_then(|text| text.parse().ok()),
        }
    }
}

/// Returns the one of two answers about an address that lets less be sent to it.
fn stricter(one: Subscription, other: Subscription) -> Subscription {
    let strictness = |known: &Subscription| {
        let status = match known.status {
            SubscriptionStatus::NotSet => 0,
            SubscriptionStatus::Subscribed => 1,
            SubscriptionStatus::Pending => 2,
            SubscriptionStatus::Unsubscribed => 3,
        };
        (known.complained, status, known.updated_at)
    };
    if strictness(&other) > strictness(&one) { other } else { one }
}

impl Client {
    /// Reads what is known of an address under one of its spellings.
    async fn spelled(&self, email: &str) -> StoreResult<Subscription> {
        const OPERATION: &str = "wix query email subscription";
        let call = self.subscription_call(Call::read, OPERATION, &["query"]);
        // Unlike other queries, this one has its filter at the top.
        let found: Found = self.call(&call.body(json!({"filter": {"email": {"$in": [email]}}, "paging": {"limit": 1}}))).await?;
        match found.subscriptions.into_iter().next() {
            None => Ok(Subscription::default()),
            Some(own) if normal::email(&own.email) == normal::email(email) => Ok(own.into()),
            Some(_) => Err(StoreError::new(ErrorKind::Garbled, OPERATION)),
        }
    }

    fn subscription_call(&self, call: fn(&'static str, Method, reqwest::Url) -> Call, operation: &'static str, more: &[&str]) -> Call {
        call(operation, Method::POST, self.url(&[&["email-marketing", "v1", "email-subscriptions"], more].concat()))
    }
}

#[async_trait]
impl Subscriptions for Client {
    async fn subscription(&self, email: &str) -> StoreResult<Subscription> {
        let mut known = Subscription::default();
        for spelling in BTreeSet::from([email.to_owned(), normal::email(email)]) {
            known = stricter(known, self.spelled(&spelling).await?);
        }
        Ok(known)
    }

    async fn subscribe(&self, email: &str, known: &Subscription) -> StoreResult<Subscription> {
        let mut wanted = Map::from_iter([("email".to_owned(), Json::from(email)), ("subscriptionStatus".to_owned(), "SUBSCRIBED".into())]);
        if let Some(deliverability) = &known.deliverability {
            wanted.insert("deliverabilityStatus".to_owned(), deliverability.as_str().into());
        }
        let call = self.subscription_call(Call::write, "wix subscribe an address", &[]);
        let stored: Stored = self.call(&call.body(json!({"subscription": wanted}))).await?;
        Ok(stored.subscription.into())
    }
}
