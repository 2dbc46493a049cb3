//! The status of what files state, written beside them.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::Value;
use tokio::sync::watch;
use tracing::warn;

use crate::{Compare, Ended, Feed, Item, Lifetime, Listing, Operation, Store, StoreError, Transaction};

/// How long values are gathered before the file is written: there are many at a time.
const GATHER: Duration = Duration::from_millis(100);

/// A JSON file with the status of each key, as a [`Store`] that status is put into.
///
/// It begins empty: what an agent before has said is not so any more. The file is replaced as a whole, so that who reads
/// it never sees half of it. It cannot be watched through another process.
#[derive(Clone)]
pub struct StatusFile {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    state: Mutex<State>,
    /// Grows with each change.
    version: watch::Sender<u64>,
    /// One writes at a time.
    writing: Mutex<()>,
}

#[derive(Default)]
struct State {
    values: BTreeMap<String, (Value, u64)>,
    /// What became of the last attempt to write.
    failed: Option<String>,
    writer: bool,
}

impl StatusFile {
    /// Status in the file `path`. Nothing is written yet.
    pub fn new(path: impl AsRef<Path>) -> Self {
        let path = super::absolute(path.as_ref());
        let inner =
            Inner { path, state: Mutex::default(), version: watch::channel(0).0, writing: Mutex::new(()) };
        Self { inner: Arc::new(inner) }
    }

    /// Writes now what has not been written yet.
    ///
    /// # Errors
    /// Why the file cannot be written.
    pub async fn flush(&self) -> Result<(), StoreError> {
        let inner = self.inner.clone();
        let written = tokio::task::spawn_blocking(move || inner.write()).await;
        written.unwrap_or_else(|error| Err(error.to_string())).map_err(|reason| self.inner.error(reason))
    }

    /// Makes changes if all conditions hold. Whether they did and something has changed.
    fn change(
        &self,
        compare: &[Compare],
        operations: Vec<(String, Option<Value>)>,
    ) -> Result<(bool, bool), StoreError> {
        let mut state = self.inner.lock();
        let holds = compare.iter().all(|condition| match (condition, state.values.get(condition.key())) {
            (Compare::Absent(_), value) => value.is_none(),
            (Compare::Equals(_, expected), Some((value, _))) => value.to_string().as_bytes() == expected,
            (Compare::Equals(..), None) => false,
        });
        if !holds {
            return Ok((false, false));
        }
        let version = *self.inner.version.borrow() + 1;
        let mut changed = false;
        for (key, value) in operations {
            changed |= match value {
                Some(value) => {
                    state.values.insert(key, (value, version));
                    true
                }
                None => state.values.remove(&key).is_some(),
            };
        }
        if changed {
            self.inner.version.send_replace(version);
            if !std::mem::replace(&mut state.writer, true) {
                tokio::spawn(write_soon(Arc::downgrade(&self.inner)));
            }
        }
        match &state.failed {
            Some(reason) => Err(self.inner.error(reason.clone())),
            None => Ok((true, changed)),
        }
    }

    fn value(&self, key: &str, value: &[u8]) -> Result<Value, StoreError> {
        serde_json::from_slice(value).map_err(|error| StoreError::Refused {
            store: self.name(),
            key: Some(key.to_owned()),
            reason: format!("expected JSON: {error}"),
        })
    }
}

impl std::fmt::Debug for StatusFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StatusFile").field("path", &self.inner.path).finish_non_exhaustive()
    }
}

impl Inner {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn name(&self) -> String {
        format!("status file {}", self.path.display())
    }

    fn error(&self, reason: String) -> StoreError {
        let advice = "set status-path to a file that the agent may write".to_owned();
        StoreError::File { store: self.name(), reason: format!("cannot be written: {reason}"), advice }
    }

