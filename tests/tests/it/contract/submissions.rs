//! Submissions of forms: the rights to deal with them, and what is remembered.

use contact_bridge::{
    model::{
        field::Field,
        fingerprint::Digest,
        ids::{RecordId, SiteId, SubmissionId},
        submission::{Action, Claim, ConsentProof, Effect, Progress, Reason, Rejected},
    },
    ports::{Claimed, ErrorKind, Reserved, StoreResult},
};
use futures::future::join_all;
use jiff::Timestamp;

use super::bench::{Bench, STALE, at, digest, kind};

const ID: &str = "0123456789abcdef01234567";

/// A claim of a submission that its sender named, submitted at second 0; held until second 60.
fn claim(owner: &str) -> Claim {
    Claim { id: SubmissionId::from(ID), form: "contact".into(), at: at(0), owner: owner.to_owned(), until: at(60), anew_since: None }
}

/// A claim of a submission that is known by its content alone.
fn unnamed(owner: &str, submitted: i64) -> Claim {
    Claim { at: at(submitted), until: at(submitted + 60), anew_since: Some(at(submitted - 60)), ..claim(owner) }
}

fn effect(contact: &str) -> Effect {
    let rejected = vec![Rejected { field: Field::from("company"), reason: Reason::Filled }];
    Effect {
        contact: RecordId::from(contact),
        action: Action::Updated,
        accepted: vec![Field::from("email")],
        rejected,
        as_written: Vec::new(),
        subscription: None,
    }
}

fn done(contact: &str) -> Progress {
    Progress::Done(effect(contact))
}

impl Bench {
    async fn claim_at(&self, claim: &Claim, now: Timestamp) -> StoreResult<Claimed> {
        self.submissions.claim(&self.site, claim, now).await
    }

    async fn settle(&self, claim: &Claim, progress: &Progress, reserved: &[Digest]) -> StoreResult<()> {
        self.submissions.settle(&self.site, claim, progress, reserved).await
    }

    async fn reserve_addresses(&self, claim: &Claim, keys: &[Digest], now: Timestamp) -> StoreResult<Reserved> {
        self.submissions.reserve_addresses(&self.site, claim, keys, now).await
    }

    async fn progress(&self) -> StoreResult<Option<Progress>> {
        Ok(self.submissions.submission(&self.site, &SubmissionId::from(ID)).await?.map(|record| record.progress))
    }
}

/// Stores whatever is stored of a submission with these values.
pub(super) async fn with_everything(bench: &Bench, values: &[&str]) -> anyhow::Result<()> {
    let keys: Vec<_> = values.iter().map(|value| digest(value)).collect();
    bench.claim_at(&claim("me"), at(0)).await?;
    bench.reserve_addresses(&claim("me"), &keys, at(0)).await?;
    bench.settle(&claim("me"), &done("c-1"), &keys).await?;
    for key in keys {
        let proof =
            ConsentProof { address: key, form: "news".into(), submission: ID.into(), at: at(0), text_version: "2026-11".to_owned() };
        bench.submissions.prove(&bench.site, &proof).await?;
        bench.submissions.count_post(&bench.site, &"news".into(), &key, 1, at(0)).await?;
    }
    Ok(())
}

pub(super) async fn a_submission_is_claimed_by_one(bench: &Bench) -> anyhow::Result<()> {
    assert_eq!(bench.progress().await?, None);
    assert_eq!(bench.claim_at(&claim("me"), at(0)).await?, Claimed::Taken);
    assert_eq!(bench.progress().await?, Some(Progress::Pending));
    assert_eq!(bench.claim_at(&claim("you"), at(59)).await?, Claimed::Busy(at(60)));
    assert_eq!(bench.claim_at(&claim("me"), at(59)).await?, Claimed::Taken);
    Ok(())
}

pub(super) async fn of_two_claims_at_once_one_wins(bench: &Bench) -> anyhow::Result<()> {
    let claims = ["a", "b", "c"].map(claim);
    let claimed = join_all(claims.iter().map(|claim| bench.claim_at(claim, at(0)))).await;
    let taken = claimed.into_iter().collect::<StoreResult<Vec<_>>>()?.into_iter().filter(|claimed| *claimed == Claimed::Taken).count();
    assert_eq!(taken, 1);
    Ok(())
}

