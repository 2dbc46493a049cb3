//! What is said on the control socket of an agent: one JSON object a line, a question and its answer.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Name of the control socket in the folder where the agent keeps its state.
pub const SOCKET: &str = "agent.sock";

/// Where agents keep their state, unless they are told: the folder of the system, and that of the user, which is for
/// where the first cannot be written.
#[must_use]
pub fn state_folders() -> (PathBuf, Option<PathBuf>) {
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).or(home);
    (PathBuf::from("/var/lib/vpp-agent"), state.map(|state| state.join("vpp-agent")))
}

/// How long an answer may take: a resync of a large VPP takes a while.
const PATIENCE: Duration = Duration::from_secs(120);

/// A question to the agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// Who the agent is and how it stands with VPP and its sources. Answer: an object.
    Info,
    /// The states of values whose key begins with this. Answer: a list of objects.
    Values {
        /// Prefix of the keys.
        #[serde(default)]
        prefix: String,
    },
    /// Why a value is in the state it is in. Answer: text.
    Explain {
        /// Its key.
        key: String,
    },
    /// The last transactions, oldest first. Answer: a list of texts.
    History {
        /// How many.
        last: usize,
    },
    /// The values and what they need. Answer: text, or an object for `json`.
    Graph {
        /// `dot`, `mermaid` or `json`.
        format: GraphFormat,
        /// Only what is about keys that begin with this.
        #[serde(default)]
        prefix: String,
    },
    /// Compare everything that is wanted with what VPP has. Answer: the transaction as text.
    Resync,
    /// Keys with their values in the embedded store. Answer: an object.
    KvList {
        /// Prefix of the keys.
        #[serde(default)]
        prefix: String,
    },
    /// The value of a key in the embedded store. Answer: the value, or null.
    KvGet {
        /// The key.
        key: String,
    },
    /// Puts a value into the embedded store. Answer: null.
    KvPut {
        /// The key.
        key: String,
        /// The value.
        value: Value,
    },
    /// Changes several keys of the embedded store together. Answer: null.
    KvChange {
        /// Keys with their values.
        #[serde(default)]
        put: BTreeMap<String, Value>,
        /// Keys to remove.
        #[serde(default)]
        delete: Vec<String>,
    },
    /// Removes a key from the embedded store. Answer: whether it was there.
    KvDelete {
        /// The key.
        key: String,
    },
}

/// How a graph is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GraphFormat {
    /// For Graphviz.
    Dot,
    /// For Mermaid.
    Mermaid,
    /// For programs.
    Json,
}

/// What the agent says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// What was asked for.
    Ok(Value),
    /// Why there is none.
    Error(String),
}

/// An agent cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// There is no agent behind the socket.
    #[error("{path}: {source}; is the agent running, and is this the path of its --control-socket?")]
    Connect {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The agent has gone away, or does not answer.
    #[error("{path}: no answer: {source}")]
    Io {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What it says makes no sense.
    #[error("{path}: what answers there is not an agent: {reason}")]
    Nonsense {
        /// The socket.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The agent refuses.
    #[error("{0}")]
    Refused(String),
}

/// Asks the agent behind a socket.
///
/// # Errors
/// It cannot be asked, or refuses.
pub fn ask(path: &Path, request: &Request) -> Result<Value, AskError> {
    let io = |source| AskError::Io { path: path.to_path_buf(), source };
    let nonsense = |reason: String| AskError::Nonsense { path: path.to_path_buf(), reason };
    let mut stream =
        UnixStream::connect(path).map_err(|source| AskError::Connect { path: path.to_path_buf(), source })?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(io)?;
    let mut line = serde_json::to_string(request).map_err(|error| nonsense(error.to_string()))?;
    line.push('\n');
    stream.write_all(line.as_bytes()).map_err(io)?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).map_err(io)?;
    match serde_json::from_str(&answer).map_err(|error| nonsense(error.to_string()))? {
        Answer::Ok(value) => Ok(value),
        Answer::Error(reason) => Err(AskError::Refused(reason)),
    }
}
