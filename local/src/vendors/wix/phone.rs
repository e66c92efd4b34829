//! What Wix derives from a phone number and its country.

use phonenumber::{Mode, PhoneNumber, country};

/// The number in E.164, if it is valid in `country` (ISO 3166-1 alpha-2).
pub(super) fn e164(country: &str, phone: &str) -> Option<String> {
    Some(valid(country, phone)?.format().mode(Mode::E164).to_string())
}

/// The number as written abroad, if it is valid in `country`.
pub(super) fn international(country: &str, phone: &str) -> Option<String> {
    Some(valid(country, phone)?.format().mode(Mode::International).to_string())
}

/// The number as written in its country; North American ones as `646-555-0132`.
pub(super) fn national(country: &str, phone: &str) -> Option<String> {
    let number = valid(country, phone)?;
    let text = number.format().mode(Mode::National).to_string();
    Some(if number.code().value() == 1 { text.replace(") ", "-").replace('(', "") } else { text })
}

/// What two spellings of a number have in common.
pub(super) fn digits(phone: &str) -> String {
    phone.chars().filter(char::is_ascii_digit).collect()
}

fn valid(country: &str, phone: &str) -> Option<PhoneNumber> {
    let country: country::Id = country.parse().ok()?;
    phonenumber::parse(Some(country), phone).ok().filter(PhoneNumber::is_valid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_valid_numbers_have_an_e164_form() {
        assert_eq!(e164("US", "646-555-0132").as_deref(), Some("+16465550132"));
        assert_eq!(e164("US", "2421642341"), None);
        assert_eq!(e164("", "646-555-0132"), None);
        assert_eq!(national("US", "6465550132").as_deref(), Some("646-555-0132"));
    }
}
