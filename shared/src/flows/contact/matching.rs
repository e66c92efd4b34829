//! Who on the other side may be the same person.

use super::{Contacts, SOON, Step, Stop, create::WHILE_MADE};
use crate::model::{
    contact::{Contact, MatchKey},
    field::{Field, Value},
    fingerprint::Digest,
    ids::{RecordId, Side},
    link::{Link, ParkedReason, Slot},
    normal,
};

/// What a search for the counterpart finds.
pub(super) enum Match {
    None,
    One(Box<Contact>),
    /// Nobody can be chosen; a person has to.
    Unclear(Unclear),
}

/// Why nobody can be chosen.
pub(super) struct Unclear {
    pub(super) reason: ParkedReason,
    /// Those who could be meant.
    pub(super) because_of: Vec<(Side, RecordId)>,
    /// The links of those that are taken.
    pub(super) taken: Vec<Link>,
}

/// What is known of a candidate for a match.
pub(super) enum Candidate {
    Available,
    /// Taken; with its link, if it is stored already and not ended.
    Linked(Option<Box<Link>>),
}

impl Contacts {
    /// Looks for the counterpart. Exactly one that is not linked elsewhere is a match.
    pub(super) async fn match_by_keys(&self, side: Side, this: &Contact) -> Step<Match> {
        let candidates = self.candidates(side, this).await?;
        self.choose(side, this, candidates).await
    }

    /// Returns those who are free and whom the match of `this` matches as well, if any: whose event comes first must not decide.
    pub(super) async fn rivals(&self, side: Side, this: &Contact, other: &Contact) -> Step<Option<Unclear>> {
        let mut because_of = Vec::new();
        for rival in self.candidates(side.opposite(), other).await? {
            if rival.id != this.id && matches!(self.availability(side.opposite(), other, &rival).await?, Candidate::Available) {
                because_of.push((side, rival.id));
            }
        }
        if because_of.is_empty() {
            return Ok(None);
        }
        because_of.push((side.opposite(), other.id.clone()));
        Ok(Some(Unclear { reason: ParkedReason::SeveralMatches, because_of, taken: Vec::new() }))
    }

    /// Returns who on the other side may be the same person: by e-mail, else by phone.
    async fn candidates(&self, side: Side, this: &Contact) -> Step<Vec<Contact>> {
        let keys = self.match_keys(side, this);
        let (emails, phones): (Vec<_>, Vec<_>) = keys.into_iter().partition(|key| matches!(key, MatchKey::Email(_)));
        let by_email = self.find_all(side, &emails).await?;
        if !by_email.is_empty() {
            return Ok(by_email);
        }
        let mut by_phone = self.find_all(side, &phones).await?;
        by_phone.retain(|candidate| emails.is_empty() || !self.has_email(side.opposite(), candidate));
        Ok(by_phone)
    }

    async fn find_all(&self, side: Side, keys: &[MatchKey]) -> Step<Vec<Contact>> {
        let other = side.opposite();
        let mut found: Vec<Contact> = Vec::new();
        for key in keys {
            for contact in self.store(other).find(key).await.map_err(|error| Stop::at(other, error))? {
                if found.iter().all(|known| known.id != contact.id) {
                    found.push(contact);
                }
            }
        }
        Ok(found)
    }

    async fn choose(&self, side: Side, this: &Contact, candidates: Vec<Contact>) -> Step<Match> {
        let because_of: Vec<_> = candidates.iter().map(|candidate| (side.opposite(), candidate.id.clone())).collect();
        let (mut available, mut taken) = (Vec::new(), Vec::new());
        for candidate in candidates {
            match self.availability(side, this, &candidate).await? {
                Candidate::Available => available.push(candidate),
                Candidate::Linked(link) => taken.extend(link.map(|link| *link)),
            }
        }
        Ok(match (available.len(), because_of.len()) {
            (_, 0) => Match::None,
            (0, _) => Match::Unclear(Unclear { reason: ParkedReason::MatchIsLinked, because_of, taken }),
            (1, _) => available.pop().map_or(Match::None, |one| Match::One(Box::new(one))),
            _ => Match::Unclear(Unclear { reason: ParkedReason::SeveralMatches, because_of, taken }),
        })
    }

    /// Tells whether a candidate may be linked to `this`: it has no link, and does not belong to another record whose link is only being
    /// stored.
    pub(super) async fn availability(&self, side: Side, this: &Contact, candidate: &Contact) -> Step<Candidate> {
        match self.look_up(side.opposite(), &candidate.id).await? {
            Slot::Linked(link) if link.id(side) == &this.id => return Err(self.later(SOON, "its link was stored just now").into()),
            Slot::Linked(link) => return Ok(Candidate::Linked(Some(link))),
            Slot::Gone(tombstone) if tombstone.cause.is_of_erasure() => return Ok(Candidate::Linked(None)),
            Slot::Reserved { until, .. } => {
                return Err(self.until(until.min(self.clock.now() + WHILE_MADE), "the match is being linked").into());
            }
            // Its link ended, as when only its counterpart was deleted: whoever comes anew may be linked to it.
            Slot::Gone(_) | Slot::Free => {}
        }
        let Some(named) = candidate.counterpart.as_ref().filter(|named| **named != this.id) else { return Ok(Candidate::Available) };
        match self.look_up(side, named).await? {
            Slot::Reserved { until, .. } => {
                Err(self.until(until.min(self.clock.now() + WHILE_MADE), "the match was made for another").into())
            }
            Slot::Free if self.read_present(side, named).await?.is_some() => Ok(Candidate::Linked(None)),
            Slot::Linked(_) | Slot::Gone(_) | Slot::Free => Ok(Candidate::Available),
        }
    }

    /// Returns what a record is looked up by on the other side: the addresses and numbers it has, and what is mapped to such a field in Wix.
    pub(in crate::flows) fn match_keys(&self, side: Side, contact: &Contact) -> Vec<MatchKey> {
        let country = self.site.default_country.as_deref();
        let email = |text: &String| MatchKey::Email(normal::email(text));
        let phone = |text: &String| MatchKey::Phone(normal::phone(text, country));
        let known = self.store(side).known_by();
        let own =
            |names: &'static [&'static str]| names.iter().filter_map(|name| contact.get(&Field::from(*name))).flat_map(Value::elements);
        let mut keys: Vec<_> = own(known.emails).map(email).chain(own(known.phones).map(phone)).collect();
        for row in self.mapping.rows() {
            let name = row.field(Side::Wix).as_str();
            let value = row.read(side, &contact.fields);
            let items = value.iter().flat_map(Value::elements);
            if name == "email" || name == "emails" || name.starts_with("email.") {
                keys.extend(items.map(email));
            } else if name == "phone" || name == "phones" || name.starts_with("phone.") {
                keys.extend(items.map(phone));
            }
        }
        keys.retain(|key| !matches!(key, MatchKey::Email(text) | MatchKey::Phone(text) if text.is_empty()));
        keys.sort();
        keys.dedup();
        keys
    }

    pub(in crate::flows) fn has_email(&self, side: Side, contact: &Contact) -> bool {
        self.match_keys(side, contact).iter().any(|key| matches!(key, MatchKey::Email(_)))
    }

    pub(super) fn key_digests(&self, keys: &[MatchKey]) -> Vec<Digest> {
        let digest = |key: &MatchKey| match key {
            MatchKey::Email(email) => self.key.digest("match:email", email),
            MatchKey::Phone(phone) => self.key.digest("match:phone", phone),
        };
        keys.iter().map(digest).collect()
    }
}
