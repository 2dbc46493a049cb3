//! `cargo xtask bench`: benchmarks by what they measure.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::{Outcome, root};

#[derive(clap::Subcommand)]
pub(crate) enum Bench {
    /// The client beside a loop that only moves frames, on the same VPP.
    Client(Vpp),
    /// Calls issued together beside a loop that sends the very same frames.
    Calls(Vpp),
}

#[derive(clap::Args)]
pub(crate) struct Vpp {
    /// The API socket of a real VPP; without it a simulated one is taken.
    #[arg(long)]
    socket: Option<PathBuf>,
}

pub(crate) fn run(bench: &Bench) -> Outcome {
    let (package, bench, vpp) = match bench {
        Bench::Client(vpp) => ("vpp-client", "client", vpp),
        Bench::Calls(vpp) => ("conformance", "calls", vpp),
    };
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["bench", "--quiet", "-p", package, "--bench", bench, "--"]).current_dir(root());
    if let Some(socket) = &vpp.socket {
        // A path from here, where the benchmark starts from the root.
        cargo.arg("--socket").arg(std::path::absolute(socket)?);
    }
    Ok(if cargo.status()?.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
