//! `cargo xtask bench`: benchmarks by what they measure.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::{Outcome, root};

#[derive(clap::Subcommand)]
pub(crate) enum Bench {
    /// The client beside a loop that only moves frames, on the same VPP.
    Client(Client),
}

#[derive(clap::Args)]
pub(crate) struct Client {
    /// The API socket of a real VPP; without it a simulated one is taken.
    #[arg(long)]
    socket: Option<PathBuf>,
}

pub(crate) fn run(bench: &Bench) -> Outcome {
    let Bench::Client(client) = bench;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["bench", "--quiet", "-p", "vpp-client", "--bench", "client", "--"]).current_dir(root());
    if let Some(socket) = &client.socket {
        // A path from here, where the benchmark starts from the root.
        cargo.arg("--socket").arg(std::path::absolute(socket)?);
    }
    Ok(if cargo.status()?.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
