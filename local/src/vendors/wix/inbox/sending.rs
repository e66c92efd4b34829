//! Sending a message, <https://dev.wix.com/docs/rest/crm/communication/inbox/messages/send-message>. There is no key
//! that makes a repeat harmless: who sends twice posts twice.

use axum::{Json, body::Bytes, extract::State};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    super::{
        auth::{Asked, Identity},
        contacts::Reply,
        events::{About, Change},
        naming::camel_object,
        refusal::{Refusal, body_object},
        sent::{Sent, Unit},
        state::{Desk, World},
    },
    content::{ContentRules, given, made},
    conversations::Participant,
    message::{Message, TO_BUSINESS, TO_PARTICIPANT, VISIBILITIES},
};
use crate::vendors::kit::rfc3339;

/// The app id of what the team writes in the dashboard.
const INBOX_APP: &str = "141fbfae-511e-6817-c9f0-48993a7547d1";
const DIRECTIONS: &[&str] = &[TO_BUSINESS, TO_PARTICIPANT];
const CHANNELS: &[&str] = &["CHAT", "EMAIL", "SMS", "FACEBOOK", "INSTAGRAM", "WHATSAPP"];

pub(super) async fn send(State(world): State<World>, asked: Asked, body: Bytes) -> Reply {
    let request = camel_object(body_object(&body)?);
    world.at(&asked, |desk| {
        let sent = Sent::request(&request, Unit::of(&world.core.switches));
        let named = sent.required_guid("conversationId")?;
        let draft = desk.draft(&sent)?;
        desk.inbox_exists()?;
        let conversation = match desk.conversation(&named) {
            Err(_) if world.is("unknown_conversation", "403") => return Err(does_not_match()),
            found => found?,
        };
        let (id, participant) = (conversation.id.clone(), conversation.participant.clone());
        Ok(Json(json!({"message": desk.post(&id, &participant, draft)})))
    })
}

/// A message that keeps all rules.
pub(super) struct Draft {
    pub content: Value,
    pub visibility: &'static str,
    pub direction: &'static str,
    pub as_participant: bool,
    pub notifies: bool,
    /// What is shown as it was sent.
    pub rest: Value,
    pub dated_ms: Option<i64>,
}

