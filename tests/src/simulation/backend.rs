//! Where a history keeps its links and runs: in memory, or in the embedded `DynamoDB` through the real SDK.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use async_trait::async_trait;
use aws_sdk_dynamodb::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region},
};
use contact_bridge::{
    adapters::{dynamodb, memory},
    ports::{Clock, LinkBatches, LinkStore, RunStore, SiteStore},
};
use contact_bridge_local::{
    cloud::dynamo::{Dynamo, Storage},
    vendors::kit,
};
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::runtime::{Builder, Handle, Runtime};

/// A store, and what carries its calls out.
#[derive(Clone)]
pub struct Backend {
    /// The links.
    pub links: Arc<dyn LinkStore>,
    /// The links, many at a time.
    pub batches: Arc<dyn LinkBatches>,
    /// The scheduled runs.
    pub runs: Arc<dyn RunStore>,
    /// The sites.
    pub sites: Arc<dyn SiteStore>,
    runtime: Option<Handle>,
}

impl Backend {
    /// An empty store in memory.
    #[must_use]
    pub fn memory() -> Self {
        Self::over(memory::Store::new(), None)
    }

    fn over<T: LinkStore + LinkBatches + RunStore + SiteStore + 'static>(store: T, runtime: Option<Handle>) -> Self {
        let store = Arc::new(store);
        Self { links: store.clone(), batches: store.clone(), runs: store.clone(), sites: store, runtime }
    }

    /// Carries a call of the store out from beginning to end. However long it takes, it is one step of the history, so the order of steps does not
    /// depend on it.
    pub fn finish<T>(&self, call: impl Future<Output = T>) -> T {
        if let Some(runtime) = &self.runtime {
            return runtime.block_on(call);
        }
        let mut call = pin!(call);
        loop {
            if let Poll::Ready(result) = call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return result;
            }
        }
    }
}

/// A running `DynamoDB`, with a table for each history.
pub struct Tables {
    runtime: Runtime,
    dynamo: Dynamo,
    client: Client,
    made: AtomicU64,
}

impl Tables {
    /// Starts the embedded engine on a runtime of its own.
    ///
    /// # Errors
    /// If no port can be bound, or there are no threads to be had.
    pub fn start() -> anyhow::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let dynamo = runtime.block_on(Dynamo::start(&Storage::Memory, &kit::Clock::manual(0)))?;
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "simulation"))
            .endpoint_url(dynamo.endpoint());
        Ok(Self { runtime, dynamo, client: Client::from_conf(config.build()), made: AtomicU64::default() })
    }

    /// Makes an empty table.
    ///
    /// # Errors
    /// If the engine refuses.
    pub fn backend(&self) -> anyhow::Result<Backend> {
        let name = format!("history-{}", self.made.fetch_add(1, Ordering::Relaxed));
        self.dynamo.create_table(&name)?;
        let store = dynamodb::Store::new(self.client.clone(), name, SecretString::from("simulation"), Arc::new(Still));
        Ok(Backend::over(store, Some(self.runtime.handle().clone())))
    }
}

/// A clock that nobody waits on: only purges do.
struct Still;

#[async_trait]
impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    async fn sleep(&self, _duration: Duration) {}
}
