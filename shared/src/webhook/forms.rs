//! The door for forms: lets in what can prove where it comes from, and reads what was filled in.
//!
//! A service that hosts forms is a file here and a line in `services!`. Whoever is no service proves itself with the form's token, or is a
//! visitor of a page that the form's owner named.

mod body;
mod json;
mod origin;
mod refusal;
#[cfg(test)]
mod tests;
mod token;

use jiff::Timestamp;
use secrecy::SecretString;

use super::{Request, WebhookError, secret};
use crate::model::{
    site::form::{Form, FormSender},
    submission::Filled,
};
use body::Bounded;
pub use refusal::Refusal;

/// Names the modules of the services, each with a `Hosted` that is one.
macro_rules! services {
    ($($name:ident),+ $(,)?) => {
        $(mod $name;)+
        static SERVICES: &[(&str, &dyn Service)] = &[$((stringify!($name), &$name::Hosted)),+];
    };
}

services! {
    jotform,
    standard_webhooks,
    tally,
    typeform,
}

/// A service that hosts forms.
trait Service: Sync {
    /// Tells whether a request comes from the service: over the raw bytes, in constant time, with any of the secrets.
    fn verify(&self, request: &Request<'_>, secrets: &[SecretString], now: Timestamp) -> Result<(), WebhookError>;

    /// Reads a request that was verified.
    fn read(&self, request: &Request<'_>, into: Bounded) -> Result<Opened, Refusal>;
}

/// What a request that was let in holds.
#[derive(Debug)]
pub enum Opened {
    /// A filled in form.
    Filled(Filled),
    /// Something else that the service tells, of no concern here.
    Other,
}

/// Returns the names of the services.
pub fn service_names() -> impl Iterator<Item = &'static str> {
    SERVICES.iter().map(|(name, _)| *name)
}

/// Returns the names of the secrets a form's sender proves itself with.
#[must_use]
pub fn secret_names(sender: &FormSender) -> &[String] {
    match sender {
        FormSender::Service { secrets, .. } | FormSender::Token { secrets } => secrets,
        FormSender::Public { .. } => &[],
    }
}

/// Verifies and reads a request for a form. Nothing of it is parsed before its sender is known.
///
/// # Errors
/// [`Refusal`], which says what to answer.
pub fn open(form: &Form, secrets: &[SecretString], request: &Request<'_>, now: Timestamp) -> Result<Opened, Refusal> {
    let into = Bounded::new(form.limits.fields);
    match &form.sender {
        FormSender::Service { service, .. } => {
            let (_, service) = SERVICES.iter().find(|(name, _)| name == service).ok_or(Refusal::UnknownService)?;
            service.verify(request, secrets, now)?;
            service.read(request, into)
        }
        FormSender::Token { .. } => {
            token::verify(request, secrets)?;
            plain(request, into)
        }
        FormSender::Public { origins } => {
            origin::verify(request, origins)?;
            plain(request, into)
        }
    }
}

fn plain(request: &Request<'_>, into: Bounded) -> Result<Opened, Refusal> {
    Ok(Opened::Filled(Filled { id: None, at: None, entries: body::read(request, into)? }))
}

/// Returns the origin of the page a request comes from, if a browser tells and the form's owner named it.
#[must_use]
pub fn allowed_origin<'a>(form: &'a Form, headers: &http::HeaderMap) -> Option<&'a str> {
    match &form.sender {
        FormSender::Public { origins } => origin::allowed(origins, headers),
        FormSender::Service { .. } | FormSender::Token { .. } => None,
    }
}
