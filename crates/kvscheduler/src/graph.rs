//! The values and the relations between them.
//!
//! All changes go through [`Graph::edit`] and [`Graph::remove`], which keep the indexes. Between [`Graph::begin`] and
//! [`Graph::rollback`] they are also undone: planning plays a transaction through on the graph itself and leaves no
//! trace, at a cost that depends on the change only.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;
use std::time::SystemTime;

use crate::descriptor::{AnyOf, Dependency, Target};
use crate::erased::Shape;
use crate::metadata::AnyMetadata;
use crate::state::{Operation, State};
use crate::transaction::RetryPolicy;
use crate::value::{AnyValue, Key};

/// A value with what follows from it.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) value: AnyValue,
    pub(crate) shape: Arc<Shape>,
}

/// A value in the southbound.
#[derive(Debug, Clone)]
pub(crate) struct Present {
    pub(crate) held: Held,
    pub(crate) metadata: Option<AnyMetadata>,
}

/// A value that validation refused.
#[derive(Debug, Clone)]
pub(crate) struct Rejected {
    pub(crate) value: AnyValue,
    pub(crate) reason: String,
}

/// A failed operation that is going to be tried again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retry {
    pub(crate) policy: RetryPolicy,
    pub(crate) attempt: u32,
    pub(crate) due: SystemTime,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Node {
    pub(crate) owner: Option<usize>,
    /// Of a derived value: what it is derived from.
    pub(crate) base: Option<Key>,
    /// The derived values of what is present.
    pub(crate) derived: Vec<Key>,
    /// What should be there: given from outside, or by the base that is present.
    pub(crate) wanted: Option<Held>,
    /// Asked for, but refused. `wanted` is then the last good value.
    pub(crate) rejected: Option<Rejected>,
    /// What is there.
    pub(crate) present: Option<Present>,
    pub(crate) state: State,
    pub(crate) error: Option<String>,
    pub(crate) last: Option<Operation>,
    pub(crate) retry: Option<Retry>,
    /// We configured it, in this run or an earlier one, and may thus delete it.
    pub(crate) ours: bool,
    /// An operation on it failed: what is there may not be what we believe.
    pub(crate) uncertain: bool,
    /// Asked for with another value than before, and not yet shown in a record.
    pub(crate) fresh: bool,
    /// About to be taken down, so nothing can count on it.
    pub(crate) leaving: bool,
}

impl Node {
    pub(crate) fn available(&self) -> bool {
        self.present.is_some() && !self.leaving
    }

    /// Nothing is known or wanted any more.
    pub(crate) fn is_empty(&self) -> bool {
        self.wanted.is_none() && self.present.is_none() && self.rejected.is_none()
    }

    pub(crate) fn is_property(&self) -> bool {
        self.owner.is_none() && self.base.is_some()
    }

    fn links(&self) -> Links {
        let wanted = self.wanted.as_ref().map(|held| &held.shape);
        let present = self.present.as_ref().map(|present| &present.held.shape);
        let present = present.filter(|p| !wanted.is_some_and(|w| Arc::ptr_eq(w, p)));
        let mut shapes: Vec<_> = wanted.into_iter().chain(present).cloned().collect();
        shapes.retain(|shape| !shape.needs.is_empty());
        Links { shapes, available: self.available(), retrying: self.state == State::Retrying }
    }
}

/// What the indexes know of a node.
#[derive(Default)]
struct Links {
    shapes: Vec<Arc<Shape>>,
    available: bool,
    retrying: bool,
}

impl Links {
    fn same_shapes(&self, other: &Self) -> bool {
        self.shapes.len() == other.shapes.len()
            && self.shapes.iter().zip(&other.shapes).all(|(a, b)| Arc::ptr_eq(a, b))
    }
}

#[derive(Default)]
pub(crate) struct Graph {
    nodes: HashMap<Key, Node>,
    /// What satisfies dependencies.
    available: BTreeSet<Key>,
    /// Who depends on a key.
    dependants: HashMap<Key, BTreeSet<Key>>,
    /// Who depends on any key with a prefix.
    watchers: HashMap<String, BTreeSet<Key>>,
    /// The same for those with a predicate.
    choosers: HashMap<String, BTreeSet<Key>>,
    /// How many prefixes there are of each length: a key is looked up once for each length.
    lengths: BTreeMap<usize, usize>,
    retrying: BTreeSet<Key>,
    journal: Option<HashMap<Key, Option<Node>>>,
}

impl Graph {
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.nodes.get(key)
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// All keys, sorted.
    pub(crate) fn keys(&self) -> Vec<Key> {
        let mut keys: Vec<_> = self.nodes.keys().cloned().collect();
        keys.sort_unstable();
        keys
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Key, &Node)> {
        self.nodes.iter()
    }

    pub(crate) fn retrying(&self) -> impl Iterator<Item = (&Key, Retry)> {
        self.retrying.iter().filter_map(|key| Some((key, self.get(key)?.retry?)))
    }

    /// Changes a node, which is created if there is none.
    pub(crate) fn edit<R>(&mut self, key: &Key, change: impl FnOnce(&mut Node) -> R) -> R {
        let old = self.nodes.remove(key);
        if let Some(journal) = &mut self.journal
            && !journal.contains_key(key)
        {
            journal.insert(Key::clone(key), old.clone());
        }
        let mut node = old.unwrap_or_default();
        let before = node.links();
        let result = change(&mut node);
        let after = node.links();
        self.nodes.insert(Key::clone(key), node);
        self.reindex(key, &before, &after);
        result
    }

