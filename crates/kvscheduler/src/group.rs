//! Values that need each other, and can therefore only come together.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use crate::descriptor::Target;
use crate::graph;
use crate::node::{Held, Node};
use crate::plan::Planner;
use crate::value::Key;

/// A value that might come with others.
#[derive(Default)]
struct Member {
    /// For each need that is not met: who could meet it.
    unmet: Vec<Vec<Key>>,
}

impl Planner<'_> {
    /// All values whose unmet needs are met by each other, in an order in which each comes after what it needs, except
    /// where they need each other in circles. Only circles with a value that was looked at in vain are found; all others
    /// would have been found before.
    pub(crate) fn find_group(&mut self) -> Vec<Key> {
        let unready = std::mem::take(&mut self.unready);
        let mut members: HashMap<Key, Member> = HashMap::new();
        // Who could come if this one could.
        let mut needed_by: HashMap<Key, Vec<(Key, usize)>> = HashMap::new();
        let mut stuck: Vec<Key> = Vec::new();
        // What nobody waits for is in no circle.
        let starts = unready.iter().filter(|key| {
            let wanted = self.graph.get(key).and_then(|node| node.wanted.as_ref());
            let mut parts = wanted.into_iter().flat_map(|held| &held.shape.derived);
            self.graph.is_waited_for(key) || parts.any(|kv| self.graph.is_waited_for(&kv.key))
        });
        let mut stack: Vec<Key> = starts.cloned().collect();
        while let Some(key) = stack.pop() {
            if members.contains_key(&key) {
                continue;
            }
            let unmet = self.unmet(&key, &unready);
            match &unmet {
                Some(needs) if needs.iter().all(|providers| !providers.is_empty()) => {
                    for (need, providers) in needs.iter().enumerate() {
                        for provider in providers {
                            needed_by.entry_ref(provider).or_default().push((Key::clone(&key), need));
                            stack.push(Key::clone(provider));
                        }
                    }
                }
                _ => stuck.push(Key::clone(&key)),
            }
            members.insert(key, Member { unmet: unmet.unwrap_or_default() });
        }
        let mut left: HashMap<(Key, usize), usize> = HashMap::new();
        let mut out: HashSet<Key> = stuck.iter().cloned().collect();
        while let Some(key) = stuck.pop() {
            for (dependant, need) in needed_by.get(&key).into_iter().flatten() {
                let all =
                    members.get(dependant).and_then(|member| member.unmet.get(*need)).map_or(0, Vec::len);
                let left = left.entry((Key::clone(dependant), *need)).or_insert(all);
                *left = left.saturating_sub(1);
                if *left == 0 && out.insert(Key::clone(dependant)) {
                    stuck.push(Key::clone(dependant));
                }
            }
        }
        let alive: BTreeSet<Key> = members.keys().filter(|key| !out.contains(*key)).cloned().collect();
        in_order(&alive, &members)
    }

    /// For each unmet need of a value that could come, who could meet it; none if it could not come at all.
    fn unmet(&self, key: &Key, unready: &BTreeSet<Key>) -> Option<Vec<Vec<Key>>> {
        let (needs, base) = match self.graph.get(key) {
            Some(node) if node.present.is_some() || (node.owner.is_none() && node.base.is_none()) => {
                return None;
            }
            // What changes does not come with others.
            Some(Node { wanted: Some(_), .. }) if self.is_early(key) => return None,
            Some(Node { wanted: Some(wanted), .. }) => (Arc::clone(&wanted.shape), None),
            _ => {
                let (held, base) = self.offered(key)?;
                (held.shape, Some(base))
            }
        };
        let unmet = needs.needs.iter().filter(|need| !self.graph.is_met(need, key));
        let providers = unmet.map(|need| match &need.target {
            Target::Key(target) if target == key => Vec::new(),
            Target::Key(target) => vec![Key::clone(target)],
            Target::AnyOf(any) => {
                let now = any.prefixes.iter().flat_map(|prefix| {
                    let from = (Bound::Included(prefix.as_str()), Bound::Unbounded);
                    let waiting = self.waiting.range::<str, _>(from).map(|(key, _)| key);
                    let waiting = waiting.take_while(move |key| key.starts_with(prefix.as_str()));
                    graph::under(unready, prefix).chain(waiting)
                });
                let now = now.filter(|other| *other != key && any.accepts(other));
                let offered = self.graph.offered_matches(any).filter(|other| *other != key);
                let all: BTreeSet<&Key> =
                    self.graph.pending_matches(any, key).chain(now).chain(offered).collect();
                all.into_iter().cloned().collect()
            }
        });
        Some(base.map(|base| vec![base]).into_iter().chain(providers).collect())
    }

    /// A derived value of something that is not there, and that.
    fn offered(&self, key: &Key) -> Option<(Held, Key)> {
        let base = self.graph.offered_by(key)?;
        let shape = &self.graph.get(&base)?.wanted.as_ref()?.shape;
        let kv = shape.derived.iter().find(|kv| kv.key == *key)?;
        let owner = self.registry.owner(key).ok()?;
        Some((self.registry.hold(owner, key, &kv.value).ok()?, base))
    }
}

/// Depth first, what is needed before who needs it.
fn in_order(alive: &BTreeSet<Key>, members: &HashMap<Key, Member>) -> Vec<Key> {
    let mut order = Vec::with_capacity(alive.len());
    let mut entered: HashSet<&Key> = HashSet::new();
    let mut stack: Vec<(&Key, bool)> = alive.iter().rev().map(|key| (key, false)).collect();
    while let Some((key, done)) = stack.pop() {
        if done {
            order.push(Key::clone(key));
            continue;
        }
        if !entered.insert(key) {
            continue;
        }
        stack.push((key, true));
        let needs = members.get(key).map(|member| member.unmet.as_slice()).unwrap_or_default();
        // Of several that would do, the first that comes.
        let providers =
            needs.iter().filter_map(|providers| providers.iter().find(|key| alive.contains(*key)));
        stack.extend(providers.rev().map(|key| (key, false)));
    }
    order
}
