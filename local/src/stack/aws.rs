//! The cloud's parts of a stack, and the bridge's adapters on top of them, each with the official SDK's client.
//!
//! The clients do not retry: a fault shows as what it is.

use std::{sync::Arc, time::Duration};

use aws_sdk_dynamodb::config::Credentials;
use contact_bridge::{
    adapters::{dynamodb, eventbridge, memory, sqs},
    model::{event::Event, message::Message, submission::Submission},
    ports::{self, ClaimStore, Clock, LinkBatches, LinkStore, RunStore, SiteStore, SubmissionStore, SubscriberLog},
};
use secrecy::SecretString;
use serde_json::json;

use super::{
    clock::FlowClock,
    options::{Options, StoreKind},
};
use crate::{
    cloud::{
        ACCOUNT, REGION,
        aws::{Aws, Resources},
        bus::{self, Bus, BusOptions, Pattern, Rule},
        dynamo::Dynamo,
        queue::{Draft, Queue, QueueOptions, Redrive},
        timer::Timer,
    },
    vendors::kit,
};

/// The bus, as the template names it.
pub(crate) const BUS: &str = "contact-bridge";
/// The table, as the template names it.
pub(crate) const TABLE: &str = "contact-bridge";
pub(crate) const QUEUE: &str = "contact-sync";
pub(crate) const DEAD_LETTERS: &str = "contact-sync-dead-letters";
pub(crate) const FORM_QUEUE: &str = "form-upsert";
pub(crate) const FORM_DEAD_LETTERS: &str = "form-upsert-dead-letters";
pub(crate) const MESSAGE_QUEUE: &str = "inbox-relay";
pub(crate) const MESSAGE_DEAD_LETTERS: &str = "inbox-relay-dead-letters";
const EXPORT_QUEUE: &str = "scheduled-export";
const EXPORT_DEAD_LETTERS: &str = "scheduled-export-dead-letters";
/// What the names of the secrets of message services begin with.
pub(crate) const MESSAGE_SECRETS: &str = "messages/";
/// As in `template.yaml`.
const VISIBILITY: Duration = Duration::from_mins(6);
const EXPORT_VISIBILITY: Duration = Duration::from_mins(90);
const MOST_RECEIVES: u32 = 5;
/// How often sites are looked through, as in `template.yaml`.
const DAILY: Duration = Duration::from_hours(24);

/// The cloud's parts.
#[derive(Clone)]
pub(crate) struct Cloud {
    pub aws: Aws,
    pub bus: Bus,
    pub queue: Queue,
    pub dead_letters: Queue,
    pub form_queue: Queue,
    pub form_dead_letters: Queue,
    pub message_queue: Queue,
    pub message_dead_letters: Queue,
    pub export_queue: Queue,
    pub export_dead_letters: Queue,
    pub dynamo: Option<Dynamo>,
    pub timer: Timer,
}

/// The rule that has sites looked through once a day: EventBridge puts what a schedule sends into the queue.
///
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html>
fn daily(options: &Options, queue: &Queue) -> Timer {
    let (timer, queue) = (Timer::new(&options.clock), queue.clone());
    timer.add("daily", DAILY, move |at_ms| {
        let message = json!({"version": "0", "id": format!("{at_ms:032x}"), "detail-type": "Scheduled Event", "source": "aws.events",
            "region": REGION, "resources": [format!("arn:aws:events:{REGION}:{ACCOUNT}:rule/daily")], "detail": {}});
        // A queue that refuses it gets the next one.
        let _ = queue.send(Draft::new(message.to_string()));
        std::future::ready(())
    });
    timer
}

/// Links and sites, whatever they are kept in.
#[derive(Clone)]
pub(crate) struct Stores {
    pub links: Arc<dyn LinkStore>,
    pub sites: Arc<dyn SiteStore>,
    pub submissions: Arc<dyn SubmissionStore>,
    pub claims: Arc<dyn ClaimStore>,
    pub runs: Arc<dyn RunStore>,
    pub batches: Arc<dyn LinkBatches>,
    pub log: Arc<dyn SubscriberLog>,
}

impl Stores {
    fn of<S: LinkStore + LinkBatches + SiteStore + RunStore + SubmissionStore + SubscriberLog + ClaimStore + 'static>(store: S) -> Self {
        let store = Arc::new(store);
        Self {
            links: store.clone(),
            batches: store.clone(),
            log: store.clone(),
            sites: store.clone(),
            runs: store.clone(),
            submissions: store.clone(),
            claims: store,
        }
    }
}

