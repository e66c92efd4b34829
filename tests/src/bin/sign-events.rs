//! Writes the sample events, signed with the test keys.

use std::path::PathBuf;

use clap::Parser;
use contact_bridge_tests::samples;
use jiff::Timestamp;

/// Writes the sample events, signed with the test keys.
#[derive(Parser)]
struct Arguments {
    /// The folder to write to.
    #[arg(long, default_value = "events")]
    out: PathBuf,
    /// Sign them as sent now, instead of at the fixed time of the files in the repository.
    #[arg(long)]
    now: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let sent = if arguments.now { Timestamp::now() } else { Timestamp::from_second(samples::SENT)? };
    samples::write(&samples::all(sent), &arguments.out)?;
    Ok(())
}
