//! Submissions of forms in the table.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::{
    EXPIRY, Store,
    call::Read,
    item::{self, Item, get_instant, get_text, instant, number, text},
    key::Key,
    write::{Condition, Refusal, Write, accepted},
};
use crate::{
    model::{
        fingerprint::Digest,
        ids::{FormId, RecordId, SiteId, SubmissionId},
        submission::{Claim, ConsentProof, Progress, Record},
    },
    ports::{Claimed, ErrorKind, Reserved, StoreError, StoreResult, SubmissionStore},
};

/// How long what became of a submission is remembered: one that its sender named, so long that no repeat comes after it.
const NAMED_KEPT: i64 = 400 * 24 * 3600;
/// How long others are.
const OTHERS_KEPT: i64 = 30 * 24 * 3600;
/// How long an address leads to the contact that was made with it: longer than the vendor's search lags.
const MADE_KEPT: SignedDuration = SignedDuration::from_mins(10);
/// How long a minute's count is kept, in seconds.
const COUNT_KEPT: i64 = 180;

const STALE: Refusal = Refusal::Fail(ErrorKind::Stale);
const EXISTS: Refusal = Refusal::Fail(ErrorKind::Exists(None));

/// The item of a submission; `holder` while somebody deals with it.
fn submission(site: &SiteId, claim: &Claim, progress: &Progress, held: bool) -> StoreResult<Item> {
    let packed = serde_json::to_string(progress)
        .map_err(|error| StoreError::new(ErrorKind::Corrupt, format!("pack submission {}", claim.id)).caused_by(error))?;
    let kept = if claim.anew_since.is_none() { NAMED_KEPT } else { OTHERS_KEPT };
    let mut item = Key::submission(site, &claim.id).item();
    let attributes = [
        ("form_id", text(claim.form.as_str())),
        ("submitted_at", instant(claim.at)),
        ("stage", text(progress.name())),
        ("progress", text(packed)),
        (EXPIRY, number(claim.until.as_second() + kept)),
    ];
    item.extend(attributes.map(|(name, value)| (name.to_owned(), value)));
    if held {
        item.extend(holding(claim));
    }
    Ok(item)
}

fn holding(claim: &Claim) -> [(String, aws_sdk_dynamodb::types::AttributeValue); 2] {
    [("holder".to_owned(), text(claim.owner.as_str())), ("held_until".to_owned(), instant(claim.until))]
}

fn read_submission(item: &Item, id: &SubmissionId) -> StoreResult<Record> {
    let error = || StoreError::new(ErrorKind::Corrupt, format!("read submission {id}"));
    let (Some(form), Some(at), Some(progress)) = (get_text(item, "form_id"), get_instant(item, "submitted_at"), get_text(item, "progress"))
    else {
        return Err(error());
    };
    let progress = serde_json::from_str(progress).map_err(|cause| error().caused_by(cause))?;
    Ok(Record { form: FormId::from(form), at, progress })
}

/// What an address holds while a contact is made with it.
fn reserved(site: &SiteId, key: &Digest, claim: &Claim) -> Item {
    let mut item = Key::form_address(site, key).item();
    item.extend(holding(claim));
    item.insert(EXPIRY.to_owned(), number(claim.until.as_second() + 1));
    item
}

/// What an address holds after a contact was made with it.
fn made(site: &SiteId, key: &Digest, contact: &RecordId, until: Timestamp) -> Item {
    let mut item = Key::form_address(site, key).item();
    let attributes = [("contact", text(contact.as_str())), ("held_until", instant(until)), (EXPIRY, number(until.as_second() + 1))];
    item.extend(attributes.map(|(name, value)| (name.to_owned(), value)));
    item
}

#[async_trait]
impl SubmissionStore for Store {
    async fn claim(&self, site: &SiteId, claim: &Claim, now: Timestamp) -> StoreResult<Claimed> {
        let item = submission(site, claim, &Progress::Pending, true)?;
        let write = Write::put(item, Condition::claimable(claim, now), EXISTS);
        let operation = format!("claim submission {}", claim.id);
        match self.commit(&operation, vec![write]).await {
            Ok(()) => return Ok(Claimed::Taken),
            Err(error) if error.kind == ErrorKind::Exists(None) => {}
            Err(error) => return Err(error),
        }
        let Some(item) = self.get(Key::submission(site, &claim.id), Read::Consistent).await? else {
            return Err(StoreError::new(ErrorKind::Stale, operation));
        };
        match read_submission(&item, &claim.id)?.progress {
            Progress::Done(effect) => Ok(Claimed::Done(effect)),
            // A claim that was given back in this very moment is as good as one that ends now.
            Progress::Pending | Progress::Failed { .. } => Ok(Claimed::Busy(get_instant(&item, "held_until").unwrap_or(now))),
        }
    }

