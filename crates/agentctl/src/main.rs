//! `agentctl`: the command line of the VPP agent.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod agent;
mod check;
mod matrix;
mod stats;
mod trace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "agentctl", version, about = "The command line of the VPP agent")]
struct Cli {
    #[command(flatten)]
    target: agent::Target,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// What has to do with VPP.
    #[command(subcommand)]
    Vpp(Vpp),
    #[command(flatten)]
    Agent(agent::Question),
}

#[derive(Subcommand)]
enum Vpp {
    /// Tell what the agent would decide about a VPP: exit status 0 if it takes it, 1 if not, 2 if it cannot be told.
    Check(check::Arguments),
    /// List what each area of calls needs of each release, and what it costs.
    Matrix(matrix::Arguments),
    /// Show a recording of API messages, such as `vpp-agent --api-trace` makes.
    Trace(trace::Arguments),
    /// Show what a VPP counts: exit status 0, or 2 if it cannot be read.
    Stats(stats::Arguments),
}

#[derive(Clone, Copy, Default, clap::ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Table,
    /// For machines.
    Json,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match &cli.command {
        Command::Vpp(Vpp::Check(arguments)) => check::run(arguments),
        Command::Vpp(Vpp::Matrix(arguments)) => Ok(matrix::run(arguments)),
        Command::Vpp(Vpp::Stats(arguments)) => stats::run(arguments),
        Command::Vpp(Vpp::Trace(arguments)) => trace::run(arguments),
        Command::Agent(question) => agent::run(&cli.target, question),
    };
    done.unwrap_or_else(|e| {
        eprintln!("error: {e}");
        ExitCode::from(2)
    })
}
