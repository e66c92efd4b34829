//! The embedded `DynamoDB`, spoken to over loopback by the official SDK.
//!
//! Point the SDK at [`Dynamo::endpoint`] with `AWS_ENDPOINT_URL_DYNAMODB`.

mod meter;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
};

use dynoxide::{Database, DynoxideError, storage_backend};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use meter::Meter;
pub use meter::Usage;

use super::Background;
use crate::vendors::kit::Clock;

/// The attribute that holds an item's expiry in seconds since 1970.
pub const TTL_ATTRIBUTE: &str = "expires_at";

/// Where the tables live.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Storage {
    /// In memory, gone with the process. Items expire by the injected clock.
    #[default]
    Memory,
    /// In a file, kept. Items expire by the system's clock, for the engine offers no other with files.
    File(PathBuf),
}

/// Why the embedded `DynamoDB` refused something.
#[derive(Debug, thiserror::Error)]
pub enum DynamoError {
    /// The engine refused or failed.
    #[error("embedded DynamoDB: {0}")]
    Engine(#[from] DynoxideError),
    /// The engine does not take this request.
    #[error("embedded DynamoDB request: {0}")]
    Request(#[from] serde_json::Error),
    /// No port could be bound, or the file's path is not text.
    #[error("embedded DynamoDB: {0}")]
    Io(#[from] std::io::Error),
}

/// A running `DynamoDB`; its server stops when the last clone is dropped.
#[derive(Clone)]
pub struct Dynamo {
    database: Database,
    address: SocketAddr,
    meter: Option<Meter>,
    _server: Arc<Background>,
}

impl Dynamo {
    /// Opens `storage` and serves it on a free port of the loopback interface.
    ///
    /// # Errors
    /// If the file cannot be opened or no port can be bound.
    pub async fn start(storage: &Storage, clock: &Clock) -> Result<Self, DynamoError> {
        let database = open(storage, clock)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let tables = database.clone();
        let server = Background::spawn(async move {
            if let Err(error) = dynoxide::server::serve_with_shutdown(listener, tables, std::future::pending()).await {
                tracing::error!(%error, "The embedded DynamoDB stopped.");
            }
        });
        Ok(Self { database, address, meter: None, _server: Arc::new(server) })
    }

    /// As [`Dynamo::start`], and counts the capacity every call consumes: each passes through a proxy that asks for it.
    ///
    /// # Errors
    /// If the file cannot be opened or no port can be bound.
    pub async fn start_metered(storage: &Storage, clock: &Clock) -> Result<Self, DynamoError> {
        let plain = Self::start(storage, clock).await?;
        let meter = Meter::start(plain.address).await?;
        Ok(Self { address: meter.address(), meter: Some(meter), ..plain })
    }

    /// The endpoint to give to the SDK.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Creates the table `name` unless it exists: keys `PK` and `SK` (text), the index `due`, on demand, with expiry by [`TTL_ATTRIBUTE`].
    ///
    /// # Errors
    /// If the engine refuses.
    pub fn create_table(&self, name: &str) -> Result<(), DynamoError> {
        let created = self.database.create_table(request(json!({
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [
                { "AttributeName": "PK", "KeyType": "HASH" },
                { "AttributeName": "SK", "KeyType": "RANGE" },
            ],
            "AttributeDefinitions": [
                { "AttributeName": "PK", "AttributeType": "S" },
                { "AttributeName": "SK", "AttributeType": "S" },
                { "AttributeName": "due_in", "AttributeType": "S" },
                { "AttributeName": "due_at", "AttributeType": "N" },
            ],
            "GlobalSecondaryIndexes": [{
                "IndexName": "due",
                "KeySchema": [
                    { "AttributeName": "due_in", "KeyType": "HASH" },
                    { "AttributeName": "due_at", "KeyType": "RANGE" },
                ],
                "Projection": { "ProjectionType": "KEYS_ONLY" },
            }],
        }))?);
        match created {
            Ok(_) => {}
            Err(DynoxideError::ResourceInUseException(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        self.database.update_time_to_live(request(json!({
            "TableName": name,
            "TimeToLiveSpecification": { "AttributeName": TTL_ATTRIBUTE, "Enabled": true },
        }))?)?;
        Ok(())
    }

    /// Deletes what has expired, and returns how many items. The real service does so within days; readers must not rely on it.
    ///
    /// # Errors
    /// If the engine fails.
    pub fn sweep_ttl(&self) -> Result<usize, DynamoError> {
        Ok(self.database.sweep_ttl()?)
    }

    /// Every item of the table `name`, in `DynamoDB`'s JSON.
    ///
    /// # Errors
    /// If there is no such table.
    pub fn items(&self, name: &str) -> Result<Vec<Value>, DynamoError> {
        let mut items = Vec::new();
        let mut start = Value::Null;
        loop {
            let mut scan = json!({ "TableName": name });
            if let (false, Some(fields)) = (start.is_null(), scan.as_object_mut()) {
                fields.insert("ExclusiveStartKey".to_owned(), start);
            }
            let mut page = serde_json::to_value(self.database.scan(request(scan)?)?)?;
            if let Some(Value::Array(found)) = page.get_mut("Items").map(Value::take) {
                items.extend(found);
            }
            start = page.get_mut("LastEvaluatedKey").map(Value::take).unwrap_or_default();
            if start.is_null() {
                return Ok(items);
            }
        }
    }

    /// What was consumed since the start or the last reset; nothing unless started with [`Dynamo::start_metered`].
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.meter.as_ref().map(Meter::usage).unwrap_or_default()
    }

    /// Counts from zero again.
    pub fn reset_usage(&self) {
        if let Some(meter) = &self.meter {
            meter.reset();
        }
    }
}

fn open(storage: &Storage, clock: &Clock) -> Result<Database, DynamoError> {
    match storage {
        Storage::Memory => Ok(Database::memory_with_clock(Arc::new(EngineClock(clock.clone())))?),
        Storage::File(path) => {
            let path = path.to_str().ok_or_else(|| std::io::Error::other("the path of the file is not text"))?;
            Ok(Database::new(path)?)
        }
    }
}

fn request<T: DeserializeOwned>(request: Value) -> Result<T, DynamoError> {
    Ok(serde_json::from_value(request)?)
}

/// The injected clock in the engine's terms.
struct EngineClock(Clock);

impl storage_backend::Clock for EngineClock {
    fn now_unix_secs(&self) -> u64 {
        u64::try_from(self.0.now_ms() / 1_000).unwrap_or_default()
    }

    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit a double exactly")]
    fn now_unix_secs_f64(&self) -> f64 {
        self.0.now_ms() as f64 / 1_000.0
    }
}
