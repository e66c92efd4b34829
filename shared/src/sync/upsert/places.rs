//! Postal addresses as groups of fields.

use std::collections::BTreeMap;

use crate::model::{
    field::{Field, Fields, Patch},
    normal,
};

/// Where an address goes that the contact has no free spot for: behind the others.
const BEHIND: &str = "address.new";

/// One postal address.
#[derive(Clone, Debug)]
pub(super) struct Place<'a> {
    /// What its fields begin with: `address`, `address.home`, `address.3`.
    pub name: &'a str,
    /// Its parts.
    pub parts: BTreeMap<&'a str, &'a str>,
}

impl Place<'_> {
    /// Tells whether this address says all that the other one says.
    pub fn has(&self, other: &Place<'_>) -> bool {
        other.parts.iter().all(|(part, text)| self.parts.get(part).is_some_and(|own| normal::loose(own) == normal::loose(text)))
    }
}

/// Returns the addresses among a contact's fields.
pub(super) fn of(fields: &Fields) -> Vec<Place<'_>> {
    let mut places = BTreeMap::<&str, BTreeMap<&str, &str>>::new();
    for (field, value) in fields.iter().filter(|(field, _)| field.as_str().starts_with("address.")) {
        if let (Some((name, part)), Some(text)) = (field.as_str().rsplit_once('.'), value.as_text()) {
            places.entry(name).or_default().insert(part, text);
        }
    }
    places.into_iter().map(|(name, parts)| Place { name, parts }).collect()
}

/// Returns where an address can be written without touching another one; `None` if nothing is left in this patch.
pub(super) fn free_spot<'a>(known: &[Place<'_>], place: &Place<'a>, patch: &Patch) -> Option<&'a str> {
    let is_taken = |name: &str| known.iter().any(|known| known.name == name) || is_written(patch, name);
    [place.name, BEHIND].into_iter().find(|name| !is_taken(name))
}

fn is_written(patch: &Patch, name: &str) -> bool {
    patch.keys().any(|field: &Field| field.as_str().rsplit_once('.').is_some_and(|(own, _)| own == name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::field::Value;

    #[test]
    fn addresses_are_told_apart_by_what_their_fields_begin_with() {
        let fields: Fields = [("address.city", "York"), ("address.home.city", "Rome"), ("address.2.line", "1 High St"), ("company", "X")]
            .map(|(name, text)| (Field::from(name), Value::Text(text.to_owned())))
            .into();
        let names: Vec<_> = of(&fields).iter().map(|place| place.name).collect();
        assert_eq!(names, ["address", "address.2", "address.home"]);
    }
}
