//! The functions' parts as they stand in AWS.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_config::{BehaviorVersion, SdkConfig};
use jiff::Timestamp;
use secrecy::SecretString;
use thiserror::Error;

use super::{
    App, Exporter, Means, Pace, Vendors, WixApp,
    forms::{FormApp, FormMeans},
    inbox::{RelayMeans, Relays},
};
use crate::{
    adapters::{
        dynamodb, eventbridge,
        hubspot::TokenKeeper,
        secrets::{Environment, ParameterStore},
        sqs,
    },
    config::{self, ConfigError},
    ports::{Clock, Secrets, StoreError, StoreResult},
    webhook::{self, SetUpError},
};

/// Why a function cannot start.
#[derive(Debug, Error)]
pub enum StartError {
    /// Its settings cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Webhook intake cannot be set up.
    #[error(transparent)]
    Intake(#[from] SetUpError),
    /// One of its parts cannot be made.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The machine's clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// Stores a secret that a vendor replaced where it is read.
pub struct Keeper(pub Arc<ParameterStore>);

#[async_trait]
impl TokenKeeper for Keeper {
    async fn keep(&self, secret: &str, value: &SecretString) -> StoreResult<()> {
        self.0.replace(secret, value).await
    }
}

async fn aws() -> SdkConfig {
    aws_config::load_defaults(BehaviorVersion::latest()).await
}

/// Puts webhook intake together from the process's environment.
pub async fn webhook_intake() -> Result<webhook::Intake, StartError> {
    let settings = config::Intake::from_env()?;
    let aws = aws().await;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let secrets = ParameterStore::new(aws_sdk_ssm::Client::new(&aws), clock.clone());
    let bus = eventbridge::Bus::new(aws_sdk_eventbridge::Client::new(&aws), &settings.event_bus);
    Ok(webhook::Intake::from_settings(&settings, &secrets, Arc::new(bus), clock).await?)
}

/// What every worker stands on.
struct Ground {
    aws: SdkConfig,
    store: Arc<dynamodb::Store>,
    queue: Arc<sqs::Queue>,
    /// The deployment's own secrets.
    own: ParameterStore,
    /// The sites' secrets.
    secrets: Arc<dyn Secrets>,
    /// Where a secret of a site is replaced.
    of_sites: Arc<ParameterStore>,
    clock: Arc<dyn Clock>,
    fingerprint_secret: SecretString,
}

impl Ground {
    async fn of(settings: config::Worker) -> Result<Self, StartError> {
        let aws = aws().await;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let parameters = || ParameterStore::new(aws_sdk_ssm::Client::new(&aws), clock.clone());
        let own = parameters();
        let fingerprint_secret = settings.fingerprint_secret.resolve(&own).await?;
        let of_sites = Arc::new(parameters().under(settings.secret_prefix.clone().unwrap_or_default()));
        let secrets: Arc<dyn Secrets> =
            if settings.secret_prefix.is_some() { of_sites.clone() } else { Arc::new(Environment::of_process()) };
        let table = aws_sdk_dynamodb::Client::new(&aws);
        let store = Arc::new(dynamodb::Store::new(table, &settings.table, fingerprint_secret.clone(), clock.clone()));
        let queue = Arc::new(sqs::Queue::new(aws_sdk_sqs::Client::new(&aws), &settings.queue_url, &settings.dead_letter_url));
        Ok(Self { aws, store, queue, own, secrets, of_sites, clock, fingerprint_secret })
    }

    fn bus(&self, name: &str) -> eventbridge::Bus {
        eventbridge::Bus::new(aws_sdk_eventbridge::Client::new(&self.aws), name)
    }

    /// Puts together what both sides are reached with.
    async fn bridge(self, vendors: config::Vendors) -> Result<App, StartError> {
        Ok(App::new(Means {
            vendors: Vendors::of(vendors, &self.own).await?,
            links: self.store.clone(),
            sites: self.store.clone(),
            runs: self.store,
            queue: self.queue,
            secrets: self.secrets,
            keeper: Arc::new(Keeper(self.of_sites)),
            clock: self.clock,
            fingerprint_secret: self.fingerprint_secret,
        })?)
    }
}

/// Puts contact sync together from the process's environment.
pub async fn contact_sync() -> Result<App, StartError> {
    let config::Sync { worker, vendors } = config::Sync::from_env()?;
    Ground::of(worker).await?.bridge(vendors).await
}

/// Puts scheduled export together from the process's environment.
pub async fn scheduled_export() -> Result<Exporter, StartError> {
    let config::Export { worker, vendors, event_bus } = config::Export::from_env()?;
    let ground = Ground::of(worker).await?;
    let (batches, log, bus) = (ground.store.clone(), ground.store.clone(), Arc::new(ground.bus(&event_bus)));
    Ok(Exporter { app: ground.bridge(vendors).await?.at(Pace::Bulk), batches, log, bus })
}

/// Puts the taking in of forms together from the process's environment.
pub async fn form_upsert() -> Result<FormApp, StartError> {
    let config::Upsert { worker, wix, max_body_bytes } = config::Upsert::from_env()?;
    let ground = Ground::of(worker).await?;
    Ok(FormApp::new(FormMeans {
        wix: WixApp::of(wix, &ground.own).await?,
        sites: ground.store.clone(),
        submissions: ground.store.clone(),
        links: ground.store,
        queue: ground.queue,
        secrets: ground.secrets,
        clock: ground.clock,
        fingerprint_secret: ground.fingerprint_secret,
        max_body_bytes,
    })?)
}

/// Puts the inbox relay together from the process's environment.
pub async fn inbox_relay() -> Result<Relays, StartError> {
    let config::Relay { worker, wix } = config::Relay::from_env()?;
    let ground = Ground::of(worker).await?;
    Ok(Relays::new(RelayMeans {
        wix: WixApp::of(wix, &ground.own).await?,
        sites: ground.store.clone(),
        claims: ground.store.clone(),
        links: ground.store,
        queue: ground.queue,
        secrets: ground.secrets,
        clock: ground.clock,
        fingerprint_secret: ground.fingerprint_secret,
    })?)
}
