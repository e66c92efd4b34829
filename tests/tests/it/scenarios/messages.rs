//! Messages of other services: in by the door, once and in order into the right conversation of the Wix Inbox.

mod alike;
mod failures;
mod rules;
mod services;
mod shapes;

use contact_bridge::model::{ids::SourceId, site::inbox::Source};
use reqwest::Method;
use serde_json::{Value, json};

use super::{lab::Lab, switches::at_switches};

/// The switches of the simulated Inbox, and those of contacts that the relay meets.
const SWITCHES: [&str; 13] = [
    "inbox_unknown_contact",
    "unknown_conversation",
    "merged_conversation",
    "merged_contacts_conversation",
    "send_as_mismatch",
    "invalid_media_url_status",
    "message_text_unit",
    "message_backdating",
    "inbox_lag_ms",
    "no_inbox_on_list",
    "inbox_event_names",
    "inbox_touches_contact",
    "visibility_lag_ms",
];

/// Runs a scenario of the Inbox on both stores, and at every other position of every switch that the relay meets.
async fn at_every_switch_of_the_inbox(scenario: impl AsyncFn(Chat)) {
    at_switches(&SWITCHES, async |lab| scenario(Chat::open(lab).await).await).await;
}

/// A site with a source for each service.
pub struct Chat {
    pub lab: Lab,
}

impl Chat {
    async fn open(lab: Lab) -> Self {
        let chat = Self { lab };
        chat.sources(&json!({"no_match": "create"})).await;
        chat
    }

    /// Sets every source up, with these settings beside its kind.
    pub async fn sources(&self, more: &Value) {
        let source = |kind: &str| -> Source {
            let mut source = json!({"kind": kind, "badge": {"text": kind}});
            source.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            serde_json::from_value(source).unwrap()
        };
        let sources = [("sms", "twilio"), ("calendly", "calendly"), ("plain", "plain"), ("chat", "intercom")];
        let inbox = sources.map(|(name, kind)| (SourceId::from(name), source(kind))).into();
        self.lab.adjust(|site| site.inbox = inbox).await;
    }

    /// Ada in Wix, known to the index; her id.
    pub async fn ada(&self) -> String {
        // Wix knows the E.164 form of a number whose country it knows.
        let phone = json!({"phone": "202-555-0143", "countryCode": "US"});
        let name = json!({"first": "Ada", "last": "Stone"});
        let info = json!({"name": name, "emails": {"items": [{"email": "ada@example.com"}]}, "phones": {"items": [phone]}});
        let made = self.lab.wix_call(Method::POST, "/contacts/v4/contacts", Some(json!({"info": info}))).await;
        self.known(made["contact"]["id"].as_str().unwrap().to_owned()).await
    }

    /// A contact in Wix, known to the index.
    pub async fn contact(&self, person: Value) -> String {
        self.known(self.lab.wix_create(person).await).await
    }

    /// Waits until the index knows a contact.
    async fn known(&self, id: String) -> String {
        self.lab.settle().await;
        self.lab.stack.clock().advance(std::time::Duration::from_secs(100));
        self.lab.forget_calls();
        id
    }

    /// Every conversation of the site.
    pub async fn conversations(&self) -> Vec<Value> {
        let url = format!("{}/_control/conversations?site={}", self.lab.stack.wix.base_url(), self.lab.site.id);
        let reply: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
        reply["conversations"].as_array().unwrap().clone()
    }

    /// The messages in the conversation with a contact, the oldest first.
    pub async fn messages_of(&self, contact: &str) -> Vec<Value> {
        let all = self.conversations().await;
        let own = all.into_iter().find(|conversation| conversation["participant"]["contactId"] == contact);
        own.map(|conversation| conversation["messages"].as_array().unwrap().clone()).unwrap_or_default()
    }

    /// What is said in the conversation with a contact, the oldest first.
    pub async fn said_to(&self, contact: &str) -> Vec<String> {
        self.messages_of(contact).await.iter().map(words).collect()
    }

    /// What is said anywhere, in order of the words.
    pub async fn said(&self) -> Vec<String> {
        let all = self.conversations().await;
        let mut said: Vec<_> = all.iter().flat_map(|own| own["messages"].as_array().unwrap()).map(words).collect();
        said.sort();
        said
    }

    /// Why messages wait for a person.
    pub fn reasons(&self) -> Vec<String> {
        let letters = self.lab.stack.dead_letters();
        letters.iter().map(|letter| letter["messageAttributes"]["reason"]["StringValue"].as_str().unwrap().to_owned()).collect()
    }

    /// How often the bridge called Wix for this site.
    pub fn calls(&self) -> Vec<(String, u64)> {
        let calls = self.lab.stack.wix.core().calls.to_json();
        let routes = calls["sites"][self.lab.site.id.as_str()].as_object().cloned().unwrap_or_default();
        routes.into_iter().filter(|(route, _)| !route.ends_with("/token")).map(|(route, count)| (route, count.as_u64().unwrap())).collect()
    }
}

/// The words of a message; a placeholder for a picture or a file.
fn words(message: &Value) -> String {
    if let Some(line) = message.pointer("/content/minimal/text") {
        return line.as_str().unwrap().to_owned();
    }
    let item = |item: &Value| match item["text"].as_str() {
        Some(text) => text.to_owned(),
        None => format!("<{}>", item.as_object().unwrap().keys().next().unwrap()),
    };
    message["content"]["basic"]["items"].as_array().unwrap().iter().map(item).collect()
}
