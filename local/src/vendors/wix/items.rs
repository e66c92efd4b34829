//! The lists of a contact's info: e-mails, phones, addresses.

use serde_json::{Map, Value, json};

use super::{
    info::{Rules, text, too_many},
    phone,
    refusal::{Refusal, object},
};

/// Most items of each list.
const MOST: usize = 50;

/// The list `kind` (`emails`, `phones` or `addresses`) with ids, tags, primary flags and derived fields filled in.
///
/// # Errors
/// 400 for whatever breaks a rule.
pub(super) fn read(rules: &Rules<'_>, kind: &str, wrapper: &Map<String, Value>) -> Result<Value, Refusal> {
    let path = format!("contact.{kind}");
    let sent = match wrapper.get("items") {
        None | Some(Value::Null) => return Ok(json!({})),
        Some(Value::Array(sent)) => sent,
        Some(_) => return Err(Refusal::bare(400, "Expected an array")),
    };
    if sent.len() > MOST {
        return Err(too_many(&path, MOST));
    }
    let mut items = Vec::new();
    for (index, item) in sent.iter().enumerate() {
        let Value::Object(item) = item else {
            return Err(Refusal::bare(400, "Expected an object"));
        };
        let path = format!("{path}[{index}]");
        let mut read = match kind {
            "emails" => email(rules, item, &path)?,
            "phones" => phone_item(rules, item, &path)?,
            _ => address_item(item, &path)?,
        };
        read.insert("id".to_owned(), id(rules, item).into());
        items.push(read);
    }
    if kind != "addresses" {
        settle_primary(&mut items)?;
    }
    Ok(json!({"items": items}))
}

/// Items as stored in `info`.
pub(super) fn of<'a>(info: &'a Map<String, Value>, kind: &str) -> &'a [Value] {
    info.get(kind).and_then(|wrapper| wrapper.get("items")).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The primary item of a stored list.
pub(super) fn primary<'a>(info: &'a Map<String, Value>, kind: &str) -> Option<&'a Value> {
    of(info, kind).iter().find(|item| item.get("primary") == Some(&Value::Bool(true)))
}

/// A text of an item.
pub(super) fn part<'a>(item: &'a Value, key: &str) -> &'a str {
    item.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn id(rules: &Rules<'_>, sent: &Map<String, Value>) -> String {
    let kept = sent.get("id").and_then(Value::as_str).filter(|_| rules.switches.flag("item_ids_kept"));
    kept.map_or_else(|| rules.ids.guid(), str::to_owned)
}

fn settle_primary(items: &mut [Map<String, Value>]) -> Result<(), Refusal> {
    let is_primary = |item: &Map<String, Value>| item.get("primary") == Some(&Value::Bool(true));
    let chosen = items.iter().filter(|item| is_primary(item)).count();
    if chosen > 1 {
        let text = "Only one email and one phone can be primary.";
        return Err(Refusal::coded(400, "CANNOT_HAVE_MULTIPLE_PRIMARY_INFO", text));
    }
    let first = items.first_mut().filter(|_| chosen == 0);
    if let Some(first) = first {
        first.insert("primary".to_owned(), true.into());
    }
    Ok(())
}

fn tag(sent: &Map<String, Value>, path: &str, allowed: &[&str]) -> Result<Value, Refusal> {
    let tag = text(sent, "tag", &format!("{path}.tag"), 50)?.unwrap_or_else(|| "UNTAGGED".to_owned());
    if allowed.contains(&tag.as_str()) {
        return Ok(tag.into());
    }
    Err(Refusal::field(&format!("{path}.tag"), "ENUM", "is not a valid tag", &json!({"allowed": allowed})))
}

fn flag_primary(sent: &Map<String, Value>) -> Value {
    (sent.get("primary") == Some(&Value::Bool(true))).into()
}

fn required(sent: &Map<String, Value>, key: &str, path: &str, longest: usize) -> Result<String, Refusal> {
    let path = format!("{path}.{key}");
    text(sent, key, &path, longest)?
        .filter(|text| !text.is_empty())
        .ok_or_else(|| Refusal::field(&path, "REQUIRED_FIELD", "must not be empty", &json!({})))
}

fn email(rules: &Rules<'_>, sent: &Map<String, Value>, path: &str) -> Result<Map<String, Value>, Refusal> {
    let email = required(sent, "email", path, 320)?;
    if rules.switches.flag("email_format") && !looks_like_email(&email) {
        return Err(Refusal::format(&format!("{path}.email"), "EMAIL"));
    }
    let mut item = Map::new();
    item.insert("tag".to_owned(), tag(sent, path, &["UNTAGGED", "MAIN", "HOME", "WORK"])?);
    item.insert("email".to_owned(), email.into());
    item.insert("primary".to_owned(), flag_primary(sent));
    Ok(item)
}

pub(super) fn looks_like_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    !local.is_empty() && !local.contains('@') && domain.contains('.') && !text.contains(char::is_whitespace)
}

