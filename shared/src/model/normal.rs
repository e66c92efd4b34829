//! The forms under which values are compared when equality of letters would be too strict. A change here looks like an edit of every such
//! value, on both sides alike.

use std::collections::BTreeSet;

use phonenumber::Mode;

/// Returns an e-mail address as it is compared: without blanks around, in lower case. Tags after `+` and dots are kept, they can be
/// different mailboxes.
#[must_use]
pub fn email(text: &str) -> String {
    text.trim().to_lowercase()
}

/// Tells whether a text can be an e-mail address: a local part, and a host with a dot in its name.
#[must_use]
pub fn is_email(text: &str) -> bool {
    let options = email_address::Options::default().without_display_text().without_domain_literal().with_minimum_sub_domains(2);
    email_address::EmailAddress::parse_with_options(text, options).is_ok()
}

/// Tells whether a text can be a phone number, in whatever way it is written: between 3 and 20 digits and more digits than letters.
#[must_use]
pub fn is_phone(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    (3..=20).contains(&digits) && text.chars().filter(|c| c.is_alphabetic()).count() < digits
}

/// Returns a text without case, blanks and punctuation: what a far side that normalises leaves alone.
#[must_use]
pub fn loose(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Returns a phone number in E.164 if it can be parsed and is valid, with `country` (ISO 3166-1 alpha-2) for numbers without a prefix.
///
/// `None` means: leave the text as it is. Guessing altered hundreds of numbers in other bridges.
#[must_use]
pub fn e164(text: &str, country: Option<&str>) -> Option<String> {
    let text = text.trim();
    // The parser strips the national prefix of the country it is given from foreign numbers as well (1 from +43 1 58858 for US),
    // so it is given one only for numbers without a prefix, and believed only if they turn out to be of that country.
    let country = country.filter(|_| !text.starts_with(['+', '\u{ff0b}'])).and_then(|code| code.to_ascii_uppercase().parse().ok());
    let number = phonenumber::parse(country, text).ok()?;
    let expected = country.is_none_or(|country| calling_code(country) == Some(number.code().value()));
    (expected && number.is_valid() && number.extension().is_none()).then(|| number.format().mode(Mode::E164).to_string())
}

fn calling_code(country: phonenumber::country::Id) -> Option<u16> {
    Some(phonenumber::metadata::DATABASE.by_id(country.as_ref())?.country_code())
}

/// Returns a phone number as it is compared: E.164 where it can be parsed, else the text without blanks around.
#[must_use]
pub fn phone(text: &str, country: Option<&str>) -> String {
    e164(text, country).unwrap_or_else(|| text.trim().to_owned())
}

/// Returns the forms in which people write a phone number down, for a search that compares letters. The text itself is one of them.
#[must_use]
pub fn phone_forms(text: &str, country: Option<&str>) -> BTreeSet<String> {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let mut forms = BTreeSet::from([text.trim().to_owned()]);
    if let Some(number) = e164(text, country).and_then(|e164| phonenumber::parse(None, e164).ok()) {
        let modes = [Mode::E164, Mode::International, Mode::National];
        let [e164, international, national] = modes.map(|mode| number.format().mode(mode).to_string());
        let dashed = national.replace(['(', ')'], "").replace(' ', "-");
        // Many write the country and spaces between all groups.
        let spaced = international.replace(['-', '(', ')'], " ");
        forms.extend([
            number.national().value().to_string(),
            digits(&e164),
            digits(&national),
            e164,
            international,
            spaced,
            dashed,
            national,
        ]);
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_the_forms_people_write() {
        for (text, country, expected) in [
            (
                "+12127365000",
                None,
                vec!["(212) 736-5000", "212-736-5000", "+1 212-736-5000", "+1 212 736 5000", "+12127365000", "12127365000", "2127365000"],
            ),
            ("01 58858", Some("AT"), vec!["+43158858", "01 58858", "0158858", "158858", "43158858"]),
            (" ASK Ada ", Some("AT"), vec!["ASK Ada"]),
        ] {
            let forms = phone_forms(text, country);
            assert!(expected.iter().all(|form| forms.contains(*form)), "{forms:?}");
        }
    }

    #[test]
    fn a_phone_that_cannot_be_parsed_stays_as_it_is() {
        for (text, country, expected) in [
            ("646-555-0132", Some("US"), Some("+16465550132")),
            ("(212) 736-5000", Some("US"), Some("+12127365000")),
            ("+43 1 58858", None, Some("+43158858")),
            ("01 58858", None, None),
            ("+43 1 58858", Some("US"), Some("+43158858")),
            ("+39 06 1234 5678", Some("AT"), Some("+390612345678")),
            ("+44 (0)20 7946 0958", Some("AT"), Some("+442079460958")),
            ("011 49 1512 3456789", Some("US"), None),
            ("0043 1 58858", Some("AT"), Some("+43158858")),
            ("020 7946 0958", Some("gb"), Some("+442079460958")),
            ("1 212 736 5000", Some("US"), Some("+12127365000")),
            ("ask for Ada", Some("US"), None),
            ("(212) 736-5000 ext. 4", Some("US"), None),
        ] {
            assert_eq!(e164(text, country).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn an_email_keeps_its_tag() {
        assert_eq!(email(" Ada+Shop@Example.com "), "ada+shop@example.com");
    }

    #[test]
    fn addresses_and_numbers_are_told_from_other_texts() {
        for (text, expected) in [
            ("ada@example.com", true),
            ("ada+shop@example.co.uk", true),
            ("info@müller.example", true),
            ("ada@localhost", false),
            ("ada", false),
            ("ada@", false),
            ("ada@example.com, ben@example.com", false),
            ("Ada <ada@example.com>", false),
            ("ada@[127.0.0.1]", false),
            ("a b@example.com", false),
        ] {
            assert_eq!(is_email(text), expected, "{text}");
        }
        for (text, expected) in [
            ("646-555-0132", true),
            ("+43 1 58858", true),
            ("555 ext. 7", true),
            ("112", true),
            ("ask for Ada", false),
            ("no 1", false),
            ("", false),
        ] {
            assert_eq!(is_phone(text), expected, "{text}");
        }
    }

    #[test]
    fn loose_forgets_case_blanks_and_punctuation() {
        assert_eq!(loose(" (646) 555-Ab "), "646555ab");
    }
}
