//! Redis, version 4 or newer: a single server, one behind sentinels, or a cluster.
//!
//! Changes are told by keyspace notifications, which are turned on. They name the key that has changed; what it is by
//! then is read. After a broken connection everything is read again. Redis has no revisions.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use redis::{Cmd, cmd};

use crate::keep::{Keep, Keeper, Kept};
use crate::{Compare, Ended, Feed, Item, Lifetime, Listing, Operation, Store, StoreError, Transaction};

mod config;
mod error;
mod fetch;
mod follow;
mod node;
mod nodes;
mod notify;
mod topology;

pub use config::{RedisConfig, RedisPool, RedisTls};

use node::Access;
use nodes::Nodes;
use topology::Topology;

/// Makes changes if all conditions hold. KEYS are those of the conditions, then those of the changes. ARGV has the
/// number of conditions, then two words for each of either: what it is and its value.
const TRANSACTION: &str = "
local conditions = tonumber(ARGV[1])
for i = 1, conditions do
  local value = redis.call('GET', KEYS[i])
  if ARGV[2 * i] == 'absent' then
    if value then return 0 end
  elseif value ~= ARGV[2 * i + 1] then
    return 0
  end
end
for i = conditions + 1, #KEYS do
  if ARGV[2 * i] == 'put' then
    redis.call('SET', KEYS[i], ARGV[2 * i + 1])
  else
    redis.call('DEL', KEYS[i])
  end
end
return 1
";

/// Values that are kept alive at a time.
const AT_A_TIME: usize = 128;

/// A Redis.
pub struct RedisStore {
    inner: Arc<Inner>,
    keeper: Keeper,
}

struct Inner {
    nodes: Nodes,
    ttl: Duration,
}

impl RedisStore {
    /// The Redis that `config` tells of. Nothing is connected yet.
    ///
    /// # Errors
    /// Settings that make no sense.
    pub fn new(config: &RedisConfig) -> Result<Self, StoreError> {
        let name = match (config.endpoint.as_str(), config.endpoints.is_empty()) {
            ("", true) => "redis 127.0.0.1:6379".to_owned(),
            (endpoint, true) => format!("redis {endpoint}"),
            _ if config.master_name.is_empty() => format!("redis cluster {}", config.endpoints.join(",")),
            _ => format!("redis {} of sentinels {}", config.master_name, config.endpoints.join(",")),
        };
        crate::settings::keepalive(&name, "keepalive-time", config.keepalive_time)?;
        let topology = Topology::new(&name, config)?;
        let nodes = Nodes::new(Access::new(name, config), topology);
        let ttl = config.session_ttl();
        Ok(Self { inner: Arc::new(Inner { nodes, ttl }), keeper: Keeper::new(ttl) })
    }
}

impl std::fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisStore").field("name", &self.inner.nodes.access.store).finish_non_exhaustive()
    }
}

impl Inner {
    /// Sets a value that goes by itself.
    fn set_for_a_while(&self, key: &str, value: &Bytes) -> Cmd {
        let ttl = u64::try_from(self.ttl.as_millis()).unwrap_or(u64::MAX);
        cmd("SET").arg(key).arg(value.as_ref()).arg("PX").arg(ttl).to_owned()
    }
}

