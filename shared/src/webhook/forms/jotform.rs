//! Jotform: a form whose field `rawRequest` is JSON. It signs nothing, so its address carries the form's token.
//!
//! <https://www.jotform.com/help/245-how-to-setup-a-webhook-with-jotform/>

use jiff::Timestamp;
use secrecy::SecretString;

use super::{
    Filled, Opened, Refusal, Service,
    body::{self, Bounded},
    json, token,
};
use crate::webhook::{Request, WebhookError};

/// Fields around `rawRequest`: what they are is said in their number.
const MOST_AROUND: usize = 100;

pub(super) struct Hosted;

impl Service for Hosted {
    fn verify(&self, request: &Request<'_>, secrets: &[SecretString], _now: Timestamp) -> Result<(), WebhookError> {
        token::verify(request, secrets)
    }

    fn read(&self, request: &Request<'_>, into: Bounded) -> Result<Opened, Refusal> {
        let around = body::read(request, Bounded::new(MOST_AROUND))?;
        let field = |name: &str| around.texts(name).next().map(str::to_owned);
        let missing = |field: &str| Refusal::Unreadable { field: field.to_owned(), rule: "must be there" };
        let id = field("submissionID").ok_or_else(|| missing("submissionID"))?;
        let raw = field("rawRequest").ok_or_else(|| missing("rawRequest"))?;
        let entries = json::read(raw.as_bytes(), into).map_err(|refusal| match refusal {
            Refusal::Unreadable { rule, .. } => Refusal::Unreadable { field: "rawRequest".to_owned(), rule },
            refusal => refusal,
        })?;
        Ok(Opened::Filled(Filled { id: Some(id), at: None, entries }))
    }
}
