//! The functions that are measured, and what they work on.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context;
use contact_bridge::{
    adapters::secrets::Environment,
    model::{
        entity::Entity,
        event::{Event, EventKind},
        ids::{RecordId, Side},
    },
};
use contact_bridge_local::{
    cloud::{
        aws::{Aws, Resources},
        bus::{Bus, BusOptions},
        dynamo::Storage,
        queue::{Queue, QueueOptions},
    },
    stack::{Options, People, SiteHandle, Stack, StoreKind},
    vendors::{hubspot, kit::Clock, wix},
};
use contact_bridge_tests::samples;
use jiff::Timestamp;
use serde_json::{Value, json};

const BUS: &str = "contacts";
const WIX_KEY: &str = include_str!("../../../../../events/keys/wix-webhook.public.pem");

/// A function, and an event it can be handed as often as one likes.
pub(super) struct Subject {
    pub(super) binary: &'static str,
    pub(super) what: &'static str,
    pub(super) env: Vec<(String, String)>,
    pub(super) event: Value,
    pub(super) is_right: fn(&Value) -> bool,
}

/// Bus, queues, table and vendors, with one contact that is in Wix and not yet in the CRM.
pub(super) struct World {
    stack: Stack,
    site: SiteHandle,
    people: People,
    aws: Aws,
    contact: String,
    first: Value,
}

impl World {
    pub(super) async fn start() -> anyhow::Result<Self> {
        let options = Options { clock: Clock::real(), store: StoreKind::DynamoDb(Storage::Memory), ..Options::default() };
        let stack = Stack::start(options).await?;
        let site = stack.add_site("shop", |site| site.default_country = Some("US".to_owned())).await?;
        let queues = ["work", "dead"].map(|name| Queue::new(name, stack.clock(), QueueOptions::default()));
        let buses = vec![Bus::new(BUS, stack.clock(), BusOptions::default())];
        let resources = Resources { buses, queues: queues.into(), ..Resources::default() };
        let aws = Aws::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), resources).await?;
        let people = stack.client(&site);
        let ada = json!({"name": {"first": "Ada", "last": "Byron"}, "emails": {"items": [{"email": "ada@example.com"}]}});
        let contact = people.wix_create(ada).await?;
        let mut world = Self { stack, site, people, aws, contact, first: Value::Null };
        world.first = world.event(EventKind::Created).await?;
        Ok(world)
    }

    /// What is measured: a bare function, then intake, then contact sync.
    pub(super) fn subjects(&self) -> anyhow::Result<[Subject; 3]> {
        let samples = samples::all(Timestamp::now());
        let sample = samples.into_iter().find(|sample| sample.path.ends_with("webhook-intake/wix-contact-updated.json"));
        let webhook = sample.context("there is such a sample")?.event;
        let bare = Subject { binary: "bare-function", what: "nothing", env: Vec::new(), event: webhook.clone(), is_right: |_| true };
        let intake = Subject {
            binary: "webhook-intake",
            what: "an update from Wix",
            env: self.intake_environment(),
            event: webhook,
            is_right: |answer| answer.get("statusCode").and_then(Value::as_u64) == Some(200),
        };
        let sync = Subject {
            binary: "contact-sync",
            what: "a duplicate from Wix",
            env: self.sync_environment()?,
            event: self.first.clone(),
            is_right: |answer| *answer == json!({"batchItemFailures": []}),
        };
        Ok([bare, intake, sync])
    }

    /// A person changes the contact; returns the event that tells.
    pub(super) async fn update(&self) -> anyhow::Result<Value> {
        let name = format!("Lovelace {}", Timestamp::now().as_microsecond());
        self.people.wix_update(&self.contact, json!({"name": {"first": "Ada", "last": name}})).await?;
        self.event(EventKind::Updated { changes: Vec::new() }).await
    }

    /// A batch of one event, which encloses the contact as it is.
    async fn event(&self, kind: EventKind) -> anyhow::Result<Value> {
        let contact = self.people.wix_get(&self.contact).await?.context("the contact is there")?;
        let (site, record) = (self.site.id.clone(), Some(RecordId::new(self.contact.as_str())));
        let entity = Some(Entity::write(&contact)?);
        let event = Event { site, side: Side::Wix, record, kind, at: Timestamp::now(), id: None, entity, attempts: 0 };
        Ok(json!({"Records": [{"messageId": "1", "eventSource": "aws:sqs", "body": json!({"detail": event}).to_string()}]}))
    }

    fn intake_environment(&self) -> Vec<(String, String)> {
        owned([
            ("WIX_APP_ID", samples::APP.to_owned()),
            ("WIX_WEBHOOK_PUBLIC_KEYS", WIX_KEY.to_owned()),
            ("PUBLIC_URL", samples::PUBLIC_URL.to_owned()),
            ("EVENT_BUS_NAME", BUS.to_owned()),
            ("AWS_ENDPOINT_URL_EVENTBRIDGE", self.aws.url()),
        ])
    }

    fn sync_environment(&self) -> anyhow::Result<Vec<(String, String)>> {
        let (wix, hubspot) = (wix::Options::default(), hubspot::Options::default());
        let mut environment = owned([
            ("TABLE_NAME", "contact-bridge".to_owned()),
            ("FINGERPRINT_SECRET", "any".to_owned()),
            ("QUEUE_URL", self.aws.queue_url("work")),
            ("DEAD_LETTER_URL", self.aws.queue_url("dead")),
            ("WIX_BASE_URL", self.stack.wix.base_url()),
            ("WIX_APP_ID", wix.app_id),
            ("WIX_APP_SECRET", wix.app_secret),
            ("HUBSPOT_BASE_URL", self.stack.hubspot.base_url()),
            ("HUBSPOT_APP_ID", hubspot.app_id.to_string()),
            ("AWS_ENDPOINT_URL_SQS", self.aws.url()),
            ("AWS_ENDPOINT_URL_DYNAMODB", self.stack.dynamo().context("the stack has a table")?.endpoint()),
        ]);
        environment.push((Environment::variable(&format!("hubspot/{}", self.site.id)), format!("pat-{}", self.site.portal)));
        Ok(environment)
    }
}

fn owned<const N: usize>(variables: [(&str, String); N]) -> Vec<(String, String)> {
    variables.map(|(name, value)| (name.to_owned(), value)).into()
}
