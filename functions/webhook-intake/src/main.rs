//! The Lambda binary of webhook intake.

use contact_bridge::{app::aws, telemetry};
use lambda_http::{Error, run, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::start()?;
    let intake = aws::webhook_intake().await?;
    run(service_fn(|request| webhook_intake::handle(&intake, request))).await
}
