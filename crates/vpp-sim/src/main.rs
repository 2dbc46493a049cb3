//! `vpp-sim`: a simulated VPP of any release behind its API socket.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use nix::sys::signal::{SigSet, Signal};
use vpp_sim::{Nic, Options, Release, Running, Sim};

/// A simulated VPP of any release behind its API socket.
///
/// It serves until it gets SIGTERM or SIGINT, and takes its socket files along. What it logs goes to stderr; RUST_LOG
/// sets the level. docs/simulator.md says what is simulated and how to have it misbehave.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The release to be: 20.05; any that has a folder of definitions
    #[arg(long, value_name = "RELEASE", value_parser = release)]
    release: Release,
    /// Where to listen; what a VPP that is gone left there is replaced
    #[arg(long, value_name = "PATH")]
    api_socket: PathBuf,
    /// Where to take commands: a line of JSON each, answered by a line of JSON. With it a VPP that dies does not end
    /// the process, so that it can be started again
    #[arg(long, value_name = "PATH")]
    control_socket: Option<PathBuf>,
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
    /// Refuse memif sockets, as a VPP does that cannot write where they are to be
    #[arg(long)]
    without_memif_sockets: bool,
    /// An interface of the host, for AF_PACKET; can be repeated. Without, there is every name but `absent...`
    #[arg(long, value_name = "NAME")]
    host_interface: Vec<String>,
    /// VPP's runtime directory, where relative names of memif sockets lead
    #[arg(long, value_name = "DIR", default_value = "/run/vpp")]
    runtime_dir: String,
    /// A NIC that is there from the start, GigabitEthernet0/8/0=02:fe:00:00:00:01; can be repeated
    #[arg(long, value_name = "NAME=MAC")]
    nic: Vec<Nic>,
}

fn release(text: &str) -> Result<Release, String> {
    Release::parse(text).ok_or_else(|| "not a release like 20.05".to_string())
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
    // Blocked before there are threads, so that they wait for this one to take them.
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGTERM);
    signals.add(Signal::SIGINT);
    signals.thread_block()?;
    let running = start(arguments)?;
    let signal = signals.wait()?;
    tracing::info!(%signal, "stopping");
    running.stop();
    Ok(())
}

fn start(arguments: Arguments) -> Result<Running, Box<dyn std::error::Error>> {
    let (release, control_socket) = (arguments.release, arguments.control_socket);
    let options = Options {
        without_plugins: arguments.without_plugin,
        log_requests: arguments.log_requests,
        tap_devices: !arguments.without_tap_devices,
        memif_sockets: !arguments.without_memif_sockets,
        host_interfaces: Some(arguments.host_interface).filter(|names| !names.is_empty()),
        runtime_dir: arguments.runtime_dir,
        abort_when_dead: control_socket.is_none(),
        nics: arguments.nic,
        stats_socket: arguments.stats_socket,
        ..Options::new(arguments.api_json)
    };
    let sim = Sim::new(release, options)?;
    let (messages, pid) = (sim.table().len(), sim.pid());
    let mut running = sim.serve(arguments.api_socket)?;
    if let Some(path) = control_socket {
        running.control(path)?;
    }
    tracing::info!(%release, messages, pid, socket = %running.path().display(), "serving");
    Ok(running)
}
