//! Submissions of forms in memory.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::{
    Store,
    state::{Address, Submitted},
};
use crate::{
    model::{
        fingerprint::Digest,
        ids::{FormId, SiteId, SubmissionId},
        submission::{Claim, ConsentProof, Progress, Record},
    },
    ports::{Claimed, ErrorKind, Reserved, StoreError, StoreResult, SubmissionStore},
};

/// How long an address leads to the contact that was made with it.
const MADE_KEPT: SignedDuration = SignedDuration::from_mins(10);

fn record(claim: &Claim, progress: Progress) -> Record {
    Record { form: claim.form.clone(), at: claim.at, progress }
}

#[async_trait]
impl SubmissionStore for Store {
    async fn claim(&self, site: &SiteId, claim: &Claim, now: Timestamp) -> StoreResult<Claimed> {
        self.of_site(site, |own| {
            if let Some(known) = own.submissions.get(claim.id.as_str()) {
                if let Some((_, until)) = known.held.as_ref().filter(|(owner, until)| *until > now && *owner != claim.owner) {
                    return Ok(Claimed::Busy(*until));
                }
                let is_new = claim.anew_since.is_some_and(|since| known.record.at <= since);
                if let (Progress::Done(effect), false) = (&known.record.progress, is_new) {
                    return Ok(Claimed::Done(effect.clone()));
                }
            }
            let held = Some((claim.owner.clone(), claim.until));
            own.submissions.insert(claim.id.to_string(), Submitted { record: record(claim, Progress::Pending), held });
            Ok(Claimed::Taken)
        })
    }

    async fn reserve_addresses(&self, site: &SiteId, claim: &Claim, keys: &[Digest], now: Timestamp) -> StoreResult<Reserved> {
        self.of_site(site, |own| {
            let taken = |address: &&Address| address.until > now && address.owner.as_ref() != Some(&claim.owner);
            let taken: Vec<_> = keys.iter().filter_map(|key| own.addresses.get(key)).filter(taken).collect();
            if let Some(contact) = taken.iter().find_map(|address| address.contact.clone()) {
                return Ok(Reserved::Made(contact));
            }
            if let Some(until) = taken.iter().map(|address| address.until).max() {
                return Ok(Reserved::Busy(until));
            }
            let held = Address { owner: Some(claim.owner.clone()), contact: None, until: claim.until };
            own.addresses.extend(keys.iter().map(|key| (*key, held.clone())));
            Ok(Reserved::Taken)
        })
    }

    async fn settle(&self, site: &SiteId, claim: &Claim, progress: &Progress, reserved: &[Digest]) -> StoreResult<()> {
        self.of_site(site, |own| {
            let is_held = |submitted: &&mut Submitted| submitted.held.as_ref().is_some_and(|(owner, _)| *owner == claim.owner);
            let Some(submitted) = own.submissions.get_mut(claim.id.as_str()).filter(is_held) else {
                return Err(StoreError::new(ErrorKind::Stale, format!("settle submission {}", claim.id)));
            };
            *submitted = Submitted { record: record(claim, progress.clone()), held: None };
            for key in reserved {
                let Some(address) = own.addresses.get_mut(key).filter(|address| address.owner.as_ref() == Some(&claim.owner)) else {
                    continue;
                };
                if let Progress::Done(effect) = progress {
                    *address = Address { owner: None, contact: Some(effect.contact.clone()), until: claim.until + MADE_KEPT };
                } else {
                    own.addresses.remove(key);
                }
            }
            Ok(())
        })
    }

    async fn submission(&self, site: &SiteId, id: &SubmissionId) -> StoreResult<Option<Record>> {
        Ok(self.of_site(site, |own| own.submissions.get(id.as_str()).map(|submitted| submitted.record.clone())))
    }

    async fn prove(&self, site: &SiteId, proof: &ConsentProof) -> StoreResult<()> {
        self.of_site(site, |own| own.proofs.insert((proof.address, proof.at), proof.clone()));
        Ok(())
    }

    async fn count_post(&self, site: &SiteId, form: &FormId, from: &Digest, limit: u32, now: Timestamp) -> StoreResult<bool> {
        self.of_site(site, |own| {
            let count = own.posts.entry((form.clone(), *from, now.as_second().div_euclid(60))).or_default();
            let is_counted = *count < limit;
            *count += u32::from(is_counted);
            Ok(is_counted)
        })
    }
}
