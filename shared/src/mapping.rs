//! How values of one side become values of the other: rows, their transforms, and the checks a mapping passes before it is saved.
//!
//! Pure. Every conversion is total, and free of drift: there and back again, any number of times, changes nothing after the
//! first time. Two values of a side that differ only in what a row's transform evens out are the same to it, so they never bounce.

mod check;
mod codec;
mod country;
mod date;
mod defaults;
mod error;
mod fields;
mod options;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, sync::Arc};

pub use self::{
    check::check,
    defaults::{default_hubspot, default_of, default_pipedrive},
    error::MappingError,
    fields::wix_fields,
};
use self::{codec::Codec, fields::Content};
use crate::model::{
    field::{Field, Fields, Value},
    ids::{RowId, Side},
    normal,
    site::{Direction, MappingRow, OnEmpty},
};

/// A value has no counterpart on the other side: its field is skipped, the others are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the value has no counterpart on the other side")]
pub struct Unconvertible;

/// A site's mapping, ready for use.
#[derive(Clone, Debug)]
pub struct Mapping {
    rows: Arc<[Row]>,
}

impl Mapping {
    /// Prepares saved rows for use. Expects them as [`check`] lets them pass; what would not pass converts nothing.
    ///
    /// `default_country` (ISO 3166-1 alpha-2) is that of phone numbers without a prefix.
    #[must_use]
    pub fn new(rows: &[MappingRow], default_country: Option<&str>) -> Self {
        let country = default_country.map(Arc::from);
        Self { rows: rows.iter().map(|row| Row::new(row, country.clone())).collect() }
    }

    /// Returns the rows, in the order they were saved.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }
}

/// One row: two fields that hold the same thing, and how the one becomes the other.
#[derive(Clone, Debug)]
pub struct Row {
    saved: MappingRow,
    codec: Codec,
    content: Content,
    list: bool,
    country: Option<Arc<str>>,
}

impl Row {
    fn new(row: &MappingRow, country: Option<Arc<str>>) -> Self {
        let codec = Codec::new(&row.transform);
        let constant = codec.constant().is_some();
        Self {
            content: if constant { Content::Other } else { Content::of(&row.wix) },
            list: !constant && fields::is_list(&row.wix),
            saved: row.clone(),
            codec,
            country,
        }
    }

    /// Returns the row's id.
    #[must_use]
    pub fn id(&self) -> &RowId {
        &self.saved.id
    }

    /// Returns the field on `side`.
    #[must_use]
    pub fn field(&self, side: Side) -> &Field {
        match side {
            Side::Wix => &self.saved.wix,
            Side::External => &self.saved.external,
        }
    }

    /// Tells whether the row writes to `side`.
    #[must_use]
    pub fn flows_to(&self, side: Side) -> bool {
        flows_to(self.saved.direction, side)
    }

    /// Returns who wins a conflict in this row, if it has a system of record of its own.
    #[must_use]
    pub fn system_of_record(&self) -> Option<Side> {
        self.saved.system_of_record
    }

    /// Tells whether clearing a field leaves its counterpart as it is.
    #[must_use]
    pub fn keeps_when_empty(&self) -> bool {
        self.saved.on_empty == OnEmpty::Keep
    }

    /// Tells whether the row merges by element: its Wix field is a list.
    #[must_use]
    pub fn is_list(&self) -> bool {
        self.list
    }

    /// Returns the value of `side`'s field, as the row sees it: always a list if the row merges by element (a joined text is
    /// taken apart), and nothing instead of blanks that the row does not care for.
    #[must_use]
    pub fn read(&self, side: Side, fields: &Fields) -> Option<Value> {
        if let (Side::Wix, Some(text)) = (side, self.codec.constant()) {
            return Value::text(text);
        }
        let value = fields.get(self.field(side))?;
        if self.list {
            let elements = self.elements(side, value).into_iter().filter(|element| !self.is_blank(side, element));
            return Value::list(elements);
        }
        match value {
            Value::Text(text) if self.is_blank(side, text) => None,
            _ => Some(value.clone()),
        }
    }

    /// Converts what [`Row::read`] returned for the other side into `to`'s form.
    ///
    /// # Errors
    /// [`Unconvertible`] if the value, or one element of it, has no counterpart there.
    pub fn convert(&self, to: Side, value: Option<&Value>) -> Result<Option<Value>, Unconvertible> {
        if let Some(text) = self.codec.constant() {
            return if to == Side::External { Ok(Value::text(text)) } else { Err(Unconvertible) };
        }
        match value {
            None => Ok(None),
            Some(value) if self.list => self.convert_list(to, value),
            Some(Value::Text(text)) => Ok(self.convert_text(to, text)?.and_then(Value::text)),
            Some(Value::List(_)) => Err(Unconvertible),
        }
    }

    /// Puts a value as [`Row::read`] and [`Row::convert`] give it into the form that `side`'s field takes.
    #[must_use]
    pub fn write(&self, side: Side, value: Option<Value>) -> Option<Value> {
        match (side, value?) {
            (Side::External, Value::List(items)) => self.codec.join(items),
            (_, value) => Some(value),
        }
    }

    /// Tells whether two values of `side` mean the same: e-mail addresses without case, phones by number, lists as sets, texts
    /// up to what the transform evens out.
    #[must_use]
    pub fn same(&self, side: Side, a: Option<&Value>, b: Option<&Value>) -> bool {
        self.keys(side, a) == self.keys(side, b)
    }

    /// Returns the form under which a text, or an element of a list, is compared with those of either side.
    #[must_use]
    pub fn element_key(&self, side: Side, element: &str) -> String {
        let country = self.country.as_deref();
        let key = self.codec.key(side, element, country);
        match self.content {
            Content::Email => normal::email(&key),
            Content::Phone => codec::phone_key(&key, country),
            Content::Other => key,
        }
    }

    fn keys(&self, side: Side, value: Option<&Value>) -> BTreeSet<String> {
        let elements = value.map(|value| self.elements(side, value)).unwrap_or_default();
        elements.iter().map(|element| self.element_key(side, element)).filter(|key| !key.is_empty()).collect()
    }

    fn elements(&self, side: Side, value: &Value) -> Vec<String> {
        match (side, value) {
            (Side::External, Value::Text(text)) if self.list => self.codec.split(text),
            _ => value.elements().to_vec(),
        }
    }

    fn is_blank(&self, side: Side, text: &str) -> bool {
        self.element_key(side, text).is_empty()
    }

    fn convert_list(&self, to: Side, value: &Value) -> Result<Option<Value>, Unconvertible> {
        let mut seen = BTreeSet::new();
        let mut converted = Vec::new();
        for element in self.elements(to.opposite(), value) {
            if let Some(element) = self.convert_text(to, &element)?
                && seen.insert(self.element_key(to, &element))
            {
                converted.push(element);
            }
        }
        Ok(Value::list(converted))
    }

    fn convert_text(&self, to: Side, text: &str) -> Result<Option<String>, Unconvertible> {
        if self.is_blank(to.opposite(), text) {
            return Ok(None);
        }
        self.codec.convert(to, text, self.country.as_deref()).map(Some)
    }
}

const fn flows_to(direction: Direction, side: Side) -> bool {
    matches!((direction, side), (Direction::Both, _) | (Direction::ToCrm, Side::External) | (Direction::ToWix, Side::Wix))
}
