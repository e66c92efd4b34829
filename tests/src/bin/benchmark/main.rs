//! `cargo benchmark intake`, `sync`, `export`, `recipe`, `align`, `forms`, `relay`, `costs` and `processes`: the figures of `docs/performance.md`.

mod align;
mod costs;
mod export;
mod forms;
mod intake;
mod processes;
mod recipe;
mod relay;
mod sync;

use clap::{Parser, Subcommand};

/// The figures of `docs/performance.md`.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Webhooks verified, parsed and made ready to publish, against bare RS256 verification.
    Intake {
        /// Rounds of each, alternating.
        #[arg(long, default_value_t = 301)]
        rounds: usize,
    },
    /// Contacts synchronised over stores in memory, against writing and reading the contact as JSON.
    Sync {
        /// Rounds of each, alternating.
        #[arg(long, default_value_t = 15)]
        rounds: usize,
    },
    /// First loads of a CRM at the vendors' limits, in virtual time, and a second run of each.
    Export {
        /// How many contacts there are, each size in turn.
        #[arg(default_values_t = [10_000, 100_000, 1_000_000])]
        contacts: Vec<u64>,
        /// Is the function of a run.
        #[arg(long, hide = true)]
        function: Option<export::Place>,
    },
    /// Posts to a form over the local stack, against a bare round trip.
    Forms {
        /// Posts of each kind, in turns.
        #[arg(long, default_value_t = 500)]
        posts: usize,
    },
    /// The recipe for scheduled exports, to the letter, beside the bridge: which scenarios each fails.
    Recipe,
    /// Two full sides aligned for the first time, killed and resumed, and recounted by somebody who knows who is who.
    Align {
        /// How many contacts each side has.
        #[arg(long, default_value_t = 100_000)]
        contacts: usize,
        /// Keeps the links in the embedded DynamoDB, and not in memory.
        #[arg(long)]
        table: bool,
    },
    /// Vendor calls and DynamoDB units of a fresh update, an echo and a duplicate.
    Costs,
    /// Messages relayed into the Inbox over the whole path, against a bare round trip; their vendor calls and DynamoDB units.
    Relay {
        /// Rounds of 200 messages.
        #[arg(long, default_value_t = 5)]
        rounds: usize,
    },
    /// Start, round trip and memory of the functions' binaries, against a function that does nothing.
    Processes {
        /// Starts of each, in turn.
        #[arg(long, default_value_t = 21)]
        rounds: usize,
    },
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().what {
        What::Intake { rounds } => intake::run(rounds),
        What::Sync { rounds } => sync::run(rounds),
        What::Export { function: Some(place), .. } => export::be_the_function(&place),
        What::Export { contacts, function: None } => export::run(&contacts),
        What::Forms { posts } => forms::run(posts),
        What::Align { contacts, table } => align::run(contacts, table),
        What::Costs => costs::run(),
        What::Recipe => recipe::run(),
        What::Relay { rounds } => relay::run(rounds),
        What::Processes { rounds } => processes::run(rounds),
    }
}

/// Returns the median of figures.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

/// Returns how often per second something happened.
#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
fn rate(times: usize, begun: std::time::Instant) -> f64 {
    times as f64 / begun.elapsed().as_secs_f64()
}

/// Returns how often per second something happens that takes these times.
#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
fn rate_of(times: &[std::time::Duration]) -> f64 {
    times.len() as f64 / times.iter().sum::<std::time::Duration>().as_secs_f64()
}

/// Returns how many fall to one.
#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn per(count: u64, of: usize) -> f64 {
    count as f64 / of as f64
}
