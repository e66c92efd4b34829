//! Who has which address and number, so that looking one up does not mean looking at everybody.

use std::collections::{BTreeMap, BTreeSet};

use super::{contact::Contact, items, phone};

/// Ids of existing contacts by lower-cased e-mail and by the digits of their phones.
#[derive(Default)]
pub(super) struct Directory {
    emails: BTreeMap<String, BTreeSet<String>>,
    phones: BTreeMap<String, BTreeSet<String>>,
}

impl Directory {
    /// Takes the contact's former entries out and puts its present ones in.
    pub fn replace(&mut self, before: Option<&Contact>, now: &Contact) {
        if let Some(before) = before {
            before.emails().for_each(|email| remove(&mut self.emails, &email, &before.id));
            phones(before).for_each(|digits| remove(&mut self.phones, &digits, &before.id));
        }
        if now.is_live() {
            now.emails().for_each(|email| add(&mut self.emails, email, &now.id));
            phones(now).for_each(|digits| add(&mut self.phones, digits, &now.id));
        }
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

fn add(into: &mut BTreeMap<String, BTreeSet<String>>, key: String, id: &str) {
    into.entry(key).or_default().insert(id.to_owned());
}

fn remove(from: &mut BTreeMap<String, BTreeSet<String>>, key: &str, id: &str) {
    if let Some(ids) = from.get_mut(key) {
        ids.remove(id);
        if ids.is_empty() {
            from.remove(key);
        }
    }
}
