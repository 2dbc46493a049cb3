//! Takes down what has to go, and before it all that cannot be without it.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use crate::node::Node;
use crate::plan::{Action, Planner};
use crate::state::{Operation, State};
use crate::steps::{self, Fate};
use crate::value::Key;

enum Walk {
    Enter(Key),
    Exit(Key),
}

impl Planner<'_> {
    pub(crate) fn take_down(&mut self, roots: Vec<(Key, Fate)>, phase: u8) {
        if roots.is_empty() {
            return;
        }
        let mut fates: HashMap<Key, Fate> = roots.iter().cloned().collect();
        let mut entered: HashSet<Key> = HashSet::new();
        let mut stack: Vec<Walk> = roots.into_iter().rev().map(|(key, _)| Walk::Enter(key)).collect();
        while let Some(walk) = stack.pop() {
            match walk {
                Walk::Enter(key) => self.enter(key, &mut fates, &mut entered, &mut stack, phase),
                Walk::Exit(key) => {
                    let asked_for = self.graph.get(&key).is_some_and(Node::is_asked_for);
                    let other = if asked_for { Fate::Wait } else { Fate::Forget };
                    let fate = fates.get(&key).copied().unwrap_or(other);
                    self.exit(&key, fate, phase);
                }
            }
        }
    }

    fn enter(
        &mut self,
        key: Key,
        fates: &mut HashMap<Key, Fate>,
        entered: &mut HashSet<Key>,
        stack: &mut Vec<Walk>,
        phase: u8,
    ) {
        if !entered.insert(Key::clone(&key)) || self.graph.get(&key).is_none() {
            return;
        }
        // From here on nothing can count on it; its own removal comes after that of all that did.
        self.graph.edit(&key, |node| node.leaving = true);
        let derived = self.children(&key);
        let unsatisfied: Vec<Key> = self
            .graph
            .relying_on(&key)
            .into_iter()
            .filter(|dependant| self.graph.get(dependant).is_some_and(|node| self.must_go(dependant, node)))
            .collect();
        let fate = match fates.get(&key) {
            Some(Fate::Vanish) => Fate::Vanish,
            _ => Fate::Forget,
        };
        for child in &derived {
            fates.insert(Key::clone(child), fate);
            self.forget_planned(child, phase);
        }
        stack.push(Walk::Exit(key));
        stack.extend(unsatisfied.into_iter().rev().map(Walk::Enter));
        stack.extend(derived.into_iter().rev().map(Walk::Enter));
    }

    /// The derived values of a value, with those that it is about to lose.
    pub(crate) fn children(&self, key: &Key) -> Vec<Key> {
        let derived = self.graph.get(key).map(|node| node.derived.as_slice()).unwrap_or_default();
        derived.iter().chain(self.changes.obsolete.get(key).into_iter().flatten()).cloned().collect()
    }

    fn must_go(&self, key: &Key, node: &Node) -> bool {
        let present = node.present.as_ref().filter(|_| !node.leaving);
        present.is_some_and(|present| !self.graph.is_ready(&present.held.shape, key))
            // What was never ours is not ours to take down.
            && node.state != State::Obtained
    }

    /// A derived value that was to come back does not, because its base goes.
    fn forget_planned(&mut self, key: &Key, phase: u8) {
        if self.up.contains_key(key) || self.waiting.contains_key(key) {
            return;
        }
        if let Some(planned) = self.down.get(key).and_then(|&i| self.ops.get_mut(i))
            && planned.is_in(phase)
        {
            planned.action = Action::Delete(Fate::Forget);
            planned.op.after = Fate::Forget.state();
            planned.op.recreate = false;
            steps::went_down(self.graph, key, Fate::Forget);
        }
    }

    fn exit(&mut self, key: &Key, fate: Fate, phase: u8) {
        let Some(node) = self.graph.get(key) else { return };
        let (absent, derived) = (node.present.is_none(), self.children(key));
        if absent && node.state == State::Nonexistent {
            // Nobody has heard of it yet, or will: that it waits was planned in vain.
            if let Some(planned) = self.waiting.remove(key).and_then(|i| self.ops.get_mut(i)) {
                planned.dropped = true;
            }
            steps::went_down(self.graph, key, fate);
            return;
        }
        let mut op = self.op(Operation::Delete, key, None, fate.state());
        op.noop = absent;
        op.recreate = fate == Fate::Recreate;
        let needs = node.present.as_ref().map(|present| Arc::clone(&present.held.shape));
        let mut requires = self.released.by(key);
        if let Some(all) = self.released.gate(key) {
            // Any number of values may have needed any of any number of others: one operation that does nothing, and is
            // not shown, stands for the first.
            let gate = self.push(op.clone(), Action::Gate, phase, all);
            self.released.gated(key, gate);
            requires.push(gate);
        }
        requires.extend(derived.iter().filter_map(|child| self.down.get(child).copied()));
        requires.sort_unstable();
        requires.dedup();
        let before = self.up.remove(key).or_else(|| self.waiting.remove(key));
        let index = self.push(op, Action::Delete(fate), phase, requires);
        if let Some(planned) = self.ops.get_mut(index) {
            planned.follows.extend(before);
        }
        self.down.insert(Key::clone(key), index);
        if let Some(shape) = needs {
            self.released.add(&shape, index);
        }
        steps::went_down(self.graph, key, fate);
        // Those that it was about to lose leave with it, as they do when this is executed.
        for child in derived {
            if self.graph.get(&child).is_some_and(Node::is_empty) {
                self.graph.remove(&child);
            }
        }
    }
}
