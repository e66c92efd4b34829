//! The two conversions: a HubSpot object into a contact, and a patch into properties.

use serde_json::{Map, Value as Json, json};

use super::{
    property::{self, COUNTERPART, MERGED, MORE_EMAILS, NotText, Shapes},
    wire::Object,
};
use crate::model::{
    contact::{Contact, Found},
    field::{Field, Fields, Patch, Value},
    ids::{RecordId, Revision},
    normal,
};

/// Why an object cannot be taken for a contact.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// A property's value is neither text nor empty.
    NotText,
    /// These properties were asked for and left out, and are not known to exist.
    ///
    /// HubSpot returns `null` for an empty property and leaves out one it does not have, or does not show to this token. Reading that as
    /// "emptied" would clear the counterparts of every contact the day somebody deletes a mapped property.
    Missing(Vec<Field>),
}

impl From<NotText> for Unreadable {
    fn from(NotText: NotText) -> Self {
        Self::NotText
    }
}

/// Reads the properties `names` of an object.
pub(super) fn to_contact(object: &Object, names: &[String], shapes: &Shapes) -> Result<Contact, Unreadable> {
    let (contact, missing) = to_contact_as_told(object, names, shapes)?;
    if missing.is_empty() { Ok(contact) } else { Err(Unreadable::Missing(missing)) }
}

/// Reads the properties `names` of an object, and says which of them are missing.
pub(super) fn to_contact_as_told(object: &Object, names: &[String], shapes: &Shapes) -> Result<(Contact, Vec<Field>), Unreadable> {
    let (mut fields, mut missing) = (Fields::new(), Vec::new());
    for name in names {
        match object.properties.get(name) {
            Some(json) => fields.extend(property::read(shapes.of(name), json)?.map(|value| (Field::new(name), value))),
            None if shapes.has(name) => {}
            None => missing.push(Field::new(name)),
        }
    }
    let contact = Contact {
        id: RecordId::new(&*object.id),
        revision: object.updated_at.clone().map(Revision::new),
        created_at: time(object.created_at.as_ref()),
        updated_at: time(object.updated_at.as_ref()),
        counterpart: plain(object, COUNTERPART)?.and_then(|text| RecordId::typed(&text)),
        fields,
        native: json!({ "properties": object.properties }),
    };
    Ok((contact, missing))
}

/// Tells what a read of `asked` found: an old id returns the record it was merged into, under that record's id.
/// <https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/guide#merge-contacts>
pub(super) fn found(asked: &RecordId, contact: Contact) -> Found {
    if contact.id == *asked { Found::Present(contact) } else { Found::Merged(contact) }
}

/// Tells whether `id` was merged into this contact.
pub(super) fn has_swallowed(contact: &Contact, id: &RecordId) -> bool {
    let merged = contact.native.pointer("/properties").and_then(|properties| properties.get(MERGED)).and_then(Json::as_str);
    merged.is_some_and(|ids| ids.split(';').any(|merged| merged.trim() == id.as_str()))
}

/// Returns a patch after which the primary address is not among the additional ones: a merge leaves two primary ones, of which only one
/// stays, and HubSpot does not tell them apart by itself.
pub(super) fn with_primary_apart(current: &Contact, patch: &Patch) -> Patch {
    let mut patch = patch.clone();
    let had = current.native.pointer("/properties/email").and_then(Json::as_str);
    let primary = patch.get(&Field::from("email")).map_or(had, |value| value.as_ref().and_then(Value::as_text));
    let more = Field::from(MORE_EMAILS);
    let list = patch.get(&more).map_or_else(|| current.get(&more), Option::as_ref).map(Value::elements).unwrap_or_default();
    let is_other = |email: &&String| primary.is_none_or(|primary| normal::email(primary) != normal::email(email));
    let others: Vec<String> = list.iter().filter(is_other).cloned().collect();
    if others.len() < list.len() {
        patch.insert(more, Value::list(others));
    }
    patch
}

/// Writes fields as properties; the names of those that cannot be written.
pub(super) fn from_patch(patch: &Patch) -> Result<Map<String, Json>, Vec<Field>> {
    let (mut properties, mut refused) = (Map::new(), Vec::new());
    for (field, value) in patch {
        match property::write(value.as_ref()) {
            Some(text) => drop(properties.insert(field.as_str().to_owned(), text.into())),
            None => refused.push(field.clone()),
        }
    }
    if refused.is_empty() { Ok(properties) } else { Err(refused) }
}

