//! Merge fields: what an audience knows of its members, and which values they take
//! (<https://mailchimp.com/developer/marketing/docs/merge-fields/>).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::problem::Problem;

const LONGEST_TEXT: usize = 255;
const LONGEST_TAG: usize = 10;

/// What a merge field holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Address,
    Phone,
    Date,
    Url,
    ImageUrl,
    Radio,
    Dropdown,
    Birthday,
    Zip,
}

const KINDS: [(&str, Kind); 11] = [
    ("text", Kind::Text),
    ("number", Kind::Number),
    ("address", Kind::Address),
    ("phone", Kind::Phone),
    ("date", Kind::Date),
    ("url", Kind::Url),
    ("imageurl", Kind::ImageUrl),
    ("radio", Kind::Radio),
    ("dropdown", Kind::Dropdown),
    ("birthday", Kind::Birthday),
    ("zip", Kind::Zip),
];

/// A definition.
#[derive(Clone)]
pub(super) struct MergeField {
    pub id: u64,
    pub tag: String,
    pub kind: Kind,
    pub required: bool,
    name: String,
    public: bool,
    default_value: String,
    options: Map<String, Value>,
}

impl Kind {
    fn name(self) -> &'static str {
        KINDS.iter().find(|(_, kind)| *kind == self).map_or("text", |(name, _)| name)
    }
}

impl MergeField {
    /// Reads the body of a create call; `id` is the next free one.
    pub fn read(body: &Map<String, Value>, id: u64) -> Result<Self, Problem> {
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let blank = |name: &str| Problem::field(name, "This value should not be blank.");
        let name = text("name").filter(|name| !name.is_empty()).ok_or_else(|| blank("name"))?;
        let kind = text("type").ok_or_else(|| blank("type"))?;
        let kind = KINDS.iter().find(|(each, _)| *each == kind).map(|(_, kind)| *kind);
        let flag = |name: &str| body.get(name).and_then(Value::as_bool).unwrap_or_default();
        let options = body.get("options").and_then(Value::as_object).cloned().unwrap_or_default();
        let field = Self {
            id,
            tag: tag(text("tag"), id)?,
            kind: kind.ok_or_else(|| Problem::field("type", "The type is not one of those of merge fields."))?,
            required: flag("required"),
            name: name.to_owned(),
            public: flag("public"),
            default_value: text("default_value").unwrap_or_default().to_owned(),
            options,
        };
        if matches!(field.kind, Kind::Radio | Kind::Dropdown) && field.choices().next().is_none() {
            return Err(Problem::field("options.choices", "This value should not be blank."));
        }
        Ok(field)
    }

    pub fn to_json(&self, list_id: &str) -> Value {
        json!({
            "merge_id": self.id, "tag": self.tag, "name": self.name, "type": self.kind.name(), "required": self.required,
            "default_value": self.default_value, "public": self.public, "display_order": self.id + 1, "options": self.options,
            "help_text": "", "list_id": list_id,
        })
    }

    fn choices(&self) -> impl Iterator<Item = &str> {
        self.options.get("choices").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    /// The value as stored; `None` when it clears the field.
    fn accept(&self, sent: &Value) -> Result<Option<Value>, String> {
        if is_empty(sent) {
            return Ok(None);
        }
        match self.kind {
            Kind::Address => address(sent).map(Some),
            Kind::Number => number(sent).map(Some),
            Kind::Text
            | Kind::Phone
            | Kind::Date
            | Kind::Url
            | Kind::ImageUrl
            | Kind::Radio
            | Kind::Dropdown
            | Kind::Birthday
            | Kind::Zip => {
                let text = match sent {
                    Value::String(text) => text.trim().to_owned(),
                    Value::Number(number) => number.to_string(),
                    _ => return Err("Please enter a value".to_owned()),
                };
                self.accept_text(&text).map(|text| Some(text.into()))
            }
        }
    }

    fn accept_text(&self, text: &str) -> Result<String, String> {
        let must = |fits: bool, message: &str| if fits { Ok(text.to_owned()) } else { Err(message.to_owned()) };
        match self.kind {
            Kind::Date => date(text).ok_or_else(|| "Please enter the date".to_owned()),
            Kind::Birthday => must(is_birthday(text), "Please enter a month (01-12) and a day (01-31)"),
            Kind::Zip => must(text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit()), "Please enter a valid zip code"),
            Kind::Phone => must(self.is_phone(text), "Please enter a valid phone number"),
            Kind::Url | Kind::ImageUrl => must(is_web_address(text), "Please enter a valid URL"),
            Kind::Radio | Kind::Dropdown => must(self.choices().any(|choice| choice == text), "Please select one of the choices"),
            Kind::Text | Kind::Number | Kind::Address => must(text.chars().count() <= LONGEST_TEXT, "Please enter at most 255 characters"),
        }
    }

