//! `agentctl`: the command line of the VPP agent.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod check;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "agentctl", version, about = "The command line of the VPP agent")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// What has to do with VPP.
    #[command(subcommand)]
    Vpp(Vpp),
}

#[derive(Subcommand)]
enum Vpp {
    /// Tell which supported releases a VPP is compatible with: exit status 0 with any, 1 with none, 2 if it cannot be told.
    Check(check::Arguments),
}

fn main() -> ExitCode {
    let Command::Vpp(Vpp::Check(arguments)) = Cli::parse().command;
    check::run(&arguments).unwrap_or_else(|e| {
        eprintln!("error: {e}");
        ExitCode::from(2)
    })
}
