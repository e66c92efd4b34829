//! What a company's fields are called, and how their values are read and written.
//!
//! Pipedrive knows a custom field by a hash of its own, people know it by its name. A mapping may give either; a name that two fields share
//! is nobody's. <https://pipedrive.readme.io/docs/core-api-concepts-custom-fields>

use std::collections::BTreeSet;

use serde_json::{Number, Value as Json};

use super::{
    items,
    options::Unknown,
    wire::{Person, PersonField},
};
use crate::model::field::{Field, FieldSpec, Kind, Patch, Value};

/// The field that holds the id of the Wix contact, as people see it.
pub(super) const COUNTERPART: &str = "Wix contact ID";
/// The field that notes how the name divides.
pub(super) const NAME_NOTE: &str = "Wix name";
/// The parts of the name.
pub(super) const NAMES: [&str; 2] = ["first_name", "last_name"];
/// Fields that are made if they are mapped, and their types: Pipedrive has no such fields without contact sync.
const OWN: [(&str, &str); 11] = [
    ("Wix company", "varchar"),
    ("Wix job title", "varchar"),
    ("Wix street", "varchar"),
    ("Wix city", "varchar"),
    ("Wix postal code", "varchar"),
    ("Wix country", "varchar"),
    ("Wix region", "varchar"),
    ("Wix birthdate", "date"),
    ("Wix language", "varchar"),
    ("Wix labels", "text"),
    (NAME_NOTE, "text"),
];

/// The fields of a company.
pub(super) struct Definitions(Vec<PersonField>);

impl Definitions {
    pub fn new(fields: Vec<PersonField>) -> Self {
        Self(fields)
    }

    /// Returns the custom fields.
    pub fn custom(&self) -> impl Iterator<Item = &PersonField> {
        self.0.iter().filter(|field| field.is_custom_field)
    }

    /// Finds a custom field by its key or its name. Of the bridge's own the first counts, should two workers have made one at once.
    pub fn find(&self, name: &str) -> Option<&PersonField> {
        let mut named = self.custom().filter(|field| field.name == name);
        let is_own = name == COUNTERPART || OWN.iter().any(|(own, _)| *own == name);
        let by_name = named.next().filter(|_| is_own || named.next().is_none());
        self.custom().find(|field| field.code == name).or(by_name)
    }

    /// Finds the name under which a mapping knows a field by its key.
    pub fn name_of(&self, code: &str, mapped: &[String]) -> Option<Field> {
        let name = |name: &&String| self.find(name).is_some_and(|field| field.code == code);
        mapped.iter().find(name).map(Field::new)
    }

    /// Returns which of the fields the bridge needs are missing, with their types.
    pub fn missing(&self, mapped: &[String]) -> Vec<(&'static str, &'static str)> {
        let is_needed = |name: &str| name == NAME_NOTE || mapped.iter().any(|mapped| mapped == name);
        let needed = OWN.into_iter().filter(|(name, _)| is_needed(name));
        [(COUNTERPART, "varchar")].into_iter().chain(needed).filter(|(name, _)| self.find(name).is_none()).collect()
    }

    /// Returns the options that mapped fields of a person hold and that the fields do not have.
    pub fn unknown_options(&self, person: &Person, mapped: &[String]) -> BTreeSet<Unknown> {
        let fields = mapped.iter().filter(|name| !is_standard(name)).filter_map(|name| self.find(name));
        fields.flat_map(|field| field.unknown_in(person.custom_fields.get(&field.code).unwrap_or(&Json::Null))).collect()
    }

    /// Returns the options that a patch names and that the fields do not have.
    pub fn unknown_labels(&self, patch: &Patch) -> BTreeSet<Unknown> {
        let named = patch.iter().filter(|(field, _)| !is_standard(field.as_str()));
        let named = named.filter_map(|(field, value)| Some((self.find(field.as_str())?, value.as_ref()?)));
        let choices = named.filter(|(field, _)| matches!(field.shape(), Some(Shape::Choice(_) | Shape::Choices(_))));
        let labels = choices.flat_map(|(field, value)| value.elements().iter().map(move |label| (field, label)));
        labels.filter(|(field, label)| field.option(label).is_none()).map(|(field, label)| (field.code.clone(), label.clone())).collect()
    }