    fn write(&self) -> Result<(), String> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let text = {
            let state = self.lock();
            let values: BTreeMap<&String, &Value> =
                state.values.iter().map(|(key, (value, _))| (key, value)).collect();
            serde_json::to_string_pretty(&values).map_err(|error| error.to_string())
        };
        let written = text.and_then(|text| self.replace(&text).map_err(|error| error.to_string()));
        let mut state = self.lock();
        if let Err(reason) = &written
            && state.failed.is_none()
        {
            warn!(path = %self.path.display(), reason, "the status file cannot be written");
        }
        state.failed = written.clone().err();
        written
    }

    fn replace(&self, text: &str) -> std::io::Result<()> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        // A dotfile, which is never read as configuration.
        let beside = self.path.with_file_name(format!(".{name}.new"));
        let mut file = fs::File::create(&beside)?;
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        fs::rename(&beside, &self.path)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if self.lock().writer {
            // Nobody is left to be told; the log has it.
            let _ = self.write();
        }
    }
}

/// Writes once values have been gathered for a while, and again as long as that fails.
async fn write_soon(inner: Weak<Inner>) {
    let mut pause = GATHER;
    loop {
        tokio::time::sleep(pause).await;
        let Some(inner) = inner.upgrade() else { return };
        inner.lock().writer = false;
        let written = tokio::task::spawn_blocking(move || (inner.write(), inner)).await;
        match written {
            Ok((Err(_), inner)) => {
                // Unless another change has begun to write.
                if std::mem::replace(&mut inner.lock().writer, true) {
                    return;
                }
                pause = (pause * 2).min(Duration::from_secs(5));
            }
            Ok((Ok(()), _)) | Err(_) => return,
        }
    }
}

#[async_trait]
impl Store for StatusFile {
    fn name(&self) -> String {
        self.inner.name()
    }

    async fn get(&self, key: &str) -> Result<Option<Item>, StoreError> {
        let state = self.inner.lock();
        Ok(state.values.get(key).map(|(value, revision)| item(key, value, *revision)))
    }

    async fn list(&self, prefix: &str) -> Result<Listing, StoreError> {
        let state = self.inner.lock();
        let items = state.values.range(prefix.to_owned()..).take_while(|(key, _)| key.starts_with(prefix));
        let items = items.map(|(key, (value, revision))| item(key, value, *revision)).collect();
        Ok(Listing { items, revision: *self.inner.version.borrow() })
    }

    async fn put(&self, key: &str, value: Bytes, _: Lifetime) -> Result<(), StoreError> {
        let value = self.value(key, &value)?;
        self.change(&[], vec![(key.to_owned(), Some(value))]).map(drop)
    }

    async fn delete(&self, key: &str) -> Result<bool, StoreError> {
        self.change(&[], vec![(key.to_owned(), None)]).map(|(_, changed)| changed)
    }

    async fn transaction(&self, transaction: Transaction) -> Result<bool, StoreError> {
        let mut operations = Vec::new();
        for operation in transaction.operations {
            operations.push(match operation {
                Operation::Put(key, value) => {
                    let value = self.value(&key, &value)?;
                    (key, Some(value))
                }
                Operation::Delete(key) => (key, None),
            });
        }
        self.change(&transaction.compare, operations).map(|(holds, _)| holds)
    }

    async fn follow(&self, prefix: &str, feed: &mut Feed) -> Ended {
        let mut versions = self.inner.version.subscribe();
        let mut known: BTreeMap<String, u64> = BTreeMap::new();
        let mut first = true;
        loop {
            versions.mark_unchanged();
            let listing = match self.list(prefix).await {
                Ok(listing) => listing,
                Err(error) => return error.into(),
            };
            let mut before = std::mem::take(&mut known);
            for item in listing.items {
                known.insert(item.key.clone(), item.revision);
                if before.remove(&item.key) != Some(item.revision) {
                    feed.set(item);
                }
            }
            before.into_keys().for_each(|gone| feed.deleted(gone));
            let told = match std::mem::take(&mut first) {
                true => feed.snapshot(listing.revision).await,
                false => feed.change(listing.revision).await,
            };
            if let Err(ended) = told {
                return ended;
            }
            // The sender is in the store, which the caller has.
            if versions.changed().await.is_err() {
                return Ended::Unwanted;
            }
        }
    }

    async fn close(&self) -> Result<(), StoreError> {
        let keys: Vec<_> = self.inner.lock().values.keys().map(|key| (key.clone(), None)).collect();
        // What went wrong before is told by writing.
        let _ = self.change(&[], keys);
        self.flush().await
    }
}

fn item(key: &str, value: &Value, revision: u64) -> Item {
    Item { key: key.to_owned(), value: value.to_string().into(), revision }
}
