//! The values and the relations between them.
//!
//! All changes go through [`Graph::edit`] and [`Graph::remove`], which keep the indexes. Between [`Graph::begin`] and
//! [`Graph::rollback`] they are also undone: planning plays a transaction through on the graph itself and leaves no
//! trace, at a cost that depends on the change only.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;

use crate::descriptor::{AnyOf, Dependency, Target};
use crate::erased::Shape;
use crate::keyset::KeySet;
use crate::node::Node;
use crate::nodes::Nodes;
use crate::state::State;
use crate::value::{AnyValue, Key, same};

/// What the indexes know of a node.
#[derive(Default)]
struct Links {
    /// Of what is wanted and of what is there, where they need anything.
    wanted: Option<Arc<Shape>>,
    present: Option<Arc<Shape>>,
    /// Of what is wanted and not there, where anything is derived from it.
    offers: Option<Arc<Shape>>,
    available: bool,
    /// Waits since an earlier transaction.
    pending: bool,
    retry: Option<Duration>,
}

impl Links {
    fn of(node: &Node) -> Self {
        let needy = |shape: &Arc<Shape>| (!shape.needs.is_empty()).then(|| Arc::clone(shape));
        Self {
            wanted: node.wanted.as_ref().and_then(|held| needy(&held.shape)),
            present: node.present.as_ref().and_then(|present| needy(&present.held.shape)),
            offers: node
                .wanted
                .as_ref()
                .filter(|held| node.present.is_none() && !held.shape.derived.is_empty())
                .map(|held| Arc::clone(&held.shape)),
            available: node.available(),
            pending: node.state == State::Pending,
            retry: node.retry.as_ref().filter(|_| node.state == State::Retrying).map(|retry| retry.due),
        }
    }

    fn same_shapes(&self, other: &Self) -> bool {
        same_shape(&self.wanted, &other.wanted) && same_shape(&self.present, &other.present)
    }

    /// Whether what is wanted is there as it is wanted.
    fn settled(&self) -> bool {
        match (&self.wanted, &self.present) {
            (Some(wanted), Some(present)) => Arc::ptr_eq(wanted, present),
            (wanted, _) => wanted.is_none(),
        }
    }
}

fn same_shape(a: &Option<Arc<Shape>>, b: &Option<Arc<Shape>>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        (None, None) => true,
        _ => false,
    }
}

/// Who depends on any key with a prefix.
#[derive(Default)]
struct Watchers {
    /// Those that are not there, or not as they are wanted.
    waiting: BTreeSet<Key>,
    /// Those that are there.
    relying: BTreeSet<Key>,
}

#[derive(Default)]
pub(crate) struct Graph {
    nodes: Nodes,
    /// What satisfies any-of dependencies, and what waits since an earlier transaction. Kept from when there is the first
    /// such dependency.
    available: BTreeSet<Key>,
    pending: BTreeSet<Key>,
    ordered: bool,
    retrying: BTreeSet<(Duration, Key)>,
    /// The derived values that there would be if what they are derived from were there; and that.
    offered: BTreeMap<Key, KeySet>,
    /// Who depends on a key.
    dependants: HashMap<Key, KeySet>,
    /// Who depends on any key with a prefix; first those without, then those with a predicate.
    watchers: HashMap<String, [Watchers; 2]>,
    /// How many prefixes there are of each length: a key is looked up once for each length.
    lengths: BTreeMap<usize, usize>,
    journal: Option<HashMap<Key, Option<Arc<Node>>>>,
    /// Keys whose state changed since they were last taken; none: nobody wants to know.
    changed: Option<Vec<Key>>,
}

