//! Requests of the gateway.

use std::{sync::Arc, time::Duration};

use contact_bridge::{
    app::forms::FormApp,
    flows::form::{self, Answer, Forms},
    model::{
        ids::{FormId, SiteId, SubmissionId},
        site::{Status, form::Form},
        submission::Submission,
    },
    ports::{StoreError, StoreResult},
    webhook::{
        self,
        forms::{self as door, Opened, Refusal},
    },
};
use lambda_http::{
    Body, Error, Request, RequestExt, Response,
    http::{HeaderMap, Method, header},
    request::RequestContext,
};
use tracing::{error, info, warn};

use crate::{
    answer::{Audience, Reply},
    route::Route,
};

/// How long a sender waits before its submission is stored instead: gateways give up after 30 seconds.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Answers a request. Answers 2xx only when the submission is dealt with, or stored.
pub(crate) async fn handle(app: &FormApp, request: Request) -> Result<Response<Body>, Error> {
    let Some(route) = Route::of_path(path(&request)) else { return Ok(Reply::Unknown("path").to(&Audience::default())) };
    let answered = match (request.method(), &route) {
        (&Method::POST, Route::Form(site, form)) => post(app, site, form, &request).await,
        (&Method::OPTIONS, Route::Form(site, form)) => preflight(app, site, form, request.headers()).await,
        (&Method::GET, Route::Submission(site, id)) => progress(app, site, id).await,
        (_, Route::Form(..)) => Ok(Reply::Method("POST, OPTIONS").to(&Audience::default())),
        (_, Route::Submission(..)) => Ok(Reply::Method("GET").to(&Audience::default())),
    };
    Ok(answered.unwrap_or_else(|failure| {
        error!(error = %failure, "Could not answer a request.");
        Reply::Unavailable.to(&Audience::of(&request))
    }))
}

/// A form that a request is for.
struct Asked<'a> {
    app: &'a FormApp,
    forms: Arc<Forms>,
    id: &'a FormId,
    request: &'a Request,
    /// The internet address the request comes from.
    from: String,
}

impl Asked<'_> {
    fn form(&self) -> Option<&Form> {
        self.forms.site.forms.get(self.id)
    }
}

async fn post(app: &FormApp, site: &SiteId, id: &FormId, request: &Request) -> StoreResult<Response<Body>> {
    let audience = Audience::of(request);
    let limit = app.means.max_body_bytes;
    if bytes(request.body()).len() > limit {
        return Ok(refused(site, id, &Refusal::TooLarge { limit }).to(&audience));
    }
    let Some(forms) = known(app, site).await? else { return Ok(Reply::Unknown("site").to(&audience)) };
    let asked = Asked { app, forms, id, request, from: source(request) };
    let Some(form) = asked.form() else { return Ok(Reply::Unknown("form").to(&audience)) };
    let audience = audience.of_form(form, request.headers());
    Ok(take_in(&asked, form).await?.to(&audience))
}

/// Takes a post in, step by step; every step can answer.
async fn take_in(asked: &Asked<'_>, form: &Form) -> StoreResult<Reply> {
    let Asked { app, forms, id, from, .. } = asked;
    let site = &forms.site.site;
    if !form.enabled {
        return Ok(Reply::Disabled);
    }
    if !app.has_turn(site, (id, form), from) {
        return Ok(Reply::TooMany);
    }
    let filled = match open(asked, form).await? {
        Ok(Opened::Filled(filled)) => filled,
        Ok(Opened::Other) => return Ok(Reply::Ignored),
        Err(refusal) => return Ok(refused(site, id, &refusal)),
    };
    if form::is_trapped(form, &filled.entries) {
        info!(%site, form = %id, "Thanked a program that filled in the hidden field.");
        return Ok(Reply::Thanks(forms.id(id, &filled)));
    }
    let submission = match forms.read(id, form, &filled) {
        Ok(submission) => submission,
        Err(invalid) => return Ok(Reply::Invalid(invalid)),
    };
    if !app.count(forms, (id, form), from).await? {
        return Ok(Reply::TooMany);
    }
    submit(forms, form, submission).await
}

