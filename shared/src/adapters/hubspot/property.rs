//! Properties: what HubSpot says of them, and how their values, which all travel as text, are read and written.
//!
//! <https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide>

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};
use serde::Deserialize;
use serde_json::Value as Json;

use super::wire::or_default;
use crate::model::field::{Field, FieldSpec, Kind, Value};

/// The unique property that holds the id of the Wix contact.
pub const COUNTERPART: &str = "wix_contact_id";

/// The text property that holds the labels of the Wix contact.
pub const LABELS: &str = "wix_labels";

/// The ids of the records that were merged into this one, separated by semicolons.
pub(super) const MERGED: &str = "hs_merged_object_ids";

/// The e-mail addresses beside the primary one, separated by semicolons.
pub(super) const MORE_EMAILS: &str = "hs_additional_emails";

/// The properties contacts are looked up by; asked for even if they are not mapped.
pub(super) const KEYS: [&str; 4] = ["email", MORE_EMAILS, "phone", "mobilephone"];

/// Properties of every account that hold one text and that nobody can delete.
/// <https://knowledge.hubspot.com/properties/hubspots-default-contact-properties>
const STANDARD: [&str; 19] = [
    "address", "city", "company", "country", "date_of_birth", "email", "fax", "firstname", "hs_language", "hs_lead_status",
    "jobtitle", "lastname", "lifecyclestage", "mobilephone", "phone", "salutation", "state", "website", "zip",
];

/// A contact property, from the list of properties.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Property {
    /// Its name.
    pub name: String,
    /// `string`, `number`, `date`, `datetime`, `enumeration`, `bool`, ..
    #[serde(rename = "type", default, deserialize_with = "or_default")]
    kind: String,
    /// `text`, `phonenumber`, `select`, `checkbox`, `booleancheckbox`, ..
    #[serde(default, deserialize_with = "or_default")]
    field_type: String,
    #[serde(default, deserialize_with = "or_default")]
    options: Vec<Choice>,
    /// Its options are not listed: owners, for one.
    #[serde(default, deserialize_with = "or_default")]
    external_options: bool,
    #[serde(default, deserialize_with = "or_default")]
    calculated: bool,
    #[serde(default, deserialize_with = "or_default")]
    archived: bool,
    /// Whether no two records may have the same value.
    #[serde(default, deserialize_with = "or_default")]
    pub has_unique_value: bool,
    #[serde(default, deserialize_with = "or_default")]
    modification_metadata: Modification,
}

#[derive(Clone, Debug, Deserialize)]
struct Choice {
    value: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Modification {
    #[serde(default, deserialize_with = "or_default")]
    read_only_value: bool,
}

impl Property {
    /// Says what the property is in the bridge's terms; `None` for one that is in the bin.
    pub fn spec(&self) -> Option<FieldSpec> {
        let writable = !self.modification_metadata.read_only_value && !self.calculated && self.name != COUNTERPART;
        (!self.archived).then(|| FieldSpec { field: Field::new(&*self.name), kind: self.kind(), writable })
    }

    fn kind(&self) -> Kind {
        match (&*self.name, &*self.kind, &*self.field_type) {
            (MORE_EMAILS, ..) => Kind::List(Box::new(Kind::Email)),
            ("email", ..) => Kind::Email,
            (_, "bool", _) | (_, _, "booleancheckbox") => Kind::Choice(self.switch()),
            (_, "enumeration", "checkbox") if self.is_open() => Kind::List(Box::new(Kind::Text)),
            (_, "enumeration", "checkbox") => Kind::Choices(self.values()),
            (_, "enumeration", _) if self.is_open() => Kind::Text,
            (_, "enumeration", _) => Kind::Choice(self.values()),
            (_, "number", _) => Kind::Number,
            (_, "date", _) => Kind::Date,
            (_, "phone_number", _) | (_, _, "phonenumber") => Kind::Phone,
            _ => Kind::Text,
        }
    }

    fn is_open(&self) -> bool {
        self.external_options || self.options.is_empty()
    }

    fn values(&self) -> Vec<String> {
        self.options.iter().map(|choice| choice.value.clone()).collect()
    }

