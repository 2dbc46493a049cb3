//! `etcd.conf`.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::settings::{Secret, duration};
use crate::{Decoder, Encoding};

/// Settings of etcd, by the names that `etcd.conf` has for them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct EtcdConfig {
    /// Members of the cluster: `host:port`, with `http://` or `https://` before it if that is to decide on TLS.
    pub endpoints: Vec<String>,
    /// How long a connection may take.
    #[serde(with = "duration")]
    pub dial_timeout: Duration,
    /// How long an answer may take.
    #[serde(with = "duration")]
    pub operation_timeout: Duration,
    /// How long a connection may be silent before etcd is asked for a sign of life. etcd hangs up on who asks more
    /// often than its `--grpc-keepalive-min-time` says, 5 s by default.
    #[serde(with = "duration")]
    pub keepalive_time: Duration,
    /// How long that may take.
    #[serde(with = "duration")]
    pub keepalive_timeout: Duration,
    /// No TLS.
    pub insecure_transport: bool,
    /// TLS with whoever answers.
    pub insecure_skip_tls_verify: bool,
    /// Certificate of the agent, PEM.
    pub cert_file: Option<PathBuf>,
    /// Its key, PEM.
    pub key_file: Option<PathBuf>,
    /// Authorities that are trusted, PEM; those of the system if it is not set.
    pub ca_file: Option<PathBuf>,
    /// Name for etcd's own authentication.
    pub username: String,
    /// Password for it.
    pub password: Secret,
    /// Has etcd forget its history so often, up to where it was the time before; 0 for never.
    #[serde(with = "duration")]
    pub auto_compact: Duration,
    /// Of no effect: everything is read again after each reconnection.
    pub resync_after_reconnect: bool,
    /// Of no effect: the agent never waits for a store.
    pub allow_delayed_start: bool,
    /// Of no effect: pauses between attempts grow from 0.1 s to 5 s.
    #[serde(with = "duration")]
    pub reconnect_interval: Duration,
    /// Seconds after which what lives as long as the agent goes when the agent is gone.
    pub session_ttl: u32,
    /// `$NAME` and `${NAME}` in values stand for environment variables.
    pub expand_env_variables: bool,
    /// How values are written: `json` or `protobuf`.
    pub encoding: Encoding,
}

impl Default for EtcdConfig {
    fn default() -> Self {
        Self {
            endpoints: vec!["127.0.0.1:2379".to_owned()],
            dial_timeout: Duration::from_secs(1),
            operation_timeout: Duration::from_secs(3),
            keepalive_time: Duration::from_secs(10),
            keepalive_timeout: Duration::from_secs(5),
            insecure_transport: false,
            insecure_skip_tls_verify: false,
            cert_file: None,
            key_file: None,
            ca_file: None,
            username: String::new(),
            password: Secret::default(),
            auto_compact: Duration::ZERO,
            resync_after_reconnect: false,
            allow_delayed_start: false,
            reconnect_interval: Duration::from_secs(2),
            session_ttl: 5,
            expand_env_variables: false,
            encoding: Encoding::Json,
        }
    }
}

impl EtcdConfig {
    /// How its values are read.
    pub fn decoder(&self) -> Decoder {
        Decoder { encoding: self.encoding, expand_env: self.expand_env_variables }
    }

    pub(super) fn session_ttl(&self) -> Duration {
        Duration::from_secs(self.session_ttl.max(1).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::from_yaml;

    #[test]
    fn the_file_of_today_is_read() {
        let config: EtcdConfig = from_yaml(
            "insecure-transport: true\ndial-timeout: 1s\noperation-timeout: 3s\nallow-delayed-start: true\n\
             endpoints:\n  - 172.17.0.1:2379\nauto-compact: 0\nsession-ttl: 7\nresync-after-reconnect: true\n",
        )
        .unwrap();
        assert_eq!(config.endpoints, ["172.17.0.1:2379"]);
        assert_eq!((config.session_ttl, config.insecure_transport), (7, true));
        assert_eq!(config.operation_timeout, Duration::from_secs(3));
        assert_eq!(from_yaml::<EtcdConfig>("# nothing\n"), Ok(EtcdConfig::default()));
    }

    #[test]
    fn what_is_not_known_is_refused_with_its_place() {
        let error = from_yaml::<EtcdConfig>("endpoints: [a]\nendpoint: b\n").unwrap_err();
        assert!(error.contains("endpoint") && error.contains("line 2"), "{error}");
        let error = from_yaml::<EtcdConfig>("dial-timeout: soon\n").unwrap_err();
        assert!(error.contains("500ms") && error.contains("line 1"), "{error}");
    }

    #[test]
    fn a_password_is_not_shown() {
        let config: EtcdConfig = from_yaml("username: u\npassword: hush\n").unwrap();
        assert_eq!(config.password.expose(), "hush");
        assert!(!format!("{config:?}").contains("hush"));
    }
}
