//! What one side knows of a person, in a form that both sides share, and as the people of either side write it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

/// The texts that both sides have: HubSpot's name, and where Wix has it.
pub(super) const TEXTS: [(&str, &str); 9] = [
    ("firstname", "/info/name/first"),
    ("lastname", "/info/name/last"),
    ("company", "/info/company"),
    ("jobtitle", "/info/jobTitle"),
    ("date_of_birth", "/info/birthdate"),
    ("address", "/info/addresses/items/0/address/addressLine"),
    ("city", "/info/addresses/items/0/address/city"),
    ("zip", "/info/addresses/items/0/address/postalCode"),
    ("country", "/info/addresses/items/0/address/country"),
];
/// Countries: the code, the name that people write, and the one in ISO 3166.
pub(super) const COUNTRIES: [[&str; 3]; 4] = [
    ["GB", "United Kingdom", "United Kingdom of Great Britain and Northern Ireland"],
    ["US", "United States", "United States of America"],
    ["DE", "Germany", "Germany"],
    ["FR", "France", "France"],
];

/// What one side knows of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// By HubSpot's names; a country is its code.
    pub texts: BTreeMap<&'static str, String>,
    /// The first one is the main one.
    pub emails: Vec<String>,
    /// The phone and the mobile phone, in E.164.
    pub phones: [Option<String>; 2],
}

/// Two records of a person that should be alike, and are not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    /// What should be there and is not.
    pub lost: Vec<String>,
    /// What is there and should not be.
    pub strange: Vec<String>,
}

impl Facts {
    /// What both sides are to have once they are aligned: everything; where they contradict each other, what `first` has.
    pub fn union(first: &Self, second: &Self) -> Self {
        let mut union = first.clone();
        for (name, text) in &second.texts {
            union.texts.entry(name).or_insert_with(|| text.clone());
        }
        let known = first.spelled_alike();
        union.emails.extend(second.emails.iter().filter(|email| !known.contains(&email.to_lowercase())).cloned());
        for (own, other) in union.phones.iter_mut().zip(&second.phones) {
            *own = own.take().or_else(|| other.clone());
        }
        union
    }

    /// Compares what should be there with what is.
    pub fn difference(&self, seen: &Self) -> Difference {
        let (expected, found) = (self.statements(), seen.statements());
        Difference { lost: expected.difference(&found).cloned().collect(), strange: found.difference(&expected).cloned().collect() }
    }

    /// How many facts there are.
    pub fn count(&self) -> usize {
        self.statements().len()
    }

    /// Each fact by itself; the order of further addresses is nobody's business.
    fn statements(&self) -> BTreeSet<String> {
        let texts = self.texts.iter().map(|(name, text)| format!("{name} {text}"));
        let main = self.emails.first().map(|email| format!("main email {}", email.to_lowercase()));
        let emails = self.spelled_alike().into_iter().map(|email| format!("email {email}"));
        let phones = ["phone", "mobilephone"].into_iter().zip(&self.phones);
        let phones = phones.filter_map(|(name, number)| Some(format!("{name} {}", number.as_ref()?)));
        texts.chain(main).chain(emails).chain(phones).collect()
    }

    fn spelled_alike(&self) -> BTreeSet<String> {
        self.emails.iter().map(|email| email.to_lowercase()).collect()
    }

    /// As people write it into Wix: the `info` of a contact.
    pub fn in_wix(&self) -> Value {
        let mut contact = json!({"info": {}});
        for (name, pointer) in TEXTS {
            if let Some(text) = self.texts.get(name) {
                put(&mut contact, pointer, text);
            }
        }
        let mut info = contact.get_mut("info").map(Value::take).unwrap_or_default();
        // An address is an item of a list.
        let address = info.pointer("/addresses/items/0").cloned();
        let lists = [("addresses", address.into_iter().collect()), ("emails", self.emails_in_wix()), ("phones", self.phones_in_wix())];
        if let Value::Object(info) = &mut info {
            info.remove("addresses");
            info.extend(
                lists.into_iter().filter(|(_, items)| !items.is_empty()).map(|(name, items)| (name.to_owned(), json!({"items": items}))),
            );
        }
        info
    }

    fn emails_in_wix(&self) -> Vec<Value> {
        self.emails.iter().enumerate().map(|(place, email)| json!({"email": email, "tag": "MAIN", "primary": place == 0})).collect()
    }

    fn phones_in_wix(&self) -> Vec<Value> {
        let numbers = ["MAIN", "MOBILE"].into_iter().zip(&self.phones);
        let numbers = numbers.filter_map(|(tag, number)| Some((tag, number.as_ref()?)));
        let item = |(tag, number): (&str, &String)| match way(number) {
            0 => json!({"phone": number, "tag": tag, "primary": tag == "MAIN"}),
            1 => json!({"phone": national(number), "countryCode": "US", "tag": tag, "primary": tag == "MAIN"}),
            _ => json!({"phone": national(number), "tag": tag, "primary": tag == "MAIN"}),
        };
        numbers.map(item).collect()
    }