    /// Says what the fields hold, in the bridge's terms.
    pub fn specs(&self) -> Vec<FieldSpec> {
        let [email, others] = items::EMAILS;
        let [phone, mobile] = items::PHONES;
        let standard = [
            (NAMES[0], Kind::Text),
            (NAMES[1], Kind::Text),
            (email, Kind::Email),
            (others, Kind::List(Box::new(Kind::Email))),
            (phone, Kind::Phone),
            (mobile, Kind::Phone),
        ];
        let standard = standard.into_iter().map(|(name, kind)| FieldSpec { field: name.into(), kind, writable: true });
        let custom = self.custom().filter(|field| field.name != NAME_NOTE).filter_map(|field| {
            let name = if self.find(&field.name).is_some_and(|found| found.code == field.code) { &field.name } else { &field.code };
            Some(FieldSpec { field: Field::new(name), kind: field.shape()?.kind(), writable: field.name != COUNTERPART })
        });
        standard.chain(custom).collect()
    }
}

/// Tells whether every company has a field.
pub(super) fn is_standard(name: &str) -> bool {
    [NAMES, items::EMAILS, items::PHONES].iter().flatten().any(|known| *known == name)
}

/// How a custom field's values look.
enum Shape<'a> {
    Text(Kind),
    Number,
    Choice(&'a PersonField),
    Choices(&'a PersonField),
}

impl Shape<'_> {
    fn kind(&self) -> Kind {
        match self {
            Self::Text(kind) => kind.clone(),
            Self::Number => Kind::Number,
            Self::Choice(field) => Kind::Choice(field.labels()),
            Self::Choices(field) => Kind::Choices(field.labels()),
        }
    }
}

impl PersonField {
    /// Money, periods, addresses, people and organisations are values of several parts, which the bridge does not map.
    fn shape(&self) -> Option<Shape<'_>> {
        match &*self.kind {
            "varchar" | "varchar_auto" | "text" => Some(Shape::Text(Kind::Text)),
            "phone" => Some(Shape::Text(Kind::Phone)),
            "date" => Some(Shape::Text(Kind::Date)),
            "double" => Some(Shape::Number),
            "enum" => Some(Shape::Choice(self)),
            "set" => Some(Shape::Choices(self)),
            _ => None,
        }
    }

    fn labels(&self) -> Vec<String> {
        self.options.iter().map(|choice| choice.label.clone()).collect()
    }

    fn label(&self, id: &Json) -> String {
        let known = self.options.iter().find(|choice| choice.id == *id).map(|choice| choice.label.clone());
        known.unwrap_or_else(|| plain(id))
    }

    /// Returns the options in a value that the field does not have.
    fn unknown_in(&self, json: &Json) -> Vec<Unknown> {
        let ids = match (self.shape(), json) {
            (Some(Shape::Choices(_)), Json::Array(ids)) => ids.as_slice(),
            (Some(Shape::Choice(_)), id) if !id.is_null() => std::slice::from_ref(id),
            _ => &[],
        };
        let unknown = ids.iter().filter(|id| self.options.iter().all(|choice| choice.id != **id));
        unknown.map(|id| (self.code.clone(), plain(id))).collect()
    }

    fn option(&self, label: &str) -> Option<Json> {
        self.options.iter().find(|choice| choice.label == label).map(|choice| choice.id.clone())
    }

    /// Reads a value; nothing for an empty one.
    pub fn read(&self, json: &Json) -> Option<Value> {
        match (self.shape()?, json) {
            (_, Json::Null) => None,
            (Shape::Choices(_), Json::Array(ids)) => Value::list(ids.iter().map(|id| self.label(id))),
            (Shape::Choice(_), id) => Value::text(self.label(id)),
            (_, json) => Value::text(plain(json)),
        }
    }

    /// Writes a value, `null` for an empty one; nothing if the field cannot hold it.
    pub fn write(&self, value: Option<&Value>) -> Option<Json> {
        let shape = self.shape()?;
        let Some(value) = value else { return Some(Json::Null) };
        match (shape, value) {
            (Shape::Text(_), Value::Text(text)) => Some(text.as_str().into()),
            (Shape::Number, Value::Text(text)) => number(text).map(Json::Number),
            (Shape::Choice(field), Value::Text(label)) => field.option(label),
            (Shape::Choices(field), value) => value.elements().iter().map(|label| field.option(label)).collect(),
            (Shape::Text(_) | Shape::Number | Shape::Choice(_), Value::List(_)) => None,
        }
    }
}

