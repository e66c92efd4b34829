//! What contacts can be filtered and sorted by, and which parts of them a caller can ask for.

use serde_json::{Map, Value, json};

use super::{
    definitions::Definitions,
    filter::{Codes, Field, Kind, at},
    refusal::{Refusal, texts},
};

/// Error codes of contact queries.
pub(super) const CODES: Codes = Codes {
    unknown_field: "UNSUPPORTED_FILTER_FIELD_UNKNOWN",
    value_type: "UNSUPPORTED_FILTER_VALUE_TYPE",
    sort: "UNSUPPORTED_SORT_FIELD",
};

const RANGE: &[&str] = &["$eq", "$ne", "$gt", "$gte", "$lt", "$lte"];
const WORDS: &[&str] = &["$eq", "$ne", "$in", "$exists", "$startsWith"];
const PRESENCE: &[&str] = &["$eq", "$ne", "$in", "$exists"];
const CHOICE: &[&str] = &["$eq", "$ne", "$in", "$nin"];
const PLAIN: &[&str] = &["$eq", "$ne", "$in"];
const HAS: &[&str] = &["$hasSome", "$hasAll"];
const CUSTOM_TEXT: &[&str] = &["$eq", "$ne", "$in", "$startsWith"];

/// The field `name` of a contact, by the published table.
pub(super) fn field(name: &str, definitions: &Definitions) -> Option<Field> {
    if let Some(key) = name.strip_prefix("info.extendedFields.") {
        return extended(key, definitions);
    }
    #[expect(clippy::match_same_arms, reason = "one line for each line of the vendor's table")]
    Some(match name {
        "id" => at("id", Kind::Text, &["$eq", "$ne", "$in", "$nin", "$exists"], false),
        "createdDate" | "lastActivity.activityDate" => at(name, Kind::Instant, RANGE, true),
        "updatedDate" => at(name, Kind::Instant, RANGE, false),
        "primaryInfo.email" | "primaryEmail.email" => at(name, Kind::Email, WORDS, true),
        "primaryInfo.phone" => at(name, Kind::Text, WORDS, false),
        "primaryEmail.subscriptionStatus" | "primaryEmail.deliverabilityStatus" => at(name, Kind::Text, CHOICE, false),
        "primaryPhone.phone" | "primaryPhone.e164Phone" | "primaryPhone.subscriptionStatus" => at(name, Kind::Text, PLAIN, false),
        "primaryPhone.formattedPhone" | "primaryPhone.countryCode" => at(name, Kind::Text, PLAIN, true),
        "info.name.first" | "info.name.last" | "info.company" | "info.jobTitle" => at(name, Kind::Text, WORDS, true),
        "info.emails.email" => at("info.emails.items.*.email", Kind::Email, WORDS, false),
        "info.phones.phone" => at("info.phones.items.*.phone", Kind::Text, WORDS, false),
        "info.phones.e164Phone" => at("info.phones.items.*.e164Phone", Kind::Text, WORDS, false),
        "info.addresses.street" => at("info.addresses.items.*.address.streetAddress.name", Kind::Text, WORDS, false),
        "info.addresses.city" => at("info.addresses.items.*.address.city", Kind::Text, WORDS, false),
        "info.addresses.subdivision" => at("info.addresses.items.*.address.subdivision", Kind::Text, PRESENCE, false),
        "info.addresses.country" => at("info.addresses.items.*.address.country", Kind::Text, PRESENCE, false),
        "info.birthdate" => at(name, Kind::Date, RANGE, true),
        "info.locale" => at(name, Kind::Text, PLAIN, false),
        "info.labelKeys" => at("info.labelKeys.items.*", Kind::List, HAS, false),
        "info.locations" => at("info.locations.items.*", Kind::List, HAS, false),
        _ => return None,
    })
}

fn extended(key: &str, definitions: &Definitions) -> Option<Field> {
    let (kind, operators, sortable) = match key {
        "emailSubscriptions.subscriptionStatus" | "emailSubscriptions.deliverabilityStatus" => (Kind::Text, CHOICE, false),
        "emailSubscriptions.effectiveEmail" => (Kind::Email, &["$exists"][..], true),
        "members.membershipStatus" => (Kind::Text, PLAIN, false),
        key if key.starts_with("custom.") => match definitions.get(key)?.data_type.as_str() {
            "NUMBER" => (Kind::Number, RANGE, true),
            "DATE" => (Kind::Date, RANGE, true),
            _ => (Kind::Text, CUSTOM_TEXT, true),
        },
        _ => return None,
    };
    let path = ["info", "extendedFields", "items", key].map(str::to_owned).to_vec();
    Some(Field { path, kind, operators, sortable })
}

const BASIC: &[&str] = &["source", "createdDate", "updatedDate", "lastActivity", "primaryInfo", "info.name", "info.picture"];
const COMMUNICATION: &[&str] = &["info.emails", "info.phones", "info.addresses"];
const EXTENDED: &[&str] =
    &["info.company", "info.jobTitle", "info.birthdate", "info.locale", "info.labelKeys", "info.locations", "info.extendedFields"];

/// The parts of a contact a caller asked for; `None` = all.
///
/// # Errors
/// 400 for parts that do not exist.
pub(super) fn projection(of: &Map<String, Value>) -> Result<Option<Vec<String>>, Refusal> {
    let mut wanted = texts(of, "fields")?;
    let sets = texts(of, "fieldsets")?;
    let all = [BASIC, COMMUNICATION, EXTENDED].concat();
    if let Some(unknown) = wanted.iter().find(|name| !["id", "revision"].contains(&name.as_str()) && !all.contains(&name.as_str())) {
        return Err(Refusal::field("query.fields", "ENUM", &format!("unknown field {unknown}"), &json!({})));
    }
    if wanted.is_empty() && sets.is_empty() {
        return Ok(None);
    }
    for set in &sets {
        let parts = match set.as_str() {
            "BASIC" => BASIC,
            "COMMUNICATION_DETAILS" => COMMUNICATION,
            "EXTENDED" => EXTENDED,
            "FULL" => return Ok(None),
            _ => {
                return Err(Refusal::field("query.fieldsets", "ENUM", "unknown fieldset", &json!({})));
            }
        };
        wanted.extend(parts.iter().map(|part| (*part).to_owned()));
    }
    Ok(Some(wanted))
}

/// `contact` with the parts asked for; `id` and `revision` always.
pub(super) fn project(contact: Value, wanted: Option<&[String]>) -> Value {
    let Some(wanted) = wanted else { return contact };
    let mut shown = Map::new();
    let mut parts = Map::new();
    for name in ["id", "revision"].into_iter().chain(wanted.iter().map(String::as_str)) {
        let (into, key, held) = match name.strip_prefix("info.") {
            Some(key) => (&mut parts, key, contact.get("info").and_then(|info| info.get(key))),
            None => (&mut shown, name, contact.get(name)),
        };
        if let Some(held) = held {
            into.insert(key.to_owned(), held.clone());
        }
    }
    if !parts.is_empty() {
        shown.insert("info".to_owned(), Value::Object(parts));
    }
    Value::Object(shown)
}
