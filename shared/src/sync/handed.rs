//! Contacts that an export handed to contact sync, and that a later pass comes across again: they are not handed over once more.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::model::{contact::Contact, ids::RecordId};

/// So many are remembered; what is forgotten is handed over again, which does no harm.
const MOST: usize = 500;
/// For so long contact sync tries.
const PATIENCE: SignedDuration = SignedDuration::from_hours(24);

/// Who was handed over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handed(BTreeMap<RecordId, Handing>);

/// One contact as it was when it was handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handing {
    /// When it was created.
    created: Option<Timestamp>,
    /// When it was last changed.
    updated: Option<Timestamp>,
    /// When it was handed over.
    at: Timestamp,
}

impl Handing {
    /// A contact that is handed over now.
    #[must_use]
    pub const fn of(contact: &Contact, now: Timestamp) -> Self {
        Self { created: contact.created_at, updated: contact.updated_at, at: now }
    }
}

impl Handed {
    /// Tells whether contact sync is at work on a contact as it is listed.
    #[must_use]
    pub fn has(&self, contact: &Contact, now: Timestamp) -> bool {
        let known = self.0.get(&contact.id).filter(|known| now.duration_since(known.at) < PATIENCE);
        known.is_some_and(|known| known.updated == contact.updated_at)
    }

    /// Remembers contacts.
    pub fn enter(&mut self, contacts: Vec<(RecordId, Handing)>) {
        self.0.extend(contacts);
    }

    /// Forgets those that no later pass looks at: what was created before one watermark, and changed before the other if there is one.
    pub fn forget_behind(&mut self, created: Option<Timestamp>, updated: Option<Timestamp>) {
        self.0.retain(|_, known| known.created >= created || updated.is_some_and(|watermark| known.updated >= Some(watermark)));
        while self.0.len() > MOST {
            self.0.pop_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::field::Fields;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + second).unwrap()
    }

    fn contact(id: &str, created: i64, updated: i64) -> Contact {
        Contact {
            id: RecordId::from(id),
            revision: None,
            created_at: Some(at(created)),
            updated_at: Some(at(updated)),
            counterpart: None,
            fields: Fields::new(),
            native: serde_json::Value::Null,
        }
    }

    fn handed(contacts: &[Contact]) -> Handed {
        let mut handed = Handed::default();
        handed.enter(contacts.iter().map(|contact| (contact.id.clone(), Handing::of(contact, at(100)))).collect());
        handed
    }

    #[test]
    fn who_is_under_way_is_known_until_they_change_or_a_day_is_over() {
        let handed = handed(&[contact("a", 1, 1)]);
        for (contact, now, expected) in [
            (contact("a", 1, 1), 200, true),
            (contact("a", 1, 2), 200, false),
            (contact("b", 1, 1), 200, false),
            (contact("a", 1, 1), 100 + 24 * 3_600, false),
        ] {
            assert_eq!(handed.has(&contact, at(now)), expected, "{} {now}", contact.id);
        }
    }

    #[test]
    fn who_is_behind_the_watermarks_is_forgotten() {
        let all = [contact("a", 1, 1), contact("b", 9, 9), contact("c", 1, 9)];
        for (watermarks, expected) in
            [((Some(5), None), [false, true, false]), ((Some(5), Some(5)), [false, true, true]), ((None, None), [true; 3])]
        {
            let mut handed = handed(&all);
            handed.forget_behind(watermarks.0.map(at), watermarks.1.map(at));
            assert_eq!([0, 1, 2].map(|place: usize| handed.has(&all[place], at(100))), expected, "{watermarks:?}");
        }
    }

    #[test]
    fn not_more_are_remembered_than_fit_a_checkpoint() {
        let many: Vec<Contact> = (0..700).map(|number| contact(&format!("{number:03}"), 9, 9)).collect();
        let mut handed = handed(&many);
        handed.forget_behind(Some(at(5)), None);
        assert_eq!(many.iter().filter(|contact| handed.has(contact, at(100))).count(), MOST);
    }
}
