//! The contacts of a small strict Wix: revisions, duplicates refused, values refused, an index that lags.

use std::collections::{BTreeMap, BTreeSet};

use contact_bridge::{
    model::{
        contact,
        field::{Field, Fields, Patch, Value},
        ids::{RecordId, Revision},
    },
    ports::{ErrorKind, StoreError, StoreResult},
};
use jiff::Timestamp;

use super::{witness, world::World};

/// The label that the site does not have.
const GONE: &str = "custom.gone";

/// Who wrote a value, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// A person.
    Person(i64),
    /// The bridge, for a submission.
    Form(i64),
}

impl Author {
    /// Returns when.
    #[must_use]
    pub const fn at(self) -> i64 {
        match self {
            Self::Person(at) | Self::Form(at) => at,
        }
    }
}

/// Since when a contact is found by one of its addresses.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// In the index.
    pub indexed: i64,
    /// In the check for duplicates.
    pub checked: i64,
}

/// A contact of the site.
#[derive(Clone)]
pub struct Contact {
    /// What it holds.
    pub fields: Fields,
    /// Counts its changes.
    pub revision: u64,
    /// When it was created.
    pub created: i64,
    /// When it was changed.
    pub updated: i64,
    /// When a person last did something to it.
    pub touched: i64,
    /// Its addresses and numbers.
    pub keys: BTreeMap<String, Known>,
    /// Who wrote the company.
    pub company_by: Option<Author>,
    /// The contact it was merged into.
    pub merged: Option<RecordId>,
    /// Whether it is gone.
    pub gone: bool,
}

impl Contact {
    /// Returns the elements of a list with its primary one.
    #[must_use]
    pub fn list(&self, [primary, others]: [&str; 2]) -> Vec<String> {
        let elements = |name: &str| self.fields.get(&Field::from(name)).map(Value::elements).unwrap_or_default();
        [elements(primary), elements(others)].concat()
    }

    /// Returns the e-mail addresses and phone numbers.
    #[must_use]
    pub fn addresses(&self) -> Vec<String> {
        [self.list(["email", "emails"]), self.list(["phone", "phones"])].concat()
    }

    /// Returns the company.
    #[must_use]
    pub fn company(&self) -> Option<&str> {
        self.fields.get(&Field::from("company")).and_then(Value::as_text)
    }

    /// Returns what it is known by.
    #[must_use]
    pub fn known_by(&self) -> BTreeSet<String> {
        self.addresses().into_iter().collect()
    }

    /// Writes values, and what comes with that.
    pub fn write(&mut self, patch: &Patch, now: i64) {
        for (field, value) in patch {
            match value {
                Some(value) => drop(self.fields.insert(field.clone(), value.clone())),
                None => drop(self.fields.remove(field)),
            }
        }
        self.revision += 1;
        self.updated = now;
        let addresses = self.known_by();
        self.keys.retain(|key, _| addresses.contains(key));
        for key in addresses {
            self.keys.entry(key).or_insert(Known { indexed: now, checked: now });
        }
    }

    /// Returns it as a port does.
    #[must_use]
    pub fn seen(&self, id: &RecordId) -> contact::Contact {
        contact::Contact {
            id: id.clone(),
            revision: Some(Revision::new(self.revision.to_string())),
            created_at: Timestamp::from_millisecond(self.created).ok(),
            updated_at: Timestamp::from_millisecond(self.updated).ok(),
            counterpart: None,
            fields: self.fields.clone(),
            native: serde_json::Value::Null,
        }
    }
}

fn refused<T>(kind: ErrorKind) -> StoreResult<T> {
    Err(StoreError::new(kind, "simulated"))
}

impl World {
    /// Returns the contacts that are there, oldest first.
    pub fn present(&self) -> impl Iterator<Item = (&RecordId, &Contact)> {
        self.contacts.iter().filter(|(_, contact)| !contact.gone)
    }

    /// Returns what the index finds by an address, as it is now, oldest first.
    #[must_use]
    pub fn indexed(&self, key: &str) -> Vec<contact::Contact> {
        let seen = |contact: &Contact| contact.keys.get(key).is_some_and(|known| self.now - known.indexed >= self.chaos.lag);
        let mut found: Vec<_> = self.present().filter(|(_, contact)| seen(contact)).map(|(id, contact)| contact.seen(id)).collect();
        found.sort_by_key(|contact| contact.created_at);
        found
    }

