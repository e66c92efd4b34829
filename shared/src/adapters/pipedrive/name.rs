//! One name there, a first and a last one here.
//!
//! Pipedrive takes the whole name alone and splits it by itself, by a rule it does not document. So that `Mary Ann` and `Stone` come back
//! as they went, the bridge notes in a custom field of its own where the name that it wrote divides. A name that a person has changed since
//! divides there still, as far as one of its parts is left.

/// Stands between the parts in the note.
const BETWEEN: char = '|';

/// What a person without name, address and number is called: Pipedrive wants a name.
const NAMELESS: &str = "(no name)";

/// The two parts of a name; either may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Name {
    /// The first name.
    pub first: String,
    /// The last name.
    pub last: String,
}

impl Name {
    /// Reads a name with the note on how it divides.
    pub fn read(name: &str, note: &str) -> Self {
        let name = name.trim();
        if is_stand_in(name) {
            return Self::default();
        }
        let noted = note.split_once(BETWEEN).map(|(first, last)| Self { first: first.trim().to_owned(), last: last.trim().to_owned() });
        noted.and_then(|noted| noted.divide(name)).unwrap_or_else(|| Self::of_words(name))
    }

    /// Returns the whole name.
    pub fn whole(&self) -> String {
        [self.first.trim(), self.last.trim()].iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(" ")
    }

    /// Returns the note on how the name divides; nothing for one that divides by itself.
    pub fn note(&self) -> Option<String> {
        let whole = self.whole();
        let own = Self { first: self.first.trim().to_owned(), last: self.last.trim().to_owned() };
        (!whole.is_empty() && Self::of_words(&whole) != own).then(|| format!("{} {BETWEEN} {}", own.first, own.last).trim().to_owned())
    }

    /// Divides another name where this one does.
    fn divide(&self, name: &str) -> Option<Self> {
        if name == self.whole() {
            return Some(self.clone());
        }
        let behind = name.strip_prefix(self.first.as_str()).filter(|_| !self.first.is_empty()).and_then(|rest| rest.strip_prefix(' '));
        if let Some(last) = behind {
            return Some(Self { first: self.first.clone(), last: last.trim().to_owned() });
        }
        let before = name.strip_suffix(self.last.as_str()).filter(|_| !self.last.is_empty()).and_then(|rest| rest.strip_suffix(' '));
        before.map(|first| Self { first: first.trim().to_owned(), last: self.last.clone() })
    }

    /// The first word is the first name.
    fn of_words(name: &str) -> Self {
        let (first, last) = name.split_once(' ').unwrap_or((name, ""));
        Self { first: first.to_owned(), last: last.trim().to_owned() }
    }
}

/// What stands for the name of a person without one: an address, or a number.
pub(super) fn stand_in<'a>(mut known: impl Iterator<Item = &'a str>) -> &'a str {
    known.find(|text| is_stand_in(text.trim())).unwrap_or(NAMELESS)
}

/// Tells whether a name stands for one that is not there. People have names like that too, if a form or an import made them.
pub(super) fn is_stand_in(name: &str) -> bool {
    let is_number = || {
        let mut characters = name.chars();
        name.chars().any(|c| c.is_ascii_digit()) && characters.all(|c| c.is_ascii_digit() || " +-()./".contains(c))
    };
    let is_address = || name.contains('@') && !name.contains(char::is_whitespace);
    name.is_empty() || name == NAMELESS || is_address() || is_number()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(first: &str, last: &str) -> Name {
        Name { first: first.to_owned(), last: last.to_owned() }
    }

    #[test]
    fn every_name_comes_back_as_it_went() {
        for own in [
            name("Ada", "Stone"),
            name("Mary Ann", "Stone"),
            name("Mary Ann", ""),
            name("", "Stone"),
            name("", "van der Berg"),
            name("Anna", "van der Berg"),
            name("", ""),
            name("Ada | Eve", "Stone"),
        ] {
            let note = own.note().unwrap_or_default();
            let read = Name::read(&own.whole(), &note);
            assert_eq!(read.whole(), own.whole());
            if !own.first.contains('|') {
                assert_eq!(read, own, "{note}");
            }
        }
    }

    #[test]
    fn a_changed_name_divides_where_it_did() {
        for (changed, note, expected) in [
            ("Mary Ann Rock", "Mary Ann | Stone", name("Mary Ann", "Rock")),
            ("Jo Ann Stone", "Mary Ann | Stone", name("Jo Ann", "Stone")),
            ("Jo Ann Rock", "Mary Ann | Stone", name("Jo", "Ann Rock")),
            ("Grace Hopper", "", name("Grace", "Hopper")),
            ("Mary Annabel", "Mary Ann | ", name("Mary", "Annabel")),
            ("Ada", "", name("Ada", "")),
        ] {
            assert_eq!(Name::read(changed, note), expected, "{changed}");
        }
    }

    #[test]
    fn what_stands_for_a_name_is_none() {
        for text in ["ada@example.com", "+1 (646) 555-0132", "(no name)", ""] {
            assert_eq!(Name::read(text, ""), Name::default(), "{text}");
        }
        assert_eq!(Name::read("Ada 2", ""), name("Ada", "2"));
        assert_eq!(stand_in(["ask for Ada", "ada@example.com"].into_iter()), "ada@example.com");
        assert_eq!(stand_in(["ask for Ada"].into_iter()), NAMELESS);
    }
}