async fn open(asked: &Asked<'_>, form: &Form) -> StoreResult<Result<Opened, Refusal>> {
    let secrets = asked.app.secrets(form).await?;
    let (request, now) = (asked.request, asked.app.means.clock.now());
    let path = Route::tail(path(request)).unwrap_or_default();
    let target = request.uri().query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    let limit = form.limits.body_bytes;
    let Ok(verifiable) = webhook::Request::new(request.method(), &target, request.headers(), bytes(request.body()), limit) else {
        return Ok(Err(Refusal::TooLarge { limit }));
    };
    Ok(door::open(form, &secrets, &verifiable, now))
}

/// Deals with a submission. Whoever waits for too long is told that it is stored.
async fn submit(forms: &Forms, form: &Form, submission: Submission) -> StoreResult<Reply> {
    let answer = if let Ok(answer) = tokio::time::timeout(PATIENCE, forms.submit(&submission)).await {
        answer?
    } else {
        // Whatever is still under way is found by whoever takes the submission up.
        forms.hold(&submission, Duration::from_mins(1)).await?;
        Answer::Waiting
    };
    Ok(match answer {
        Answer::Done(effect) => Reply::Done(submission.id, Box::new(form.clone()), effect),
        Answer::Waiting => Reply::Waiting(submission.site, submission.id),
        Answer::Refused(invalid) => Reply::Invalid(invalid),
    })
}

async fn preflight(app: &FormApp, site: &SiteId, id: &FormId, headers: &HeaderMap) -> StoreResult<Response<Body>> {
    let audience = Audience::default();
    let Some(forms) = known(app, site).await? else { return Ok(Reply::Unknown("site").to(&audience)) };
    let Some(form) = forms.site.forms.get(id) else { return Ok(Reply::Unknown("form").to(&audience)) };
    Ok(Reply::Preflight.to(&audience.of_form(form, headers)))
}

async fn progress(app: &FormApp, site: &SiteId, id: &SubmissionId) -> StoreResult<Response<Body>> {
    let unknown = || Reply::Unknown("submission").to(&Audience::default());
    let Some(forms) = known(app, site).await? else { return Ok(unknown()) };
    let Some(record) = forms.look_up(id).await? else { return Ok(unknown()) };
    let form = forms.site.forms.get(&record.form).cloned();
    Ok(Reply::Progress(id.clone(), form.map(Box::new), record.progress).to(&Audience::default()))
}

async fn known(app: &FormApp, site: &SiteId) -> Result<Option<Arc<Forms>>, StoreError> {
    Ok(app.site(site).await?.filter(|forms| forms.site.status == Status::Installed))
}

fn refused(site: &SiteId, form: &FormId, refusal: &Refusal) -> Reply {
    warn!(%site, %form, status = refusal.status().as_u16(), error = %refusal, "Refused a post to a form.");
    Reply::Refused(refusal.clone())
}

/// Returns the path as the gateway got it. A request that did not come through a gateway has only its URI.
fn path(request: &Request) -> &str {
    match request.raw_http_path() {
        "" => request.uri().path(),
        raw => raw,
    }
}

/// Returns the internet address of a request as the gateway saw it: what headers say of it can be made up.
fn source(request: &Request) -> String {
    match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context.http.source_ip.clone().unwrap_or_default(),
        _ => String::new(),
    }
}

fn bytes(body: &Body) -> &[u8] {
    match body {
        Body::Text(text) => text.as_bytes(),
        Body::Binary(bytes) => bytes,
        _ => &[],
    }
}

/// Tells whether a browser shows the answer as a page: what a script asks for says so.
pub(crate) fn is_for_page(request: &Request) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}
