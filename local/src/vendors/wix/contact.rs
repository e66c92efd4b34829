//! A stored contact and how Wix shows it,
//! <https://dev.wix.com/docs/rest/crm/members-contacts/contacts/contacts/contact-v4/contact-object>.

use serde_json::{Map, Value, json};

use super::{items, phone, state::Site, subscriptions::Mirror};
use crate::vendors::kit::rfc3339;

/// A contact, existing or deleted.
#[derive(Debug, Clone)]
pub struct Contact {
    pub(super) id: String,
    pub(super) revision: i64,
    pub(super) source: Value,
    pub(super) created_ms: i64,
    pub(super) updated_ms: i64,
    pub(super) activity: (i64, &'static str),
    pub(super) info: Map<String, Value>,
    pub(super) flags: Flags,
    pub(super) mirror: Mirror,
    pub(super) gone: Option<Gone>,
}

/// What forbids deleting a contact.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags {
    /// The contact is a site member.
    pub member: bool,
    /// The contact has a billing subscription.
    pub billing: bool,
    /// The contact is the site's owner or a contributor.
    pub owner: bool,
}

/// Why a contact no longer exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gone {
    /// It was deleted.
    Deleted,
    /// It was merged into the contact with this id.
    MergedInto(String),
}

impl Contact {
    pub(super) fn is_live(&self) -> bool {
        self.gone.is_none()
    }

    /// Lower-cased e-mails.
    pub(super) fn emails(&self) -> impl Iterator<Item = String> {
        items::of(&self.info, "emails").iter().map(|item| items::part(item, "email").to_lowercase())
    }

    pub(super) fn primary_email(&self) -> Option<String> {
        items::primary(&self.info, "emails").map(|item| items::part(item, "email").to_lowercase())
    }

    pub(super) fn has_substance(&self) -> bool {
        let name = self.info.get("name").and_then(Value::as_object);
        name.is_some_and(|name| name.values().any(|part| part.as_str().is_some_and(|text| !text.is_empty())))
            || !items::of(&self.info, "emails").is_empty()
            || !items::of(&self.info, "phones").is_empty()
    }

    /// The info without what changes although nothing was changed: the ids of list items.
    pub(super) fn substance(&self) -> Value {
        let mut info = self.info.clone();
        for kind in ["emails", "phones", "addresses"] {
            let list = info.get_mut(kind).and_then(|wrapper| wrapper.get_mut("items")).and_then(Value::as_array_mut);
            for item in list.into_iter().flatten().filter_map(Value::as_object_mut) {
                item.remove("id");
            }
        }
        Value::Object(info)
    }

    /// The contact as the API shows it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut shown = json!({
            "id": self.id,
            "revision": self.revision,
            "source": self.source,
            "createdDate": rfc3339(self.created_ms),
            "updatedDate": rfc3339(self.updated_ms),
            "lastActivity": {"activityDate": rfc3339(self.activity.0), "activityType": self.activity.1},
            "info": self.shown_info(),
        });
        if let Value::Object(shown) = &mut shown {
            self.add_primary(shown);
        }
        shown
    }

    fn add_primary(&self, shown: &mut Map<String, Value>) {
        let mut primary = Map::new();
        if let Some(item) = items::primary(&self.info, "emails") {
            let email = items::part(item, "email");
            primary.insert("email".to_owned(), email.into());
            shown.insert("primaryEmail".to_owned(), self.mirror.primary_email(email));
        }
        if let Some(item) = items::primary(&self.info, "phones") {
            let number = items::part(item, "phone");
            primary.insert("phone".to_owned(), number.into());
            shown.insert("primaryPhone".to_owned(), primary_phone(item, number));
        }
        shown.insert("primaryInfo".to_owned(), Value::Object(primary));
    }

    fn shown_info(&self) -> Value {
        let mut info = self.info.clone();
        let mut fields = match info.get("extendedFields").and_then(|fields| fields.get("items")) {
            Some(Value::Object(items)) => items.clone(),
            _ => Map::new(),
        };
        self.add_system_fields(&mut fields);
        info.insert("extendedFields".to_owned(), json!({"items": fields}));
        Value::Object(info)
    }

    fn add_system_fields(&self, fields: &mut Map<String, Value>) {
        let name = self.info.get("name").cloned().unwrap_or_default();
        let (first, last) = (items::part(&name, "first"), items::part(&name, "last"));
        let join = |a: &str, b: &str| Value::from(format!("{a} {b}").trim().to_owned());
        let mut add = |key: &str, value: Value| fields.insert(key.to_owned(), value);
        add("contacts.displayByFirstName", join(first, last));
        add("contacts.displayByLastName", join(last, first));
        if !items::of(&self.info, "emails").is_empty() {
            self.mirror.add_to(fields);
        }
        if self.flags.member {
            fields.insert("members.membershipStatus".to_owned(), "APPROVED".into());
        }
        fields.entry("invoices.vatId").or_insert_with(|| "".into());
    }
}

fn primary_phone(item: &Value, number: &str) -> Value {
    let mut shown = json!({"phone": number, "subscriptionStatus": "NO_SUBSCRIPTION_STATUS"});
    let country = items::part(item, "countryCode");
    let formatted = phone::international(country, number).unwrap_or_else(|| number.to_owned());
    if let Value::Object(shown) = &mut shown {
        shown.insert("formattedPhone".to_owned(), formatted.into());
        for key in ["countryCode", "e164Phone"] {
            if let Some(value) = item.get(key) {
                shown.insert(key.to_owned(), value.clone());
            }
        }
    }
    shown
}

impl Contact {
    /// The contact with everything the API hides.
    pub(super) fn for_control(&self, site: &Site) -> Value {
        let mut shown = self.to_json();
        if let Value::Object(shown) = &mut shown {
            let Flags { member, billing, owner } = self.flags;
            shown.insert("site".to_owned(), site.instance_id.clone().into());
            shown.extend(site.inbox.member_of(&self.id).map(|member| ("memberId".to_owned(), member.into())));
            shown.insert("deleted".to_owned(), (self.gone == Some(Gone::Deleted)).into());
            shown.insert("flags".to_owned(), json!({"member": member, "billing": billing, "owner": owner}));
            if let Some(Gone::MergedInto(target)) = &self.gone {
                shown.insert("mergedInto".to_owned(), target.clone().into());
            }
        }
        shown
    }
}
