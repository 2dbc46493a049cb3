//! How the graph follows an operation. Planning and execution take the same steps, so that they cannot disagree.

use std::sync::Arc;

use crate::erased::Shape;
use crate::graph::Graph;
use crate::metadata::AnyMetadata;
use crate::node::{Held, Node, Present, Rejected};
use crate::registry::{Registry, TwoOwners};
use crate::state::{Operation, State};
use crate::transaction::RetryPolicy;
use crate::value::{AnyValue, Key, same};

/// What becomes of a value that is taken down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is not wanted any more.
    Forget,
    /// It waits for its dependencies.
    Wait,
    /// It is created again with another value.
    Recreate,
    /// It has gone by itself.
    Vanish,
}

impl Fate {
    /// Whether nobody wants it any more.
    pub(crate) fn is_final(self) -> bool {
        matches!(self, Self::Forget | Self::Vanish)
    }

    pub(crate) fn state(self) -> State {
        match self {
            Self::Forget | Self::Recreate | Self::Vanish => State::Removed,
            Self::Wait => State::Pending,
        }
    }
}

/// Notes that a value should be there, if it is valid. What was there before stays until an operation changes it.
pub(crate) fn want(
    graph: &mut Graph,
    registry: &Registry,
    key: &Key,
    value: &AnyValue,
    base: Option<&Key>,
    policy: Option<&Arc<RetryPolicy>>,
) -> Result<(), TwoOwners> {
    if let Some(node) = graph.get(key)
        && node.base.as_ref() == base
    {
        let known = match (&node.rejected, &node.wanted) {
            (Some(rejected), _) => Some(&rejected.value),
            (None, Some(wanted)) => Some(&wanted.value),
            (None, None) => None,
        };
        if known.is_some_and(|known| same(known, value)) {
            return Ok(());
        }
    }
    let owner = registry.owner(key)?;
    let held = registry.hold(owner, key, value);
    graph.edit(key, |node| {
        node.owner = owner;
        node.base = base.cloned();
        node.fresh = true;
        node.policy = policy.cloned();
        // Another value has not failed yet.
        node.retry = None;
        match held {
            Ok(held) => {
                node.rejected = None;
                node.wanted = Some(held);
            }
            Err(invalid) => {
                let reason = invalid.to_string().into();
                node.rejected = Some(Box::new(Rejected { value: Arc::clone(value), reason }));
                // A bad value never takes a good one down, even if the good one was only found by a read-back.
                if node.wanted.is_none() {
                    node.wanted = node.present.as_ref().map(|present| present.held.clone());
                }
            }
        }
    });
    Ok(())
}

/// Notes that a value should not be there.
pub(crate) fn unwant(graph: &mut Graph, key: &Key) {
    if graph.get(key).is_some_and(|node| node.wanted.is_some() || node.rejected.is_some()) {
        graph.edit(key, |node| {
            node.wanted = None;
            node.rejected = None;
            node.fresh = true;
        });
    }
}

/// Whether `key` can be derived from `base`: not if it is configured by itself or derived from something else.
pub(crate) fn can_derive(graph: &Graph, key: &Key, base: &Key) -> bool {
    match graph.get(key) {
        None => true,
        Some(node) => match &node.base {
            Some(other) => other == base || !graph.get(other).is_some_and(Node::available),
            None => node.wanted.is_none() && node.rejected.is_none(),
        },
    }
}

