//! The door for everything vendors push: verify, publish, answer. No vendor is called and no table read here, because Wix wants its 200
//! within 1,250 ms and gives an event up after its twelfth retry.
//!
//! <https://dev.wix.com/docs/rest/articles/getting-started/webhook-resend-policy>

use contact_bridge::{
    ports::StoreError,
    webhook::{self, Answer, Intake, Sender, Taken, WebhookError},
};
use lambda_http::{
    Body, Error, Request, RequestExt, Response,
    http::{Method, StatusCode, header},
};
use tracing::{error, info, warn};

/// Takes a webhook in. Answers 200 only when the bus has all of it. Bodies are empty, but for what a service wants to hear, and for what is
/// wrong with a message whose sender is known.
///
/// # Errors
/// None: every outcome is an answer.
pub async fn handle(intake: &Intake, request: Request) -> Result<Response<Body>, Error> {
    let Some(sender) = Sender::of_path(path(&request)) else {
        return Ok(answer(StatusCode::NOT_FOUND));
    };
    if request.method() != Method::POST {
        return Ok(looked_at(&sender, request.method()));
    }
    Ok(match open(intake, &sender, &request) {
        Ok(taken) => match published(&sender, &taken, intake.publish(&taken).await) {
            StatusCode::OK => taken_in(sender.answer()),
            status => answer(status),
        },
        Err(refusal) => {
            warn!(sender = sender.name(), status = refusal.status().as_u16(), error = %refusal, "Refused a webhook.");
            refused(&sender, &refusal)
        }
    })
}

/// Answers what is no delivery: whoever looks first finds somebody there, which tells it no more than the path does.
fn looked_at(sender: &Sender, method: &Method) -> Response<Body> {
    if sender.looks_first() && method == Method::GET {
        return answer(StatusCode::OK);
    }
    let allowed = if sender.looks_first() { "GET, POST" } else { "POST" };
    let mut response = answer(StatusCode::METHOD_NOT_ALLOWED);
    response.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static(allowed));
    response
}

fn open(intake: &Intake, sender: &Sender, request: &Request) -> Result<Taken, WebhookError> {
    let path = Sender::tail(path(request)).unwrap_or_default();
    let target = request.uri().query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    let request = webhook::Request::new(request.method(), &target, request.headers(), bytes(request.body()), intake.max_body_bytes())?;
    intake.open(sender, &request)
}

fn published(sender: &Sender, taken: &Taken, outcome: Result<(), StoreError>) -> StatusCode {
    let site = taken.site().map(tracing::field::display);
    match outcome {
        Ok(()) => {
            info!(sender = sender.name(), site, events = taken.len(), "Took a webhook in.");
            StatusCode::OK
        }
        Err(failure) => {
            error!(sender = sender.name(), site, events = taken.len(), error = %failure, "The bus did not take every event.");
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}

/// Returns the path as the gateway got it. A request that did not come through a gateway has only its URI.
fn path(request: &Request) -> &str {
    match request.raw_http_path() {
        "" => request.uri().path(),
        raw => raw,
    }
}

fn bytes(body: &Body) -> &[u8] {
    match body {
        Body::Text(text) => text.as_bytes(),
        Body::Binary(bytes) => bytes,
        _ => &[],
    }
}

/// Answers what was taken in.
fn taken_in(wanted: Answer) -> Response<Body> {
    let mut response = answer(StatusCode::OK);
    if let Some(content_type) = wanted.content_type {
        response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
        *response.body_mut() = Body::from(wanted.body);
    }
    response
}

/// Answers what is refused. Only who has proved who they are, and writes messages of their own, is told what is wrong with one.
fn refused(sender: &Sender, refusal: &WebhookError) -> Response<Body> {
    let mut response = answer(refusal.status());
    if let (Sender::Messages(_), StatusCode::BAD_REQUEST) = (sender, refusal.status()) {
        response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        *response.body_mut() = Body::from(serde_json::json!({"error": refusal.to_string()}).to_string());
    }
    response
}

fn answer(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = status;
    response
}
