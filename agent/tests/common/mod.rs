//! The agent as a process in a folder of its own, before a simulated VPP.
#![allow(dead_code, unreachable_pub)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use control::Request;
use serde_json::{Value, json};
use vpp_sim::{Options, Release, Running, Sim};

/// Longer than anything takes.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub fn api_json() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../api-json")
}

pub fn release(text: &str) -> Release {
    Release::parse(text).unwrap()
}

/// A folder with settings, a socket and an agent.
pub struct Stage {
    folder: tempfile::TempDir,
    agent: Option<Child>,
    /// VPP's socket, where it is not one in the folder.
    socket: Option<PathBuf>,
    label: String,
    variables: Vec<(String, String)>,
    file: bool,
}

impl Stage {
    /// An agent that follows stores, as the files of settings in its folder say.
    pub fn bare() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let label = "vpp1".to_owned();
        Self { folder, agent: None, socket: None, label, variables: Vec::new(), file: false }
    }

    /// An agent that follows a file with this in it.
    pub fn new(source: &str) -> Self {
        let mut stage = Self::bare();
        stage.file = true;
        stage.write(source);
        stage
    }

    /// Another name than `vpp1`.
    pub fn label(mut self, label: &str) -> Self {
        label.clone_into(&mut self.label);
        self
    }

    /// With a file of settings.
    pub fn setting(self, file: &str, text: &str) -> Self {
        std::fs::write(self.path(file), text).unwrap();
        self
    }

    /// With an environment variable.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Before a VPP that is there.
    pub fn before(mut self, socket: &Path) -> Self {
        self.socket = Some(socket.to_path_buf());
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn socket(&self) -> PathBuf {
        self.socket.clone().unwrap_or_else(|| self.path("api.sock"))
    }

    /// Makes the file have this in it.
    pub fn write(&self, source: &str) {
        std::fs::write(self.path("new"), source).unwrap();
        std::fs::rename(self.path("new"), self.path("config.yaml")).unwrap();
    }

    pub fn vpp(&self, of: &str, options: Options) -> Running {
        Sim::new(release(of), options).unwrap().serve(self.socket()).unwrap()
    }

    pub fn start(&mut self) {
        self.start_with(|_| {});
    }

    /// Starts the agent after a last word about how. It has no environment but what the stage has.
    pub fn start_with(&mut self, more: impl FnOnce(&mut Command)) {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.path("log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_vpp-agent"));
        command.env_clear();
        let kept = ["PATH", "LLVM_PROFILE_FILE"];
        command.envs(kept.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        if self.file {
            command.arg("--source").arg(self.path("config.yaml"));
        }
        command.arg("--config-dir").arg(self.folder.path());
        command.args(["--microservice-label", &self.label]);
        command.arg("--vpp-socket").arg(self.socket());
        command.arg("--state-dir").arg(self.path("state"));
        command.arg("--transaction-log").arg(self.path("transactions"));
        more(&mut command);
        self.agent = Some(command.stdin(Stdio::null()).stderr(log).spawn().unwrap());
    }

    pub fn kill(&mut self) {
        if let Some(mut agent) = self.agent.take() {
            let _ = agent.kill();
            let _ = agent.wait();
        }
    }

    /// Tells the agent to end, and waits until it has.
    pub fn terminate(&mut self) -> ExitStatus {
        let mut agent = self.agent.take().unwrap();
        let pid = nix::unistd::Pid::from_raw(agent.id().cast_signed());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
        agent.wait().unwrap()
    }

    pub fn runs(&mut self) -> bool {
        self.agent.as_mut().is_some_and(|agent| agent.try_wait().unwrap().is_none())
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// What was done, without what VPP told by itself.
    pub fn transactions(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path("transactions")).unwrap_or_default();
        let all = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        all.filter(|transaction| transaction["kind"] != "southbound notification").collect()
    }

    #[track_caller]
    pub fn wait<T>(&self, what: &str, look: impl FnMut() -> Option<T>) -> T {
        wait(what, look).unwrap_or_else(|late| panic!("{late}; the agent says:\n{}", tail(&self.log())))
    }

    /// The operations of the transaction after `seen` ones.
    #[track_caller]
    pub fn operations(&self, seen: usize) -> Vec<(String, String)> {
        let transaction = self.wait("transaction", || self.transactions().into_iter().nth(seen));
        executed(&transaction)
    }

    #[track_caller]
    pub fn wait_log(&self, text: &str) {
        self.wait(&format!("`{text}` in the log"), || self.log().contains(text).then_some(()));
    }

    /// What the agent answers on its control socket.
    #[track_caller]
    pub fn ask(&self, request: &Request) -> Result<Value, String> {
        let socket = self.path("state/agent.sock");
        self.wait("answer of the agent", || match control::ask(&socket, request) {
            Ok(value) => Some(Ok(value)),
            Err(control::AskError::Refused(why)) => Some(Err(why)),
            Err(_) => None,
        })
    }

    /// The states of what is stated, of which the key begins so.
    #[track_caller]
    pub fn stated(&self, prefix: &str) -> Vec<(String, String, String)> {
        let mut values = self.values(prefix);
        values.retain(|(_, state, _)| state != "OBTAINED");
        values
    }

    /// What is not as it should be, derived values included: key, state, error.
    #[track_caller]
    pub fn unwell(&self) -> Vec<(String, String, String)> {
        let answer = self.ask(&Request::Values { prefix: "config/".to_owned() }).unwrap();
        let bases = answer.as_array().into_iter().flatten();
        let all = bases
            .flat_map(|base| std::iter::once(base).chain(base["derived"].as_array().into_iter().flatten()));
        let rows = all.map(row);
        rows.filter(|(_, state, _)| !matches!(state.as_str(), "CONFIGURED" | "OBTAINED")).collect()
    }

    /// The states of all values whose key begins so, also of what nobody has stated: key, state, error.
    #[track_caller]
    pub fn values(&self, prefix: &str) -> Vec<(String, String, String)> {
        let answer = self.ask(&Request::Values { prefix: prefix.to_owned() }).unwrap();
        answer.as_array().into_iter().flatten().map(row).collect()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.kill();
    }
}

