//! Who has which address and number, so that looking one up does not mean looking at everybody.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{contact::Contact, filter::Sought, items, phone};

/// Ids of existing contacts by lower-cased e-mail, by the digits of their phones, and by values as they are.
#[derive(Default)]
pub(super) struct Directory {
    emails: BTreeMap<String, BTreeSet<String>>,
    phones: BTreeMap<String, BTreeSet<String>>,
    /// By a part of a phone, or the key of a custom field, and its text.
    exact: BTreeMap<(String, String), BTreeSet<String>>,
}

impl Directory {
    /// Takes the contact's former entries out and puts its present ones in.
    pub fn replace(&mut self, before: Option<&Contact>, now: &Contact) {
        if let Some(before) = before {
            before.emails().for_each(|email| remove(&mut self.emails, &email, &before.id));
            phones(before).for_each(|digits| remove(&mut self.phones, &digits, &before.id));
            exact(before).for_each(|entry| remove(&mut self.exact, &entry, &before.id));
        }
        if now.is_live() {
            now.emails().for_each(|email| add(&mut self.emails, email, &now.id));
            phones(now).for_each(|digits| add(&mut self.phones, digits, &now.id));
            exact(now).for_each(|entry| add(&mut self.exact, entry, &now.id));
        }
    }

    /// Ids of those who have one of the values, in order.
    pub fn with_any(&self, sought: &Sought) -> BTreeSet<&str> {
        let of = |value: &String| match sought.part.as_str() {
            Sought::EMAIL => self.emails.get(&value.to_lowercase()),
            part => self.exact.get(&(part.to_owned(), value.clone())),
        };
        sought.values.iter().filter_map(of).flatten().map(String::as_str).collect()
    }

    /// Ids of those who have the lower-cased e-mail, in order.
    pub fn with_email(&self, email: &str) -> impl Iterator<Item = &str> {
        self.emails.get(email).into_iter().flatten().map(String::as_str)
    }

    /// Ids of those who have a phone with these digits, in order.
    pub fn with_phone(&self, digits: &str) -> impl Iterator<Item = &str> {
        self.phones.get(digits).into_iter().flatten().map(String::as_str)
    }
}

/// The digits of the contact's phones.
pub(super) fn phones(contact: &Contact) -> impl Iterator<Item = String> {
    items::of(&contact.info, "phones").iter().map(|item| phone::digits(items::part(item, "phone")))
}

/// What else contacts are often looked for by.
fn exact(contact: &Contact) -> impl Iterator<Item = (String, String)> {
    let parts = |item: &Value| Sought::PHONES.map(|part| (part.to_owned(), items::part(item, part).to_owned()));
    let phones = items::of(&contact.info, "phones").iter().flat_map(parts);
    let fields = contact.info.get("extendedFields").and_then(|fields| fields.get("items")).and_then(Value::as_object);
    let custom = fields.into_iter().flatten().filter(|(key, _)| Sought::is_custom(key));
    let custom = custom.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
    phones.filter(|(_, text)| !text.is_empty()).chain(custom)
}

fn add<Key: Ord>(into: &mut BTreeMap<Key, BTreeSet<String>>, key: Key, id: &str) {
    into.entry(key).or_default().insert(id.to_owned());
}

fn remove<Key: Ord>(from: &mut BTreeMap<Key, BTreeSet<String>>, key: &Key, id: &str) {
    if let Some(ids) = from.get_mut(key) {
        ids.remove(id);
        if ids.is_empty() {
            from.remove(key);
        }
    }
}
