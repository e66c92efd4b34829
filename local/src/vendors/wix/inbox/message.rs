//! A stored message.

use serde_json::Value;

/// Who can see a message,
/// <https://dev.wix.com/docs/rest/crm/communication/inbox/messages/list-messages>.
pub(super) const VISIBILITIES: &[&str] = &["BUSINESS", "BUSINESS_AND_PARTICIPANT"];
pub(super) const TO_BUSINESS: &str = "PARTICIPANT_TO_BUSINESS";
pub(super) const TO_PARTICIPANT: &str = "BUSINESS_TO_PARTICIPANT";

pub(super) struct Message {
    pub sequence: u64,
    /// When lists show it.
    pub visible_ms: i64,
    pub for_participant: bool,
    pub shown: Value,
}

impl Message {
    pub fn is_listed(&self, all: bool, now_ms: i64) -> bool {
        self.visible_ms <= now_ms && (all || self.for_participant)
    }
}
