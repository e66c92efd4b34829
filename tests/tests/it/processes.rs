//! The functions' real binaries as processes, driven through the Lambda Runtime API with the files of `events/`.

mod contact_sync;
mod form_upsert;
mod inbox_relay;
mod webhook_intake;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use contact_bridge_local::cloud::{process::Process, runtime_api::RuntimeApi};
use serde_json::Value;

/// A function's process and the API that feeds it.
struct Running {
    api: RuntimeApi,
    process: Process,
}

impl Running {
    async fn start(function: &str, env: &[(&str, String)]) -> anyhow::Result<Self> {
        let api = RuntimeApi::start(function).await?;
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
    let binaries = ["webhook-intake", "contact-sync", "form-upsert", "inbox-relay"];
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