impl Cloud {
    /// Starts what the options ask for, with rules that lead from the bus to the queues.
    pub async fn start(options: &Options) -> anyhow::Result<Self> {
        let clock = &options.clock;
        let sync = pair(QUEUE, DEAD_LETTERS, clock, VISIBILITY);
        let forms = pair(FORM_QUEUE, FORM_DEAD_LETTERS, clock, VISIBILITY);
        let messages = pair(MESSAGE_QUEUE, MESSAGE_DEAD_LETTERS, clock, VISIBILITY);
        let exports = pair(EXPORT_QUEUE, EXPORT_DEAD_LETTERS, clock, EXPORT_VISIBILITY);
        let bus = Bus::new(BUS, clock, BusOptions { seed: options.seed, ..BusOptions::default() });
        bus.add_rule(Rule { pattern: pattern(&["contact.", "site."]), target: sync.0.clone() });
        bus.add_rule(Rule { pattern: pattern(&["message."]), target: messages.0.clone() });
        bus.add_rule(Rule { pattern: pattern(&["export.", "subscriber."]), target: exports.0.clone() });
        let queues = [&sync, &forms, &messages, &exports].into_iter().flat_map(|(queue, dead)| [queue.clone(), dead.clone()]).collect();
        let resources = Resources { buses: vec![bus.clone()], queues, ..Resources::default() };
        Ok(Self {
            aws: Aws::start(options.listen.aws, resources).await?,
            dynamo: dynamo(options).await?,
            timer: daily(options, &sync.0),
            bus,
            queue: sync.0,
            dead_letters: sync.1,
            form_queue: forms.0,
            form_dead_letters: forms.1,
            message_queue: messages.0,
            message_dead_letters: messages.1,
            export_queue: exports.0,
            export_dead_letters: exports.1,
        })
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
    pub fn work_queue(&self) -> Arc<dyn ports::Queue<Event>> {
        Arc::new(self.sqs(QUEUE, DEAD_LETTERS))
    }

    /// The adapter of scheduled export's queue.
    pub fn export_queue(&self) -> Arc<dyn ports::Queue<Event>> {
        Arc::new(self.sqs(EXPORT_QUEUE, EXPORT_DEAD_LETTERS))
    }

    /// The adapter of the queue in which submissions of forms wait.
    pub fn submission_queue(&self) -> Arc<dyn ports::Queue<Submission>> {
        Arc::new(self.sqs(FORM_QUEUE, FORM_DEAD_LETTERS))
    }

    /// The adapter of the relay's queue.
    pub fn message_queue(&self) -> Arc<dyn ports::Queue<Message>> {
        Arc::new(self.sqs(MESSAGE_QUEUE, MESSAGE_DEAD_LETTERS))
    }

    fn sqs(&self, queue: &str, dead_letters: &str) -> sqs::Queue {
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
        sqs::Queue::new(Client::from_conf(config.build()), self.aws.queue_url(queue), self.aws.queue_url(dead_letters))
    }

    /// The table adapter, or the store in memory.
    pub fn stores(&self, secret: SecretString, clock: &FlowClock) -> Stores {
        let clock: Arc<dyn Clock> = Arc::new(clock.clone());
        self.table(secret, &clock).unwrap_or_else(|| Stores::of(memory::Store::new()))
    }

    /// An adapter of the table, if there is one: each process has its own.
    pub fn table(&self, secret: SecretString, clock: &Arc<dyn Clock>) -> Option<Stores> {
        let dynamo = self.dynamo.as_ref()?;
        Some(Stores::of(dynamodb::Store::new(dynamo_client(&dynamo.endpoint()), TABLE, secret, Arc::clone(clock))))
    }
}

/// What the bridge publishes whose detail type begins like this.
fn pattern(prefixes: &[&str]) -> Pattern {
    Pattern {
        source: vec![bus::Match::Exact(Event::SOURCE.to_owned())],
        detail_type: prefixes.iter().map(|prefix| bus::Match::Prefix((*prefix).to_owned())).collect(),
    }
}

/// A queue and its dead letters.
fn pair(name: &str, dead: &str, clock: &kit::Clock, visibility: Duration) -> (Queue, Queue) {
    let dead_letters = Queue::new(dead, clock, QueueOptions { retention: Duration::from_hours(14 * 24), ..QueueOptions::default() });
    let redrive = Redrive { dead_letters: dead_letters.clone(), max_receive_count: MOST_RECEIVES };
    let queue = Queue::new(name, clock, QueueOptions { visibility, redrive: Some(redrive), ..QueueOptions::default() });
    (queue, dead_letters)
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