fn row(status: &Value) -> (String, String, String) {
    let text = |field: &str| status[field].as_str().unwrap_or_default().to_owned();
    (text("key"), text("state"), text("error"))
}

/// The last of a log.
pub fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(80)..].join("\n")
}

/// Looks until there is something, or says that it is late.
pub fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> Result<T, String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        if Instant::now() > deadline {
            return Err(format!("no {what} in time"));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The operations of a transaction: title and key.
pub fn executed(transaction: &Value) -> Vec<(String, String)> {
    let text = |op: &Value, field: &str| op[field].as_str().unwrap_or_default().to_string();
    let executed = transaction["executed"].as_array().cloned().unwrap_or_default();
    executed.iter().map(|op| (text(op, "operation"), text(op, "key"))).collect()
}

/// Tags of all interfaces, sorted.
pub fn tags(vpp: &Running) -> Vec<String> {
    let sim = vpp.sim();
    let mut tags: Vec<String> = sim.state().interfaces.iter().map(|i| i.tag.clone()).collect();
    tags.retain(|tag| !tag.is_empty());
    tags.sort();
    tags
}

/// A request by somebody else.
pub fn ask(vpp: &Running, name: &str, fields: Value) -> Value {
    let mut sim = vpp.sim();
    let connection = sim.connect();
    let handle = sim.register(connection);
    let mut fields = fields;
    fields["client_index"] = handle.into();
    fields["context"] = json!(1);
    let answers = sim.request(connection, name, &fields).unwrap();
    let (_, reply) = answers.into_iter().find(|(name, _)| name.ends_with("_reply")).unwrap();
    assert_eq!(reply["retval"], 0, "{name}");
    reply
}

/// Whether a request only looks.
pub fn looks(name: &str) -> bool {
    name.contains("_dump")
        || name.ends_with("_get")
        || name.starts_with("want_")
        || name == "sw_interface_get_table"
        || matches!(
            name,
            "control_ping" | "show_version" | "get_api_json" | "sockclnt_create" | "sockclnt_delete"
        )
}

/// How many requests that change something VPP has seen.
pub fn configuration_messages(vpp: &Running) -> u64 {
    vpp.sim().received().iter().filter(|(name, _)| !looks(name)).map(|(_, n)| n).sum()
}