fn number(text: &str) -> Option<Number> {
    let text = text.trim();
    text.parse::<i64>().map(Number::from).ok().or_else(|| Number::from_f64(text.parse().ok()?))
}

/// Numbers come with and without an empty fraction.
fn plain(json: &Json) -> String {
    match json {
        Json::String(text) => text.clone(),
        Json::Number(number) => {
            let text = number.to_string();
            text.strip_suffix(".0").unwrap_or(&text).to_owned()
        }
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn definitions(fields: Json) -> Definitions {
        Definitions::new(serde_json::from_value(fields).unwrap())
    }

    fn field(code: &str, name: &str, kind: &str) -> Json {
        let options = json!([{"id": 1, "label": "Gold"}, {"id": 2, "label": "Silver"}]);
        json!({"field_code": code, "field_name": name, "field_type": kind, "options": options, "is_custom_field": true, "new": 1})
    }

    #[test]
    fn values_come_back_as_they_went() {
        let list = |items: &[&str]| Value::list(items.iter().map(|item| (*item).to_owned()));
        for (kind, value, expected) in [
            ("varchar", Value::text("x"), Some(json!("x"))),
            ("date", Value::text("1988-04-25"), Some(json!("1988-04-25"))),
            ("double", Value::text("12"), Some(json!(12))),
            ("double", Value::text("1.5"), Some(json!(1.5))),
            ("double", Value::text("many"), None),
            ("enum", Value::text("Silver"), Some(json!(2))),
            ("enum", Value::text("Bronze"), None),
            ("set", list(&["Gold", "Silver"]), Some(json!([1, 2]))),
            ("varchar", list(&["a", "b"]), None),
            ("monetary", Value::text("1"), None),
            ("set", None, Some(json!(null))),
        ] {
            let definitions = definitions(json!([field("c", "Field", kind)]));
            let field = definitions.find("Field").unwrap();
            let written = field.write(value.as_ref());
            assert_eq!(written, expected, "{kind}");
            if let Some(written) = written {
                assert_eq!(field.read(&written), value, "{kind}");
            }
        }
        let doubles = definitions(json!([field("c", "Field", "double")]));
        assert_eq!(doubles.find("c").unwrap().read(&json!(12.0)), Value::text("12"));
    }

    #[test]
    fn a_name_that_two_fields_share_is_nobodys_but_ours() {
        let twins = |name: &str| definitions(json!([field("a", name, "varchar"), field("b", name, "varchar")]));
        assert!(twins("Tier").find("Tier").is_none());
        assert_eq!(twins("Tier").find("b").map(|field| &*field.code), Some("b"));
        assert_eq!(twins(COUNTERPART).find(COUNTERPART).map(|field| &*field.code), Some("a"));
        let names: Vec<String> = twins("Tier").specs().iter().skip(6).map(|spec| spec.field.to_string()).collect();
        assert_eq!(names, ["a", "b"]);
    }

    #[test]
    fn only_what_is_mapped_is_made() {
        let known = definitions(json!([field("a", NAME_NOTE, "text")]));
        let missing: Vec<&str> = known.missing(&["Wix city".to_owned(), "Tier".to_owned()]).into_iter().map(|(name, _)| name).collect();
        assert_eq!(missing, [COUNTERPART, "Wix city"]);
    }
}
