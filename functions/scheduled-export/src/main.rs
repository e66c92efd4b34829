//! The Lambda binary of scheduled export.

use contact_bridge::{app::aws, telemetry};
use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use scheduled_export::Wakeup;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::start()?;
    let exporter = aws::scheduled_export().await?;
    run(service_fn(|event: LambdaEvent<Wakeup>| {
        let deadline = i64::try_from(event.context.deadline).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
        scheduled_export::handle(&exporter, event.payload, deadline.unwrap_or(Timestamp::MIN))
    }))
    .await
}
