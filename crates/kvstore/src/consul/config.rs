//! `consul.conf`.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::settings::{Secret, duration};
use crate::{Decoder, Encoding};

/// Settings of Consul, by the names that `consul.conf` has for them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ConsulConfig {
    /// `host:port`, with `https://` before it for TLS.
    pub address: String,
    /// Of no effect: everything is read again after each reconnection.
    pub resync_after_reconnect: bool,
    /// Token for Consul's access control lists.
    pub token: Secret,
    /// Data centre; that of the Consul that is asked if it is empty.
    pub datacenter: String,
    /// TLS with whoever answers.
    pub insecure_skip_tls_verify: bool,
    /// Certificate of the agent, PEM.
    pub cert_file: Option<PathBuf>,
    /// Its key, PEM.
    pub key_file: Option<PathBuf>,
    /// Authorities that are trusted, PEM; those of the system if it is not set.
    pub ca_file: Option<PathBuf>,
    /// How long a connection may take.
    #[serde(with = "duration")]
    pub dial_timeout: Duration,
    /// How long an answer may take.
    #[serde(with = "duration")]
    pub operation_timeout: Duration,
    /// How often it is looked whether Consul is still there while it waits for changes. The answer may take
    /// `operation-timeout`.
    #[serde(with = "duration")]
    pub keepalive_time: Duration,
    /// Seconds after which what lives as long as the agent goes when the agent is gone. Consul takes 10 to 86400, and
    /// twice as long.
    pub session_ttl: u32,
    /// How values are written: `json` or `protobuf`.
    pub encoding: Encoding,
}

impl Default for ConsulConfig {
    fn default() -> Self {
        Self {
            address: "127.0.0.1:8500".to_owned(),
            resync_after_reconnect: false,
            token: Secret::default(),
            datacenter: String::new(),
            insecure_skip_tls_verify: false,
            cert_file: None,
            key_file: None,
            ca_file: None,
            dial_timeout: Duration::from_secs(1),
            operation_timeout: Duration::from_secs(3),
            keepalive_time: Duration::from_secs(5),
            session_ttl: 10,
            encoding: Encoding::Json,
        }
    }
}

impl ConsulConfig {
    /// How its values are read.
    pub fn decoder(&self) -> Decoder {
        Decoder { encoding: self.encoding, expand_env: false }
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
        let config: ConsulConfig =
            from_yaml("address: 0.0.0.0:8500\nresync-after-reconnect: true\n").unwrap();
        assert_eq!(config.address, "0.0.0.0:8500");
        assert_eq!(from_yaml::<ConsulConfig>(""), Ok(ConsulConfig::default()));
    }
}
