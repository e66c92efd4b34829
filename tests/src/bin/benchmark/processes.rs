//! What the functions' real binaries take as processes, over the Lambda Runtime API: until the first answer, for each further one, and in
//! memory. What they call (bus, table, vendors) is in this process and speaks plain HTTP.

mod subject;

use std::{
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::Context;
use contact_bridge_local::cloud::{process::Process, runtime_api::RuntimeApi};
use serde_json::Value;

use self::subject::Subject;
use super::median;

/// Invocations of each warm process.
const WARM: usize = 400;
/// Contacts changed, each carried over by the warm `contact-sync`: as many as `HubSpot`'s pace lets through without a pause.
const UPDATES: usize = 15;

/// Prints the table.
pub(super) fn run(rounds: usize) -> anyhow::Result<()> {
    let folder = build()?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(measure(&folder, rounds))
}

/// A running process and what it answered so far.
struct Running {
    api: RuntimeApi,
    process: Process,
}

impl Running {
    /// Starts a process with an event waiting for it; tells how long the answer took.
    async fn start(binary: PathBuf, subject: &Subject) -> anyhow::Result<(Self, f64)> {
        let api = RuntimeApi::start(subject.binary).await?;
        let begun = Instant::now();
        let process = Process::spawn(&binary, &api, subject.env.iter().map(|(name, value)| (name, value)))?;
        let running = Self { api, process };
        running.answer(subject, subject.event.clone()).await?;
        Ok((running, milliseconds(begun.elapsed())))
    }

    /// Invokes it and checks the answer; tells how long that took.
    async fn answer(&self, subject: &Subject, event: Value) -> anyhow::Result<f64> {
        let begun = Instant::now();
        let answer = self.api.invoke(event).await.map_err(|error| anyhow::anyhow!("{error}: {}", self.process.logs().join("\n")))?;
        let taken = milliseconds(begun.elapsed());
        anyhow::ensure!((subject.is_right)(&answer), "{} answered {answer}", subject.binary);
        Ok(taken)
    }

    /// The most memory the process has had so far, in MB.
    fn memory(&self) -> anyhow::Result<f64> {
        let id = self.process.id().context("the process runs")?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).and_then(|line| line.split_whitespace().next());
        Ok(peak.context("Linux tells the peak")?.parse::<f64>()? / 1024.0)
    }
}

/// Figures of one subject.
#[derive(Default)]
struct Figures {
    cold: Vec<f64>,
    warm: Vec<f64>,
}

#[expect(clippy::print_stdout, reason = "the command's answer")]
async fn measure(folder: &std::path::Path, rounds: usize) -> anyhow::Result<()> {
    let world = subject::World::start().await?;
    let subjects = world.subjects()?;
    let mut figures: Vec<Figures> = subjects.iter().map(|_| Figures::default()).collect();
    let mut running = Vec::new();
    for _ in 0..rounds {
        running.clear();
        for (subject, figures) in subjects.iter().zip(&mut figures) {
            let (process, taken) = Running::start(folder.join(subject.binary), subject).await?;
            figures.cold.push(taken);
            running.push(process);
        }
    }
    for _ in 0..WARM {
        for ((subject, figures), process) in subjects.iter().zip(&mut figures).zip(&running) {
            figures.warm.push(process.answer(subject, subject.event.clone()).await?);
        }
    }
    let (sync, process) = subjects.iter().zip(&running).next_back().context("there are subjects")?;
    let mut updates = Vec::new();
    for _ in 0..UPDATES {
        updates.push(process.answer(sync, world.update().await?).await?);
    }
    println!("{rounds} starts, {WARM} warm invocations, {UPDATES} updates; each function in turn; milliseconds, medians");
    println!("{:<44}{:>7}{:>7}{:>8}{:>7}{:>7}{:>9}", "", "cold", "ratio", "warm", "p99", "ratio", "memory");
    let bare = figures.first().map(|bare| (median(bare.cold.clone()), median(bare.warm.clone()))).unwrap_or_default();
    for ((subject, figures), process) in subjects.iter().zip(figures).zip(&running) {
        let p99 = percentile(&figures.warm, 99);
        let (cold, warm) = (median(figures.cold), median(figures.warm));
        let (cold_ratio, warm_ratio, memory) = (cold / bare.0, warm / bare.1, process.memory()?);
        let what = format!("{}: {}", subject.binary, subject.what);
        println!("{what:<44}{cold:>7.1}{cold_ratio:>7.1}{warm:>8.2}{p99:>7.2}{warm_ratio:>7.1}{memory:>6.1} MB");
    }
    println!("{:<44}{:>7}{:>7}{:>8.2}", "contact-sync: an update", "", "", median(updates));
    Ok(())
}

/// Builds the binaries as this one is built; returns their folder.
fn build() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.parent().context("a binary lies in a folder")?.to_owned();
    let target = folder.parent().context("a profile's folder lies in the target folder")?;
    let release = folder.ends_with("release").then_some("--release");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let binaries = ["--workspace", "--bin", "webhook-intake", "--bin", "contact-sync", "--bin", "bare-function"];
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--locked"]).args(release).args(binaries);
    let built = command.current_dir(env!("CARGO_MANIFEST_DIR")).env("CARGO_TARGET_DIR", target).status()?;
    anyhow::ensure!(built.success(), "the functions do not build");
    Ok(folder)
}

fn milliseconds(taken: Duration) -> f64 {
    taken.as_secs_f64() * 1_000.0
}

fn percentile(figures: &[f64], percent: usize) -> f64 {
    let mut figures = figures.to_vec();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() * percent / 100).copied().unwrap_or_default()
}