    fn switch(&self) -> Vec<String> {
        if self.options.is_empty() { vec!["true".to_owned(), "false".to_owned()] } else { self.values() }
    }
}

/// How a property's text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// As it is.
    Plain,
    /// Several texts, separated by semicolons.
    /// <https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide#add-values-to-checkbox-type-properties>
    List,
    /// A day: `YYYY-MM-DD`, or the milliseconds of its midnight in UTC.
    Date,
}

/// How the properties of a portal are read.
#[derive(Clone, Debug)]
pub(super) enum Shapes {
    /// What holds in every portal, without having asked.
    Presumed,
    /// What the portal says.
    Told(BTreeMap<String, Shape>),
}

impl Shapes {
    /// Tells whether the shapes of all these properties are known without asking the portal.
    pub fn are_common<'a>(names: impl IntoIterator<Item = &'a str>) -> bool {
        names.into_iter().all(|name| [MORE_EMAILS, LABELS].contains(&name) || STANDARD.contains(&name))
    }

    /// Takes the shapes from the list of properties.
    pub fn told(specs: &[FieldSpec]) -> Self {
        let shape = |kind: &Kind| match kind {
            Kind::Date => Shape::Date,
            kind if kind.is_list() => Shape::List,
            _ => Shape::Plain,
        };
        Self::Told(specs.iter().map(|spec| (spec.field.as_str().to_owned(), shape(&spec.kind))).collect())
    }

    /// Tells whether the portal was asked.
    pub const fn is_told(&self) -> bool {
        matches!(self, Self::Told(_))
    }

    /// Tells whether the property certainly exists: then it is empty if a reply leaves it out.
    pub fn has(&self, name: &str) -> bool {
        let told = match self {
            Self::Presumed => false,
            Self::Told(shapes) => shapes.contains_key(name),
        };
        told || KEYS.contains(&name) || STANDARD.contains(&name)
    }

    /// Returns how a property is read.
    pub fn of(&self, name: &str) -> Shape {
        match self {
            _ if name == MORE_EMAILS => Shape::List,
            Self::Presumed => Shape::Plain,
            Self::Told(shapes) => shapes.get(name).copied().unwrap_or(Shape::Plain),
        }
    }
}

/// A value that is neither text nor empty.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotText;

/// Returns the text of a JSON value, `None` for `null` and `""`.
pub(super) fn text(json: &Json) -> Result<Option<String>, NotText> {
    let text = match json {
        Json::Null => return Ok(None),
        Json::String(text) => text.clone(),
        Json::Number(number) => number.to_string(),
        Json::Bool(flag) => flag.to_string(),
        Json::Array(_) | Json::Object(_) => return Err(NotText),
    };
    Ok((!text.is_empty()).then_some(text))
}

/// Reads a property's value.
pub(super) fn read(shape: Shape, json: &Json) -> Result<Option<Value>, NotText> {
    Ok(text(json)?.and_then(|text| match shape {
        Shape::Plain => Value::text(text),
        Shape::List => Value::list(text.split(';').map(|item| item.trim().to_owned())),
        Shape::Date => Value::text(day(&text).unwrap_or(text)),
    }))
}

/// Writes a property's value; the empty text clears it. `None` if it cannot be written: an element with the separator in it would
/// come back as two.
///
/// Days go out as they are, `YYYY-MM-DD`, which HubSpot takes as midnight in UTC.
/// <https://developers.hubspot.com/changelog/new-standardization-of-date-formats-for-hubspots-form-submissions-api>
pub(super) fn write(value: Option<&Value>) -> Option<String> {
    match value {
        None => Some(String::new()),
        Some(Value::Text(text)) => Some(text.clone()),
        Some(Value::List(items)) => items.iter().all(|item| !item.contains(';')).then(|| items.join(";")),
    }
}

