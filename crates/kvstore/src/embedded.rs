//! The store in a file of its own: nothing to install, nothing to connect to.
//!
//! The file is held by one process at a time, the agent; whoever else wants to write goes through it. All that write
//! through one [`EmbeddedStore`] or its clones are told to its followers.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use redb::backends::FileBackend;
use redb::{
    Database, DatabaseError, ReadableDatabase, ReadableTable, StorageError, Table, TableDefinition,
    TableError, WriteTransaction,
};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;
use tracing::{info, warn};

use crate::{
    Compare, Decoder, Encoding, Ended, Feed, Item, Lifetime, Listing, Operation, Store, StoreError,
    Transaction,
};

/// Key to revision of its last change (8 bytes, little endian) and value.
const DATA: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("data");

/// Keys that live as long as the agent.
const AGENT: TableDefinition<'_, &str, ()> = TableDefinition::new("agent");

/// `revision`: of the last change.
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");

const REVISION: &str = "revision";

/// Changes that a follower may be behind before it has to read everything again.
const BACKLOG: usize = 1024;

/// Settings of the embedded store, by the names that `embedded.conf` has for them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct EmbeddedConfig {
    /// The file. It is made, with the folders above it, if it is not there.
    pub path: PathBuf,
    /// How values are written: `json` or `protobuf`.
    pub encoding: Encoding,
}

impl Default for EmbeddedConfig {
    fn default() -> Self {
        Self { path: PathBuf::from("/var/lib/vpp-agent/store.redb"), encoding: Encoding::Json }
    }
}

impl EmbeddedConfig {
    /// How its values are read.
    pub fn decoder(&self) -> Decoder {
        Decoder { encoding: self.encoding, expand_env: false }
    }
}

/// A store in a file. Clones are the same store.
#[derive(Clone)]
pub struct EmbeddedStore {
    inner: Arc<Inner>,
}

struct Inner {
    name: String,
    path: PathBuf,
    /// Opened by the first who needs it; away again after an error of the disk.
    database: Mutex<Option<Arc<Database>>>,
    /// Held from the beginning of a change until it is told, so that changes are told in their order.
    writing: Mutex<()>,
    changes: broadcast::Sender<Arc<Commit>>,
}

/// Keys with their values; `None` is gone.
type Changes = Vec<(String, Option<Bytes>)>;

/// A change as followers are told of it.
#[derive(Debug)]
struct Commit {
    revision: u64,
    changes: Changes,
}

impl EmbeddedStore {
    /// The store in the file that `config` names. Nothing is opened yet.
    pub fn new(config: &EmbeddedConfig) -> Self {
        let path = std::path::absolute(&config.path).unwrap_or_else(|_| config.path.clone());
        let inner = Inner {
            name: format!("embedded store {}", path.display()),
            path,
            database: Mutex::new(None),
            writing: Mutex::new(()),
            changes: broadcast::channel(BACKLOG).0,
        };
        Self { inner: Arc::new(inner) }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Runs what blocks where that does no harm.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = self.inner.clone();
        tokio::task::spawn_blocking(move || work(&inner)).await.unwrap_or_else(|error| {
            Err(StoreError::File {
                store: self.inner.name.clone(),
                reason: format!("the operation ended early: {error}"),
                advice: "try again".to_owned(),
            })
        })
    }
}

impl std::fmt::Debug for EmbeddedStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmbeddedStore").field("path", &self.inner.path).finish_non_exhaustive()
    }
}

impl Inner {
    fn error(&self, reason: impl Into<String>, advice: &str) -> StoreError {
        StoreError::File { store: self.name.clone(), reason: reason.into(), advice: advice.to_owned() }
    }

