//! Whose conversations a message belongs to.

use super::{Relay, SEARCHES, Step, Stop, outcome::Parked};
use crate::{
    model::{
        ids::RecordId,
        message::Message,
        site::inbox::{NoMatch, SeveralMatches, Source},
    },
    ports::{Claim, ErrorKind, Order, StoreError},
};

/// More contacts than this do not have one address by intention.
const MOST: usize = 20;

impl Relay {
    /// Returns the contacts that an earlier attempt meant; else those that have the address, as the source's rules say.
    pub(super) async fn contacts(&self, message: &Message, source: &Source, known: Option<&Claim>) -> Step<Vec<RecordId>> {
        if let Some(claim) = known.filter(|claim| !claim.left.is_empty()) {
            return Ok(claim.left.clone());
        }
        let found = self.found(message, source.several_matches).await?;
        let too_many = match source.several_matches {
            SeveralMatches::FirstCreated | SeveralMatches::LastActive => false,
            SeveralMatches::None => found.len() > 1,
            SeveralMatches::All => found.len() > MOST,
        };
        match found {
            found if found.is_empty() => self.newcomer(message, source).await,
            _ if too_many => Err(Stop::Park(Parked::SeveralContacts)),
            found => Ok(found),
        }
    }

    /// Finds contacts by the surer address; by the other one if nobody has that.
    async fn found(&self, message: &Message, rule: SeveralMatches) -> Step<Vec<RecordId>> {
        let order = match rule {
            SeveralMatches::FirstCreated | SeveralMatches::All | SeveralMatches::None => Order::FirstCreated,
            SeveralMatches::LastActive => Order::LastActive,
        };
        for key in message.who.keys(self.site.default_country.as_deref()) {
            let found = self.inbox.contacts_of(&key, order, most(rule)).await?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }

    /// Nobody has the address.
    async fn newcomer(&self, message: &Message, source: &Source) -> Step<Vec<RecordId>> {
        match source.no_match {
            NoMatch::Park if message.searches < SEARCHES => Err(self.not_yet("no contact has the address yet")),
            NoMatch::Park => Err(Stop::Park(Parked::NoContact)),
            NoMatch::Create => match self.inbox.add_contact(&message.who).await {
                // Whom the index did not show is there all the same; Wix itself knows better.
                Ok(id) | Err(StoreError { kind: ErrorKind::Exists(Some(id)), .. }) => Ok(vec![id]),
                Err(error) => Err(error.into()),
            },
        }
    }
}

/// Returns how many contacts are asked for, so that the rule can be applied.
const fn most(rule: SeveralMatches) -> usize {
    match rule {
        SeveralMatches::FirstCreated | SeveralMatches::LastActive => 1,
        SeveralMatches::None => 2,
        SeveralMatches::All => MOST + 1,
    }
}
