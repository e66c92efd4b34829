//! What Wix tells of its Inbox. Nothing of it leads to anything: what the bridge posted comes back and must not be posted again, what people
//! write in Wix stays there, and the conversation of a contact is asked for before every post, so that no id of one is ever old.
//!
//! <https://dev.wix.com/docs/rest/crm/communication/inbox/messages/message-sent-to-business-webhook>

use serde_json::Value;

use crate::webhook::json;

/// What a webhook of the Inbox is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// A message that this app posted.
    Echo,
    /// A message that a person, or another app, wrote.
    Message,
    /// Somebody pressed a button.
    Button,
    /// Conversations became one.
    Merge,
}

impl Notice {
    /// Returns what an event is about; `None` if it is not one of the Inbox. Wix's documentation writes the last part with `-` where its SDK
    /// writes `_`.
    pub(super) fn of(event_type: &str, data: &Value, app_id: &str) -> Option<Self> {
        let name = event_type.strip_prefix("wix.crm.inbox.v2.")?.replace('-', "_");
        match name.as_str() {
            "message_message_sent_to_business" | "message_message_sent_to_participant" => {
                let ours = app_of(data.clone()).as_deref() == Some(app_id);
                Some(if ours { Self::Echo } else { Self::Message })
            }
            "message_button_interacted" => Some(Self::Button),
            "conversation_conversations_merged" => Some(Self::Merge),
            _ => None,
        }
    }
}

/// Returns the app that posted a message.
fn app_of(data: Value) -> Option<String> {
    let event = json::unnest("event", data).ok()?;
    let action = event.get("actionEvent")?;
    let body = action.get("body").or_else(|| action.get("bodyAsJson"))?;
    let body = json::unnest("body", body.clone()).ok()?;
    Some(body.pointer("/message/appId")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn our_own_messages_are_known_by_their_app() {
        let body = |app: &str| json!({"conversationId": "c-1", "message": {"id": "1640849952353627", "appId": app}});
        let sent = "wix.crm.inbox.v2.message_message_sent_to_business";
        for (event_type, data, expected) in [
            (sent, json!({"actionEvent": {"body": body("ours")}}), Some(Notice::Echo)),
            (sent, json!({"actionEvent": {"bodyAsJson": body("ours").to_string()}}).to_string().into(), Some(Notice::Echo)),
            (sent, json!({"actionEvent": {"body": body("other")}}), Some(Notice::Message)),
            (sent, json!({"actionEvent": {"body": {"message": {}}}}), Some(Notice::Message)),
            (sent, json!("nonsense"), Some(Notice::Message)),
            ("wix.crm.inbox.v2.message_message-sent-to-participant", json!({"actionEvent": {"body": body("ours")}}), Some(Notice::Echo)),
            ("wix.crm.inbox.v2.message_button_interacted", json!({}), Some(Notice::Button)),
            ("wix.crm.inbox.v2.conversation_conversations-merged", json!({}), Some(Notice::Merge)),
            ("wix.contacts.v4.label_created", json!({}), None),
        ] {
            assert_eq!(Notice::of(event_type, &data, "ours"), expected, "{event_type} {data}");
        }
    }
}
