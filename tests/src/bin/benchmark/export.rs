//! A first load of many contacts at the vendors' documented limits, and a second run that has nothing to do.
//!
//! The function is a process of its own, so that its memory is its own; the vendors, which make contacts up as they are asked for, and the
//! embedded DynamoDB are in this one. Time is virtual: it moves when the function waits, and the vendors' limiters go by it.

mod clock;
mod function;
mod people;
mod vendors;

use std::{
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;
use contact_bridge_local::{
    cloud::dynamo::{Dynamo, Storage},
    vendors::kit::Clock,
};
use serde::{Deserialize, Serialize};

pub(super) use self::function::Place;
use self::vendors::{Counts, Vendors};

/// The table, as the template names it.
const TABLE: &str = "contact-bridge";

/// What a run took.
#[derive(Debug, Serialize, Deserialize)]
struct Taken {
    /// From its beginning to the end of its last page, in virtual milliseconds.
    virtual_ms: i64,
    /// The same in real milliseconds.
    real_ms: u64,
    /// The most memory the process has had so far, in kilobytes.
    peak_kb: u64,
    /// Invocations of the function.
    invocations: u32,
    /// Contacts made, and those the account knows of.
    created: u64,
    accounted: u64,
    /// Records handed to contact sync.
    handed_over: u64,
    read_units: f64,
    write_units: f64,
    /// What the vendors saw.
    counts: Counts,
}

/// Both runs of a size.
#[derive(Debug, Serialize, Deserialize)]
struct Report {
    /// Memory before the first run, in kilobytes.
    rested_kb: u64,
    first: Taken,
    second: Taken,
}

/// The function's process: it runs the export of a place and prints what that took.
pub(super) fn be_the_function(place: &Place) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(function::measure(place))
}

/// Prints the figures of each size.
#[expect(clippy::print_stdout, reason = "the command's answer")]
pub(super) fn run(sizes: &[u64]) -> anyhow::Result<()> {
    println!(
        "{:>9}{:>10}{:>10}{:>8}{:>9}{:>11}{:>13}{:>7}{:>9}{:>9}{:>10}",
        "contacts", "virtual s", "least s", "%", "refused", "pages", "batches", "other", "peak MB", "of it", "real s"
    );
    let mut reports = Vec::new();
    for size in sizes {
        let report = of(*size)?;
        print_first(*size, &report)?;
        reports.push((*size, report));
    }
    println!(
        "\n{:>9}{:>16}{:>16}{:>14}{:>14}{:>14}{:>14}",
        "contacts", "writes/million", "reads/million", "again: pages", "CRM writes", "write units", "read units"
    );
    for (size, Report { first, second, .. }) in &reports {
        let per_million = |units: f64| units * 1e6 / as_figure(*size);
        let [writes, reads] = [first.write_units, first.read_units].map(per_million);
        let Taken { counts, write_units, read_units, .. } = second;
        let again = counts.of("batch/upsert");
        println!("{size:>9}{writes:>16.0}{reads:>16.0}{:>14}{again:>14}{write_units:>14.1}{read_units:>14.1}", counts.of("query"));
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the command's answer")]
fn print_first(size: u64, report: &Report) -> anyhow::Result<()> {
    let Taken { virtual_ms, real_ms, peak_kb, counts, .. } = &report.first;
    let (pages, batches) = (size.div_ceil(1_000), size.div_ceil(100));
    // 200 pages in a minute at most, and 100 batches in ten seconds.
    let least = (as_figure(pages) * 0.3).max(as_figure(batches) * 0.1);
    let taken = as_figure(u64::try_from(*virtual_ms)?) / 1e3;
    let (listed, sent) = (counts.of("query"), counts.of("batch/upsert"));
    anyhow::ensure!(counts.twice == 0 && counts.made == size, "{} made, {} twice, of {size}", counts.made, counts.twice);
    let [peak, own] = [*peak_kb, peak_kb.saturating_sub(report.rested_kb)].map(|kb| as_figure(kb) / 1024.0);
    println!(
        "{size:>9}{taken:>10.1}{least:>10.1}{:>8.1}{:>9}{:>11}{:>13}{:>7}{peak:>9.1}{own:>9.1}{:>10.1}",
        least / taken * 100.0,
        counts.refused,
        format!("{listed}/{pages}"),
        format!("{sent}/{batches}"),
        counts.total() - listed - sent,
        as_figure(*real_ms) / 1e3,
    );
    Ok(())
}

/// Measures one size, with a table and vendors of its own.
fn of(contacts: u64) -> anyhow::Result<Report> {
    let clock = Clock::manual(people::NOW_MS);
    let (vendors, table) = (Server::start(Vendors::new(contacts, &clock))?, Table::start(&clock)?);
    let place = serde_json::to_string(&Place { vendors: vendors.url.clone(), table: table.endpoint.clone(), contacts })?;
    let mut command = Command::new(std::env::current_exe()?);
    let begun = Instant::now();
    let output = command.args(["export", "--function", &place]).stderr(Stdio::inherit()).output()?;
    anyhow::ensure!(output.status.success(), "the function failed after {:?}", begun.elapsed());
    serde_json::from_slice(&output.stdout).context("the function's report")
}

/// Vendors at work on a thread of their own, which takes calls in the order in which they come.
struct Server {
    url: String,
}

impl Server {
    fn start(vendors: Vendors) -> anyhow::Result<Self> {
        let (tell, told) = std::sync::mpsc::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        thread::spawn(move || runtime.block_on(vendors.serve(&tell)));
        Ok(Self { url: told.recv_timeout(Duration::from_secs(10)).context("the vendors listen")? })
    }
}

/// The embedded DynamoDB on a thread of its own.
struct Table {
    endpoint: String,
}

impl Table {
    fn start(clock: &Clock) -> anyhow::Result<Self> {
        let (tell, told) = std::sync::mpsc::channel();
        let (runtime, clock) = (tokio::runtime::Builder::new_current_thread().enable_all().build()?, clock.clone());
        thread::spawn(move || {
            runtime.block_on(async {
                let dynamo = Dynamo::start(&Storage::Memory, &clock).await?;
                dynamo.create_table(TABLE)?;
                tell.send(dynamo.endpoint())?;
                std::future::pending::<anyhow::Result<()>>().await
            })
        });
        Ok(Self { endpoint: told.recv_timeout(Duration::from_secs(10)).context("the table is there")? })
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn as_figure(count: u64) -> f64 {
    count as f64
}
