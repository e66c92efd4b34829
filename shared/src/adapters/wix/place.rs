//! Our field names and where their values stand in a Wix contact.

use serde_json::Value;

use crate::model::field::Field;

/// Where a field's value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// `info.name.first` or `info.name.last`.
    Name(&'static str),
    /// A text straight under `info`.
    Scalar(&'static str),
    /// The primary e-mail address.
    Email,
    /// The other e-mail addresses.
    Emails,
    /// The primary phone number.
    Phone,
    /// The other phone numbers.
    Phones,
    /// The first other phone number with this tag.
    PhoneTag(&'static str),
    /// A part of the first address, or of the first other one with this tag.
    Address(Option<&'static str>, &'static str),
    /// A part of an address that is not there yet, behind the others.
    NewAddress(&'static str),
    /// The label keys.
    Labels,
    /// An extended field, by its key.
    Extended(String),
}

/// The texts straight under `info`.
pub(super) const SCALARS: [&str; 4] = ["company", "jobTitle", "birthdate", "locale"];

/// Our name of a phone's tag, and Wix's.
pub(super) const PHONE_TAGS: [(&str, &str); 4] = [("home", "HOME"), ("mobile", "MOBILE"), ("work", "WORK"), ("fax", "FAX")];

/// Our name of an address's tag, and Wix's.
pub(super) const ADDRESS_TAGS: [(&str, &str); 4] = [("home", "HOME"), ("work", "WORK"), ("billing", "BILLING"), ("shipping", "SHIPPING")];

/// Our name of an address's part, and Wix's.
pub(super) const PARTS: [(&str, &str); 6] = [
    ("line", "addressLine"),
    ("line2", "addressLine2"),
    ("city", "city"),
    ("subdivision", "subdivision"),
    ("country", "country"),
    ("postalCode", "postalCode"),
];

fn theirs(table: &'static [(&'static str, &'static str)], ours: &str) -> Option<&'static str> {
    table.iter().find(|row| row.0 == ours).map(|row| row.1)
}

/// Returns our name for one of Wix's in `table`.
pub(super) fn ours(table: &'static [(&'static str, &'static str)], theirs: &str) -> Option<&'static str> {
    table.iter().find(|row| row.1 == theirs).map(|row| row.0)
}

impl Place {
    /// Finds the place of a field; `None` if Wix has none of that name.
    pub(super) fn of(field: &Field) -> Option<Self> {
        let name = field.as_str();
        match name.split('.').collect::<Vec<_>>().as_slice() {
            ["name", "first"] => Some(Self::Name("first")),
            ["name", "last"] => Some(Self::Name("last")),
            ["email"] => Some(Self::Email),
            ["emails"] => Some(Self::Emails),
            ["phone"] => Some(Self::Phone),
            ["phones"] => Some(Self::Phones),
            ["labels"] => Some(Self::Labels),
            ["phone", tag] => theirs(&PHONE_TAGS, tag).map(Self::PhoneTag),
            ["address", part] => Some(Self::Address(None, theirs(&PARTS, part)?)),
            ["address", "new", part] => theirs(&PARTS, part).map(Self::NewAddress),
            ["address", tag, part] => Some(Self::Address(Some(theirs(&ADDRESS_TAGS, tag)?), theirs(&PARTS, part)?)),
            [scalar] => SCALARS.into_iter().find(|name| name == scalar).map(Self::Scalar),
            [_, _, ..] => Some(Self::Extended(name.to_owned())),
            [] => None,
        }
    }
}

/// Tells whether the API lets anybody write this extended field. The keys of the namespaces `contacts`, `members`, `ecom` and
/// `emailSubscriptions` are read-only
/// (<https://dev.wix.com/docs/api-reference/crm/members-contacts/contacts/extended-fields/introduction>).
pub(super) fn is_writable(key: &str) -> bool {
    key.starts_with("custom.") || key == "invoices.vatId"
}

/// Names the fields that violations speak of; a path that we have no field for is left out. `sent` tells what an index means.
pub(super) fn refused_fields<'a>(paths: impl Iterator<Item = &'a str>, sent: Option<&Value>) -> Vec<Field> {
    let mut fields: Vec<Field> = paths.flat_map(|path| refused_by(path, sent)).collect();
    fields.sort();
    fields.dedup();
    fields
}

/// Paths come as `contact.info.addresses[0].address.city`, with or without `contact`, `info` and `items`.
fn refused_by(path: &str, sent: Option<&Value>) -> Vec<Field> {
    let path = path.strip_prefix("contact.").unwrap_or(path);
    let path = path.strip_prefix("info.").unwrap_or(path);
    let (list, rest) = path.split_once(['.', '[']).unwrap_or((path, ""));
    let rest = rest.strip_prefix("items").map_or(rest, |rest| rest.trim_start_matches(['.', '[']));
    let index = || rest.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse::<usize>().ok());
    let item = |index: usize| sent?.get(list)?.get("items")?.get(index);
    let names: Vec<String> = match list {
        "name" | "company" | "jobTitle" | "birthdate" | "locale" => vec![path.to_owned()],
        "labelKeys" => vec!["labels".to_owned()],
        "extendedFields" => vec![rest.trim_matches(['"', '\'', ']']).to_owned()],
        "emails" | "phones" => {
            let index = index().unwrap_or_default();
            listed(list, index, item(index))
        }
        "addresses" => {
            let index = index().unwrap_or_default();
            address_part(rest).map(|part| address_field(index, item(index), part)).into_iter().collect()
        }
        _ => Vec::new(),
    };
    names.into_iter().map(Field::new).filter(|field| Place::of(field).is_some()).collect()
}

fn listed(list: &str, index: usize, item: Option<&Value>) -> Vec<String> {
    let primary = item.and_then(|item| item.get("primary")?.as_bool()).unwrap_or(index == 0);
    let one = list.trim_end_matches('s');
    if primary {
        return vec![one.to_owned()];
    }
    let tag = item.and_then(|item| ours(&PHONE_TAGS, item.get("tag")?.as_str()?)).filter(|_| list == "phones");
    tag.map(|tag| format!("{one}.{tag}")).into_iter().chain([list.to_owned()]).collect()
}

fn address_part(rest: &str) -> Option<&'static str> {
    let name = rest.split_once("address.")?.1;
    if name.starts_with("streetAddress") { Some("line") } else { ours(&PARTS, name) }
}

fn address_field(index: usize, item: Option<&Value>, part: &str) -> String {
    let tag = item.and_then(|item| ours(&ADDRESS_TAGS, item.get("tag")?.as_str()?)).filter(|_| index > 0);
    tag.map_or_else(|| format!("address.{part}"), |tag| format!("address.{tag}.{part}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_name_has_its_place() {
        for (name, place) in [
            ("name.first", Some(Place::Name("first"))),
            ("jobTitle", Some(Place::Scalar("jobTitle"))),
            ("phone.fax", Some(Place::PhoneTag("FAX"))),
            ("phone.main", None),
            ("address.line2", Some(Place::Address(None, "addressLine2"))),
            ("address.billing.city", Some(Place::Address(Some("BILLING"), "city"))),
            ("address.new.city", Some(Place::NewAddress("city"))),
            ("address.moon.city", None),
            ("address.2.city", None),
            ("custom.vat-id", Some(Place::Extended("custom.vat-id".to_owned()))),
            ("picture", None),
            ("", None),
        ] {
            assert_eq!(Place::of(&Field::new(name)), place, "{name}");
        }
    }

    #[test]
    fn violations_are_named_in_our_words() {
        let sent = json!({
            "emails": {"items": [{"email": "a", "primary": false}, {"email": "b", "primary": true}]},
            "phones": {"items": [{"phone": "1", "primary": true}, {"phone": "2", "tag": "MOBILE"}]},
            "addresses": {"items": [{"tag": "HOME", "address": {}}, {"tag": "BILLING", "address": {}}]},
        });
        for (path, expected) in [
            ("contact.addresses[0].address.subdivision", vec!["address.subdivision"]),
            ("contact.info.addresses.items[1].address.country", vec!["address.billing.country"]),
            ("info.addresses.items[0].address.streetAddress.name", vec!["address.line"]),
            ("info.emails.items[0].email", vec!["emails"]),
            ("info.emails.items[1].email", vec!["email"]),
            ("info.phones[1].phone", vec!["phone.mobile", "phones"]),
            ("info.name.last", vec!["name.last"]),
            ("birthdate", vec!["birthdate"]),
            ("info.labelKeys.items[3]", vec!["labels"]),
            ("info.extendedFields.items.custom.vat-id", vec!["custom.vat-id"]),
            ("info.extendedFields.items[custom.vat-id]", vec!["custom.vat-id"]),
            ("revision", vec![]),
            ("info.picture.image", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(refused_by(path, Some(&sent)).iter().map(Field::as_str).collect::<Vec<_>>(), expected, "{path}");
        }
    }
}
