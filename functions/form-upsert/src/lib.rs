//! Forms that lie somewhere else: a submission comes in over HTTP and is dealt with while its sender waits, or, if Wix cannot be reached, comes
//! again from the queue.

mod answer;
mod post;
mod queued;
mod route;

use contact_bridge::app::forms::FormApp;
use lambda_http::{Adapter, Context, LambdaEvent, Service, request::LambdaRequest, service_fn};
use lambda_runtime::Error;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, value::RawValue};

/// What tells a batch of the queue from a request of the gateway.
#[derive(Deserialize)]
struct Shape {
    #[serde(rename = "Records")]
    records: Option<IgnoredAny>,
}

/// Deals with a request of the gateway, or with a batch of the queue.
///
/// # Errors
/// If the event is neither.
pub async fn handle(app: &FormApp, event: Box<RawValue>) -> Result<Value, Error> {
    let shape: Shape = serde_json::from_str(event.get())?;
    if shape.records.is_some() {
        return Ok(serde_json::to_value(queued::handle(app, serde_json::from_str(event.get())?).await)?);
    }
    let request: LambdaRequest = serde_json::from_str(event.get())?;
    let service = service_fn(move |request| post::handle(app, request));
    // The adapter ends before the wait, for it cannot be sent between threads.
    let answer = Adapter::from(service).call(LambdaEvent::new(request, Context::default()));
    Ok(serde_json::to_value(answer.await?)?)
}
