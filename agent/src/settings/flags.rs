//! Flags, and the environment variables that stand for them.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{
    Arg, ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum,
};

/// A file of settings: the flag without `--`, and the name of the file.
pub(crate) struct FileFlag {
    /// What the file is for, as in `--<plugin>-config`.
    pub(crate) plugin: &'static str,
    /// Whether this agent does what the file is about.
    pub(crate) used: bool,
}

impl FileFlag {
    pub(crate) fn flag(&self) -> String {
        format!("{}-config", self.plugin)
    }

    pub(crate) fn default(&self) -> String {
        match self.plugin {
            "filedb" => "filesystem.conf".to_owned(),
            plugin => format!("{plugin}.conf"),
        }
    }

    fn variable(&self) -> String {
        variable(&self.flag())
    }
}

const fn used(plugin: &'static str) -> FileFlag {
    FileFlag { plugin, used: true }
}

/// Flags of the elder agent for what this one does not have. They are taken, and it is said that they change nothing.
const fn unused(plugin: &'static str) -> FileFlag {
    FileFlag { plugin, used: false }
}

pub(crate) const FILES: [FileFlag; 23] = [
    used("etcd"),
    used("redis"),
    used("consul"),
    used("embedded"),
    used("filedb"),
    used("initfileregistry"),
    used("orchestrator"),
    used("govpp"),
    used("kvscheduler"),
    used("logs"),
    used("vpp-ifplugin"),
    unused("aggregator"),
    unused("grpc"),
    unused("http"),
    unused("kafka"),
    unused("telemetry"),
    unused("linux-ifplugin"),
    unused("linux-l3plugin"),
    unused("linux-nsplugin"),
    unused("linux-iptablesplugin"),
    unused("bolt"),
    unused("cassandra"),
    unused("cryptodata"),
];

/// All other flags that have a value.
pub(crate) const OWN: [&str; 14] = [
    "config-dir",
    "microservice-label",
    "source",
    "vpp-socket",
    "state-dir",
    "control-socket",
    "transaction-log",
    "api-trace",
    "api-trace-secrets",
    "force-release",
    "log-level",
    "log-format",
    "http-port",
    "grpc-port",
];

/// The environment variable that stands for a flag.
pub(crate) fn variable(flag: &str) -> String {
    match flag {
        "state-dir" => "STATE_DIRECTORY".to_owned(),
        "vpp-socket" => "VPP_API_SOCKET".to_owned(),
        _ => flag.replace('-', "_").to_uppercase(),
    }
}

/// How lines of the log look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

/// Keeps a VPP configured as its stores say.
#[derive(Debug, Parser)]
#[command(name = "vpp-agent", version, disable_version_flag = true)]
pub(crate) struct Flags {
    /// Folder of the files of settings.
    #[arg(long, env = "CONFIG_DIR", default_value = ".", value_name = "DIR")]
    pub(crate) config_dir: PathBuf,

    /// Name of this agent among others: its keys are under /vnf-agent/LABEL/.
    #[arg(long, env = "MICROSERVICE_LABEL", default_value = "vpp1", value_name = "LABEL", value_parser = label)]
    pub(crate) microservice_label: String,

    /// A YAML or JSON file, or a folder of them, whose entries are `key: value`. It is watched.
    #[arg(long, env = "SOURCE", value_name = "PATH")]
    pub(crate) source: Option<PathBuf>,

    /// VPP's API socket [default: /run/vpp/api.sock, or /run/vpp-api.sock where only that is there]
    #[arg(long, env = "VPP_API_SOCKET", value_name = "PATH")]
    pub(crate) vpp_socket: Option<PathBuf>,

    /// Folder in which the agent keeps what it has to know after a restart, and the embedded store [default:
    /// /var/lib/vpp-agent, or .local/state/vpp-agent at home where that cannot be written]
    #[arg(long, env = "STATE_DIRECTORY", value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,

    /// Socket on which the running agent answers `agentctl`: stores, states, explanations [default: agent.sock in the
    /// folder of --state-dir]
    #[arg(long, env = "CONTROL_SOCKET", value_name = "PATH")]
    pub(crate) control_socket: Option<PathBuf>,

    /// File to which every transaction is appended, one JSON object a line.
    #[arg(long, env = "TRANSACTION_LOG", value_name = "FILE")]
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

    /// Level of the log: error, warn, info, debug or trace; for some modules only as `kvscheduler=debug,info`.
    #[arg(long, env = "LOG_LEVEL", value_name = "LEVEL")]
    pub(crate) log_level: Option<String>,

    /// How lines of the log look.
    #[arg(long, env = "LOG_FORMAT", value_enum, default_value = "human", value_name = "FORMAT")]
    pub(crate) log_format: LogFormat,

    /// Port of the elder agent's REST interface. This agent has none; it is taken so that it need not be removed.
    #[arg(long, env = "HTTP_PORT", value_name = "PORT", hide = true)]
    pub(crate) http_port: Option<u16>,

