//! The servers of a store, and commands to the one that has the key.

use std::time::{Duration, Instant};

use redis::{Cmd, ErrorKind, FromRedisValue, RedisError, ServerErrorKind, Value, cmd};
use tokio::sync::Mutex;

use super::error;
use super::node::{Access, Master, Node, slot_of};
use super::topology::Topology;
use crate::StoreError;
use crate::net::Address;

/// How often a command is sent again: to another node, or after a broken connection.
const ATTEMPTS: usize = 4;

/// The node that a redirection names: `host:port`, or only `:port` for the host that was asked. An IPv6 address has no
/// brackets there.
fn redirected(to: &str, asked: &Address) -> Option<Address> {
    let (host, port) = to.rsplit_once(':')?;
    let host = if host.is_empty() { asked.host.as_str() } else { host.trim_matches(['[', ']']) };
    Some(Address { scheme: None, host: host.to_owned(), port: port.parse().ok()? })
}

/// All masters, connected.
pub(super) type Connected = Vec<(Master, Node)>;

pub(super) struct Nodes {
    pub(super) access: Access,
    pub(super) topology: Topology,
    connected: Mutex<Option<Connected>>,
}

impl Nodes {
    pub(super) fn new(access: Access, topology: Topology) -> Self {
        Self { access, topology, connected: Mutex::new(None) }
    }

    /// New connections to all masters.
    pub(super) async fn connect(&self) -> Result<Connected, StoreError> {
        let mut connected = Vec::new();
        for master in self.topology.masters(&self.access).await? {
            let mut node = self.access.connect(&master.address).await?;
            // A sentinel may not have noticed yet; and whoever names a replica is to know.
            let role: Value = node.query(cmd("ROLE"), None).await.unwrap_or_default();
            if let Value::Array(role) = role
                && let Some(Value::BulkString(role)) = role.first()
                && role != b"master"
            {
                let reason = format!("{} is a {}", master.address, String::from_utf8_lossy(role));
                return Err(StoreError::Unreachable {
                    store: self.access.store.clone(),
                    reason,
                    advice: "name the master, or the sentinels with master-name".to_owned(),
                });
            }
            connected.push((master, node));
        }
        Ok(connected)
    }

    async fn node_for(&self, key: &[u8]) -> Result<Node, StoreError> {
        let mut slot = self.connected.lock().await;
        let connected = match &mut *slot {
            Some(connected) => connected,
            empty => empty.insert(self.connect().await?),
        };
        let wanted = slot_of(key);
        let has = |master: &Master| master.slots.iter().any(|&(from, to)| (from..=to).contains(&wanted));
        match connected.iter().find(|(master, _)| has(master)) {
            Some((_, node)) => Ok(node.clone()),
            None => Err(error::unreachable(&self.access.store, &format!("no node has slot {wanted}"))),
        }
    }

    async fn forget(&self) {
        *self.connected.lock().await = None;
    }

    /// All masters, over the connections that commands use.
    pub(super) async fn all(&self) -> Result<Vec<Node>, StoreError> {
        let mut slot = self.connected.lock().await;
        let connected = match &mut *slot {
            Some(connected) => connected,
            empty => empty.insert(self.connect().await?),
        };
        Ok(connected.iter().map(|(_, node)| node.clone()).collect())
    }

    /// Sends a command about `key` to the node that has it. One that may be sent twice is, after a broken connection.
    pub(super) async fn query<T: FromRedisValue>(
        &self,
        key: &str,
        command: &Cmd,
        again: bool,
    ) -> Result<T, StoreError> {
        let began = Instant::now();
        let mut attempt = 0;
        loop {
            attempt += 1;
            let mut node = self.node_for(key.as_bytes()).await?;
            let error = match node.raw(command).await {
                Ok(answer) => {
                    return T::from_redis_value(answer)
                        .map_err(|error| node.failed(&RedisError::from(error), Some(key)));
                }
                Err(error) => error,
            };
            let more = attempt < ATTEMPTS;
            match error.kind() {
                ErrorKind::Server(ServerErrorKind::Moved) if more => self.forget().await,
                ErrorKind::Server(ServerErrorKind::Ask) if more => {
                    match error.redirect_node().and_then(|(to, _slot)| redirected(to, &node.address)) {
                        Some(to) => return self.ask(to, key, command).await,
                        None => return Err(node.failed(&error, Some(key))),
                    }
                }
                // That passes as a rule.
                ErrorKind::Server(ServerErrorKind::TryAgain | ServerErrorKind::ClusterDown)
                    if began.elapsed() < self.access.read_timeout =>
                {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                // A demoted master: another one is known by now.
                ErrorKind::Server(ServerErrorKind::ReadOnly) if more => self.forget().await,
                ErrorKind::Server(_) => return Err(node.failed(&error, Some(key))),
                _ => {
                    self.forget().await;
                    if !more || !again || error.is_timeout() {
                        return Err(node.failed(&error, Some(key)));
                    }
                }
            }
        }
    }

    /// Sends a command to the node that a slot is moving to.
    async fn ask<T: FromRedisValue>(
        &self,
        address: Address,
        key: &str,
        command: &Cmd,
    ) -> Result<T, StoreError> {
        let mut node = self.access.connect(&address).await?;
        let mut pipeline = redis::pipe();
        pipeline.add_command(cmd("ASKING")).add_command(command.clone());
        let answer = node.pipeline(&pipeline, 2).await?.pop().unwrap_or_default();
        answer
            .extract_error()
            .and_then(|answer| Ok(T::from_redis_value(answer)?))
            .map_err(|error| node.failed(&error, Some(key)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirections_name_a_node() {
        let asked = Address::parse("redis.example", 6379).unwrap();
        for (to, expected) in [
            ("10.0.0.1:7000", Some("10.0.0.1:7000")),
            (":7000", Some("redis.example:7000")),
            ("fe80::1:7000", Some("[fe80::1]:7000")),
            ("none", None),
            ("host:x", None),
        ] {
            assert_eq!(redirected(to, &asked).map(|to| to.to_string()).as_deref(), expected, "{to}");
        }
    }
}
