//! The functions' parts as they stand in AWS.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_config::{BehaviorVersion, SdkConfig};
use jiff::Timestamp;
use secrecy::SecretString;
use thiserror::Error;

use super::{
    App, Means, Vendors, WixApp,
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

/// Stores secrets where they are read.
struct Keeper(Arc<ParameterStore>);

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

/// Puts contact sync together from the process's environment.
pub async fn contact_sync() -> Result<App, StartError> {
    let settings = config::Sync::from_env()?;
    let aws = aws().await;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let own = ParameterStore::new(aws_sdk_ssm::Client::new(&aws), clock.clone());
    let fingerprint_secret = settings.fingerprint_secret.resolve(&own).await?;
    let vendors = Vendors::of(settings.vendors, &own).await?;
    let prefix = settings.secret_prefix.clone();
    let of_sites = Arc::new(ParameterStore::new(aws_sdk_ssm::Client::new(&aws), clock.clone()).under(prefix.clone().unwrap_or_default()));
    let secrets: Arc<dyn Secrets> = if prefix.is_some() { of_sites.clone() } else { Arc::new(Environment::of_process()) };
    let table = aws_sdk_dynamodb::Client::new(&aws);
    let store = Arc::new(dynamodb::Store::new(table, &settings.table, fingerprint_secret.clone(), clock.clone()));
    let queue = sqs::Queue::new(aws_sdk_sqs::Client::new(&aws), &settings.queue_url, &settings.dead_letter_url);
    Ok(App::new(Means {
        links: store.clone(),
        sites: store,
        queue: Arc::new(queue),
        secrets,
        keeper: Arc::new(Keeper(of_sites)),
        clock,
        fingerprint_secret,
        vendors,
    })?)
}

/// Puts the taking in of forms together from the process's environment.
pub async fn form_upsert() -> Result<FormApp, StartError> {
    let settings = config::Upsert::from_env()?;
    let aws = aws().await;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let own = ParameterStore::new(aws_sdk_ssm::Client::new(&aws), clock.clone());
    let fingerprint_secret = settings.fingerprint_secret.resolve(&own).await?;
    let wix = WixApp::of(settings.wix, &own).await?;
    let secrets = of_sites(&aws, settings.secret_prefix, &clock);
    let table = aws_sdk_dynamodb::Client::new(&aws);
    let store = Arc::new(dynamodb::Store::new(table, &settings.table, fingerprint_secret.clone(), clock.clone()));
    let queue = sqs::Queue::new(aws_sdk_sqs::Client::new(&aws), &settings.queue_url, &settings.dead_letter_url);
    Ok(FormApp::new(FormMeans {
        sites: store.clone(),
        submissions: store.clone(),
        links: store,
        queue: Arc::new(queue),
        secrets,
        clock,
        fingerprint_secret,
        wix,
        max_body_bytes: settings.max_body_bytes,
    })?)
}

/// Puts the inbox relay together from the process's environment.
pub async fn inbox_relay() -> Result<Relays, StartError> {
    let settings = config::Relay::from_env()?;
    let aws = aws().await;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let own = ParameterStore::new(aws_sdk_ssm::Client::new(&aws), clock.clone());
    let fingerprint_secret = settings.fingerprint_secret.resolve(&own).await?;
    let wix = WixApp::of(settings.wix, &own).await?;
    let secrets = of_sites(&aws, settings.secret_prefix, &clock);
    let table = aws_sdk_dynamodb::Client::new(&aws);
    let store = Arc::new(dynamodb::Store::new(table, &settings.table, fingerprint_secret.clone(), clock.clone()));
    let queue = sqs::Queue::new(aws_sdk_sqs::Client::new(&aws), &settings.queue_url, &settings.dead_letter_url);
    Ok(Relays::new(RelayMeans {
        sites: store.clone(),
        claims: store.clone(),
        links: store,
        queue: Arc::new(queue),
        secrets,
        clock,
        fingerprint_secret,
        wix,
    })?)
}

/// The sites' secrets, for whoever reads them alone.
fn of_sites(aws: &SdkConfig, prefix: Option<String>, clock: &Arc<dyn Clock>) -> Arc<dyn Secrets> {
    match prefix {
        Some(prefix) => Arc::new(ParameterStore::new(aws_sdk_ssm::Client::new(aws), clock.clone()).under(prefix)),
        None => Arc::new(Environment::of_process()),
    }
}
