//! Everything on one machine: the functions' own handlers behind the gateway, the bus and the queue, links and sites in the store, and
//! the simulated vendors, all on one clock.

pub(crate) mod aws;
pub(crate) mod clock;
mod control;
mod crm;
pub(crate) mod door;
pub(crate) mod employee;
mod letters;
mod mailing;
pub(crate) mod means;
mod options;
mod people;
mod runs;
pub(crate) mod schedule;
mod services;
mod settle;
mod site;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use contact_bridge::{
    adapters::{hubspot::TokenKeeper, memory::Vault},
    app::{App, Exporter, Means, Vendors, WixApp, forms::FormApp, inbox::Relays},
    config,
    model::{
        event::{Event, EventKind},
        ids::{RecordId, Side, SiteId},
        link::{Link, Parked},
    },
    ports::{Bus, StoreResult},
    webhook,
};
use secrecy::{ExposeSecret, SecretString};

use self::{
    aws::{BUS, Cloud, MESSAGE_SECRETS},
    clock::FlowClock,
    control::Desk,
    door::Door,
    employee::Employee,
    means::{exporter, form_means, form_worker, relay_means},
    schedule::Schedule,
};
pub use self::{
    options::{Listen, Options, StoreKind},
    people::People,
    services::{Services, message_secret},
    settle::Settled,
    site::SiteHandle,
};
use crate::{
    cloud::{Background, bus::Faults, dynamo::Dynamo, queue::Queue, worker::Worker},
    vendors::{hubspot, kit::Clock, mailchimp, pipedrive, wix},
};

/// The secret all fingerprint keys of a stack are derived from; it guards nobody real.
const FINGERPRINT_SECRET: &str = "local-fingerprint-secret";
/// The key the simulated Wix signs with, until it is rotated: always the same, because making one takes longer than starting all the rest.
const WIX_KEY: &str = include_str!("../../events/keys/wix-webhook.private.pem");
/// The dated version of `HubSpot`'s API that is called.
const HUBSPOT_VERSION: &str = "2026-09";

