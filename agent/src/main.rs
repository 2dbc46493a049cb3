//! `vpp-agent`: reads its settings, wires the parts, runs until it is told to stop.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod connection;
mod control;
mod logging;
mod publish;
mod report;
mod settings;
mod sources;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use descriptors::{Defaults, Indexes, Southbound, States};
use kvscheduler::Scheduler;
use models::proto::ligato::vpp::interfaces::Interface;
use models::{ModelMessage, Registry};
use orchestrator::{Ledger, Orchestrator};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use vpp_client::{Client, Config};
use vpp_trace::{Recorder, Secrets};

use crate::connection::Follower;
use crate::control::Control;
use crate::settings::{ConfigTask, Settings, SettingsError, Task};
use crate::sources::Stores;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How long VPP and the stores are given to hear the goodbye.
const GOODBYE: Duration = Duration::from_millis(300);

fn main() -> ExitCode {
    let settings = match Settings::read(std::env::args_os()) {
        Ok(settings) => settings,
        Err(SettingsError::Flags(error)) => error.exit(),
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    if let Some(Task::Config { what: ConfigTask::Show { origin } }) = &settings.flags.command {
        print!("{}", settings.show(*origin));
        return ExitCode::SUCCESS;
    }
    if let Err(error) = logging::start(&settings) {
        eprintln!("error: {error}");
        return ExitCode::FAILURE;
    }
    // One thread: what is done waits for VPP or for stores, and hand-overs between threads cost more than they gain.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => {
            eprintln!("error: nothing to run on: {e}");
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(run(settings));
    // What still waits for a name server or a disk is not waited for.
    runtime.shutdown_background();
    match ended {
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
    let label = settings.flags.microservice_label.clone();
    tracing::info!(version = env!("CARGO_PKG_VERSION"), %label, "vpp-agent starts");
    settings.remarks.iter().for_each(|remark| tracing::warn!("{remark}"));
    let registry = Arc::new(Registry::builtin()?);
    let ledger = Ledger::open(&settings.ledger())?;
    let socket = settings.control_socket();
    let listener = control::listen(&socket)?;

    let southbound = Southbound::default();
    let indexes = Indexes::default();
    let (mut orchestrator, stores) = assemble(&settings, &registry, ledger, &southbound, &indexes)?;
    let client = Client::start(client_config(&settings)?);
    let (state, states) = watch::channel(orchestrator::Southbound::Down("starting".to_string()));
    let follower =
        Follower::new(client.clone(), southbound.clone(), state, settings.flags.force_release.clone());
    let mut beside = vec![tokio::spawn(follower.run())];
    beside.extend(publishers(&settings, &orchestrator, &stores, &southbound, &states)?);
    beside.push(tokio::spawn(tell(States::new(&southbound, &indexes), orchestrator.client())));
    let control = Control {
        label,
        client: orchestrator.client(),
        registry,
        store: stores.embedded().cloned(),
        connection: states.clone(),
    };
    beside.push(tokio::spawn(control::serve(listener, control)));

    let (stop, stopping) = watch::channel(false);
    orchestrator.begin();
    let mut driver = tokio::spawn(orchestrator.run(states, stopping));
    let ended = tokio::select! {
        ended = &mut driver => Err(match ended {
            Ok(()) => "the agent's main task has ended; nothing is watched any more".into(),
            Err(e) => format!("the agent's main task failed: {e}").into(),
        }),
        _ = terminate.recv() => Ok("SIGTERM"),
        _ = interrupt.recv() => Ok("SIGINT"),
    };
    let _ = std::fs::remove_file(&socket);
    if let Ok(signal) = &ended {
        tracing::info!("{signal}: what runs comes to its end, what is configured stays");
        let _ = stop.send(true);
        if tokio::time::timeout(settings::STOP, driver).await.is_err() {
            tracing::warn!(
                "an operation did not end in time; what became of it is read back at the next start"
            );
        }
    }
    for task in beside {
        task.abort();
    }
    let _ = tokio::time::timeout(GOODBYE, async { tokio::join!(client.close(), stores.close()) }).await;
    ended.map(drop)
}

/// Tells what comes by itself in VPP: states of links, leases.
async fn tell(mut states: States, client: orchestrator::Client) {
    while let Some(transaction) = states.next().await {
        if client.notify(transaction).await.is_err() {
            return;
        }
    }
}

/// The scheduler with its descriptors, driven by everything that states configuration.
fn assemble(
    settings: &Settings,
    registry: &Arc<Registry>,
    ledger: Ledger,
    southbound: &Southbound,
    indexes: &Indexes,
) -> Result<(Orchestrator, Stores), Failure> {
    let report = report::Reporter::new(
        settings.flags.transaction_log.as_deref(),
        settings.kvscheduler.print_txn_summary,
    )?;
    let minutes = match settings.kvscheduler.record_transaction_history {
        true => settings.kvscheduler.transaction_history_age_limit,
        false => 0,
    };
    let history = Duration::from_secs(60 * u64::from(minutes));
    let defaults = Defaults { mtu: settings.ifplugin.mtu };
    let builder = descriptors::register(Scheduler::builder(), southbound, indexes, defaults);
    let mut orchestrator = Orchestrator::new(
        builder.history_age(history),
        Arc::clone(registry),
        settings.flags.microservice_label.as_str(),
        ledger,
        report.into_fn(),
    )?;
    let stores = sources::attach(&mut orchestrator, settings, registry)?;
    Ok((orchestrator, stores))
}

fn client_config(settings: &Settings) -> Result<Config, Failure> {
    let named = Some(&settings.govpp.binapi_socket_path).filter(|path| !path.as_os_str().is_empty());
    let socket = settings.flags.vpp_socket.as_ref().or(named);
    let mut config = socket.map_or_else(Config::default, Config::new);
    config.name = format!("vpp-agent {}", settings.flags.microservice_label);
    if let Some(deadline) = settings.govpp.reply_timeout {
        config.deadline = deadline;
    }
    if let Some(interval) = settings.govpp.health_check_probe_interval {
        config.probe_after = interval;
    }
    if let Some(file) = &settings.flags.api_trace {
        let secrets = if settings.flags.api_trace_secrets { Secrets::Shown } else { Secrets::Masked };
        config.record = Some(Arc::new(Recorder::create(file, secrets)?));
    }
    Ok(config)
}

/// Starts to write states to the stores.
fn publishers(
    settings: &Settings,
    orchestrator: &Orchestrator,
    stores: &Stores,
    southbound: &Southbound,
    states: &watch::Receiver<orchestrator::Southbound>,
) -> Result<Vec<JoinHandle<()>>, Failure> {
    let label = &settings.flags.microservice_label;
    let mut tasks = Vec::new();
    let everywhere = stores.all().filter(|_| settings.orchestrator.publish_value_status);
    for store in everywhere.chain(&stores.status_files) {
        let values = publish::values(orchestrator.statuses(), Arc::clone(store), label.clone());
        tasks.push(tokio::spawn(values));
    }
    let mut to = stores.publishers(settings)?;
    to.extend(stores.status_files.iter().cloned());
    if !to.is_empty() {
        let prefix = <Interface as ModelMessage>::SPEC.key_prefix(false);
        let changes = orchestrator.statuses().view().watch(move |key| key.starts_with(&prefix));
        let interfaces = publish::interfaces(southbound.clone(), states.clone(), changes, to, label.clone());
        tasks.push(tokio::spawn(interfaces));
    }
    Ok(tasks)
}
