//! Whom the CRM may have already, many contacts at a time: by e-mail, else by phone, as contact sync would look for them one by one.

use std::collections::BTreeMap;

use super::{
    contact::Contacts,
    run::{Allowance, Step, Stop},
};
use crate::{
    model::{
        contact::{Contact, MatchKey},
        ids::{RecordId, Side},
    },
    ports::Upload,
};

/// Who may be whom: for each Wix contact that has any the records of the CRM, oldest first.
pub(super) type Candidates = BTreeMap<RecordId, Vec<Contact>>;

/// Where candidates are looked for.
#[derive(Clone, Copy)]
pub(super) struct Search<'a> {
    pub(super) contacts: &'a Contacts,
    pub(super) upload: &'a dyn Upload,
    pub(super) allowance: &'a Allowance,
}

impl Search<'_> {
    /// Finds the candidates of these contacts of Wix.
    pub(super) async fn candidates(self, rows: &[&Contact]) -> Step<Candidates> {
        let mut candidates = Candidates::new();
        for phones in [false, true] {
            self.allowance.ensure_room().await?;
            let open = rows.iter().filter(|contact| !candidates.contains_key(&contact.id));
            let wanted: Vec<(&Contact, Vec<MatchKey>)> = open.map(|contact| (*contact, self.keys(contact, phones))).collect();
            let keys: Vec<MatchKey> = wanted.iter().flat_map(|(_, keys)| keys.clone()).collect();
            let found = self.upload.find_many(&keys).await.map_err(|error| Stop::at(Side::External, error))?;
            for (contact, keys) in wanted {
                let all = keys.iter().filter_map(|key| found.get(key)).flatten();
                let mut own: Vec<Contact> =
                    all.filter(|candidate| !phones || self.may_share_a_phone(contact, candidate)).cloned().collect();
                own.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
                own.dedup_by(|one, other| one.id == other.id);
                if !own.is_empty() {
                    candidates.insert(contact.id.clone(), own);
                }
            }
        }
        Ok(candidates)
    }

    /// A shared phone says nothing of two people who each have an address of their own.
    fn may_share_a_phone(self, contact: &Contact, candidate: &Contact) -> bool {
        !self.contacts.has_email(Side::Wix, contact) || !self.contacts.has_email(Side::External, candidate)
    }

    fn keys(self, contact: &Contact, phones: bool) -> Vec<MatchKey> {
        let keys = self.contacts.match_keys(Side::Wix, contact).into_iter();
        keys.filter(|key| matches!(key, MatchKey::Phone(_)) == phones).collect()
    }
}
