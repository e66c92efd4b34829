//! Fields of a contact: names, values, and what a side says of them.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

/// The name of a field in its side's own vocabulary.
///
/// Wix: `name.first`, `name.last`, `company`, `jobTitle`, `birthdate`, `locale`, `email` (the primary one), `emails` (all
/// others), `phone` (the primary one), `phones` (all others), `phone.<tag>` (the first other one with that tag: `home`,
/// `mobile`, `work`, `fax`), `address.<part>` (the first address) and `address.<tag>.<part>` (the first other one with the tag
/// `home`, `work`, `billing`, `shipping`), to read only `address.<n>.<part>` (any other one, by its place) and to write only
/// `address.new.<part>` (one that is not there yet), with the parts `line`, `line2`, `city`, `subdivision`, `country`, `postalCode`; `labels`
/// (keys), and extended fields by their full key: `custom.vat-id`, `invoices.vatId`. External: the CRM's property name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Field(String);

impl Field {
    /// Wraps a name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Field {
    fn from(name: &str) -> Self {
        Self(name.to_owned())
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A field's value: one text or a list of texts. Never empty: an empty field is absent from [`Fields`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// One text; numbers and dates in their canonical form (`1988-04-25`).
    Text(String),
    /// Several texts, in the order of the side.
    List(Vec<String>),
}

impl Value {
    /// Makes a text, `None` if it is empty.
    pub fn text(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        (!text.is_empty()).then_some(Self::Text(text))
    }

    /// Makes a list without its empty elements, `None` if none is left.
    pub fn list(items: impl IntoIterator<Item = String>) -> Option<Self> {
        let items: Vec<_> = items.into_iter().filter(|item| !item.is_empty()).collect();
        (!items.is_empty()).then_some(Self::List(items))
    }

    /// Returns the text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::List(_) => None,
        }
    }

    /// Returns the elements: a text is a list of one.
    #[must_use]
    pub fn elements(&self) -> &[String] {
        match self {
            Self::Text(text) => std::slice::from_ref(text),
            Self::List(items) => items,
        }
    }
}

/// Hides the value: contact data never reaches a log.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Text(..)"),
            Self::List(items) => write!(f, "List({} ..)", items.len()),
        }
    }
}

/// The filled fields of a record.
pub type Fields = BTreeMap<Field, Value>;

/// Changes to apply to a record: `None` clears the field; fields not named stay.
pub type Patch = BTreeMap<Field, Option<Value>>;

/// What a value of a field is, as far as conversion goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Any text.
    Text,
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
    /// A calendar date, `YYYY-MM-DD`.
    Date,
    /// A decimal number.
    Number,
    /// A web address.
    Url,
    /// One of these options.
    Choice(Vec<String>),
    /// Any of these options.
    Choices(Vec<String>),
    /// A list of values of any number.
    List(Box<Kind>),
}

impl Kind {
    /// Tells whether the field holds a list.
    #[must_use]
    pub const fn is_list(&self) -> bool {
        matches!(self, Self::List(_) | Self::Choices(_))
    }
}

/// What a side says of one of its fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldSpec {
    /// The field.
    pub field: Field,
    /// What it holds.
    pub kind: Kind,
    /// Whether the bridge may write it.
    pub writable: bool,
}