/// Writes the fields of a new record as properties.
pub(super) fn from_fields(fields: &Fields) -> Result<Map<String, Json>, Vec<Field>> {
    from_patch(&fields.iter().map(|(field, value)| (field.clone(), Some(value.clone()))).collect())
}

fn plain(object: &Object, name: &str) -> Result<Option<String>, NotText> {
    object.properties.get(name).map_or(Ok(None), property::text)
}

fn time(text: Option<&String>) -> Option<jiff::Timestamp> {
    text?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(properties: &Json) -> Object {
        let json = json!({"id": "512", "createdAt": "2026-01-02T03:04:05.678Z", "updatedAt": "2026-02-03T04:05:06.789Z",
            "archived": false, "properties": properties, "brandNew": {"x": 1}});
        serde_json::from_value(json).unwrap()
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn an_object_becomes_a_contact() {
        let object =
            object(&json!({"email": "ada@example.com", "firstname": null, "lastname": "", "hs_additional_emails": "a@x.io;b@x.io",
            "wix_contact_id": "w1", "hs_object_id": "512"}));
        let names = names(&["email", "firstname", "lastname", "hs_additional_emails", "jobtitle"]);
        let contact = to_contact(&object, &names, &Shapes::Presumed).unwrap();
        let more = Value::List(vec!["a@x.io".to_owned(), "b@x.io".to_owned()]);
        let expected = [("email".into(), Value::text("ada@example.com").unwrap()), ("hs_additional_emails".into(), more)];
        assert_eq!(contact.fields, Fields::from(expected));
        assert_eq!(contact.counterpart, Some("w1".into()));
        assert_eq!(contact.revision, Some("2026-02-03T04:05:06.789Z".into()));
        assert_eq!(contact.created_at, Some("2026-01-02T03:04:05.678Z".parse().unwrap()));
    }

    #[test]
    fn a_property_that_is_left_out_is_not_taken_for_empty() {
        let object = object(&json!({"email": "ada@example.com"}));
        let names = names(&["email", "colour"]);
        let missing = Unreadable::Missing(vec!["colour".into()]);
        assert_eq!(to_contact(&object, &names, &Shapes::Presumed).unwrap_err(), missing);
        let spec = crate::model::field::FieldSpec { field: "colour".into(), kind: crate::model::field::Kind::Text, writable: true };
        assert!(to_contact(&object, &names, &Shapes::told(&[spec])).is_ok());
        assert!(to_contact_as_told(&object, &names, &Shapes::Presumed).is_ok());
    }

    #[test]
    fn a_value_of_another_shape_is_not_taken_for_empty() {
        let object = object(&json!({"email": ["ada@example.com"]}));
        assert_eq!(to_contact(&object, &names(&["email"]), &Shapes::Presumed).unwrap_err(), Unreadable::NotText);
    }

    #[test]
    fn an_object_without_properties_is_no_object() {
        assert!(serde_json::from_value::<Object>(json!({"id": "512"})).is_err());
        assert!(serde_json::from_value::<Object>(json!({"id": null, "properties": {}})).is_err());
    }

    #[test]
    fn an_old_id_shows_by_the_answers_other_id() {
        let object = object(&json!({"email": null, "hs_merged_object_ids": "7;8"}));
        let contact = to_contact(&object, &names(&["email"]), &Shapes::Presumed).unwrap();
        assert!(has_swallowed(&contact, &"8".into()) && !has_swallowed(&contact, &"9".into()));
        assert!(matches!(found(&"7".into(), contact.clone()), Found::Merged(_)));
        assert!(matches!(found(&"512".into(), contact), Found::Present(_)));
    }

    #[test]
    fn a_patch_clears_with_the_empty_text() {
        let patch = Patch::from([("firstname".into(), None), ("tags".into(), Some(Value::List(vec!["a".to_owned(), "b".to_owned()])))]);
        assert_eq!(Json::Object(from_patch(&patch).unwrap()), json!({"firstname": "", "tags": "a;b"}));
        let patch = Patch::from([("tags".into(), Some(Value::List(vec!["a;b".to_owned()])))]);
        assert_eq!(from_patch(&patch).unwrap_err(), [Field::from("tags")]);
    }
}
