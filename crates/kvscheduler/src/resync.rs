//! Reads the southbound back and makes the graph agree with it.

use std::any::Any;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;

use crate::descriptor::Failure;
use crate::erased::Seen;
use crate::graph::Graph;
use crate::metadata::AnyMetadata;
use crate::node::{Held, Present};
use crate::record::Unread;
use crate::recording::Recorder;
use crate::registry::Registry;
use crate::state::{Origin, State};
use crate::steps;
use crate::value::{AnyValue, Key, KeyValue, same};

/// What was read back.
pub(crate) struct ReadBack {
    /// Per descriptor; none: what is believed stays.
    found: Vec<Option<Vec<Seen>>>,
    /// Per descriptor, whether its values were read.
    read: Vec<bool>,
    pub(crate) unread: Vec<Unread>,
    unread_ids: Vec<u16>,
    /// The metadata maps as they were before.
    saved: Vec<Box<dyn Any + Send>>,
    /// Where only some values were to be read: these.
    scope: Option<BTreeSet<Key>>,
}

/// The southbound cannot be reached: nothing is known about it.
#[derive(Debug)]
pub(crate) struct Lost {
    pub(crate) descriptor: String,
    pub(crate) failure: Failure,
}

/// Reads back all descriptors, each as soon as those that it comes after are done. The metadata maps already have what
/// was found; [`ReadBack::undo`] restores them.
///
/// With a scope only the descriptors of these values are read, and nothing else is learned; the metadata maps follow
/// when the result is applied.
pub(crate) async fn read_back(
    registry: &Registry,
    believed: Vec<Vec<KeyValue>>,
    scope: Option<BTreeSet<Key>>,
    recorder: Option<&Recorder>,
) -> Result<ReadBack, Lost> {
    type Read = BoxFuture<'static, (u16, Result<Option<Vec<Seen>>, Failure>)>;
    let mut back = ReadBack {
        found: vec![None; registry.len()],
        read: vec![false; registry.len()],
        unread: Vec::new(),
        unread_ids: Vec::new(),
        saved: match scope {
            Some(_) => Vec::new(),
            None => registry.iter().map(|(_, descriptor)| descriptor.save()).collect(),
        },
        scope,
    };
    let mut believed: Vec<Option<Vec<KeyValue>>> = believed.into_iter().map(Some).collect();
    let mut done: Vec<bool> = match &back.scope {
        Some(scope) => {
            let owners: BTreeSet<u16> =
                scope.iter().filter_map(|key| registry.owner(key).ok().flatten()).collect();
            registry.iter().map(|(id, _)| !owners.contains(&id)).collect()
        }
        None => vec![false; registry.len()],
    };
    for (believed, _) in believed.iter_mut().zip(&done).filter(|(_, done)| **done) {
        *believed = None;
    }
    let mut errors: BTreeMap<u16, Option<String>> = BTreeMap::new();
    let mut running: FuturesUnordered<Read> = FuturesUnordered::new();
    loop {
        for (id, descriptor) in registry.iter() {
            let ready = registry
                .retrieve_after(id)
                .iter()
                .all(|&b| done.get(usize::from(b)).copied().unwrap_or(false));
            if ready && let Some(correlate) = believed.get_mut(usize::from(id)).and_then(Option::take) {
                let descriptor = Arc::clone(descriptor);
                running.push(Box::pin(async move { (id, descriptor.retrieve(&correlate).await) }));
            }
        }
        let Some((id, result)) = running.next().await else { break };
        let Some(descriptor) = registry.get(id) else { continue };
        if let Some(recorder) = recorder {
            recorder.read(descriptor.name(), &result);
        }
        match result {
            Ok(Some(mut seen)) => {
                seen.retain(|value| {
                    let owned = descriptor.owns(&value.key);
                    if !owned {
                        tracing::warn!(descriptor = descriptor.name(), key = %value.key, "read back, not owned");
                    }
                    owned
                });
                if back.scope.is_none() {
                    let metadata: Vec<_> =
                        seen.iter().map(|s| (Key::clone(&s.key), Arc::clone(&s.metadata))).collect();
                    descriptor.reindex(&metadata);
                }
                if let (Some(slot), Some(read)) =
                    (back.found.get_mut(usize::from(id)), back.read.get_mut(usize::from(id)))
                {
                    (*slot, *read) = (Some(seen), true);
                }
            }
            Ok(None) => {
                errors.insert(id, None);
            }
            Err(failure) if failure.lost => {
                let descriptor = descriptor.name().to_owned();
                back.undo(registry);
                return Err(Lost { descriptor, failure });
            }
            Err(failure) => {
                tracing::warn!(descriptor = descriptor.name(), error = %failure, "not read back");
                errors.insert(id, Some(failure.message));
            }
        }
        if let Some(done) = done.get_mut(usize::from(id)) {
            *done = true;
        }
    }
    for (id, error) in errors {
        let descriptor = registry.get(id).map(|d| d.name().to_owned()).unwrap_or_default();
        back.unread.push(Unread { descriptor, error });
        back.unread_ids.push(id);
    }
    Ok(back)
}

