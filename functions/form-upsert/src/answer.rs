//! Answers: JSON for programs, a redirect or a plain page for browsers.

mod page;

use contact_bridge::{
    flows::form::Invalid,
    model::{
        field::Field,
        ids::{SiteId, SubmissionId},
        site::form::Form,
        submission::{Effect, Progress, Rejected},
    },
    webhook::forms::{Refusal, allowed_origin},
};
use lambda_http::{
    Body, Request, Response,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
};
use serde_json::{Map, Value, json};

use crate::post::is_for_page;

/// Whom an answer is for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Audience {
    is_page: bool,
    thank_you: Option<String>,
    /// The origin of the page whose script may read the answer.
    origin: Option<String>,
    /// Whether the form's sender is known to be one the owner trusts: anybody else must not learn what is known of a contact.
    is_trusted: bool,
}

impl Audience {
    pub fn of(request: &Request) -> Self {
        Self { is_page: is_for_page(request), ..Self::default() }
    }

    pub fn of_form(self, form: &Form, headers: &HeaderMap) -> Self {
        let origin = allowed_origin(form, headers).map(str::to_owned);
        Self { thank_you: form.thank_you.clone(), origin, is_trusted: !form.is_public(), ..self }
    }
}

/// What is answered.
#[derive(Debug)]
pub(crate) enum Reply {
    /// The submission is dealt with.
    Done(SubmissionId, Box<Form>, Effect),
    /// The submission is stored.
    Waiting(SiteId, SubmissionId),
    /// Nothing was done, but looks as if.
    Thanks(SubmissionId),
    /// Something was told that is no submission.
    Ignored,
    /// What became of a submission; its form, if that still exists.
    Progress(SubmissionId, Option<Box<Form>>, Progress),
    /// A script of a page asks whether it may post.
    Preflight,
    /// The submission has to be changed.
    Invalid(Vec<Invalid>),
    /// The request cannot be read, or its sender is not known.
    Refused(Refusal),
    /// There is no such thing.
    Unknown(&'static str),
    /// The form takes no submissions.
    Disabled,
    /// Too many posts.
    TooMany,
    /// Another method.
    Method(&'static str),
    /// Nothing is stored; come again.
    Unavailable,
}

impl Reply {
    fn status(&self) -> StatusCode {
        match self {
            Self::Done(..) | Self::Thanks(_) | Self::Ignored | Self::Progress(..) => StatusCode::OK,
            Self::Waiting(..) => StatusCode::ACCEPTED,
            Self::Preflight => StatusCode::NO_CONTENT,
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::Refused(refusal) => refusal.status(),
            Self::Unknown(_) => StatusCode::NOT_FOUND,
            // Not 404: on that, Typeform switches its webhook off for good.
            Self::Disabled => StatusCode::FORBIDDEN,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Makes the answer for somebody.
    pub fn to(&self, audience: &Audience) -> Response<Body> {
        let mut response = if audience.is_page { self.page(audience) } else { self.json(audience) };
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.extend(self.extra_headers().into_iter().filter_map(|(name, value)| Some((name, HeaderValue::from_str(&value).ok()?))));
        if let Some(origin) = audience.origin.as_ref().and_then(|origin| HeaderValue::from_str(origin).ok()) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(header::VARY, HeaderValue::from_static("origin"));
        }
        response
    }

    fn extra_headers(&self) -> Vec<(HeaderName, String)> {
        match self {
            Self::Method(allowed) => vec![(header::ALLOW, (*allowed).to_owned())],
            Self::TooMany => vec![(header::RETRY_AFTER, "60".to_owned())],
            Self::Waiting(site, id) => vec![(header::LOCATION, format!("/forms/{site}/submissions/{id}"))],
            Self::Preflight => vec![
                (header::ACCESS_CONTROL_ALLOW_METHODS, "POST".to_owned()),
                (header::ACCESS_CONTROL_ALLOW_HEADERS, "content-type".to_owned()),
                (header::ACCESS_CONTROL_MAX_AGE, "600".to_owned()),
            ],
            Self::Done(..)
            | Self::Thanks(_)
            | Self::Ignored
            | Self::Progress(..)
            | Self::Invalid(_)
            | Self::Refused(_)
            | Self::Unknown(_)
            | Self::Disabled
            | Self::Unavailable => Vec::new(),
        }
    }

    /// What is wrong, by field; nothing if nothing is, or if a sender that is not known must not learn it.
    fn errors(&self) -> Vec<Invalid> {
        let one = |field: &str, rule: &str| vec![Invalid { field: field.to_owned(), rule: rule.to_owned() }];
        match self {
            Self::Refused(Refusal::Unproven(_))
            | Self::Preflight
            | Self::Done(..)
            | Self::Waiting(..)
            | Self::Thanks(_)
            | Self::Ignored
            | Self::Progress(..) => Vec::new(),
            Self::Invalid(invalid) => invalid.clone(),
            Self::Refused(refusal) => one(refusal.field(), &refusal.rule()),
            Self::Unknown(what) => one(what, "must be one that exists"),
            Self::Disabled => one("form", "must be switched on, and its owner has switched it off"),
            Self::TooMany => one("form", "must not be posted to more often: try again in a minute"),
            Self::Unavailable => one("form", "cannot be dealt with now: nothing was stored, send it again"),
            Self::Method(_) => one("method", "must be one of those in the header Allow"),
        }
    }

    fn json(&self, audience: &Audience) -> Response<Body> {
        let body = match self {
            Self::Preflight | Self::Refused(Refusal::Unproven(_)) => return answer(self.status(), Body::Empty),
            Self::Done(id, form, effect) if audience.is_trusted => done(id, form, effect),
            Self::Waiting(_, id) if audience.is_trusted => json!({"submission": id, "state": "pending"}),
            Self::Done(id, ..) | Self::Thanks(id) | Self::Waiting(_, id) => json!({"submission": id, "state": "accepted"}),
            Self::Ignored => json!({"state": "ignored"}),
            Self::Progress(id, form, progress) => progress_json(id, form.as_deref(), progress),
            Self::Invalid(_)
            | Self::Refused(_)
            | Self::Unknown(_)
            | Self::Disabled
            | Self::TooMany
            | Self::Method(_)
            | Self::Unavailable => {
                let errors: Vec<_> = self.errors().iter().map(|error| json!({"field": error.field, "rule": error.rule})).collect();
                json!({"errors": errors})
            }
        };
        let mut response = answer(self.status(), Body::Text(body.to_string()));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }

    fn page(&self, audience: &Audience) -> Response<Body> {
        let is_thanks = matches!(self, Self::Done(..) | Self::Waiting(..) | Self::Thanks(_) | Self::Ignored);
        let address = audience.thank_you.as_ref().filter(|_| is_thanks).and_then(|address| HeaderValue::from_str(address).ok());
        if let Some(address) = address {
            let mut response = answer(StatusCode::SEE_OTHER, Body::Empty);
            response.headers_mut().insert(header::LOCATION, address);
            return response;
        }
        page::show(self.status(), &self.errors())
    }
}

fn answer(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}

fn done(id: &SubmissionId, form: &Form, effect: &Effect) -> Value {
    let mut told = Map::from_iter([
        ("submission".to_owned(), json!(id)),
        ("state".to_owned(), json!("done")),
        ("contact".to_owned(), json!(effect.contact)),
        ("action".to_owned(), json!(effect.action)),
        ("accepted".to_owned(), effect.accepted.iter().flat_map(|field| names(form, field)).collect()),
        ("rejected".to_owned(), effect.rejected.iter().map(|rejected| rejected_json(form, rejected)).collect()),
    ]);
    if !effect.as_written.is_empty() {
        let rule = "was kept as it was written: without a country it is no international number";
        let note = |field: &Field| json!({"field": named(form, field), "rule": rule});
        told.insert("notes".to_owned(), effect.as_written.iter().map(note).collect());
    }
    if let Some(subscription) = &effect.subscription {
        told.insert("subscription".to_owned(), json!(subscription));
    }
    Value::Object(told)
}

fn rejected_json(form: &Form, rejected: &Rejected) -> Value {
    json!({"field": named(form, &rejected.field), "wix": rejected.field, "reason": rejected.reason, "rule": rejected.reason.rule()})
}

/// Returns the names of the form's fields that lead to a Wix field.
fn names(form: &Form, field: &Field) -> Vec<String> {
    form.fields.iter().filter(|own| own.to == *field).map(|own| own.from.clone()).collect()
}

fn named<'a>(form: &'a Form, field: &'a Field) -> &'a str {
    form.name_of(field).unwrap_or(field.as_str())
}

/// What became of a submission; of a public form's, and of one whose form is gone, no more than where it stands.
fn progress_json(id: &SubmissionId, form: Option<&Form>, progress: &Progress) -> Value {
    match (form.filter(|form| !form.is_public()), progress) {
        (Some(form), Progress::Done(effect)) => done(id, form, effect),
        (Some(_), Progress::Failed { reason }) => json!({"submission": id, "state": progress.name(), "reason": reason}),
        (Some(_) | None, _) => json!({"submission": id, "state": progress.name()}),
    }
}
