//! Contact Bridge on one machine, from the command line.

mod command;
mod serve;
mod settings;

use std::process::ExitCode;

use clap::Parser;

use command::Command;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    match Command::parse_from(command::arguments(std::env::args())) {
        Command::Demo(order) => order.play().await,
        Command::Serve(order) => serve::run(order).await,
        Command::Site(order) => settings::run(order).await,
    }
}
