//! What the agent is told when it starts. A flag wins over the environment, the environment over a file, a file over
//! the default.

mod file;
mod files;
mod flags;
mod show;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kvstore::consul::ConsulConfig;
use kvstore::embedded::EmbeddedConfig;
use kvstore::etcd::EtcdConfig;
use kvstore::redis::RedisConfig;
use serde::de::DeserializeOwned;

pub(crate) use file::FileError;
pub(crate) use files::{
    FilesConfig, GovppConfig, IfpluginConfig, InitFileConfig, Kind, KvschedulerConfig, Level, LogsConfig,
    OrchestratorConfig, Publisher,
};
pub(crate) use flags::{ConfigTask, Flags, LogFormat, Task};
use flags::{FILES, FileFlag, FlagOrigin, Given};
use show::Origins;

/// How long operations that run may go on after the agent was told to stop.
pub(crate) const STOP: Duration = Duration::from_millis(1000);

/// Settings that cannot be taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    #[error(transparent)]
    Flags(#[from] clap::Error),
    #[error(transparent)]
    File(#[from] FileError),
}

/// Where a setting comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Flag,
    Environment(String),
    File(PathBuf, usize),
    Default,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// Everything that the agent is told.
pub(crate) struct Settings {
    pub(crate) flags: Flags,
    pub(crate) govpp: GovppConfig,
    pub(crate) kvscheduler: KvschedulerConfig,
    pub(crate) logs: LogsConfig,
    pub(crate) ifplugin: IfpluginConfig,
    pub(crate) orchestrator: OrchestratorConfig,
    pub(crate) init_file: InitFileConfig,
    /// Stores that are used: those whose file is there.
    pub(crate) etcd: Option<EtcdConfig>,
    pub(crate) redis: Option<RedisConfig>,
    pub(crate) consul: Option<ConsulConfig>,
    pub(crate) embedded: Option<EmbeddedConfig>,
    pub(crate) files: Option<FilesConfig>,
    pub(crate) state_dir: PathBuf,
    /// What is to be said about the settings once there is a log.
    pub(crate) remarks: Vec<String>,
    origins: Origins,
}

impl Settings {
    /// From flags, environment and files.
    pub(crate) fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, SettingsError> {
        Reader::new(Given::read(arguments)?).read()
    }

    /// The file in which it is kept what this agent has configured.
    pub(crate) fn ledger(&self) -> PathBuf {
        self.state_dir.join(format!("{}.ledger", self.flags.microservice_label))
    }

    /// The socket on which the agent answers.
    pub(crate) fn control_socket(&self) -> PathBuf {
        let named = self.flags.control_socket.clone();
        named.unwrap_or_else(|| self.state_dir.join(control::SOCKET))
    }

    /// The priority of a source.
    pub(crate) fn priority(&self, kind: Kind) -> i32 {
        self.orchestrator.source_priorities.get(&kind).copied().unwrap_or_else(|| kind.priority())
    }

    /// The embedded store where nothing is said of it.
    fn usual_embedded(&self) -> EmbeddedConfig {
        usual_embedded(&self.state_dir)
    }

    /// The settings in effect, for people.
    pub(crate) fn show(&self, origin: bool) -> String {
        show::show(self, origin)
    }
}

struct Reader {
    given: Given,
    remarks: Vec<String>,
    origins: Origins,
}

impl Reader {
    fn new(given: Given) -> Self {
        let mut origins = Origins::default();
        let mut note = |flag: String| {
            let origin = match given.origin(&flag) {
                FlagOrigin::Flag => Origin::Flag,
                FlagOrigin::Environment => Origin::Environment(flags::variable(&flag)),
                FlagOrigin::Default => return,
            };
            origins.flags.insert(flag, origin);
        };
        flags::OWN.iter().for_each(|flag| note((*flag).to_owned()));
        FILES.iter().for_each(|file| note(file.flag()));
        Self { given, remarks: Vec::new(), origins }
    }

    fn read(mut self) -> Result<Settings, SettingsError> {
        self.note_unused();
        let govpp: Option<GovppConfig> = self.file("govpp")?;
        let kvscheduler: Option<KvschedulerConfig> = self.file("kvscheduler")?;
        let logs: Option<LogsConfig> = self.file("logs")?;
        let ifplugin: Option<IfpluginConfig> = self.file("vpp-ifplugin")?;
        let orchestrator: Option<OrchestratorConfig> = self.file("orchestrator")?;
        let init_file: Option<InitFileConfig> = self.file("initfileregistry")?;
        let mut etcd: Option<EtcdConfig> = self.file("etcd")?;
        let redis: Option<RedisConfig> = self.file("redis")?;
        let consul: Option<ConsulConfig> = self.file("consul")?;
        let embedded: Option<EmbeddedConfig> = self.file("embedded")?;
        let files: Option<FilesConfig> = self.file("filedb")?;

        if let Some(etcd) = &mut etcd {
            self.etcd_environment(etcd);
        }
        let mut ifplugin = ifplugin.unwrap_or_default();
        self.publishers(&mut ifplugin);
        let mut orchestrator = orchestrator.unwrap_or_default();
        if std::env::var_os("ENABLE_STATUS_PUBLISHING").is_some() {
            self.set_by("orchestrator.conf: publish-value-status", "ENABLE_STATUS_PUBLISHING");
            orchestrator.publish_value_status = true;
        }
        if std::env::var_os("DISABLE_STATUS_PUBLISHING").is_some() {
            self.set_by("vpp-ifplugin.conf: status-publishers", "DISABLE_STATUS_PUBLISHING");
            ifplugin.status_publishers.clear();
        }
        let state_dir = self.given.flags.state_dir.clone().unwrap_or_else(state_dir);
        let shared = etcd.is_some() || redis.is_some() || consul.is_some();
        let local = files.is_some() || self.given.flags.source.is_some();
        // Without anything else there is still a store to put configuration into.
        let embedded = match embedded {
            Some(config) => Some(config),
            None if shared || local => None,
            None => Some(usual_embedded(&state_dir)),
        };
        Ok(Settings {
            govpp: govpp.unwrap_or_default(),
            kvscheduler: kvscheduler.unwrap_or_default(),
            logs: logs.unwrap_or_default(),
            ifplugin,
            orchestrator,
            init_file: init_file.unwrap_or_default(),
            etcd,
            redis,
            consul,
            embedded,
            files,
            state_dir,
            remarks: self.remarks,
            origins: self.origins,
            flags: self.given.flags,
        })
    }

    fn note_unused(&mut self) {
        if self.given.flags.http_port.is_some() || self.given.flags.grpc_port.is_some() {
            self.remarks.push(
                "--http-port and --grpc-port change nothing: this agent serves neither REST nor gRPC; see agentctl"
                    .to_owned(),
            );
        }
        for file in FILES.iter().filter(|file| !file.used) {
            if let Some(path) = file::resolve(&self.given.file(file), &self.given.flags.config_dir) {
                let path = path.display();
                self.remarks.push(format!("{path} changes nothing: this agent has no {}", file.plugin));
            }
        }
    }

    /// Reads the file of a plugin; none if it is not there.
    fn file<T: DeserializeOwned + Default>(&mut self, plugin: &str) -> Result<Option<T>, FileError> {
        let Some(flag) = FILES.iter().find(|file| file.plugin == plugin) else { return Ok(None) };
        let name = self.given.file(flag);
        let Some(path) = file::resolve(&name, &self.given.flags.config_dir) else {
            self.note_missing(flag, &name);
            self.origins.given.insert(plugin.to_owned(), name);
            return Ok(None);
        };
        let read = file::read(&path)?;
        self.origins.files.insert(flag.default(), (read.path, read.text));
        Ok(Some(read.settings))
    }

    fn note_missing(&mut self, flag: &FileFlag, name: &Path) {
        let asked_for = self.given.origin(&flag.flag()) != FlagOrigin::Default;
        // How users of the elder agent turn a store off.
        let off = name.to_string_lossy().eq_ignore_ascii_case("disabled");
        if asked_for && !off {
            let (name, plugin) = (name.display(), flag.plugin);
            let so = match plugin {
                "etcd" | "redis" | "consul" => format!("{plugin} is not used"),
                _ => "its defaults are used".to_owned(),
            };
            self.remarks.push(format!("--{}: there is no {name}, so {so}", flag.flag()));
        }
    }

    fn set_by(&mut self, name: &str, variable: &str) {
        self.origins.environment.insert(name.to_owned(), variable.to_owned());
    }

    fn etcd_environment(&mut self, etcd: &mut EtcdConfig) {
        for variable in ["ETCDV3_ENDPOINTS", "ETCD_ENDPOINTS"] {
            let Ok(text) = std::env::var(variable) else { continue };
            etcd.endpoints = text.split(',').map(|endpoint| endpoint.trim().to_owned()).collect();
            self.set_by("etcd.conf: endpoints", variable);
        }
        if std::env::var_os("ETCD_EXPAND_ENV_VARS").is_some() {
            etcd.expand_env_variables = true;
            self.set_by("etcd.conf: expand-env-variables", "ETCD_EXPAND_ENV_VARS");
        }
    }

    fn publishers(&mut self, ifplugin: &mut IfpluginConfig) {
        let Ok(text) = std::env::var("VPP_STATUS_PUBLISHERS") else { return };
        for name in text.split([',', ' ']).filter(|name| !name.is_empty()) {
            let all = [Publisher::Etcd, Publisher::Redis, Publisher::Consul, Publisher::Embedded];
            match all.into_iter().find(|publisher| publisher.name() == name) {
                Some(publisher) => ifplugin.status_publishers.push(publisher),
                None => self.remarks.push(format!(
                    "VPP_STATUS_PUBLISHERS: there is no store {name}; known are etcd, redis, consul, embedded"
                )),
            }
        }
        ifplugin.status_publishers.sort_unstable();
        ifplugin.status_publishers.dedup();
        self.set_by("vpp-ifplugin.conf: status-publishers", "VPP_STATUS_PUBLISHERS");
    }
}

fn usual_embedded(state_dir: &Path) -> EmbeddedConfig {
    EmbeddedConfig { path: state_dir.join("store.redb"), ..EmbeddedConfig::default() }
}

/// Where the agent keeps what it has to know after a restart, unless it is told.
fn state_dir() -> PathBuf {
    let (usual, beside) = control::state_folders();
    let writable = std::fs::create_dir_all(&usual).is_ok()
        && nix::unistd::access(&usual, nix::unistd::AccessFlags::W_OK).is_ok();
    match beside {
        Some(beside) if !writable => beside,
        _ => usual,
    }
}
