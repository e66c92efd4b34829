//! The contact properties every account has
//! (<https://knowledge.hubspot.com/properties/hubspots-default-contact-properties>).

use super::schema::{Choice, Kind, Property};

/// Property groups of a new account.
pub(super) const GROUPS: &[&str] =
    &["contactinformation", "emailinformation", "contact_activity", "socialmediainformation", "conversioninformation"];

/// Life-cycle stages in their order; a contact only moves forward.
pub(super) const LIFECYCLE: &[&str] =
    &["subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer", "evangelist", "other"];

const LEAD_STATUS: &[&str] = &["NEW", "OPEN", "IN_PROGRESS", "OPEN_DEAL", "UNQUALIFIED", "CONNECTED"];

const LANGUAGES: &[&str] = &[
    "ar", "bg", "cs", "da", "de", "de-at", "de-ch", "de-de", "el", "en", "en-au", "en-ca", "en-gb", "en-us", "es", "es-es", "es-mx", "et",
    "fi", "fr", "fr-ca", "fr-fr", "he", "hi", "hr", "hu", "id", "it", "it-it", "ja", "ko", "lt", "lv", "nl", "nl-nl", "no", "pl", "pt",
    "pt-br", "pt-pt", "ro", "ru", "sk", "sl", "sv", "th", "tr", "uk", "vi", "zh", "zh-cn", "zh-tw",
];

const TEXTS: &[(&str, &str)] = &[
    ("firstname", "First Name"),
    ("lastname", "Last Name"),
    ("salutation", "Salutation"),
    ("company", "Company Name"),
    ("jobtitle", "Job Title"),
    ("address", "Street Address"),
    ("city", "City"),
    ("state", "State/Region"),
    ("zip", "Postal Code"),
    ("country", "Country/Region"),
    ("website", "Website URL"),
    ("date_of_birth", "Date of Birth"),
    ("hs_additional_emails", "Additional email addresses"),
    ("hubspot_owner_id", "Contact owner"),
];

const PHONES: &[(&str, &str)] = &[("phone", "Phone Number"), ("mobilephone", "Mobile Phone Number"), ("fax", "Fax Number")];

/// Properties people and apps cannot set; HubSpot fills them.
const READ_ONLY: &[(&str, &str, Kind)] = &[
    ("createdate", "Create Date", Kind::DateTime),
    ("lastmodifieddate", "Last Modified Date", Kind::DateTime),
    ("hs_object_id", "Record ID", Kind::Number),
    ("hs_email_optout", "Unsubscribed from all email", Kind::Bool),
    ("hs_merged_object_ids", "Merged record IDs", Kind::Text),
];

/// The properties of a new account.
pub(super) fn properties() -> Vec<Property> {
    let mut list: Vec<Property> = TEXTS.iter().map(|(name, label)| text(name, label, "text")).collect();
    list.extend(PHONES.iter().map(|(name, label)| text(name, label, "phonenumber")));
    list.push(text("email", "Email", "text"));
    list.push(choices("lifecyclestage", "Lifecycle Stage", LIFECYCLE));
    list.push(choices("hs_lead_status", "Lead Status", LEAD_STATUS));
    list.push(choices("hs_language", "Preferred language", LANGUAGES));
    list.extend(READ_ONLY.iter().map(|(name, label, kind)| Property {
        read_only: true,
        hubspot_defined: true,
        ..Property::new(name, label, *kind)
    }));
    list
}

fn text(name: &str, label: &str, field_type: &str) -> Property {
    Property { field_type: field_type.to_owned(), hubspot_defined: true, ..Property::new(name, label, Kind::Text) }
}

fn choices(name: &str, label: &str, values: &[&str]) -> Property {
    let options = values.iter().map(|value| Choice { value: (*value).to_owned(), label: (*value).to_owned() });
    Property { options: options.collect(), hubspot_defined: true, ..Property::new(name, label, Kind::Enumeration) }
}
