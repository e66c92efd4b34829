//! People as either vendor shows them: one vocabulary, HubSpot's property names, for both sides.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// The scalars that both sides have: HubSpot's name, Wix's.
const SCALARS: [(&str, &str); 4] =
    [("company", "company"), ("jobtitle", "jobTitle"), ("date_of_birth", "birthdate"), ("hs_language", "locale")];

/// Whom most scenarios are about.
pub fn ada() -> Value {
    json!({"firstname": "Ada", "lastname": "Stone", "email": "ada@example.com", "phone": "+16465550132", "company": "Works"})
}

/// One of many different people.
pub fn person(number: usize) -> Value {
    json!({"firstname": format!("Person{number}"), "lastname": "Stone", "email": format!("person{number}@example.com")})
}

/// A record's fields, as far as the scenarios look at them.
#[derive(Clone, Debug, Default)]
pub struct Seen(pub BTreeMap<String, String>);

impl Seen {
    /// The value of a field, empty without one.
    pub fn get(&self, field: &str) -> &str {
        self.0.get(field).map_or("", String::as_str)
    }

    /// Reads a Wix contact.
    pub fn in_wix(contact: &Value) -> Self {
        let info = &contact["info"];
        let mut seen = BTreeMap::new();
        let mut put = |name: &str, value: &Value| {
            if let Some(text) = value.as_str().filter(|text| !text.is_empty()) {
                seen.insert(name.to_owned(), text.to_owned());
            }
        };
        put("firstname", &info["name"]["first"]);
        put("lastname", &info["name"]["last"]);
        for (hub, wix) in SCALARS {
            put(hub, &info[wix]);
        }
        put("city", &info["addresses"]["items"][0]["address"]["city"]);
        let (email, more) = split(&info["emails"]["items"]);
        put("email", email.map_or(&Value::Null, |item| &item["email"]));
        put("hs_additional_emails", &join(more.iter().map(|item| &item["email"])));
        let (phone, more) = split(&info["phones"]["items"]);
        put("phone", phone.map_or(&Value::Null, |item| &item["phone"]));
        put("mobilephone", more.iter().find(|item| item["tag"] == "MOBILE").map_or(&Value::Null, |item| &item["phone"]));
        put("wix_labels", &join(info["labelKeys"]["items"].as_array().into_iter().flatten()));
        Self(seen)
    }

    /// Reads a HubSpot contact.
    pub fn in_hub(contact: &Value) -> Self {
        let properties = contact["properties"].as_object().cloned().unwrap_or_default();
        let texts = properties.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())));
        Self(texts.filter(|(_, text)| !text.is_empty()).collect())
    }

    /// The whole name, where a side has only that.
    pub const WHOLE: &'static str = "name";

    /// The first and the last name as one.
    fn whole(&self) -> String {
        loose("name", &format!("{}{}", self.get("firstname"), self.get("lastname")))
    }

    /// The fields both sides have, in the form in which they are the same person's whoever wrote them.
    fn essence(&self) -> BTreeMap<&str, Vec<String>> {
        let fields = ["firstname", "lastname", "email", "hs_additional_emails", "phone", "mobilephone", "city", "wix_labels"];
        let fields = fields.into_iter().chain(["company", "jobtitle", "date_of_birth"]);
        fields.filter(|field| !self.get(field).is_empty()).map(|field| (field, elements(field, self.get(field)))).collect()
    }

    /// What a person would type into Wix: the `info` with these fields.
    pub fn info(&self, only: &Map<String, Value>) -> Value {
        let has = |names: &[&str]| names.iter().any(|name| only.contains_key(*name));
        let mut info = Map::new();
        if has(&["firstname", "lastname"]) {
            info.insert("name".to_owned(), json!({"first": self.get("firstname"), "last": self.get("lastname")}));
        }
        for (hub, wix) in SCALARS.iter().filter(|(hub, _)| has(&[hub])) {
            info.insert((*wix).to_owned(), self.get(hub).into());
        }
        if has(&["city"]) {
            info.insert("addresses".to_owned(), json!({"items": [{"address": {"city": self.get("city")}}]}));
        }
        if has(&["email", "hs_additional_emails"]) {
            info.insert("emails".to_owned(), json!({"items": self.emails()}));
        }
        if has(&["phone", "mobilephone"]) {
            info.insert("phones".to_owned(), json!({"items": self.phones()}));
        }
        Value::Object(info)
    }

    fn emails(&self) -> Vec<Value> {
        let more = self.get("hs_additional_emails").split(';').filter(|email| !email.is_empty());
        let items = std::iter::once(self.get("email")).filter(|email| !email.is_empty()).chain(more);
        items.enumerate().map(|(place, email)| json!({"email": email, "primary": place == 0})).collect()
    }

    fn phones(&self) -> Vec<Value> {
        let items = [("phone", "UNTAGGED", true), ("mobilephone", "MOBILE", false)];
        let items = items.into_iter().filter(|(field, ..)| !self.get(field).is_empty());
        items.map(|(field, tag, primary)| json!({"phone": self.get(field), "tag": tag, "primary": primary})).collect()
    }
}

impl From<&Value> for Seen {
    fn from(flat: &Value) -> Self {
        Self::in_hub(&json!({"properties": flat}))
    }
}

/// Two records are equal if a person would call them so: vendors change case, blanks and the form of phones.
impl PartialEq for Seen {
    fn eq(&self, other: &Self) -> bool {
        let (mut own, mut others) = (self.essence(), other.essence());
        if self.0.contains_key(Self::WHOLE) || other.0.contains_key(Self::WHOLE) {
            for part in ["firstname", "lastname"] {
                drop((own.remove(part), others.remove(part)));
            }
            return own == others && self.whole() == other.whole();
        }
        own == others
    }
}

fn elements(field: &str, text: &str) -> Vec<String> {
    let mut elements: Vec<String> = text.split(';').map(|element| loose(field, element)).filter(|element| !element.is_empty()).collect();
    elements.sort();
    elements
}

fn loose(field: &str, text: &str) -> String {
    let letters: String = text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    // A national form lacks the prefix.
    let places = if field.ends_with("phone") { 9 } else { letters.len() };
    letters.get(letters.len().saturating_sub(places)..).unwrap_or(&letters).to_owned()
}

fn split(items: &Value) -> (Option<&Value>, Vec<&Value>) {
    let items: Vec<&Value> = items.as_array().into_iter().flatten().collect();
    let (primary, more): (Vec<&Value>, Vec<&Value>) = items.into_iter().partition(|item| item["primary"] == true);
    (primary.first().copied(), more)
}

fn join<'a>(texts: impl Iterator<Item = &'a Value>) -> Value {
    texts.filter_map(Value::as_str).collect::<Vec<_>>().join(";").into()
}
