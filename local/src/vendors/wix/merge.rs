//! Merging contacts, <https://dev.wix.com/docs/rest/crm/members-contacts/contacts/contacts/contact-v4/merge-contacts>.

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
};
use serde_json::{Map, Value, json};

use super::{
    auth::Asked,
    contact::{Contact, Gone},
    contacts::Reply,
    events::{About, Change},
    items,
    refusal::{Refusal, body_object, integer, texts},
    state::{Desk, World},
};

/// Most sources of one merge.
const MOST_SOURCES: usize = 5;

pub(super) async fn merge(State(world): State<World>, asked: Asked, Path(id): Path<String>, body: Bytes) -> Reply {
    let request = body_object(&body)?;
    world.at(&asked, |desk| Ok(Json(json!({"contact": desk.merge(&id, &request)?.to_json()}))))
}

pub(super) async fn preview(State(world): State<World>, asked: Asked, Path(id): Path<String>, body: Bytes) -> Reply {
    let request = body_object(&body)?;
    world.at(&asked, |desk| {
        let target = desk.contact(&id)?;
        let sources = desk.sources(&id, &request)?;
        Ok(Json(json!({"contact": desk.merged(&target, &sources).to_json()})))
    })
}

impl Desk<'_> {
    fn merge(&mut self, id: &str, request: &Map<String, Value>) -> Result<Contact, Refusal> {
        let target = self.contact(id)?;
        let revision = integer(request, "targetContactRevision")?
            .ok_or_else(|| Refusal::field("targetContactRevision", "REQUIRED_FIELD", "must not be empty", &json!({})))?;
        let sources = self.sources(id, request)?;
        if revision != target.revision {
            return Err(self.stale());
        }
        let mut merged = self.merged(&target, &sources);
        merged.revision += 1;
        merged.updated_ms = self.now_ms;
        merged.activity = (self.now_ms, "CONTACT_MERGED");
        for source in &sources {
            let gone = Some(Gone::MergedInto(id.to_owned()));
            self.store(Contact { gone, updated_ms: self.now_ms, ..source.clone() });
        }
        let merged = self.store(merged);
        self.raise_merge(&target, &merged, &sources);
        self.merge_conversations(id, &sources);
        Ok(merged)
    }

    fn stale(&self) -> Refusal {
        let text = "Contact has been updated since the requested revision.";
        if self.world.is("merge_stale_revision", "409") {
            return Refusal::coded(409, "CONTACT_ALREADY_CHANGED", text);
        }
        Refusal::coded(428, "FAILED_PRECONDITION", text)
    }

    fn sources(&self, target: &str, request: &Map<String, Value>) -> Result<Vec<Contact>, Refusal> {
        let ids = texts(request, "sourceContactIds")?;
        let illegal = |text: &str| Refusal::coded(400, "ILLEGAL_MERGE", text);
        if ids.is_empty() || ids.len() > MOST_SOURCES {
            return Err(Refusal::field("sourceContactIds", "SIZE", "must hold 1 to 5 ids", &json!({})));
        }
        if ids.iter().any(|id| id == target) {
            return Err(illegal("A contact cannot be merged into itself."));
        }
        let sources = ids.iter().map(|id| self.contact(id)).collect::<Result<Vec<_>, _>>()?;
        if sources.iter().any(|source| source.flags.member || source.flags.owner) {
            return Err(illegal("A site member can only be the target of a merge."));
        }
        Ok(sources)
    }

    /// The target with what it lacks: its own values stay, lists grow, the first source goes first.
    fn merged(&self, target: &Contact, sources: &[Contact]) -> Contact {
        let mut merged = target.clone();
        for source in sources {
            for (key, value) in &source.info {
                match key.as_str() {
                    "emails" => append(&mut merged.info, key, value, |item| items::part(item, "email").to_lowercase()),
                    "phones" => append(&mut merged.info, key, value, |item| super::phone::digits(items::part(item, "phone"))),
                    "addresses" => append(&mut merged.info, key, value, |item| item.get("address").unwrap_or(item).to_string()),
                    "labelKeys" => append(&mut merged.info, key, value, Value::to_string),
                    "extendedFields" => self.fill_extended(&mut merged.info, value),
                    "name" => fill(merged.info.entry("name").or_insert_with(|| json!({})), value),
                    _ => {
                        merged.info.entry(key.clone()).or_insert_with(|| value.clone());
                    }
                }
            }
        }
        merged
    }

    fn fill_extended(&self, info: &mut Map<String, Value>, from: &Value) {
        if self.world.flag("merge_fills_extended_fields") {
            let held = info.entry("extendedFields").or_insert_with(|| json!({"items": {}}));
            if let (Some(held), Some(from)) = (held.get_mut("items"), from.get("items")) {
                fill(held, from);
            }
        }
    }

    /// One merged, one updated and a deleted for each source; their order is not promised.
    fn raise_merge(&mut self, before: &Contact, merged: &Contact, sources: &[Contact]) {
        let ids: Vec<&str> = sources.iter().map(|source| source.id.as_str()).collect();
        let body = json!({"targetContactId": merged.id, "sourceContactIds": ids, "targetContact": merged.to_json()});
        let first = self.world.is("merge_event_order", "merged_first");
        if first {
            self.raise(About::contact(&merged.id), &Change::Merged(body.clone()));
        }
        let before = before.to_json();
        let about = About { from_merge: true, ..About::contact(&merged.id) };
        self.raise(about, &Change::Updated { now: merged.to_json(), before: Some(&before) });
        for source in sources {
            self.raise(About { from_merge: true, ..About::contact(&source.id) }, &Change::Deleted(source.to_json()));
        }
        if !first {
            self.raise(About::contact(&merged.id), &Change::Merged(body));
        }
    }
}

/// Appends the items of `from` that `info` does not hold yet; they lose their primary flag.
fn append(info: &mut Map<String, Value>, kind: &str, from: &Value, key: impl Fn(&Value) -> String) {
    let wrapper = info.entry(kind).or_insert_with(|| json!({}));
    let Value::Object(wrapper) = wrapper else {
        return;
    };
    let held = wrapper.entry("items").or_insert_with(|| json!([]));
    let (Value::Array(held), Some(from)) = (held, from.get("items").and_then(Value::as_array)) else {
        return;
    };
    for item in from {
        if held.iter().any(|known| key(known) == key(item)) {
            continue;
        }
        let mut item = item.clone();
        if let Some(primary) = item.get_mut("primary") {
            *primary = held.is_empty().into();
        }
        held.push(item);
    }
}

fn fill(into: &mut Value, from: &Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        for (key, value) in from {
            into.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
}
