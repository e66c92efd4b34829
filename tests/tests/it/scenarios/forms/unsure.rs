//! What nobody knows for a while: an answer that could not be stored, a contact that may have been made.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use async_trait::async_trait;
use contact_bridge::{
    app::forms::{FormApp, FormMeans},
    flows::form::{Answer, Forms},
    model::{
        fingerprint::Digest,
        ids::{FormId, SiteId, SubmissionId},
        submission::{Claim, ConsentProof, Filled, Progress, Record, Submission},
    },
    ports::{Claimed, ErrorKind, Reserved, StoreError, StoreResult, SubmissionStore},
};
use contact_bridge_local::vendors::kit::{Fault, FaultKind};
use jiff::Timestamp;
use serde_json::json;

use super::desk::{Desk, ada};
use crate::scenarios::switches::{Position, Vendor, at, at_switches};

const CREATE: &str = "POST /contacts/v4/contacts";

/// A table that does not take so many answers.
struct Forgetful {
    below: Arc<dyn SubmissionStore>,
    answers: AtomicU32,
}

#[async_trait]
impl SubmissionStore for Forgetful {
    async fn claim(&self, site: &SiteId, claim: &Claim, now: Timestamp) -> StoreResult<Claimed> {
        self.below.claim(site, claim, now).await
    }

    async fn reserve_addresses(&self, site: &SiteId, claim: &Claim, keys: &[Digest], now: Timestamp) -> StoreResult<Reserved> {
        self.below.reserve_addresses(site, claim, keys, now).await
    }

    async fn settle(&self, site: &SiteId, claim: &Claim, progress: &Progress, reserved: &[Digest]) -> StoreResult<()> {
        if self.answers.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            return Err(StoreError::new(ErrorKind::Unavailable, "forgotten"));
        }
        self.below.settle(site, claim, progress, reserved).await
    }

    async fn submission(&self, site: &SiteId, id: &SubmissionId) -> StoreResult<Option<Record>> {
        self.below.submission(site, id).await
    }

    async fn prove(&self, site: &SiteId, proof: &ConsentProof) -> StoreResult<()> {
        self.below.prove(site, proof).await
    }

    async fn count_post(&self, site: &SiteId, form: &FormId, from: &Digest, limit: u32, now: Timestamp) -> StoreResult<bool> {
        self.below.count_post(site, form, from, limit, now).await
    }
}

/// The site's forms on a worker whose table does not take the next answer.
async fn forgetful(desk: &Desk) -> Arc<Forms> {
    let means = desk.lab.stack.forms.means.clone();
    let submissions = Arc::new(Forgetful { below: means.submissions.clone(), answers: AtomicU32::new(1) });
    let app = FormApp::new(FormMeans { submissions, ..means }).unwrap();
    app.site(&desk.lab.site.id).await.unwrap().unwrap()
}

/// Typeform's submission `t-1` of Ada, who is at the Works.
fn typed(forms: &Forms) -> Submission {
    let id = FormId::from("typeform");
    let entries = [("email", "ada@example.com"), ("company", "Works")].into_iter().collect();
    forms.read(&id, &forms.site.forms[&id], &Filled { id: Some("t-1".to_owned()), at: None, entries }).unwrap()
}

#[tokio::test]
async fn what_could_not_be_stored_is_not_told_and_done_once() {
    at(&[Position::defaults(), Position::dynamodb()], async |lab| {
        let desk = Desk::open(lab).await;
        let decision = json!({"kind": "override", "allowed_by": "Grace", "allowed_at": "2026-03-01T12:00:00Z"});
        desk.adjust("typeform", json!({"on_filled": decision})).await;
        let forms = forgetful(&desk).await;
        let submission = typed(&forms);
        assert_eq!(forms.submit(&submission).await.unwrap(), Answer::Waiting);
        desk.lab.settle().await;
        let ended = desk.progress(&submission.id).await;
        assert_eq!((ended.text("state"), ended.text("action")), ("done", "created"));
        let id = desk.only_contact()["id"].as_str().unwrap().to_owned();
        desk.lab.wix_edit(&id, json!({"company": "Mills"})).await;
        let again = desk.post_as_typeform("t-1", &[("email", "ada@example.com"), ("company", "Works")]).await;
        assert_eq!((again.status, desk.lab.wix(&id).get("company")), (200, "Mills"), "it was done before");
    })
    .await;
}

#[tokio::test]
async fn nobody_else_makes_a_contact_that_may_be_there() {
    at_switches(&["visibility_lag_ms"], async |lab| {
        let desk = Desk::open(lab).await;
        desk.lab.fault(Vendor::Wix, Fault::once(FaultKind::LoseReply, CREATE));
        let lost = desk.post(ada()).await;
        let typed = desk.post_as_typeform("t-1", &[("email", "ada@example.com"), ("city", "York")]).await;
        assert_eq!((lost.status, desk.calls(CREATE)), (202, 1), "{typed:?}");
        desk.lab.settle().await;
        let told = [desk.progress(&lost.id()).await, desk.progress(&typed.id()).await];
        assert!(told.iter().all(|told| told.text("state") == "done"), "{told:?}");
        let contact = desk.lab.wix(desk.only_contact()["id"].as_str().unwrap());
        assert_eq!([contact.get("company"), contact.get("city")], ["Works", "York"]);
    })
    .await;
}
