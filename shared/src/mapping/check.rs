//! The check a mapping passes before it is saved.

mod flow;
mod kinds;

use std::collections::{BTreeMap, BTreeSet};

use super::{
    MappingError,
    codec::{Codec, Separator},
    date::{self, Pattern},
    flows_to,
};
use crate::model::{
    field::{Field, FieldSpec, Kind},
    ids::{Pair, RowId, Side},
    site::{Direction, MappingRow, Transform},
};

const A_DAY: &str = "2024-02-29";

/// Checks a mapping against the fields each side has and returns everything that is wrong with it; nothing means it can be saved.
#[must_use]
pub fn check(rows: &[MappingRow], schemas: Pair<&[FieldSpec]>, default_country: Option<&str>) -> Vec<MappingError> {
    let mut errors: Vec<_> = default_country.and_then(unknown_country).into_iter().collect();
    errors.extend(duplicate_rows(rows));
    for row in rows {
        errors.extend(Checked::new(row, schemas).errors());
    }
    errors.extend(flow::same_targets(rows, schemas));
    errors.extend(flow::loops(rows, schemas));
    errors
}

fn unknown_country(code: &str) -> Option<MappingError> {
    let known = code.to_ascii_uppercase().parse::<phonenumber::country::Id>().is_ok();
    (!known).then(|| MappingError::UnknownCountry { value: code.to_owned() })
}

fn duplicate_rows(rows: &[MappingRow]) -> Vec<MappingError> {
    let mut seen = BTreeMap::<&RowId, &Field>::new();
    let mut errors = Vec::new();
    for row in rows {
        if let Some(&first) = seen.get(&row.id) {
            errors.push(MappingError::DuplicateRow { row: row.id.clone(), first: first.clone(), second: row.wix.clone() });
        } else {
            seen.insert(&row.id, &row.wix);
        }
    }
    errors
}

/// Finds what is known of a field.
fn spec<'a>(schemas: Pair<&'a [FieldSpec]>, side: Side, field: &Field) -> Option<&'a FieldSpec> {
    schemas.of(side).iter().find(|spec| spec.field == *field)
}

/// Returns a value the field could have, to show in a message.
fn example(schemas: Pair<&[FieldSpec]>, side: Side, field: &Field) -> String {
    spec(schemas, side, field).map_or_else(|| kinds::sample(&Kind::Text), |spec| kinds::sample(&spec.kind))
}

const fn field_of(row: &MappingRow, side: Side) -> &Field {
    match side {
        Side::Wix => &row.wix,
        Side::External => &row.external,
    }
}

/// Tells whether the row reads its Wix field: a constant does not.
const fn reads_wix(row: &MappingRow) -> bool {
    !matches!(row.transform, Transform::Constant { .. })
}

/// A row beside what is known of its fields.
struct Checked<'a> {
    row: &'a MappingRow,
    specs: Pair<Option<&'a FieldSpec>>,
    codec: Codec,
}

impl<'a> Checked<'a> {
    fn new(row: &'a MappingRow, schemas: Pair<&'a [FieldSpec]>) -> Self {
        let specs = schemas.map(|side, schema| schema.iter().find(|spec| spec.field == *field_of(row, side)));
        Self { row, specs, codec: Codec::new(&row.transform) }
    }

    fn errors(&self) -> Vec<MappingError> {
        let mut errors = self.unknown_fields();
        errors.extend(self.read_only());
        errors.extend(match &self.row.transform {
            Transform::Date { pattern: Some(pattern) } => self.pattern(pattern),
            Transform::Options { table } => self.table(table),
            Transform::Join { separator } => self.join(separator),
            Transform::Constant { value } => self.constant(value),
            _ => Vec::new(),
        });
        if errors.is_empty() {
            errors.extend(self.conversion());
        }
        errors
    }

    fn id(&self) -> RowId {
        self.row.id.clone()
    }

    fn field(&self, side: Side) -> Field {
        field_of(self.row, side).clone()
    }