impl Graph {
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.nodes.get(key).map(Arc::as_ref)
    }

    /// As [`get`](Self::get), with the shared form of the key.
    pub(crate) fn entry(&self, key: &str) -> Option<(&Key, &Node)> {
        self.nodes.entry(key).map(|entry| (&entry.key, &*entry.node))
    }

    /// The shared form of a key that is known.
    pub(crate) fn interned(&self, key: &str) -> Option<Key> {
        self.nodes.entry(key).map(|entry| Key::clone(&entry.key))
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// All nodes as they are now; cheap.
    pub(crate) fn snapshot(&self) -> Nodes {
        self.nodes.clone()
    }

    /// All keys, sorted.
    pub(crate) fn keys(&self) -> Vec<Key> {
        let mut keys: Vec<_> = self.nodes.iter().map(|(key, _)| Key::clone(key)).collect();
        keys.sort_unstable();
        keys
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Key, &Node)> {
        self.nodes.iter().map(|(key, node)| (key, node.as_ref()))
    }

    /// What is tried again, the next one first.
    pub(crate) fn retrying(&self) -> impl Iterator<Item = &(Duration, Key)> {
        self.retrying.iter()
    }

    /// Has changes of states noted, or not.
    pub(crate) fn note_changes(&mut self, note: bool) {
        self.changed = note.then(Vec::new);
    }

    /// The keys whose state changed since the last call, each as often as it did.
    pub(crate) fn take_changed(&mut self) -> Vec<Key> {
        self.changed.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Changes a node, which is created if there is none.
    pub(crate) fn edit<R>(&mut self, key: &Key, change: impl FnOnce(&mut Node) -> R) -> R {
        let Some((shared, created)) = self.nodes.get_or_create(key) else {
            return change(&mut Node::default());
        };
        let before = Links::of(shared);
        let told = self.changed.is_some() && self.journal.is_none();
        let known = told.then(|| Face::of(shared));
        if let Some(journal) = &mut self.journal
            && !journal.contains_key(key)
        {
            journal.insert(Key::clone(key), (!created).then(|| Arc::clone(shared)));
        }
        let node = Arc::make_mut(shared);
        let result = change(node);
        let after = Links::of(node);
        if let (Some(known), Some(changed)) = (known, &mut self.changed)
            && known.differs(node)
        {
            changed.push(Key::clone(key));
        }
        self.reindex(key, &before, &after);
        result
    }

    pub(crate) fn remove(&mut self, key: &Key) {
        let Some(node) = self.nodes.remove(key) else { return };
        self.reindex(key, &Links::of(&node), &Links::default());
        match &mut self.journal {
            Some(journal) => drop(journal.entry(Key::clone(key)).or_insert(Some(node))),
            None => {
                if let Some(changed) = &mut self.changed {
                    changed.push(Key::clone(key));
                }
            }
        }
    }

    /// From here on, changes can be undone.
    pub(crate) fn begin(&mut self) {
        self.journal = Some(HashMap::new());
    }

    /// Undoes all changes since [`begin`](Self::begin).
    pub(crate) fn rollback(&mut self) {
        for (key, node) in self.journal.take().unwrap_or_default() {
            let Some(old) = node else {
                if let Some(node) = self.nodes.remove(&key) {
                    self.reindex(&key, &Links::of(&node), &Links::default());
                }
                continue;
            };
            let Some((shared, _)) = self.nodes.get_or_create(&key) else { continue };
            let before = Links::of(shared);
            let after = Links::of(&old);
            *shared = old;
            self.reindex(&key, &before, &after);
        }
    }

    fn reindex(&mut self, key: &Key, before: &Links, after: &Links) {
        fn flag(set: &mut BTreeSet<Key>, key: &Key, before: bool, after: bool) {
            if before != after {
                if after {
                    set.insert(Key::clone(key));
                } else {
                    set.remove(key);
                }
            }
        }
        if self.ordered {
            flag(&mut self.available, key, before.available, after.available);
            flag(&mut self.pending, key, before.pending, after.pending);
        }
        if before.retry != after.retry {
            if let Some(due) = before.retry {
                self.retrying.remove(&(due, Key::clone(key)));
            }
            if let Some(due) = after.retry {
                self.retrying.insert((due, Key::clone(key)));
            }
        }
        if !same_shape(&before.offers, &after.offers) {
            for kv in before.offers.iter().flat_map(|shape| &shape.derived) {
                if let Some(bases) = self.offered.get_mut(&kv.key) {
                    bases.remove(key);
                    if bases.is_empty() {
                        self.offered.remove(&kv.key);
                    }
                }
            }
            for kv in after.offers.iter().flat_map(|shape| &shape.derived) {
                self.offered.entry(Key::clone(&kv.key)).or_default().insert(key);
            }
        }
        if !before.same_shapes(after) {
            self.link(key, before, false);
            self.link(key, after, true);
        }
    }

    fn link(&mut self, key: &Key, links: &Links, add: bool) {
        let settled = links.settled();
        let wanted = links.wanted.iter().map(|shape| (shape, !settled, settled));
        let present = links.present.iter().filter(|_| !settled || links.wanted.is_none());
        for (shape, waits, relies) in wanted.chain(present.map(|shape| (shape, false, true))) {
            for need in &shape.needs {
                match &need.target {
                    Target::Key(target) => self.link_key(key, target, add),
                    Target::AnyOf(any) => {
                        for prefix in &any.prefixes {
                            self.link_prefix(key, prefix, any.predicate.is_some(), waits, relies, add);
                        }
                    }
                }
            }
        }
    }

    fn link_key(&mut self, key: &Key, target: &Key, add: bool) {
        if add {
            self.dependants.entry_ref(target).or_default().insert(key);
        } else if let Some(keys) = self.dependants.get_mut(target) {
            keys.remove(key);
            if keys.is_empty() {
                self.dependants.remove(target);
            }
        }
    }

    fn link_prefix(&mut self, key: &Key, prefix: &str, chooses: bool, waits: bool, relies: bool, add: bool) {
        if add {
            self.put_in_order();
            let pair = self.watchers.entry_ref(prefix).or_insert_with(|| {
                *self.lengths.entry(prefix.len()).or_default() += 1;
                Default::default()
            });
            let [watchers, choosers] = pair;
            let set = if chooses { choosers } else { watchers };
            if waits {
                set.waiting.insert(Key::clone(key));
            }
            if relies {
                set.relying.insert(Key::clone(key));
            }
            return;
        }
        let Some(pair) = self.watchers.get_mut(prefix) else { return };
        let [watchers, choosers] = pair;
        let set = if chooses { choosers } else { watchers };
        if waits {
            set.waiting.remove(key);
        }
        if relies {
            set.relying.remove(key);
        }
        if pair.iter().all(|set| set.waiting.is_empty() && set.relying.is_empty()) {
            self.watchers.remove(prefix);
            if let Some(count) = self.lengths.get_mut(&prefix.len()) {
                *count -= 1;
                if *count == 0 {
                    self.lengths.remove(&prefix.len());
                }
            }
        }
    }

    fn put_in_order(&mut self) {
        if !std::mem::replace(&mut self.ordered, true) {
            let keys = |accepts: fn(&Node) -> bool| {
                let nodes = self.nodes.iter().filter(|(_, node)| accepts(node));
                nodes.map(|(key, _)| Key::clone(key)).collect()
            };
            self.available = keys(Node::available);
            self.pending = keys(|node| node.state == State::Pending);
        }
    }

    /// Who waits for a key that has come, sorted. Those that need any of several keys are left out where enough of the
    /// others are there; of those with a predicate all are given, whether or not it accepts the key.
    pub(crate) fn waiting_for(&self, key: &str) -> Vec<Key> {
        self.concerned(key, |watchers| &watchers.waiting)
    }

    /// Who is there and may rely on a key that goes, sorted; with the same exceptions.
    pub(crate) fn relying_on(&self, key: &str) -> Vec<Key> {
        self.concerned(key, |watchers| &watchers.relying)
    }

    /// Whether anything waits for a key or one like it.
    pub(crate) fn is_waited_for(&self, key: &str) -> bool {
        self.dependants.contains_key(key)
            || self.pairs(key).any(|(_, pair)| pair.iter().any(|set| !set.waiting.is_empty()))
    }

    fn pairs<'a>(&'a self, key: &'a str) -> impl Iterator<Item = (&'a str, &'a [Watchers; 2])> {
        self.lengths
            .range(..=key.len())
            .filter_map(|(&length, _)| key.get(..length))
            .filter_map(|prefix| Some((prefix, self.watchers.get(prefix)?)))
    }

    fn concerned(&self, key: &str, part: impl Fn(&Watchers) -> &BTreeSet<Key>) -> Vec<Key> {
        let mut all: Vec<Key> = self.dependants.get(key).map(KeySet::sorted).unwrap_or_default();
        let direct = all.len();
        for (prefix, [watchers, choosers]) in self.pairs(key) {
            // Two: one of them may be the dependant, which does not satisfy itself.
            let few = || self.available_under(prefix).filter(|other| &***other != key).take(2).count() < 2;
            let watchers = Some(part(watchers)).filter(|keys| !keys.is_empty() && few());
            let both = part(choosers).iter().chain(watchers.into_iter().flatten());
            all.extend(both.filter(|watcher| &***watcher != key).cloned());
        }
        if all.len() > direct {
            all.sort_unstable();
            all.dedup();
        }
        all
    }

    fn available_under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a Key> {
        under(&self.available, prefix)
    }

    /// The values that satisfy an any-of dependency, sorted within each prefix. A value does not satisfy itself.
    pub(crate) fn matches<'a>(&'a self, any: &'a AnyOf, of: &'a str) -> impl Iterator<Item = &'a Key> {
        any.prefixes
            .iter()
            .flat_map(|prefix| self.available_under(prefix))
            .filter(move |key| &***key != of && any.accepts(key))
    }

    /// The values that have been waiting since an earlier transaction and would satisfy it, in the same order.
    pub(crate) fn pending_matches<'a>(
        &'a self,
        any: &'a AnyOf,
        of: &'a str,
    ) -> impl Iterator<Item = &'a Key> {
        any.prefixes
            .iter()
            .flat_map(|prefix| under(&self.pending, prefix))
            .filter(move |key| &***key != of && any.accepts(key))
    }

    /// The first of those that are wanted and not there, and from which a value would be derived.
    pub(crate) fn offered_by(&self, key: &str) -> Option<Key> {
        self.offered.get(key)?.sorted().into_iter().next()
    }

    /// The derived values that would satisfy an any-of dependency if what they are derived from were there.
    pub(crate) fn offered_matches<'a>(&'a self, any: &'a AnyOf) -> impl Iterator<Item = &'a Key> {
        let offered = |prefix| {
            let from = (Bound::Included(prefix), Bound::Unbounded);
            let range = self.offered.range::<str, _>(from).map(|(key, _)| key);
            range.take_while(move |key| key.starts_with(prefix))
        };
        any.prefixes.iter().flat_map(move |prefix| offered(prefix.as_str())).filter(|key| any.accepts(key))
    }

    pub(crate) fn is_met(&self, need: &Dependency, of: &str) -> bool {
        match &need.target {
            Target::Key(key) => self.get(key).is_some_and(Node::available),
            Target::AnyOf(any) => self.matches(any, of).next().is_some(),
        }
    }

    /// Whether it is there although what it was derived from is not, as happens where values that need each other are
    /// taken down and only one of them goes.
    pub(crate) fn is_orphan(&self, key: &str) -> bool {
        self.get(key).is_some_and(|node| {
            let base = node.base.as_ref();
            node.present.is_some()
                && node.wanted.is_none()
                && base.is_some_and(|base| self.get(base).is_none_or(|base| base.present.is_none()))
        })
    }

    /// Whether everything that a value needs is there.
    pub(crate) fn is_ready(&self, shape: &Shape, of: &str) -> bool {
        shape.needs.iter().all(|need| self.is_met(need, of))
    }
}

pub(crate) fn under<'a>(keys: &'a BTreeSet<Key>, prefix: &'a str) -> impl Iterator<Item = &'a Key> {
    let from = (Bound::Included(prefix), Bound::Unbounded);
    keys.range::<str, _>(from).take_while(move |key| key.starts_with(prefix))
}

/// What watchers and the history of a value see.
struct Face {
    state: State,
    error: Option<Arc<str>>,
    attempt: Option<u32>,
    present: Option<AnyValue>,
}

impl Face {
    fn of(node: &Node) -> Self {
        let present = node.present.as_ref().map(|present| Arc::clone(&present.held.value));
        Self { state: node.state, error: node.error.clone(), attempt: attempt(node), present }
    }

    fn differs(&self, node: &Node) -> bool {
        self.state != node.state
            || self.error != node.error
            || self.attempt != attempt(node)
            || match (&self.present, &node.present) {
                (Some(before), Some(after)) => !same(before, &after.held.value),
                (None, None) => false,
                _ => true,
            }
    }
}

fn attempt(node: &Node) -> Option<u32> {
    node.retry.as_ref().map(|retry| retry.attempt)
}
