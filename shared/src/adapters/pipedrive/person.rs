//! The two conversions: a person into a contact, and a patch into the body of a write.

use serde_json::{Map, Value as Json, json};

use super::{
    definitions::{COUNTERPART, Definitions, NAME_NOTE, NAMES, is_standard},
    items::{self, EMAILS, PHONES},
    name::{Name, is_stand_in, stand_in},
    wire::{Item, Person},
};
use crate::model::{
    contact::Contact,
    field::{Field, Fields, Patch, Value},
    ids::RecordId,
};

/// What a refusal is about that no field of the mapping holds alone.
const GROUPS: [(&str, [&str; 2]); 3] = [("name", NAMES), ("emails", EMAILS), ("phones", PHONES)];

/// Reads the fields `mapped` of a person. There is no revision: `update_time` is the same for all writes of a second.
pub(super) fn to_contact(person: &Person, mapped: &[String], definitions: &Definitions) -> Contact {
    let note = text_of(person, definitions, NAME_NOTE);
    let custom = mapped.iter().filter(|name| !is_standard(name)).filter_map(|name| {
        let field = definitions.find(name)?;
        Some((Field::new(name), field.read(person.custom_fields.get(&field.code)?)?))
    });
    let native =
        json!({"name": person.name.as_deref().unwrap_or_default(), "note": note, "emails": person.emails, "phones": person.phones});
    let known = Known { name: person.name.as_deref().unwrap_or_default(), note: &note, emails: &person.emails, phones: &person.phones };
    Contact {
        id: RecordId::new(&*person.id),
        revision: None,
        created_at: person.add_time.as_ref().and_then(|text| text.parse().ok()),
        updated_at: person.update_time.as_ref().and_then(|text| text.parse().ok()),
        counterpart: RecordId::typed(&text_of(person, definitions, COUNTERPART)),
        fields: known.fields().into_iter().chain(custom).collect(),
        native,
    }
}

fn text_of(person: &Person, definitions: &Definitions, name: &str) -> String {
    let field = definitions.find(name);
    let text = field.and_then(|field| person.custom_fields.get(&field.code)).and_then(Json::as_str);
    text.unwrap_or_default().trim().to_owned()
}

/// What every person has.
struct Known<'a> {
    name: &'a str,
    note: &'a str,
    emails: &'a [Item],
    phones: &'a [Item],
}

impl Known<'_> {
    fn fields(&self) -> Fields {
        let Name { first, last } = Name::read(self.name, self.note);
        let (email, others) = items::emails(self.emails);
        let [phone, mobile] = items::phones(self.phones);
        let texts = [(NAMES[0], Some(&*first)), (NAMES[1], Some(&*last)), (EMAILS[0], email), (PHONES[0], phone), (PHONES[1], mobile)];
        let texts = texts.into_iter().filter_map(|(name, text)| Some((name.into(), Value::text(text?)?)));
        texts.chain(Value::list(others).map(|list| (EMAILS[1].into(), list))).collect()
    }
}

/// A person as a write finds it.
pub(super) struct Base {
    name: String,
    note: String,
    emails: Vec<Item>,
    phones: Vec<Item>,
}

impl Base {
    /// One that is still to be made.
    pub const fn new() -> Self {
        Self { name: String::new(), note: String::new(), emails: Vec::new(), phones: Vec::new() }
    }

    /// One that was just read.
    pub fn of(contact: &Contact) -> Self {
        let text = |name: &str| contact.native.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
        let items = |name: &str| contact.native.get(name).and_then(|list| serde_json::from_value(list.clone()).ok()).unwrap_or_default();
        Self { name: text("name"), note: text("note"), emails: items("emails"), phones: items("phones") }
    }

    /// Writes a patch as a body; the names of the fields that cannot be written.
    pub fn body(self, patch: &Patch, definitions: &Definitions) -> Result<Map<String, Json>, Vec<Field>> {
        let (mut body, mut custom, mut refused) = (Map::new(), Map::new(), Vec::new());
        for (field, value) in patch.iter().filter(|(field, _)| !is_standard(field.as_str())) {
            let known = definitions.find(field.as_str());
            match known.and_then(|known| Some((known.code.clone(), known.write(value.as_ref())?))) {
                Some((code, json)) => drop(custom.insert(code, json)),
                None => refused.push(field.clone()),
            }
        }
        let (emails, phones) = (items::patched_emails(&self.emails, patch), items::patched_phones(&self.phones, patch));
        if let Some(name) = self.renamed(patch, emails.as_deref(), phones.as_deref()) {
            let known = [emails.as_ref().unwrap_or(&self.emails), phones.as_ref().unwrap_or(&self.phones)];
            let whole = Some(name.whole()).filter(|whole| !whole.is_empty());
            let whole = whole.unwrap_or_else(|| stand_in(known.into_iter().flatten().map(|item| item.value.as_str())).to_owned());
            let note = name.note();
            if let Some(field) = definitions.find(NAME_NOTE).filter(|_| note.as_deref().unwrap_or_default() != self.note) {
                custom.insert(field.code.clone(), note.into());
            }
            body.insert("name".to_owned(), whole.into());
        }
        body.extend(emails.map(|emails| ("emails".to_owned(), json!(emails))));
        body.extend(phones.map(|phones| ("phones".to_owned(), json!(phones))));
        if !custom.is_empty() {
            body.insert("custom_fields".to_owned(), custom.into());
        }
        if refused.is_empty() { Ok(body) } else { Err(refused) }
    }

