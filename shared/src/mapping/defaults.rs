//! The mapping a site starts with.

use std::collections::BTreeMap;

use crate::model::{
    field::Field,
    ids::RowId,
    site::{CrmAccess, Direction, MappingRow, OnEmpty, Transform},
};

/// Options of HubSpot's `hs_language`; Wix locales have the same names.
/// <https://knowledge.hubspot.com/properties/hubspots-default-contact-properties>
const LANGUAGES: [&str; 52] = [
    "ar", "bg", "cs", "da", "de", "de-at", "de-ch", "de-de", "el", "en", "en-au", "en-ca", "en-gb", "en-us", "es", "es-es", "es-mx", "et",
    "fi", "fr", "fr-ca", "fr-fr", "he", "hi", "hr", "hu", "id", "it", "it-it", "ja", "ko", "lt", "lv", "nl", "nl-nl", "no", "pl", "pt",
    "pt-br", "pt-pt", "ro", "ru", "sk", "sl", "sv", "th", "tr", "uk", "vi", "zh", "zh-cn", "zh-tw",
];

/// Returns the mapping of a site whose owner has not made another one.
#[must_use]
pub fn default_of(crm: &CrmAccess) -> Vec<MappingRow> {
    match crm {
        CrmAccess::Hubspot { .. } => default_hubspot(),
        CrmAccess::Pipedrive { .. } => default_pipedrive(),
    }
}

/// Returns the mapping of a HubSpot site whose owner has not made another one.
///
/// The subdivision flows to the CRM only: Wix takes ISO 3166-2 codes alone, HubSpot's `state` is whatever a person types. So does
/// the locale, which Wix sets itself. Row ids are short because every link stores them.
#[must_use]
pub fn default_hubspot() -> Vec<MappingRow> {
    use Transform::{Country, Join, None, Phone, Trim};
    vec![
        row("fn", "name.first", "firstname", None),
        row("ln", "name.last", "lastname", None),
        row("em", "email", "email", Trim),
        row("ems", "emails", "hs_additional_emails", Trim),
        row("ph", "phone", "phone", Phone),
        row("mob", "phone.mobile", "mobilephone", Phone),
        row("co", "company", "company", None),
        row("job", "jobTitle", "jobtitle", None),
        row("ad", "address.line", "address", None),
        row("cty", "address.city", "city", None),
        row("zip", "address.postalCode", "zip", None),
        row("ctr", "address.country", "country", Country),
        to_crm(row("st", "address.subdivision", "state", None)),
        row("bd", "birthdate", "date_of_birth", Transform::Date { pattern: Option::None }),
        to_crm(row("lc", "locale", "hs_language", Transform::Options { table: languages() })),
        row("lb", "labels", "wix_labels", Join { separator: "; ".to_owned() }),
    ]
}

/// Returns the mapping of a Pipedrive site whose owner has not made another one: what Pipedrive has no field for goes into custom ones, which
/// the bridge makes. The region and the language flow to the CRM only, for the same reasons as in HubSpot.
#[must_use]
pub fn default_pipedrive() -> Vec<MappingRow> {
    use Transform::{Country, Join, None, Phone, Trim};
    vec![
        row("fn", "name.first", "first_name", None),
        row("ln", "name.last", "last_name", None),
        row("em", "email", "email", Trim),
        row("ems", "emails", "other_emails", Trim),
        row("ph", "phone", "phone", Phone),
        row("mob", "phone.mobile", "mobile_phone", Phone),
        row("co", "company", "Wix company", None),
        row("job", "jobTitle", "Wix job title", None),
        row("ad", "address.line", "Wix street", None),
        row("cty", "address.city", "Wix city", None),
        row("zip", "address.postalCode", "Wix postal code", None),
        row("ctr", "address.country", "Wix country", Country),
        to_crm(row("st", "address.subdivision", "Wix region", None)),
        row("bd", "birthdate", "Wix birthdate", Transform::Date { pattern: Option::None }),
        to_crm(row("lc", "locale", "Wix language", None)),
        row("lb", "labels", "Wix labels", Join { separator: "; ".to_owned() }),
    ]
}

fn row(id: &str, wix: &str, external: &str, transform: Transform) -> MappingRow {
    MappingRow {
        id: RowId::from(id),
        wix: Field::from(wix),
        external: Field::from(external),
        direction: Direction::Both,
        transform,
        on_empty: OnEmpty::Clear,
        system_of_record: None,
    }
}

fn to_crm(row: MappingRow) -> MappingRow {
    MappingRow { direction: Direction::ToCrm, ..row }
}

fn languages() -> BTreeMap<String, String> {
    LANGUAGES.map(|language| (language.to_owned(), language.to_owned())).into()
}