pub(super) async fn an_expired_claim_is_taken_over(bench: &Bench) -> anyhow::Result<()> {
    bench.claim_at(&claim("me"), at(0)).await?;
    assert_eq!(bench.claim_at(&claim("you"), at(60)).await?, Claimed::Taken);
    Ok(())
}

pub(super) async fn what_is_done_is_told_and_not_claimed(bench: &Bench) -> anyhow::Result<()> {
    bench.claim_at(&claim("me"), at(0)).await?;
    bench.settle(&claim("me"), &done("c-1"), &[]).await?;
    for owner in ["me", "you"] {
        assert_eq!(bench.claim_at(&claim(owner), at(400 * 24 * 3600)).await?, Claimed::Done(effect("c-1")));
    }
    assert_eq!(bench.progress().await?, Some(done("c-1")));
    Ok(())
}

pub(super) async fn what_its_sender_did_not_name_is_new_after_a_while(bench: &Bench) -> anyhow::Result<()> {
    bench.claim_at(&unnamed("me", 0), at(0)).await?;
    bench.settle(&unnamed("me", 0), &done("c-1"), &[]).await?;
    assert_eq!(bench.claim_at(&unnamed("you", 59), at(59)).await?, Claimed::Done(effect("c-1")));
    assert_eq!(bench.claim_at(&unnamed("you", 60), at(60)).await?, Claimed::Taken);
    bench.settle(&unnamed("you", 60), &done("c-1"), &[]).await?;
    // An older one that was on its way all the time.
    assert_eq!(bench.claim_at(&unnamed("me", 0), at(200)).await?, Claimed::Done(effect("c-1")));
    Ok(())
}

pub(super) async fn what_was_given_up_is_claimed_again(bench: &Bench) -> anyhow::Result<()> {
    for progress in [Progress::Failed { reason: "forbidden".to_owned() }, Progress::Pending] {
        bench.claim_at(&claim("me"), at(0)).await?;
        bench.settle(&claim("me"), &progress, &[]).await?;
        assert_eq!(bench.progress().await?, Some(progress));
        assert_eq!(bench.claim_at(&claim("you"), at(1)).await?, Claimed::Taken);
        bench.settle(&claim("you"), &Progress::Pending, &[]).await?;
    }
    Ok(())
}

pub(super) async fn a_claim_that_was_lost_settles_nothing(bench: &Bench) -> anyhow::Result<()> {
    let key = digest("ada@example.com");
    bench.claim_at(&claim("me"), at(0)).await?;
    bench.reserve_addresses(&claim("me"), &[key], at(0)).await?;
    let yours = Claim { until: at(120), ..claim("you") };
    bench.claim_at(&yours, at(60)).await?;
    bench.reserve_addresses(&yours, &[key], at(60)).await?;
    assert_eq!(kind(bench.settle(&claim("me"), &done("c-1"), &[key]).await), STALE);
    assert_eq!(bench.progress().await?, Some(Progress::Pending));
    assert_eq!(bench.reserve_addresses(&claim("me"), &[key], at(61)).await?, Reserved::Busy(at(120)));
    Ok(())
}

pub(super) async fn an_address_is_reserved_by_one(bench: &Bench) -> anyhow::Result<()> {
    let key = digest("ada@example.com");
    assert_eq!(bench.reserve_addresses(&claim("me"), &[key], at(0)).await?, Reserved::Taken);
    assert_eq!(bench.reserve_addresses(&claim("you"), &[key], at(59)).await?, Reserved::Busy(at(60)));
    assert_eq!(bench.reserve_addresses(&claim("me"), &[key], at(59)).await?, Reserved::Taken);
    assert_eq!(bench.reserve_addresses(&claim("you"), &[key], at(60)).await?, Reserved::Taken);
    Ok(())
}

pub(super) async fn of_two_reservations_of_an_address_one_wins(bench: &Bench) -> anyhow::Result<()> {
    let keys = [digest("ada@example.com"), digest("ada@example.org")];
    let claims = ["a", "b", "c"].map(claim);
    let reserved = join_all(claims.iter().map(|claim| bench.reserve_addresses(claim, &keys, at(0)))).await;
    let taken = reserved.iter().filter(|reserved| matches!(reserved, Ok(Reserved::Taken))).count();
    let met = |failure: &StoreResult<Reserved>| failure.as_ref().is_err_and(|failure| failure.kind != ErrorKind::Stale);
    assert!(taken == 1 && !reserved.iter().any(met), "{reserved:?}");
    Ok(())
}

