//! One member of an audience.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{lists::Audience, status::Status};
use crate::vendors::kit::Ids;

/// A member as stored.
#[derive(Clone, PartialEq)]
pub(super) struct Member {
    pub email: String,
    pub status: Status,
    /// Unsubscribed or cleaned by the person itself: only the person brings it back.
    pub compliance: bool,
    /// Why it was unsubscribed or cleaned, as webhooks say.
    pub reason: Option<&'static str>,
    /// Values of merge fields by tag; empty ones are absent.
    pub merge: BTreeMap<String, Value>,
    /// Ids of tags by name.
    pub tags: BTreeMap<String, u64>,
    /// What is stored as it was sent.
    pub plain: Map<String, Value>,
    pub contact_id: String,
    pub web_id: u64,
    pub created_ms: i64,
    pub changed_ms: i64,
    pub opted_in_ms: Option<i64>,
    pub unsubscribed_ms: Option<i64>,
    pub source: &'static str,
}

/// The hash a member is found by: of the lower-case address.
pub(super) fn hash_of(email: &str) -> String {
    hex::encode(*md5::compute(email.to_lowercase()))
}

/// Mailchimp's times have no fractions of a second.
pub(super) fn iso(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).unwrap_or_default().strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

impl Member {
    /// A member without values; its status is still to be decided.
    pub fn new(email: &str, source: &'static str, now_ms: i64, ids: &Ids) -> Self {
        Self {
            email: email.to_owned(),
            status: Status::Transactional,
            compliance: false,
            reason: None,
            merge: BTreeMap::new(),
            tags: BTreeMap::new(),
            plain: Map::new(),
            contact_id: hex::encode(*md5::compute(ids.guid())),
            web_id: 100_000_000 + ids.below(900_000_000),
            created_ms: now_ms,
            changed_ms: now_ms,
            opted_in_ms: None,
            unsubscribed_ms: None,
            source,
        }
    }

    pub fn hash(&self) -> String {
        hash_of(&self.email)
    }

    /// The id webhooks name; it is another one for another address.
    pub fn unique_email_id(&self) -> String {
        let mut id = hex::encode(*md5::compute(format!("unique {}", self.email.to_lowercase())));
        id.truncate(10);
        id
    }

    /// The member as the API shows it.
    pub fn to_json(&self, list: &Audience) -> Value {
        let merge = list.fields.iter().map(|field| (field.tag.clone(), self.merge.get(&field.tag).cloned().unwrap_or_else(|| "".into())));
        let tags: Vec<Value> = self.tags.iter().map(|(name, id)| json!({"id": id, "name": name})).collect();
        let mut shown = json!({
            "id": self.hash(), "email_address": self.email, "unique_email_id": self.unique_email_id(), "contact_id": self.contact_id,
            "full_name": self.full_name(), "web_id": self.web_id, "status": self.status.name(),
            "merge_fields": merge.collect::<Map<String, Value>>(), "last_changed": iso(self.changed_ms),
            "timestamp_opt": self.opted_in_ms.map(iso).unwrap_or_default(), "source": self.source, "list_id": list.id,
            "stats": {"avg_open_rate": 0, "avg_click_rate": 0}, "member_rating": 2, "email_client": "", "tags_count": tags.len(), "tags": tags,
        });
        if let Some(shown) = shown.as_object_mut() {
            for (name, value) in self.plain_with_defaults() {
                shown.insert(name, value);
            }
            if let Some(reason) = self.reason.filter(|_| self.status == Status::Unsubscribed) {
                let text = if reason == "abuse" { "N/A (Spam complaint)" } else { "N/A (Unsubscribed by an admin)" };
                shown.insert("unsubscribe_reason".to_owned(), text.into());
            }
        }
        shown
    }

    fn plain_with_defaults(&self) -> Map<String, Value> {
        let mut all = json!({
            "email_type": "html", "language": "", "vip": false, "ip_signup": "", "timestamp_signup": "", "ip_opt": "",
            "interests": {}, "marketing_permissions": [],
        });
        if let Some(all) = all.as_object_mut() {
            all.extend(self.plain.clone());
        }
        all.as_object().cloned().unwrap_or_default()
    }

    fn full_name(&self) -> String {
        let part = |tag: &str| self.merge.get(tag).and_then(Value::as_str).unwrap_or_default();
        format!("{} {}", part("FNAME"), part("LNAME")).trim().to_owned()
    }
}