    fn kind(&self, side: Side) -> Option<&'a Kind> {
        self.specs.of(side).map(|spec| &spec.kind)
    }

    fn targets(&self) -> impl Iterator<Item = Side> {
        Side::BOTH.into_iter().filter(|side| flows_to(self.row.direction, *side))
    }

    fn unknown_fields(&self) -> Vec<MappingError> {
        let sides = Side::BOTH.into_iter().filter(|side| *side == Side::External || reads_wix(self.row));
        let unknown = sides.filter(|side| self.specs.of(*side).is_none());
        unknown.map(|side| MappingError::UnknownField { row: self.id(), side, field: self.field(side) }).collect()
    }

    fn read_only(&self) -> Vec<MappingError> {
        let read_only = self.targets().filter(|side| self.specs.of(*side).is_some_and(|spec| !spec.writable));
        let error = |side: Side| {
            let value = match &self.row.transform {
                Transform::Constant { value } => value.clone(),
                _ => kinds::sample(self.kind(side.opposite()).unwrap_or(&Kind::Text)),
            };
            MappingError::ReadOnly { row: self.id(), side, field: self.field(side), value }
        };
        read_only.map(error).collect()
    }

    fn pattern(&self, pattern: &str) -> Vec<MappingError> {
        let (row, field, pattern) = (self.id(), self.field(Side::External), pattern.to_owned());
        let Some(parsed) = Pattern::parse(&pattern) else {
            return vec![MappingError::DatePattern { row, field, pattern, value: A_DAY.to_owned() }];
        };
        match date::convert(Some(&parsed), Side::External, A_DAY) {
            Some(value) if value != A_DAY && self.kind(Side::External) == Some(&Kind::Date) => {
                vec![MappingError::PatternOfDateField { row, field, pattern, value }]
            }
            _ => Vec::new(),
        }
    }

    fn table(&self, table: &BTreeMap<String, String>) -> Vec<MappingError> {
        if table.is_empty() {
            let value = kinds::sample(self.kind(Side::Wix).unwrap_or(&Kind::Text));
            return vec![MappingError::EmptyTable { row: self.id(), field: self.field(Side::Wix), value }];
        }
        let mut errors = self.meeting_options(table);
        errors.extend(self.unknown_options(Side::Wix, table.keys()));
        errors.extend(self.unknown_options(Side::External, table.values()));
        errors
    }

    /// Finds Wix options that become one option, in which the way back could not tell them apart.
    fn meeting_options(&self, table: &BTreeMap<String, String>) -> Vec<MappingError> {
        let mut seen = BTreeMap::<&String, &String>::new();
        let mut errors = Vec::new();
        for (wix, option) in table {
            let first = *seen.entry(option).or_insert(wix);
            if first != wix {
                let (field, first, second, option) = (self.field(Side::Wix), first.clone(), wix.clone(), option.clone());
                errors.push(MappingError::OptionsMeet { row: self.id(), field, first, second, option });
            }
        }
        errors
    }

    fn unknown_options<'b>(&self, side: Side, options: impl Iterator<Item = &'b String>) -> Vec<MappingError> {
        let known = |option: &str| !option.is_empty() && self.kind(side).is_none_or(|kind| kinds::fits(kind, option));
        let unknown: BTreeSet<_> = options.filter(|option| !known(option)).collect();
        let error = |option: &String| MappingError::UnknownOption { row: self.id(), side, field: self.field(side), option: option.clone() };
        unknown.into_iter().map(error).collect()
    }

    fn join(&self, separator: &str) -> Vec<MappingError> {
        let wrong = |side: Side| {
            self.kind(side).filter(|kind| match side {
                Side::Wix => !kind.is_list(),
                Side::External => **kind != Kind::Text,
            })
        };
        let error = |side: Side| {
            let value = kinds::sample(wrong(side)?);
            Some(MappingError::NothingToJoin { row: self.id(), field: self.field(side), value })
        };
        let torn = kinds::torn(self.kind(Side::Wix).unwrap_or(&Kind::Text), Separator::new(separator).token());
        let torn = torn.map(|value| {
            let (field, separator) = (self.field(Side::Wix), separator.to_owned());
            MappingError::Separator { row: self.id(), field, separator, value }
        });
        Side::BOTH.into_iter().filter_map(error).chain(torn).collect()
    }

    fn constant(&self, value: &str) -> Vec<MappingError> {
        let (field, value) = (self.field(Side::External), value.to_owned());
        let mut errors = Vec::new();
        if self.row.direction != Direction::ToCrm {
            errors.push(MappingError::ConstantDirection { row: self.id(), field: field.clone(), value: value.clone() });
        }
        if value.is_empty() || self.kind(Side::External).is_some_and(|kind| !kinds::fits(kind, &value)) {
            errors.push(MappingError::ConstantUnfit { row: self.id(), field, value });
        }
        errors
    }

    fn conversion(&self) -> Vec<MappingError> {
        let (Some(wix), Some(external)) = (self.kind(Side::Wix), self.kind(Side::External)) else { return Vec::new() };
        match &self.codec {
            Codec::Constant(_) | Codec::Join(_) => return Vec::new(),
            _ if wix.is_list() != external.is_list() => return vec![self.list_and_single(wix.is_list())],
            Codec::Options(_) => return Vec::new(),
            _ => {}
        }
        let kinds = Pair { wix, external };
        let breaks = |to: Side| kinds::breaking(&self.codec, to, kinds).map(|value| (to, value));
        let error = |(to, value): (Side, String)| MappingError::Inconvertible {
            row: self.id(),
            from: self.field(to.opposite()),
            to: self.field(to),
            value,
        };
        self.targets().filter_map(breaks).map(error).collect()
    }

    fn list_and_single(&self, wix_is_list: bool) -> MappingError {
        let side = if wix_is_list { Side::Wix } else { Side::External };
        MappingError::ListAndSingle {
            row: self.id(),
            list: self.field(side),
            single: self.field(side.opposite()),
            value: kinds::sample(self.kind(side).unwrap_or(&Kind::Text)),
        }
    }
}

#[cfg(test)]
mod tests;
