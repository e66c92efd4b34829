//! The intake function behind the gateway.

use std::{
    net::SocketAddr,
    sync::{Arc, PoisonError, RwLock},
};

use anyhow::Context;
use contact_bridge::{
    adapters::memory::Vault,
    config::{self, Variables},
    ports::EventBus,
    webhook::Intake,
};
use lambda_http::{Body, Error, Request, Response, http::StatusCode};

use super::{aws::BUS, clock::FlowClock};
use crate::{
    cloud::gateway::{Gateway, Route, http_function},
    vendors::kit::Clock,
};

/// The gateway with the intake behind it. The intake can be replaced while the gateway runs, as a deployment with other settings does.
#[derive(Clone)]
pub(super) struct Door {
    pub gateway: Gateway,
    intake: Arc<RwLock<Option<Arc<Intake>>>>,
}

/// Whom the intake trusts.
pub(super) struct Trust {
    pub wix_app_id: String,
    /// PEM, comma separated.
    pub wix_keys: String,
    pub hubspot_secrets: String,
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
        let routes = ["POST /webhooks/wix", "POST /webhooks/hubspot/{site}"].map(|key| Route::new(key, function.clone()));
        let gateway = Gateway::start(listen, clock, routes.into()).await.with_context(|| format!("gateway at {listen}"))?;
        Ok(Self { gateway, intake })
    }

    /// Puts an intake with these settings behind the gateway.
    pub async fn admit(&self, trust: Trust, bus: Arc<dyn EventBus>, clock: &FlowClock) -> anyhow::Result<()> {
        let variables: Variables = [
            ("WIX_APP_ID", trust.wix_app_id),
            ("WIX_WEBHOOK_PUBLIC_KEYS", trust.wix_keys),
            ("HUBSPOT_CLIENT_SECRETS", trust.hubspot_secrets),
            ("PUBLIC_URL", self.gateway.url()),
            ("EVENT_BUS_NAME", BUS.to_owned()),
        ]
        .into_iter()
        .collect();
        let settings = config::Intake::from_variables(&variables)?;
        let intake = Intake::from_settings(&settings, &Vault::default(), bus, Arc::new(clock.clone())).await?;
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
