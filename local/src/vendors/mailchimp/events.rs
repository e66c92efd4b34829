//! What webhooks tell of changed members
//! (<https://mailchimp.com/developer/marketing/guides/sync-audience-data-webhooks/>).

use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use super::{member::Member, status::Status, world::Desk};

/// Names and values of the `data` of an event; names with brackets below it.
type Fields = Vec<(String, String)>;

impl Desk<'_> {
    /// Raises the events of a change.
    pub fn tell(&self, before: Option<&Member>, after: &Member) {
        let turned = before.is_none_or(|before| before.status != after.status);
        let renamed = before.filter(|before| before.hash() != after.hash());
        if turned {
            self.tell_status(before, after);
        }
        if let Some(old) = renamed {
            self.tell_rename(old, after);
            return;
        }
        let edited = before.is_some_and(|before| before.merge != after.merge);
        let said = turned && after.status == Status::Subscribed && !self.world.core.switches.flag("profile_with_subscribe");
        if edited && !said {
            self.raise("profile", self.person(after));
        }
    }

    fn tell_status(&self, before: Option<&Member>, after: &Member) {
        let was = before.map(|before| before.status);
        match after.status {
            Status::Subscribed => self.raise("subscribe", self.person(after)),
            Status::Unsubscribed if was.is_some() => self.raise("unsubscribe", self.leaving(after, "unsub")),
            Status::Cleaned if was.is_some() => self.raise("cleaned", self.cleaned(after)),
            Status::Archived if was == Some(Status::Subscribed) && self.world.core.switches.is("archive_fires", "unsubscribe") => {
                self.raise("unsubscribe", self.leaving(after, "delete"));
            }
            Status::Unsubscribed | Status::Cleaned | Status::Archived | Status::Pending | Status::Transactional => {}
        }
    }

    /// A changed address always comes with a profile event.
    fn tell_rename(&self, old: &Member, after: &Member) {
        let upemail = fields(&[
            ("list_id", &self.list.id),
            ("new_id", &after.unique_email_id()),
            ("new_email", &after.email),
            ("old_email", &old.email),
        ]);
        let mut events = [("profile", self.person(after)), ("upemail", upemail)];
        if self.world.core.switches.is("upemail_order", "upemail_first") {
            events.reverse();
        }
        for (event, fields) in events {
            self.raise(event, fields);
        }
    }

    fn person(&self, member: &Member) -> Fields {
        let plain = |name: &str| member.plain.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let kind = Some(plain("email_type")).filter(|kind| !kind.is_empty()).unwrap_or_else(|| "html".to_owned());
        let mut all = fields(&[
            ("id", &member.unique_email_id()),
            ("email", &member.email),
            ("email_type", &kind),
            ("ip_opt", &plain("ip_opt")),
            ("ip_signup", &plain("ip_signup")),
            ("web_id", &member.web_id.to_string()),
        ]);
        all.push(("[merges][EMAIL]".to_owned(), member.email.clone()));
        for field in &self.list.fields {
            let value = member.merge.get(&field.tag).cloned().unwrap_or_else(|| "".into());
            flatten(&format!("[merges][{}]", field.tag), &value, &mut all);
        }
        all.push(("[merges][INTERESTS]".to_owned(), String::new()));
        all.extend(fields(&[("list_id", &self.list.id)]));
        all
    }

    fn leaving(&self, member: &Member, action: &str) -> Fields {
        let mut all = fields(&[("action", action), ("reason", member.reason.unwrap_or("manual"))]);
        all.extend(self.person(member));
        all.extend(self.campaign.iter().map(|id| ("[campaign_id]".to_owned(), id.clone())));
        all
    }

    fn cleaned(&self, member: &Member) -> Fields {
        let campaign = self.campaign.as_deref().unwrap_or_default();
        fields(&[
            ("list_id", &self.list.id),
            ("campaign_id", campaign),
            ("reason", member.reason.unwrap_or("hard")),
            ("email", &member.email),
        ])
    }

    pub fn tell_campaign(&self, id: &str, subject: &str) {
        self.raise("campaign", fields(&[("id", id), ("subject", subject), ("status", "sent"), ("reason", ""), ("list_id", &self.list.id)]));
    }

    /// Puts an event into the outbox for each webhook that wants it.
    fn raise(&self, event: &str, data: Fields) {
        if self.silent {
            return;
        }
        let mut form = Serializer::new(String::new());
        form.append_pair("type", event).append_pair("fired_at", &self.fired_at());
        for (name, value) in data {
            form.append_pair(&format!("data{name}"), &value);
        }
        let form = form.finish();
        let (switches, outbox) = (&self.world.core.switches, &self.world.core.outbox);
        for hook in self.list.hooks.values().filter(|hook| hook.wants(event, self.actor.source())) {
            let payload = json!({"secret": hook.secret, "form": form}).to_string();
            outbox.post(&self.list.account, event, std::slice::from_ref(&hook.url), &payload, switches.number("webhook_delay_ms"));
        }
    }

    fn fired_at(&self) -> String {
        let zone = self.list.timezone.as_deref().filter(|_| self.world.core.switches.is("fired_at_zone", "account"));
        let zone = zone.and_then(|name| jiff::tz::TimeZone::get(name).ok()).unwrap_or(jiff::tz::TimeZone::UTC);
        let at = jiff::Timestamp::from_millisecond(self.now_ms).unwrap_or_default();
        at.to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }
}

fn fields(pairs: &[(&str, &str)]) -> Fields {
    pairs.iter().map(|(name, value)| (format!("[{name}]"), (*value).to_owned())).collect()
}

/// Objects become one more pair of brackets for each of their entries.
fn flatten(name: &str, value: &Value, into: &mut Fields) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                flatten(&format!("{name}[{key}]"), value, into);
            }
        }
        Value::String(text) => into.push((name.to_owned(), text.clone())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => into.push((name.to_owned(), value.to_string())),
    }
}
