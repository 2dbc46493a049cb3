//! What the southbound gave back for the values, shared between descriptors.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};

use hashbrown::HashMap;
use tokio::sync::Notify;

/// Metadata of any type.
pub(crate) type AnyMetadata = Arc<dyn Any + Send + Sync>;

type IndexOf<M> = Arc<dyn Fn(&M) -> Vec<String> + Send + Sync>;

struct Content<M> {
    entries: HashMap<String, M>,
    /// What values are found by, apart from their label.
    index_of: Option<IndexOf<M>>,
    index: BTreeMap<String, BTreeSet<String>>,
    watchers: Vec<Weak<Told>>,
}

#[derive(Default)]
struct Told {
    labels: Mutex<BTreeSet<String>>,
    notify: Notify,
}

impl Told {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.labels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The metadata of all values of one descriptor, by label; for example interface name to `sw_if_index`.
///
/// Clones share their content. The scheduler writes it right after each operation and each read-back, so that a
/// value always finds the metadata of what it depends on. Descriptors read it, and can watch it.
pub struct MetadataMap<M> {
    content: Arc<RwLock<Content<M>>>,
}

impl<M> Clone for MetadataMap<M> {
    fn clone(&self) -> Self {
        Self { content: Arc::clone(&self.content) }
    }
}

impl<M> MetadataMap<M> {
    fn with(index_of: Option<IndexOf<M>>) -> Self {
        let (index, watchers) = Default::default();
        let entries = HashMap::new();
        Self { content: Arc::new(RwLock::new(Content { entries, index_of, index, watchers })) }
    }
}

impl<M> Default for MetadataMap<M> {
    fn default() -> Self {
        Self::with(None)
    }
}

impl<M: fmt::Debug> fmt::Debug for MetadataMap<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let content = self.content.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_map().entries(content.entries.iter().collect::<BTreeMap<_, _>>()).finish()
    }
}

impl<M: Clone> MetadataMap<M> {
    /// An empty map, to be given to the descriptor that fills it and to those that read it.
    pub fn new() -> Self {
        Self::default()
    }

    /// As [`new`](Self::new); values are also found by what this gives for their metadata, for example by number.
    pub fn indexed(index_of: impl Fn(&M) -> Vec<String> + Send + Sync + 'static) -> Self {
        Self::with(Some(Arc::new(index_of)))
    }

    /// The metadata of one value.
    pub fn get(&self, label: &str) -> Option<M> {
        self.read(|content| content.entries.get(label).cloned())
    }

    /// The labels of the values for whose metadata [`indexed`](Self::indexed) gave this, sorted.
    pub fn find_by(&self, index: &str) -> Vec<String> {
        self.read(|content| content.index.get(index).into_iter().flatten().cloned().collect())
    }

    /// The first label whose metadata the predicate accepts. Looks at all; invert a [`snapshot`](Self::snapshot) to
    /// look for many.
    pub fn find(&self, mut predicate: impl FnMut(&M) -> bool) -> Option<String> {
        self.read(|content| {
            content.entries.iter().filter(|(_, m)| predicate(m)).map(|(label, _)| label).min().cloned()
        })
    }

    /// All of it, as it is now.
    pub fn snapshot(&self) -> BTreeMap<String, M> {
        self.read(|content| content.entries.iter().map(|(label, m)| (label.clone(), m.clone())).collect())
    }

    /// How many values have metadata.
    pub fn len(&self) -> usize {
        self.read(|content| content.entries.len())
    }

    /// Whether no value has metadata.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Watches what comes, changes and goes. Who is slow misses what was in between, never what is last.
    pub fn watch(&self) -> MetadataWatcher<M> {
        let told = Arc::new(Told::default());
        self.write(|content| {
            told.lock().extend(content.entries.keys().cloned());
            content.watchers.push(Arc::downgrade(&told));
        });
        MetadataWatcher { told, map: self.clone() }
    }

    pub(crate) fn set(&self, label: String, metadata: M) {
        self.write(|content| content.put(label, Some(metadata)));
    }

    pub(crate) fn unset(&self, label: &str) {
        self.write(|content| content.put(label.to_owned(), None));
    }

    pub(crate) fn replace(&self, new: BTreeMap<String, M>) {
        self.write(|content| {
            let gone: Vec<String> =
                content.entries.keys().filter(|label| !new.contains_key(*label)).cloned().collect();
            for label in gone {
                content.put(label, None);
            }
            for (label, metadata) in new {
                content.put(label, Some(metadata));
            }
        });
    }

    // Nothing panics while a lock is held, except a predicate or a clone of the user's; the map is whole even then.
    fn read<R>(&self, f: impl FnOnce(&Content<M>) -> R) -> R {
        f(&self.content.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<R>(&self, f: impl FnOnce(&mut Content<M>) -> R) -> R {
        f(&mut self.content.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<M> Content<M> {
    fn put(&mut self, label: String, metadata: Option<M>) {
        if let Some(index_of) = &self.index_of {
            for index in self.entries.get(&label).map(|old| index_of(old)).unwrap_or_default() {
                if let Some(labels) = self.index.get_mut(&index) {
                    labels.remove(&label);
                    if labels.is_empty() {
                        self.index.remove(&index);
                    }
                }
            }
            for index in metadata.as_ref().map(|new| index_of(new)).unwrap_or_default() {
                self.index.entry(index).or_default().insert(label.clone());
            }
        }
        self.watchers.retain(|told| {
            let Some(told) = told.upgrade() else { return false };
            told.lock().insert(label.clone());
            told.notify.notify_one();
            true
        });
        match metadata {
            Some(metadata) => drop(self.entries.insert(label, metadata)),
            None => drop(self.entries.remove(&label)),
        }
    }
}

/// Gives the metadata of values as it changes: see [`MetadataMap::watch`].
pub struct MetadataWatcher<M> {
    told: Arc<Told>,
    map: MetadataMap<M>,
}

impl<M: Clone> MetadataWatcher<M> {
    /// The values whose metadata changed since the last call, by label, with what it is now; none: it is gone. The first
    /// call gives all.
    pub async fn next(&mut self) -> BTreeMap<String, Option<M>> {
        loop {
            let changed = self.take();
            if !changed.is_empty() {
                return changed;
            }
            // One permit is kept for who does not wait yet.
            self.told.notify.notified().await;
        }
    }

    /// What [`next`](Self::next) would give now, without waiting.
    pub fn take(&mut self) -> BTreeMap<String, Option<M>> {
        let labels = std::mem::take(&mut *self.told.lock());
        self.map.read(|content| {
            labels.into_iter().map(|label| (label.clone(), content.entries.get(&label).cloned())).collect()
        })
    }
}
