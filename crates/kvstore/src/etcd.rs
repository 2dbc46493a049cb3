//! etcd, version 3.4 or newer.
//!
//! Everything is listed in pages at one revision, then watched from the next one on. A watch whose revision was
//! compacted, or that broke, begins with a new list.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::keep::Keeper;
use crate::{Compare, Ended, Feed, Item, Lifetime, Listing, Operation, Store, StoreError, Transaction};

mod config;
mod connect;
mod error;
mod first;
mod lease;
mod pages;
mod watch;

pub use config::EtcdConfig;

use connect::Connector;
use lease::Lease;
use proto::etcdserverpb as pb;

/// Generated from `proto/`.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic)]
mod proto {
    pub mod mvccpb {
        tonic::include_proto!("mvccpb");
    }
    pub mod etcdserverpb {
        tonic::include_proto!("etcdserverpb");
    }
}

/// The largest message that is taken, in bytes. Pages are made smaller than that.
const MAX_MESSAGE: usize = 64 << 20;

/// A cluster of etcd.
pub struct EtcdStore {
    connector: Arc<Connector>,
    lease: Arc<Lease>,
    keeper: Keeper,
}

impl EtcdStore {
    /// The cluster that `config` tells of. Nothing is connected yet.
    ///
    /// # Errors
    /// Settings that make no sense.
    pub fn new(config: EtcdConfig) -> Result<Self, StoreError> {
        let keeper = Keeper::new(config.session_ttl());
        let connector = Arc::new(Connector::new(config)?);
        let lease = Arc::new(Lease::new(connector.clone()));
        Ok(Self { connector, lease, keeper })
    }
}

impl std::fmt::Debug for EtcdStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EtcdStore").field("name", &self.connector.name()).finish_non_exhaustive()
    }
}

/// The first key after those that begin with `prefix`: what etcd calls the end of a range.
fn range_end(prefix: &[u8]) -> Bytes {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return end.into();
        }
    }
    // All keys.
    Bytes::from_static(b"\0")
}

fn key_bytes(key: &str) -> Bytes {
    Bytes::copy_from_slice(key.as_bytes())
}

fn revision(revision: i64) -> u64 {
    revision.try_into().unwrap_or_default()
}

/// A key as text, and whether it was that.
fn key_text(key: &[u8]) -> (String, bool) {
    match std::str::from_utf8(key) {
        Ok(key) => (key.to_owned(), true),
        Err(_) => (String::from_utf8_lossy(key).into_owned(), false),
    }
}

#[async_trait]
impl Store for EtcdStore {
    fn name(&self) -> String {
        self.connector.name().to_owned()
    }

    async fn get(&self, key: &str) -> Result<Option<Item>, StoreError> {
        let request = pb::RangeRequest { key: key_bytes(key), limit: 1, ..Default::default() };
        let answer = self
            .connector
            .range(request)
            .await
            .map_err(|status| self.connector.failed(&status, Some(key)))?;
        Ok(answer.kvs.into_iter().next().map(|kv| Item {
            key: key.to_owned(),
            value: kv.value,
            revision: revision(kv.mod_revision),
        }))
    }

    async fn list(&self, prefix: &str) -> Result<Listing, StoreError> {
        let mut items = Vec::new();
        let mut too_large = None;
        let at = pages::read(&self.connector, prefix, |found| match found {
            pages::Found::Value { key, value, revision } => {
                items.push(Item { key: key_text(&key).0, value, revision });
            }
            pages::Found::TooLarge { key, .. } => too_large = Some(key_text(&key).0),
            pages::Found::Restart => items.clear(),
        })
        .await?;
        if too_large.is_some() {
            let reason = format!("the value has more than {MAX_MESSAGE} bytes");
            return Err(StoreError::Refused { store: self.name(), key: too_large, reason });
        }
        Ok(Listing { items, revision: at })
    }

    async fn put(&self, key: &str, value: Bytes, lifetime: Lifetime) -> Result<(), StoreError> {
        let _entered = self.keeper.enter().await;
        match lifetime {
            Lifetime::Permanent => {
                self.connector
                    .put(key, value, 0)
                    .await
                    .map_err(|status| self.connector.failed(&status, Some(key)))?;
                self.keeper.kept().note(key, None);
            }
            Lifetime::Agent => {
                self.lease.put(key, value.clone(), self.keeper.kept()).await?;
                self.keeper.kept().note(key, Some(&value));
                self.keeper.start(&self.lease);
            }
        }
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<bool, StoreError> {
        let _entered = self.keeper.enter().await;
        let deleted =
            self.connector.delete(key).await.map_err(|status| self.connector.failed(&status, Some(key)))?;
        self.keeper.kept().note(key, None);
        Ok(deleted > 0)
    }

    async fn transaction(&self, transaction: Transaction) -> Result<bool, StoreError> {
        let _entered = self.keeper.enter().await;
        let key = transaction.operations.first().map(|operation| operation.key().to_owned());
        let keys: Vec<String> = transaction.operations.iter().map(|o| o.key().to_owned()).collect();
        let request = pb::TxnRequest {
            compare: transaction.compare.into_iter().map(condition).collect(),
            success: transaction.operations.into_iter().map(operation).collect(),
            failure: Vec::new(),
        };
        let done = self
            .connector
            .transaction(request)
            .await
            .map_err(|status| self.connector.failed(&status, key.as_deref()))?
            .succeeded;
        if done {
            keys.iter().for_each(|key| self.keeper.kept().note(key, None));
        }
        Ok(done)
    }

    async fn follow(&self, prefix: &str, feed: &mut Feed) -> Ended {
        match watch::follow(&self.connector, prefix, feed).await {
            Ok(never) => match never {},
            Err(ended) => ended,
        }
    }

    async fn close(&self) -> Result<(), StoreError> {
        let _entered = self.keeper.enter().await;
        self.keeper.kept().clear();
        self.lease.revoke().await
    }
}

fn condition(compare: Compare) -> pb::Compare {
    use pb::compare::{CompareResult, CompareTarget, TargetUnion};
    let (key, target, union) = match compare {
        Compare::Absent(key) => (key, CompareTarget::Version, TargetUnion::Version(0)),
        Compare::Equals(key, value) => (key, CompareTarget::Value, TargetUnion::Value(value)),
    };
    pb::Compare {
        result: CompareResult::Equal.into(),
        target: target.into(),
        key: key_bytes(&key),
        target_union: Some(union),
    }
}

fn operation(operation: Operation) -> pb::RequestOp {
    use pb::request_op::Request;
    let request = match operation {
        Operation::Put(key, value) => {
            Request::RequestPut(pb::PutRequest { key: key_bytes(&key), value, lease: 0 })
        }
        Operation::Delete(key) => Request::RequestDeleteRange(pb::DeleteRangeRequest {
            key: key_bytes(&key),
            range_end: Bytes::new(),
        }),
    };
    pb::RequestOp { request: Some(request) }
}

#[cfg(test)]
mod tests {
    use super::range_end;

    #[test]
    fn a_range_ends_right_after_its_prefix() {
        for (prefix, end) in
            [(&b"/a/"[..], &b"/a0"[..]), (b"a\xff", b"b"), (b"\xff\xff", b"\0"), (b"", b"\0")]
        {
            assert_eq!(range_end(prefix), end, "{prefix:?}");
        }
    }
}
