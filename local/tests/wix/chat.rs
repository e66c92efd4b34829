//! What the tests of Inbox have in common.

use serde_json::{Value, json};

use super::client::{Answer, Wix};

pub const CONVERSATIONS: &str = "/inbox/v2/conversations";
pub const MESSAGES: &str = "/inbox/v2/messages";
/// The id of nothing.
pub const GUID: &str = "00000000-0000-4000-8000-000000000001";

/// A message by the business that everybody sees.
pub fn note(conversation: &str) -> Value {
    message(conversation, &json!({"basic": {"items": [{"text": "Hello"}]}}))
}

pub fn message(conversation: &str, content: &Value) -> Value {
    let message = json!({"content": content, "visibility": "BUSINESS_AND_PARTICIPANT", "direction": "BUSINESS_TO_PARTICIPANT"});
    json!({"conversationId": conversation, "message": message})
}

/// The message in an answer.
pub fn sent(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["message"].clone()
}

impl Wix {
    /// Gets or creates the conversation of a participant.
    pub async fn open(&self, participant: Value) -> Answer {
        self.post(CONVERSATIONS, json!({"participantId": participant})).await
    }

    /// The id of a participant's conversation.
    pub async fn id_of(&self, participant: Value) -> String {
        self.open(participant).await.body["conversation"]["id"].as_str().unwrap().to_owned()
    }

    /// The id of the conversation of a new contact.
    pub async fn conversation_with(&self, info: Value) -> String {
        let contact = self.create(info).await.id();
        self.id_of(json!({"contactId": contact})).await
    }

    /// Sends a message with this content.
    pub async fn say(&self, conversation: &str, content: Value) -> Answer {
        self.post(MESSAGES, message(conversation, &content)).await
    }

    /// Sends a text; the message.
    pub async fn text(&self, conversation: &str, text: &str) -> Value {
        sent(&self.say(conversation, json!({"basic": {"items": [{"text": text}]}})).await)
    }

    /// Lists messages that both sides see, with more parameters.
    pub async fn messages(&self, conversation: &str, more: &str) -> Answer {
        self.get(&format!("{MESSAGES}?conversationId={conversation}&visibility=BUSINESS_AND_PARTICIPANT{more}")).await
    }
}

/// The texts of the messages in an answer, in order.
pub fn texts(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let text = |message: &Value| message["content"]["basic"]["items"][0]["text"].as_str().unwrap_or_default().to_owned();
    answer.body["messages"].as_array().unwrap().iter().map(text).collect()
}
