//! The door for everything vendors push: verify, publish, answer. No vendor is called and no table read here, because Wix wants its 200
//! within 1,250 ms and gives an event up after its twelfth retry.
//!
//! <https://dev.wix.com/docs/rest/articles/getting-started/webhook-resend-policy>

use contact_bridge::{
    model::event::Event,
    ports::StoreError,
    webhook::{self, Intake, Sender, WebhookError},
};
use lambda_http::{
    Body, Error, Request, RequestExt, Response,
    http::{Method, StatusCode, header},
};
use tracing::{error, info, warn};

/// Takes a webhook in. Answers 200 only when the bus has every event of it; all bodies are empty.
///
/// # Errors
/// None: every outcome is an answer.
pub async fn handle(intake: &Intake, request: Request) -> Result<Response<Body>, Error> {
    let Some(sender) = Sender::of_path(path(&request)) else {
        return Ok(answer(StatusCode::NOT_FOUND));
    };
    if request.method() != Method::POST {
        let mut response = answer(StatusCode::METHOD_NOT_ALLOWED);
        response.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static("POST"));
        return Ok(response);
    }
    let status = match open(intake, &sender, &request) {
        Ok(events) => published(&sender, &events, intake.publish(&events).await),
        Err(refusal) => {
            warn!(sender = sender.name(), status = refusal.status().as_u16(), error = %refusal, "Refused a webhook.");
            refusal.status()
        }
    };
    Ok(answer(status))
}

fn open(intake: &Intake, sender: &Sender, request: &Request) -> Result<Vec<Event>, WebhookError> {
    let path = Sender::tail(path(request)).unwrap_or_default();
    let target = request.uri().query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    let request = webhook::Request::new(request.method(), &target, request.headers(), bytes(request.body()), intake.max_body_bytes())?;
    intake.open(sender, &request)
}

fn published(sender: &Sender, events: &[Event], outcome: Result<(), StoreError>) -> StatusCode {
    let site = events.first().map(|event| event.site.as_str());
    match outcome {
        Ok(()) => {
            info!(sender = sender.name(), site, events = events.len(), "Took a webhook in.");
            StatusCode::OK
        }
        Err(failure) => {
            error!(sender = sender.name(), site, events = events.len(), error = %failure, "The bus did not take every event.");
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

fn answer(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = status;
    response
}