    /// As people write it into HubSpot: a contact's properties.
    pub fn in_hubspot(&self) -> Value {
        let mut properties: Map<String, Value> = Map::new();
        for (name, text) in &self.texts {
            let country = COUNTRIES.iter().find(|[code, ..]| *name == "country" && code == text);
            properties.insert((*name).to_owned(), country.map_or(text.as_str(), |[_, country, _]| country).into());
        }
        if let Some((main, more)) = self.emails.split_first() {
            properties.insert("email".to_owned(), main.as_str().into());
            properties.insert("hs_additional_emails".to_owned(), more.join(";").into());
        }
        for (name, number) in ["phone", "mobilephone"].into_iter().zip(&self.phones) {
            if let Some(number) = number {
                let written = if way(number) == 1 { number.clone() } else { national(number) };
                properties.insert(name.to_owned(), written.into());
            }
        }
        properties.retain(|_, text| text != "");
        Value::Object(properties)
    }

    /// Reads a contact as Wix has it.
    pub fn of_wix(contact: &Value) -> Self {
        let text = |pointer| contact.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let items = |name: &str| {
            let items = contact.pointer(&format!("/info/{name}/items")).and_then(Value::as_array);
            items.map_or(&[][..], Vec::as_slice)
        };
        let is_main = |item: &&Value| item.get("primary") == Some(&Value::Bool(true));
        let part = |item: &Value, key: &str| item.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (main, more): (Vec<&Value>, Vec<&Value>) = items("emails").iter().partition(is_main);
        let phone = items("phones").iter().find(is_main);
        let mobile = items("phones").iter().find(|item| !is_main(item) && part(item, "tag") == "MOBILE");
        Self {
            texts: filled(TEXTS.map(|(name, pointer)| (name, text(pointer)))),
            emails: main.into_iter().chain(more).map(|item| part(item, "email")).collect(),
            phones: [phone, mobile].map(|item| item.map(|item| e164(&part(item, "phone")))),
        }
    }

    /// Reads a contact as HubSpot has it.
    pub fn of_hubspot(contact: &Value) -> Self {
        let text = |name| {
            let text = contact.pointer(&format!("/properties/{name}")).and_then(Value::as_str).unwrap_or_default();
            let code = COUNTRIES.iter().find(|names| name == "country" && names.contains(&text));
            code.map_or(text, |[code, ..]| code).to_owned()
        };
        let more = text("hs_additional_emails");
        let emails = std::iter::once(text("email")).chain(more.split(';').map(|email| email.trim().to_owned()));
        Self {
            texts: filled(TEXTS.map(|(name, _)| (name, text(name)))),
            emails: emails.filter(|email| !email.is_empty()).collect(),
            phones: ["phone", "mobilephone"].map(|name| Some(text(name)).filter(|text| !text.is_empty()).map(|text| e164(&text))),
        }
    }
}

fn filled<const COUNT: usize>(texts: [(&'static str, String); COUNT]) -> BTreeMap<&'static str, String> {
    texts.into_iter().filter(|(_, text)| !text.is_empty()).collect()
}

fn put(into: &mut Value, pointer: &str, text: &str) {
    let step = |at: &mut Value, name: &str| {
        if !at.is_object() {
            *at = json!({});
        }
        at.get(name).is_none().then(|| at.as_object_mut().map(|map| map.insert(name.to_owned(), json!({}))));
    };
    let mut at = into;
    for name in pointer.split('/').filter(|name| !name.is_empty()) {
        step(at, name);
        let Some(inner) = at.get_mut(name) else { return };
        at = inner;
    }
    *at = text.into();
}

/// In which way a number is written, so that every way meets every other one.
fn way(number: &str) -> usize {
    number.bytes().map(usize::from).sum::<usize>() % 3
}

/// A number as it is written in its country, which is the United States for all of them.
fn national(number: &str) -> String {
    let digits = number.get(2..).unwrap_or_default();
    let part = |from, to| digits.get(from..to).unwrap_or_default();
    format!("({}) {}-{}", part(0, 3), part(3, 6), part(6, 10))
}

fn e164(written: &str) -> String {
    let digits: String = written.chars().filter(char::is_ascii_digit).collect();
    if digits.len() == 10 { format!("+1{digits}") } else { format!("+{digits}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_on_either_side_is_read_again() {
        let facts = Facts {
            texts: filled(TEXTS.map(|(name, _)| (name, if name == "country" { "DE" } else { name }.to_owned()))),
            emails: vec!["Ada@example.com".to_owned(), "ben@example.com".to_owned()],
            phones: [Some("+16462200001".to_owned()), Some("+16462200002".to_owned())],
        };
        assert_eq!(Facts::of_wix(&json!({"info": facts.in_wix()})), facts);
        assert_eq!(Facts::of_hubspot(&json!({"properties": facts.in_hubspot()})), facts);
        assert_eq!(Facts::of_wix(&json!({"info": Facts::default().in_wix()})), Facts::default());
    }

    #[test]
    fn a_union_has_everything_and_the_first_wins() {
        let facts = |text: &str, emails: &[&str], phone: Option<&str>| Facts {
            texts: BTreeMap::from([("company", text.to_owned())]),
            emails: emails.iter().map(|email| (*email).to_owned()).collect(),
            phones: [phone.map(str::to_owned), None],
        };
        let (wix, hubspot) = (facts("Works", &["a@x.com"], None), facts("Mills", &["b@x.com", "A@x.com"], Some("+1")));
        let union = Facts::union(&wix, &hubspot);
        assert_eq!(union, facts("Works", &["a@x.com", "b@x.com"], Some("+1")));
        let difference = union.difference(&wix);
        assert_eq!((difference.lost, difference.strange), (vec!["email b@x.com".to_owned(), "phone +1".to_owned()], vec![]));
    }
}
