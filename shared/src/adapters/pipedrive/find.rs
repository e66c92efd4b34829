//! Finding persons by e-mail address, phone number and the id of the Wix contact.
//!
//! A search costs twice what a list of five hundred persons costs, and lags behind writes by a time that is not told; so does the list, by
//! another one. <https://pipedrive.readme.io/docs/core-api-concepts-rate-limiting>

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{
    Client,
    wire::{Item, Person},
};
use crate::{
    model::{
        contact::{Contact, MatchKey},
        ids::RecordId,
        normal,
    },
    ports::StoreResult,
};

/// At most so many contacts are returned.
pub(super) const MOST_FOUND: usize = 10;

/// A person that was made or changed no longer ago than this is looked for in the list as well: longer than a reservation holds, so that
/// who tries again after a lost reply finds what was made, whatever the search knows of it.
pub(super) const RECENTLY: SignedDuration = SignedDuration::from_mins(30);

/// What a person is known by, as it is compared.
#[derive(PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Key {
    Email(String),
    Phone(String),
    /// The id of the Wix contact.
    Counterpart(String),
}

impl Key {
    fn of(key: &MatchKey, country: Option<&str>) -> Self {
        match key {
            MatchKey::Email(text) => Self::Email(normal::email(text)),
            MatchKey::Phone(text) => Self::Phone(normal::phone(text, country)),
        }
    }
}

impl Client {
    /// Finds the persons that have a key, oldest first.
    pub(super) async fn find_by(&self, key: &MatchKey) -> StoreResult<Vec<Contact>> {
        let (operation, field, terms) = match key {
            MatchKey::Email(text) => ("pipedrive find by email", "email", BTreeSet::from([normal::email(text)])),
            MatchKey::Phone(text) => ("pipedrive find by phone", "phone", normal::phone_forms(text, self.settings.country.as_deref())),
        };
        let mut ids = BTreeSet::new();
        for term in terms.iter().filter(|term| !term.trim().is_empty()) {
            ids.extend(self.search(operation, field, term).await?);
        }
        let country = self.settings.country.as_deref();
        let (key, mut found) = (Key::of(key, country), Vec::new());
        for id in in_order(ids).into_iter().take(MOST_FOUND) {
            found.extend(self.read(&id).await?.filter(|contact| keys_of(contact, country).contains(&key)));
        }
        Ok(oldest_first(found))
    }

    /// Finds the person that names this Wix contact as its own: by the search, and among those that changed of late, which it may not know.
    pub(super) async fn find_named(&self, counterpart: &RecordId) -> StoreResult<Option<Contact>> {
        let operation = &*format!("pipedrive find for {counterpart}");
        let names = |contact: &Contact| contact.counterpart.as_ref() == Some(counterpart);
        for id in self.search(operation, "custom_fields", counterpart.as_str()).await? {
            if let Some(contact) = self.read(&id).await?.filter(names) {
                return Ok(Some(contact));
            }
        }
        let since = self.means.clock.now().saturating_sub(RECENTLY).unwrap_or(Timestamp::MIN);
        let mut recent = None;
        self.scan(Some(since), |contact| recent = recent.take().or(Some(contact).filter(names).map(|contact| contact.id))).await?;
        match recent {
            Some(id) => Ok(self.read(&id).await?.filter(names)),
            None => Ok(None),
        }
    }

    /// Finds the persons that have some of these keys, however many there are of both.
    pub(super) async fn find_all(&self, keys: &[MatchKey]) -> StoreResult<BTreeMap<MatchKey, Vec<Contact>>> {
        let country = self.settings.country.as_deref();
        let wanted: BTreeMap<Key, &MatchKey> = keys.iter().map(|key| (Key::of(key, country), key)).collect();
        let mut found: BTreeMap<MatchKey, Vec<Contact>> = BTreeMap::new();
        for contact in self.who_may_have(wanted.keys()).await? {
            for key in keys_of(&contact, country).iter().filter_map(|own| wanted.get(own)) {
                found.entry((*key).clone()).or_default().push(contact.clone());
            }
        }
        Ok(found.into_iter().map(|(key, contacts)| (key, oldest_first(contacts))).collect())
    }

    /// Returns which of these Wix contacts are named by a person as its own, however many there are of both.
    pub(super) async fn named_all(&self, counterparts: &BTreeSet<&RecordId>) -> StoreResult<BTreeSet<RecordId>> {
        let keys: Vec<Key> = counterparts.iter().map(|id| Key::Counterpart(id.as_str().to_owned())).collect();
        let named = self.who_may_have(keys.iter()).await?.into_iter().filter_map(|contact| contact.counterpart);
        Ok(named.filter(|id| counterparts.contains(id)).collect())
    }

    /// Shows every person, or every one that changed since an instant; those that cannot be understood are left out.
    pub(super) async fn scan(&self, since: Option<Timestamp>, mut seen: impl FnMut(Contact) + Send) -> StoreResult<()> {
        let since = since.map(|since| since.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        let mut next = None::<String>;
        loop {
            let since = since.iter().map(|since| ("updated_since", since.as_str()));
            let query: Vec<(&str, &str)> = since.chain(next.iter().map(|next| ("cursor", next.as_str()))).collect();
            let (rows, after) = self.list(&query).await?;
            for person in rows.into_iter().filter_map(|row| serde_json::from_value::<Person>(row).ok()).filter(|row| !row.is_deleted) {
                seen(self.contact(&person).await?);
            }
            match after {
                Some(after) if next.as_ref() != Some(&after) => next = Some(after),
                _ => return Ok(()),
            }
        }
    }
}

/// Reads what a person is known by, addresses and numbers that are not mapped included.
pub(super) fn keys_of(contact: &Contact, country: Option<&str>) -> BTreeSet<Key> {
    let items = |name: &str| contact.native.get(name).and_then(|list| serde_json::from_value(list.clone()).ok()).unwrap_or_default();
    let (emails, phones): (Vec<Item>, Vec<Item>) = (items("emails"), items("phones"));
    let emails = emails.iter().map(|item| Key::Email(normal::email(&item.value)));
    let phones = phones.iter().map(|item| Key::Phone(normal::phone(&item.value, country)));
    let counterpart = contact.counterpart.iter().map(|id| Key::Counterpart(id.as_str().to_owned()));
    emails.chain(phones).chain(counterpart).collect()
}

/// Ids are numbers that grow.
fn in_order(ids: BTreeSet<RecordId>) -> Vec<RecordId> {
    let mut ids: Vec<RecordId> = ids.into_iter().collect();
    ids.sort_by_key(|id| id.as_str().parse().unwrap_or(u64::MAX));
    ids
}

fn oldest_first(mut contacts: Vec<Contact>) -> Vec<Contact> {
    contacts.sort_by_key(|contact| (contact.created_at.is_none(), contact.created_at, contact.id.as_str().parse().unwrap_or(u64::MAX)));
    contacts.truncate(MOST_FOUND);
    contacts
}