impl Desk<'_> {
    fn draft(&self, sent: &Sent<'_>) -> Result<Draft, Refusal> {
        let message = sent.required("message")?;
        let switches = &self.world.core.switches;
        let rules = ContentRules {
            app_id: self.sending_app().unwrap_or_default(),
            media_status: switches.word("invalid_media_url_status").parse().unwrap_or(400),
        };
        let content = rules.read(&message)?;
        let visibility = self.word_or_switch(&message, "visibility", VISIBILITIES)?;
        let beside = Some(sent).filter(|sent| sent.value("direction").is_some() && switches.is("top_level_direction", "honoured"));
        let direction = self.word_or_switch(beside.unwrap_or(&message), "direction", DIRECTIONS)?;
        let as_participant = match sent.word("sendAs", &["CALLER", "PARTICIPANT", "BUSINESS_USER"])? {
            Some("PARTICIPANT") => true,
            Some("BUSINESS_USER") => return Err(does_not_match()),
            _ => false,
        };
        if as_participant && direction == TO_PARTICIPANT && switches.is("send_as_mismatch", "403") {
            return Err(does_not_match());
        }
        let notifies = sent.flag("sendNotifications")?;
        let silent = sent.flag("silent")? || message.flag("silent")?;
        let (rest, dated_ms) = (rest(&message, silent)?, self.date(&message)?);
        Ok(Draft { content, visibility, direction, as_participant, notifies, rest, dated_ms })
    }

    /// A word the documents call required; what happens without it is a switch.
    fn word_or_switch(&self, sent: &Sent<'_>, key: &str, words: &[&'static str]) -> Result<&'static str, Refusal> {
        let missing = self.world.core.switches.word(&format!("missing_{key}"));
        let default = || words.iter().copied().find(|word| *word == missing);
        sent.word(key, words)?.or_else(default).ok_or_else(|| sent.missing(key))
    }

    /// The date the message claims to have, if such claims count.
    fn date(&self, message: &Sent<'_>) -> Result<Option<i64>, Refusal> {
        let wrong = || Refusal::format(&message.path("createdDate"), "DATE_TIME");
        let claimed = message.text("createdDate", 0..=usize::MAX)?;
        let claimed = claimed.map(|text| text.parse::<Timestamp>().map_err(|_| wrong())).transpose()?;
        Ok(claimed.map(Timestamp::as_millisecond).filter(|_| self.world.flag("message_backdating")))
    }

    /// The app a message is from: the caller, or Inbox itself for people at the dashboard.
    fn sending_app(&self) -> Option<&str> {
        match &self.asked.identity {
            Identity::App(id) => Some(id),
            Identity::User(_) => Some(INBOX_APP),
            Identity::Key(_) | Identity::Visitor(_) | Identity::Member(_) => None,
        }
    }

    fn sender(&self) -> Value {
        match &self.asked.identity {
            Identity::App(id) => json!({"appId": id}),
            Identity::User(id) | Identity::Key(id) => json!({"wixUserId": id}),
            Identity::Visitor(id) => json!({"anonymousVisitorId": id}),
            Identity::Member(id) => json!({"memberId": id}),
        }
    }

    /// Puts the message into the conversation, tells everybody who wants to know and shows it.
    pub(super) fn post(&mut self, conversation: &str, participant: &Participant, draft: Draft) -> Value {
        let micros = self.world.ids.below(1000);
        let sequence = self.site.inbox.next_sequence(self.now_ms, micros);
        let sender = if draft.as_participant { participant.to_json() } else { self.sender() };
        let id = sequence.to_string();
        let mut shown = made([
            given("id", Some(id.clone())),
            given("sequence", Some(id.clone())),
            given("content", Some(draft.content)),
            given("sender", Some(sender)),
            given("appId", self.sending_app()),
            given("visibility", Some(draft.visibility)),
            given("direction", Some(draft.direction)),
            given("createdDate", Some(rfc3339(draft.dated_ms.unwrap_or(self.now_ms)))),
        ]);
        if let (Value::Object(shown), Value::Object(rest)) = (&mut shown, draft.rest) {
            shown.extend(rest);
        }
        let lag_ms = if self.asked.is_person() { 0 } else { self.world.core.switches.number("inbox_lag_ms") };
        let message = Message {
            sequence,
            visible_ms: self.now_ms + lag_ms,
            for_participant: draft.visibility == "BUSINESS_AND_PARTICIPANT",
            shown: shown.clone(),
        };
        self.site.inbox.add(conversation, message);
        if draft.notifies {
            self.notify(participant, draft.direction, &id);
        }
        self.announce(conversation, draft.direction, &shown);
        self.note_activity(participant, draft.direction);
        shown
    }

    fn announce(&mut self, conversation: &str, direction: &str, message: &Value) {
        let slug = if direction == TO_BUSINESS { "message_sent_to_business" } else { "message_sent_to_participant" };
        let id = message.get("id").and_then(Value::as_str).unwrap_or_default();
        let body = json!({"conversationId": conversation, "message": message});
        self.raise(About::inbox("message", id), &Change::Acted(slug, body));
    }

    /// The notification goes out by mail, to the participant or to the business.
    fn notify(&mut self, participant: &Participant, direction: &str, message: &str) {
        let contact = participant.contact().and_then(|id| self.contact(id).ok());
        let to = match direction {
            TO_BUSINESS => Some("the business".to_owned()),
            _ => contact.and_then(|contact| contact.primary_email()),
        };
        if let Some(to) = to {
            self.mail("inbox_notification", &to, &json!({"message": message}));
        }
    }

    /// The contact's last activity is the message.
    fn note_activity(&mut self, participant: &Participant, direction: &str) {
        let activity = if direction == TO_BUSINESS { "INBOX_MESSAGE_FROM_CUSTOMER" } else { "INBOX_MESSAGE_TO_CUSTOMER" };
        if let Some(before) = participant.contact().and_then(|id| self.contact(id).ok()) {
            let mut after = before.clone();
            after.activity = (self.now_ms, activity);
            self.touch("inbox_touches_contact", &before, after);
        }
    }
}

/// The parts of a message that come back as they were sent.
fn rest(message: &Sent<'_>, silent: bool) -> Result<Value, Refusal> {
    let badges = message.objects("badges", 0..=1)?;
    let badges = badges.iter().map(|badge| {
        Ok(made([
            given("text", Some(badge.text("text", 0..=usize::MAX)?.unwrap_or_default())),
            given("iconUrl", badge.web_url("iconUrl", usize::MAX)?),
            given("badgeVisibility", badge.word("badgeVisibility", VISIBILITIES)?),
        ]))
    });
    Ok(made([
        given("badges", Some(badges.collect::<Result<Vec<Value>, Refusal>>()?)),
        given("targetChannels", Some(channels(message)?)),
        given("sourceChannel", Some(message.word("sourceChannel", CHANNELS)?.unwrap_or("UNKNOWN_CHANNEL_TYPE"))),
        given("targetChannelIds", Some(message.texts("targetChannelIds", 100, 100)?)),
        given("sourceChannelId", message.text("sourceChannelId", 0..=100)?),
        given("silent", Some(silent)),
    ]))
}

fn channels(message: &Sent<'_>) -> Result<Vec<String>, Refusal> {
    let channels = message.texts("targetChannels", 100, 100)?;
    for (index, channel) in channels.iter().enumerate() {
        let one = Map::from_iter([("channel".to_owned(), channel.clone().into())]);
        if Sent::request(&one, Unit::Characters).word("channel", CHANNELS).is_err() {
            let path = message.path(&format!("targetChannels[{index}]"));
            return Err(Refusal::field(&path, "ENUM", "is not a known value", &json!({"allowed": CHANNELS})));
        }
    }
    Ok(channels)
}

fn does_not_match() -> Refusal {
    Refusal::coded(403, "IDENTITY_DOES_NOT_MATCH", "The identity does not match.")
}
