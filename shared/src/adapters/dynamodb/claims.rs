//! Claims and lines in the table.

use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use super::{
    EXPIRY, Store,
    call::Read,
    item::{Item, build, get_instant, get_text, instant, number, text},
    key::Key,
    write::{Condition, Refusal, Write},
};
use crate::{
    model::{
        fingerprint::Digest,
        ids::{RecordId, SiteId},
    },
    ports::{Claim, ClaimStore, ErrorKind, Place, StoreError, StoreResult, Ticket},
};

/// How long a claim is kept after it was last written, in seconds: longer than any service sends a message again, and than dead letters wait.
const CLAIM_KEPT: i64 = 30 * 24 * 3600;

const STALE: Refusal = Refusal::Fail(ErrorKind::Stale);

#[async_trait]
impl ClaimStore for Store {
    async fn claim(&self, site: &SiteId, message: &Digest) -> StoreResult<Option<Claim>> {
        let item = self.get(Key::claim(site, message), Read::Consistent).await?;
        item.map(|item| read(&item).ok_or_else(|| StoreError::new(ErrorKind::Corrupt, format!("read claim {}", message.hex())))).transpose()
    }

    async fn swap_claim(&self, site: &SiteId, message: &Digest, known: Option<&Claim>, new: Option<&Claim>) -> StoreResult<()> {
        let as_known = match known {
            None => Condition::no_item(),
            // One that is done with has no holder: no condition on it holds.
            Some(claim) => Condition::held_until(claim.owner.as_deref().unwrap_or_default(), claim.until),
        };
        let key = Key::claim(site, message);
        let write = match new {
            Some(claim) => Write::put(item(key, claim), as_known, STALE),
            None => Write::delete(key, as_known, STALE),
        };
        match self.commit(&format!("swap claim {}", message.hex()), vec![write]).await {
            // The SDK sends a call again whose answer was lost, and then it is in its own way.
            Err(error) if error.kind == ErrorKind::Stale && self.claim(site, message).await?.as_ref() == new => Ok(()),
            outcome => outcome,
        }
    }

    async fn own_post(&self, site: &SiteId, places: &[u64], message: &Digest, now: Timestamp) -> StoreResult<bool> {
        let message = message.hex();
        // One alone needs no look: the write tells.
        for place in places.iter().filter(|_| places.len() > 1) {
            let note = self.get(Key::own_post(site, *place), Read::Consistent).await?;
            if note.is_some_and(|note| get_text(&note, "message") == Some(message.as_str())) {
                return Ok(true);
            }
        }
        for place in places {
            if self.note_post(Key::own_post(site, *place), &message, now).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn line_up(&self, site: &SiteId, line: &Digest, ticket: &Ticket, alive: Timestamp) -> StoreResult<Vec<Ticket>> {
        self.put_ticket(site, line, ticket).await?;
        self.ahead_of(site, line, &ticket.place, alive).await
    }

    async fn step_out(&self, site: &SiteId, line: &Digest, place: &Place) -> StoreResult<()> {
        self.take_ticket(site, line, place).await
    }
}

impl Store {
    async fn note_post(&self, key: Key, message: &str, now: Timestamp) -> StoreResult<bool> {
        let note = build(key, [("message", text(message)), (EXPIRY, number(now.as_second() + CLAIM_KEPT))]);
        let write = Write::put(note, Condition::of_message(message), STALE);
        match self.commit(&format!("note a post of {message}"), vec![write]).await {
            Ok(()) => Ok(true),
            Err(error) if error.kind == ErrorKind::Stale => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// A claim. One that is done with has no holder, so that no condition on its holder holds any more.
fn item(key: Key, claim: &Claim) -> Item {
    let mut item = build(
        key,
        [
            ("held_until", instant(claim.until)),
            ("unsure_since", instant(claim.since)),
            (EXPIRY, number(claim.until.as_second() + CLAIM_KEPT)),
        ],
    );
    item.extend(claim.owner.as_ref().map(|owner| ("holder".to_owned(), text(owner.as_str()))));
    if !claim.left.is_empty() {
        item.insert("left".to_owned(), AttributeValue::L(claim.left.iter().map(|id| text(id.as_str())).collect()));
    }
    item
}

fn read(item: &Item) -> Option<Claim> {
    let left = match item.get("left") {
        None => Vec::new(),
        Some(list) => list.as_l().ok()?.iter().map(|id| Some(RecordId::new(id.as_s().ok()?))).collect::<Option<_>>()?,
    };
    let (until, since) = (get_instant(item, "held_until")?, get_instant(item, "unsure_since")?);
    Some(Claim { owner: get_text(item, "holder").map(str::to_owned), until, since, left })
}
