//! Countries: their ISO 3166-1 code in Wix, their English name in the CRM.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use rust_iso3166::CountryCode;

use crate::model::{ids::Side, normal};

/// Names that people and CRMs use and the standard does not.
const ALIASES: [(&str, &str); 27] = [
    ("America", "US"),
    ("Britain", "GB"),
    ("Brunei", "BN"),
    ("Cape Verde", "CV"),
    ("Czech Republic", "CZ"),
    ("DR Congo", "CD"),
    ("East Timor", "TL"),
    ("Great Britain", "GB"),
    ("Holland", "NL"),
    ("Ivory Coast", "CI"),
    ("Cote d'Ivoire", "CI"),
    ("Curacao", "CW"),
    ("Laos", "LA"),
    ("Macau", "MO"),
    ("North Korea", "KP"),
    ("Republic of Korea", "KR"),
    ("Reunion", "RE"),
    ("Russia", "RU"),
    ("South Korea", "KR"),
    ("Swaziland", "SZ"),
    ("Syria", "SY"),
    ("Turkey", "TR"),
    ("UK", "GB"),
    ("United Kingdom", "GB"),
    ("United States", "US"),
    ("Vatican City", "VA"),
    ("Vietnam", "VN"),
];

static BY_NAME: LazyLock<HashMap<String, CountryCode>> = LazyLock::new(|| {
    let aliases = ALIASES.iter().filter_map(|(name, code)| Some((normal::loose(name), rust_iso3166::from_alpha2(code)?)));
    let mut names: HashMap<_, _> = short_names().chain(aliases).collect();
    names.extend(rust_iso3166::ALL.iter().map(|country| (normal::loose(country.name), *country)));
    names
});

/// Finds a country by its code of two or three letters or its English name, in any case.
pub(super) fn find(text: &str) -> Option<CountryCode> {
    let code = text.trim().to_uppercase();
    rust_iso3166::from_alpha2(&code).or_else(|| rust_iso3166::from_alpha3(&code)).or_else(|| BY_NAME.get(&normal::loose(text)).copied())
}

/// Converts a country of the other side into `to`'s form.
pub(super) fn convert(to: Side, text: &str) -> Option<String> {
    find(text).map(|country| spell(to, country).to_owned())
}

/// Returns every country as `side` has it.
pub(super) fn all(side: Side) -> impl Iterator<Item = &'static str> {
    rust_iso3166::ALL.iter().map(move |country| spell(side, *country))
}

const fn spell(side: Side, country: CountryCode) -> &'static str {
    match side {
        Side::Wix => country.alpha2,
        Side::External => country.name,
    }
}

/// Returns the names without what the standard adds in brackets, where that leaves no doubt: `Bolivia`, but not `Korea`.
fn short_names() -> impl Iterator<Item = (String, CountryCode)> {
    let mut seen = HashSet::new();
    let shorten = |country: &CountryCode| Some((normal::loose(country.name.split_once(" (")?.0), *country));
    let shortened: Vec<_> = rust_iso3166::ALL.iter().filter_map(shorten).collect();
    let doubtful: HashSet<_> = shortened.iter().map(|(name, _)| name.clone()).filter(|name| !seen.insert(name.clone())).collect();
    shortened.into_iter().filter(move |(name, _)| !doubtful.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_country_survives_the_way_there_and_back() {
        for country in rust_iso3166::ALL {
            let name = convert(Side::External, country.alpha2).unwrap();
            assert_eq!(convert(Side::Wix, &name).as_deref(), Some(country.alpha2), "{name}");
        }
    }

    #[test]
    fn every_alias_names_a_country() {
        for (name, code) in ALIASES {
            assert_eq!(find(name).map(|country| country.alpha2), Some(code), "{name}");
        }
    }

    #[test]
    fn codes_and_names_are_taken_in_any_case() {
        for (text, code) in [
            ("us", Some("US")),
            ("usa", Some("US")),
            ("united states of america", Some("US")),
            (" AUSTRIA ", Some("AT")),
            ("Bolivia", Some("BO")),
            ("the Netherlands", None),
            ("Korea", None),
            ("Virgin Islands", None),
            ("Atlantis", None),
            ("", None),
        ] {
            assert_eq!(convert(Side::Wix, text).as_deref(), code, "{text}");
        }
    }
}
