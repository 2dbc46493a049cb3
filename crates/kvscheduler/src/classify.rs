//! Compares what is wanted with what is there.

use hashbrown::{HashMap, HashSet};

use crate::graph::Graph;
use crate::plan::SortedKeys;
use crate::registry::Registry;
use crate::state::State;
use crate::steps::{self, Fate};
use crate::value::{Key, same};

/// What has to be done to get what is wanted.
#[derive(Default)]
pub(crate) struct Changes {
    /// What has to go, in order.
    pub(crate) down: Vec<(Key, Fate)>,
    /// What is there as wanted, but was not known to be.
    pub(crate) adopt: SortedKeys,
    /// What is there with another value.
    pub(crate) update: SortedKeys,
    /// What is not there, or not any more when the time comes.
    pub(crate) create: SortedKeys,
    /// The derived values that a value had and has no more.
    pub(crate) obsolete: HashMap<Key, Vec<Key>>,
}

enum Verdict {
    Nothing,
    Down(Fate),
    Up,
    Recreate,
    Wait,
    Update,
    Same { adopt: bool },
}

impl Changes {
    /// Compares these values, and the derived values of those that stay.
    pub(crate) fn find(
        graph: &mut Graph,
        registry: &Registry,
        seeds: Vec<Key>,
        is_ours: &dyn Fn(&str) -> bool,
    ) -> Self {
        let mut changes = Self::default();
        let mut done: HashSet<Key> = HashSet::new();
        // Derived values are looked at after what they are derived from has said what they are.
        let derived = |key: &&Key| graph.get(key).is_some_and(|node| node.base.is_some());
        let all: HashSet<&Key> = match seeds.iter().any(|key| derived(&key)) {
            true => seeds.iter().collect(),
            false => HashSet::new(),
        };
        let roots = seeds
            .iter()
            .rev()
            .filter(|key| all.is_empty() || graph.is_orphan(key) || !has_base_in(graph, key, &all));
        let mut stack: Vec<(Key, bool)> = roots.map(|key| (Key::clone(key), false)).collect();
        while let Some((key, mine)) = stack.pop() {
            // One that is not known may still be derived by another seed, and is looked at then.
            if graph.get(&key).is_none() || !done.insert(Key::clone(&key)) {
                continue;
            }
            match compare(graph, registry, &key, &|key| mine || is_ours(key)) {
                Verdict::Nothing => {}
                Verdict::Down(fate) => changes.down.push((key, fate)),
                Verdict::Up => {
                    changes.create.insert(key);
                }
                Verdict::Recreate => {
                    changes.down.push((Key::clone(&key), Fate::Recreate));
                    changes.create.insert(key);
                }
                Verdict::Wait => {
                    changes.down.push((Key::clone(&key), Fate::Wait));
                    changes.create.insert(key);
                }
                verdict @ (Verdict::Update | Verdict::Same { .. }) => {
                    let wanted = graph.get(&key).and_then(|node| node.wanted.clone());
                    let Some(wanted) = wanted else { continue };
                    let before = graph.get(&key).map(|node| node.derived.clone()).unwrap_or_default();
                    // One that went and has been forgotten is derived anew.
                    let forgotten = before.iter().any(|child| graph.get(child).is_none());
                    let (derived, obsolete) = steps::derive(graph, registry, &key, &wanted.shape);
                    let changed = forgotten || derived != before;
                    stack
                        .extend(obsolete.iter().chain(&derived).rev().map(|child| (Key::clone(child), true)));
                    if !obsolete.is_empty() {
                        changes.obsolete.insert(Key::clone(&key), obsolete);
                    }
                    match verdict {
                        Verdict::Update => {
                            changes.update.insert(key);
                        }
                        Verdict::Same { adopt } if adopt || changed => {
                            changes.adopt.insert(key);
                        }
                        _ => {}
                    }
                }
            }
        }
        changes
    }

    /// All values that stay or come.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Key> {
        self.adopt.iter().chain(&self.update).chain(&self.create)
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.down.extend(other.down);
        self.adopt.extend(other.adopt);
        self.update.extend(other.update);
        self.create.extend(other.create);
        self.obsolete.extend(other.obsolete);
    }
}

fn has_base_in(graph: &Graph, key: &Key, all: &HashSet<&Key>) -> bool {
    let mut base = graph.get(key).and_then(|node| node.base.as_ref());
    while let Some(key) = base {
        if all.contains(key) {
            return true;
        }
        base = graph.get(key).and_then(|node| node.base.as_ref());
    }
    false
}

fn compare(graph: &Graph, registry: &Registry, key: &Key, is_ours: &dyn Fn(&str) -> bool) -> Verdict {
    let Some(node) = graph.get(key) else { return Verdict::Nothing };
    match (&node.wanted, &node.present) {
        // A derived value that was found missing leaves without a word; its base has been reported.
        (None, None) if node.rejected.is_none() && node.base.is_some() && node.state == State::Missing => {
            Verdict::Nothing
        }
        (None, None) if node.rejected.is_none() => Verdict::Down(Fate::Forget),
        (_, None) => Verdict::Up,
        // What the southbound told of goes when the southbound tells.
        (None, Some(_)) if node.notified => Verdict::Nothing,
        (None, Some(_)) if node.ours || is_ours(key) => Verdict::Down(Fate::Forget),
        (None, Some(_)) => Verdict::Nothing,
        (Some(wanted), Some(present)) => {
            if !graph.is_ready(&present.held.shape, key) && !graph.is_ready(&wanted.shape, key) {
                return Verdict::Wait;
            }
            let (old, new) = (&present.held.value, &wanted.value);
            let owner = registry.of(node);
            let identical = same(old, new);
            let equivalent = identical || owner.is_some_and(|owner| owner.equivalent(key, old, new));
            if equivalent && !node.uncertain {
                let settled = if node.rejected.is_some() { State::Invalid } else { State::Configured };
                let adopt = !identical || node.state != settled || !node.ours || node.fresh;
                return Verdict::Same { adopt };
            }
            match owner {
                Some(owner) if owner.recreate(key, old, new) => Verdict::Recreate,
                _ => Verdict::Update,
            }
        }
    }
}
