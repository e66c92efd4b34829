//! The cloud's parts of a stack, and the bridge's adapters on top of them, each with the official SDK's client.
//!
//! The clients do not retry: a fault shows as what it is.

use std::{sync::Arc, time::Duration};

use aws_sdk_dynamodb::config::Credentials;
use contact_bridge::{
    adapters::{dynamodb, eventbridge, memory, sqs},
    model::event::Event,
    ports::{Clock, EventBus, LinkBatches, LinkStore, RunStore, SiteStore, WorkQueue},
};
use secrecy::SecretString;

use super::{
    clock::FlowClock,
    options::{Options, StoreKind},
};
use crate::cloud::{
    REGION,
    aws::{Aws, Resources},
    bus::{self, Bus, BusOptions, Pattern, Rule},
    dynamo::Dynamo,
    queue::{Queue, QueueOptions, Redrive},
};
use crate::vendors::kit;

/// The bus, as the template names it.
pub(crate) const BUS: &str = "contact-bridge";
/// The table, as the template names it.
pub(crate) const TABLE: &str = "contact-bridge";
pub(crate) const QUEUE: &str = "contact-sync";
pub(crate) const DEAD_LETTERS: &str = "contact-sync-dead-letters";
const EXPORT_QUEUE: &str = "scheduled-export";
const EXPORT_DEAD_LETTERS: &str = "scheduled-export-dead-letters";
/// As in `template.yaml`.
const VISIBILITY: Duration = Duration::from_mins(6);
const EXPORT_VISIBILITY: Duration = Duration::from_mins(90);
const MOST_RECEIVES: u32 = 5;

/// The cloud's parts.
#[derive(Clone)]
pub(crate) struct Cloud {
    pub aws: Aws,
    pub bus: Bus,
    pub queue: Queue,
    pub dead_letters: Queue,
    pub export_queue: Queue,
    pub export_dead_letters: Queue,
    pub dynamo: Option<Dynamo>,
}

/// Links and sites, whatever they are kept in.
#[derive(Clone)]
pub(crate) struct Stores {
    pub links: Arc<dyn LinkStore>,
    pub sites: Arc<dyn SiteStore>,
    pub runs: Arc<dyn RunStore>,
    pub batches: Arc<dyn LinkBatches>,
}

impl Stores {
    fn of<S: LinkStore + SiteStore + RunStore + LinkBatches + 'static>(store: S) -> Self {
        let store = Arc::new(store);
        Self { links: store.clone(), sites: store.clone(), runs: store.clone(), batches: store }
    }
}

impl Cloud {
    /// Starts what the options ask for, with rules that lead from the bus to the queues.
    pub async fn start(options: &Options) -> anyhow::Result<Self> {
        let clock = &options.clock;
        let (queue, dead_letters) = queues(clock, [QUEUE, DEAD_LETTERS], VISIBILITY);
        let (export_queue, export_dead_letters) = queues(clock, [EXPORT_QUEUE, EXPORT_DEAD_LETTERS], EXPORT_VISIBILITY);
        let bus = Bus::new(BUS, clock, BusOptions { seed: options.seed, ..BusOptions::default() });
        bus.add_rule(Rule { pattern: pattern(&["contact.", "site."]), target: queue.clone() });
        bus.add_rule(Rule { pattern: pattern(&["export."]), target: export_queue.clone() });
        let resources = Resources {
            buses: vec![bus.clone()],
            queues: vec![queue.clone(), dead_letters.clone(), export_queue.clone(), export_dead_letters.clone()],
            ..Resources::default()
        };
        let aws = Aws::start(options.listen.aws, resources).await?;
        Ok(Self { aws, bus, queue, dead_letters, export_queue, export_dead_letters, dynamo: dynamo(options).await? })
    }

    /// The bus adapter.
    pub fn publisher(&self) -> Arc<dyn EventBus> {
        use aws_sdk_eventbridge::{
            Client,
            config::{BehaviorVersion, Config, Region, retry::RetryConfig},
        };
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static(REGION))
            .credentials_provider(credentials())
            .endpoint_url(self.aws.url())
            .retry_config(RetryConfig::disabled());
        Arc::new(eventbridge::Bus::new(Client::from_conf(config.build()), BUS))
    }

    /// The adapter of contact sync's queue.
    pub fn work_queue(&self) -> Arc<dyn WorkQueue> {
        self.work_queue_of([QUEUE, DEAD_LETTERS])
    }

    /// The adapter of scheduled export's queue.
    pub fn export_work_queue(&self) -> Arc<dyn WorkQueue> {
        self.work_queue_of([EXPORT_QUEUE, EXPORT_DEAD_LETTERS])
    }

    fn work_queue_of(&self, names: [&str; 2]) -> Arc<dyn WorkQueue> {
        use aws_sdk_sqs::{
            Client,
            config::{BehaviorVersion, Config, Region, retry::RetryConfig},
        };
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static(REGION))
            .credentials_provider(credentials())
            .endpoint_url(self.aws.url())
            .retry_config(RetryConfig::disabled());
        let [work, dead_letters] = names.map(|name| self.aws.queue_url(name));
        Arc::new(sqs::Queue::new(Client::from_conf(config.build()), work, dead_letters))
    }

    /// The table adapter, or the store in memory.
    pub fn stores(&self, secret: SecretString, clock: &FlowClock) -> Stores {
        let Some(dynamo) = &self.dynamo else {
            return Stores::of(memory::Store::new());
        };
        let clock: Arc<dyn Clock> = Arc::new(clock.clone());
        Stores::of(dynamodb::Store::new(dynamo_client(&dynamo.endpoint()), TABLE, secret, clock))
    }
}

/// A queue and its dead letters.
fn queues(clock: &kit::Clock, [name, dead]: [&str; 2], visibility: Duration) -> (Queue, Queue) {
    let dead_letters = Queue::new(dead, clock, QueueOptions { retention: Duration::from_hours(14 * 24), ..QueueOptions::default() });
    let redrive = Redrive { dead_letters: dead_letters.clone(), max_receive_count: MOST_RECEIVES };
    (Queue::new(name, clock, QueueOptions { visibility, redrive: Some(redrive), ..QueueOptions::default() }), dead_letters)
}

fn pattern(detail_types: &[&str]) -> Pattern {
    Pattern {
        source: vec![bus::Match::Exact(Event::SOURCE.to_owned())],
        detail_type: detail_types.iter().map(|prefix| bus::Match::Prefix((*prefix).to_owned())).collect(),
    }
}

async fn dynamo(options: &Options) -> anyhow::Result<Option<Dynamo>> {
    let StoreKind::DynamoDb(storage) = &options.store else { return Ok(None) };
    let dynamo = if options.metered {
        Dynamo::start_metered(storage, &options.clock).await?
    } else {
        Dynamo::start(storage, &options.clock).await?
    };
    dynamo.create_table(TABLE)?;
    Ok(Some(dynamo))
}

/// The local services take any.
fn credentials() -> Credentials {
    Credentials::new("local", "local", None, None, "local")
}

/// A client of an embedded `DynamoDB`.
pub(crate) fn dynamo_client(endpoint: &str) -> aws_sdk_dynamodb::Client {
    use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Region, retry::RetryConfig};
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(REGION))
        .credentials_provider(credentials())
        .endpoint_url(endpoint)
        .retry_config(RetryConfig::disabled());
    aws_sdk_dynamodb::Client::from_conf(config.build())
}