    /// Finds another contact with one of these addresses.
    fn holder(&self, keys: &[String], but: Option<&RecordId>) -> Option<RecordId> {
        let seen = |known: &Known| self.now - known.checked >= self.habits.check_lag;
        let holds = |contact: &Contact| keys.iter().any(|key| contact.keys.get(key).is_some_and(seen));
        self.present().find(|(id, contact)| Some(*id) != but && holds(contact)).map(|(id, _)| id.clone())
    }

    fn refuse_duplicates(&self, keys: &[String], but: Option<&RecordId>) -> StoreResult<()> {
        match self.holder(keys, but) {
            Some(id) => refused(ErrorKind::Exists(self.habits.names_duplicates.then_some(id))),
            None => Ok(()),
        }
    }

    fn refuse_values(&self, patch: &Patch) -> StoreResult<()> {
        let is_bad = |value: &Value| value.elements().iter().any(|text| text.starts_with("refused") || text == GONE);
        let bad = patch.iter().filter(|(_, value)| value.as_ref().is_some_and(is_bad)).map(|(field, _)| field.clone());
        let bad: Vec<_> = bad.collect();
        if bad.is_empty() {
            return Ok(());
        }
        refused(ErrorKind::Invalid(if self.habits.names_fields { bad } else { Vec::new() }))
    }

    /// Makes a contact. Wix looks for its e-mail addresses, or if there is none for its phone numbers.
    pub fn create(&mut self, fields: &Fields) -> StoreResult<contact::Contact> {
        let patch: Patch = fields.iter().map(|(field, value)| (field.clone(), Some(value.clone()))).collect();
        self.refuse_values(&patch)?;
        let mut contact = blank(self.now);
        contact.write(&patch, self.now);
        let emails = contact.list(["email", "emails"]);
        self.refuse_duplicates(if emails.is_empty() { &[] } else { &emails }, None)?;
        if emails.is_empty() {
            self.refuse_duplicates(&contact.addresses(), None)?;
        }
        witness::written(self, None, &mut contact);
        let id = RecordId::new(format!("c{:04}", self.contacts.len() + 1));
        self.trace(("create", id.as_str(), patch.len()));
        let seen = contact.seen(&id);
        self.contacts.insert(id, contact);
        Ok(seen)
    }

    /// Changes a contact of a revision.
    pub fn update(&mut self, current: &contact::Contact, patch: &Patch) -> StoreResult<contact::Contact> {
        let Some(before) = self.contacts.get(&current.id).filter(|contact| !contact.gone).cloned() else {
            return refused(ErrorKind::NotFound);
        };
        if current.revision != before.seen(&current.id).revision {
            return refused(ErrorKind::Stale);
        }
        self.refuse_values(patch)?;
        let mut after = before.clone();
        after.write(patch, self.now);
        let new: Vec<_> = after.list(["email", "emails"]).into_iter().filter(|email| !before.keys.contains_key(email)).collect();
        self.refuse_duplicates(&new, Some(&current.id))?;
        witness::written(self, Some(&before), &mut after);
        self.trace(("update", current.id.as_str(), after.revision));
        let seen = after.seen(&current.id);
        self.contacts.insert(current.id.clone(), after);
        Ok(seen)
    }

    /// Adds labels to a contact, whatever its revision.
    pub fn label(&mut self, id: &RecordId, labels: &Value) -> StoreResult<contact::Contact> {
        let patch = Patch::from([(Field::from("labels"), Some(labels.clone()))]);
        if self.refuse_values(&patch).is_err() {
            return refused(ErrorKind::Invalid(vec![Field::from("labels")]));
        }
        let now = self.now;
        let Some(contact) = self.contacts.get_mut(id).filter(|contact| !contact.gone) else { return refused(ErrorKind::NotFound) };
        contact.write(&patch, now);
        Ok(contact.seen(id))
    }
}

/// Returns a contact that holds nothing.
pub(super) const fn blank(now: i64) -> Contact {
    Contact {
        fields: Fields::new(),
        revision: 0,
        created: now,
        updated: now,
        touched: 0,
        keys: BTreeMap::new(),
        company_by: None,
        merged: None,
        gone: false,
    }
}
