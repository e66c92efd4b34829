//! `cargo simulate --seeds 10000`: histories of the shipped flows under failures, judged by a checker that knows every edit.
//!
//! | invariant | judged |
//! | --- | --- |
//! | I1 both sides are equal | at rest, and again after all events came twice more (`check/equality.rs`) |
//! | I2 no edit is lost | at rest and again: texts, cleared and set back too (`check/lost.rs`), labels (`check/labels.rs`) |
//! | I3 no spurious write | after every single act, in histories where everybody waits for their turn (`site.rs`) |
//! | I4 applied again changes nothing | vendors and store, when all events come a third time (`check.rs`) |
//! | I5 any order ends alike | all orders of a few events, of every eighth seed (`orders.rs`) |
//! | I6 links are one to one | whenever a link is stored (`witness.rs`), and at rest (`check/links.rs`) |
//! | I7 nobody is made twice | at rest (`check/links.rs`) |
//! | I8 what ended stays so | at rest, erasures on both sides (`check/endings.rs`) |
//! | I9 deletes have a reason, within the rails | whenever the bridge deletes, erases or merges (`witness.rs`) |
//! | I12 progress | the queue runs dry; dead letters of a record that cannot be read, and of no other (`site.rs`) |
//! | I14 accounting | every record is linked, ended, noted or a dead letter; notes and links agree (`check/links.rs`, `check/notes.rs`) |
//! | I15 sites are isolated | with `--again`: each site alone, in a store of its own, has the same trace |
//! | I16 a seed is a history | with `--again`: the same run |
//! | I17 values survive | whenever the bridge writes: no other spelling of what stands there (`records.rs`); at rest with I1 |
//!
//! Of scheduled runs (`--histories export`, files in `export/`):
//!
//! | invariant | judged |
//! | --- | --- |
//! | I1 both sides are equal | at rest after a full comparison (`check.rs`) |
//! | I3 no spurious write | at rest: a pass with nothing new, and a second comparison, write nothing and change no link (`check.rs`) |
//! | I6, I9 | as above (`witness.rs` of contacts) |
//! | I7 nobody is made twice | at rest (`check.rs`) |
//! | I8 what ended stays so | at rest: whose delete was dealt with has no link (`check.rs`) |
//! | I11 watermark | at rest, before anything is compared: every contact is linked, ended or noted, every change handed over (`check.rs`) |
//! | I12 progress | the site comes to rest; what is refused for good is not sent again; a run that was told to stop begins no page (`witness.rs`) |
//! | I13 budget | at every call: neither side sees more than its limit, from runs and events together; one runner at a time (`stage.rs`, `witness.rs`) |
//! | I14 accounting | whenever a checkpoint is stored; where every run went on to its end, as many pairs as were made (`witness.rs`, `check.rs`) |
//! | I15, I16 | with `--again`: each site alone has the same trace |
//!
//! Of e-mail subscribers (`--histories subscribers`, files in `subscribers/`):
//!
//! | invariant | judged |
//! | --- | --- |
//! | I3 no spurious write | at rest: complete passes with nothing new write nothing, neither to a side nor to the table (`history.rs`) |
//! | I10 consent | whenever an address gets on the list: its worker was last told that it is subscribed; no status is raised (`ports.rs`); at rest: who opted out last gets mails of neither side, who came back in Wix is not taken off again (`check.rs`) |
//! | I11 | at rest: who is subscribed and never opted out is on the list (`check.rs`) |
//! | I12 progress | it comes to rest (`history.rs`) |
//! | I16 | with `--again` |

use std::{
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use clap::{Parser, ValueEnum};
use contact_bridge_tests::simulation::{
    backend::{Backend, Tables},
    export, forms,
    history::{self, Backends, Verdict},
    orders,
    plants::{Plant, all},
    relay, subscribers,
};

/// Of so many seeds one has its orders of delivery judged.
const ORDERS_OF: u64 = 8;

/// Histories of the shipped flows under failures.
#[derive(Parser)]
struct Arguments {
    /// Of what.
    #[arg(long, value_enum, default_value_t)]
    histories: Histories,
    /// How many histories.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// A bug to plant; `all` runs each of them until it is found.
    #[arg(long, default_value = "none")]
    plant: String,
    /// Where the links are kept.
    #[arg(long, value_enum, default_value_t)]
    store: Store,
    /// Run every history a second time, each site alone with a store of its own in memory: the traces must be the same.
    #[arg(long)]
    again: bool,
    /// Tell of so many histories with violations.
    #[arg(long, default_value_t = 20)]
    tell: usize,
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

/// What the histories are of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Histories {
    /// Contacts of both sides.
    #[default]
    Contacts,
    /// Messages relayed into the Inbox (`relay/check.rs`): each appears once, in its turn, and nobody is left waiting.
    Relay,
    /// Scheduled exports and full comparisons (`export/check.rs`, `export/witness.rs`): whatever was created or changed is handed over, nobody is made twice.
    Export,
    /// E-mail subscribers and opt-outs (`subscribers/check.rs`, `subscribers/ports.rs`): nobody is sent who is not subscribed, every opt-out ends on both sides.
    Subscribers,
    /// Submissions of external forms (`forms/check.rs`, `forms/witness.rs`): each takes effect once, and nobody is subscribed against their will.
    Forms,
}

/// A bug to plant.
#[derive(Clone, Copy, Debug)]
enum Bug {
    Contacts(Plant),
    Relay(relay::Plant),
    Forms(forms::Plant),
    Export(export::Plant),
    Subscribers(subscribers::Plant),
}

impl Bug {
    fn named(histories: Histories, name: &str) -> Result<Self, String> {
        match histories {
            Histories::Contacts => Plant::from_str(name, true).map(Self::Contacts),
            Histories::Relay => relay::Plant::from_str(name, true).map(Self::Relay),
            Histories::Forms => forms::Plant::from_str(name, true).map(Self::Forms),
            Histories::Export => export::Plant::from_str(name, true).map(Self::Export),
            Histories::Subscribers => subscribers::Plant::from_str(name, true).map(Self::Subscribers),
        }
    }

    fn all(histories: Histories) -> Vec<Self> {
        match histories {
            Histories::Contacts => all().into_iter().map(Self::Contacts).collect(),
            Histories::Relay => all().into_iter().map(Self::Relay).collect(),
            Histories::Forms => all().into_iter().map(Self::Forms).collect(),
            Histories::Export => all().into_iter().map(Self::Export).collect(),
            Histories::Subscribers => all().into_iter().map(Self::Subscribers).collect(),
        }
    }
}

/// Where the links are kept.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Store {
    /// In memory.
    #[default]
    Memory,
    /// In the embedded `DynamoDB`, spoken to by the real SDK.
    Dynamodb,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    if arguments.verbose {
        tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).with_target(false).without_time().init();
    }
    let passed = match arguments.store {
        Store::Memory => judge(&arguments, &Backend::memory),
        Store::Dynamodb => {
            let tables = Tables::start()?;
            judge(&arguments, &move || tables.backend().expect("the embedded engine makes a table"))
        }
    };
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn judge(arguments: &Arguments, backends: &Backends<'_>) -> bool {
    if arguments.plant == "all" { plants(arguments, backends) } else { plain(arguments, backends) }
}

