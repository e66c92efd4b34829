//! Merging two contacts (<https://knowledge.hubspot.com/records/merge-records>).

use std::collections::BTreeMap;

use super::{
    contact::{Contact, Gone},
    errors::ApiError,
    events::What,
    portal::{Change, Portal},
    standard, text,
};

/// A record takes at most so many merges.
const MAX_MERGES: usize = 250;

/// What a merge works out by itself.
const OWN: &[&str] = &[
    "hs_object_id",
    "createdate",
    "lastmodifieddate",
    "email",
    "hs_additional_emails",
    "hs_merged_object_ids",
    "lifecyclestage",
    "hs_email_optout",
];

impl Portal {
    /// Merges `other` into `primary`; the answer is the id of the record that is left.
    pub fn merge(&mut self, primary: u64, other: u64, change: &Change<'_>) -> Result<u64, ApiError> {
        if primary == other {
            return Err(ApiError::invalid("Cannot merge an object with itself"));
        }
        let (first, second) = (self.live(primary).cloned(), self.live(other).cloned());
        let (Some(first), Some(second)) = (first, second) else {
            return Err(ApiError::not_found());
        };
        if first.merged.len() + second.merged.len() >= MAX_MERGES {
            return Err(ApiError::new(414, "VALIDATION_ERROR", "Cannot have more than 250 identities on a profile"));
        }
        let kept = if change.policy.merge_makes_new_id { self.fresh_id() } else { primary };
        let moved = moved_values(&first, &second);
        self.retire([primary, other], kept, change);
        self.contacts.insert(kept, joined(kept, &first, &second, change));
        self.reindex(kept);
        self.feed.emit(kept, What::Merge { primary, merged: vec![other], kept, moved: moved.len() }, change);
        if change.policy.merge_fires_deletion {
            for gone in [primary, other].into_iter().filter(|id| *id != kept) {
                self.feed.emit(gone, What::Deletion, change);
            }
        }
        if change.policy.merge_fires_creation && kept != primary {
            self.feed.emit(kept, What::Creation, change);
        }
        self.apply(kept, &moved, change);
        Ok(kept)
    }

    fn retire(&mut self, ids: [u64; 2], kept: u64, change: &Change<'_>) {
        for id in ids.into_iter().filter(|id| *id != kept) {
            if let Some(contact) = self.contacts.get_mut(&id) {
                contact.gone = Some((Gone::Merged(kept), change.now_ms));
            }
            self.reindex(id);
        }
    }
}

/// The record that is left: the primary's values under the kept id.
fn joined(kept: u64, first: &Contact, second: &Contact, change: &Change<'_>) -> Contact {
    let created = first.created_ms.min(second.created_ms);
    let mut contact = Contact {
        appeared_ms: if kept == first.id { first.appeared_ms } else { change.now_ms },
        values: first.values.clone(),
        merged: first.merged.union(&second.merged).copied().collect(),
        ..Contact::new(kept, created)
    };
    if kept == first.id {
        contact.keys.clone_from(&first.keys);
    } else {
        contact.values.remove("hs_object_id");
        contact.set("hs_object_id", &kept.to_string(), change.now_ms, change.actor);
        contact.merged.insert(first.id);
    }
    contact.merged.insert(second.id);
    let ids: Vec<String> = contact.merged.iter().map(u64::to_string).collect();
    contact.set("hs_merged_object_ids", &ids.join(";"), change.now_ms, change.actor);
    contact.set("createdate", &text::iso(created), change.now_ms, change.actor);
    contact.touch(change.now_ms, change.actor);
    contact
}

/// What the primary record gains: its gaps filled, all e-mails kept, the furthest stage, the opt-out.
fn moved_values(first: &Contact, second: &Contact) -> BTreeMap<String, String> {
    let mut moved = BTreeMap::new();
    for name in second.values.keys().filter(|name| !OWN.contains(&name.as_str())) {
        if let (None, Some(value)) = (first.value(name), second.value(name)) {
            moved.insert(name.clone(), value.to_owned());
        }
    }
    if second.value("hs_email_optout") == Some("true") {
        moved.insert("hs_email_optout".to_owned(), "true".to_owned());
    }
    if let Some(stage) = second.value("lifecyclestage") {
        let rank = |stage: &str| standard::LIFECYCLE.iter().position(|each| *each == stage);
        if rank(stage) > first.value("lifecyclestage").and_then(rank) {
            moved.insert("lifecyclestage".to_owned(), stage.to_owned());
        }
    }
    let mut emails = second.value("email").map(str::to_owned).into_iter().chain(second.additional_emails());
    if first.value("email").is_none()
        && let Some(email) = emails.next()
    {
        moved.insert("email".to_owned(), email);
    }
    let mut additional = first.additional_emails();
    let before = additional.len();
    additional.extend(emails);
    if additional.len() > before {
        moved.insert("hs_additional_emails".to_owned(), additional.join(";"));
    }
    moved
}
