//! The agent and the simulated VPP as processes of their own.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use binapi_gen::Release;
use serde_json::Value;

use crate::root;

type Error = Box<dyn std::error::Error>;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Builds both.
pub(super) fn build() -> Result<(), Error> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let built =
        cargo.args(["build", "--quiet", "-p", "vpp-agent", "-p", "vpp-sim"]).current_dir(root()).status()?;
    if built.success() { Ok(()) } else { Err("the agent and the simulated VPP do not build".into()) }
}

fn binary(name: &str) -> PathBuf {
    // This binary is beside them.
    let here = std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_path_buf));
    here.unwrap_or_else(|| root().join("target/debug")).join(name)
}

/// A process that is killed when it is forgotten.
pub(super) struct Process(Child);

impl Process {
    fn start(command: &mut Command, log: &Path) -> Result<Self, Error> {
        let log = OpenOptions::new().create(true).append(true).open(log)?;
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()?;
        Ok(Self(child))
    }

    /// As if by a crash.
    pub(super) fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// As a supervisor does.
    pub(super) fn terminate(&mut self) {
        let pid = nix::unistd::Pid::from_raw(self.0.id().cast_signed());
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if matches!(self.0.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.kill();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Files of one walk.
pub(super) struct Place {
    folder: tempfile::TempDir,
    pub(super) socket: PathBuf,
    pub(super) control: PathBuf,
    pub(super) requests: PathBuf,
    state: PathBuf,
    transactions: PathBuf,
    pub(super) agent_log: PathBuf,
    sim_log: PathBuf,
}

impl Place {
    pub(super) fn new() -> Result<Self, Error> {
        let folder = tempfile::Builder::new().prefix("vpp-agent-demo").tempdir()?;
        let path = |name: &str| folder.path().join(name);
        Ok(Self {
            socket: path("api.sock"),
            control: path("agent.sock"),
            requests: path("requests.jsonl"),
            state: path("state"),
            transactions: path("transactions.jsonl"),
            agent_log: path("agent.log"),
            sim_log: path("vpp.log"),
            folder,
        })
    }

    /// Starts the simulated VPP and waits until it listens.
    pub(super) fn start_vpp(&self, release: Release) -> Result<Process, Error> {
        let mut command = Command::new(binary("vpp-sim"));
        command.args(["--release", &release.to_string()]);
        command.arg("--api-socket").arg(&self.socket);
        command.arg("--api-json").arg(root().join("api-json"));
        command.arg("--log-requests").arg(&self.requests);
        let process = Process::start(&mut command, &self.sim_log)?;
        let deadline = Instant::now() + PATIENCE;
        while crate::vpp::Vpp::connect(&self.socket, &root().join("api-json")).is_err() {
            if Instant::now() > deadline {
                return Err(format!("the simulated VPP does not come up:\n{}", tail(&self.sim_log)).into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(process)
    }

    pub(super) fn start_agent(&self, socket: &Path) -> Result<Process, Error> {
        let mut command = Command::new(binary("vpp-agent"));
        command.arg("--control-socket").arg(&self.control);
        command.arg("--config-dir").arg(self.folder.path());
        command.arg("--vpp-socket").arg(socket);
        command.arg("--state-dir").arg(&self.state);
        command.arg("--transaction-log").arg(&self.transactions);
        let process = Process::start(&mut command, &self.agent_log)?;
        let deadline = Instant::now() + PATIENCE;
        while let Err(error) = control::ask(&self.control, &control::Request::Info) {
            if Instant::now() > deadline {
                let log = tail(&self.agent_log);
                return Err(format!("the agent does not answer: {error}; it says:\n{log}").into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(process)
    }

    /// Changes the agent's store, all at once.
    pub(super) fn change(&self, put: BTreeMap<String, Value>, delete: Vec<String>) -> Result<(), Error> {
        control::ask(&self.control, &control::Request::KvChange { put, delete })?;
        Ok(())
    }

    /// Transactions so far, without what VPP told by itself.
    pub(super) fn transactions(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.transactions).unwrap_or_default();
        let all = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        all.filter(|transaction| transaction["kind"] != "southbound notification").collect()
    }

    /// The transaction after `seen` ones.
    pub(super) fn next_transaction(&self, seen: usize) -> Result<Value, Error> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(transaction) = self.transactions().into_iter().nth(seen) {
                return Ok(transaction);
            }
            if Instant::now() > deadline {
                return Err(format!(
                    "no transaction within {PATIENCE:?}; the agent says:\n{}",
                    tail(&self.agent_log)
                )
                .into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// The last lines of a log.
pub(super) fn tail(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(20)..).unwrap_or_default().join("\n")
}

/// Forgets what a log had.
pub(super) fn truncate(path: &Path) -> Result<(), Error> {
    File::create(path)?;
    Ok(())
}
