//! What a transform does to one text.

use super::{
    Unconvertible, country,
    date::{self, Pattern},
    options::Table,
};
use crate::model::{field::Value, ids::Side, normal, site::Transform};

/// A transform, ready for use.
#[derive(Clone, Debug)]
pub(super) enum Codec {
    Keep,
    Trim,
    Lower,
    Upper,
    Phone,
    /// `None` if the pattern is no pattern: nothing converts.
    Date(Option<Pattern>),
    Country,
    Options(Table),
    Join(Separator),
    Constant(String),
}

impl Codec {
    pub fn new(transform: &Transform) -> Self {
        match transform {
            Transform::None => Self::Keep,
            Transform::Trim => Self::Trim,
            Transform::Lower => Self::Lower,
            Transform::Upper => Self::Upper,
            Transform::Phone => Self::Phone,
            Transform::Date { pattern } => Self::Date(Pattern::parse(pattern.as_deref().unwrap_or(Pattern::ISO))),
            Transform::Country => Self::Country,
            Transform::Options { table } => Self::Options(Table::new(table)),
            Transform::Join { separator } => Self::Join(Separator::new(separator)),
            Transform::Constant { value } => Self::Constant(value.clone()),
        }
    }

    /// Returns the text of a constant.
    pub fn constant(&self) -> Option<&str> {
        if let Self::Constant(text) = self { Some(text) } else { None }
    }

    /// Converts one text of the other side into `to`'s form.
    pub fn convert(&self, to: Side, text: &str, country: Option<&str>) -> Result<String, Unconvertible> {
        let converted = match self {
            Self::Keep => Some(text.to_owned()),
            Self::Trim => Some(text.trim().to_owned()),
            Self::Lower => Some(text.to_lowercase()),
            Self::Upper => Some(text.to_uppercase()),
            Self::Phone => Some(e164(text, country).unwrap_or_else(|| text.to_owned())),
            Self::Date(pattern) => date::convert(pattern.as_ref(), to, text),
            Self::Country => country::convert(to, text),
            Self::Options(table) => table.convert(to, text).map(str::to_owned),
            Self::Join(separator) => Some(text.trim().to_owned()).filter(|text| !text.contains(separator.token())),
            Self::Constant(constant) => (to == Side::External).then(|| constant.clone()),
        };
        converted.ok_or(Unconvertible)
    }

    /// Returns the form under which a text of `side` is compared with those of either side.
    pub fn key(&self, side: Side, text: &str, country: Option<&str>) -> String {
        match self {
            Self::Keep | Self::Constant(_) => text.to_owned(),
            Self::Trim | Self::Join(_) => text.trim().to_owned(),
            Self::Lower => text.to_lowercase(),
            Self::Upper => text.to_uppercase(),
            Self::Phone => phone_key(text, country),
            Self::Date(pattern) => date::key(pattern.as_ref(), side, text),
            Self::Country => country::find(text).map_or_else(|| text.trim().to_owned(), |country| country.alpha2.to_owned()),
            Self::Options(table) => table.key(side, text),
        }
    }

    /// Takes a joined text apart; a text that is not joined is its only element.
    pub fn split(&self, text: &str) -> Vec<String> {
        match self {
            Self::Join(separator) => separator.split(text),
            _ => vec![text.to_owned()],
        }
    }

    /// Joins elements, if that is what the transform does.
    pub fn join(&self, items: Vec<String>) -> Option<Value> {
        match self {
            Self::Join(separator) => Value::text(items.join(&separator.0)),
            _ => Value::list(items),
        }
    }
}

/// Returns a phone number as it is compared: E.164 where it can be parsed, else the text without blanks around.
pub(super) fn phone_key(text: &str, country: Option<&str>) -> String {
    e164(text, country).unwrap_or_else(|| text.trim().to_owned())
}

/// A number that would be read differently the next time is ambiguous, and stays as it is.
fn e164(text: &str, country: Option<&str>) -> Option<String> {
    let is_stable = |number: &String| number == text || normal::e164(number, country).as_ref() == Some(number);
    normal::e164(text, country).filter(is_stable)
}

/// What stands between the elements of a joined text.
#[derive(Clone, Debug)]
pub(super) struct Separator(String);

impl Separator {
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Returns what elements are found apart by: people forget the blanks around a semicolon.
    pub fn token(&self) -> &str {
        let trimmed = self.0.trim();
        if trimmed.is_empty() { &self.0 } else { trimmed }
    }

    fn split(&self, text: &str) -> Vec<String> {
        match self.token() {
            "" => vec![text.to_owned()],
            token => text.split(token).map(|element| element.trim().to_owned()).filter(|element| !element.is_empty()).collect(),
        }
    }
}
