//! What Pipedrive sends (<https://pipedrive.readme.io/docs/guide-for-webhooks-v2>): with Basic credentials, which do not age.

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{SITE, Sent, messages::SECRET};

/// The credentials the samples come with.
pub(super) fn credentials() -> String {
    format!("bridge:{SECRET}")
}

/// Returns all samples.
pub(super) fn all(now: Timestamp) -> Vec<Sent> {
    let ada = json!({
        "id": 512, "name": "Ada Lovelace", "add_time": "2026-11-02T09:30:00Z", "update_time": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "emails": [{"value": "ada@example.com", "primary": true, "label": "work"}],
        "phones": [{"value": "+12025550143", "primary": true, "label": "mobile"}],
        "owner_id": 1, "org_id": null, "visible_to": 3, "label_ids": [], "custom_fields": {},
    });
    let old = json!({"emails": [{"value": "ada@example.org", "primary": true, "label": "work"}]});
    [
        ("pipedrive-person-created", "create", "person", json!({}), ada.clone(), Value::Null),
        ("pipedrive-person-changed", "change", "person", json!({}), ada.clone(), old),
        ("pipedrive-person-deleted", "delete", "person", json!({}), Value::Null, ada.clone()),
        ("pipedrive-person-merged", "delete", "person", json!({"merged_to_id": "513"}), Value::Null, ada),
        ("pipedrive-deal-changed", "change", "deal", json!({}), json!({"id": 512, "title": "A deal"}), json!({"title": "Deal"})),
    ]
    .into_iter()
    .map(|(name, action, entity, more, data, previous)| {
        sent(name, &json!({"meta": meta(action, entity, &more, now), "data": data, "previous": previous}))
    })
    .collect()
}

fn meta(action: &str, entity: &str, more: &Value, now: Timestamp) -> Value {
    let mut meta = json!({
        "action": action, "entity": entity, "entity_id": "512", "id": "5f1d6a3c-0c8e-4d0a-9b43-7c2f8f2f6b11", "version": "2.0", "attempt": 1,
        "company_id": "7712345", "user_id": "1", "timestamp": now, "type": "general", "change_source": "app", "webhook_id": "41",
        "correlation_id": "0a6c3f86-3c1a-4f9b-8f5e-2f6f0d7a9b55", "permitted_user_ids": ["1"], "is_bulk_edit": false,
    });
    if let (Value::Object(meta), Value::Object(more)) = (&mut meta, more.clone()) {
        meta.extend(more);
    }
    meta
}

fn sent(name: &'static str, body: &Value) -> Sent {
    let headers = vec![
        ("content-type", "application/json; charset=utf-8".to_owned()),
        ("authorization", format!("Basic {}", STANDARD.encode(credentials()))),
    ];
    Sent { name, path: format!("/webhooks/pipedrive/{SITE}"), headers, body: body.to_string() }
}