pub(super) async fn all_addresses_are_reserved_or_none(bench: &Bench) -> anyhow::Result<()> {
    let (ada, ben) = (digest("ada@example.com"), digest("ben@example.com"));
    bench.reserve_addresses(&claim("me"), &[ada], at(0)).await?;
    assert_eq!(bench.reserve_addresses(&claim("you"), &[ben, ada], at(0)).await?, Reserved::Busy(at(60)));
    assert_eq!(bench.reserve_addresses(&claim("they"), &[ben], at(0)).await?, Reserved::Taken);
    Ok(())
}

pub(super) async fn a_made_contact_is_found_by_its_address_for_a_while(bench: &Bench) -> anyhow::Result<()> {
    let key = digest("ada@example.com");
    bench.claim_at(&claim("me"), at(0)).await?;
    bench.reserve_addresses(&claim("me"), &[key], at(0)).await?;
    bench.settle(&claim("me"), &done("c-1"), &[key]).await?;
    let yours = Claim { until: at(9_999), ..claim("you") };
    assert_eq!(bench.reserve_addresses(&yours, &[key], at(1)).await?, Reserved::Made(RecordId::from("c-1")));
    assert_eq!(bench.reserve_addresses(&yours, &[key], at(659)).await?, Reserved::Made(RecordId::from("c-1")));
    assert_eq!(bench.reserve_addresses(&yours, &[key], at(660)).await?, Reserved::Taken);
    Ok(())
}

pub(super) async fn an_address_is_given_back_if_nothing_was_made(bench: &Bench) -> anyhow::Result<()> {
    let key = digest("ada@example.com");
    for progress in [Progress::Pending, Progress::Failed { reason: "forbidden".to_owned() }] {
        bench.claim_at(&claim("me"), at(0)).await?;
        bench.reserve_addresses(&claim("me"), &[key], at(0)).await?;
        bench.settle(&claim("me"), &progress, &[key]).await?;
        let yours = Claim { until: at(2), ..claim("you") };
        assert_eq!(bench.reserve_addresses(&yours, &[key], at(1)).await?, Reserved::Taken);
        assert_eq!(bench.reserve_addresses(&claim("me"), &[key], at(2)).await?, Reserved::Taken);
    }
    Ok(())
}

pub(super) async fn posts_are_counted_within_their_minute(bench: &Bench) -> anyhow::Result<()> {
    let (site, from) = (&bench.site, digest("203.0.113.7"));
    let count = async |form: &str, from: &Digest, limit, seconds: i64| {
        bench.submissions.count_post(site, &form.into(), from, limit, Timestamp::from_second(1_790_000_040 + seconds).unwrap()).await
    };
    assert!(count("f", &from, 2, 0).await? && count("f", &from, 2, 59).await?);
    assert!(!count("f", &from, 2, 59).await?);
    assert!(count("f", &from, 3, 59).await?);
    assert!(count("f", &from, 2, 60).await? && count("g", &from, 2, 59).await? && count("f", &digest("other"), 2, 59).await?);
    assert!(!count("f", &from, 0, 60).await?);
    Ok(())
}

pub(super) async fn posts_counted_at_once_are_counted_once_each(bench: &Bench) -> anyhow::Result<()> {
    let (form, from) = ("f".into(), digest("203.0.113.7"));
    let counts = (0..12).map(|_| bench.submissions.count_post(&bench.site, &form, &from, 7, at(0)));
    let counted = join_all(counts).await.into_iter().collect::<StoreResult<Vec<_>>>()?;
    assert_eq!(counted.into_iter().filter(|counted| *counted).count(), 7);
    Ok(())
}

pub(super) async fn submissions_of_other_sites_are_not_seen(bench: &Bench) -> anyhow::Result<()> {
    let other = SiteId::from("other");
    bench.claim_at(&claim("me"), at(0)).await?;
    assert_eq!(bench.submissions.claim(&other, &claim("you"), at(0)).await?, Claimed::Taken);
    assert_eq!(bench.submissions.submission(&SiteId::from("third"), &SubmissionId::from(ID)).await?, None);
    Ok(())
}