    /// An error of the database. After one of the disk the file is opened anew.
    fn failed(&self, error: impl Into<redb::Error>) -> StoreError {
        let error = error.into();
        if matches!(error, redb::Error::Io(_) | redb::Error::PreviousIo | redb::Error::DatabaseClosed) {
            *self.database.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        self.error(error.to_string(), "check the disk and the room on it")
    }

    fn database(&self) -> Result<Arc<Database>, StoreError> {
        let mut slot = self.database.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(database) = &*slot {
            return Ok(database.clone());
        }
        let database = self.open()?;
        // What lived as long as the agent did before.
        let removed = remove_agent_keys(&database).map_err(|error| self.opening(&error))?;
        if removed > 0 {
            info!(store = %self.name, removed, "removed what lived as long as the agent before");
        }
        Ok(slot.insert(Arc::new(database)).clone())
    }

    fn open(&self) -> Result<Database, StoreError> {
        let cannot = |error: &std::io::Error| {
            self.error(format!("cannot be opened: {error}"), "set path to a file that the agent may write")
        };
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).map_err(|error| cannot(&error))?;
        }
        let file: File = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            // Passwords of peers may be in it.
            .mode(0o600)
            .open(&self.path)
            .map_err(|error| cannot(&error))?;
        let create = |file| Database::builder().create_with_backend(FileBackend::new(file)?);
        create(file).map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => self.error(
                "the file is in use by another process",
                "stop the other agent, or set path to another file; to change the store while an agent runs, ask that \
                 agent",
            ),
            DatabaseError::UpgradeRequired(version) => self.error(
                format!("the file is of format {version}, which another version of the agent wrote"),
                "set path to another file",
            ),
            other => self.opening(&other.into()),
        })
    }

    fn opening(&self, error: &redb::Error) -> StoreError {
        self.error(
            format!("the file is damaged or none of this kind: {error}"),
            "move it away and put what is wanted again; the agent does not touch it",
        )
    }

    fn get(&self, key: &str) -> Result<Option<Item>, StoreError> {
        let database = self.database()?;
        let transaction = database.begin_read().map_err(|error| self.failed(error))?;
        let Some(data) = existing(transaction.open_table(DATA)).map_err(|error| self.failed(error))? else {
            return Ok(None);
        };
        let value = data.get(key).map_err(|error| self.failed(error))?;
        Ok(value.map(|value| item(key, value.value())))
    }

    fn list(&self, prefix: &str) -> Result<Listing, StoreError> {
        let database = self.database()?;
        let transaction = database.begin_read().map_err(|error| self.failed(error))?;
        let mut listing = Listing { items: Vec::new(), revision: 0 };
        let Some(data) = existing(transaction.open_table(DATA)).map_err(|error| self.failed(error))? else {
            return Ok(listing);
        };
        if let Some(meta) = existing(transaction.open_table(META)).map_err(|error| self.failed(error))? {
            listing.revision =
                meta.get(REVISION).map_err(|error| self.failed(error))?.map_or(0, |r| r.value());
        }
        for entry in data.range(prefix..).map_err(|error| self.failed(error))? {
            let (key, value) = entry.map_err(|error| self.failed(error))?;
            if !key.value().starts_with(prefix) {
                break;
            }
            listing.items.push(item(key.value(), value.value()));
        }
        Ok(listing)
    }

    /// Makes changes if all conditions hold. Keys with their new values that have really changed, or `None`.
    fn change(
        &self,
        compare: &[Compare],
        operations: Vec<Operation>,
        lifetime: Lifetime,
    ) -> Result<Option<Changes>, StoreError> {
        let database = self.database()?;
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = database.begin_write().map_err(|error| self.failed(error))?;
        let outcome =
            apply(&transaction, compare, operations, lifetime).map_err(|error| self.failed(error))?;
        let Some((revision, changes)) = outcome else { return Ok(None) };
        if changes.is_empty() {
            return Ok(Some(changes));
        }
        transaction.commit().map_err(|error| self.failed(error))?;
        // Nobody may follow.
        let _ = self.changes.send(Arc::new(Commit { revision, changes: changes.clone() }));
        Ok(Some(changes))
    }
}

fn apply(
    transaction: &WriteTransaction,
    compare: &[Compare],
    operations: Vec<Operation>,
    lifetime: Lifetime,
) -> Result<Option<(u64, Changes)>, redb::Error> {
    let mut data = transaction.open_table(DATA)?;
    let mut agent = transaction.open_table(AGENT)?;
    let mut meta = transaction.open_table(META)?;
    for condition in compare {
        let value = data.get(condition.key())?;
        let holds = match (condition, &value) {
            (Compare::Absent(_), value) => value.is_none(),
            (Compare::Equals(_, expected), Some(value)) => split(value.value()).1 == expected,
            (Compare::Equals(..), None) => false,
        };
        if !holds {
            return Ok(None);
        }
    }
    let revision = next_revision(&meta)?;
    let mut changes = Vec::new();
    for operation in operations {
        match operation {
            Operation::Put(key, value) => {
                let mut stored = Vec::with_capacity(8 + value.len());
                stored.extend_from_slice(&revision.to_le_bytes());
                stored.extend_from_slice(&value);
                data.insert(key.as_str(), stored.as_slice())?;
                match lifetime {
                    Lifetime::Permanent => drop(agent.remove(key.as_str())?),
                    Lifetime::Agent => drop(agent.insert(key.as_str(), ())?),
                }
                changes.push((key, Some(value)));
            }
            Operation::Delete(key) => {
                agent.remove(key.as_str())?;
                if data.remove(key.as_str())?.is_some() {
                    changes.push((key, None));
                }
            }
        }
    }
    meta.insert(REVISION, revision)?;
    Ok(Some((revision, changes)))
}

fn next_revision(meta: &Table<'_, &'static str, u64>) -> Result<u64, redb::Error> {
    Ok(meta.get(REVISION)?.map_or(0, |revision| revision.value()).saturating_add(1))
}

