//! `vpp-agent`: reads its settings, wires the parts, runs until it is told to stop.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod connection;
mod report;
mod settings;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;

use descriptors::{Indexes, Southbound};
use kvscheduler::Scheduler;
use kvstore::file::FileSource;
use models::Registry;
use orchestrator::{Ledger, Orchestrator, Wanted};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use vpp_client::{Client, Config};
use vpp_trace::{Recorder, Secrets};

use crate::connection::Follower;
use crate::settings::Settings;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let settings = Settings::read();
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => {
            eprintln!("error: no threads to run on: {e}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(settings)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e}");
            ExitCode::FAILURE
        }
    }
}

async fn run(settings: Settings) -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let registry = Registry::builtin()?;
    let ledger = match settings.ledger() {
        Some(path) => Ledger::open(&path)?,
        None => {
            tracing::warn!("no --state-dir: after a restart nothing that is not wanted any more is removed");
            Ledger::in_memory()
        }
    };
    let report = report::Reporter::new(settings.transaction_log.as_deref())?;
    let southbound = Southbound::default();
    let indexes = Indexes::default();
    let builder = descriptors::register(Scheduler::builder(), &southbound, &indexes);
    let orchestrator = Orchestrator::new(
        builder,
        Wanted::new(registry, settings.microservice_label.as_str()),
        ledger,
        report.into_fn(),
    )?;

    let mut config = settings.vpp_socket.as_ref().map_or_else(Config::default, Config::new);
    config.name = format!("vpp-agent {}", settings.microservice_label);
    if let Some(file) = &settings.api_trace {
        let secrets = if settings.api_trace_secrets { Secrets::Shown } else { Secrets::Masked };
        config.record = Some(Arc::new(Recorder::create(file, secrets)?));
    }
    let client = Client::start(config);
    let (state, states) = watch::channel(orchestrator::Southbound::Down("starting".to_string()));
    let follower = Follower::new(client.clone(), southbound, state, settings.force_release);
    let connection = tokio::spawn(follower.run());

    let source = kvstore::subscribe(Box::new(FileSource::new(&settings.source)));
    let (stop, stopping) = watch::channel(false);
    let mut driver = tokio::spawn(orchestrator.run(source, states, stopping));

    tokio::select! {
        ended = &mut driver => {
            client.close().await;
            return Err(match ended {
                Ok(()) => "the source has ended; nothing is watched any more".into(),
                Err(e) => format!("the agent's main task failed: {e}").into(),
            });
        }
        _ = terminate.recv() => tracing::info!("SIGTERM"),
        _ = interrupt.recv() => tracing::info!("SIGINT"),
    }
    // The transaction in progress runs to its end, then VPP is told goodbye; what is configured stays.
    let _ = stop.send(true);
    if tokio::time::timeout(settings::STOP, driver).await.is_err() {
        tracing::warn!("a transaction did not end in time");
    }
    client.close().await;
    connection.abort();
    Ok(())
}
