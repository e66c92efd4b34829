//! What the values of a form change on a contact.
//!
//! E-mail addresses, phone numbers, postal addresses and labels are lists: what the contact does not have is added. Everything else is
//! single: what is empty is filled, what is filled stays, unless the form's owner decided that the form wins.

mod places;

use std::collections::BTreeSet;

use crate::model::{
    field::{Field, Fields, Patch, Value},
    normal,
    submission::{Reason, Rejected, Values},
};

/// How a form's values are taken.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// Whether a filled single value is overridden.
    pub override_filled: bool,
    /// The labels everybody gets.
    pub labels: &'a [String],
    /// The country (ISO 3166-1 alpha-2) of phone numbers without a prefix.
    pub country: Option<&'a str>,
}

/// What is to be changed, and what became of each value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upsert {
    /// The changes; empty if there are none.
    pub patch: Patch,
    /// The fields whose values the contact has, or will have.
    pub accepted: BTreeSet<Field>,
    /// The values it keeps something else instead of.
    pub rejected: Vec<Rejected>,
}

/// Decides what a form's values change on a contact with these fields; without any fields, what a new contact has.
#[must_use]
pub fn decide(known: &Fields, sent: &Values, rules: Rules<'_>) -> Upsert {
    let mut drafting = Drafting { known, sent, rules, upsert: Upsert::default() };
    drafting.emails();
    drafting.phones();
    drafting.addresses();
    drafting.singles();
    drafting.labels();
    drafting.upsert
}

/// Takes out of the values what a side refuses, as far as the contact does not have it already: what it names, or everything if it names
/// nothing that was sent; returns the fields.
pub fn drop_refused(sent: &mut Values, refused: &[Field], known: &Fields, country: Option<&str>) -> BTreeSet<Field> {
    let is_named = |field: &Field| refused.iter().any(|refused| same_part(field, refused));
    let all = !sent.keys().any(is_named);
    let mut dropped = BTreeSet::new();
    for (field, texts) in sent.iter_mut().filter(|(field, _)| all || is_named(field)) {
        let before = texts.len();
        texts.retain(|text| is_known(field, text, known, country));
        if texts.len() < before {
            dropped.insert(field.clone());
        }
    }
    sent.retain(|_, texts| !texts.is_empty());
    dropped
}

/// Tells whether a refusal of one field is about the other: elements of a list move between its fields.
fn same_part(sent: &Field, refused: &Field) -> bool {
    let part = Part::of(sent);
    part == Part::of(refused) && (part != Part::Single || sent == refused)
}

fn is_known(field: &Field, text: &str, known: &Fields, country: Option<&str>) -> bool {
    let has = |names: [&str; 2], form: &dyn Fn(&str) -> String| {
        let values = names.into_iter().filter_map(|name| known.get(&Field::from(name)));
        values.flat_map(Value::elements).any(|own| form(own) == form(text))
    };
    match Part::of(field) {
        Part::Email => has(["email", "emails"], &normal::email),
        Part::Phone => has(["phone", "phones"], &|text| normal::phone(text, country)),
        Part::Single => known.get(field).and_then(Value::as_text).is_some_and(|own| own.trim() == text.trim()),
        Part::Address | Part::Labels => false,
    }
}

/// What a field of a form is to a contact.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Email,
    Phone,
    Address,
    Labels,
    Single,
}

impl Part {
    fn of(field: &Field) -> Self {
        let name = field.as_str();
        match name.split('.').next().unwrap_or_default() {
            "email" | "emails" => Self::Email,
            "phone" | "phones" => Self::Phone,
            "address" => Self::Address,
            "labels" => Self::Labels,
            _ => Self::Single,
        }
    }
}

struct Drafting<'a> {
    known: &'a Fields,
    sent: &'a Values,
    rules: Rules<'a>,
    upsert: Upsert,
}

