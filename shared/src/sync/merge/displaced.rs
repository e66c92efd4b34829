//! A main address that gives way to the other side's when two records that never agreed on one are linked: it is kept among the others.

use super::{Input, Plan};
use crate::{
    mapping::Row,
    model::{
        field::{Field, Value},
        fingerprint::Print,
        ids::{RowId, Side},
        normal,
    },
};

/// The address that gives way.
pub(super) struct Displaced<'a> {
    /// The row of the other addresses.
    pub(super) row: &'a RowId,
    /// Where it is the main one.
    side: Side,
    email: String,
    /// What becomes the main one, in the form in which addresses are compared.
    main: String,
}

impl<'a> Displaced<'a> {
    /// Finds the address that a plan takes a record's main one from; none if there is no row for others, or a main one was agreed on before.
    pub(super) fn by(plan: &Plan, input: &Input<'a>) -> Option<Self> {
        let row = |field: &str, is_list| -> Option<&'a Row> {
            input.mapping.rows().iter().find(|row| row.is_list() == is_list && row.field(Side::Wix) == &Field::from(field))
        };
        let (main, others) = (row("email", false)?, row("emails", true)?);
        let is_agreed = |side: &Side| input.link.anchors.of(*side).base.get(main.id()).is_some_and(|print| *print != Print::Empty);
        if Side::BOTH.iter().any(is_agreed) {
            return None;
        }
        Side::BOTH.into_iter().find_map(|side| {
            let written = plan.flows.of(side).get(main.id())?.value.as_ref()?.as_text()?;
            let email = main.read(side, &input.contacts.of(side).fields)?.as_text()?.to_owned();
            Some(Self { row: others.id(), side, email, main: normal::email(written) })
        })
    }

    /// Returns a side's other addresses with it, and without the main one.
    pub(super) fn kept(&self, side: Side, others: Option<&Value>) -> Option<Value> {
        let own = Some(self.email.as_str()).filter(|_| side == self.side);
        let others = others.map(Value::elements).unwrap_or_default().iter().map(String::as_str);
        let mut kept: Vec<String> = Vec::new();
        for email in others.chain(own).filter(|email| normal::email(email) != self.main) {
            if kept.iter().all(|known| normal::email(known) != normal::email(email)) {
                kept.push(email.to_owned());
            }
        }
        Value::list(kept)
    }
}
