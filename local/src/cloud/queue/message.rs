//! What a queue holds.

use std::{collections::BTreeMap, fmt, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{MAX_DELAY, MAX_MESSAGE_BYTES};

/// The most attributes a message carries.
const MAX_ATTRIBUTES: usize = 10;

/// A typed attribute of a message
/// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_MessageAttributeValue.html>).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Attribute {
    /// `String`, `Number` or `Binary`, each with an optional custom label after a dot.
    pub data_type: String,
    /// The value of a string or number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub string_value: Option<String>,
    /// The value of a binary attribute, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binary_value: Option<String>,
}

impl Attribute {
    /// A string attribute.
    pub fn string(value: impl Into<String>) -> Self {
        Self { data_type: "String".to_owned(), string_value: Some(value.into()), binary_value: None }
    }

    fn is_valid(&self) -> bool {
        match self.data_type.split('.').next() {
            Some("String" | "Number") => self.string_value.as_ref().is_some_and(|value| !value.is_empty()),
            Some("Binary") => self.binary_value.as_ref().is_some_and(|value| !value.is_empty()),
            _ => false,
        }
    }

    fn len(&self) -> usize {
        let value = self.string_value.as_ref().or(self.binary_value.as_ref());
        self.data_type.len() + value.map_or(0, String::len)
    }
}

/// A message before it is sent.
#[derive(Clone, Default)]
pub struct Draft {
    /// The text.
    pub body: String,
    /// How long it waits; the queue's own delay if absent.
    pub delay: Option<Duration>,
    /// Its attributes by name.
    pub attributes: BTreeMap<String, Attribute>,
}

impl Draft {
    /// A message of only a body.
    pub fn new(body: impl Into<String>) -> Self {
        Self { body: body.into(), ..Self::default() }
    }

    /// The size that counts against the limit: body, and names, types and values of the attributes.
    #[must_use]
    pub fn len(&self) -> usize {
        let attributes = self.attributes.iter().map(|(name, value)| name.len() + value.len());
        self.body.len() + attributes.sum::<usize>()
    }

    /// `true` if there is no body, which SQS refuses.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.body.is_empty()
    }

    pub(super) fn check(&self) -> Result<(), SendError> {
        if self.is_empty() {
            return Err(SendError::Empty);
        }
        if self.len() > MAX_MESSAGE_BYTES {
            return Err(SendError::TooLong);
        }
        if self.delay.is_some_and(|delay| delay > MAX_DELAY) {
            return Err(SendError::Delay);
        }
        if self.attributes.len() > MAX_ATTRIBUTES || !self.attributes.values().all(Attribute::is_valid) {
            return Err(SendError::Attributes);
        }
        Ok(())
    }
}

/// Why SQS refuses a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// There is no body.
    #[error("The request must contain the parameter MessageBody.")]
    Empty,
    /// It is over 1 MiB.
    #[error("One or more parameters are invalid. Reason: Message must be shorter than {MAX_MESSAGE_BYTES} bytes.")]
    TooLong,
    /// The delay is over 15 minutes.
    #[error("Value for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.")]
    Delay,
    /// An attribute has no value or an unknown type, or there are more than ten.
    #[error("The message attributes are invalid: at most 10, each with a type and a value that is not empty.")]
    Attributes,
}

/// A message in a queue. It may carry contact values, so its `Debug` shows the id only.
#[derive(Clone)]
pub struct Message {
    /// Its id.
    pub id: String,
    /// The text.
    pub body: String,
    /// Its attributes by name.
    pub attributes: BTreeMap<String, Attribute>,
    /// When it was sent.
    pub sent_ms: i64,
    /// When it was first received.
    pub first_received_ms: Option<i64>,
    /// How often it was received.
    pub receive_count: u32,
    /// The ARN of the queue in which it died.
    pub dead_letter_source: Option<String>,
}

impl Message {
    pub(super) fn new(id: String, draft: Draft, sent_ms: i64) -> Self {
        Self {
            id,
            body: draft.body,
            attributes: draft.attributes,
            sent_ms,
            first_received_ms: None,
            receive_count: 0,
            dead_letter_source: None,
        }
    }

    pub(super) fn into_draft(self) -> Draft {
        Draft { body: self.body, delay: None, attributes: self.attributes }
    }

    /// The system attributes, all strings, as SQS names them.
    #[must_use]
    pub fn system_attributes(&self) -> BTreeMap<&'static str, String> {
        let mut attributes = BTreeMap::from([
            ("ApproximateReceiveCount", self.receive_count.to_string()),
            ("SentTimestamp", self.sent_ms.to_string()),
            ("SenderId", super::ACCOUNT.to_owned()),
        ]);
        if let Some(first) = self.first_received_ms {
            attributes.insert("ApproximateFirstReceiveTimestamp", first.to_string());
        }
        if let Some(source) = &self.dead_letter_source {
            attributes.insert("DeadLetterQueueSourceArn", source.clone());
        }
        attributes
    }

    /// The message for a person to read; the body is parsed if it is JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let body = serde_json::from_str(&self.body).unwrap_or_else(|_| Value::from(self.body.as_str()));
        json!({
            "messageId": self.id,
            "body": body,
            "attributes": self.system_attributes(),
            "messageAttributes": self.attributes,
        })
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("id", &self.id).field("receive_count", &self.receive_count).finish_non_exhaustive()
    }
}

/// A message in the hands of a consumer.
#[derive(Clone, Debug)]
pub struct Received {
    /// The message.
    pub message: Message,
    /// What deletes or releases it; a later receive makes it stale.
    pub receipt: String,
}
