//! `cargo hostile`: feeds every parser that sees bytes from outside with bodies it takes, made worse; those that are signed are signed as they
//! then are. A panic ends it with the seed and the bytes; a refusal that is dearer than a good request does too.

mod mutate;
mod targets;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::Parser;
use rand::{SeedableRng, rngs::SmallRng, seq::IndexedRandom};

use self::{mutate::mutate, targets::Target};

/// Bytes that mean no good, for every parser that sees bytes from outside.
#[derive(Parser)]
struct Arguments {
    /// How long, in seconds, shared by all parsers.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// The seed of everything random.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only parsers whose names contain this.
    #[arg(long, default_value = "")]
    only: String,
}

/// How much dearer the typical refusal may be than the typical good request; more is more than the machine's noise.
const DEARER: f64 = 1.5;

/// What came of a parser's time.
#[derive(Default)]
struct Tally {
    good: Vec<Duration>,
    refused: Vec<Duration>,
    accepted: usize,
    panic: Option<Vec<u8>>,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let targets: Vec<_> = targets::all()?.into_iter().filter(|target| target.name.contains(&arguments.only)).collect();
    let share = Duration::from_secs(arguments.seconds) / u32::try_from(targets.len().max(1))?;
    head();
    let mut bad = 0;
    for (target, seed) in targets.iter().zip(arguments.seed..) {
        let tally = torment(target, share, seed);
        bad += u32::from(!report(target, &tally, seed));
    }
    Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Feeds a parser for a while; one body in four is a good one, so that both are timed under the same conditions.
fn torment(target: &Target, share: Duration, seed: u64) -> Tally {
    let mut random = SmallRng::seed_from_u64(seed);
    let mut tally = Tally::default();
    let mut pool = target.good.clone();
    let longest = pool.iter().map(Vec::len).max().unwrap_or_default();
    let begun = Instant::now();
    for round in 0_u64.. {
        if begun.elapsed() > share {
            break;
        }
        let is_good = round % 4 == 0;
        let from = if is_good { &target.good } else { &pool };
        let Some(body) = from.choose(&mut random) else { break };
        let body = if is_good { body.clone() } else { mutate(body, &pool, &mut random) };
        let started = Instant::now();
        let Ok(accepted) = catch_unwind(AssertUnwindSafe(|| (target.run)(&body))) else {
            tally.panic = Some(body);
            break;
        };
        let took = started.elapsed();
        match (is_good, accepted) {
            (true, _) => tally.good.push(took),
            (false, false) => tally.refused.push(took),
            (false, true) => {
                tally.accepted += 1;
                // What is still taken is worth making worse; but a longer body is dearer, whether it is taken or refused, and is not bred.
                if pool.len() < 500 && body.len() <= longest {
                    pool.push(body);
                }
            }
        }
    }
    tally
}

fn median(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

#[expect(clippy::print_stdout, reason = "the command's answer")]
fn head() {
    println!("{:<40}{:>10}{:>10}{:>10}{:>12}{:>12}{:>8}", "parser", "bodies", "taken", "refused", "good", "refusal", "ratio");
}

/// Shows what came of a parser; tells whether it did well.
#[expect(clippy::print_stdout, reason = "the command's answer")]
fn report(target: &Target, tally: &Tally, seed: u64) -> bool {
    let bodies = tally.good.len() + tally.refused.len() + tally.accepted;
    let (good, refusal) = (median(&tally.good), median(&tally.refused));
    let ratio = refusal.as_secs_f64() / good.as_secs_f64().max(f64::MIN_POSITIVE);
    let (taken, refused) = (tally.accepted, tally.refused.len());
    println!("{:<40}{bodies:>10}{taken:>10}{refused:>10}{good:>12.1?}{refusal:>12.1?}{ratio:>8.2}", target.name);
    if let Some(body) = &tally.panic {
        println!("  panicked, with --only \"{}\" --seed {seed}: {}", target.name, String::from_utf8_lossy(body).escape_debug());
        return false;
    }
    if ratio > DEARER {
        println!("  a refusal is dearer than a good request");
        return false;
    }
    true
}
