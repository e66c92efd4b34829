//! Fingerprints of mapped rows.

use crate::{
    mapping::{Mapping, Row},
    model::{
        contact::Contact,
        field::Value,
        fingerprint::{Digest, Key, Print},
        ids::Side,
        link::Base,
        normal,
    },
};

/// Fingerprints a row's value on one side; elements of lists under the form in which both sides share them.
#[must_use]
pub fn print(key: &Key, row: &Row, side: Side, value: Option<&Value>) -> Print {
    let domain = row.id().as_str();
    match value {
        Some(value) if row.is_list() => Print::List(value.elements().iter().map(|item| element(key, row, side, item)).collect()),
        value => key.print(domain, value),
    }
}

/// Fingerprints one element of a list row.
#[must_use]
pub fn element(key: &Key, row: &Row, side: Side, item: &str) -> Digest {
    key.digest(row.id().as_str(), &row.element_key(side, item))
}

/// Fingerprints a value without case, blanks and punctuation, to recognise what a far side made of it.
#[must_use]
pub fn loose(key: &Key, row: &Row, value: Option<&Value>) -> Print {
    let domain = format!("{}~", row.id());
    match value {
        Some(Value::List(items)) => Print::List(items.iter().map(|item| key.digest(&domain, &normal::loose(item))).collect()),
        Some(Value::Text(text)) => Print::Text(key.digest(&domain, &normal::loose(text))),
        None => Print::Empty,
    }
}

/// Fingerprints all mapped rows of a record; empty rows are left out.
#[must_use]
pub fn base(key: &Key, mapping: &Mapping, side: Side, contact: &Contact) -> Base {
    let prints = mapping.rows().iter().map(|row| (row.id().clone(), print(key, row, side, row.read(side, &contact.fields).as_ref())));
    prints.filter(|(_, print)| *print != Print::Empty).collect()
}

/// Tells whether any mapped row of a record differs from its base.
#[must_use]
pub fn differs(key: &Key, mapping: &Mapping, side: Side, contact: &Contact, base: &Base) -> bool {
    mapping.rows().iter().any(|row| {
        let now = print(key, row, side, row.read(side, &contact.fields).as_ref());
        base.get(row.id()).unwrap_or(&Print::Empty) != &now
    })
}