/// Returns the day of milliseconds since 1970, in UTC; `None` if the text is not a number of them.
fn day(text: &str) -> Option<String> {
    let millis = text.parse().ok()?;
    let time = Timestamp::from_millisecond(millis).ok()?;
    Some(time.to_zoned(TimeZone::UTC).date().to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn property(json: Json) -> Property {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn every_type_of_property_has_a_kind() {
        let options = json!([{"label": "A", "value": "a"}, {"label": "B", "value": "b"}]);
        let ab = || vec!["a".to_owned(), "b".to_owned()];
        let switch = || vec!["true".to_owned(), "false".to_owned()];
        for (name, kind, field_type, options, expected) in [
            ("note", "string", "textarea", json!(null), Kind::Text),
            ("score", "number", "number", json!([]), Kind::Number),
            ("since", "date", "date", json!([]), Kind::Date),
            ("seen", "datetime", "date", json!([]), Kind::Text),
            ("tier", "enumeration", "select", options.clone(), Kind::Choice(ab())),
            ("size", "enumeration", "radio", options.clone(), Kind::Choice(ab())),
            ("tags", "enumeration", "checkbox", options, Kind::Choices(ab())),
            ("owner", "enumeration", "select", json!([]), Kind::Text),
            ("vip", "enumeration", "booleancheckbox", json!([]), Kind::Choice(switch())),
            ("ok", "bool", "booleancheckbox", json!([]), Kind::Choice(switch())),
            ("phone", "string", "phonenumber", json!([]), Kind::Phone),
            ("email", "string", "text", json!([]), Kind::Email),
            ("hs_additional_emails", "string", "text", json!([]), Kind::List(Box::new(Kind::Email))),
            ("new_type", "hologram", "", json!([]), Kind::Text),
        ] {
            let spec = property(json!({"name": name, "type": kind, "fieldType": field_type, "options": options})).spec().unwrap();
            assert_eq!(spec.kind, expected, "{name}");
            assert!(spec.writable, "{name}");
        }
    }

    #[test]
    fn what_hubspot_fills_is_not_writable() {
        for (json, expected) in [
            (json!({"name": "a", "modificationMetadata": {"readOnlyValue": true}}), Some(false)),
            (json!({"name": "a", "calculated": true, "modificationMetadata": null}), Some(false)),
            (json!({"name": "wix_contact_id"}), Some(false)),
            (json!({"name": "a", "modificationMetadata": {"readOnlyValue": false}, "surprise": [1]}), Some(true)),
            (json!({"name": "a", "archived": true}), None),
        ] {
            assert_eq!(property(json.clone()).spec().map(|spec| spec.writable), expected, "{json}");
        }
    }

    #[test]
    fn values_are_read_by_shape() {
        let list = |items: &[&str]| Some(Value::List(items.iter().map(|item| (*item).to_owned()).collect()));
        for (shape, json, expected) in [
            (Shape::Plain, json!(null), None),
            (Shape::Plain, json!(""), None),
            (Shape::Plain, json!("Ada; B"), Value::text("Ada; B")),
            (Shape::Plain, json!(12), Value::text("12")),
            (Shape::Plain, json!(true), Value::text("true")),
            (Shape::List, json!("a;b"), list(&["a", "b"])),
            (Shape::List, json!(";a; b;"), list(&["a", "b"])),
            (Shape::List, json!(";"), None),
            (Shape::Date, json!("1988-04-25"), Value::text("1988-04-25")),
            (Shape::Date, json!("577929600000"), Value::text("1988-04-25")),
            (Shape::Date, json!(577_929_600_000_i64), Value::text("1988-04-25")),
            (Shape::Date, json!("-86400000"), Value::text("1969-12-31")),
            (Shape::Date, json!("someday"), Value::text("someday")),
        ] {
            assert_eq!(read(shape, &json), Ok(expected), "{json}");
        }
        assert_eq!(read(Shape::Plain, &json!(["a"])), Err(NotText));
    }

    #[test]
    fn values_are_written_as_text() {
        let list = |items: &[&str]| Value::List(items.iter().map(|item| (*item).to_owned()).collect());
        assert_eq!(write(None).as_deref(), Some(""));
        assert_eq!(write(Value::text("1988-04-25").as_ref()).as_deref(), Some("1988-04-25"));
        assert_eq!(write(Some(&list(&["a", "b"]))).as_deref(), Some("a;b"));
        assert_eq!(write(Some(&list(&["a;b"]))), None);
    }

    #[test]
    fn only_unusual_properties_need_asking() {
        assert!(Shapes::are_common(["email", "phone", LABELS, MORE_EMAILS]));
        assert!(!Shapes::are_common(["email", "favourite_colour"]));
        assert!(Shapes::Presumed.has("email") && !Shapes::Presumed.has(LABELS));
    }
}
