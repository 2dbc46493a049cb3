//! `cargo xtask`: development and maintenance tasks.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod api;
mod bench;
mod call;
mod changes;
mod check;
mod demo;
mod test;
mod vpp;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Development and maintenance tasks of the VPP agent")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Take the API definitions of a VPP install into `api-json/`.
    Import(api::ImportArgs),
    /// Write binapi/ from api-json/, after importing a release if one is named.
    Gen(api::GenArgs),
    /// Compare the APIs of two releases or folders.
    Diff(changes::DiffArgs),
    /// Tell what is noteworthy about the definitions of all releases.
    Lint(changes::LintArgs),
    /// Tell what the agent would decide about a VPP; the same as `agentctl vpp check`.
    Check(check::CheckArgs),
    /// List what each area of calls needs of each release, and what it costs; the same as `agentctl vpp matrix`.
    Matrix(check::MatrixArgs),
    /// Walk through what the agent does, against a simulated VPP or a real one.
    Demo(demo::DemoArgs),
    /// Send any message to a VPP by hand.
    Vpp(call::VppArgs),
    /// Measure what is promised about speed.
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Run all tests: unit, property, recorded frames, the demo on all releases.
    Test(test::TestArgs),
}

type Outcome = Result<ExitCode, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        Command::Import(args) => api::import(&args),
        Command::Gen(args) => api::generate(&args),
        Command::Diff(args) => changes::diff(&args),
        Command::Lint(args) => changes::lint(&args),
        Command::Check(args) => check::run(&args),
        Command::Matrix(args) => check::matrix(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Vpp(args) => call::run(args),
        Command::Bench(what) => bench::run(&what),
        Command::Test(args) => test::run(&args),
    };
    outcome.unwrap_or_else(|e| {
        eprintln!("error: {e}");
        ExitCode::FAILURE
    })
}

/// The root of the checkout.
fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(PathBuf::from).unwrap_or(here)
}
