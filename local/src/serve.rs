//! `serve`: the functions on this machine, against the real vendors.

use std::{env, process::ExitCode};

use contact_bridge::telemetry;
use contact_bridge_local::deployment::Deployment;

use crate::command::Serve;

/// Runs until the person ends it.
pub async fn run(order: Serve) -> anyhow::Result<ExitCode> {
    telemetry::start()?;
    let deployment = Deployment::start(&environment(), order.listen, order.store).await?;
    tracing::info!(
        url = deployment.url(),
        "Waiting for webhooks at /webhooks/wix and /webhooks/hubspot/{{site}}, and for forms at /forms/{{site}}/{{form}}."
    );
    tokio::signal::ctrl_c().await?;
    Ok(ExitCode::SUCCESS)
}

/// The variables that are text.
pub fn environment() -> Vec<(String, String)> {
    env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect()
}
