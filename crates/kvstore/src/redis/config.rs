//! `redis.conf`.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::net::Tls;
use crate::settings::{Secret, duration};
use crate::{Decoder, Encoding};

/// Settings of Redis, by the names that `redis.conf` has for them.
///
/// `endpoint` is a single server, `endpoints` is a cluster, `endpoints` with `master-name` are the sentinels of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct RedisConfig {
    /// A single server, `host:port`.
    pub endpoint: String,
    /// Some nodes of a cluster, or all sentinels.
    pub endpoints: Vec<String>,
    /// What the sentinels call the server.
    pub master_name: String,
    /// Number of the database; a cluster has only 0.
    pub db: u32,
    /// Name for Redis' access control lists.
    pub username: String,
    /// Password.
    pub password: Secret,
    /// Password of the sentinels.
    pub sentinel_password: Secret,
    /// TLS.
    pub tls: RedisTls,
    /// How long a connection may take.
    #[serde(with = "duration")]
    pub dial_timeout: Duration,
    /// How long an answer may take.
    #[serde(with = "duration")]
    pub read_timeout: Duration,
    /// How often it is looked whether Redis is still there. The answer may take `read-timeout`.
    #[serde(with = "duration")]
    pub keepalive_time: Duration,
    /// Of no effect: `read-timeout` counts from the request on.
    #[serde(with = "duration")]
    pub write_timeout: Duration,
    /// Of no effect: the master is read.
    pub enable_query_on_slave: bool,
    /// Of no effect: the master is read.
    pub route_by_latency: bool,
    /// Of no effect: redirections of a cluster are followed.
    #[serde(alias = "max-redirects")]
    pub max_rediects: u32,
    /// Of no effect: there is one connection that all requests share.
    pub pool: RedisPool,
    /// Seconds after which what lives as long as the agent goes when the agent is gone.
    pub session_ttl: u32,
    /// How values are written: `json` or `protobuf`.
    pub encoding: Encoding,
}

/// TLS settings of Redis.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct RedisTls {
    /// Whether TLS is used.
    pub enabled: bool,
    /// TLS with whoever answers.
    pub skip_verify: bool,
    /// Certificate of the agent, PEM.
    pub cert_file: Option<PathBuf>,
    /// Its key, PEM.
    pub key_file: Option<PathBuf>,
    /// Authorities that are trusted, PEM; those of the system if it is not set.
    pub ca_file: Option<PathBuf>,
}

/// Settings of a pool of connections, which have no effect.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[allow(missing_docs)]
pub struct RedisPool {
    pub max_connections: u32,
    #[serde(with = "duration")]
    pub busy_timeout: Duration,
    #[serde(with = "duration")]
    pub idle_timeout: Duration,
    #[serde(with = "duration")]
    pub idle_check_frequency: Duration,
}

impl Default for RedisConfig {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            endpoints: Vec::new(),
            master_name: String::new(),
            db: 0,
            username: String::new(),
            password: Secret::default(),
            sentinel_password: Secret::default(),
            tls: RedisTls::default(),
            dial_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(3),
            keepalive_time: Duration::from_secs(1),
            write_timeout: Duration::from_secs(3),
            enable_query_on_slave: false,
            route_by_latency: false,
            max_rediects: 0,
            pool: RedisPool::default(),
            session_ttl: 5,
            encoding: Encoding::Json,
        }
    }
}

impl RedisConfig {
    /// How its values are read.
    pub fn decoder(&self) -> Decoder {
        Decoder { encoding: self.encoding, expand_env: false }
    }

    pub(super) fn session_ttl(&self) -> Duration {
        Duration::from_secs(self.session_ttl.max(1).into())
    }

    pub(super) fn tls(&self) -> Option<Tls> {
        let RedisTls { enabled, skip_verify, cert_file, key_file, ca_file } = self.tls.clone();
        enabled.then_some(Tls { ca_file, cert_file, key_file, skip_verify })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::from_yaml;

    #[test]
    fn the_files_of_today_are_read() {
        let config: RedisConfig = from_yaml(
            "endpoint: localhost:6379\ndb: 2\ntls:\n  enabled: true\n  skip-verify: true\nread-timeout: 1000000000\n\
             pool:\n  max-connections: 10\n  idle-timeout: 60000000000\n",
        )
        .unwrap();
        assert_eq!((config.endpoint.as_str(), config.db), ("localhost:6379", 2));
        assert_eq!(config.read_timeout, Duration::from_secs(1));
        assert!(config.tls().is_some_and(|tls| tls.skip_verify));
        let config: RedisConfig =
            from_yaml("endpoints: [a:26379, b:26379]\nmaster-name: mymaster\nmax-rediects: 3\n").unwrap();
        assert_eq!((config.endpoints.len(), config.master_name.as_str()), (2, "mymaster"));
    }
}
