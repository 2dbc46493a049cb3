//! A simulated VPP that is told to misbehave: by calls, or at its control socket.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use vpp_schema::Schema;
use vpp_sim::{Rule, Running, Sim};

use super::socket::SocketClient;

/// A client of a control socket.
pub struct Commands {
    socket: BufReader<UnixStream>,
}

impl Commands {
    pub fn connect(path: &Path) -> Self {
        Self { socket: BufReader::new(UnixStream::connect(path).expect("connects")) }
    }

    pub fn line(&mut self, line: &str) -> Value {
        self.socket.get_mut().write_all(format!("{line}\n").as_bytes()).expect("sent");
        let mut answer = String::new();
        self.socket.read_line(&mut answer).expect("an answer");
        serde_json::from_str(&answer).unwrap_or_else(|e| panic!("{line}: {answer:?}: {e}"))
    }

    /// A command that is carried out.
    pub fn run(&mut self, command: &Value) -> Value {
        let answer = self.line(&command.to_string());
        assert_eq!(answer["ok"], true, "{command}: {answer}");
        answer
    }
}

/// How it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Calls,
    Commands,
}

pub struct Misbehaving {
    pub running: Option<Running>,
    pub commands: Commands,
    pub by: By,
    pub path: PathBuf,
    pub seqpacket: bool,
    folder: tempfile::TempDir,
}

impl Misbehaving {
    pub fn new(release: &str, by: By) -> Self {
        Self::of(super::sim(release), by)
    }

    pub fn of(sim: Sim, by: By) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, control) = (folder.path().join("api.sock"), folder.path().join("control.sock"));
        let seqpacket = sim.behaviour().seqpacket;
        let mut running = sim.serve(&path).expect("serves");
        running.control(&control).expect("takes commands");
        let commands = Commands::connect(&control);
        Self { running: Some(running), commands, by, path, seqpacket, folder }
    }

    pub fn control_path(&self) -> PathBuf {
        self.folder.path().join("control.sock")
    }

    pub fn running(&self) -> &Running {
        self.running.as_ref().expect("runs")
    }

    pub fn schema(&self) -> Schema {
        self.running().sim().schema().clone()
    }

    pub fn client(&self) -> SocketClient {
        SocketClient::connect(&self.path, self.seqpacket)
    }

    /// Has a rule, given in both ways.
    pub fn fault(&mut self, rule: Rule, fields: Value) -> u64 {
        match self.by {
            By::Calls => self.running().sim().add_fault(rule).expect("a rule"),
            By::Commands => {
                let mut command = json!({"command": "fault"});
                for (key, value) in fields.as_object().expect("an object") {
                    command[key] = value.clone();
                }
                self.commands.run(&command)["fault"].as_u64().expect("a number")
            }
        }
    }

    /// Does something, given in both ways.
    pub fn tell(&mut self, call: impl FnOnce(&Running), command: &Value) {
        match self.by {
            By::Calls => call(self.running()),
            By::Commands => {
                self.commands.run(command);
            }
        }
    }

    pub fn hits(&mut self) -> Vec<u64> {
        match self.by {
            By::Calls => self.running().sim().faults().iter().map(|active| active.hits).collect(),
            By::Commands => {
                let faults = self.commands.run(&json!({"command": "faults"}));
                let faults = faults["faults"].as_array().expect("faults").clone();
                faults.iter().map(|fault| fault["hits"].as_u64().expect("hits")).collect()
            }
        }
    }

    pub fn clear(&mut self) {
        self.tell(|vpp| vpp.sim().clear_faults(), &json!({"command": "clear"}));
        assert_eq!(self.hits(), Vec::<u64>::new());
    }

    /// Starts it again after it died, or ends it before.
    pub fn restart(&mut self) {
        match self.by {
            By::Calls => {
                let running = self.running.take().expect("runs");
                self.running = Some(running.restart().expect("restarts"));
            }
            By::Commands => {
                self.commands.run(&json!({"command": "restart"}));
            }
        }
    }

    pub fn state(&mut self) -> Value {
        self.commands.run(&json!({"command": "state"}))
    }
}
