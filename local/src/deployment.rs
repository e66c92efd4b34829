//! The bridge on one machine against the vendors of the environment: the real ones, unless it names others. Bus, queue and `DynamoDB` are
//! the local ones; the table is a file.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use contact_bridge::{
    adapters::{hubspot::TokenKeeper, memory::Vault, secrets::Environment},
    app::{App, Means, Vendors, forms::FormApp, inbox::Relays},
    config::{self, Variables},
    ports::{Secrets, StoreResult},
};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    cloud::{Background, dynamo::Storage, worker::Worker},
    stack::{
        Listen, Options, StoreKind,
        aws::{BUS, Cloud, DEAD_LETTERS, MESSAGE_SECRETS, QUEUE, Stores, TABLE},
        clock::FlowClock,
        door::Door,
        employee::Employee,
        means::{exporter, form_means, form_worker, relay_means},
        schedule::Schedule,
    },
    vendors::kit::Clock,
};

/// A running bridge; it stops when this is dropped.
pub struct Deployment {
    door: Door,
    /// The bridge.
    pub app: Arc<App>,
    _cloud: Cloud,
    _running: Background,
}

impl Deployment {
    /// Starts the bridge with the settings and secrets of these variables, those of `docs` for the functions; the names of bus, queue and
    /// table are the local ones.
    ///
    /// # Errors
    /// Names the variable that is missing, or says what cannot be opened.
    pub async fn start(variables: &[(String, String)], listen: SocketAddr, store: PathBuf) -> anyhow::Result<Self> {
        let options = Options {
            clock: Clock::real(),
            store: StoreKind::DynamoDb(Storage::File(store)),
            listen: Listen { gateway: listen, ..Listen::default() },
            ..Options::default()
        };
        let secrets = Arc::new(LocalSecrets::of(variables));
        let local = [
            ("EVENT_BUS_NAME", BUS),
            ("TABLE_NAME", TABLE),
            ("QUEUE_URL", QUEUE),
            ("DEAD_LETTER_URL", DEAD_LETTERS),
            ("MESSAGE_SECRET_PREFIX", MESSAGE_SECRETS),
        ];
        let variables: Variables =
            variables.iter().cloned().chain(local.map(|(name, value)| (name.to_owned(), value.to_owned()))).collect();
        let (intake, sync) = (config::Intake::from_variables(&variables)?, config::Sync::from_variables(&variables)?);
        let cloud = Cloud::start(&options).await?;
        let clock = FlowClock::new(&options.clock);
        let (means, stores) = means(&cloud, &sync, &secrets, &clock).await?;
        let exporter = exporter(&means, &stores, &cloud)?;
        let schedule = Schedule::new(&exporter, &cloud, &options.clock);
        let forms = Arc::new(FormApp::new(form_means(&means, stores.submissions, cloud.submission_queue()))?);
        let relays = Arc::new(Relays::new(relay_means(&means, stores.claims, cloud.message_queue()))?);
        let app = Arc::new(App::new(means)?);
        let door = Door::open(listen, &options.clock).await?;
        door.take_forms(forms.clone());
        door.admit(&intake, secrets.as_ref(), cloud.publisher(), &clock).await?;
        let employee = Employee::new(app.clone(), relays, &cloud, options.batch);
        let workers = employee.workers.iter().chain([&schedule.worker]).map(Worker::run);
        let running = Background::all(workers.chain([form_worker(&forms, &cloud.form_queue).run(), schedule.timer.run()]));
        Ok(Self { door, app, _running: running, _cloud: cloud })
    }

    /// Where webhooks arrive, as this machine knows it.
    #[must_use]
    pub fn url(&self) -> String {
        self.door.gateway.url()
    }
}

async fn means(cloud: &Cloud, sync: &config::Sync, secrets: &Arc<LocalSecrets>, clock: &FlowClock) -> anyhow::Result<(Means, Stores)> {
    let fingerprint_secret = sync.worker.fingerprint_secret.resolve(secrets.as_ref()).await?;
    let stores = cloud.stores(fingerprint_secret.clone(), clock);
    let means = Means {
        links: stores.links.clone(),
        sites: stores.sites.clone(),
        runs: stores.runs.clone(),
        queue: cloud.work_queue(),
        secrets: secrets.clone(),
        keeper: secrets.clone(),
        clock: Arc::new(clock.clone()),
        fingerprint_secret,
        vendors: Vendors::of(sync.vendors.clone(), secrets.as_ref()).await?,
    };
    Ok((means, stores))
}

/// The secrets of the environment, and above them what vendors replaced since the start.
pub struct LocalSecrets {
    given: Environment,
    replaced: Vault,
}

impl LocalSecrets {
    /// Takes the secrets out of variables.
    #[must_use]
    pub fn of(variables: &[(String, String)]) -> Self {
        Self { given: variables.iter().cloned().collect(), replaced: Vault::default() }
    }
}

#[async_trait]
impl Secrets for LocalSecrets {
    async fn secret(&self, name: &str) -> StoreResult<SecretString> {
        match self.replaced.secret(name).await {
            Ok(secret) => Ok(secret),
            Err(_) => self.given.secret(name).await,
        }
    }
}

#[async_trait]
impl TokenKeeper for LocalSecrets {
    async fn keep(&self, secret: &str, value: &SecretString) -> StoreResult<()> {
        tracing::warn!(
            secret.name = secret,
            "A vendor replaced a token; the environment has the old one, change it before the next start."
        );
        self.replaced.put(secret, value.expose_secret());
        Ok(())
    }
}
