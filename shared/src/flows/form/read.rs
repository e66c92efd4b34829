//! From what was filled in to what is for the contact.

use super::{Forms, Invalid};
use crate::{
    mapping::{Mapping, Row},
    model::{
        field::{Field, Fields, Value},
        ids::{FormId, RowId, Side, SubmissionId},
        normal,
        site::{
            Direction, MappingRow, OnEmpty,
            form::{ConsentBox, Form, FormField},
        },
        submission::{Entries, Filled, Identity, Reason, Rejected, Submission, Values},
    },
};

/// Tells whether a program filled in what people do not see.
#[must_use]
pub fn is_trapped(form: &Form, entries: &Entries) -> bool {
    form.honeypot.as_ref().is_some_and(|field| entries.texts(field).next().is_some())
}

/// Returns the row that converts a field's value.
pub(super) fn row(field: &FormField) -> MappingRow {
    MappingRow {
        id: RowId::new(&field.from),
        wix: field.to.clone(),
        external: Field::new(&field.from),
        direction: Direction::ToWix,
        transform: field.transform.clone(),
        on_empty: OnEmpty::Keep,
        system_of_record: None,
    }
}

/// Tells whether a Wix field holds what a contact is looked up by.
pub(super) fn is_key(field: &Field) -> bool {
    is_email(field) || is_phone(field)
}

pub(super) fn is_email(field: &Field) -> bool {
    matches!(field.as_str(), "email" | "emails")
}

pub(super) fn is_phone(field: &Field) -> bool {
    matches!(field.as_str(), "phone" | "phones") || field.as_str().starts_with("phone.")
}

impl Forms {
    /// Returns the id of a form as it was filled in.
    #[must_use]
    pub fn id(&self, form: &FormId, filled: &Filled) -> SubmissionId {
        let identity = filled.id.as_deref().map_or(Identity::Content(&filled.entries), Identity::Given);
        SubmissionId::of(&self.key, form, identity)
    }

    /// Makes a submission of a form as it was filled in. Values that cannot be the contact's are left out and reported.
    ///
    /// # Errors
    /// Names the fields, if there is neither an e-mail address nor a phone number.
    pub fn read(&self, id: &FormId, form: &Form, filled: &Filled) -> Result<Submission, Vec<Invalid>> {
        let (values, rejected) = self.values(form, &filled.entries);
        if !values.keys().any(is_key) {
            return Err(without_key(form, &rejected));
        }
        let now = self.now();
        Ok(Submission {
            site: self.site.site.clone(),
            form: id.clone(),
            id: self.id(id, filled),
            named: filled.id.is_some(),
            // A sender's clock that is ahead must not outrun a later decision of the person.
            at: filled.at.map_or(now, |at| at.min(now)),
            values,
            rejected,
            consent: form.consent.as_ref().is_some_and(|consent| is_ticked(consent, &filled.entries)),
            done: None,
            attempts: 0,
        })
    }

    fn values(&self, form: &Form, entries: &Entries) -> (Values, Vec<Rejected>) {
        let (mut values, mut rejected) = (Values::new(), Vec::new());
        let country = self.site.default_country.as_deref();
        let rows: Vec<_> = form.fields.iter().map(row).collect();
        for row in Mapping::new(&rows, country).rows() {
            let field = row.field(Side::Wix);
            for text in entries.texts(row.field(Side::External).as_str()) {
                match value(row, text, form.limits.value_chars) {
                    Ok(texts) if texts.is_empty() => {}
                    Ok(texts) => values.entry(field.clone()).or_default().extend(texts),
                    Err(reason) => rejected.push(Rejected { field: field.clone(), reason }),
                }
            }
        }
        rejected.sort();
        rejected.dedup();
        (values, rejected)
    }
}

/// Says what is wrong with a form that no contact can be found by.
fn without_key(form: &Form, rejected: &[Rejected]) -> Vec<Invalid> {
    let of_keys: Vec<_> = rejected.iter().filter(|rejected| is_key(&rejected.field)).cloned().collect();
    if !of_keys.is_empty() {
        return invalid(form, &of_keys);
    }
    let keys = form.fields.iter().filter(|field| is_key(&field.to));
    let rule = "an e-mail address or a phone number must be given";
    keys.map(|field| Invalid { field: field.from.clone(), rule: rule.to_owned() }).collect()
}

/// Names rejected values by their fields in the form.
pub(super) fn invalid(form: &Form, rejected: &[Rejected]) -> Vec<Invalid> {
    let named = |rejected: &Rejected| Invalid {
        field: form.name_of(&rejected.field).unwrap_or(rejected.field.as_str()).to_owned(),
        rule: rejected.reason.rule().to_owned(),
    };
    rejected.iter().map(named).collect()
}

/// Converts a text; an element too many of a list is as many texts.
fn value(row: &Row, text: &str, most_chars: usize) -> Result<Vec<String>, Reason> {
    if text.chars().count() > most_chars {
        return Err(Reason::TooLong);
    }
    let field = row.field(Side::External).clone();
    let read = row.read(Side::External, &Fields::from([(field, Value::Text(text.to_owned()))]));
    let converted = row.convert(Side::Wix, read.as_ref()).map_err(|_| Reason::Unconvertible)?;
    let texts: Vec<String> = converted.map(|value| value.elements().to_vec()).unwrap_or_default();
    let to = row.field(Side::Wix);
    if is_email(to) && !texts.iter().all(|text| normal::is_email(text)) {
        return Err(Reason::NotAnEmail);
    }
    if is_phone(to) && !texts.iter().all(|text| normal::is_phone(text)) {
        return Err(Reason::NotAPhone);
    }
    Ok(texts)
}

fn is_ticked(consent: &ConsentBox, entries: &Entries) -> bool {
    entries.texts(&consent.field).any(|text| consent.ticked.iter().any(|ticked| ticked.eq_ignore_ascii_case(text)))
}
