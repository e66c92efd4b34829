//! E-mail addresses, phone numbers and postal addresses: Wix replaces a whole list, so a change of one item is a new list that keeps
//! the ids, tags and all else of the items that stay
//! (<https://dev.wix.com/docs/api-reference/crm/members-contacts/contacts/contacts/contact-v4/update-contact>).

use serde_json::{Map, Value as Json};

use super::contact::line;
use crate::model::{field::Value, normal};

/// An item of a list, as Wix has it.
type Item = Map<String, Json>;

/// What Wix computes of an item and refuses or ignores when it is sent.
const COMPUTED: [&str; 2] = ["e164Phone", "formattedPhone"];

/// What Wix computes of an address.
const COMPUTED_OF_ADDRESS: [&str; 3] = ["formattedAddress", "countryFullname", "subdivisions"];

/// Returns the items of `info.<list>.items`.
pub(super) fn items_of(info: &Json, list: &str) -> Vec<Item> {
    let items = info.get(list).and_then(|wrapper| wrapper.get("items")?.as_array());
    items.into_iter().flatten().filter_map(|item| item.as_object().cloned()).collect()
}

/// Returns the list to send: without what Wix computes.
pub(super) fn sendable(items: Vec<Item>) -> Json {
    let strip = |mut item: Item| {
        item.retain(|key, _| !COMPUTED.contains(&key.as_str()));
        if let Some(Json::Object(address)) = item.get_mut("address") {
            address.retain(|key, _| !COMPUTED_OF_ADDRESS.contains(&key.as_str()));
            if address.contains_key("addressLine") {
                address.remove("streetAddress");
            }
        }
        Json::Object(item)
    };
    items.into_iter().map(strip).collect()
}

fn text<'a>(item: &'a Item, key: &str) -> Option<&'a str> {
    item.get(key).and_then(Json::as_str).filter(|text| !text.is_empty())
}

/// How the items of a list are compared and written.
pub(super) trait Entry {
    /// Tells whether the item holds this value.
    fn is(&self, item: &Item, value: &str) -> bool;

    /// Makes the item hold this value.
    fn set(&self, item: &mut Item, value: &str);
}

/// E-mail addresses.
pub(super) struct Emails;

impl Entry for Emails {
    fn is(&self, item: &Item, value: &str) -> bool {
        text(item, "email").is_some_and(|email| normal::email(email) == normal::email(value))
    }

    fn set(&self, item: &mut Item, value: &str) {
        item.insert("email".to_owned(), value.into());
    }
}

/// Phone numbers, with the site's country for those without prefix.
pub(super) struct Phones<'a>(pub(super) Option<&'a str>);

impl Entry for Phones<'_> {
    fn is(&self, item: &Item, value: &str) -> bool {
        let country = text(item, "countryCode").or(self.0);
        let form = |number: &str| normal::phone(number, country);
        text(item, "e164Phone").is_some_and(|number| number == value || number == form(value))
            || text(item, "phone").is_some_and(|number| form(number) == form(value))
    }

    /// Wix tells E.164 only of a number that comes with its country.
    fn set(&self, item: &mut Item, value: &str) {
        let known = text(item, "countryCode").or(self.0).map(str::to_owned);
        item.insert("phone".to_owned(), value.into());
        item.remove("e164Phone");
        match country_of(value, known.as_deref()) {
            Some(country) => item.insert("countryCode".to_owned(), country.into()),
            None => item.remove("countryCode"),
        };
    }
}

/// Returns the country (ISO 3166-1 alpha-2) of a number that can be parsed, with `known` for those without prefix.
fn country_of(number: &str, known: Option<&str>) -> Option<String> {
    let known = known.and_then(|code| code.to_ascii_uppercase().parse::<phonenumber::country::Id>().ok());
    let number = phonenumber::parse(known, number.trim()).ok()?;
    // A number that is not assigned still has the calling code of a country; the main one is listed first.
    let main = || {
        let regions = phonenumber::metadata::DATABASE.by_code(&number.country().code())?;
        regions.first().map(|region| region.id().to_owned())
    };
    number.country().id().map(|id| id.as_ref().to_owned()).or_else(main).filter(|id| id.len() == 2 && id.is_ascii() && id != "00")
}

/// Returns an item of its own that holds a value.
pub(super) fn new_item(entry: &impl Entry, value: &str) -> Item {
    changed(entry, Item::new(), value)
}

/// Tells whether one of a list's items holds a value.
pub(super) fn holds_any(info: &Json, list: &str, entry: &impl Entry, value: &str) -> bool {
    items_of(info, list).iter().any(|item| entry.is(item, value))
}

/// What happens to the primary item: nothing, it goes, or it holds this value.
pub(super) type Change<'a> = Option<Option<&'a str>>;