/// A running stack; it stops when the last clone is dropped.
#[derive(Clone)]
pub struct Stack {
    /// The simulated Wix.
    pub wix: wix::Simulator,
    /// The simulated `HubSpot`.
    pub hubspot: hubspot::Simulator,
    /// The simulated Mailchimp; every site has an account with one audience.
    pub mailchimp: mailchimp::Simulator,
    /// The simulated Pipedrive; every site has a company.
    pub pipedrive: pipedrive::Simulator,
    /// The bridge of the first worker.
    pub app: Arc<App>,
    /// The relays of the first worker.
    pub relays: Arc<Relays>,
    /// The forms.
    pub forms: Arc<FormApp>,
    form_worker: Worker,
    /// Scheduled export.
    pub exporter: Arc<Exporter>,
    schedule: Schedule,
    clock: Clock,
    cloud: Cloud,
    door: Door,
    publisher: Arc<dyn Bus>,
    vault: Arc<Vault>,
    /// The public keys of Wix that the intake trusts.
    wix_keys: Arc<Mutex<Vec<String>>>,
    /// The sites whose mailing service has a webhook.
    mailing: Arc<Mutex<BTreeSet<SiteId>>>,
    /// The sites whose Pipedrive company has a webhook.
    companies: Arc<Mutex<BTreeSet<SiteId>>>,
    wix_app_id: String,
    hubspot_secret: String,
    employees: Arc<Mutex<Vec<Employee>>>,
    handles: Arc<Mutex<BTreeMap<SiteId, SiteHandle>>>,
    /// Held by whoever runs the stack: settling and the passing of time exclude each other.
    turn: Arc<tokio::sync::Mutex<()>>,
    metered: bool,
    batch: usize,
    /// How long an invocation of contact sync takes at least.
    invocation: Duration,
    control: SocketAddr,
    /// Absent in the control server's own clone, which must not keep itself alive.
    control_server: Option<Arc<Background>>,
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
        let (desk, control) = Desk::bind(options.listen.control).await?;
        let door = Door::open(options.listen.gateway, &options.clock).await?;
        let wix_options = wix_options(&options, &door);
        let wix_app_id = wix_options.app_id.clone();
        let wix_app_secret = wix_options.app_secret.clone();
        let wix = wix::Simulator::start(options.listen.wix, wix_options).await?;
        let hubspot_options = hubspot::Options { clock: options.clock.clone(), seed: options.seed, ..hubspot::Options::default() };
        let (hubspot_app_id, hubspot_secret) = (hubspot_options.app_id, hubspot_options.client_secret.clone());
        let hubspot = hubspot::Simulator::start(options.listen.hubspot, hubspot_options).await?;
        let mailchimp_options = mailchimp::Options { clock: options.clock.clone(), seed: options.seed, ..mailchimp::Options::default() };
        let mailchimp = mailchimp::Simulator::start(options.listen.mailchimp, mailchimp_options).await?;
        let pipedrive_options = pipedrive::Options { clock: options.clock.clone(), seed: options.seed, ..pipedrive::Options::default() };
        let pipedrive = pipedrive::Simulator::start(options.listen.pipedrive, pipedrive_options).await?;
        // The machine may be slow; what a receiver that is too slow brings about, a test sets up on purpose.
        wix.switch("webhook_timeout_ms", 60_000)?;
        mailchimp.switch("webhook_timeout_ms", 60_000)?;
        pipedrive.switch("webhook_timeout_ms", 60_000)?;
        let clock = FlowClock::new(&options.clock).hurried(options.hurried);
        let stores = cloud.stores(FINGERPRINT_SECRET.into(), &clock);
        let vault = Arc::new(Vault::default());
        for service in webhook::services() {
            vault.put(format!("{MESSAGE_SECRETS}{service}"), format!("*={}", message_secret(service)));
        }
        let means = Means {
            links: stores.links.clone(),
            sites: stores.sites.clone(),
            runs: stores.runs.clone(),
            queue: cloud.work_queue(),
            secrets: vault.clone(),
            keeper: Arc::new(Keeper(vault.clone())),
            clock: Arc::new(clock.clone()),
            fingerprint_secret: FINGERPRINT_SECRET.into(),
            vendors: Vendors {
                wix: WixApp { base: wix.base_url().parse()?, id: wix_app_id.clone(), secret: wix_app_secret.into() },
                hubspot_base: hubspot.base_url().parse()?,
                pipedrive_base: Some(pipedrive.base_url().parse()?),
                mailchimp_base: Some(mailchimp.base_url().parse()?),
                hubspot_version: HUBSPOT_VERSION.to_owned(),
                hubspot_app_id: Some(hubspot_app_id.to_string()),
            },
        };
        let exporter = exporter(&means, &stores, &cloud)?;
        let forms = Arc::new(FormApp::new(form_means(&means, stores.submissions, cloud.submission_queue()))?);
        door.take_forms(forms.clone());
        let relays = Arc::new(Relays::new(relay_means(&means, stores.claims, cloud.message_queue()))?);
        let app = Arc::new(App::new(means)?);
        let mut stack = Self {
            metered: options.metered,
            batch: options.batch,
            invocation: options.invocation,
            control,
            control_server: None,
            publisher: cloud.publisher(),
            schedule: Schedule::new(&exporter, &cloud, &options.clock),
            exporter,
            employees: Arc::new(Mutex::new(vec![Employee::new(app.clone(), relays.clone(), &cloud, options.batch)])),
            clock: options.clock,
            handles: Arc::default(),
            turn: Arc::default(),
            wix,
            hubspot,
            mailchimp,
            pipedrive,
            app,
            relays,
            form_worker: form_worker(&forms, &cloud.form_queue),
            forms,
            cloud,
            door,
            vault,
            wix_keys: Arc::default(),
            mailing: Arc::default(),
            companies: Arc::default(),
            wix_app_id,
            hubspot_secret,
        };
        stack.trust_wix_keys(&[stack.wix.public_key_pem()]).await?;
        stack.control_server = Some(Arc::new(desk.serve(stack.clone())));
        Ok(stack)
    }

    /// Makes the intake trust these public keys of Wix, and no others.
    ///
    /// # Errors
    /// When one is no key, or there are too many.
    pub async fn trust_wix_keys(&self, pems: &[String]) -> anyhow::Result<()> {
        self.admit(pems).await?;
        *lock(&self.wix_keys) = pems.to_vec();
        Ok(())
    }

    /// Puts an intake behind the gateway that reads its settings and secrets afresh, as a deployment does.
    async fn admit(&self, wix_keys: &[String]) -> anyhow::Result<()> {
        let variables = [
            ("WIX_APP_ID", self.wix_app_id.clone()),
            ("WIX_WEBHOOK_PUBLIC_KEYS", wix_keys.join(",")),
            ("HUBSPOT_CLIENT_SECRETS", self.hubspot_secret.clone()),
            ("MESSAGE_SECRET_PREFIX", MESSAGE_SECRETS.to_owned()),
            ("PUBLIC_URL", self.gateway_url()),
            ("EVENT_BUS_NAME", BUS.to_owned()),
        ];
        let settings = config::Intake::from_variables(&variables.into_iter().collect())?;
        self.door.admit(&settings, self.vault.as_ref(), self.publisher.clone(), &FlowClock::new(&self.clock)).await
    }

    /// The clock of everything.
    #[must_use]
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Acts as a person of this site, on both sides.
    #[must_use]
    pub fn client(&self, site: &SiteHandle) -> People {
        let crms = [self.hubspot.base_url(), self.pipedrive.base_url()];
        People::new(self.wix.base_url(), crms, site)
    }

    /// The gateway's base URL, without a slash at its end.
    #[must_use]
    pub fn gateway_url(&self) -> String {
        self.door.gateway.url()
    }

    /// The base URL of the control API, without a slash at its end.
    #[must_use]
    pub fn control_url(&self) -> String {
        format!("http://{}", self.control)
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

    /// The queue in which submissions of forms wait.
    #[must_use]
    pub const fn form_queue(&self) -> &Queue {
        &self.cloud.form_queue
    }

    /// The queue the inbox relay is fed from.
    #[must_use]
    pub const fn message_queue(&self) -> &Queue {
        &self.cloud.message_queue
    }

    /// The queue scheduled export is fed from.
    #[must_use]
    pub const fn export_queue(&self) -> &Queue {
        &self.cloud.export_queue
    }

    /// Keeps a secret under a name that settings can give.
    pub fn put_secret(&self, name: &str, value: &str) {
        self.vault.put(name, value);
    }

    /// How often the bus and the queues were asked for an operation, such as `AWSEvents.PutEvents`.
    #[must_use]
    pub fn aws_calls(&self, operation: &str) -> u64 {
        self.cloud.aws.calls().get(operation).copied().unwrap_or_default()
    }

    /// The embedded `DynamoDB`, if the stack has one.
    #[must_use]
    pub const fn dynamo(&self) -> Option<&Dynamo> {
        self.cloud.dynamo.as_ref()
    }

    /// The sites' secrets.
    #[must_use]
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Sets how many instances of contact sync work at once, at least one.
    ///
    /// # Errors
    /// When an instance cannot be made.
    pub fn set_workers(&self, count: usize) -> anyhow::Result<()> {
        let mut employees = lock(&self.employees);
        while employees.len() < count.max(1) {
            employees.push(Employee::new(self.another_app()?, self.another_relay()?, &self.cloud, self.batch));
        }
        employees.truncate(count.max(1));
        Ok(())
    }

    /// Makes the bridge of one more worker, as another process would: it has read nothing yet.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn another_app(&self) -> anyhow::Result<Arc<App>> {
        let mut means = self.app.means.clone();
        if let Some(stores) = self.cloud.table(means.fingerprint_secret.clone(), &means.clock) {
            (means.links, means.sites, means.runs) = (stores.links, stores.sites, stores.runs);
        }
        Ok(Arc::new(App::new(means)?))
    }

    /// As [`Self::another_app`], of the relay.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn another_relay(&self) -> anyhow::Result<Arc<Relays>> {
        let mut means = self.relays.means.clone();
        if let Some(stores) = self.cloud.table(means.fingerprint_secret.clone(), &means.clock) {
            (means.links, means.sites, means.claims) = (stores.links, stores.sites, stores.claims);
        }
        Ok(Arc::new(Relays::new(means)?))
    }

    fn workers(&self) -> Vec<Employee> {
        lock(&self.employees).clone()
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

    /// Asks for one record to be synchronised again, as a person or a sweep does.
    ///
    /// # Errors
    /// When the bus refuses.
    pub async fn resync(&self, of: &SiteId, side: Side, id: &RecordId, approve_delete: bool, prefer: Option<Side>) -> StoreResult<()> {
        let event = Event {
            site: of.clone(),
            side,
            record: Some(id.clone()),
            kind: EventKind::Resync { approve_delete, prefer },
            at: self.app.means.clock.now(),
            id: None,
            entity: None,
            attempts: 0,
        };
        self.publish(&event).await
    }

    /// Puts an event on the bus.
    ///
    /// # Errors
    /// When the bus does not take it.
    pub async fn publish(&self, event: &Event) -> StoreResult<()> {
        self.publisher.publish(std::slice::from_ref(event)).await
    }
}

fn wix_options(options: &Options, door: &Door) -> wix::Options {
    wix::Options {
        clock: options.clock.clone(),
        seed: options.seed,
        sites: Vec::new(),
        webhook_urls: vec![format!("{}/webhooks/wix", door.gateway.url())],
        private_key_pem: Some(WIX_KEY.to_owned()),
        ..wix::Options::default()
    }
}

/// A panic elsewhere leaves the data whole: every change is one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
