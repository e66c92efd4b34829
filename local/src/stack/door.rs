//! The intake function behind the gateway.

use std::{
    net::SocketAddr,
    sync::{Arc, PoisonError, RwLock},
};

use anyhow::Context;
use contact_bridge::{
    config,
    ports::{Bus, Secrets},
    webhook::Intake,
};
use lambda_http::{Body, Error, Request, Response, http::StatusCode};

use super::clock::FlowClock;
use crate::{
    cloud::gateway::{Gateway, Route, http_function},
    vendors::kit::Clock,
};

/// The routes of the template, the closest first, as the real gateway chooses them.
const ROUTES: [&str; 4] =
    ["POST /webhooks/wix", "POST /webhooks/hubspot/{site}", "POST /webhooks/{sender}/{site}", "POST /webhooks/{sender}/{site}/{source}"];

/// The gateway with the intake behind it. The intake can be replaced while the gateway runs, as a deployment with other settings does.
#[derive(Clone)]
pub(crate) struct Door {
    pub gateway: Gateway,
    intake: Arc<RwLock<Option<Arc<Intake>>>>,
}

impl Door {
    /// Opens the gateway; until the intake is there it answers 503.
    pub async fn open(listen: SocketAddr, clock: &Clock) -> anyhow::Result<Self> {
        let intake = Arc::<RwLock<Option<Arc<Intake>>>>::default();
        let shared = Arc::clone(&intake);
        let function = http_function(move |request| {
            let intake = shared.read().unwrap_or_else(PoisonError::into_inner).clone();
            handle(intake, request)
        });
        let routes = ROUTES.map(|key| Route::new(key, function.clone()));
        let gateway = Gateway::start(listen, clock, routes.into()).await.with_context(|| format!("gateway at {listen}"))?;
        Ok(Self { gateway, intake })
    }

    /// Puts an intake with these settings behind the gateway.
    pub async fn admit(
        &self,
        settings: &config::Intake,
        secrets: &dyn Secrets,
        bus: Arc<dyn Bus>,
        clock: &FlowClock,
    ) -> anyhow::Result<()> {
        let intake = Intake::from_settings(settings, secrets, bus, Arc::new(clock.clone())).await?;
        *self.intake.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(intake));
        Ok(())
    }
}

async fn handle(intake: Option<Arc<Intake>>, request: Request) -> Result<Response<Body>, Error> {
    if let Some(intake) = intake {
        return webhook_intake::handle(&intake, request).await;
    }
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    Ok(response)
}
