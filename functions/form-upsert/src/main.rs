//! The Lambda binary that takes forms in.

use contact_bridge::{app::aws, telemetry};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::value::RawValue;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::start()?;
    let app = aws::form_upsert().await?;
    run(service_fn(|event: LambdaEvent<Box<RawValue>>| form_upsert::handle(&app, event.payload))).await
}
