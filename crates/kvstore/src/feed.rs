//! From what a store tells to the events of a source.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use tokio::sync::mpsc;

use crate::store::Item;
use crate::{Decoder, Entry, SourceEvent, StoreError};

/// Why following a store has ended.
#[derive(Debug)]
pub enum Ended {
    /// Nobody wants to know any more.
    Unwanted,
    /// The store was lost.
    Lost(StoreError),
}

impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Self {
        Self::Lost(error)
    }
}

/// Takes in what a store tells of a prefix. Values are decoded as they come, so that no second copy of all of them is
/// ever held.
pub struct Feed {
    store: String,
    decoder: Decoder,
    events: mpsc::Sender<SourceEvent>,
    ignored: Vec<String>,
    set: BTreeMap<String, Entry>,
    deleted: BTreeSet<String>,
    /// Counts snapshots published; the follower's caller looks whether there were any.
    pub(crate) snapshots: u64,
    /// The last revision published. A store that was wiped counts from 1 again, and a source's revision only grows.
    revision: u64,
    troubled: bool,
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed")
            .field("store", &self.store)
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

impl Feed {
    /// Publishes as `events` what `store` tells.
    pub fn new(store: String, decoder: Decoder, events: mpsc::Sender<SourceEvent>) -> Self {
        Self {
            store,
            decoder,
            events,
            ignored: Vec::new(),
            set: BTreeMap::new(),
            deleted: BTreeSet::new(),
            snapshots: 0,
            revision: 0,
            troubled: false,
        }
    }

    /// Passes over keys with these prefixes.
    #[must_use]
    pub fn without(mut self, prefixes: Vec<String>) -> Self {
        self.ignored = prefixes;
        self
    }

    fn ignores(&self, key: &str) -> bool {
        self.ignored.iter().any(|prefix| key.starts_with(prefix.as_str()))
    }

    /// Takes in a value: a part of the next snapshot or change.
    pub fn set(&mut self, item: Item) {
        let Item { key, value, revision } = item;
        if self.ignores(&key) {
            return;
        }
        let value = self.decoder.decode(&value);
        self.set_value(key, value, revision);
    }

    /// Takes in a value that has been judged already.
    pub(crate) fn set_value(&mut self, key: String, value: crate::Value, revision: u64) {
        if self.ignores(&key) {
            return;
        }
        let place = match revision {
            0 => format!("{}: {key}", self.store),
            _ => format!("{}: {key} (revision {revision})", self.store),
        };
        self.deleted.remove(&key);
        self.set.insert(key, Entry { value, place });
    }

    /// Takes in that a key is gone: a part of the next change.
    pub fn deleted(&mut self, key: String) {
        self.set.remove(&key);
        if !self.ignores(&key) {
            self.deleted.insert(key);
        }
    }

    /// Forgets what was taken in and not published.
    pub fn reset(&mut self) {
        self.set.clear();
        self.deleted.clear();
    }

    /// Publishes what was taken in as everything that there is.
    pub async fn snapshot(&mut self, revision: u64) -> Result<(), Ended> {
        let entries = std::mem::take(&mut self.set);
        self.deleted.clear();
        self.snapshots += 1;
        let revision = self.grow(revision);
        self.send(SourceEvent::Snapshot { entries, complete: true, revision }).await?;
        if std::mem::take(&mut self.troubled) { self.send(SourceEvent::Recovered).await } else { Ok(()) }
    }

    /// Publishes what was taken in as a change; nothing if it is nothing.
    pub async fn change(&mut self, revision: u64) -> Result<(), Ended> {
        let (set, deleted) = (std::mem::take(&mut self.set), std::mem::take(&mut self.deleted));
        if set.is_empty() && deleted.is_empty() {
            return Ok(());
        }
        let revision = self.grow(revision);
        self.send(SourceEvent::Change { set, deleted, revision }).await
    }

    pub(crate) async fn problem(&mut self, problem: crate::SourceError) -> Result<(), Ended> {
        self.troubled = true;
        self.send(SourceEvent::Problem(problem)).await
    }

    /// Resolves when nobody wants to know any more.
    pub async fn closed(&self) {
        self.events.closed().await;
    }

    fn grow(&mut self, revision: u64) -> u64 {
        self.revision = revision.max(self.revision + 1);
        self.revision
    }

    async fn send(&self, event: SourceEvent) -> Result<(), Ended> {
        self.events.send(event).await.map_err(|_| Ended::Unwanted)
    }
}
