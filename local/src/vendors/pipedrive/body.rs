//! What the body of a write makes of a person.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    fields::Field,
    person::{Item, Person},
    refusal::Refusal,
};

const LONGEST_NAME: usize = 255;
const VISIBILITIES: [u64; 4] = [1, 3, 5, 7];
/// Fields that exist only with contact sync.
const SYNCED: [&str; 5] = ["notes", "im", "birthday", "job_title", "postal_address"];

/// What a company takes.
pub(super) struct Rules<'a> {
    pub fields: &'a [Field],
    pub contact_sync: bool,
    pub unknown_ignored: bool,
}

/// A body as a JSON object.
pub(super) fn object(body: &str) -> Result<Map<String, Value>, Refusal> {
    let parsed = serde_json::from_str(body).ok();
    parsed.ok_or_else(|| Refusal::new(400, "Bad request: the body must be a JSON object"))
}

impl Rules<'_> {
    /// Puts what was sent into a person.
    pub fn write(&self, person: &mut Person, sent: &Map<String, Value>) -> Result<(), Refusal> {
        for (key, value) in sent {
            self.write_key(person, key, value)?;
        }
        Ok(())
    }

    fn write_key(&self, person: &mut Person, key: &str, value: &Value) -> Result<(), Refusal> {
        let wrong = |rule: &str| Refusal::field(key, rule);
        match key {
            "name" => person.name = name(value).ok_or_else(|| wrong("must be a text of 1 to 255 characters"))?,
            "owner_id" => person.owner_id = value.as_u64().ok_or_else(|| wrong("must be a number"))?,
            "org_id" if value.is_null() => person.org_id = None,
            "org_id" => person.org_id = Some(value.as_u64().ok_or_else(|| wrong("must be a number or null"))?),
            "add_time" => person.added_ms = time(value).ok_or_else(|| wrong("must be an RFC 3339 time"))?,
            "update_time" => person.updated_ms = time(value).ok_or_else(|| wrong("must be an RFC 3339 time"))?,
            "emails" => person.emails = items(key, value)?,
            "phones" => person.phones = items(key, value)?,
            "visible_to" => {
                let known = value.as_u64().filter(|each| VISIBILITIES.contains(each));
                person.visible_to = known.ok_or_else(|| wrong("must be 1, 3, 5 or 7"))?;
            }
            "label_ids" => {
                let ids = value.as_array().and_then(|list| list.iter().map(Value::as_u64).collect());
                person.label_ids = ids.ok_or_else(|| wrong("must be a list of numbers"))?;
            }
            "custom_fields" => self.write_custom(person, value)?,
            "marketing_status" => return Err(Refusal::new(403, "marketing_status: the company does not use campaigns")),
            _ if SYNCED.contains(&key) && !self.contact_sync => {
                return Err(Refusal::new(403, format!("{key}: contact sync is not enabled")));
            }
            _ if SYNCED.contains(&key) => {
                person.synced.insert(key.to_owned(), value.clone());
            }
            _ if self.unknown_ignored => {}
            _ => return Err(wrong("is not allowed")),
        }
        Ok(())
    }

    fn write_custom(&self, person: &mut Person, sent: &Value) -> Result<(), Refusal> {
        let sent = sent.as_object().ok_or_else(|| Refusal::field("custom_fields", "must be an object"))?;
        for (code, value) in sent {
            let field = self.fields.iter().find(|field| field.code == *code);
            let field = field.ok_or_else(|| Refusal::field(code, "is no custom field of persons"))?;
            match field.accept(value)? {
                Value::Null => person.custom.remove(code),
                value => person.custom.insert(code.clone(), value),
            };
        }
        Ok(())
    }
}

fn name(value: &Value) -> Option<String> {
    let name = value.as_str()?.trim();
    (!name.is_empty() && name.chars().count() <= LONGEST_NAME).then(|| name.to_owned())
}

fn time(value: &Value) -> Option<i64> {
    value.as_str()?.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

/// A list of addresses or phones; without a primary one the first becomes it.
fn items(key: &str, value: &Value) -> Result<Vec<Item>, Refusal> {
    let list = value.as_array().ok_or_else(|| Refusal::field(key, "must be a list"))?;
    let mut items = list.iter().map(item).collect::<Option<Vec<Item>>>().ok_or_else(|| {
        Refusal::field(key, "each must have value, a text that is not empty, and may have primary, true or false, and label, a text")
    })?;
    if items.iter().filter(|item| item.primary).count() > 1 {
        return Err(Refusal::field(key, "only one may be primary"));
    }
    if let (false, Some(first)) = (items.iter().any(|item| item.primary), items.first_mut()) {
        first.primary = true;
    }
    Ok(items)
}

fn item(entry: &Value) -> Option<Item> {
    let value = entry.get("value")?.as_str().filter(|value| !value.is_empty())?;
    let primary = entry.get("primary").map_or(Some(false), Value::as_bool)?;
    let label = entry.get("label").map_or(Some("work"), Value::as_str)?;
    Some(Item { value: value.to_owned(), primary, label: label.to_owned() })
}
