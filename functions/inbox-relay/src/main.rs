//! The Lambda binary of the inbox relay.

use aws_lambda_events::event::sqs::SqsEvent;
use contact_bridge::{app::aws, telemetry};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::start()?;
    let relays = aws::inbox_relay().await?;
    run(service_fn(|event: LambdaEvent<SqsEvent>| inbox_relay::handle(&relays, event.payload))).await
}