/// Makes the derived values of `base` those of `shape`, and gives their keys. Those that are no longer derived are
/// given as the second list: they are not wanted any more, and have yet to be taken down if they are there.
pub(crate) fn derive(
    graph: &mut Graph,
    registry: &Registry,
    base: &Key,
    shape: &Shape,
) -> (Vec<Key>, Vec<Key>) {
    let before = graph.get(base).map(|node| node.derived.clone()).unwrap_or_default();
    if shape.derived.is_empty() && before.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let mut keys = Vec::with_capacity(shape.derived.len());
    let policy = graph.get(base).and_then(|node| node.policy.clone());
    for kv in &shape.derived {
        if !can_derive(graph, &kv.key, base) {
            tracing::warn!(key = %kv.key, %base, "not derived: the key is already in use");
            continue;
        }
        match want(graph, registry, &kv.key, &kv.value, Some(base), policy.as_ref()) {
            Ok(()) => keys.push(Key::clone(&kv.key)),
            Err(error) => tracing::warn!(%base, %error, "not derived"),
        }
    }
    keys.sort_unstable();
    keys.dedup();
    let obsolete: Vec<_> = before
        .into_iter()
        .filter(|key| keys.binary_search(key).is_err())
        .filter(|key| graph.get(key).is_some_and(|node| node.base.as_ref() == Some(base)))
        .collect();
    for key in &obsolete {
        unwant(graph, key);
    }
    graph.edit(base, |node| node.derived.clone_from(&keys));
    (keys, obsolete)
}

/// The value is there. `metadata`: none keeps what is known.
pub(crate) fn came_up(
    graph: &mut Graph,
    registry: &Registry,
    key: &Key,
    held: &Held,
    operation: Option<Operation>,
    metadata: Option<AnyMetadata>,
) -> Vec<Key> {
    graph.edit(key, |node| {
        let known = node.present.take().and_then(|present| present.metadata);
        node.present = Some(Present { held: held.clone(), metadata: metadata.or(known) });
        node.error = node.rejected.as_ref().map(|rejected| Arc::clone(&rejected.reason));
        node.state = if node.rejected.is_some() { State::Invalid } else { State::Configured };
        node.last = operation.or(node.last);
        node.retry = None;
        node.ours = true;
        node.uncertain = false;
        node.fresh = false;
        node.leaving = false;
        node.notified = false;
        if node.wanted.is_none() {
            node.wanted = Some(held.clone());
        }
    });
    let (keys, obsolete) = derive(graph, registry, key, &held.shape);
    for key in obsolete {
        if graph.get(&key).is_some_and(Node::is_empty) {
            graph.remove(&key);
        }
    }
    keys
}

/// The value is not there any more.
pub(crate) fn went_down(graph: &mut Graph, key: &Key, fate: Fate) {
    let (derived, empty) = graph.edit(key, |node| {
        node.present = None;
        node.state = fate.state();
        node.error = None;
        node.last = Some(Operation::Delete);
        node.retry = None;
        node.uncertain = false;
        node.leaving = false;
        node.notified = false;
        if fate.is_final() {
            node.wanted = None;
            node.rejected = None;
        }
        // One that waits may be wanted only once the operation on its base has succeeded.
        (std::mem::take(&mut node.derived), fate.is_final() && node.is_empty())
    });
    for key in derived {
        unwant(graph, &key);
        if graph.get(&key).is_some_and(Node::is_empty) {
            graph.remove(&key);
        }
    }
    if empty {
        graph.remove(key);
    }
}

/// The southbound has told of a value. Nothing is done about its derived values but to note them.
pub(crate) fn observed(graph: &mut Graph, key: &Key, owner: Option<u16>, base: Option<&Key>, held: &Held) {
    let mut derived: Vec<Key> = held.shape.derived.iter().map(|kv| Key::clone(&kv.key)).collect();
    derived.retain(|child| can_derive(graph, child, key));
    derived.sort_unstable();
    derived.dedup();
    graph.edit(key, |node| {
        let operation = if node.present.is_some() { Operation::Update } else { Operation::Create };
        let metadata = node.present.take().and_then(|present| present.metadata);
        node.owner = owner;
        node.base = base.cloned();
        node.present = Some(Present { held: held.clone(), metadata });
        node.derived = derived;
        node.state = State::Obtained;
        node.error = None;
        node.last = Some(operation);
        node.leaving = false;
        node.notified = true;
    });
}

/// The value waits, is refused or belongs to nobody; the southbound is as it was.
pub(crate) fn set_aside(graph: &mut Graph, key: &Key, state: State, error: Option<Arc<str>>) {
    graph.edit(key, |node| {
        node.state = state;
        node.error = error;
        node.retry = None;
        node.fresh = false;
    });
}
