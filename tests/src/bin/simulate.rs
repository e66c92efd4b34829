//! `cargo simulate --seeds 10000`: histories of the shipped flows under failures, judged by a checker that knows every edit.

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use clap::{Parser, ValueEnum};
use contact_bridge::{adapters::memory::Store, ports::LinkStore};
use contact_bridge_tests::simulation::{
    history::{self, Verdict},
    plants::Plant,
};

/// Histories of the shipped flows under failures.
#[derive(Parser)]
struct Arguments {
    /// How many histories.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// A bug to plant; `all` runs each of them until it is found.
    #[arg(long, default_value = "none")]
    plant: String,
    /// Tell every step; for one seed, on one thread.
    #[arg(long)]
    verbose: bool,
    /// Print the trace hash of every seed.
    #[arg(long)]
    traces: bool,
    /// How many threads.
    #[arg(long, default_value_t = 2)]
    threads: u64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.verbose {
        tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).with_target(false).without_time().init();
    }
    let passed = if arguments.plant == "all" { plants(&arguments) } else { plain(&arguments) };
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn stores() -> Arc<dyn LinkStore> {
    Arc::new(Store::new())
}

#[expect(clippy::print_stdout, reason = "the command's answer")]
fn plain(arguments: &Arguments) -> bool {
    let plant = Plant::from_str(&arguments.plant, true).unwrap_or_default();
    let begun = Instant::now();
    let verdicts = run(arguments, plant, false);
    let seconds = begun.elapsed().as_secs_f64();
    let bad: Vec<_> = verdicts.iter().filter(|verdict| !verdict.violations.is_empty()).collect();
    for verdict in bad.iter().take(20) {
        println!("seed {}: {}", verdict.seed, verdict.violations.join("; "));
    }
    if arguments.traces {
        for verdict in &verdicts {
            println!("seed {} trace {:016x}", verdict.seed, verdict.trace);
        }
    }
    let trace = verdicts.iter().fold(0_u64, |sum, verdict| sum.rotate_left(7) ^ verdict.trace);
    let (edits, events) = verdicts.iter().fold((0, 0), |(edits, events), verdict| (edits + verdict.edits, events + verdict.events));
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = verdicts.len() as f64 / seconds;
    println!(
        "{} histories, {edits} edits, {events} events in {seconds:.1} s: {rate:.0} histories/s, {} with violations, trace {trace:016x}",
        verdicts.len(),
        bad.len()
    );
    bad.is_empty()
}

#[expect(clippy::print_stdout, reason = "the command's answer")]
fn plants(arguments: &Arguments) -> bool {
    let mut all = true;
    for plant in Plant::all() {
        let verdicts = run(arguments, plant, true);
        let found = verdicts.iter().find(|verdict| !verdict.violations.is_empty());
        match found {
            Some(verdict) => {
                println!("{plant:?}: found by seed {}: {}", verdict.seed, verdict.violations.first().map_or("", String::as_str));
            }
            None => println!("{plant:?}: NOT FOUND in {} histories", arguments.seeds),
        }
        all &= found.is_some();
    }
    all
}

/// Runs the seeds on all threads; stops at the first violation if asked to.
fn run(arguments: &Arguments, plant: Plant, first: bool) -> Vec<Verdict> {
    let next = Arc::new(AtomicU64::new(arguments.from));
    let end = arguments.from + arguments.seeds;
    let work = move |next: Arc<AtomicU64>| {
        let mut verdicts = Vec::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return verdicts;
            }
            let verdict = history::run(seed, plant, &stores);
            if first && !verdict.violations.is_empty() {
                next.store(end, Ordering::Relaxed);
            }
            verdicts.push(verdict);
        }
    };
    let threads: Vec<_> = (0..arguments.threads).map(|_| next.clone()).map(|next| std::thread::spawn(move || work(next))).collect();
    let mut verdicts: Vec<Verdict> = threads.into_iter().flat_map(|thread| thread.join().expect("a history does not panic")).collect();
    verdicts.sort_by_key(|verdict| verdict.seed);
    verdicts
}
