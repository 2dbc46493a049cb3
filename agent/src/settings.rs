//! What the agent is told when it starts.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

/// How long a transaction in progress may go on after the agent was told to stop.
pub(crate) const STOP: Duration = Duration::from_secs(5);

/// Keeps a VPP configured as its source says.
#[derive(Debug, Parser)]
#[command(name = "vpp-agent", version)]
pub(crate) struct Settings {
    /// A YAML or JSON file, or a folder of them, whose entries are `key: value`. It is watched.
    #[arg(long, env = "SOURCE")]
    pub(crate) source: PathBuf,

    /// VPP's API socket [default: /run/vpp/api.sock, or /run/vpp-api.sock where only that is there]
    #[arg(long, env = "VPP_API_SOCKET")]
    pub(crate) vpp_socket: Option<PathBuf>,

    /// Name of this agent among others.
    #[arg(long, env = "MICROSERVICE_LABEL", default_value = "vpp1")]
    pub(crate) microservice_label: String,

    /// Folder in which the agent notes what it has configured, so that after a restart it removes its own and
    /// nothing else.
    #[arg(long, env = "STATE_DIRECTORY")]
    state_dir: Option<PathBuf>,

    /// File to which every transaction is appended, one JSON object a line.
    #[arg(long, env = "TRANSACTION_LOG")]
    pub(crate) transaction_log: Option<PathBuf>,

    /// File that gets every message to and from VPP, one JSON object a line; `agentctl vpp trace` shows it. What was
    /// in it is gone.
    #[arg(long, env = "API_TRACE", value_name = "FILE")]
    pub(crate) api_trace: Option<PathBuf>,

    /// Leave keys and secrets in the file of `--api-trace` as they are.
    #[arg(long, env = "API_TRACE_SECRETS", requires = "api_trace")]
    pub(crate) api_trace_secrets: bool,

    /// Use the calls of this release, whether they fit the VPP or not. What does not fit fails call by call; where only
    /// a layout differs VPP takes the message and reads it wrongly.
    #[arg(long, env = "FORCE_RELEASE", value_name = "RELEASE", value_parser = supported)]
    pub(crate) force_release: Option<String>,
}

fn supported(release: &str) -> Result<String, String> {
    let all: Vec<&str> = vppcalls::select::releases().collect();
    if all.contains(&release) {
        Ok(release.to_string())
    } else {
        Err(format!("expected one of {}", all.join(", ")))
    }
}

impl Settings {
    /// From flags and environment. Flags may be written with one dash, too, as users of the elder agent do.
    pub(crate) fn read() -> Self {
        Self::parse_from(std::env::args_os().map(|argument| match argument.into_string() {
            Ok(text) => two_dashes(text).into(),
            Err(other) => other,
        }))
    }

    pub(crate) fn ledger(&self) -> Option<PathBuf> {
        Some(self.state_dir.as_ref()?.join(format!("{}.ledger", self.microservice_label)))
    }
}

fn two_dashes(argument: String) -> String {
    let word = argument.strip_prefix('-').filter(|rest| {
        rest.len() > 1 && rest.starts_with(|c: char| c.is_ascii_alphabetic()) && argument.len() > 2
    });
    match word {
        Some(word) => format!("--{word}"),
        None => argument,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_may_have_one_dash() {
        let arguments = ["vpp-agent", "-source=/etc/a.yaml", "-microservice-label", "vpp7", "-V"];
        let read: Vec<String> = arguments.iter().map(|a| two_dashes(a.to_string())).collect();
        assert_eq!(read, ["vpp-agent", "--source=/etc/a.yaml", "--microservice-label", "vpp7", "-V"]);
    }
}