impl Inner {
    async fn renew_one(&self, key: String, value: Bytes) -> Result<(), StoreError> {
        let ttl = u64::try_from(self.ttl.as_millis()).unwrap_or(u64::MAX);
        let lives: bool = self.nodes.query(&key, &cmd("PEXPIRE").arg(&key).arg(ttl).to_owned(), true).await?;
        if !lives {
            self.nodes.query::<()>(&key, &self.set_for_a_while(&key, &value), true).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Keep for Inner {
    fn name(&self) -> &str {
        &self.nodes.access.store
    }

    async fn renew(&self, kept: &Kept) -> Result<(), StoreError> {
        let renewals = kept.values().into_iter().map(|(key, value)| self.renew_one(key, value));
        futures::stream::iter(renewals).buffer_unordered(AT_A_TIME).try_collect::<()>().await
    }
}

#[async_trait]
impl Store for RedisStore {
    fn name(&self) -> String {
        self.inner.nodes.access.store.clone()
    }

    async fn get(&self, key: &str) -> Result<Option<Item>, StoreError> {
        let value: Option<Vec<u8>> =
            self.inner.nodes.query(key, &cmd("GET").arg(key).to_owned(), true).await?;
        Ok(value.map(|value| Item { key: key.to_owned(), value: value.into(), revision: 0 }))
    }

    async fn list(&self, prefix: &str) -> Result<Listing, StoreError> {
        let mut items = Vec::new();
        let mut unusable = None;
        for mut node in self.inner.nodes.all().await? {
            let keys = fetch::scan(&mut node, prefix).await?;
            fetch::fetch(&mut node, &keys, |key, found| {
                let key = String::from_utf8_lossy(key).into_owned();
                match found {
                    fetch::Found::Value(value) => items.push(Item { key, value, revision: 0 }),
                    fetch::Found::Absent => {}
                    fetch::Found::Unusable(reason) => unusable = Some((key, reason)),
                }
            })
            .await?;
        }
        if let Some((key, reason)) = unusable {
            return Err(error::refused(&self.name(), Some(&key), reason));
        }
        items.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(Listing { items, revision: 0 })
    }

    async fn put(&self, key: &str, value: Bytes, lifetime: Lifetime) -> Result<(), StoreError> {
        let _entered = self.keeper.enter().await;
        let nodes = &self.inner.nodes;
        match lifetime {
            Lifetime::Permanent => {
                nodes.query::<()>(key, &cmd("SET").arg(key).arg(value.as_ref()).to_owned(), true).await?;
                self.keeper.kept().note(key, None);
            }
            Lifetime::Agent => {
                nodes.query::<()>(key, &self.inner.set_for_a_while(key, &value), true).await?;
                self.keeper.kept().note(key, Some(&value));
                self.keeper.start(&self.inner);
            }
        }
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<bool, StoreError> {
        let _entered = self.keeper.enter().await;
        let deleted = self.inner.nodes.query(key, &cmd("DEL").arg(key).to_owned(), true).await?;
        self.keeper.kept().note(key, None);
        Ok(deleted)
    }

    async fn transaction(&self, transaction: Transaction) -> Result<bool, StoreError> {
        let Transaction { compare, operations } = transaction;
        let keys: Vec<&str> =
            compare.iter().map(Compare::key).chain(operations.iter().map(Operation::key)).collect();
        let Some(&first) = keys.first() else { return Ok(true) };
        let _entered = self.keeper.enter().await;
        let mut command = cmd("EVAL");
        command.arg(TRANSACTION).arg(keys.len()).arg(&keys).arg(compare.len());
        for condition in &compare {
            match condition {
                Compare::Absent(_) => command.arg("absent").arg(""),
                Compare::Equals(_, value) => command.arg("equals").arg(value.as_ref()),
            };
        }
        for operation in &operations {
            match operation {
                Operation::Put(_, value) => command.arg("put").arg(value.as_ref()),
                Operation::Delete(_) => command.arg("delete").arg(""),
            };
        }
        let done = self.inner.nodes.query(first, &command, false).await?;
        if done {
            operations.iter().for_each(|operation| self.keeper.kept().note(operation.key(), None));
        }
        Ok(done)
    }

    async fn follow(&self, prefix: &str, feed: &mut Feed) -> Ended {
        match follow::follow(&self.inner.nodes, prefix, feed).await {
            Ok(never) => match never {},
            Err(ended) => ended,
        }
    }

    async fn close(&self) -> Result<(), StoreError> {
        let _entered = self.keeper.enter().await;
        for key in self.keeper.kept().values().into_keys() {
            self.inner.nodes.query::<()>(&key, &cmd("DEL").arg(&key).to_owned(), true).await?;
            self.keeper.kept().note(&key, None);
        }
        Ok(())
    }
}
