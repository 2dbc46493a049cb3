//! The values by key, in parts that are shared with snapshots until they change.

use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::node::Node;
use crate::value::Key;

/// How many parts there are. A snapshot copies as many pointers; the first change in a part after a snapshot copies as
/// many pointers as the part has values.
const PARTS: usize = 1024;

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: Key,
    pub(crate) node: Arc<Node>,
}

/// A map from key to node. Clones are snapshots.
#[derive(Debug, Clone)]
pub(crate) struct Nodes {
    parts: Vec<Arc<HashTable<Entry>>>,
    hasher: DefaultHashBuilder,
    len: usize,
}

impl Default for Nodes {
    fn default() -> Self {
        let empty = Arc::new(HashTable::new());
        Self { parts: vec![empty; PARTS], hasher: DefaultHashBuilder::default(), len: 0 }
    }
}

fn part_of(hash: u64) -> usize {
    // Other bits than those that the tables use.
    usize::try_from(hash >> 32).unwrap_or_default() % PARTS
}

impl Nodes {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        let hash = self.hasher.hash_one(key);
        self.parts.get(part_of(hash))?.find(hash, |entry| &*entry.key == key)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Arc<Node>> {
        self.entry(key).map(|entry| &entry.node)
    }

    /// The node of a key, which is created if there is none; and whether it was.
    pub(crate) fn get_or_create(&mut self, key: &Key) -> Option<(&mut Arc<Node>, bool)> {
        let Self { parts, hasher, .. } = self;
        let hash = hasher.hash_one(&**key);
        let part = Arc::make_mut(parts.get_mut(part_of(hash))?);
        let found = part.entry(hash, |entry| entry.key == *key, |entry| hasher.hash_one(&*entry.key));
        Some(match found {
            hashbrown::hash_table::Entry::Occupied(entry) => (&mut entry.into_mut().node, false),
            hashbrown::hash_table::Entry::Vacant(entry) => {
                self.len += 1;
                let new = Entry { key: Key::clone(key), node: Arc::default() };
                (&mut entry.insert(new).into_mut().node, true)
            }
        })
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<Arc<Node>> {
        let hash = self.hasher.hash_one(key);
        let part = Arc::make_mut(self.parts.get_mut(part_of(hash))?);
        let (entry, _) = part.find_entry(hash, |entry| &*entry.key == key).ok()?.remove();
        self.len -= 1;
        Some(entry.node)
    }

    /// In no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Key, &Arc<Node>)> {
        self.parts.iter().flat_map(|part| part.iter().map(|entry| (&entry.key, &entry.node)))
    }
}