fn agent_keys(transaction: &WriteTransaction) -> Result<Vec<Operation>, redb::Error> {
    let agent = transaction.open_table(AGENT)?;
    let keys = agent.iter()?.map(|entry| entry.map(|(key, _)| Operation::Delete(key.value().to_owned())));
    Ok(keys.collect::<Result<_, StorageError>>()?)
}

fn remove_agent_keys(database: &Database) -> Result<usize, redb::Error> {
    let transaction = database.begin_write()?;
    let operations = agent_keys(&transaction)?;
    let count = operations.len();
    if count > 0 {
        apply(&transaction, &[], operations, Lifetime::Permanent)?;
        transaction.commit()?;
    }
    Ok(count)
}

/// A table that nothing was written to yet is not there.
fn existing<T>(table: Result<T, TableError>) -> Result<Option<T>, TableError> {
    match table {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Revision and value of what is stored.
fn split(stored: &[u8]) -> (u64, &[u8]) {
    stored.split_first_chunk().map_or((0, stored), |(revision, value)| (u64::from_le_bytes(*revision), value))
}

fn item(key: &str, stored: &[u8]) -> Item {
    let (revision, value) = split(stored);
    Item { key: key.to_owned(), value: Bytes::copy_from_slice(value), revision }
}

#[async_trait]
impl Store for EmbeddedStore {
    fn name(&self) -> String {
        self.inner.name.clone()
    }

    async fn get(&self, key: &str) -> Result<Option<Item>, StoreError> {
        let key = key.to_owned();
        self.blocking(move |inner| inner.get(&key)).await
    }

    async fn list(&self, prefix: &str) -> Result<Listing, StoreError> {
        let prefix = prefix.to_owned();
        self.blocking(move |inner| inner.list(&prefix)).await
    }

    async fn put(&self, key: &str, value: Bytes, lifetime: Lifetime) -> Result<(), StoreError> {
        let operations = vec![Operation::Put(key.to_owned(), value)];
        self.blocking(move |inner| inner.change(&[], operations, lifetime)).await.map(drop)
    }

    async fn delete(&self, key: &str) -> Result<bool, StoreError> {
        let operations = vec![Operation::Delete(key.to_owned())];
        let changes = self.blocking(move |inner| inner.change(&[], operations, Lifetime::Permanent)).await?;
        Ok(changes.is_some_and(|changes| !changes.is_empty()))
    }

    async fn transaction(&self, transaction: Transaction) -> Result<bool, StoreError> {
        let Transaction { compare, operations } = transaction;
        let changes =
            self.blocking(move |inner| inner.change(&compare, operations, Lifetime::Permanent)).await?;
        Ok(changes.is_some())
    }

    async fn follow(&self, prefix: &str, feed: &mut Feed) -> Ended {
        loop {
            // Before everything is read, so that no change falls between the two.
            let mut changes = self.inner.changes.subscribe();
            let listing = match self.list(prefix).await {
                Ok(listing) => listing,
                Err(error) => return error.into(),
            };
            let read_at = listing.revision;
            listing.items.into_iter().for_each(|item| feed.set(item));
            if let Err(ended) = feed.snapshot(read_at).await {
                return ended;
            }
            if let Err(ended) = follow_changes(&mut changes, read_at, prefix, feed).await {
                return ended;
            }
            warn!(store = %self.inner.name, "changes came faster than they were taken; reading everything again");
        }
    }

    async fn close(&self) -> Result<(), StoreError> {
        let operations = self.blocking(|inner| {
            let database = inner.database()?;
            let transaction = database.begin_write().map_err(|error| inner.failed(error))?;
            agent_keys(&transaction).map_err(|error| inner.failed(error))
        });
        let operations = operations.await?;
        self.blocking(move |inner| inner.change(&[], operations, Lifetime::Permanent)).await.map(drop)
    }
}

/// Passes on changes after `read_at` until some were missed.
async fn follow_changes(
    changes: &mut broadcast::Receiver<Arc<Commit>>,
    read_at: u64,
    prefix: &str,
    feed: &mut Feed,
) -> Result<(), Ended> {
    loop {
        let commit = match changes.recv().await {
            Ok(commit) => commit,
            Err(broadcast::error::RecvError::Lagged(_)) => return Ok(()),
            // The sender lives as long as the store, which the caller has.
            Err(broadcast::error::RecvError::Closed) => return Err(Ended::Unwanted),
        };
        if commit.revision <= read_at {
            continue;
        }
        for (key, value) in commit.changes.iter().filter(|(key, _)| key.starts_with(prefix)) {
            match value {
                Some(value) => {
                    feed.set(Item { key: key.clone(), value: value.clone(), revision: commit.revision });
                }
                None => feed.deleted(key.clone()),
            }
        }
        feed.change(commit.revision).await?;
    }
}
