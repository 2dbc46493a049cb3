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
    /// From etcd through the agent to VPP. Needs `etcd` on the path.
    E2e(EndToEnd),
}

#[derive(clap::Args)]
pub(crate) struct EndToEnd {
    /// The API socket of a real VPP; without it a simulated one is taken.
    #[arg(long)]
    vpp: Option<PathBuf>,
    /// The agent to measure; without it one is built with the release profile.
    #[arg(long)]
    agent: Option<PathBuf>,
    /// Numbers of routes [default: 1000,10000,100000]
    #[arg(long)]
    routes: Option<String>,
}

#[derive(clap::Args)]
pub(crate) struct Vpp {
    /// The API socket of a real VPP; without it a simulated one is taken.
    #[arg(long)]
    socket: Option<PathBuf>,
}

pub(crate) fn run(which: &Bench) -> Outcome {
    let (package, bench, flag, vpp, routes) = match which {
        Bench::Client(vpp) => ("vpp-client", "client", "--socket", &vpp.socket, None),
        Bench::Calls(vpp) => ("conformance", "calls", "--socket", &vpp.socket, None),
        Bench::E2e(e2e) => ("vpp-agent", "e2e", "--vpp", &e2e.vpp, e2e.routes.as_ref()),
    };
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["bench", "--quiet", "-p", package, "--bench", bench, "--"]).current_dir(root());
    if let Some(socket) = vpp {
        // A path from here, where the benchmark starts from the root.
        cargo.arg(flag).arg(std::path::absolute(socket)?);
    }
    if let Bench::E2e(EndToEnd { agent: Some(agent), .. }) = which {
        cargo.arg("--agent").arg(std::path::absolute(agent)?);
    }
    if let Some(routes) = routes {
        cargo.args(["--routes", routes]);
    }
    Ok(if cargo.status()?.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