/// Returns the list with another primary item and other others, the primary one first. `others` of `None` leaves them as they are.
pub(super) fn rebuild(entry: &impl Entry, items: &[Item], primary: Change<'_>, others: Option<&[String]>) -> Vec<Item> {
    let index = items.iter().position(|item| item.get("primary") == Some(&Json::Bool(true))).unwrap_or_default();
    let old = items.get(index);
    let new = match primary {
        None => old.cloned(),
        Some(value) => value.map(|value| {
            let known = old.filter(|item| entry.is(item, value)).or_else(|| items.iter().find(|item| entry.is(item, value)));
            match known {
                Some(item) if old == Some(item) => item.clone(),
                Some(item) => marked(item.clone()),
                None => marked(changed(entry, old.cloned().unwrap_or_default(), value)),
            }
        }),
    };
    let is_primary = |value: &str| new.as_ref().is_some_and(|item| entry.is(item, value));
    let others: Vec<Item> = match others {
        None => {
            let rest = items.iter().enumerate().filter(|(at, _)| *at != index).map(|(_, item)| item);
            rest.filter(|item| primary.flatten().is_none_or(|value| !entry.is(item, value))).cloned().collect()
        }
        Some(values) => {
            let wanted = values.iter().filter(|value| !is_primary(value));
            let item = |value: &String| {
                let known = items.iter().find(|item| entry.is(item, value)).cloned();
                unmarked(known.unwrap_or_else(|| changed(entry, Item::new(), value)))
            };
            wanted.map(item).collect()
        }
    };
    new.into_iter().chain(others).collect()
}

fn changed(entry: &impl Entry, mut item: Item, value: &str) -> Item {
    entry.set(&mut item, value);
    item
}

fn marked(mut item: Item) -> Item {
    item.insert("primary".to_owned(), true.into());
    item
}

fn unmarked(mut item: Item) -> Item {
    if item.get("primary") == Some(&Json::Bool(true)) {
        item.insert("primary".to_owned(), false.into());
    }
    item
}

/// Makes the first item behind the primary one that has this tag hold `value`, or takes it away.
pub(super) fn set_tagged(entry: &impl Entry, items: &mut Vec<Item>, tag: &str, value: Option<&str>) {
    let at = (1..items.len()).find(|at| items.get(*at).is_some_and(|item| text(item, "tag") == Some(tag)));
    match (at, value) {
        (Some(at), None) => {
            items.remove(at);
        }
        (Some(at), Some(value)) => {
            if let Some(item) = items.get_mut(at).filter(|item| !entry.is(item, value)) {
                entry.set(item, value);
            }
        }
        (None, Some(value)) => {
            let untagged = |item: &&mut Item| matches!(text(item, "tag"), None | Some("UNTAGGED")) && entry.is(item, value);
            if let Some(item) = items.iter_mut().skip(1).find(untagged) {
                item.insert("tag".to_owned(), tag.into());
            } else {
                let mut item = changed(entry, Item::new(), value);
                item.insert("tag".to_owned(), tag.into());
                items.push(item);
            }
        }
        (None, None) => {}
    }
}

/// Adds an address of these parts behind the others.
pub(super) fn add_address<'a>(items: &mut Vec<Item>, parts: impl Iterator<Item = (&'static str, Option<&'a Value>)>) {
    let text = |(part, value): (&'static str, Option<&Value>)| Some((part.to_owned(), value?.as_text()?.into()));
    let address: Map<String, Json> = parts.filter_map(text).collect();
    if !address.is_empty() {
        items.push(Item::from_iter([("address".to_owned(), Json::Object(address))]));
    }
}

/// Sets or clears a part of the first address, or of the first other one with this tag.
pub(super) fn set_part(items: &mut Vec<Item>, tag: Option<&str>, part: &str, value: Option<&Value>) {
    let value = value.and_then(Value::as_text);
    let at = match tag {
        None => (!items.is_empty()).then_some(0),
        Some(tag) => (1..items.len()).find(|at| items.get(*at).is_some_and(|item| text(item, "tag") == Some(tag))),
    };
    let Some(at) = at.or_else(|| value.is_some().then(|| append_address(items, tag))) else { return };
    let Some(item) = items.get_mut(at) else { return };
    let Json::Object(address) = item.entry("address").or_insert_with(|| Json::Object(Map::new())) else { return };
    let unchanged = if part == "addressLine" { line(address).as_deref() == value } else { text(address, part) == value };
    if unchanged {
        return;
    }
    // They belong to the place that the address named before.
    for derived in ["formattedAddress", "geocode", "hint"] {
        address.remove(derived);
    }
    if part == "addressLine" {
        address.remove("streetAddress");
    }
    match value {
        Some(value) => address.insert(part.to_owned(), value.into()),
        None => address.remove(part),
    };
}

fn append_address(items: &mut Vec<Item>, tag: Option<&str>) -> usize {
    let mut item = Item::new();
    if let Some(tag) = tag {
        item.insert("tag".to_owned(), tag.into());
    }
    items.push(item);
    items.len() - 1
}

/// Drops addresses that a change left without any part.
pub(super) fn drop_empty_addresses(items: &mut Vec<Item>) {
    items.retain(|item| {
        item.get("address").and_then(Json::as_object).is_some_and(|address| {
            address.iter().any(|(key, value)| !COMPUTED_OF_ADDRESS.contains(&key.as_str()) && !matches!(value, Json::Null) && value != "")
        })
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_country_comes_from_the_number_or_from_what_is_known() {
        for (number, known, expected) in [
            ("+43 1 58858", None, Some("AT")),
            ("+16135550132", None, Some("CA")),
            ("+16465550132", None, Some("US")),
            ("(212) 736-5000", Some("us"), Some("US")),
            ("(212) 736-5000", None, None),
            ("ask for Ada", Some("US"), None),
            ("+800 1234 0000", None, None),
        ] {
            assert_eq!(country_of(number, known).as_deref(), expected, "{number}");
        }
    }
}