    pub(crate) fn remove(&mut self, key: &Key) {
        let Some(node) = self.nodes.remove(key) else { return };
        self.reindex(key, &node.links(), &Links::default());
        if let Some(journal) = &mut self.journal {
            journal.entry(Key::clone(key)).or_insert(Some(node));
        }
    }

    /// From here on, changes can be undone.
    pub(crate) fn begin(&mut self) {
        self.journal = Some(HashMap::new());
    }

    /// Undoes all changes since [`begin`](Self::begin).
    pub(crate) fn rollback(&mut self) {
        for (key, node) in self.journal.take().unwrap_or_default() {
            match node {
                Some(old) => self.edit(&key, |node| *node = old),
                None => self.remove(&key),
            }
        }
    }

    fn reindex(&mut self, key: &Key, before: &Links, after: &Links) {
        if before.available != after.available {
            if after.available {
                self.available.insert(Key::clone(key));
            } else {
                self.available.remove(key);
            }
        }
        if before.retrying != after.retrying {
            if after.retrying {
                self.retrying.insert(Key::clone(key));
            } else {
                self.retrying.remove(key);
            }
        }
        if !before.same_shapes(after) {
            for need in before.shapes.iter().flat_map(|shape| &shape.needs) {
                self.unlink(key, need);
            }
            for need in after.shapes.iter().flat_map(|shape| &shape.needs) {
                self.link(key, need);
            }
        }
    }

    fn link(&mut self, key: &Key, need: &Dependency) {
        match &need.target {
            Target::Key(target) => {
                self.dependants.entry(Key::clone(target)).or_default().insert(Key::clone(key));
            }
            Target::AnyOf(any) => {
                for prefix in &any.prefixes {
                    let map = if any.predicate.is_some() { &mut self.choosers } else { &mut self.watchers };
                    let keys = map.entry(prefix.clone()).or_default();
                    if keys.is_empty() {
                        *self.lengths.entry(prefix.len()).or_default() += 1;
                    }
                    keys.insert(Key::clone(key));
                }
            }
        }
    }

    fn unlink(&mut self, key: &Key, need: &Dependency) {
        match &need.target {
            Target::Key(target) => {
                if let Some(keys) = self.dependants.get_mut(target) {
                    keys.remove(key);
                    if keys.is_empty() {
                        self.dependants.remove(target);
                    }
                }
            }
            Target::AnyOf(any) => {
                for prefix in &any.prefixes {
                    let map = if any.predicate.is_some() { &mut self.choosers } else { &mut self.watchers };
                    let Some(keys) = map.get_mut(prefix) else { continue };
                    keys.remove(key);
                    if keys.is_empty() {
                        map.remove(prefix);
                        if let Some(count) = self.lengths.get_mut(&prefix.len()) {
                            *count -= 1;
                            if *count == 0 {
                                self.lengths.remove(&prefix.len());
                            }
                        }
                    }
                }
            }
        }
    }

    /// Whom it may concern, sorted, that a key comes or goes. Those that need any of several keys are left out where
    /// enough of the others are there; of those with a predicate all are given, whether or not it accepts the key.
    pub(crate) fn dependants(&self, key: &str) -> Vec<Key> {
        let mut all: Vec<Key> = self.dependants.get(key).into_iter().flatten().cloned().collect();
        let direct = all.len();
        for prefix in self.lengths.range(..=key.len()).filter_map(|(&length, _)| key.get(..length)) {
            let choosers = self.choosers.get(prefix).into_iter().flatten();
            let watchers = self.watchers.get(prefix).filter(|_| {
                // Two: one of them may be the dependant, which does not satisfy itself.
                self.available_under(prefix).filter(|other| &***other != key).take(2).count() < 2
            });
            let watchers = watchers.into_iter().flatten();
            all.extend(choosers.chain(watchers).filter(|watcher| &***watcher != key).cloned());
        }
        if all.len() > direct {
            all.sort_unstable();
            all.dedup();
        }
        all
    }

    fn available_under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a Key> {
        let from = (Bound::Included(prefix), Bound::Unbounded);
        self.available.range::<str, _>(from).take_while(move |key| key.starts_with(prefix))
    }

    /// The values that satisfy an any-of dependency, sorted within each prefix. A value does not satisfy itself.
    pub(crate) fn matches<'a>(&'a self, any: &'a AnyOf, of: &'a str) -> impl Iterator<Item = &'a Key> {
        any.prefixes
            .iter()
            .flat_map(|prefix| self.available_under(prefix))
            .filter(move |key| &***key != of)
            .filter(move |key| any.predicate.as_ref().is_none_or(|accepts| accepts(key)))
    }

    pub(crate) fn is_met(&self, need: &Dependency, of: &str) -> bool {
        match &need.target {
            Target::Key(key) => self.available.contains(key),
            Target::AnyOf(any) => self.matches(any, of).next().is_some(),
        }
    }

    /// Whether everything that a value needs is there.
    pub(crate) fn is_ready(&self, shape: &Shape, of: &str) -> bool {
        shape.needs.iter().all(|need| self.is_met(need, of))
    }
}
