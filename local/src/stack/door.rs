//! The functions behind the gateway: webhook intake and the taking in of forms.

use std::{
    net::SocketAddr,
    sync::{Arc, PoisonError, RwLock},
};

use anyhow::Context;
use contact_bridge::{
    app::forms::FormApp,
    config,
    ports::{Bus, Secrets},
    webhook::Intake,
};
use lambda_http::{Body, Error, Request, Response, http::StatusCode};

use super::clock::FlowClock;
use crate::{
    cloud::{
        Function, FunctionError, function,
        gateway::{Gateway, Route, http_function},
    },
    vendors::kit::Clock,
};

/// The routes of webhooks, as in `template.yaml`; the closest first, as the real gateway chooses them.
const WEBHOOK_ROUTES: [&str; 5] = [
    "POST /webhooks/wix",
    "POST /webhooks/hubspot/{site}",
    "GET /webhooks/mailchimp/{site}",
    "POST /webhooks/{sender}/{site}",
    "POST /webhooks/{sender}/{site}/{source}",
];

/// The gateway with the intake behind it. The intake can be replaced while the gateway runs, as a deployment with other settings does.
#[derive(Clone)]
pub(crate) struct Door {
    pub gateway: Gateway,
    intake: Arc<RwLock<Option<Arc<Intake>>>>,
    forms: Arc<RwLock<Option<Arc<FormApp>>>>,
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
        let forms = Arc::<RwLock<Option<Arc<FormApp>>>>::default();
        let form_function = form_function({
            let forms = Arc::clone(&forms);
            move || forms.read().unwrap_or_else(PoisonError::into_inner).clone()
        });
        let webhook_routes = WEBHOOK_ROUTES.map(|key| Route::new(key, function.clone()));
        let form_routes = FORM_ROUTES.map(|key| Route::new(key, form_function.clone()));
        let routes = webhook_routes.into_iter().chain(form_routes).collect();
        let gateway = Gateway::start(listen, clock, routes).await.with_context(|| format!("gateway at {listen}"))?;
        Ok(Self { gateway, intake, forms })
    }

    /// Puts the taking in of forms behind the gateway.
    pub fn take_forms(&self, app: Arc<FormApp>) {
        *self.forms.write().unwrap_or_else(PoisonError::into_inner) = Some(app);
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

/// The routes of forms, as in `template.yaml`.
const FORM_ROUTES: [&str; 3] = ["POST /forms/{site}/{form}", "OPTIONS /forms/{site}/{form}", "GET /forms/{site}/submissions/{id}"];

/// The taking in of forms as gateway and queue call it.
pub(crate) fn form_function(app: impl Fn() -> Option<Arc<FormApp>> + Send + Sync + 'static) -> Function {
    function(move |event| {
        let app = app();
        async move {
            let app = app.ok_or_else(|| FunctionError::new("Starting", "the function is not there yet"))?;
            let event = serde_json::value::to_raw_value(&event).map_err(|error| FunctionError::of(&error))?;
            form_upsert::handle(&app, event).await.map_err(|error| FunctionError::of(&error))
        }
    })
}

async fn handle(intake: Option<Arc<Intake>>, request: Request) -> Result<Response<Body>, Error> {
    if let Some(intake) = intake {
        return webhook_intake::handle(&intake, request).await;
    }
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    Ok(response)
}
