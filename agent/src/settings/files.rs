//! The files of settings that belong to the agent itself; those of the stores are the stores'.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// `govpp.conf`: the connection to VPP.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct GovppConfig {
    /// VPP's API socket.
    pub(crate) binapi_socket_path: PathBuf,
    /// Of no effect: statistics are read by `agentctl vpp stats`.
    pub(crate) stats_socket_path: Unused,
    /// How long a call waits for its reply.
    #[serde(with = "some_duration")]
    pub(crate) reply_timeout: Option<Duration>,
    /// How long VPP may be silent before it is asked for a sign of life.
    #[serde(with = "some_duration")]
    pub(crate) health_check_probe_interval: Option<Duration>,
    /// Of no effect: a busy VPP is not given up before 30 s.
    pub(crate) health_check_reply_timeout: Unused,
    /// Of no effect, as above.
    pub(crate) health_check_threshold: Unused,
    /// Of no effect: everything is compared after each connection.
    pub(crate) resync_after_reconnect: Unused,
    /// Of no effect: there is no shared memory any more.
    pub(crate) connect_via_shm: Unused,
    /// Of no effect, as above.
    pub(crate) shm_prefix: Unused,
    /// Of no effect: what fails is tried again by the scheduler.
    pub(crate) retry_request_count: Unused,
    /// Of no effect, as above.
    pub(crate) retry_request_timeout: Unused,
    /// Of no effect: it is tried for ever.
    pub(crate) retry_connect_count: Unused,
    /// Of no effect: pauses grow from 0.1 s to 5 s.
    pub(crate) retry_connect_timeout: Unused,
    /// Of no effect: there is no proxy.
    pub(crate) proxy_enabled: Unused,
    /// Of no effect: see `--api-trace`.
    pub(crate) trace_enabled: Unused,
}

/// A duration with a default that others have.
mod some_duration {
    use std::time::Duration;

    use kvstore::settings::duration;
    use serde::{Deserializer, Serializer};

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        duration::deserialize(deserializer).map(Some)
    }

    pub(super) fn serialize<S: Serializer>(
        duration: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match duration {
            Some(duration) => duration::serialize(duration, serializer),
            None => serializer.serialize_none(),
        }
    }
}

/// Whatever is stated for a setting that has no effect.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unused(Option<Value>);

impl<'de> Deserialize<'de> for Unused {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::<Value>::deserialize(deserializer).map(Self)
    }
}

impl Serialize for Unused {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// `kvscheduler.conf`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct KvschedulerConfig {
    /// Keep transactions that have ended.
    pub(crate) record_transaction_history: bool,
    /// For how many minutes.
    pub(crate) transaction_history_age_limit: u32,
    /// Of no effect: the first transactions are kept as long as the others.
    pub(crate) permanently_recorded_init_period: u32,
    /// Of no effect: every transaction is planned before it is run.
    pub(crate) enable_txn_simulation: bool,
    /// Write transactions to the log.
    pub(crate) print_txn_summary: bool,
}

impl Default for KvschedulerConfig {
    fn default() -> Self {
        Self {
            record_transaction_history: true,
            transaction_history_age_limit: 24 * 60,
            permanently_recorded_init_period: 60,
            enable_txn_simulation: false,
            print_txn_summary: true,
        }
    }
}

/// `logs.conf`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct LogsConfig {
    /// Level of what has none of its own.
    pub(crate) default_level: Option<Level>,
    /// Levels of parts of the agent.
    pub(crate) loggers: Vec<Logger>,
    /// Of no effect: logs go to standard error.
    pub(crate) hooks: Unused,
}

/// The level of a part of the agent.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Logger {
    /// Name of the part: of a plugin of the elder agent, or of a module.
    pub(crate) name: String,
    /// Its level.
    pub(crate) level: Level,
}

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    Trace,
    Debug,
    Info,
    #[serde(alias = "warning")]
    Warn,
    #[serde(alias = "fatal", alias = "panic")]
    Error,
}

/// `vpp-ifplugin.conf`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct IfpluginConfig {
    /// MTU of interfaces that state none; 0 leaves them what VPP gives them.
    #[serde(deserialize_with = "mtu")]
    pub(crate) mtu: u32,
    /// Stores to which the state of interfaces is written: etcd, redis, consul, embedded.
    pub(crate) status_publishers: Vec<Publisher>,
}

/// The largest MTU that the model of interfaces takes.
const LARGEST_MTU: u32 = 9216;

fn mtu<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let mtu = u32::deserialize(deserializer)?;
    match mtu <= LARGEST_MTU {
        true => Ok(mtu),
        false => Err(serde::de::Error::custom(format!("expected an MTU up to {LARGEST_MTU}, found {mtu}"))),
    }
}

/// A store that states are written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Publisher {
    Etcd,
    Redis,
    Consul,
    Embedded,
}

impl Publisher {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::Redis => "redis",
            Self::Consul => "consul",
            Self::Embedded => "embedded",
        }
    }
}

/// `filesystem.conf`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct FilesConfig {
    /// Files, and folders of files, with configuration.
    pub(crate) configuration_paths: Vec<PathBuf>,
    /// File to which states are written.
    pub(crate) status_path: Option<PathBuf>,
}

/// `initfileregistry.conf`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct InitFileConfig {
    /// Leave the file alone.
    pub(crate) disable_initial_configuration: bool,
    /// A document with configuration that holds as long as no other source says otherwise.
    pub(crate) initial_configuration_file_path: PathBuf,
}

impl Default for InitFileConfig {
    fn default() -> Self {
        Self {
            disable_initial_configuration: false,
            initial_configuration_file_path: PathBuf::from("initial-config.yaml"),
        }
    }
}

/// `orchestrator.conf`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct OrchestratorConfig {
    /// Priorities of sources by name: of those that state a value, the one with the highest has its way.
    pub(crate) source_priorities: BTreeMap<Kind, i32>,
    /// Write the state of every value to the stores.
    pub(crate) publish_value_status: bool,
}

/// Where configuration comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Etcd,
    Redis,
    Consul,
    Embedded,
    Files,
    InitFile,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] =
        [Self::Etcd, Self::Redis, Self::Consul, Self::Embedded, Self::Files, Self::InitFile];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::Redis => "redis",
            Self::Consul => "consul",
            Self::Embedded => "embedded",
            Self::Files => "files",
            Self::InitFile => "initfile",
        }
    }

    /// What is shared by many agents has its way over what lies on this machine.
    pub(crate) fn priority(self) -> i32 {
        match self {
            Self::Etcd => 60,
            Self::Redis => 50,
            Self::Consul => 40,
            Self::Embedded => 30,
            Self::Files => 20,
            Self::InitFile => 10,
        }
    }
}