/// What each descriptor is told to correlate with: what is believed to be there, and what is wanted where nothing is.
pub(crate) fn believed(
    graph: &Graph,
    registry: &Registry,
    wanted: &BTreeMap<Key, Option<AnyValue>>,
) -> Vec<Vec<KeyValue>> {
    let mut all: BTreeMap<Key, (Option<u16>, AnyValue)> = BTreeMap::new();
    for (key, node) in graph.iter() {
        // What is somebody else's is not believed in, it is only there.
        if node.wanted.is_none() && !node.ours {
            continue;
        }
        let value = node.present.as_ref().map(|present| &present.held).or(node.wanted.as_ref());
        if let Some(held) = value {
            all.insert(Key::clone(key), (node.owner, Arc::clone(&held.value)));
        }
    }
    let mut stack: Vec<KeyValue> = wanted
        .iter()
        .filter_map(|(key, value)| Some(KeyValue { key: Key::clone(key), value: value.clone()? }))
        .collect();
    while let Some(kv) = stack.pop() {
        if let Entry::Vacant(entry) = all.entry(Key::clone(&kv.key)) {
            let Ok(owner) = registry.owner(&kv.key) else { continue };
            entry.insert((owner, Arc::clone(&kv.value)));
            stack.extend(registry.hold_unchecked(owner, &kv.key, &kv.value).shape.derived.iter().cloned());
        }
    }
    let mut lists = vec![Vec::new(); registry.len()];
    for (key, (owner, value)) in all {
        if let Some(list) = owner.and_then(|id| lists.get_mut(usize::from(id))) {
            list.push(KeyValue { key, value });
        }
    }
    lists
}

/// A value that is in the southbound.
struct Truth {
    owner: Option<u16>,
    base: Option<Key>,
    derived: Vec<Key>,
    held: Held,
    metadata: Option<AnyMetadata>,
    origin: Origin,
}

impl ReadBack {
    /// Gives the metadata maps the content they had before.
    pub(crate) fn undo(self, registry: &Registry) {
        for ((_, descriptor), saved) in registry.iter().zip(self.saved) {
            descriptor.restore(saved);
        }
    }

    /// Whose values were not read back, and why; no reason where they never can be.
    pub(crate) fn unread_owners(&self) -> BTreeMap<u16, Option<String>> {
        self.unread_ids.iter().copied().zip(self.unread.iter().map(|unread| unread.error.clone())).collect()
    }

    fn is_read(&self, owner: Option<u16>) -> bool {
        owner.and_then(|id| self.read.get(usize::from(id))).is_some_and(|read| *read)
    }

    /// Makes the graph agree with what was read back, which is used up. Gives what is not there any more.
    pub(crate) fn apply(
        &mut self,
        graph: &mut Graph,
        registry: &Registry,
        is_ours: &dyn Fn(&str) -> bool,
    ) -> Vec<Key> {
        let truth = self.truth(graph, registry);
        let keys = match &self.scope {
            Some(scope) => scope.iter().cloned().collect(),
            None => graph.keys(),
        };
        let missing: Vec<Key> = keys
            .into_iter()
            .filter(|key| !truth.contains_key(key) && self.must_be_read(graph, key))
            .filter(|key| graph.get(key).is_some_and(|node| node.present.is_some() || node.uncertain))
            .collect();
        let mut gone = Vec::new();
        for key in missing {
            // What is not there is at least certain.
            let was_there = graph.edit(&key, |node| {
                node.uncertain = false;
                node.present.is_some()
            });
            if was_there {
                gone.push(key);
            }
        }
        let scoped = self.scope.is_some();
        for key in &gone {
            forget_present(graph, registry, key, scoped);
        }
        // Bases sort before or after their derived values; what is ours is decided by the base.
        for (key, seen) in &truth {
            let ours = seen.origin == Origin::Northbound
                || is_ours(key)
                || seen.base.as_ref().is_some_and(|base| is_ours_base(graph, &truth, base, is_ours));
            write(graph, key, seen, ours);
            if let (true, Some(descriptor), Some(metadata)) =
                (scoped, seen.owner.and_then(|id| registry.get(id)), &seen.metadata)
            {
                descriptor.index(key, metadata);
            }
        }
        if scoped {
            return gone;
        }
        let all = gone.clone();
        // What is only believed cannot be there without what it needs.
        while let Some(key) = gone.pop() {
            let derived = graph.get(&key).map(|node| node.derived.clone()).unwrap_or_default();
            let orphans = derived.into_iter().filter(|child| {
                graph
                    .get(child)
                    .is_some_and(|node| node.present.is_some() && node.base.as_ref() == Some(&key))
            });
            let stranded = graph.relying_on(&key).into_iter().filter(|dependant| {
                graph.get(dependant).is_some_and(|node| {
                    node.present.as_ref().is_some_and(|p| !graph.is_ready(&p.held.shape, dependant))
                })
            });
            let more: Vec<Key> = orphans.chain(stranded).filter(|other| !truth.contains_key(other)).collect();
            for other in more {
                forget_present(graph, registry, &other, false);
                gone.push(other);
            }
        }
        all
    }

