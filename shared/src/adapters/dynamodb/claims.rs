//! Claims and lines in the table.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::types::{AttributeValue, ConsumedCapacity, ReturnValue};
use jiff::Timestamp;

use super::{
    EXPIRY, Store,
    call::Read,
    item::{Item, build, get_instant, get_number, get_text, instant, number, text},
    key::Key,
    write::{Condition, Refusal, Write},
};
use crate::{
    adapters::aws::failure,
    model::{
        fingerprint::Digest,
        ids::{RecordId, SiteId},
    },
    ports::{Claim, ClaimStore, ErrorKind, StoreError, StoreResult, Ticket},
};

/// How long a claim is kept after it was last written, in seconds: longer than any service sends a message again, and than dead letters wait.
const CLAIM_KEPT: i64 = 30 * 24 * 3600;
/// How long a line is kept after somebody lined up, in seconds.
const LINE_KEPT: i64 = 24 * 3600;
/// What the attributes of tickets begin with.
const TICKET: &str = "t#";

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

    /// Each ticket is an attribute of its own, so that whoever lines up meets nobody.
    async fn line_up(&self, site: &SiteId, line: &Digest, ticket: &Ticket) -> StoreResult<Vec<Ticket>> {
        let call = self.client.update_item().table_name(&self.table).set_key(Some(Key::line(site, line).item()));
        let call = call
            .update_expression(format!("SET #ticket = :ticket, {EXPIRY} = :expiry"))
            .expression_attribute_names("#ticket", format!("{TICKET}{}", ticket.message.hex()))
            .expression_attribute_values(":ticket", write_ticket(ticket))
            .expression_attribute_values(":expiry", number(ticket.since.as_second() + LINE_KEPT))
            .return_values(ReturnValue::AllNew);
        let sent = call.set_return_consumed_capacity(self.cost()).send().await;
        let output = sent.map_err(|error| failure(format!("line up {}", ticket.message.hex()), &error))?;
        self.count_write(output.consumed_capacity());
        Ok(read_line(output.attributes.unwrap_or_default()))
    }

    async fn step_out(&self, site: &SiteId, line: &Digest, message: &Digest) -> StoreResult<()> {
        let call = self.client.update_item().table_name(&self.table).set_key(Some(Key::line(site, line).item()));
        let call = call.update_expression("REMOVE #ticket").expression_attribute_names("#ticket", format!("{TICKET}{}", message.hex()));
        let sent = call.set_return_consumed_capacity(self.cost()).send().await;
        let output = sent.map_err(|error| failure(format!("step out {}", message.hex()), &error))?;
        self.count_write(output.consumed_capacity());
        Ok(())
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

    fn count_write(&self, consumed: Option<&ConsumedCapacity>) {
        if let Some(capacity) = &self.capacity {
            capacity.add_write(consumed);
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

fn write_ticket(ticket: &Ticket) -> AttributeValue {
    AttributeValue::M(HashMap::from([
        ("at".to_owned(), instant(ticket.at)),
        ("part".to_owned(), number(ticket.part)),
        ("since".to_owned(), instant(ticket.since)),
    ]))
}

/// What is not understood is nobody who waits: a line that cannot be read must not stand still.
fn read_line(item: Item) -> Vec<Ticket> {
    item.into_iter().filter_map(|(name, value)| read_ticket(name.strip_prefix(TICKET)?, value.as_m().ok()?)).collect()
}

fn read_ticket(message: &str, ticket: &Item) -> Option<Ticket> {
    let message = Digest::from_bytes(&hex::decode(message).ok()?)?;
    Some(Ticket { message, at: get_instant(ticket, "at")?, part: get_number(ticket, "part")?, since: get_instant(ticket, "since")? })
}