fn phone_item(rules: &Rules<'_>, sent: &Map<String, Value>, path: &str) -> Result<Map<String, Value>, Refusal> {
    let number = required(sent, "phone", path, 50)?;
    let country = country(sent, "countryCode", path)?;
    let mut item = Map::new();
    item.insert("tag".to_owned(), tag(sent, path, &["UNTAGGED", "MAIN", "HOME", "MOBILE", "WORK", "FAX"])?);
    item.insert("primary".to_owned(), flag_primary(sent));
    let mut shown = number.clone();
    if let Some(country) = country {
        if let Some(e164) = phone::e164(&country, &number) {
            item.insert("e164Phone".to_owned(), e164.into());
        }
        if rules.switches.flag("phone_reformatting") {
            shown = phone::national(&country, &number).unwrap_or(number);
        }
        item.insert("countryCode".to_owned(), country.into());
    }
    item.insert("phone".to_owned(), shown.into());
    Ok(item)
}

fn country(sent: &Map<String, Value>, key: &str, path: &str) -> Result<Option<String>, Refusal> {
    let path = format!("{path}.{key}");
    match text(sent, key, &path, 50)?.filter(|code| !code.is_empty()) {
        Some(code) if rust_iso3166::from_alpha2(&code).is_none() => Err(Refusal::format(&path, "COUNTRY")),
        code => Ok(code),
    }
}

fn address_item(sent: &Map<String, Value>, path: &str) -> Result<Map<String, Value>, Refusal> {
    let empty = Map::new();
    let address = object(sent, "address")?.unwrap_or(&empty);
    let mut item = Map::new();
    item.insert("tag".to_owned(), tag(sent, path, &["UNTAGGED", "HOME", "WORK", "BILLING", "SHIPPING"])?);
    item.insert("address".to_owned(), self::address(address, &format!("{path}.address"))?);
    Ok(item)
}

fn address(sent: &Map<String, Value>, path: &str) -> Result<Value, Refusal> {
    let mut address = Map::new();
    for key in ["addressLine", "addressLine2", "city", "postalCode", "hint"] {
        if let Some(value) = text(sent, key, &format!("{path}.{key}"), 1000)?.filter(|value| !value.is_empty()) {
            address.insert(key.to_owned(), value.into());
        }
    }
    if let Some(street) = object(sent, "streetAddress")? {
        if address.contains_key("addressLine") {
            let text = "must hold streetAddress or addressLine, not both";
            return Err(Refusal::field(path, "ONEOF", text, &json!({})));
        }
        address.insert("streetAddress".to_owned(), street_address(street, path)?);
    }
    if let Some(code) = country(sent, "country", path)? {
        address.insert("country".to_owned(), code.into());
    }
    if let Some(code) = subdivision(sent, path)? {
        address.insert("subdivision".to_owned(), code.into());
    }
    if let Some(geocode) = object(sent, "geocode")? {
        address.insert("geocode".to_owned(), Value::Object(geocode.clone()));
    }
    let formatted = formatted(&address);
    if !formatted.is_empty() {
        address.insert("formattedAddress".to_owned(), formatted.into());
    }
    Ok(Value::Object(address))
}

fn street_address(sent: &Map<String, Value>, path: &str) -> Result<Value, Refusal> {
    let mut street = Map::new();
    for key in ["number", "name", "apt"] {
        if let Some(value) = text(sent, key, &format!("{path}.streetAddress.{key}"), 1000)? {
            street.insert(key.to_owned(), value.into());
        }
    }
    Ok(Value::Object(street))
}

/// The subdivision must be of the form `US-NY`; Wix answers a bare `NY` with 400.
fn subdivision(sent: &Map<String, Value>, path: &str) -> Result<Option<String>, Refusal> {
    let path = format!("{path}.subdivision");
    match text(sent, "subdivision", &path, 50)?.filter(|code| !code.is_empty()) {
        Some(code) if rust_iso3166::iso3166_2::from_code(&code).is_none() => Err(Refusal::format(&path, "SUBDIVISION")),
        code => Ok(code),
    }
}

fn formatted(address: &Map<String, Value>) -> String {
    let get = |key: &str| address.get(key).and_then(Value::as_str).unwrap_or_default();
    let street = address.get("streetAddress").map(|s| format!("{} {} {}", part(s, "number"), part(s, "name"), part(s, "apt")));
    let subdivision = rust_iso3166::iso3166_2::from_code(get("subdivision")).map_or("", |found| found.name);
    let country = rust_iso3166::from_alpha2(get("country")).map_or("", |found| found.name);
    let place = format!("{subdivision} {}", get("postalCode"));
    let city: Vec<&str> = [get("city"), place.trim()].into_iter().filter(|part| !part.is_empty()).collect();
    let lines = [
        street.unwrap_or_default().trim().to_owned(),
        get("addressLine").to_owned(),
        get("addressLine2").to_owned(),
        city.join(", "),
        country.to_owned(),
    ];
    lines.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}
