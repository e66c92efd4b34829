//! The contact properties of one portal (<https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide>).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{errors::ApiError, standard, text};

/// At most so many unique properties per object type.
pub(super) const MAX_UNIQUE: usize = 10;

/// The storage type of a property.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Any text.
    Text,
    /// A decimal number, answered as text.
    Number,
    /// A day, midnight UTC.
    Date,
    /// An instant.
    DateTime,
    /// One of the options; several with the field type `checkbox`.
    Enumeration,
    /// `true` or `false`.
    Bool,
}

impl Kind {
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "string" => Self::Text,
            "number" => Self::Number,
            "date" => Self::Date,
            "datetime" => Self::DateTime,
            "enumeration" => Self::Enumeration,
            "bool" => Self::Bool,
            _ => return None,
        })
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Number => "number",
            Self::Date => "date",
            Self::DateTime => "datetime",
            Self::Enumeration => "enumeration",
            Self::Bool => "bool",
        }
    }

    /// The field types HubSpot takes for this type; the first is its usual one.
    fn field_types(self) -> &'static [&'static str] {
        match self {
            Self::Text => &["text", "textarea", "html", "phonenumber", "file"],
            Self::Number => &["number"],
            Self::Date | Self::DateTime => &["date"],
            Self::Enumeration => &["select", "radio", "checkbox", "booleancheckbox"],
            Self::Bool => &["booleancheckbox"],
        }
    }
}

/// One option of an enumeration.
#[derive(Clone)]
pub(super) struct Choice {
    /// What is stored.
    pub value: String,
    /// What people see.
    pub label: String,
}

/// One property of contacts.
#[derive(Clone)]
pub(super) struct Property {
    pub name: String,
    pub label: String,
    pub kind: Kind,
    pub field_type: String,
    pub group: String,
    pub description: String,
    pub options: Vec<Choice>,
    pub unique: bool,
    pub read_only: bool,
    pub hubspot_defined: bool,
    pub updated_ms: i64,
}

impl Property {
    pub fn new(name: &str, label: &str, kind: Kind) -> Self {
        let field_type = kind.field_types().first().copied().unwrap_or("text");
        Self {
            name: name.to_owned(),
            label: label.to_owned(),
            kind,
            field_type: field_type.to_owned(),
            group: "contactinformation".to_owned(),
            description: String::new(),
            options: Vec::new(),
            unique: false,
            read_only: false,
            hubspot_defined: false,
            updated_ms: 0,
        }
    }

    /// Whether several options can be set at once.
    pub fn is_multiple(&self) -> bool {
        self.kind == Kind::Enumeration && self.field_type == "checkbox"
    }

    pub fn render(&self) -> Value {
        let options: Vec<Value> = (0_i64..)
            .zip(&self.options)
            .map(|(order, choice)| json!({"label": choice.label, "value": choice.value, "displayOrder": order, "hidden": false}))
            .collect();
        json!({"name": self.name, "label": self.label, "type": self.kind.name(), "fieldType": self.field_type,
            "description": self.description, "groupName": self.group, "options": options, "displayOrder": -1,
            "calculated": false, "externalOptions": false, "hasUniqueValue": self.unique, "hidden": false,
            "hubspotDefined": self.hubspot_defined, "formField": !self.read_only, "archived": false,
            "createdAt": text::iso(self.updated_ms), "updatedAt": text::iso(self.updated_ms),
            "modificationMetadata": {"archivable": !self.hubspot_defined,
                "readOnlyDefinition": self.hubspot_defined, "readOnlyValue": self.read_only}})
    }
}

/// All contact properties of a portal.
#[derive(Clone)]
pub(super) struct Schema {
    properties: BTreeMap<String, Property>,
}

impl Schema {
    /// A new account's properties.
    pub fn standard() -> Self {
        let properties = standard::properties().into_iter().map(|property| (property.name.clone(), property)).collect();
        Self { properties }
    }