impl<'a> Drafting<'a> {
    /// The values sent for a kind of fields, a tag's after those without one.
    fn sent(&self, part: Part) -> impl Iterator<Item = (&'a Field, &'a [String])> + use<'a> {
        self.sent.iter().filter(move |(field, _)| Part::of(field) == part).map(|(field, texts)| (field, texts.as_slice()))
    }

    fn known(&self, name: &str) -> &'a [String] {
        self.known.get(&Field::from(name)).map(Value::elements).unwrap_or_default()
    }

    fn put(&mut self, name: impl Into<String>, value: Option<Value>) {
        self.upsert.patch.insert(Field::new(name), value);
    }

    fn accept(&mut self, field: &Field) {
        self.upsert.accepted.insert(field.clone());
    }

    fn emails(&mut self) {
        let known = [self.known("email"), self.known("emails")].concat();
        let mut seen: BTreeSet<String> = known.iter().map(|email| normal::email(email)).collect();
        let mut new = Vec::new();
        for (field, texts) in self.sent(Part::Email) {
            new.extend(texts.iter().filter(|email| seen.insert(normal::email(email))).cloned());
            self.accept(field);
        }
        self.add("email", "emails", new);
    }

    fn phones(&mut self) {
        let country = self.rules.country;
        let known = [self.known("phone"), self.known("phones")].concat();
        let mut seen: BTreeSet<String> = known.iter().map(|phone| normal::phone(phone, country)).collect();
        let mut new = Vec::new();
        for (field, texts) in self.sent(Part::Phone) {
            self.accept(field);
            let is_tagged = field.as_str().starts_with("phone.");
            for phone in texts.iter().filter(|phone| seen.insert(normal::phone(phone, country))) {
                // A tag names one number: others are added without it.
                if is_tagged && self.known.get(field).is_none() && !self.upsert.patch.contains_key(field) {
                    self.put(field.as_str(), Value::text(phone));
                } else {
                    new.push(phone.clone());
                }
            }
        }
        self.add("phone", "phones", new);
    }

    /// Adds to a list whose primary element has a field of its own.
    fn add(&mut self, primary: &str, others: &str, mut new: Vec<String>) {
        if self.known(primary).is_empty() && !new.is_empty() {
            let first = new.remove(0);
            self.put(primary, Value::text(first));
        }
        if !new.is_empty() {
            let all = self.known(others).iter().cloned().chain(new);
            self.put(others, Value::list(all));
        }
    }

    fn addresses(&mut self) {
        let mut known = places::of(self.known);
        let sent: Fields = self.sent(Part::Address).filter_map(|(field, texts)| Some((field.clone(), joined(texts)?))).collect();
        for place in places::of(&sent) {
            let reason = if known.iter().any(|known| known.has(&place)) {
                None
            } else if let Some(spot) = places::free_spot(&known, &place, &self.upsert.patch) {
                for (part, text) in &place.parts {
                    self.put(format!("{spot}.{part}"), Value::text(*text));
                }
                None
            } else {
                Some(Reason::Filled)
            };
            for part in place.parts.keys() {
                let field = Field::new(format!("{}.{part}", place.name));
                match reason {
                    None => self.accept(&field),
                    Some(reason) => self.upsert.rejected.push(Rejected { field, reason }),
                }
            }
            known.push(places::Place { name: place.name, parts: place.parts });
        }
    }

    fn singles(&mut self) {
        for (field, texts) in self.sent(Part::Single) {
            let Some(value) = joined(texts) else { continue };
            let same = self.known.get(field).map(|known| known.elements().join(", ").trim() == value.elements().concat());
            match same {
                Some(true) => self.accept(field),
                Some(false) if !self.rules.override_filled => {
                    self.upsert.rejected.push(Rejected { field: field.clone(), reason: Reason::Filled });
                }
                Some(false) | None => {
                    self.accept(field);
                    self.put(field.as_str(), Some(value));
                }
            }
        }
    }

    fn labels(&mut self) {
        let known = self.known("labels");
        let new: Vec<_> = self.rules.labels.iter().filter(|label| !known.contains(label)).cloned().collect();
        if !new.is_empty() {
            self.put("labels", Value::list(known.iter().cloned().chain(new)));
        }
    }
}

/// Makes one text of several: the ticked boxes of a group.
fn joined(texts: &[String]) -> Option<Value> {
    Value::text(texts.iter().map(|text| text.trim()).filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests;
