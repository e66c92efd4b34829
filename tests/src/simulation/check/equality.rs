//! I1, I17: after the last edit both sides are equal, by a comparison of the checker's own.

use contact_bridge::model::{
    field::{Field, Fields, Value},
    ids::{Pair, Side},
};

use super::{Found, Scene};
use crate::simulation::{
    edits::token_of,
    people::{self, TEXTS},
    records::{digits, email_of, labels_of},
};

pub(super) fn judge(scene: &Scene, found: &mut Found) {
    for link in scene.judged().filter(|link| scene.both(link).is_none()) {
        found.push(("I1", format!("link {} has only one record", link.id(Side::Wix))));
    }
    for (link, fields) in scene.pairs() {
        let texts = TEXTS.iter().filter(|row| !is_same_text(**row, fields)).map(|row| row.0);
        let others = [("email", is_same_email(fields)), ("phone", is_same_phone(fields)), ("labels", is_same_labels(fields))];
        let others = others.into_iter().filter(|(_, same)| !same).map(|(row, _)| row);
        for row in texts.chain(others).filter(|row| !scene.is_left_alone(link, row)) {
            found.push(("I1", format!("link {} row {row} differs", link.id(Side::Wix))));
        }
    }
}

/// A text comes from the same edit on both sides; the CRM may have trimmed it, and the last name in small letters.
fn is_same_text(row: (&'static str, &'static str), fields: Pair<&Fields>) -> bool {
    let tokens = fields.map(|side, fields| (token_of(fields, &people::field(side, row)), text(fields, &people::field(side, row))));
    let [wix, external] = [tokens.wix.1, tokens.external.1].map(|text| text.map(|text| text.trim().to_lowercase()));
    tokens.wix.0 == tokens.external.0 && wix == external
}

fn text<'a>(fields: &'a Fields, field: &Field) -> Option<&'a str> {
    fields.get(field).and_then(Value::as_text)
}

fn is_same_email(fields: Pair<&Fields>) -> bool {
    email_of(fields.wix) == email_of(fields.external)
}

fn is_same_labels(fields: Pair<&Fields>) -> bool {
    labels_of(Side::Wix, fields.wix) == labels_of(Side::External, fields.external)
}

/// A number has the same digits, with or without the country's; words that are no number are the same words.
fn is_same_phone(fields: Pair<&Fields>) -> bool {
    let phones = fields.map(|_, fields| text(fields, &Field::from("phone")));
    match (phones.wix, phones.external) {
        (Some(wix), Some(external)) => {
            let (own, other) = (digits(wix), digits(external));
            wix.trim() == external || own.len() > 6 && (own.ends_with(&other) || other.ends_with(&own))
        }
        (wix, external) => wix == external,
    }
}