    pub fn get(&self, name: &str) -> Option<&Property> {
        self.properties.get(name)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Property> {
        self.properties.values()
    }

    /// Whether objects can be looked up by this property.
    pub fn is_key(&self, name: &str) -> bool {
        name == "email" || self.get(name).is_some_and(|property| property.unique)
    }

    /// Adds a custom property from the body of the create call.
    pub fn add(&mut self, body: &Value, now_ms: i64) -> Result<Property, ApiError> {
        let mut property = parse(body)?;
        property.updated_ms = now_ms;
        if self.properties.contains_key(&property.name) {
            return Err(ApiError::new(409, "OBJECT_ALREADY_EXISTS", format!("A property named '{}' already exists.", property.name)));
        }
        let unique = self.iter().filter(|property| property.unique).count();
        if property.unique && unique >= MAX_UNIQUE {
            return Err(ApiError::invalid(format!("You have reached the limit of {MAX_UNIQUE} unique properties for this object type.")));
        }
        self.properties.insert(property.name.clone(), property.clone());
        Ok(property)
    }

    /// Changes label, description or options of a custom property.
    pub fn change(&mut self, name: &str, body: &Value, now_ms: i64) -> Result<Property, ApiError> {
        let property = self.properties.get_mut(name).ok_or_else(|| unknown(name))?;
        if property.hubspot_defined {
            return Err(ApiError::invalid(format!("Property '{name}' is defined by HubSpot.")));
        }
        if let Some(label) = body.get("label").and_then(Value::as_str) {
            label.clone_into(&mut property.label);
        }
        if let Some(description) = body.get("description").and_then(Value::as_str) {
            description.clone_into(&mut property.description);
        }
        if let Some(options) = body.get("options") {
            property.options = parse_options(options)?;
        }
        property.updated_ms = now_ms;
        Ok(property.clone())
    }

    /// Archives a custom property: its values are no longer seen.
    pub fn remove(&mut self, name: &str) -> Result<(), ApiError> {
        match self.properties.get(name) {
            None => Err(unknown(name)),
            Some(property) if property.hubspot_defined => {
                Err(ApiError::invalid(format!("Property '{name}' is defined by HubSpot and cannot be archived.")))
            }
            Some(_) => {
                self.properties.remove(name);
                Ok(())
            }
        }
    }
}

/// The 404 of the properties API.
pub(super) fn unknown(name: &str) -> ApiError {
    ApiError::new(404, "OBJECT_NOT_FOUND", format!("Property \"{name}\" does not exist"))
}

fn field<'a>(body: &'a Value, name: &str) -> Result<&'a str, ApiError> {
    body.get(name)
        .and_then(Value::as_str)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| ApiError::invalid(format!("Invalid input JSON: some required fields were not set: [{name}]")))
}

fn parse(body: &Value) -> Result<Property, ApiError> {
    let name = field(body, "name")?;
    let label = field(body, "label")?;
    let kind = field(body, "type")?;
    let field_type = field(body, "fieldType")?;
    let group = field(body, "groupName")?;
    let kind = Kind::parse(kind).ok_or_else(|| ApiError::invalid(format!("'{kind}' is not a property type.")))?;
    if !kind.field_types().contains(&field_type) {
        return Err(ApiError::invalid(format!("Field type '{field_type}' is not valid for type '{}'.", kind.name())));
    }
    if !is_name(name) {
        return Err(ApiError::invalid(format!(
            "Property name '{name}' must be lower case, start with a letter and hold letters, digits and underscores only."
        )));
    }
    if !standard::GROUPS.contains(&group) {
        return Err(ApiError::invalid(format!("Property group '{group}' does not exist.")));
    }
    let unique = body.get("hasUniqueValue").and_then(Value::as_bool).unwrap_or(false);
    if unique && !matches!(kind, Kind::Text | Kind::Number) {
        return Err(ApiError::invalid("Only text and number properties can have unique values."));
    }
    let options = body.get("options").map_or(Ok(Vec::new()), parse_options)?;
    if kind == Kind::Enumeration && options.is_empty() {
        return Err(ApiError::invalid("An enumeration property needs at least one option."));
    }
    Ok(Property {
        field_type: field_type.to_owned(),
        group: group.to_owned(),
        description: body.get("description").and_then(Value::as_str).unwrap_or_default().to_owned(),
        options,
        unique,
        ..Property::new(name, label, kind)
    })
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.len() <= 100
        && name.chars().all(|each| each.is_ascii_lowercase() || each.is_ascii_digit() || each == '_')
}

fn parse_options(options: &Value) -> Result<Vec<Choice>, ApiError> {
    let list = options.as_array().ok_or_else(|| ApiError::invalid("Invalid input JSON: options must be a list"))?;
    list.iter().map(|option| Ok(Choice { value: field(option, "value")?.to_owned(), label: field(option, "label")?.to_owned() })).collect()
}
