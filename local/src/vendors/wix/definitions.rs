//! Labels and extended fields: named things contacts refer to by key.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{listing::PageSize, refusal::Refusal};
use crate::vendors::kit::rfc3339;

/// Which of the two a definition is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Label,
    Field,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Label => "label",
            Self::Field => "field",
        }
    }

    pub fn new_flag(self) -> &'static str {
        match self {
            Self::Label => "newLabel",
            Self::Field => "newField",
        }
    }

    pub fn entity(self) -> &'static str {
        match self {
            Self::Label => "label",
            Self::Field => "extended_field",
        }
    }

    pub fn longest_name(self) -> usize {
        match self {
            Self::Label => 180,
            Self::Field => 150,
        }
    }

    pub fn page_size(self) -> PageSize {
        match self {
            Self::Label => PageSize { default: 1000, most: 2000 },
            Self::Field => PageSize { default: 100, most: 1000 },
        }
    }

    pub fn not_found(self) -> Refusal {
        match self {
            Self::Label => Refusal::coded(404, "LABEL_NOT_FOUND", "Label was not found."),
            Self::Field => Refusal::coded(404, "FIELD_NOT_FOUND", "Extended field was not found."),
        }
    }
}

/// A label or an extended field.
#[derive(Debug, Clone)]
pub(super) struct Definition {
    pub key: String,
    pub display_name: String,
    pub system: bool,
    /// Only of extended fields.
    pub data_type: String,
    pub created_ms: i64,
    pub updated_ms: i64,
}

/// The definitions of a site by key.
#[derive(Debug, Clone, Default)]
pub(super) struct Definitions {
    by_key: BTreeMap<String, Definition>,
}

const SYSTEM_FIELDS: &[(&str, &str)] = &[
    ("contacts.displayByFirstName", "Display by first name"),
    ("contacts.displayByLastName", "Display by last name"),
    ("invoices.vatId", "VAT ID"),
    ("members.membershipStatus", "Membership status"),
    ("emailSubscriptions.subscriptionStatus", "Subscription status"),
    ("emailSubscriptions.deliverabilityStatus", "Deliverability status"),
    ("emailSubscriptions.effectiveEmail", "Effective email"),
];
const SYSTEM_LABELS: &[(&str, &str)] = &[("contacts.customers", "Customers"), ("contacts.contacted-me", "Contacted me")];

impl Definitions {
    /// What every site has from the start.
    pub fn system(kind: Kind, now_ms: i64) -> Self {
        let known = match kind {
            Kind::Field => SYSTEM_FIELDS,
            Kind::Label => SYSTEM_LABELS,
        };
        let entries = known.iter().map(|(key, name)| {
            let definition = Definition {
                key: (*key).to_owned(),
                display_name: (*name).to_owned(),
                system: true,
                data_type: "TEXT".to_owned(),
                created_ms: now_ms,
                updated_ms: now_ms,
            };
            ((*key).to_owned(), definition)
        });
        Self { by_key: entries.collect() }
    }

    pub fn get(&self, key: &str) -> Option<&Definition> {
        self.by_key.get(key)
    }

    pub fn contains(&self, key: &str) -> bool {
        self.by_key.contains_key(key)
    }

    pub fn all(&self) -> impl Iterator<Item = &Definition> {
        self.by_key.values()
    }

    /// How many the site's people and apps made.
    pub fn made(&self) -> usize {
        self.all().filter(|definition| !definition.system).count()
    }

    pub fn put(&mut self, definition: Definition) {
        self.by_key.insert(definition.key.clone(), definition);
    }

    pub fn remove(&mut self, key: &str) {
        self.by_key.remove(key);
    }
}

impl Definition {
    pub fn namespace(&self) -> &str {
        self.key.split_once('.').map_or("", |(namespace, _)| namespace)
    }

    /// The definition as the API shows it.
    pub fn to_json(&self, kind: Kind) -> Value {
        let made_by = if self.system { "SYSTEM" } else { "USER_DEFINED" };
        let mut shown = json!({
            "namespace": self.namespace(),
            "key": self.key,
            "displayName": self.display_name,
            "createdDate": rfc3339(self.created_ms),
            "updatedDate": rfc3339(self.updated_ms),
        });
        if let Value::Object(shown) = &mut shown {
            match kind {
                Kind::Field => {
                    shown.insert("dataType".to_owned(), self.data_type.clone().into());
                    shown.insert("fieldType".to_owned(), made_by.into());
                }
                Kind::Label => {
                    shown.insert("labelType".to_owned(), made_by.into());
                    shown.insert("namespaceDisplayName".to_owned(), self.namespace().into());
                }
            }
        }
        shown
    }
}

/// The key of a new definition: lower case, hyphens for spaces; `custom.externalcrmid` for `externalCrmId`.
pub(super) fn key_of(display_name: &str) -> String {
    let words: Vec<String> = display_name.to_lowercase().split_whitespace().map(str::to_owned).collect();
    format!("custom.{}", words.join("-"))
}
