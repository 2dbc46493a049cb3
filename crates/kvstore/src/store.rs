//! What every store can do.

use async_trait::async_trait;
use bytes::Bytes;

use crate::StoreError;
use crate::feed::{Ended, Feed};

/// A key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The key.
    pub key: String,
    /// The value.
    pub value: Bytes,
    /// Revision of its last change; 0 in a store that has none (Redis).
    pub revision: u64,
}

/// All keys with a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// In the order of the keys.
    pub items: Vec<Item>,
    /// Revision of the store at which that was so; 0 in a store that has none (Redis).
    pub revision: u64,
}

/// How long a value stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Lifetime {
    /// Until it is deleted.
    #[default]
    Permanent,
    /// As long as this agent lives: the store drops it a while (`session-ttl`) after the agent has died or cannot be
    /// reached any more, at once after [`Store::close`]. When it can be reached again the value is put again.
    Agent,
}

/// A condition of a [`Transaction`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compare {
    /// The key is not there.
    Absent(String),
    /// The key has exactly this value.
    Equals(String, Bytes),
}

impl Compare {
    /// The key that it is about.
    pub fn key(&self) -> &str {
        match self {
            Self::Absent(key) | Self::Equals(key, _) => key,
        }
    }
}

/// A change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Sets a value.
    Put(String, Bytes),
    /// Removes a key; one that is not there is no error.
    Delete(String),
}

impl Operation {
    /// The key that it is about.
    pub fn key(&self) -> &str {
        match self {
            Self::Put(key, _) | Self::Delete(key) => key,
        }
    }
}

/// Changes that are made together, or not at all if one of the conditions does not hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transaction {
    /// All have to hold.
    pub compare: Vec<Compare>,
    /// The changes; a key at most once.
    pub operations: Vec<Operation>,
}

impl Transaction {
    /// Puts `value` if `key` has the value `expected`, or is not there if that is `None`.
    pub fn compare_and_put(key: &str, expected: Option<Bytes>, value: Bytes) -> Self {
        let compare = match expected {
            Some(expected) => Compare::Equals(key.to_owned(), expected),
            None => Compare::Absent(key.to_owned()),
        };
        Self { compare: vec![compare], operations: vec![Operation::Put(key.to_owned(), value)] }
    }
}

/// A key-value store.
///
/// Making one does no I/O. Each call connects if it has to, and fails within the store's time limit; what goes on for
/// longer and tries again is [`crate::StoreSource`].
#[async_trait]
pub trait Store: Send + Sync {
    /// Name for messages and metrics: kind and address, such as `etcd 127.0.0.1:2379`.
    fn name(&self) -> String;

    /// The value of a key.
    async fn get(&self, key: &str) -> Result<Option<Item>, StoreError>;

    /// All keys that begin with `prefix`.
    async fn list(&self, prefix: &str) -> Result<Listing, StoreError>;

    /// Sets a value.
    async fn put(&self, key: &str, value: Bytes, lifetime: Lifetime) -> Result<(), StoreError>;

    /// Removes a key. Tells whether it was there.
    async fn delete(&self, key: &str) -> Result<bool, StoreError>;

    /// Makes changes together. False if a condition did not hold and nothing was changed.
    async fn transaction(&self, transaction: Transaction) -> Result<bool, StoreError>;

    /// Tells `feed` everything under `prefix`, then every change after that, without a gap, until it has lost track
    /// (the error says why) or nobody wants to know any more.
    async fn follow(&self, prefix: &str, feed: &mut Feed) -> Ended;

    /// Drops the values that live as long as this agent. Whatever else is done then works as before.
    async fn close(&self) -> Result<(), StoreError>;
}
