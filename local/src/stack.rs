//! Everything on one machine: the functions' own handlers behind the gateway, the bus and the queue, links and sites in the store, and
//! the simulated vendors, all on one clock.

mod aws;
mod clock;
mod door;
mod options;
mod people;
mod settle;
mod site;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use contact_bridge::{
    adapters::{
        hubspot::TokenKeeper,
        memory::Vault,
    },
    app::{App, Means, Vendors},
    model::{
        event::{Event, EventKind},
        ids::{RecordId, Side, SiteId},
        link::{Link, Parked},
    },
    ports::{EventBus, StoreResult},
};
use lambda_runtime::LambdaEvent;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use self::{
    aws::Cloud,
    clock::FlowClock,
    door::{Door, Trust},
};
pub use self::{
    options::{Listen, Options, StoreKind},
    people::People,
    settle::Settled,
    site::SiteHandle,
};
use crate::{
    cloud::{
        Function,
        bus::Faults,
        dynamo::Dynamo,
        event_function,
        queue::Queue,
        worker::{Worker, WorkerOptions},
    },
    vendors::{hubspot, kit::Clock, wix},
};

/// The secret all fingerprint keys of a stack are derived from; it guards nobody real.
const FINGERPRINT_SECRET: &str = "local-fingerprint-secret";
/// The dated version of `HubSpot`'s API that is called.
const HUBSPOT_VERSION: &str = "2026-09";

/// A running stack; it stops when the last clone is dropped.
#[derive(Clone)]
pub struct Stack {
    /// The simulated Wix.
    pub wix: wix::Simulator,
    /// The simulated `HubSpot`.
    pub hubspot: hubspot::Simulator,
    /// The bridge of the first worker.
    pub app: Arc<App>,
    clock: Clock,
    cloud: Cloud,
    door: Door,
    publisher: Arc<dyn EventBus>,
    vault: Arc<Vault>,
    wix_app_id: String,
    hubspot_secret: String,
    employees: Arc<Mutex<Vec<Employee>>>,
    handles: Arc<Mutex<BTreeMap<SiteId, SiteHandle>>>,
    /// Held by whoever runs the stack: settling and the passing of time exclude each other.
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// An instance of contact sync, with nothing in common with the others but the stores.
#[derive(Clone)]
struct Employee {
    app: Arc<App>,
    worker: Worker,
}

impl Employee {
    fn new(app: Arc<App>, queue: &Queue) -> Self {
        let worker = Worker::new(queue, function_of(Arc::clone(&app)), WorkerOptions::default());
        Self { app, worker }
    }
}

/// Contact sync as the queue calls it.
fn function_of(app: Arc<App>) -> Function {
    event_function(move |event: LambdaEvent<_>| {
        let app = Arc::clone(&app);
        async move { contact_sync::handle(&app, event.payload).await }
    })
}

/// Keeps replaced refresh tokens where the secrets are.
struct Keeper(Arc<Vault>);

#[async_trait]
impl TokenKeeper for Keeper {
    async fn keep(&self, secret: &str, value: &SecretString) -> StoreResult<()> {
        self.0.put(secret, value.expose_secret());
        Ok(())
    }
}

impl Stack {
    /// Starts everything; there is no site yet.
    ///
    /// # Errors
    /// When a port is taken or a file cannot be opened.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let cloud = Cloud::start(&options).await?;
        let door = Door::open(options.listen.gateway, &options.clock).await?;
        let wix_options = wix_options(&options, &door);
        let wix_app_id = wix_options.app_id.clone();
        let wix_app_secret = wix_options.app_secret.clone();
        let wix = wix::Simulator::start(options.listen.wix, wix_options).await?;
        let hubspot_options = hubspot::Options { clock: options.clock.clone(), seed: options.seed, ..hubspot::Options::default() };
        let (hubspot_app_id, hubspot_secret) = (hubspot_options.app_id, hubspot_options.client_secret.clone());
        let hubspot = hubspot::Simulator::start(options.listen.hubspot, hubspot_options).await?;
        // The machine may be slow; what a receiver that is too slow brings about, a test sets up on purpose.
        wix.switch("webhook_timeout_ms", 60_000)?;
        let clock = FlowClock(options.clock.clone());
        let stores = cloud.stores(FINGERPRINT_SECRET, &clock);
        let vault = Arc::new(Vault::default());
        let means = Means {
            links: stores.links,
            sites: stores.sites,
            queue: cloud.work_queue(),
            secrets: vault.clone(),
            keeper: Arc::new(Keeper(vault.clone())),
            clock: Arc::new(clock.clone()),
            fingerprint_secret: FINGERPRINT_SECRET.into(),
            vendors: Vendors {
                wix_base: wix.base_url().parse()?,
                wix_app_id: wix_app_id.clone(),
                wix_app_secret: wix_app_secret.into(),
                hubspot_base: hubspot.base_url().parse()?,
                hubspot_version: HUBSPOT_VERSION.to_owned(),
                hubspot_app_id: Some(hubspot_app_id.to_string()),
            },
        };
        let app = Arc::new(App::new(means)?);
        let stack = Self {
            publisher: cloud.publisher(),
            employees: Arc::new(Mutex::new(vec![Employee::new(app.clone(), &cloud.queue)])),
            clock: options.clock,
            handles: Arc::default(),
            turn: Arc::default(),
            wix,
            hubspot,
            app,
            cloud,
            door,
            vault,
            wix_app_id,
            hubspot_secret,
        };
        stack.trust_wix_keys(&[stack.wix.public_key_pem()]).await?;
        Ok(stack)
    }

