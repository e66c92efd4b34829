//! What is known of Wix's fields by their names.
//! <https://dev.wix.com/docs/rest/crm/members-contacts/contacts/contacts/contact-v4/contact-object>

use crate::model::field::{Field, FieldSpec, Kind};

const PHONE_TAGS: [&str; 4] = ["home", "mobile", "work", "fax"];
const ADDRESS_TAGS: [&str; 4] = ["home", "work", "billing", "shipping"];
const ADDRESS_PARTS: [&str; 6] = ["line", "line2", "city", "subdivision", "country", "postalCode"];

/// What the texts of a Wix field are, as far as comparing goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Email,
    Phone,
    Other,
}

impl Content {
    pub fn of(wix: &Field) -> Self {
        match wix.as_str() {
            "email" | "emails" => Self::Email,
            "phone" | "phones" => Self::Phone,
            name if name.starts_with("phone.") => Self::Phone,
            name if name.starts_with("email.") => Self::Email,
            _ => Self::Other,
        }
    }
}

/// Tells whether a Wix field holds a list.
pub(super) fn is_list(wix: &Field) -> bool {
    matches!(wix.as_str(), "emails" | "phones" | "labels")
}

/// Tells whether writing one Wix field can change the other: `phones` holds what `phone.mobile` picks one of.
pub(super) fn overlap(a: &Field, b: &Field) -> bool {
    let within = |list: &Field, one: &Field| match list.as_str() {
        "emails" => one.as_str().starts_with("email."),
        "phones" => one.as_str().starts_with("phone."),
        _ => false,
    };
    a == b || within(a, b) || within(b, a)
}

/// Returns the fields that every Wix contact can have; a site's extended fields come on top.
#[must_use]
pub fn wix_fields() -> Vec<FieldSpec> {
    let spec = |name: &str, kind| FieldSpec { field: Field::from(name), kind, writable: true };
    let mut fields = vec![
        spec("name.first", Kind::Text),
        spec("name.last", Kind::Text),
        spec("company", Kind::Text),
        spec("jobTitle", Kind::Text),
        spec("birthdate", Kind::Date),
        spec("locale", Kind::Text),
        spec("email", Kind::Email),
        spec("emails", Kind::List(Box::new(Kind::Email))),
        spec("phone", Kind::Phone),
        spec("phones", Kind::List(Box::new(Kind::Phone))),
        spec("labels", Kind::List(Box::new(Kind::Text))),
    ];
    fields.extend(PHONE_TAGS.map(|tag| spec(&format!("phone.{tag}"), Kind::Phone)));
    for part in ADDRESS_PARTS {
        fields.push(spec(&format!("address.{part}"), Kind::Text));
        fields.extend(ADDRESS_TAGS.map(|tag| spec(&format!("address.{tag}.{part}"), Kind::Text)));
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_kinds_agree_on_what_is_a_list() {
        for spec in wix_fields() {
            assert_eq!(is_list(&spec.field), spec.kind.is_list(), "{}", spec.field);
        }
    }

    #[test]
    fn a_list_overlaps_with_what_is_picked_from_it() {
        for (a, b, expected) in [
            ("phones", "phone.mobile", true),
            ("phone.mobile", "phones", true),
            ("phones", "phone", false),
            ("phone.mobile", "phone.work", false),
            ("address.city", "address.home.city", false),
            ("email", "email", true),
        ] {
            assert_eq!(overlap(&a.into(), &b.into()), expected, "{a} {b}");
        }
    }
}
