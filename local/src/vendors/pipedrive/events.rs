//! What webhooks of version 2 tell (<https://pipedrive.readme.io/docs/guide-for-webhooks-v2>).

use serde_json::{Map, Value, json};

use super::{hooks::Hook, person::Person, world::Desk};
use crate::vendors::kit::rfc3339;

impl Desk<'_> {
    pub fn tell_created(&self, person: &Person) {
        self.raise("create", person.id, &Value::Object(self.event_form(person)), &Value::Null, None);
    }

    pub fn tell_changed(&self, before: &Person, after: &Person) {
        let (old, new) = (self.event_form(before), self.event_form(after));
        let full = self.world.core.switches.is("previous_form", "full");
        let previous = if full { old } else { changed(old, &new) };
        self.raise("change", after.id, &new.into(), &previous.into(), None);
    }

    pub fn tell_deleted(&self, person: &Person, merged_into: Option<u64>) {
        let shown = Value::Object(self.event_form(person));
        let in_data = self.world.core.switches.is("delete_payload", "data");
        let (data, previous) = if in_data { (shown, Value::Null) } else { (Value::Null, shown) };
        self.raise("delete", person.id, &data, &previous, merged_into);
    }

    fn event_form(&self, person: &Person) -> Map<String, Value> {
        person.to_event(&self.company.fields, &self.world.core.switches)
    }

    /// Puts an event into the outbox for each webhook that wants it.
    fn raise(&self, action: &str, id: u64, data: &Value, previous: &Value, merged_into: Option<u64>) {
        if self.silent {
            return;
        }
        let (switches, outbox) = (&self.world.core.switches, &self.world.core.outbox);
        let correlation = self.world.ids.guid();
        for hook in self.company.hooks.values().filter(|hook| hook.wants(action)) {
            let mut meta = self.meta(action, id, hook);
            meta.insert("correlation_id".to_owned(), correlation.as_str().into());
            if let Some(winner) = merged_into.filter(|_| switches.flag("merged_to_id")) {
                meta.insert("merged_to_id".to_owned(), self.id_form(winner));
            }
            let auth = hook.auth.as_ref().map(|(user, password)| json!([user, password]));
            let payload = json!({"auth": auth, "event": {"meta": meta, "data": data, "previous": previous}}).to_string();
            let urls = std::slice::from_ref(&hook.url);
            outbox.post(&self.company.options.site, &format!("person.{action}"), urls, &payload, switches.number("webhook_delay_ms"));
        }
    }

    /// The number of the attempt is added when it is sent.
    fn meta(&self, action: &str, id: u64, hook: &Hook) -> Map<String, Value> {
        let user = self.id_form(self.actor.user());
        let meta = json!({
            "action": action, "entity": "person", "entity_id": self.id_form(id), "id": self.world.ids.guid(), "version": "2.0",
            "company_id": self.id_form(self.company.options.id), "user_id": user, "timestamp": rfc3339(self.now_ms), "type": "general",
            "change_source": self.actor.source(), "webhook_id": self.id_form(hook.id), "webhook_owner_id": self.id_form(hook.owner),
            "permitted_user_ids": [self.id_form(1), self.id_form(2)], "is_bulk_edit": false, "host": "simulated.pipedrive.com",
        });
        meta.as_object().cloned().unwrap_or_default()
    }

    fn id_form(&self, id: u64) -> Value {
        if self.world.core.switches.is("meta_ids", "strings") { id.to_string().into() } else { id.into() }
    }
}

/// The old values of what differs, looking into custom fields.
fn changed(old: Map<String, Value>, new: &Map<String, Value>) -> Map<String, Value> {
    let differs = |(key, value): (String, Value)| match (value, new.get(&key)) {
        (value, Some(now)) if value == *now => None,
        (Value::Object(value), Some(Value::Object(now))) if key == "custom_fields" => Some((key, changed(value, now).into())),
        (value, _) => Some((key, value)),
    };
    old.into_iter().filter_map(differs).collect()
}
