//! `vpp-sim`: a simulated VPP of any release behind its API socket.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use nix::sys::signal::{SigSet, Signal};
use vpp_sim::stats::StatsOptions;
use vpp_sim::{Options, Release, Sim};

/// A simulated VPP of any release behind its API socket.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The release to be: 20.05
    #[arg(long)]
    release: String,
    /// Where to listen; what a VPP that is gone left there is replaced
    #[arg(long, value_name = "PATH")]
    api_socket: PathBuf,
    /// Where to give statistics away
    #[arg(long, value_name = "PATH")]
    stats_socket: Option<PathBuf>,
    /// Folder of the API definitions of all releases
    #[arg(long, value_name = "DIR", env = "VPP_API_JSON", default_value = "api-json")]
    api_json: PathBuf,
    /// Append every request to a file, a line of JSON each
    #[arg(long, value_name = "FILE")]
    log_requests: Option<PathBuf>,
    /// Leave a plugin out, by the name of its API module; can be repeated
    #[arg(long, value_name = "NAME")]
    without_plugin: Vec<String>,
    /// Refuse to make TAP interfaces, as a VPP does that has no /dev/net/tun
    #[arg(long)]
    without_tap_devices: bool,
}

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_writer(std::io::stderr)
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env()
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info")),
        )
        .init();
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let release = Release::parse(&arguments.release)
        .ok_or_else(|| format!("{:?} is not a release like 20.05", arguments.release))?;
    // Blocked before there are threads, so that they wait for this one to take them.
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGTERM);
    signals.add(Signal::SIGINT);
    signals.thread_block()?;
    let options = Options {
        without_plugins: arguments.without_plugin,
        log_requests: arguments.log_requests,
        tap_devices: !arguments.without_tap_devices,
        abort_when_dead: true,
        ..Options::new(arguments.api_json)
    };
    let mut sim = Sim::new(release, options)?;
    // Served until this function returns.
    let stats =
        arguments.stats_socket.map(|path| sim.serve_stats(path, &StatsOptions::default())).transpose()?;
    let (messages, pid) = (sim.table().len(), sim.pid());
    let running = sim.serve(arguments.api_socket)?;
    tracing::info!(%release, messages, pid, socket = %running.path().display(), "serving");
    let signal = signals.wait()?;
    tracing::info!(%signal, "stopping");
    running.stop();
    drop(stats);
    Ok(())
}