    /// Everything that is in the southbound for certain: what was read back and what follows from it.
    fn truth(&mut self, graph: &Graph, registry: &Registry) -> BTreeMap<Key, Truth> {
        let mut truth: BTreeMap<Key, Truth> = BTreeMap::new();
        let scope = self.scope.as_ref();
        let in_scope = |key: &Key| scope.is_none_or(|scope| scope.contains(key));
        for (id, seen) in (0..).zip(std::mem::take(&mut self.found)) {
            for seen in seen.into_iter().flatten().filter(|seen| in_scope(&seen.key)) {
                let (key, held) = match known(graph, &seen.key, &seen.value) {
                    Some((key, held)) => (Key::clone(key), held.clone()),
                    None => {
                        let held = registry.hold_unchecked(Some(id), &seen.key, &seen.value);
                        (seen.key, held)
                    }
                };
                let (owner, metadata, origin) = (Some(id), Some(seen.metadata), seen.origin);
                let found = Truth { owner, base: None, derived: Vec::new(), held, metadata, origin };
                if truth.insert(Key::clone(&key), found).is_some() {
                    tracing::warn!(%key, "read back twice");
                }
            }
        }
        let mut stack: Vec<Key> = truth.keys().cloned().collect();
        while let Some(base) = stack.pop() {
            let Some(shape) = truth.get(&base).map(|found| Arc::clone(&found.held.shape)) else { continue };
            let mut keys = Vec::with_capacity(shape.derived.len());
            for kv in &shape.derived {
                let Ok(owner) = registry.owner(&kv.key) else { continue };
                match truth.entry(Key::clone(&kv.key)) {
                    Entry::Occupied(entry) => {
                        let child = entry.into_mut();
                        if child.base.is_some() {
                            continue;
                        }
                        child.base = Some(Key::clone(&base));
                    }
                    // Its own descriptor has looked, and not found it.
                    Entry::Vacant(_) if self.is_read(owner) => continue,
                    Entry::Vacant(entry) => {
                        let known = graph.get(&kv.key).and_then(|node| node.present.as_ref());
                        entry.insert(Truth {
                            owner,
                            base: Some(Key::clone(&base)),
                            derived: Vec::new(),
                            held: registry.hold_unchecked(owner, &kv.key, &kv.value),
                            metadata: known.and_then(|present| present.metadata.clone()),
                            origin: Origin::Unknown,
                        });
                        stack.push(Key::clone(&kv.key));
                    }
                }
                keys.push(Key::clone(&kv.key));
            }
            keys.sort_unstable();
            if let Some(found) = truth.get_mut(&base) {
                found.derived = keys;
            }
        }
        truth
    }

    /// Whether the value would have been found if it were there: by its descriptor, or as part of its base.
    fn must_be_read(&self, graph: &Graph, key: &Key) -> bool {
        let mut key = Key::clone(key);
        loop {
            let Some(node) = graph.get(&key) else { return false };
            if self.is_read(node.owner) {
                return true;
            }
            match &node.base {
                Some(base) => key = Key::clone(base),
                None => return false,
            }
        }
    }
}

/// What is known of a value that was read back and is as it is believed or wanted to be, with the key as it is shared.
fn known<'a>(graph: &'a Graph, key: &str, value: &AnyValue) -> Option<(&'a Key, &'a Held)> {
    let (key, node) = graph.entry(key)?;
    let known = node.present.as_ref().map(|present| &present.held).into_iter().chain(&node.wanted);
    let mut equal = known.filter(|held| same(&held.value, value));
    Some((key, equal.next()?))
}

