//! The functions' real binaries as processes, driven through the Lambda Runtime API with the files of `events/`.

mod contact_sync;
mod form_upsert;
mod inbox_relay;
mod scheduled_export;
mod webhook_intake;

use std::{
    collections::BTreeMap,
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use anyhow::Context;
use contact_bridge_local::{
    cloud::{
        aws::{Aws, Resources},
        bus::{Bus, BusOptions},
        dynamo::{Dynamo, Storage},
        process::Process,
        queue::{Queue, QueueOptions},
        runtime_api::RuntimeApi,
    },
    stack::{Options, Stack, StoreKind},
    vendors::{kit::Clock, wix},
};
use serde_json::{Value, json};

use super::template::{allowed_actions, timeout};

/// A function's process and the API that feeds it.
struct Running {
    api: RuntimeApi,
    process: Process,
}

impl Running {
    async fn start(function: &str, env: &[(&str, String)]) -> anyhow::Result<Self> {
        let api = RuntimeApi::start_with(function, timeout(function)).await?;
        let process = Process::spawn(&binary(function), &api, env.iter().map(|(name, value)| (*name, value.as_str())))?;
        Ok(Self { api, process })
    }

    async fn invoke(&self, event: Value) -> anyhow::Result<Value> {
        self.api.invoke(event).await.map_err(|error| anyhow::anyhow!("{error}: {}", self.process.logs().join("\n")))
    }

    /// Nothing in the logs speaks of a panic.
    fn assert_calm(&self) {
        let logs = self.process.logs();
        assert!(!logs.iter().any(|line| line.contains("panick")), "{}", logs.join("\n"));
    }
}

/// What a worker's process works on.
struct Ground {
    stack: Stack,
    aws: Aws,
    dead_letters: Queue,
}

impl Ground {
    async fn lay() -> anyhow::Result<Self> {
        let store = StoreKind::DynamoDb(Storage::Memory);
        let stack = Stack::start(Options { clock: Clock::real(), store, metered: true, ..Options::default() }).await?;
        let [work, dead_letters] = ["work", "dead"].map(|name| Queue::new(name, stack.clock(), QueueOptions::default()));
        let buses = vec![Bus::new("contact-bridge", stack.clock(), BusOptions::default())];
        let resources = Resources { buses, queues: vec![work, dead_letters.clone()], ..Resources::default() };
        let aws = Aws::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), resources).await?;
        Ok(Self { stack, aws, dead_letters })
    }

    /// Starts a function in the environment that the template gives every worker, and what is its own.
    async fn run(&self, function: &str, own: impl IntoIterator<Item = (&'static str, String)>) -> anyhow::Result<Running> {
        let wix = wix::Options::default();
        let mut environment = vec![
            ("TABLE_NAME", "contact-bridge".to_owned()),
            ("FINGERPRINT_SECRET", "any".to_owned()),
            ("QUEUE_URL", self.aws.queue_url("work")),
            ("DEAD_LETTER_URL", self.aws.queue_url("dead")),
            ("WIX_BASE_URL", self.stack.wix.base_url()),
            ("WIX_APP_ID", wix.app_id),
            ("WIX_APP_SECRET", wix.app_secret),
            ("AWS_ENDPOINT_URL_SQS", self.aws.url()),
            ("AWS_ENDPOINT_URL_DYNAMODB", self.table()?.endpoint()),
        ];
        environment.extend(own);
        let running = Running::start(function, &environment).await?;
        self.table()?.reset_usage();
        Ok(running)
    }

    fn table(&self) -> anyhow::Result<&Dynamo> {
        self.stack.dynamo().context("the stack has a table")
    }

    /// Nothing was given up, and nothing was done that the function's role does not allow.
    fn assert_calm(&self, function: &str) -> anyhow::Result<()> {
        assert_eq!(self.dead_letters.to_json(), json!([]));
        let table = self.table()?.usage().calls;
        assert!(!table.is_empty(), "{function} asks the table");
        let operations = table.into_keys().map(|operation| format!("DynamoDB_20120810.{operation}"));
        assert_allowed(function, operations.chain(self.aws.calls().into_keys()));
        Ok(())
    }
}

/// The role of a function in the template allows it these operations, named as the SDKs name them on the wire.
fn assert_allowed(function: &str, operations: impl IntoIterator<Item = String>) {
    let services = BTreeMap::from([("DynamoDB_20120810", "dynamodb"), ("AmazonSQS", "sqs"), ("AmazonSSM", "ssm"), ("AWSEvents", "events")]);
    let allowed = allowed_actions(function);
    for operation in operations {
        let (service, name) = operation.split_once('.').unwrap();
        // A transaction needs what its items need one by one; all of ours put some.
        let name = if name == "TransactWriteItems" { "PutItem" } else { name };
        let action = format!("{}:{name}", services[service]);
        assert!(allowed.contains(&action), "the role of {function} does not allow {action}");
    }
}

/// Where cargo puts a function's binary: beside the folder of this test's own.
fn binary(function: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(build).join(function)
}

/// Builds the functions, which cargo does not do for the tests of another package; returns the folder.
fn build() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let folder = own.ancestors().nth(2).unwrap();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let profile = match folder.file_name().unwrap().to_str().unwrap() {
        "debug" => "dev",
        profile => profile,
    };
    // The same selection as `cargo test --workspace`, so that features come out the same and nothing is built twice.
    let binaries = ["webhook-intake", "contact-sync", "form-upsert", "inbox-relay", "scheduled-export"];
    let selected = ["--workspace", "--test", "it"].into_iter().chain(binaries.into_iter().flat_map(|binary| ["--bin", binary]));
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--locked", "--profile", profile])
        .args(selected)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("CARGO_TARGET_DIR", folder.parent().unwrap())
        .status();
    assert!(status.unwrap().success(), "the functions do not build");
    folder.to_owned()
}

/// The samples of a function as they are in the repository, by name.
fn samples(function: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events").join(function);
    let mut samples: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| named(&entry.unwrap().path())).collect();
    samples.sort();
    samples
}

fn named(path: &Path) -> (String, String) {
    (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(path).unwrap())
}