    /// Port of the elder agent's gRPC interface. This agent has none; it is taken so that it need not be removed.
    #[arg(long, env = "GRPC_PORT", value_name = "PORT", hide = true)]
    pub(crate) grpc_port: Option<String>,

    /// Print the version.
    #[arg(short = 'V', long = "version", action = ArgAction::Version)]
    version: Option<bool>,

    #[command(subcommand)]
    pub(crate) command: Option<Task>,
}

/// What else the agent does than run.
#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Settings.
    Config {
        #[command(subcommand)]
        what: ConfigTask,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigTask {
    /// Print the settings in effect, and end. Passwords are not shown.
    Show {
        /// Say where each comes from: flag, environment, file and line, or default.
        #[arg(long)]
        origin: bool,
    },
}

fn label(text: &str) -> Result<String, String> {
    match text.is_empty() || text.contains('/') || text.chars().any(char::is_control) {
        true => Err("a label is part of keys, so it is not empty and has no slash".to_owned()),
        false => Ok(text.to_owned()),
    }
}

fn supported(release: &str) -> Result<String, String> {
    let all: Vec<&str> = vppcalls::select::releases().collect();
    match all.contains(&release) {
        true => Ok(release.to_string()),
        false => Err(format!("expected one of {}", all.join(", "))),
    }
}

/// Where a setting comes from, if not from a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FlagOrigin {
    Flag,
    Environment,
    Default,
}

/// The flags, and where each comes from.
pub(crate) struct Given {
    pub(crate) flags: Flags,
    matches: ArgMatches,
}

impl Given {
    /// From the arguments of the process. Flags may be written with one dash, too, as users of the elder agent do.
    pub(crate) fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let arguments = arguments.into_iter().map(|argument| match argument.into_string() {
            Ok(text) => two_dashes(text).into(),
            Err(other) => other,
        });
        let matches = command().try_get_matches_from(arguments)?;
        Ok(Self { flags: Flags::from_arg_matches(&matches)?, matches })
    }

    /// Where the value of a flag comes from.
    pub(crate) fn origin(&self, flag: &str) -> FlagOrigin {
        match self.matches.value_source(&flag.replace('-', "_")) {
            Some(ValueSource::CommandLine) => FlagOrigin::Flag,
            Some(ValueSource::EnvVariable) => FlagOrigin::Environment,
            _ => FlagOrigin::Default,
        }
    }

    /// The value of the flag for a file of settings.
    pub(crate) fn file(&self, file: &FileFlag) -> PathBuf {
        let id = file.flag().replace('-', "_");
        self.matches.get_one::<PathBuf>(&id).cloned().unwrap_or_else(|| file.default().into())
    }
}

pub(crate) fn command() -> Command {
    FILES.iter().fold(Flags::command(), |command, file| {
        let help = match file.used {
            true => "A file of settings: a path, or a name in the folder of --config-dir",
            false => "Settings of the elder agent for what this one does not have; not used",
        };
        let arg = Arg::new(file.flag().replace('-', "_"))
            .long(file.flag())
            .env(file.variable())
            .default_value(file.default())
            .value_name("FILE")
            .value_parser(clap::value_parser!(PathBuf))
            .help(help)
            .help_heading("Files of settings")
            .hide(!file.used);
        command.arg(arg)
    })
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

    fn read(arguments: &[&str]) -> Result<Given, String> {
        Given::read(arguments.iter().map(OsString::from)).map_err(|error| error.to_string())
    }

    #[test]
    fn the_flags_are_sound() {
        command().debug_assert();
    }

    #[test]
    fn flags_may_have_one_dash() {
        let given = read(&["vpp-agent", "-source=/etc/a.yaml", "-microservice-label", "vpp7"]).unwrap();
        assert_eq!(given.flags.source, Some("/etc/a.yaml".into()));
        assert_eq!(given.flags.microservice_label, "vpp7");
        assert_eq!(given.origin("microservice-label"), FlagOrigin::Flag);
        assert_eq!(given.origin("config-dir"), FlagOrigin::Default);
    }

    #[test]
    fn every_file_of_settings_of_the_elder_agent_has_its_flag() {
        for file in FILES {
            let flag = format!("-{}-config", file.plugin);
            let given = read(&["vpp-agent", &flag, "/etc/x.conf"]).unwrap();
            assert_eq!(given.file(&file), PathBuf::from("/etc/x.conf"));
            assert!(read(&["vpp-agent"]).unwrap().file(&file).to_string_lossy().ends_with(".conf"));
        }
    }

    #[test]
    fn what_is_not_known_names_the_nearest() {
        let error = read(&["vpp-agent", "--microservice-lable=x"]).err().unwrap();
        assert!(error.contains("--microservice-label"), "{error}");
        let error = read(&["vpp-agent", "--microservice-label=a/b"]).err().unwrap();
        assert!(error.contains("no slash"), "{error}");
    }
}