    async fn reserve_addresses(&self, site: &SiteId, claim: &Claim, keys: &[Digest], now: Timestamp) -> StoreResult<Reserved> {
        let free = Condition::unheld(&claim.owner, now);
        let writes = keys.iter().map(|key| Write::put(reserved(site, key, claim), free.clone(), EXISTS)).collect();
        match self.commit(&format!("reserve addresses for {}", claim.id), writes).await {
            Ok(()) => return Ok(Reserved::Taken),
            Err(error) if error.kind == ErrorKind::Exists(None) => {}
            Err(error) => return Err(error),
        }
        let mut busy = now;
        for key in keys {
            let Some(item) = self.get(Key::form_address(site, key), Read::Consistent).await? else { continue };
            let until = get_instant(&item, "held_until").unwrap_or(now);
            match get_text(&item, "contact") {
                Some(contact) if until > now => return Ok(Reserved::Made(RecordId::from(contact))),
                _ => busy = busy.max(until),
            }
        }
        Ok(Reserved::Busy(busy))
    }

    async fn settle(&self, site: &SiteId, claim: &Claim, progress: &Progress, keys: &[Digest]) -> StoreResult<()> {
        let held = || Condition::held_by(&claim.owner);
        let mut writes = vec![Write::put(submission(site, claim, progress, false)?, held(), STALE)];
        writes.extend(keys.iter().map(|key| match progress {
            Progress::Done(effect) => Write::put(made(site, key, &effect.contact, claim.until + MADE_KEPT), held(), Refusal::Skip),
            Progress::Pending | Progress::Failed { .. } => Write::delete(Key::form_address(site, key), held(), Refusal::Skip),
        }));
        self.commit(&format!("settle submission {}", claim.id), writes).await
    }

    async fn submission(&self, site: &SiteId, id: &SubmissionId) -> StoreResult<Option<Record>> {
        let item = self.get(Key::submission(site, id), Read::Consistent).await?;
        item.map(|item| read_submission(&item, id)).transpose()
    }

    async fn prove(&self, site: &SiteId, proof: &ConsentProof) -> StoreResult<()> {
        let mut item = Key::consent(site, &proof.address, proof.at).item();
        let attributes = [
            ("form_id", text(proof.form.as_str())),
            ("submission", text(proof.submission.as_str())),
            ("text_version", text(proof.text_version.as_str())),
        ];
        item.extend(attributes.map(|(name, value)| (name.to_owned(), value)));
        let write = Write::put(item, Condition::none(), Refusal::Skip);
        self.commit(&format!("prove the consent of {}", proof.submission), vec![write]).await
    }

    async fn count_post(&self, site: &SiteId, form: &FormId, from: &Digest, limit: u32, now: Timestamp) -> StoreResult<bool> {
        if limit == 0 {
            return Ok(false);
        }
        let key = Key::posts(site, form, from, now);
        self.count(&format!("count a post to {form}"), key, limit, now.as_second() + COUNT_KEPT).await
    }
}

impl Store {
    /// Counts one more in an item, unless as many as `limit` are counted.
    pub(super) async fn count(&self, operation: &str, key: Key, limit: u32, expiry: i64) -> StoreResult<bool> {
        let call = self.client.update_item().table_name(&self.table).set_key(Some(key.item()));
        let call = call
            .update_expression(format!("ADD spent :one SET {EXPIRY} = :expiry"))
            .condition_expression("attribute_not_exists(spent) OR spent < :limit")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":limit", number(limit))
            .expression_attribute_values(":expiry", item::number(expiry));
        let sent = call.set_return_consumed_capacity(self.cost()).send().await;
        let counted = accepted(operation, sent)?;
        if let (Some(capacity), Some(output)) = (&self.capacity, &counted) {
            capacity.add_write(output.consumed_capacity());
        }
        Ok(counted.is_some())
    }
}