#[expect(clippy::print_stdout, reason = "the command's answer")]
fn plain(arguments: &Arguments, backends: &Backends<'_>) -> bool {
    let Ok(bug) = Bug::named(arguments.histories, &arguments.plant) else {
        println!("there is no bug called {}: {:?}", arguments.plant, Bug::all(arguments.histories));
        return false;
    };
    let begun = Instant::now();
    let verdicts = run(arguments, bug, backends, false);
    let seconds = begun.elapsed().as_secs_f64();
    let bad: Vec<_> = verdicts.iter().filter(|verdict| !verdict.violations.is_empty()).collect();
    for verdict in bad.iter().take(arguments.tell) {
        println!("seed {}: {}", verdict.seed, verdict.violations.join("; "));
    }
    if arguments.traces {
        for verdict in &verdicts {
            println!("seed {} trace {:016x}", verdict.seed, verdict.trace());
        }
    }
    let trace = verdicts.iter().fold(0_u64, |sum, verdict| sum.rotate_left(7) ^ verdict.trace());
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
fn plants(arguments: &Arguments, backends: &Backends<'_>) -> bool {
    let mut all = true;
    for bug in Bug::all(arguments.histories) {
        let verdicts = run(arguments, bug, backends, true);
        let found = verdicts.iter().find(|verdict| !verdict.violations.is_empty());
        match found {
            Some(verdict) => {
                println!("{bug:?}: found by seed {}: {}", verdict.seed, verdict.violations.first().map_or("", String::as_str));
            }
            None => println!("{bug:?}: NOT FOUND in {} histories", arguments.seeds),
        }
        all &= found.is_some();
    }
    all
}

/// Runs the seeds on all threads; stops at the first violation if asked to.
fn run(arguments: &Arguments, bug: Bug, backends: &Backends<'_>, first: bool) -> Vec<Verdict> {
    let next = AtomicU64::new(arguments.from);
    let end = arguments.from + arguments.seeds;
    let work = || {
        let mut verdicts = Vec::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return verdicts;
            }
            let verdict = one(seed, bug, backends, arguments.again);
            if first && !verdict.violations.is_empty() {
                next.store(end, Ordering::Relaxed);
            }
            verdicts.push(verdict);
        }
    };
    let mut verdicts: Vec<Verdict> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..arguments.threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a history does not panic")).collect()
    });
    verdicts.sort_by_key(|verdict| verdict.seed);
    verdicts
}

fn one(seed: u64, bug: Bug, backends: &Backends<'_>, again: bool) -> Verdict {
    match bug {
        Bug::Contacts(plant) => contacts(seed, plant, backends, again),
        Bug::Relay(plant) => twice(again, || relay::history::run(seed, plant)),
        Bug::Forms(plant) => twice(again, || forms::history::run(seed, plant)),
        Bug::Subscribers(plant) => twice(again, || subscribers::history::run(seed, plant)),
        Bug::Export(plant) => exports(seed, plant, backends, again),
    }
}

/// Runs a history, and again if asked to: its trace must be the same.
fn twice(again: bool, run: impl Fn() -> Verdict) -> Verdict {
    let mut verdict = run();
    if again && run().traces != verdict.traces {
        verdict.violations.push("I16: another run has another trace".to_owned());
    }
    verdict
}

fn exports(seed: u64, plant: export::Plant, backends: &Backends<'_>, again: bool) -> Verdict {
    let mut verdict = export::history::run(seed, plant, backends);
    if again && export::history::run_apart(seed, plant, &Backend::memory).traces != verdict.traces {
        verdict.violations.push("I15, I16: another run of each site alone has another trace".to_owned());
    }
    verdict
}

fn contacts(seed: u64, plant: Plant, backends: &Backends<'_>, again: bool) -> Verdict {
    let mut verdict = history::run(seed, plant, backends);
    if seed.is_multiple_of(ORDERS_OF) {
        verdict.violations.extend(orders::judge(seed, plant));
    }
    if again && history::run_apart(seed, plant, &Backend::memory).traces != verdict.traces {
        verdict.violations.push("I15, I16: another run of each site alone has another trace".to_owned());
    }
    verdict
}
