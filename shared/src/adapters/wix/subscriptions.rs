//! E-mail subscriptions v1
//! (<https://dev.wix.com/docs/api-reference/crm/marketing/email-marketing/email-subscriptions/introduction>).
//!
//! The types and the samples of the documentation name the members of a reply differently; both are understood. Whether an upsert keeps
//! what it does not say is left open, so it says everything. Whether Wix heeds the case of an address, and in which it answers, is left open
//! too: both spellings are asked for, and the stricter answer counts. A reply that is not about the address says nothing of it: whoever opted out
//! is never taken for one who was never heard of.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::{Client, Query, call::Call, listing::Having};
use crate::{
    model::{
        contact::Contact,
        field::Field,
        listing::{Ask, Page},
        normal,
        subscriber::{Address, Lowered},
        subscription::{Subscription, SubscriptionStatus},
    },
    ports::{Consents, ErrorKind, StoreError, StoreResult, Subscriptions},
};

/// The most addresses in one filter; the documents name no limit, others of Wix's say 100.
const MOST_ADDRESSES: usize = 100;

#[derive(Deserialize)]
struct Found {
    #[serde(alias = "email_subscriptions", alias = "emailSubscriptions")]
    subscriptions: Vec<Wire>,
    #[serde(default)]
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    total: Option<u64>,
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
                Some("UNSUBSCRIBED") => SubscriptionStatus::Unsubscribed,
                Some(_) => SubscriptionStatus::Unclear,
            },
            complained: wire.deliverability_status.as_deref() == Some("SPAM_COMPLAINT"),
            bounced: wire.deliverability_status.as_deref() == Some("BOUNCED"),
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
            SubscriptionStatus::Unclear => 3,
            SubscriptionStatus::Unsubscribed => 4,
        };
        (known.complained, status, known.updated_at)
    };
    if strictness(&other) > strictness(&one) { other } else { one }
}

impl Client {
    /// Finds the contacts of addresses, up to ten of each on average.
    async fn contacts_at_once(&self, addresses: &[Address]) -> StoreResult<Vec<Contact>> {
        let wanted: Vec<&str> = addresses.iter().map(Address::as_str).collect();
        let query = Query { filter: json!({"primaryInfo.email": {"$in": wanted}}), limit: 10 * addresses.len(), offset: 0 };
        let page = self.query(&query).await?;
        let asked: BTreeSet<String> = addresses.iter().map(|address| normal::email(address.as_str())).collect();
        // A filter that is not understood may be ignored, and then everybody matches.
        let is_asked = |contact: &Contact| {
            let email = contact.get(&"email".into()).and_then(|value| value.as_text());
            email.is_some_and(|email| asked.contains(&normal::email(email)))
        };
        Ok(page.contacts.into_iter().filter(is_asked).map(|contact| Contact { native: Json::Null, ..contact }).collect())
    }

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

    /// Writes all that can be written of an address.
    async fn upsert(
        &self,
        operation: &'static str,
        email: &str,
        (status, deliverability): (&str, Option<&str>),
    ) -> StoreResult<Subscription> {
        let mut wanted = Map::from_iter([("email".to_owned(), Json::from(email)), ("subscriptionStatus".to_owned(), status.into())]);
        wanted.extend(deliverability.map(|deliverability| ("deliverabilityStatus".to_owned(), deliverability.into())));
        let call = self.subscription_call(Call::write, operation, &[]);
        let stored: Stored = self.call(&call.body(json!({"subscription": wanted}))).await?;
        Ok(stored.subscription.into())
    }

