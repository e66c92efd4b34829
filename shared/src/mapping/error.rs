//! What is wrong with a mapping, said so that its owner can put it right.

use crate::model::{
    field::Field,
    ids::{RowId, Side},
};

/// One thing wrong with a mapping: names the row and the field, the rule, and a value that breaks. The values shown are examples,
/// or the owner's own settings; never a contact's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// Two rows have one id.
    #[error("rows must have different ids: `{row}` is the id of the rows for `{first}` and `{second}`")]
    DuplicateRow {
        /// The id.
        row: RowId,
        /// The Wix field of the first row.
        first: Field,
        /// The Wix field of the second row.
        second: Field,
    },
    /// A field does not exist.
    #[error("row `{row}`: a field must exist, and {} has no field `{field}`", name(*side))]
    UnknownField {
        /// The row.
        row: RowId,
        /// Where it is missed.
        side: Side,
        /// The name that is not known.
        field: Field,
    },
    /// A row writes to a field that cannot be written.
    #[error("row `{row}`: a row must not write to a read-only field, and `{field}` of {} is one: `{value}` would never arrive", name(*side))]
    ReadOnly {
        /// The row.
        row: RowId,
        /// Where the field is.
        side: Side,
        /// The read-only field.
        field: Field,
        /// A value that does not arrive.
        value: String,
    },
    /// Two rows write to one field, or to fields that share values.
    #[error("rows `{first}` and `{second}`: a field must have one source, and both write to `{field}` of {}: `{value}` of the one would overwrite that of the other", name(*side))]
    SameTarget {
        /// The first row.
        first: RowId,
        /// The second row.
        second: RowId,
        /// Where the field is.
        side: Side,
        /// What both write to.
        field: Field,
        /// A value that is overwritten.
        value: String,
    },
    /// A value of one field cannot be one of the other.
    #[error("row `{row}`: every kind of value of `{from}` must be possible in `{to}`, and `{value}` is not")]
    Inconvertible {
        /// The row.
        row: RowId,
        /// The field a value comes from.
        from: Field,
        /// The field it goes to.
        to: Field,
        /// A value that does not convert.
        value: String,
    },
    /// A list meets a field for one value.
    #[error(
        "row `{row}`: a list needs a separator to become one text, and `{list}` holds several values where `{single}` holds one: `{value}`"
    )]
    ListAndSingle {
        /// The row.
        row: RowId,
        /// The field with several values.
        list: Field,
        /// The field with one.
        single: Field,
        /// Values that do not fit.
        value: String,
    },
    /// A row joins what is not a list, or into what is not a text.
    #[error("row `{row}`: joining takes a list in Wix and a text in the CRM, and `{field}` is not that: `{value}`")]
    NothingToJoin {
        /// The row.
        row: RowId,
        /// The field of the wrong kind.
        field: Field,
        /// A value that breaks.
        value: String,
    },
    /// A separator cannot be told from the elements.
    #[error("row `{row}`: a separator must not occur in what it separates, and `{separator}` does in `{value}` of `{field}`")]
    Separator {
        /// The row.
        row: RowId,
        /// The list.
        field: Field,
        /// The separator.
        separator: String,
        /// An element that would be torn apart.
        value: String,
    },
    /// An option table has no entries.
    #[error("row `{row}`: an option table must have entries, and that of `{field}` has none: `{value}` has no counterpart")]
    EmptyTable {
        /// The row.
        row: RowId,
        /// The Wix field.
        field: Field,
        /// An option that is lost.
        value: String,
    },
    /// An option table maps two options to one.
    #[error("row `{row}`: an option table must not lose values, and `{first}` and `{second}` of `{field}` both become `{option}`")]
    OptionsMeet {
        /// The row.
        row: RowId,
        /// The Wix field.
        field: Field,
        /// The first Wix option.
        first: String,
        /// The second Wix option, which comes back as the first.
        second: String,
        /// What both become.
        option: String,
    },
    /// An option table names an option that a field does not have.
    #[error("row `{row}`: an option table must name options that exist, and `{field}` of {} has no option `{option}`", name(*side))]
    UnknownOption {
        /// The row.
        row: RowId,
        /// Where the option is missed.
        side: Side,
        /// The field.
        field: Field,
        /// The unknown option.
        option: String,
    },
    /// A date pattern does not tell a date.
    #[error(
        "row `{row}`: a date pattern must have YYYY, MM and DD once each and only punctuation beside them, and `{pattern}` for `{field}` does not: it cannot tell `{value}`"
    )]
    DatePattern {
        /// The row.
        row: RowId,
        /// The CRM's field.
        field: Field,
        /// The pattern.
        pattern: String,
        /// A date that it does not tell.
        value: String,
    },
    /// A date field has another pattern than the one it takes.
    #[error("row `{row}`: a date field takes YYYY-MM-DD only, and the pattern `{pattern}` would write `{value}` to `{field}`")]
    PatternOfDateField {
        /// The row.
        row: RowId,
        /// The CRM's field.
        field: Field,
        /// The pattern.
        pattern: String,
        /// A text the field refuses.
        value: String,
    },
    /// A constant does not flow to the CRM only.
    #[error("row `{row}`: a constant must flow to the CRM only: `{value}` for `{field}` has nothing to come back to")]
    ConstantDirection {
        /// The row.
        row: RowId,
        /// The CRM's field.
        field: Field,
        /// The constant.
        value: String,
    },
    /// The CRM's field does not take the constant.
    #[error("row `{row}`: a constant must be a value its field takes, and `{field}` does not take `{value}`")]
    ConstantUnfit {
        /// The row.
        row: RowId,
        /// The CRM's field.
        field: Field,
        /// The constant.
        value: String,
    },
    /// The default country is none.
    #[error("the default country of phone numbers must be an ISO 3166-1 code of two letters, and `{value}` is none")]
    UnknownCountry {
        /// What was given.
        value: String,
    },
    /// Rows feed a field into itself.
    #[error("rows {}: a field must not feed itself through several rows, and `{field}` of {} does: `{value}` would come back changed; use one row for both directions", list(rows), name(*side))]
    Loop {
        /// The rows, in the order of the flow.
        rows: Vec<RowId>,
        /// Where the field is.
        side: Side,
        /// The field that feeds itself.
        field: Field,
        /// A value that comes back.
        value: String,
    },
}

const fn name(side: Side) -> &'static str {
    match side {
        Side::Wix => "Wix",
        Side::External => "the CRM",
    }
}

fn list(rows: &[RowId]) -> String {
    rows.iter().map(|row| format!("`{row}`")).collect::<Vec<_>>().join(", ")
}
