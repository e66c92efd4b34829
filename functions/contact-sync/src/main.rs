//! The Lambda binary of contact sync.

use std::time::SystemTime;

use aws_lambda_events::event::sqs::SqsEvent;
use contact_bridge::{app::aws, telemetry};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::start()?;
    let app = aws::contact_sync().await?;
    run(service_fn(|event: LambdaEvent<SqsEvent>| {
        let budget = event.context.deadline().duration_since(SystemTime::now()).unwrap_or_default();
        contact_sync::handle(&app, event.payload, budget)
    }))
    .await
}
