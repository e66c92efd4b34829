//! The cloud's parts of a stack, and the bridge's adapters on top of them, each with the official SDK's client.
//!
//! The clients do not retry: a fault shows as what it is.

use std::{sync::Arc, time::Duration};

use aws_sdk_dynamodb::config::Credentials;
use contact_bridge::{
    adapters::{dynamodb, eventbridge, memory, sqs},
    model::event::Event,
    ports::{self, ClaimStore, Clock, LinkStore, MessageQueue, SiteStore, WorkQueue},
};
use secrecy::SecretString;

use super::{
    clock::FlowClock,
    options::{Options, StoreKind},
};
use crate::{
    cloud::{
        REGION,
        aws::{Aws, Resources},
        bus::{self, Bus, BusOptions, Pattern, Rule},
        dynamo::Dynamo,
        queue::{Queue, QueueOptions, Redrive},
    },
    vendors::kit,
};

/// The bus, as the template names it.
pub(crate) const BUS: &str = "contact-bridge";
/// The table, as the template names it.
pub(crate) const TABLE: &str = "contact-bridge";
pub(crate) const QUEUE: &str = "contact-sync";
pub(crate) const DEAD_LETTERS: &str = "contact-sync-dead-letters";
pub(crate) const RELAY_QUEUE: &str = "inbox-relay";
pub(crate) const RELAY_DEAD_LETTERS: &str = "inbox-relay-dead-letters";
/// What the names of the secrets of message services begin with.
pub(crate) const MESSAGE_SECRETS: &str = "messages/";
/// As in `template.yaml`.
const VISIBILITY: Duration = Duration::from_mins(6);
const MOST_RECEIVES: u32 = 5;

/// The cloud's parts.
#[derive(Clone)]
pub(crate) struct Cloud {
    pub aws: Aws,
    pub bus: Bus,
    pub queue: Queue,
    pub dead_letters: Queue,
    pub messages: Queue,
    pub dead_messages: Queue,
    pub dynamo: Option<Dynamo>,
}

/// Links and sites, whatever they are kept in.
#[derive(Clone)]
pub(crate) struct Stores {
    pub links: Arc<dyn LinkStore>,
    pub sites: Arc<dyn SiteStore>,
    pub claims: Arc<dyn ClaimStore>,
}

impl Cloud {
    /// Starts what the options ask for, with rules that lead from the bus to the queues.
    pub async fn start(options: &Options) -> anyhow::Result<Self> {
        let clock = &options.clock;
        let (queue, dead_letters) = queues(QUEUE, DEAD_LETTERS, clock);
        let (messages, dead_messages) = queues(RELAY_QUEUE, RELAY_DEAD_LETTERS, clock);
        let bus = Bus::new(BUS, clock, BusOptions { seed: options.seed, ..BusOptions::default() });
        bus.add_rule(Rule { pattern: pattern(&["contact.", "site."]), target: queue.clone() });
        bus.add_rule(Rule { pattern: pattern(&["message."]), target: messages.clone() });
        let all = vec![queue.clone(), dead_letters.clone(), messages.clone(), dead_messages.clone()];
        let resources = Resources { buses: vec![bus.clone()], queues: all, ..Resources::default() };
        let aws = Aws::start(options.listen.aws, resources).await?;
        Ok(Self { aws, bus, queue, dead_letters, messages, dead_messages, dynamo: dynamo(options).await? })
    }

    /// The bus adapter.
    pub fn publisher(&self) -> Arc<dyn ports::Bus> {
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
        self.queue_adapter(QUEUE, DEAD_LETTERS)
    }

    /// The adapter of the relay's queue.
    pub fn message_queue(&self) -> Arc<dyn MessageQueue> {
        self.queue_adapter(RELAY_QUEUE, RELAY_DEAD_LETTERS)
    }

    fn queue_adapter(&self, work: &str, dead_letters: &str) -> Arc<sqs::Queue> {
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
        let [work, dead_letters] = [work, dead_letters].map(|name| self.aws.queue_url(name));
        Arc::new(sqs::Queue::new(Client::from_conf(config.build()), work, dead_letters))
    }

    /// The table adapter, or the store in memory.
    pub fn stores(&self, secret: SecretString, clock: &FlowClock) -> Stores {
        let Some(dynamo) = &self.dynamo else {
            let store = Arc::new(memory::Store::new());
            return Stores { links: store.clone(), sites: store.clone(), claims: store };
        };
        let clock: Arc<dyn Clock> = Arc::new(clock.clone());
        let store = Arc::new(dynamodb::Store::new(dynamo_client(&dynamo.endpoint()), TABLE, secret, clock));
        Stores { links: store.clone(), sites: store.clone(), claims: store }
    }
}

/// A queue and its dead letters, as in the template.
fn queues(name: &str, dead_letters: &str, clock: &kit::Clock) -> (Queue, Queue) {
    let kept = QueueOptions { retention: Duration::from_hours(14 * 24), ..QueueOptions::default() };
    let dead_letters = Queue::new(dead_letters, clock, kept);
    let redrive = Redrive { dead_letters: dead_letters.clone(), max_receive_count: MOST_RECEIVES };
    let queue = Queue::new(name, clock, QueueOptions { visibility: VISIBILITY, redrive: Some(redrive), ..QueueOptions::default() });
    (queue, dead_letters)
}

/// What the bridge publishes whose detail type begins like this.
fn pattern(prefixes: &[&str]) -> Pattern {
    Pattern {
        source: vec![bus::Match::Exact(Event::SOURCE.to_owned())],
        detail_type: prefixes.iter().map(|prefix| bus::Match::Prefix((*prefix).to_owned())).collect(),
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
