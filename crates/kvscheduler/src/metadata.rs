//! What the southbound gave back for the values, shared between descriptors.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// Metadata of any type.
pub(crate) type AnyMetadata = Arc<dyn Any + Send + Sync>;

/// The metadata of all values of one descriptor, by label; for example interface name to `sw_if_index`.
///
/// Clones share their content. The scheduler writes it right after each operation and each read-back, so that a
/// value always finds the metadata of what it depends on. Descriptors read it.
pub struct MetadataMap<M> {
    entries: Arc<RwLock<BTreeMap<String, M>>>,
}

impl<M> Clone for MetadataMap<M> {
    fn clone(&self) -> Self {
        Self { entries: Arc::clone(&self.entries) }
    }
}

impl<M> Default for MetadataMap<M> {
    fn default() -> Self {
        Self { entries: Arc::default() }
    }
}

impl<M: fmt::Debug> fmt::Debug for MetadataMap<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_map().entries(entries.iter()).finish()
    }
}

impl<M: Clone> MetadataMap<M> {
    /// An empty map, to be given to the descriptor that fills it and to those that read it.
    pub fn new() -> Self {
        Self::default()
    }

    /// The metadata of one value.
    pub fn get(&self, label: &str) -> Option<M> {
        self.read(|entries| entries.get(label).cloned())
    }

    /// The first label whose metadata the predicate accepts. Looks at all; invert a [`snapshot`](Self::snapshot) to
    /// look for many.
    pub fn find(&self, mut predicate: impl FnMut(&M) -> bool) -> Option<String> {
        self.read(|entries| entries.iter().find(|(_, m)| predicate(m)).map(|(label, _)| label.clone()))
    }

    /// All of it, as it is now.
    pub fn snapshot(&self) -> BTreeMap<String, M> {
        self.read(BTreeMap::clone)
    }

    /// How many values have metadata.
    pub fn len(&self) -> usize {
        self.read(BTreeMap::len)
    }

    /// Whether no value has metadata.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn set(&self, label: String, metadata: M) {
        self.write(|entries| entries.insert(label, metadata));
    }

    pub(crate) fn unset(&self, label: &str) {
        self.write(|entries| entries.remove(label));
    }

    pub(crate) fn replace(&self, new: BTreeMap<String, M>) {
        self.write(|entries| *entries = new);
    }

    // Nothing panics while a lock is held, except a predicate or a clone of the user's; the map is whole even then.
    fn read<R>(&self, f: impl FnOnce(&BTreeMap<String, M>) -> R) -> R {
        f(&self.entries.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<R>(&self, f: impl FnOnce(&mut BTreeMap<String, M>) -> R) -> R {
        f(&mut self.entries.write().unwrap_or_else(PoisonError::into_inner))
    }
}