    /// Reads what is known of spellings of addresses, by the addresses as they are compared. Asks for the rest of a page that was cut, and for
    /// fewer at a time where Wix refuses so many.
    async fn spelled_many(&self, spellings: &[String], known: &mut BTreeMap<String, Subscription>) -> StoreResult<()> {
        let mut open: Vec<Vec<String>> = spellings.chunks(MOST_ADDRESSES).map(<[String]>::to_vec).collect();
        while let Some(spellings) = open.pop() {
            match self.spelled_at_once(&spellings, known).await {
                Ok(()) => {}
                Err(error) if matches!(error.kind, ErrorKind::Invalid(_) | ErrorKind::Unsupported) && spellings.len() > 1 => {
                    open.extend(spellings.chunks(spellings.len().div_ceil(2)).map(<[String]>::to_vec));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn spelled_at_once(&self, spellings: &[String], known: &mut BTreeMap<String, Subscription>) -> StoreResult<()> {
        let asked: BTreeSet<String> = spellings.iter().map(|spelling| normal::email(spelling)).collect();
        let mut offset = 0;
        loop {
            let call = self.subscription_call(Call::read, "wix query email subscriptions", &["query"]);
            let paging = json!({"limit": spellings.len(), "offset": offset});
            let found: Found = self.call(&call.body(json!({"filter": {"email": {"$in": spellings}}, "paging": paging}))).await?;
            let (count, total) = (found.subscriptions.len(), found.metadata.and_then(|metadata| metadata.total));
            for wire in found.subscriptions {
                let email = normal::email(&wire.email);
                if asked.contains(&email) {
                    let before = known.remove(&email).unwrap_or_default();
                    known.insert(email, stricter(before, wire.into()));
                }
            }
            offset += count;
            if count == 0 || total.map_or(count < spellings.len(), |total| offset as u64 >= total) {
                return Ok(());
            }
        }
    }

    fn subscription_call(&self, call: fn(&'static str, Method, reqwest::Url) -> Call, operation: &'static str, more: &[&str]) -> Call {
        call(operation, Method::POST, self.url(&[&["email-marketing", "v1", "email-subscriptions"], more].concat()))
    }
}

/// The word for a status, of subscriptions and of a contact's extended field.
const fn word(status: SubscriptionStatus) -> &'static str {
    match status {
        SubscriptionStatus::NotSet => "NOT_SET",
        SubscriptionStatus::Pending => "PENDING",
        SubscriptionStatus::Subscribed => "SUBSCRIBED",
        SubscriptionStatus::Unsubscribed => "UNSUBSCRIBED",
        SubscriptionStatus::Unclear => "UNKNOWN",
    }
}

/// The part of a contact that holds a field, as a query names it
/// (<https://dev.wix.com/docs/api-reference/crm/members-contacts/contacts/contacts/contact-v4/query-contacts>).
fn part(field: &Field) -> &'static str {
    match field.as_str().split('.').next().unwrap_or_default() {
        "name" => "info.name",
        "email" | "emails" => "info.emails",
        "phone" | "phones" => "info.phones",
        "address" | "addresses" => "info.addresses",
        "company" => "info.company",
        "jobTitle" => "info.jobTitle",
        "birthdate" => "info.birthdate",
        "locale" => "info.locale",
        "labels" => "info.labelKeys",
        _ => "info.extendedFields",
    }
}

#[async_trait]
impl Consents for Client {
    async fn subscriptions(&self, addresses: &[Address]) -> StoreResult<Vec<Subscription>> {
        let mut known = BTreeMap::new();
        let spellings = |spell: fn(&Address) -> String| addresses.iter().map(spell).collect::<BTreeSet<String>>();
        let (compared, typed) = (spellings(|address| normal::email(address.as_str())), spellings(|address| address.as_str().to_owned()));
        let spellings: Vec<String> = compared.union(&typed).cloned().collect();
        self.spelled_many(&spellings, &mut known).await?;
        Ok(addresses.iter().map(|address| known.get(&normal::email(address.as_str())).cloned().unwrap_or_default()).collect())
    }

    async fn lower(&self, address: &Address, known: &Subscription, to: Lowered) -> StoreResult<Subscription> {
        const OPERATION: &str = "wix lower an email subscription";
        let wanted = match to {
            Lowered::Unsubscribed => (word(SubscriptionStatus::Unsubscribed), known.deliverability.as_deref()),
            Lowered::Bounced => {
                // The status goes along as it is, and must not undo what its owner decided since it was read.
                let now = self.subscription(address.as_str()).await?;
                if now.status != known.status {
                    return Err(StoreError::new(ErrorKind::Stale, OPERATION));
                }
                (word(now.status), Some("BOUNCED"))
            }
        };
        self.upsert(OPERATION, address.as_str(), wanted).await
    }

    async fn contacts_of(&self, addresses: &[Address]) -> StoreResult<Vec<Contact>> {
        let mut found = Vec::new();
        let mut open: Vec<&[Address]> = addresses.chunks(MOST_ADDRESSES).collect();
        while let Some(addresses) = open.pop() {
            match self.contacts_at_once(addresses).await {
                Ok(contacts) => found.extend(contacts),
                Err(error) if matches!(error.kind, ErrorKind::Invalid(_) | ErrorKind::Unsupported) && addresses.len() > 1 => {
                    open.extend(addresses.chunks(addresses.len().div_ceil(2)));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    async fn contacts(&self, ask: &Ask, status: SubscriptionStatus, fields: &[Field]) -> StoreResult<Page> {
        let parts: BTreeSet<&str> = fields.iter().map(part).chain(["createdDate", "info.emails", "info.labelKeys"]).collect();
        let shown: Vec<&str> = parts.into_iter().collect();
        let filter = ("info.extendedFields.emailSubscriptions.subscriptionStatus", word(status));
        self.page_having(ask, Some(&Having { filter, shown: &shown })).await
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
        self.upsert("wix subscribe an address", email, ("SUBSCRIBED", known.deliverability.as_deref())).await
    }
}
