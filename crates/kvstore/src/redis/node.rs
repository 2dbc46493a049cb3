//! One server, and which servers there are.

use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection, PubSub};
use redis::{AsyncConnectionConfig, Cmd, FromRedisValue, Pipeline, RedisConnectionInfo, RedisError, Value};
use tokio::task::AbortHandle;

use super::config::RedisConfig;
use super::error;
use crate::StoreError;
use crate::net::{self, Address, Tls};

/// Slots of a cluster.
pub(super) const SLOTS: u16 = 16384;

/// How to connect.
pub(super) struct Access {
    pub(super) store: String,
    pub(super) tls: Option<Tls>,
    pub(super) info: RedisConnectionInfo,
    dial_timeout: Duration,
    pub(super) read_timeout: Duration,
    pub(super) keepalive: Duration,
}

impl Access {
    pub(super) fn new(store: String, config: &RedisConfig) -> Self {
        let mut info = RedisConnectionInfo::default().set_db(config.db.into());
        if !config.username.is_empty() {
            info = info.set_username(&config.username);
        }
        if !config.password.is_empty() {
            info = info.set_password(config.password.expose());
        }
        Self {
            store,
            tls: config.tls(),
            info,
            dial_timeout: config.dial_timeout,
            read_timeout: config.read_timeout.max(Duration::from_millis(1)),
            keepalive: config.keepalive_time,
        }
    }

    /// The same for sentinels, which have no databases and a password of their own.
    pub(super) fn of_sentinels(store: String, config: &RedisConfig) -> Self {
        let mut info = RedisConnectionInfo::default();
        if !config.sentinel_password.is_empty() {
            info = info.set_password(config.sentinel_password.expose());
        }
        Self { info, ..Self::new(store, config) }
    }

    async fn stream(&self, address: &Address) -> Result<net::Stream, StoreError> {
        net::connect(address, self.tls.as_ref(), &[], self.dial_timeout)
            .await
            .map_err(|error| error::connect(&self.store, &address.to_string(), &error))
    }

    /// Waits for Redis as long as that may take.
    async fn within<T>(
        &self,
        address: &Address,
        call: impl Future<Output = Result<T, RedisError>>,
    ) -> Result<T, StoreError> {
        match tokio::time::timeout(self.read_timeout, call).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(error::explain(&self.store, &address.to_string(), &error, None)),
            Err(_) => Err(error::unreachable(
                &self.store,
                &format!("{address}: no answer within {:?}", self.read_timeout),
            )),
        }
    }

    pub(super) async fn connect(&self, address: &Address) -> Result<Node, StoreError> {
        let stream = self.stream(address).await?;
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(self.read_timeout));
        let connecting = MultiplexedConnection::new_with_config(&self.info, stream, config);
        let (connection, driver) = self.within(address, connecting).await?;
        let driver = Driver(tokio::spawn(driver).abort_handle());
        let mut node =
            Node { address: address.clone(), store: self.store.clone(), connection, _driver: driver.into() };
        // Whoever is no Redis is noticed before anything else is asked of it.
        let pong: Value = node.query(redis::cmd("PING"), None).await?;
        match pong {
            Value::SimpleString(pong) if pong == "PONG" => Ok(node),
            other => Err(error::protocol(&self.store, &format!("{address} answers PING with {other:?}"))),
        }
    }

    pub(super) async fn subscriber(&self, address: &Address) -> Result<PubSub, StoreError> {
        let stream = self.stream(address).await?;
        self.within(address, PubSub::new(&self.info, stream)).await
    }

    pub(super) async fn subscribe(
        &self,
        address: &Address,
        pubsub: &mut PubSub,
        pattern: &[u8],
    ) -> Result<(), StoreError> {
        self.within(address, pubsub.psubscribe(pattern)).await
    }
}

/// Ends the task of a connection with it.
struct Driver(AbortHandle);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A server that is connected. Clones share the connection.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) address: Address,
    store: String,
    connection: MultiplexedConnection,
    _driver: std::sync::Arc<Driver>,
}

impl Node {
    /// Sends a command; what Redis says of it as it is.
    pub(super) async fn raw(&mut self, command: &Cmd) -> Result<Value, RedisError> {
        self.connection.req_packed_command(command).await.and_then(Value::extract_error)
    }

    pub(super) fn failed(&self, error: &RedisError, key: Option<&str>) -> StoreError {
        error::explain(&self.store, &self.address.to_string(), error, key)
    }

    pub(super) async fn query<T: FromRedisValue>(
        &mut self,
        command: impl std::borrow::Borrow<Cmd>,
        key: Option<&str>,
    ) -> Result<T, StoreError> {
        let answer = self.raw(command.borrow()).await.map_err(|error| self.failed(&error, key))?;
        T::from_redis_value(answer).map_err(|error| self.failed(&RedisError::from(error), key))
    }

    /// Sends several commands; the answer to each, errors among them.
    pub(super) async fn pipeline(
        &mut self,
        commands: &Pipeline,
        count: usize,
    ) -> Result<Vec<Value>, StoreError> {
        let answers = self.connection.send_packed_commands(commands, 0, count).await;
        let answers = answers.map_err(|error| self.failed(&error, None))?;
        if answers.len() != count {
            let reason = format!("{count} commands got {} answers", answers.len());
            return Err(error::protocol(&self.store, &reason));
        }
        Ok(answers)
    }
}

/// A master with the slots that it has; all of them unless it is one of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Master {
    pub(super) address: Address,
    pub(super) slots: Vec<(u16, u16)>,
}

/// Which master has a key.
pub(super) fn slot_of(key: &[u8]) -> u16 {
    let tagged = key.iter().position(|&b| b == b'{').and_then(|open| {
        let inner = key.get(open + 1..)?;
        let close = inner.iter().position(|&b| b == b'}')?;
        (close > 0).then(|| inner.get(..close)).flatten()
    });
    crc16(tagged.unwrap_or(key)) % SLOTS
}

/// CRC-16/XMODEM, which Redis' cluster specification names for slots.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, &byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_cluster_specification() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
        assert_eq!(slot_of(b"{user1000}.following"), slot_of(b"user1000"));
        assert_eq!(slot_of(b"foo{}{bar}"), crc16(b"foo{}{bar}") % SLOTS);
        assert_eq!(slot_of(b"foo{{bar}}zap"), slot_of(b"{bar"));
        assert_eq!(slot_of(b"foo{bar}{zap}"), slot_of(b"bar"));
    }
}
