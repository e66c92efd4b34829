//! From a Wix contact to ours.
//!
//! The form: <https://dev.wix.com/docs/api-reference/crm/members-contacts/contacts/contacts/contact-v4>. Keys and wrappers may be
//! missing, empty or `null`; enums are open; what we do not know is left alone.

use serde::Deserialize;
use serde_json::{Map, Number, Value as Json};

use super::place::{ADDRESS_TAGS, PARTS, PHONE_TAGS, ours};
use crate::{
    adapters::http::Failure,
    model::{
        contact::Contact,
        field::{Field, Fields, Value},
        ids::{RecordId, Revision},
    },
};

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Wire {
    id: Option<String>,
    revision: Option<WireRevision>,
    created_date: Option<String>,
    updated_date: Option<String>,
    info: Option<Info>,
}

/// A number in v4; a text in v5, and accepted.
#[derive(Deserialize)]
#[serde(untagged)]
enum WireRevision {
    Number(u64),
    Text(String),
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Info {
    name: Option<Name>,
    company: Option<String>,
    job_title: Option<String>,
    birthdate: Option<String>,
    locale: Option<String>,
    emails: Option<Items<Email>>,
    phones: Option<Items<Phone>>,
    addresses: Option<Items<Address>>,
    label_keys: Option<Items<String>>,
    extended_fields: Option<Extended>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Name {
    first: Option<String>,
    last: Option<String>,
}

#[derive(Deserialize)]
struct Items<T> {
    #[serde(default = "Option::default")]
    items: Option<Vec<T>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Extended {
    items: Option<Map<String, Json>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Email {
    email: Option<String>,
    primary: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Phone {
    tag: Option<String>,
    #[serde(rename = "phone")]
    typed: Option<String>,
    #[serde(rename = "e164Phone")]
    e164: Option<String>,
    primary: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Address {
    tag: Option<String>,
    address: Option<Map<String, Json>>,
}

/// Understands a contact as Wix sends it. `mirror` is the key of the extended field that holds the counterpart's id.
///
/// # Errors
/// [`Failure::Malformed`], which says where the contact is not what it should be; an id is the one thing that must be there.
pub fn to_contact(native: Json, mirror: Option<&str>) -> Result<Contact, Failure> {
    let malformed = |path: String| Failure::Malformed { path, line: 0, column: 0 };
    let wire: Wire = serde_path_to_error::deserialize(&native).map_err(|error| malformed(error.path().to_string()))?;
    let id = wire.id.filter(|id| !id.is_empty()).ok_or_else(|| malformed("id".to_owned()))?;
    let mut fields = wire.info.map(explode).unwrap_or_default();
    let counterpart = mirror.and_then(|key| fields.remove(&Field::new(key)));
    Ok(Contact {
        id: RecordId::new(id),
        revision: wire.revision.map(|revision| match revision {
            WireRevision::Number(number) => Revision::new(number.to_string()),
            WireRevision::Text(text) => Revision::new(text),
        }),
        created_at: wire.created_date.and_then(|text| text.parse().ok()),
        updated_at: wire.updated_date.and_then(|text| text.parse().ok()),
        counterpart: counterpart.as_ref().and_then(Value::as_text).and_then(RecordId::typed),
        fields,
        native,
    })
}

/// Understands a contact that an event encloses, if it is whole: a contact has at least a name, an e-mail address or a phone number
/// (<https://dev.wix.com/docs/api-reference/crm/members-contacts/contacts/contacts/contact-v4/create-contact>), so one without was left out.
#[must_use]
pub fn whole_contact(entity: Json, mirror: Option<&str>) -> Option<Contact> {
    let contact = to_contact(entity, mirror).ok()?;
    let has = |name| contact.fields.contains_key(&Field::from(name));
    let filled = has("name.first") || has("name.last") || has("email") || has("phone");
    (contact.revision.is_some() && filled).then_some(contact)
}

fn explode(info: Info) -> Fields {
    let name = info.name.unwrap_or_default();
    let mut fields = Fields::new();
    for (field, text) in [
        ("name.first", name.first),
        ("name.last", name.last),
        ("company", info.company),
        ("jobTitle", info.job_title),
        ("birthdate", info.birthdate),
        ("locale", info.locale),
    ] {
        put(&mut fields, field, text.and_then(Value::text));
    }
    explode_emails(&mut fields, items(info.emails));
    explode_phones(&mut fields, items(info.phones));
    explode_addresses(&mut fields, items(info.addresses));
    put(&mut fields, "labels", Value::list(items(info.label_keys)));
    for (key, value) in info.extended_fields.and_then(|extended| extended.items).unwrap_or_default() {
        put(&mut fields, &key, text_of(&value).and_then(Value::text));
    }
    fields
}

fn items<T>(wrapper: Option<Items<T>>) -> Vec<T> {
    wrapper.and_then(|wrapper| wrapper.items).unwrap_or_default()
}

fn put(fields: &mut Fields, field: &str, value: Option<Value>) {
    if let Some(value) = value {
        fields.insert(field.into(), value);
    }
}

/// Takes the primary item out: the one that is marked, else the first.
fn take_primary<T>(items: &mut Vec<T>, is_primary: impl Fn(&T) -> bool) -> Option<T> {
    let index = items.iter().position(is_primary).unwrap_or_default();
    (index < items.len()).then(|| items.remove(index))
}

fn explode_emails(fields: &mut Fields, mut emails: Vec<Email>) {
    emails.retain(|item| item.email.as_ref().is_some_and(|email| !email.is_empty()));
    let primary = take_primary(&mut emails, |item| item.primary == Some(true));
    put(fields, "email", primary.and_then(|item| item.email).and_then(Value::text));
    put(fields, "emails", Value::list(emails.into_iter().filter_map(|item| item.email)));
}

impl Phone {
    /// Returns the number in E.164 where Wix could tell it, for only Wix knows the country of a number without prefix; else as typed.
    fn number(&self) -> &str {
        [&self.e164, &self.typed].into_iter().flatten().find(|number| !number.is_empty()).map_or("", String::as_str)
    }
}

fn explode_phones(fields: &mut Fields, mut phones: Vec<Phone>) {
    phones.retain(|item| !item.number().is_empty());
    let primary = take_primary(&mut phones, |item| item.primary == Some(true));
    put(fields, "phone", primary.and_then(|item| Value::text(item.number())));
    for item in phones.iter().rev() {
        if let Some(tag) = item.tag.as_deref().and_then(|tag| ours(&PHONE_TAGS, tag)) {
            put(fields, &format!("phone.{tag}"), Value::text(item.number()));
        }
    }
    put(fields, "phones", Value::list(phones.iter().map(|item| item.number().to_owned())));
}

fn explode_addresses(fields: &mut Fields, addresses: Vec<Address>) {
    let mut seen = Vec::new();
    for (index, item) in addresses.into_iter().enumerate() {
        let tag = item.tag.as_deref().and_then(|tag| ours(&ADDRESS_TAGS, tag));
        let prefix = match tag {
            _ if index == 0 => "address".to_owned(),
            Some(tag) if !seen.contains(&tag) => {
                seen.push(tag);
                format!("address.{tag}")
            }
            _ => format!("address.{index}"),
        };
        let address = item.address.unwrap_or_default();
        for (part, key) in PARTS {
            let text = if part == "line" { line(&address) } else { address.get(key).and_then(Json::as_str).map(str::to_owned) };
            put(fields, &format!("{prefix}.{part}"), text.and_then(Value::text));
        }
    }
}

/// Returns the street line: Wix has either the line or its parts.
pub(super) fn line(address: &Map<String, Json>) -> Option<String> {
    let text = |value: Option<&Json>| value.and_then(Json::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    text(address.get("addressLine")).or_else(|| {
        let street = address.get("streetAddress")?;
        let parts: Vec<_> = ["number", "name", "apt"].into_iter().filter_map(|part| text(street.get(part))).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    })
}

/// Returns the text of an extended field's value, numbers without needless decimals.
pub(super) fn text_of(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(plain(number)),
        Json::Bool(flag) => Some(flag.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

fn plain(number: &Number) -> String {
    let text = number.to_string();
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::adapters::wix::samples::ada;

    #[expect(clippy::needless_pass_by_value, reason = "callers give json literals")]
    fn fields(info: Json) -> Vec<(String, String)> {
        let contact = to_contact(json!({"id": "c-1", "info": info}), None).unwrap();
        contact.fields.iter().map(|(field, value)| (field.to_string(), value.elements().join("|"))).collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(field, value)| ((*field).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_contact_is_exploded_into_its_fields() {
        let contact = to_contact(ada(), Some("custom.externalcrmid")).unwrap();
        let found: Vec<_> = contact.fields.iter().map(|(field, value)| (field.to_string(), value.elements().join("|"))).collect();
        let expected = pairs(&[
            ("address.city", "New York"),
            ("address.country", "US"),
            ("address.line", "3 Park Ave"),
            ("address.postalCode", "10016"),
            ("address.subdivision", "US-NY"),
            ("birthdate", "1988-04-25"),
            ("company", "Stone Works"),
            ("contacts.displayByFirstName", "Ada Stone"),
            ("custom.shoe-size", "38.5"),
            ("email", "ada.stone@example.com"),
            ("emailSubscriptions.subscriptionStatus", "NOT_SET"),
            ("emails", "ada@stone-works.example"),
            ("jobTitle", "Owner"),
            ("labels", "contacts.customers|custom.vip"),
            ("locale", "en-us"),
            ("name.first", "Ada"),
            ("name.last", "Stone"),
            ("phone", "+16465550132"),
        ]);
        assert_eq!(found, expected);
        assert_eq!(contact.counterpart, Some("crm-000417".into()));
        assert_eq!(contact.revision, Some(Revision::new("3")));
        assert_eq!(contact.updated_at, Some("2026-02-03T11:02:07.118Z".parse().unwrap()));
        assert_eq!(contact.native, ada());
    }

    #[test]
    fn what_people_typed_where_the_id_belongs_is_no_id() {
        for typed in ["ada@example.com", "Ada Stone", "+1 646", "", &"7".repeat(65)] {
            let mut contact = ada();
            contact["info"]["extendedFields"]["items"]["custom.externalcrmid"] = typed.into();
            assert_eq!(to_contact(contact, Some("custom.externalcrmid")).unwrap().counterpart, None, "{typed}");
        }
    }

    #[test]
    fn missing_and_empty_wrappers_are_no_fields() {
        for info in [
            json!({}),
            json!({"phones": {}, "emails": {"items": []}, "name": {}, "company": "", "extendedFields": {}}),
            json!({"phones": null, "emails": {"items": null}, "name": null, "addresses": {"items": [{}]}, "labelKeys": {}}),
            json!({"extendedFields": {"items": {"invoices.vatId": "", "custom.a": null, "custom.b": {"c": 1}}}, "news": [1]}),
        ] {
            assert_eq!(fields(info.clone()), [], "{info}");
        }
    }

    #[test]
    fn the_primary_item_is_the_marked_one_or_the_first() {
        let emails = |first, second| json!({"emails": {"items": [{"email": "a@b.example", "primary": first}, {"email": "c@d.example", "primary": second}]}});
        assert_eq!(fields(emails(false, true)), pairs(&[("email", "c@d.example"), ("emails", "a@b.example")]));
        assert_eq!(fields(emails(false, false)), pairs(&[("email", "a@b.example"), ("emails", "c@d.example")]));
    }

    #[test]
    fn tagged_items_are_the_first_others_of_their_tag() {
        let info = json!({
            "phones": {"items": [{"tag": "MOBILE", "phone": "1", "primary": true}, {"tag": "MOBILE", "phone": "2"}, {"tag": "MOBILE", "phone": "3"}, {"tag": "PAGER", "phone": "4"}]},
            "addresses": {"items": [{"tag": "HOME", "address": {"city": "A"}}, {"tag": "BILLING", "address": {"streetAddress": {"number": "3", "name": "Park Ave"}}}, {"tag": "BILLING", "address": {"city": "C"}}]},
        });
        assert_eq!(
            fields(info),
            pairs(&[
                ("address.2.city", "C"),
                ("address.billing.line", "3 Park Ave"),
                ("address.city", "A"),
                ("phone", "1"),
                ("phone.mobile", "2"),
                ("phones", "2|3|4")
            ])
        );
    }

    #[test]
    fn numbers_are_texts_without_needless_decimals() {
        let info = json!({"extendedFields": {"items": {"custom.a": 5.0, "custom.b": 0.1, "custom.c": -7, "custom.d": true}}});
        assert_eq!(fields(info), pairs(&[("custom.a", "5"), ("custom.b", "0.1"), ("custom.c", "-7"), ("custom.d", "true")]));
    }

    #[test]
    fn what_is_no_contact_is_malformed() {
        for native in [
            json!({}),
            json!({"id": ""}),
            json!([]),
            json!("c"),
            json!({"id": "c", "info": {"emails": [1]}}),
            json!({"id": "c", "info": {"company": {}}}),
        ] {
            assert!(matches!(to_contact(native.clone(), None), Err(Failure::Malformed { .. })), "{native}");
        }
    }

    #[test]
    fn only_a_whole_entity_counts_as_a_contact() {
        assert!(whole_contact(ada(), None).is_some());
        for entity in [
            json!({"id": "c", "revision": 3, "info": {}}),
            json!({"id": "c", "revision": 3}),
            json!({"id": "c", "info": {"name": {"first": "Ada"}}}),
            json!({"revision": 3, "info": {"name": {"first": "Ada"}}}),
            json!({}),
        ] {
            assert!(whole_contact(entity.clone(), None).is_none(), "{entity}");
        }
    }
}
