//! The command line.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use contact_bridge::{config::Variables, telemetry};
use contact_bridge_local::{
    demo::{self, Plan, Screen},
    stack::{Listen, Stack},
};
use tracing_subscriber::util::SubscriberInitExt;

/// The first of the seven ports of a demonstration that stays up.
const FIRST_PORT: u16 = 4700;

/// Contact Bridge on one machine.
#[derive(Parser)]
#[command(name = "contact-bridge-local", version, about)]
pub enum Command {
    /// Starts everything with simulated vendors, lets people work on both sides, and compares the two at the end.
    Demo(Demo),
    /// Runs the functions on this machine against the real Wix and HubSpot, with the credentials of the environment.
    Serve(Serve),
    /// Reads and saves a site's settings.
    #[command(subcommand)]
    Site(Site),
}

/// Arguments of `demo`.
#[derive(Args)]
pub struct Demo {
    /// Stays up afterwards and says where everything listens.
    #[arg(long)]
    serve: bool,
    /// Keeps links and sites in this file instead of memory.
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// The seed of everything random.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How many people there are, at least 40.
    #[arg(long, value_name = "N", default_value_t = Plan::USUAL, value_parser = people)]
    people: usize,
    /// How many new contacts another shop exports; 0 leaves that out.
    #[arg(long, value_name = "N", default_value_t = Plan::EXPORTED, value_parser = exported)]
    exported: usize,
    /// The first of seven ports to listen at; 0 takes free ones. 4700 with --serve, else free ones.
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
}

/// Arguments of `serve`.
#[derive(Args)]
pub struct Serve {
    /// Where webhooks arrive; `PUBLIC_URL` is what the vendors know of it.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4700")]
    pub listen: SocketAddr,
    /// The file links and sites are kept in.
    #[arg(long, value_name = "FILE", default_value = "contact-bridge.db")]
    pub store: PathBuf,
}

/// What to do with a site's settings.
#[derive(Subcommand)]
pub enum Site {
    /// Checks settings against both sides and saves them.
    Put {
        /// A JSON file; - reads standard input.
        file: PathBuf,
        #[command(flatten)]
        table: Table,
    },
    /// Shows a site's settings.
    Show {
        /// The Wix instance id.
        id: String,
        #[command(flatten)]
        table: Table,
    },
}

/// Where settings are kept.
#[derive(Args)]
pub struct Table {
    /// The file of `serve` or `demo`; without it the table `TABLE_NAME` of the environment's AWS account.
    #[arg(long, value_name = "FILE")]
    pub store: Option<PathBuf>,
}

/// Returns the arguments without lone `--`: `cargo demo -- --serve` passes one on, because the alias has one already. No command takes
/// anything behind one.
pub fn arguments(all: impl Iterator<Item = String>) -> impl Iterator<Item = String> {
    all.filter(|argument| argument != "--")
}

fn exported(text: &str) -> Result<usize, String> {
    let count = text.parse().map_err(|_| "must be a number".to_owned())?;
    let allowed = Plan::FEWEST_EXPORTED..=Plan::EXPORTED;
    if count == 0 || allowed.contains(&count) { Ok(count) } else { Err(format!("must be 0, or {} to {}", allowed.start(), allowed.end())) }
}

fn people(text: &str) -> Result<usize, String> {
    let count = text.parse().map_err(|_| "must be a number".to_owned())?;
    if (Plan::FEWEST..=5_000).contains(&count) { Ok(count) } else { Err(format!("must be {} to 5000", Plan::FEWEST)) }
}

impl Demo {
    /// Plays the demonstration; success only if both sides agree at the end.
    pub async fn play(self) -> anyhow::Result<ExitCode> {
        log_if_asked()?;
        let mut screen = Screen::stdout();
        let outcome = demo::play(&self.plan(), &mut screen).await?;
        if self.serve {
            stay(&outcome.stack, &mut screen).await?;
        }
        Ok(if outcome.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn plan(&self) -> Plan {
        let port = self.port.unwrap_or(if self.serve { FIRST_PORT } else { 0 });
        let listen = Listen::from_port(port);
        Plan { people: self.people, exported: self.exported, seed: self.seed, store: self.store.clone(), listen, now: self.serve }
    }
}

/// Lets the stack work by itself until the person ends it.
async fn stay(stack: &Stack, screen: &mut Screen) -> anyhow::Result<()> {
    let running = stack.run();
    let places = [
        ("control API", stack.control_url(), "/_control"),
        ("Wix", stack.wix.base_url(), "/_control"),
        ("HubSpot", stack.hubspot.base_url(), "/_control"),
        ("gateway", stack.gateway_url(), "/webhooks/wix"),
    ];
    screen.line("");
    for (name, url, path) in places {
        screen.line(&format!("  {name:<12} {url}{path}"));
    }
    screen.line(&format!("\nSites and ports: curl -s {}/_control/addresses   Ctrl-C ends it.", stack.control_url()));
    tokio::signal::ctrl_c().await?;
    drop(running);
    Ok(())
}

/// Logs to standard error, where it does not disturb the table, if the environment asks for logs.
fn log_if_asked() -> anyhow::Result<()> {
    let variables = Variables::of_process();
    if variables.optional("RUST_LOG").or_else(|| variables.optional("LOG_LEVEL")).is_some() {
        telemetry::subscriber(telemetry::filter(&variables), std::io::stderr).try_init()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory;
        Command::command().debug_assert();
    }

    #[test]
    fn a_lone_pair_of_dashes_is_left_out() {
        for line in ["x demo -- --serve --people 60", "x demo --serve --people 60"] {
            let parsed = Command::try_parse_from(arguments(line.split(' ').map(str::to_owned))).unwrap();
            assert!(matches!(parsed, Command::Demo(Demo { serve: true, people: 60, .. })), "{line}");
        }
        assert!(Command::try_parse_from(["x", "demo", "--people", "39"]).is_err());
    }
}