/// Whether a derived value was configured by us because what it is derived from was, or is wanted now.
fn is_ours_base(
    graph: &Graph,
    truth: &BTreeMap<Key, Truth>,
    base: &Key,
    is_ours: &dyn Fn(&str) -> bool,
) -> bool {
    let mut key = base;
    loop {
        let Some(found) = truth.get(key) else { return false };
        let wanted = graph.get(key).is_some_and(|node| node.ours || node.wanted.is_some());
        if wanted || found.origin == Origin::Northbound || is_ours(key) {
            return true;
        }
        match &found.base {
            Some(base) => key = base,
            None => return false,
        }
    }
}

fn forget_present(graph: &mut Graph, registry: &Registry, key: &Key, keep_wanted: bool) {
    if let Some(descriptor) = graph.get(key).and_then(|node| registry.of(node)) {
        descriptor.unindex(key);
    }
    let empty = graph.edit(key, |node| {
        node.present = None;
        node.uncertain = false;
        if node.base.is_some() && !keep_wanted {
            // Wanted again when the base is there.
            node.wanted = None;
            node.rejected = None;
        }
        node.state = match node.state {
            State::Configured | State::Discovered => State::Missing,
            State::Obtained => State::Nonexistent,
            state => state,
        };
        node.is_empty() && node.state == State::Nonexistent
    });
    // Derived values that were still waiting leave with their base.
    let derived = graph.get(key).map(|node| node.derived.clone()).unwrap_or_default();
    for child in derived {
        let waits = graph.get(&child).is_some_and(|child| {
            child.base.as_ref() == Some(key) && child.present.is_none() && child.state != State::Missing
        });
        if waits {
            graph.remove(&child);
        }
    }
    if empty {
        graph.remove(key);
    }
}

fn write(graph: &mut Graph, key: &Key, found: &Truth, ours: bool) {
    // A base that is only believed keeps its derived values, even those that were read back by themselves.
    let believed_base = graph.get(key).and_then(|node| node.base.clone()).filter(|base| {
        graph.get(base).is_some_and(|base| base.present.is_some() && base.derived.contains(key))
    });
    // Derived values that are not there yet are still derived.
    let old = graph.get(key).map(|node| node.derived.clone()).unwrap_or_default();
    let mut derived: Vec<Key> = old
        .into_iter()
        .filter(|child| graph.get(child).is_some_and(|child| child.base.as_ref() == Some(key)))
        .chain(found.derived.iter().cloned())
        .collect();
    derived.sort_unstable();
    derived.dedup();
    graph.edit(key, |node| {
        node.owner = found.owner;
        if found.base.is_some() && node.wanted.is_some() && node.base.is_none() {
            tracing::warn!(%key, "is both configured and derived");
        } else {
            node.base = found.base.clone().or(believed_base);
        }
        // Kept where equal, so that the indexes need not change.
        let known = node.present.take().map(|present| present.held).or_else(|| node.wanted.clone());
        let held = match known {
            Some(known) if same(&known.value, &found.held.value) => known,
            _ => found.held.clone(),
        };
        if node.rejected.is_some() && node.wanted.is_none() {
            // What was refused does not take down what is there.
            node.wanted = Some(held.clone());
        }
        node.present = Some(Present { held, metadata: found.metadata.clone() });
        node.derived = derived;
        node.uncertain = false;
        node.ours |= ours;
        node.state = match node.state {
            State::Nonexistent | State::Removed | State::Unimplemented => {
                if node.ours || node.wanted.is_some() { State::Discovered } else { State::Obtained }
            }
            State::Obtained if node.ours => State::Discovered,
            State::Pending | State::Missing => State::Configured,
            state => state,
        };
    });
}

/// What has to be read back to know what became of these values: they themselves, what they are derived from, and what
/// is derived from that.
pub(crate) fn scope(graph: &Graph, keys: &BTreeSet<Key>) -> BTreeSet<Key> {
    let mut scope = BTreeSet::new();
    let mut stack: Vec<Key> = keys.iter().cloned().collect();
    while let Some(key) = stack.pop() {
        if let Some(node) = graph.get(&key)
            && scope.insert(key)
        {
            stack.extend(node.base.clone());
            stack.extend(node.derived.iter().cloned());
        }
    }
    scope
}

/// Removes what a read-back did not find and nobody wanted any more. What may be there after all stays known until it is
/// read back.
pub(crate) fn collect_garbage(graph: &mut Graph, keys: &[Key]) {
    for key in keys {
        if graph.get(key).is_some_and(|node| node.is_empty() && !(node.uncertain && node.ours)) {
            steps::went_down(graph, key, steps::Fate::Forget);
        }
    }
}