    /// Only the format for the USA is checked.
    fn is_phone(&self, text: &str) -> bool {
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        self.options.get("phone_format").and_then(Value::as_str) != Some("US") || digits == 10
    }
}

/// The fields every audience starts with.
pub(super) fn usual() -> Vec<MergeField> {
    let fields = [
        json!({"tag": "FNAME", "name": "First Name", "type": "text", "public": true, "options": {"size": 25}}),
        json!({"tag": "LNAME", "name": "Last Name", "type": "text", "public": true, "options": {"size": 25}}),
        json!({"tag": "ADDRESS", "name": "Address", "type": "address", "options": {"default_country": 164}}),
        json!({"tag": "PHONE", "name": "Phone Number", "type": "phone", "options": {"phone_format": "none"}}),
        json!({"tag": "BIRTHDAY", "name": "Birthday", "type": "birthday", "options": {"date_format": "MM/DD"}}),
    ];
    (1..).zip(&fields).filter_map(|(id, field)| MergeField::read(field.as_object()?, id).ok()).collect()
}

/// Puts the values sent into those there are.
///
/// # Errors
/// Tells all fields that are wrong, or empty although required, unless `skip_required`.
pub(super) fn fill(
    fields: &[MergeField],
    values: &mut BTreeMap<String, Value>,
    sent: &Map<String, Value>,
    skip_required: bool,
) -> Result<(), Problem> {
    let mut wrong = Vec::new();
    for field in fields {
        match sent.get(&field.tag).map(|value| field.accept(value)) {
            None => {}
            Some(Ok(Some(value))) => {
                values.insert(field.tag.clone(), value);
            }
            Some(Ok(None)) => {
                values.remove(&field.tag);
            }
            Some(Err(message)) => wrong.push((field.tag.clone(), message)),
        }
        let missing = field.required && !skip_required && !values.contains_key(&field.tag);
        if missing && wrong.last().is_none_or(|(tag, _)| *tag != field.tag) {
            wrong.push((field.tag.clone(), "Please enter a value".to_owned()));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(Problem::merge_fields(wrong)) }
}

/// Tags are in capitals; without one the field is numbered.
fn tag(given: Option<&str>, id: u64) -> Result<String, Problem> {
    let Some(tag) = given.filter(|tag| !tag.is_empty()) else {
        return Ok(format!("MMERGE{id}"));
    };
    let tag = tag.to_uppercase();
    let plain = tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !plain || tag.len() > LONGEST_TAG || tag == "EMAIL" {
        return Err(Problem::field("tag", "A tag has at most 10 letters, digits and underscores and is not EMAIL."));
    }
    Ok(tag)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Object(map) => map.values().all(is_empty),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) => false,
    }
}

fn number(sent: &Value) -> Result<Value, String> {
    let number = match sent {
        Value::Number(number) => Some(number.clone()),
        Value::String(text) => serde_json::from_str(text.trim()).ok(),
        _ => None,
    };
    number.map(Value::Number).ok_or_else(|| "Please enter a number".to_owned())
}

fn address(sent: &Value) -> Result<Value, String> {
    let part = |name: &str| sent.get(name).and_then(Value::as_str).unwrap_or_default();
    if ["addr1", "city", "state", "zip"].iter().any(|name| part(name).trim().is_empty()) {
        return Err("Please enter a complete address".to_owned());
    }
    let country = Some(part("country")).filter(|country| !country.is_empty()).unwrap_or("US");
    Ok(json!({
        "addr1": part("addr1"), "addr2": part("addr2"), "city": part("city"), "state": part("state"), "zip": part("zip"),
        "country": country,
    }))
}

fn date(text: &str) -> Option<String> {
    let parsed = ["%Y-%m-%d", "%m/%d/%Y"].iter().find_map(|format| jiff::civil::Date::strptime(format, text).ok());
    parsed.map(|date| date.to_string())
}

fn is_birthday(text: &str) -> bool {
    // A leap year, so that the 29th of February is one.
    jiff::civil::Date::strptime("%m/%d/%Y", format!("{text}/2000")).is_ok()
}

fn is_web_address(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}
