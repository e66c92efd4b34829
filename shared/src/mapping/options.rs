//! Option tables.

use std::collections::BTreeMap;

use crate::model::ids::{Pair, Side};

/// A table of options, to be read from either side.
#[derive(Clone, Debug)]
pub(super) struct Table(Pair<BTreeMap<String, String>>);

impl Table {
    /// Takes a table from Wix options to those of the CRM.
    pub fn new(table: &BTreeMap<String, String>) -> Self {
        let mut external = BTreeMap::new();
        for (wix, option) in table {
            external.entry(option.clone()).or_insert_with(|| wix.clone());
        }
        Self(Pair { wix: table.clone(), external })
    }

    /// Returns `to`'s option for an option of the other side.
    pub fn convert(&self, to: Side, text: &str) -> Option<&str> {
        self.entry(to.opposite(), text).map(|(_, other)| other)
    }

    /// Returns the Wix option; an option of the CRM that the table does not know is marked, it could be the name of a Wix option.
    pub fn key(&self, side: Side, text: &str) -> String {
        match (side, self.entry(side, text)) {
            (Side::Wix, Some((wix, _))) | (Side::External, Some((_, wix))) => wix.to_owned(),
            (Side::External, None) if !text.trim().is_empty() => format!("\u{1}{text}"),
            (_, None) => text.trim().to_owned(),
        }
    }

    /// Finds an option by its exact name, else by the only one that differs in case.
    fn entry(&self, side: Side, text: &str) -> Option<(&str, &str)> {
        let table = self.0.of(side);
        let exact = table.get_key_value(text);
        let entry = exact.or_else(|| {
            let folded = text.trim().to_lowercase();
            let mut alike = table.iter().filter(|(option, _)| option.to_lowercase() == folded);
            alike.next().filter(|_| alike.next().is_none())
        });
        entry.map(|(option, other)| (option.as_str(), other.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let entries = [("gold", "VIP"), ("silver", "gold")];
        Table::new(&entries.map(|(wix, crm)| (wix.to_owned(), crm.to_owned())).into())
    }

    #[test]
    fn options_are_found_by_name_then_without_case() {
        for (to, option, expected) in [
            (Side::External, "gold", Some("VIP")),
            (Side::External, "Gold", Some("VIP")),
            (Side::External, "bronze", None),
            (Side::Wix, "gold", Some("silver")),
            (Side::Wix, "vip", Some("gold")),
        ] {
            assert_eq!(table().convert(to, option), expected, "{option}");
        }
    }

    #[test]
    fn an_unknown_option_is_like_no_option_of_the_other_side() {
        assert_eq!(table().key(Side::Wix, "GOLD"), "gold");
        assert_eq!(table().key(Side::External, "vip"), "gold");
        assert_ne!(table().key(Side::External, "bronze"), table().key(Side::Wix, "bronze"));
    }
}
