//! Messages as Wix writes them: <https://dev.wix.com/docs/rest/crm/communication/inbox/messages/message-object>.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use crate::{
    adapters::wix::lists::{Phones, new_item},
    model::{
        ids::{ConversationId, RecordId},
        message::{Author, Media, Person},
        normal,
        post::{Body, Item, Post, Posted, Said},
        site::inbox::{Badge, Visibility},
    },
};

/// The longest file name and media type.
const LONGEST_FILENAME: usize = 255;
const LONGEST_MIME: usize = 100;

/// The body of Send Message. `direction` belongs inside `message`; beside it, as the oldest examples have it, it is ignored.
pub(super) fn message(conversation: &ConversationId, post: &Post) -> Json {
    let (direction, spoken) = match post.author {
        Author::Participant => ("PARTICIPANT_TO_BUSINESS", "PARTICIPANT"),
        Author::Business => ("BUSINESS_TO_PARTICIPANT", "CALLER"),
    };
    let (content, send_as) = match &post.body {
        Body::Basic(items) => (json!({"basic": {"items": items.iter().map(item).collect::<Vec<_>>()}}), spoken),
        // The line tells what the customer did; it is the app that says so.
        Body::Minimal { text, icon, link } => {
            let line = given(&[("text", Some(text)), ("iconUrl", icon.as_ref()), ("url", link.as_ref())]);
            (json!({"minimal": line}), "CALLER")
        }
    };
    let visibility = visibility(post.visibility);
    let badges: Vec<_> = post.badge.iter().map(|own| badge(own, visibility)).collect();
    json!({
        "conversationId": conversation,
        "message": {"content": content, "visibility": visibility, "direction": direction, "badges": badges},
        "sendNotifications": post.notify,
        "sendAs": send_as,
    })
}

const fn visibility(of: Visibility) -> &'static str {
    match of {
        Visibility::Business => "BUSINESS",
        Visibility::Everybody => "BUSINESS_AND_PARTICIPANT",
    }
}

fn badge(badge: &Badge, visibility: &str) -> Json {
    let mut shown = given(&[("text", Some(&badge.text)), ("iconUrl", badge.icon.as_ref())]);
    shown.insert("badgeVisibility".to_owned(), visibility.into());
    Json::Object(shown)
}

fn item(item: &Item) -> Json {
    match item {
        Item::Text(text) => json!({"text": text}),
        Item::Image(media) => json!({"image": file(media, false)}),
        Item::File(media) => json!({"file": file(media, true)}),
    }
}

fn file(media: &Media, with_mime: bool) -> Map<String, Json> {
    let name = media.name.as_ref().map(|name| name.chars().take(LONGEST_FILENAME).collect());
    let mime = media.mime.as_ref().filter(|mime| with_mime && mime.chars().count() <= LONGEST_MIME);
    given(&[("url", Some(&media.url)), ("filename", name.as_ref()), ("mimeType", mime)])
}

fn given(fields: &[(&str, Option<&String>)]) -> Map<String, Json> {
    fields.iter().filter_map(|(name, value)| Some(((*name).to_owned(), Json::from(value.as_ref()?.as_str())))).collect()
}

/// A new contact's info. A phone has its country beside it, or Wix would not know its prefix.
pub(super) fn info(person: &Person, country: Option<&str>) -> Json {
    let mut info = Map::new();
    if let Some(email) = &person.email {
        info.insert("emails".to_owned(), json!({"items": [{"email": email}]}));
    }
    if let Some(phone) = &person.phone {
        let phone = normal::phone(phone, country);
        info.insert("phones".to_owned(), json!({"items": [new_item(&Phones(country), &phone)]}));
    }
    if let Some(name) = &person.name {
        let (first, last) = name.rsplit_once(' ').map_or((name.as_str(), None), |(first, last)| (first, Some(last)));
        let mut parts = json!({"first": first});
        if let (Some(last), Json::Object(parts)) = (last, &mut parts) {
            parts.insert("last".to_owned(), last.into());
        }
        info.insert("name".to_owned(), parts);
    }
    Json::Object(info)
}

#[derive(Deserialize)]
pub(super) struct ContactsReply {
    pub(super) contacts: Vec<FoundContact>,
}

#[derive(Deserialize)]
pub(super) struct FoundContact {
    pub(super) id: RecordId,
    #[serde(default)]
    pub(super) info: Json,
}

#[derive(Deserialize)]
pub(super) struct MessageReply {
    pub(super) message: Message,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MessagesReply {
    messages: Vec<Message>,
    #[serde(default)]
    paging_metadata: Option<Paging>,
}

#[derive(Deserialize)]
struct Paging {
    #[serde(default)]
    cursors: Option<Cursors>,
}

#[derive(Deserialize)]
struct Cursors {
    #[serde(default)]
    next: Option<String>,
}

/// A message as it is listed. Everything may be missing: other apps write here too.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    sequence: Option<String>,
    #[serde(default)]
    app_id: Option<String>,
    #[serde(default)]
    created_date: Option<Timestamp>,
    #[serde(default)]
    content: Json,
}

impl MessagesReply {
    /// Returns the messages of this app since an instant, and whether the page goes back further than that. Wix lists the newest first.
    pub(super) fn ours(&self, app_id: Option<&str>, since: Timestamp) -> (Vec<Posted>, bool) {
        let is_old = |message: &&Message| message.created_date.is_some_and(|at| at < since);
        let is_over = self.messages.iter().any(|message| is_old(&message));
        let is_ours = |message: &&Message| app_id.is_none() || message.app_id.as_deref().is_none_or(|own| Some(own) == app_id);
        let ours = self.messages.iter().filter(|message| !is_old(message)).filter(is_ours).filter_map(Message::posted);
        (ours.collect(), is_over)
    }

    pub(super) fn next(&self) -> Option<String> {
        self.paging_metadata.as_ref()?.cursors.as_ref()?.next.clone().filter(|cursor| !cursor.is_empty())
    }
}

impl Message {
    /// Its place: the sequence, which sorts as the conversation is shown; the id is the same number.
    pub(super) fn place(&self) -> Option<u64> {
        self.sequence.as_ref().or(self.id.as_ref())?.parse().ok()
    }

    fn posted(&self) -> Option<Posted> {
        let text = |value: &Json| Said::Text(value.as_str().unwrap_or_default().to_owned());
        let item = |item: &Json| match (item.get("text"), item.get("image")) {
            (Some(words), _) => text(words),
            (None, Some(_)) => Said::Image,
            (None, None) => Said::File,
        };
        let said = match (self.content.pointer("/basic/items"), self.content.pointer("/minimal/text")) {
            (Some(items), _) => items.as_array()?.iter().map(item).collect(),
            (None, Some(line)) => vec![text(line)],
            (None, None) => return None,
        };
        Some(Posted { place: self.place()?, at: self.created_date, said })
    }
}