    /// Makes the intake trust these public keys of Wix, and no others.
    ///
    /// # Errors
    /// When one is no key, or there are too many.
    pub async fn trust_wix_keys(&self, pems: &[String]) -> anyhow::Result<()> {
        let trust =
            Trust { wix_app_id: self.wix_app_id.clone(), wix_keys: pems.join(","), hubspot_secrets: self.hubspot_secret.clone() };
        self.door.admit(trust, self.publisher.clone(), &FlowClock(self.clock.clone())).await
    }

    /// The clock of everything.
    #[must_use]
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Acts as a person of this site, on both sides.
    #[must_use]
    pub fn client(&self, site: &SiteHandle) -> People {
        People::new(self.wix.base_url(), self.hubspot.base_url(), site)
    }

    /// The gateway's base URL, without a slash at its end.
    #[must_use]
    pub fn gateway_url(&self) -> String {
        self.door.gateway.url()
    }

    /// The faults of the bus.
    #[must_use]
    pub fn bus_faults(&self) -> &Faults {
        self.cloud.bus.faults()
    }

    /// The queue contact sync is fed from.
    #[must_use]
    pub const fn queue(&self) -> &Queue {
        &self.cloud.queue
    }

    /// The embedded `DynamoDB`, if the stack has one.
    #[must_use]
    pub const fn dynamo(&self) -> Option<&Dynamo> {
        self.cloud.dynamo.as_ref()
    }

    /// Sets how many instances of contact sync work at once, at least one.
    ///
    /// # Errors
    /// When an instance cannot be made.
    pub fn set_workers(&self, count: usize) -> anyhow::Result<()> {
        let mut employees = lock(&self.employees);
        while employees.len() < count.max(1) {
            let app = Arc::new(App::new(self.app.means.clone())?);
            employees.push(Employee::new(app, &self.cloud.queue));
        }
        employees.truncate(count.max(1));
        Ok(())
    }

    fn workers(&self) -> Vec<Employee> {
        lock(&self.employees).clone()
    }

    fn apps(&self) -> Vec<Arc<App>> {
        self.workers().into_iter().map(|employee| employee.app).collect()
    }

    fn handles(&self) -> MutexGuard<'_, BTreeMap<SiteId, SiteHandle>> {
        lock(&self.handles)
    }

    /// All links of a site.
    ///
    /// # Panics
    /// When the store fails, which a stack's own store does only if its file is lost.
    pub async fn links(&self, site: &SiteId) -> Vec<Link> {
        let mut links: Vec<Link> = Vec::new();
        loop {
            let after = links.last().map(|link| link.id(Side::Wix).clone());
            let page = self.app.means.links.list_links(site, after.as_ref()).await.expect("the stack's store answers");
            if page.is_empty() {
                return links;
            }
            links.extend(page);
        }
    }

    /// What waits for a person.
    ///
    /// # Panics
    /// As [`Self::links`].
    pub async fn parked(&self, site: &SiteId) -> Vec<Parked> {
        self.app.means.links.parked(site).await.expect("the stack's store answers")
    }

    /// The dead letters, with their reasons among the attributes.
    #[must_use]
    pub fn dead_letters(&self) -> Vec<Value> {
        match self.cloud.dead_letters.to_json() {
            Value::Array(letters) => letters,
            _ => Vec::new(),
        }
    }

    /// Sends the dead letters back to the queue and returns how many.
    #[expect(clippy::unused_async, reason = "queues are asked asynchronously everywhere else")]
    pub async fn redrive(&self) -> usize {
        self.cloud.dead_letters.redrive_to(&self.cloud.queue)
    }

    /// Asks for one record to be synchronised again, as a person or a sweep does.
    ///
    /// # Errors
    /// When the bus refuses.
    pub async fn resync(
        &self,
        site: &SiteId,
        side: Side,
        id: &RecordId,
        approve_delete: bool,
        prefer: Option<Side>,
    ) -> StoreResult<()> {
        let event = Event {
            site: site.clone(),
            side,
            record: Some(id.clone()),
            kind: EventKind::Resync { approve_delete, prefer },
            at: self.app.means.clock.now(),
            id: None,
            entity: None,
            attempts: 0,
        };
        self.publisher.publish(&[event]).await
    }
}

fn wix_options(options: &Options, door: &Door) -> wix::Options {
    wix::Options {
        clock: options.clock.clone(),
        seed: options.seed,
        sites: Vec::new(),
        webhook_urls: vec![format!("{}/webhooks/wix", door.gateway.url())],
        ..wix::Options::default()
    }
}

/// A panic elsewhere leaves the data whole: every change is one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
