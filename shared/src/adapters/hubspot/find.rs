//! Finding contacts by e-mail address and phone number.
//!
//! <https://developers.hubspot.com/docs/api-reference/search/guide>

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::{Client, bulk::MOST_ROWS, property::MORE_EMAILS};
use crate::{
    model::{
        contact::Contact,
        field::{Field, Value},
        normal,
    },
    ports::{ErrorKind, StoreResult},
};

/// The properties that hold phone numbers.
pub(super) const PHONES: [&str; 2] = ["phone", "mobilephone"];

/// At most so many contacts are returned.
pub(super) const MOST_FOUND: usize = 10;

impl Client {
    pub(super) async fn find_by_email(&self, text: &str) -> StoreResult<Vec<Contact>> {
        let email = normal::email(text);
        if email.is_empty() {
            return Ok(Vec::new());
        }
        // The read is current, the search is not; but only the search finds several.
        let current = self.read(&email, Some("email")).await?;
        let indexed = self.search_and_read("hubspot find by email", email_query(&email)).await?;
        let indexed = indexed.into_iter().filter(|contact| has_email(contact, &email));
        Ok(oldest_first(current.into_iter().chain(indexed)))
    }

    pub(super) async fn find_by_phone(&self, text: &str) -> StoreResult<Vec<Contact>> {
        let country = self.settings.country.as_deref();
        let phone = normal::phone(text, country);
        if phone.is_empty() {
            return Ok(Vec::new());
        }
        let found = self.search_and_read("hubspot find by phone", phone_query(&normal::phone_forms(text, country))).await?;
        Ok(oldest_first(found.into_iter().filter(|contact| has_phone(contact, &phone, country))))
    }

    /// Reads what a search finds: the index may show what a record was minutes ago.
    async fn search_and_read(&self, operation: &str, query: Json) -> StoreResult<Vec<Contact>> {
        let ids = self.search(operation, query).await?;
        let outcome = self.read_batch(&ids).await?;
        match outcome.failed.into_iter().find(|(_, error)| error.kind != ErrorKind::NotFound) {
            Some((_, error)) => Err(error),
            None => Ok(outcome.done.into_iter().map(|(_, contact)| contact).collect()),
        }
    }
}

/// Each group of filters is an alternative.
fn query(groups: &[Json]) -> Json {
    let groups: Vec<_> = groups.iter().map(|filter| json!({ "filters": [filter] })).collect();
    json!({"filterGroups": groups, "sorts": [{"propertyName": "createdate", "direction": "ASCENDING"}],
        "properties": ["email"], "limit": MOST_ROWS})
}

fn email_query(email: &str) -> Json {
    query(&[
        json!({"propertyName": "email", "operator": "EQ", "value": email}),
        json!({"propertyName": MORE_EMAILS, "operator": "EQ", "value": email}),
        json!({"propertyName": MORE_EMAILS, "operator": "CONTAINS_TOKEN", "value": email}),
    ])
}

/// A list of values has to be in lower case.
pub(super) fn phone_query(forms: &BTreeSet<String>) -> Json {
    let forms: BTreeSet<_> = forms.iter().map(|form| form.to_lowercase()).collect();
    query(&PHONES.map(|name| json!({"propertyName": name, "operator": "IN", "values": forms})))
}

pub(super) fn has_email(contact: &Contact, email: &str) -> bool {
    elements(contact, &["email", MORE_EMAILS]).any(|own| normal::email(own) == email)
}

pub(super) fn has_phone(contact: &Contact, phone: &str, country: Option<&str>) -> bool {
    elements(contact, &PHONES).any(|own| normal::phone(own, country) == phone)
}

fn elements<'a>(contact: &'a Contact, names: &'a [&str]) -> impl Iterator<Item = &'a str> {
    let values = names.iter().filter_map(|name| contact.get(&Field::from(*name)));
    values.flat_map(Value::elements).map(String::as_str)
}

fn oldest_first(contacts: impl Iterator<Item = Contact>) -> Vec<Contact> {
    let by_id: BTreeMap<_, _> = contacts.map(|contact| (contact.id.clone(), contact)).collect();
    let mut contacts: Vec<_> = by_id.into_values().collect();
    contacts.sort_by_key(|contact| (contact.created_at.is_none(), contact.created_at));
    contacts.truncate(MOST_FOUND);
    contacts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_stay_within_the_limits() {
        let long = "x".repeat(250);
        for query in
            [email_query(&long), phone_query(&normal::phone_forms(&long, None)), phone_query(&normal::phone_forms("+12127365000", None))]
        {
            assert!(query.to_string().len() < 3_000);
            assert!(query.pointer("/filterGroups").and_then(Json::as_array).unwrap().len() <= 5);
        }
    }
}