    /// Returns the name after a patch, if that changes it, or what stands for it.
    fn renamed(&self, patch: &Patch, emails: Option<&[Item]>, phones: Option<&[Item]>) -> Option<Name> {
        let known = Name::read(&self.name, &self.note);
        let part = |name: &str, known: &str| {
            let changed = patch.get(&name.into());
            changed.map_or_else(|| known.to_owned(), |value| value.as_ref().and_then(Value::as_text).unwrap_or_default().to_owned())
        };
        let name = Name { first: part(NAMES[0], &known.first), last: part(NAMES[1], &known.last) };
        let is_named = NAMES.iter().any(|name| patch.contains_key(&(*name).into()));
        let stands_for_others = is_stand_in(&self.name) && (emails.is_some() || phones.is_some());
        (is_named || stands_for_others || self.name.is_empty()).then_some(name)
    }
}

/// Returns the fields of the mapping that a refusal names in Pipedrive's own terms.
pub(super) fn named(theirs: &str, mapped: &[String], definitions: &Definitions) -> Vec<Field> {
    match GROUPS.iter().find(|(group, _)| *group == theirs) {
        Some((_, fields)) => fields.iter().map(|name| (*name).into()).collect(),
        None => definitions.name_of(theirs, mapped).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definitions() -> Definitions {
        let field =
            |code: &str, name: &str| json!({"field_code": code, "field_name": name, "field_type": "varchar", "is_custom_field": true});
        let fields = json!([field("k", COUNTERPART), field("n", NAME_NOTE), field("c", "Wix company")]);
        Definitions::new(serde_json::from_value(fields).unwrap())
    }

    fn contact(person: &Json) -> Contact {
        let person: Person = serde_json::from_value(person.clone()).unwrap();
        to_contact(&person, &["first_name".to_owned(), "Wix company".to_owned()], &definitions())
    }

    fn ada() -> Json {
        json!({"id": 7, "name": "Mary Ann Stone", "emails": [{"value": "ada@x.io", "primary": true, "label": "work"}],
            "phones": null, "custom_fields": {"k": "w-1", "n": "Mary Ann | Stone", "c": "Works"}, "add_time": "2026-01-02T03:04:05Z",
            "update_time": "2026-02-03T04:05:06Z", "is_deleted": false, "brand_new": [1]})
    }

    fn patch(fields: &[(&str, Option<&str>)]) -> Patch {
        fields.iter().map(|(name, value)| ((*name).into(), value.and_then(Value::text))).collect()
    }

    #[test]
    fn a_person_becomes_a_contact() {
        let contact = contact(&ada());
        let text = |name: &str| contact.get(&name.into()).and_then(Value::as_text);
        assert_eq!((text("first_name"), text("last_name"), text("email")), (Some("Mary Ann"), Some("Stone"), Some("ada@x.io")));
        assert_eq!((text("Wix company"), contact.counterpart.clone()), (Some("Works"), Some("w-1".into())));
        assert_eq!((contact.id.as_str(), contact.revision.clone()), ("7", None));
        assert_eq!(contact.created_at, Some("2026-01-02T03:04:05Z".parse().unwrap()));
    }

    #[test]
    fn a_person_that_lacks_what_could_be_emptied_is_none() {
        for member in ["emails", "phones", "custom_fields", "id"] {
            let mut person = ada();
            person.as_object_mut().unwrap().remove(member);
            assert!(serde_json::from_value::<Person>(person).is_err(), "{member}");
        }
    }

    #[test]
    fn only_what_changes_is_sent() {
        let base = || Base::of(&contact(&ada()));
        for (fields, expected) in [
            (vec![("Wix company", Some("Mills"))], json!({"custom_fields": {"c": "Mills"}})),
            (vec![("Wix company", None)], json!({"custom_fields": {"c": null}})),
            (vec![("last_name", Some("Rock"))], json!({"name": "Mary Ann Rock", "custom_fields": {"n": "Mary Ann | Rock"}})),
            (vec![("first_name", Some("Jo")), ("last_name", Some("Rock"))], json!({"name": "Jo Rock", "custom_fields": {"n": null}})),
            (vec![("first_name", None), ("last_name", None)], json!({"name": "ada@x.io", "custom_fields": {"n": null}})),
            (vec![("phone", Some("1"))], json!({"phones": [{"value": "1", "primary": true, "label": "work"}]})),
        ] {
            assert_eq!(Json::Object(base().body(&patch(&fields), &definitions()).unwrap()), expected);
        }
        assert_eq!(base().body(&patch(&[("Tier", Some("Gold"))]), &definitions()).unwrap_err(), [Field::from("Tier")]);
    }

    #[test]
    fn who_has_no_name_is_called_by_what_is_known() {
        let new = Base::new().body(&patch(&[("email", Some("ada@x.io"))]), &definitions()).unwrap();
        assert_eq!(new.get("name"), Some(&json!("ada@x.io")));
        let mut nameless = ada();
        nameless["name"] = json!("ada@x.io");
        let moved = Base::of(&contact(&nameless)).body(&patch(&[("email", Some("eve@x.io"))]), &definitions()).unwrap();
        assert_eq!(moved.get("name"), Some(&json!("eve@x.io")));
        assert_eq!(Base::new().body(&Patch::new(), &definitions()).unwrap().get("name"), Some(&json!("(no name)")));
    }
}
