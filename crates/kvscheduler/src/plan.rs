//! Works out what has to be done, in which order.
//!
//! First everything that has to go is taken down, dependants before what they depend on. Then what is wanted comes
//! up: updates, creates, and what becomes possible by them. Updates that never become possible are taken down last.
//! The transaction is played through on the graph, whose changes the caller undoes. Walks use explicit stacks:
//! chains of dependencies can be of any length.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::classify::Changes;
use crate::descriptor::{Dependency, Target};
use crate::graph::{Graph, Held, Node};
use crate::record::Op;
use crate::registry::Registry;
use crate::released::Released;
use crate::state::{Operation, State};
use crate::steps::{self, Fate};
use crate::value::{AnyValue, Key};

/// How many values that satisfy an any-of dependency are looked at for one that is already there.
const ANY_OF_CHOICES: usize = 16;

/// What an operation does, apart from what it shows.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    Create(Held),
    Update(Held),
    Delete(Fate),
    /// What is there is what is wanted; not shown.
    Adopt(Held),
    /// The value is in this state; nothing is done.
    SetAside(State),
    /// Stands for the operations that it requires; not shown.
    Gate,
}

#[derive(Debug, Clone)]
pub(crate) struct PlanOp {
    pub(crate) op: Op,
    pub(crate) action: Action,
    /// 0: what has to go, 1: what comes, 2: what has to go because it cannot be changed. A phase starts when the one
    /// before has ended, so that nothing comes up while what it replaces is still there.
    pub(crate) phase: u8,
    /// The operations that must have succeeded before.
    pub(crate) requires: Vec<usize>,
    /// The operations that must have ended before.
    pub(crate) follows: Vec<usize>,
    dropped: bool,
}

impl PlanOp {
    pub(crate) fn is_shown(&self) -> bool {
        !matches!(self.action, Action::Adopt(_) | Action::Gate)
    }
}

pub(crate) struct Planner<'a> {
    graph: &'a mut Graph,
    registry: &'a Registry,
    retry: bool,
    ops: Vec<PlanOp>,
    /// The operation that took a value down, that brings it up, that notes that it waits.
    down: HashMap<Key, usize>,
    released: Released,
    up: HashMap<Key, usize>,
    waiting: HashMap<Key, usize>,
    changes: Changes,
    /// How many needs of a value that waits are known to be met; nothing goes while values come up.
    met: HashMap<Key, usize>,
}

enum Walk {
    Enter(Key),
    Exit(Key),
}

impl<'a> Planner<'a> {
    pub(crate) fn new(graph: &'a mut Graph, registry: &'a Registry, retry: bool) -> Self {
        Self {
            graph,
            registry,
            retry,
            ops: Vec::new(),
            down: HashMap::new(),
            released: Released::default(),
            up: HashMap::new(),
            waiting: HashMap::new(),
            changes: Changes::default(),
            met: HashMap::new(),
        }
    }

    /// Plans for these values and all that follows from them.
    pub(crate) fn run(mut self, seeds: Vec<Key>, is_ours: &dyn Fn(&str) -> bool) -> Vec<PlanOp> {
        self.changes = Changes::find(self.graph, self.registry, seeds, is_ours);
        let roots = std::mem::take(&mut self.changes.down);
        self.take_down(roots, 0);

        let adopted = self.changes.adopt.iter();
        let order: Vec<_> =
            adopted.chain(&self.changes.update).chain(&self.changes.create).cloned().collect();
        self.bring_up(order);

        let stuck = std::mem::take(&mut self.changes.update);
        self.take_down(stuck.into_iter().map(|key| (key, Fate::Wait)).collect(), 2);
        self.compact()
    }

    fn push(&mut self, op: Op, action: Action, phase: u8) -> usize {
        let (requires, follows) = (Vec::new(), Vec::new());
        self.ops.push(PlanOp { op, action, phase, requires, follows, dropped: false });
        self.ops.len() - 1
    }

    fn op(&self, operation: Operation, key: &Key, new: Option<&AnyValue>, after: State) -> Op {
        let node = self.graph.get(key);
        let present = node.and_then(|node| node.present.as_ref()).map(|present| &present.held.value);
        // What was asked for but never done is all there is to show of a value that is deleted before it was there.
        let wished = || node.and_then(|node| node.wanted.as_ref()).map(|wanted| &wanted.value);
        let old = match operation {
            Operation::Create => None,
            Operation::Update => present,
            Operation::Delete => present.or_else(wished),
        };
        Op {
            operation,
            key: Key::clone(key),
            old: old.cloned(),
            new: new.cloned(),
            before: node.map_or(State::Nonexistent, |node| node.state),
            after,
            noop: false,
            derived: node.is_some_and(|node| node.base.is_some()),
            property: node.is_some_and(Node::is_property),
            revert: false,
            retry: self.retry,
            recreate: false,
            error: None,
        }
    }

    // Down.

    fn take_down(&mut self, roots: Vec<(Key, Fate)>, phase: u8) {
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
                    let fate = fates.get(&key).copied().unwrap_or(Fate::Wait);
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
            .dependants(&key)
            .into_iter()
            .filter(|dependant| self.graph.get(dependant).is_some_and(|node| self.must_go(dependant, node)))
            .collect();
        for child in &derived {
            fates.insert(Key::clone(child), Fate::Forget);
            self.forget_planned(child, phase);
        }
        stack.push(Walk::Exit(key));
        stack.extend(unsatisfied.into_iter().rev().map(Walk::Enter));
        stack.extend(derived.into_iter().rev().map(Walk::Enter));
    }

    /// The derived values of a value, with those that it is about to lose.
    fn children(&self, key: &Key) -> Vec<Key> {
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
            && planned.phase == phase
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
            // Nobody has heard of it yet.
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
            let gate = self.push(op.clone(), Action::Gate, phase);
            if let Some(planned) = self.ops.get_mut(gate) {
                planned.requires = all;
            }
            self.released.gated(key, gate);
            requires.push(gate);
        }
        requires.extend(derived.iter().filter_map(|child| self.down.get(child).copied()));
        requires.sort_unstable();
        requires.dedup();
        let before = self.up.remove(key).or_else(|| self.waiting.remove(key));
        let index = self.push(op, Action::Delete(fate), phase);
        if let Some(planned) = self.ops.get_mut(index) {
            planned.requires = requires;
            planned.follows.extend(before);
        }
        self.down.insert(Key::clone(key), index);
        if let Some(shape) = needs {
            self.released.add(&shape, index);
        }
        steps::went_down(self.graph, key, fate);
    }

    // Up.

    fn bring_up(&mut self, order: Vec<Key>) {
        let mut stack: Vec<Key> = order.into_iter().rev().collect();
        while let Some(key) = stack.pop() {
            self.visit(&key, &mut stack);
        }
        // Only now it is certain who waits; until here they had the state they started with.
        let waiting: Vec<_> = self.waiting.keys().cloned().collect();
        for key in waiting {
            steps::set_aside(self.graph, &key, State::Pending, None);
        }
    }

    fn visit(&mut self, key: &Key, stack: &mut Vec<Key>) {
        let base = self.graph.get(key).and_then(|node| node.base.as_ref());
        let is_early = |base: &Key| {
            let there = self.graph.get(base).is_some_and(Node::available);
            !there || self.changes.update.contains(base) || self.changes.adopt.contains(base)
        };
        if base.is_some_and(is_early) {
            // The base goes first, and brings its derived values here again.
            return;
        }
        self.note_rejected(key);
        let Some(node) = self.graph.get(key) else { return };
        let Some(wanted) = node.wanted.clone() else { return };
        if node.present.is_some() {
            if self.changes.adopt.remove(key) {
                let op = self.op(Operation::Update, key, Some(&wanted.value), State::Configured);
                self.come(key, op, Action::Adopt(wanted), stack);
            } else if self.changes.update.contains(key) {
                if self.ready(key, &wanted) {
                    self.changes.update.remove(key);
                    let op = self.op(Operation::Update, key, Some(&wanted.value), State::Configured);
                    self.come(key, op, Action::Update(wanted), stack);
                }
            } else if node.fresh {
                self.reconsider(key, stack);
            }
            return;
        }
        // It was to be kept or changed, but has been taken down since.
        self.changes.update.remove(key);
        self.changes.adopt.remove(key);
        let (state, fresh) = (node.state, node.fresh);
        if node.owner.is_none() && node.base.is_none() {
            if fresh || state != State::Unimplemented {
                let mut op = self.op(Operation::Create, key, Some(&wanted.value), State::Unimplemented);
                op.noop = true;
                self.push(op, Action::SetAside(State::Unimplemented), 1);
                steps::set_aside(self.graph, key, State::Unimplemented, None);
            }
        } else if self.ready(key, &wanted) {
            if let Some(planned) = self.waiting.remove(key).and_then(|i| self.ops.get_mut(i)) {
                planned.dropped = true;
            }
            let after = if node_rejected(self.graph, key) { State::Invalid } else { State::Configured };
            let mut op = self.op(Operation::Create, key, Some(&wanted.value), after);
            op.recreate = self
                .down
                .get(key)
                .and_then(|&i| self.ops.get(i))
                .is_some_and(|down| matches!(down.action, Action::Delete(Fate::Recreate)));
            self.come(key, op, Action::Create(wanted), stack);
        } else if (fresh || state != State::Pending) && !self.waiting.contains_key(key) {
            let mut op = self.op(Operation::Create, key, Some(&wanted.value), State::Pending);
            op.noop = true;
            let base = self.base_op(key);
            let index = self.push(op, Action::SetAside(State::Pending), 1);
            if let Some(planned) = self.ops.get_mut(index) {
                planned.requires.extend(base);
            }
            self.waiting.insert(Key::clone(key), index);
        }
    }

    /// Plans an operation after which the value is there, and goes on with what follows from it.
    fn come(&mut self, key: &Key, op: Op, action: Action, stack: &mut Vec<Key>) {
        let (Action::Create(held) | Action::Update(held) | Action::Adopt(held)) = &action else { return };
        let held = held.clone();
        let operation = op.operation;
        let created = matches!(action, Action::Create(_));
        let (mut requires, mut follows) = (Vec::new(), Vec::new());
        requires.extend(self.base_op(key));
        // What has to go before: the value itself, and derived values that it no longer has.
        requires.extend(self.down.get(key).copied());
        requires.extend(self.children(key).iter().filter_map(|child| self.down.get(child).copied()));
        for need in &held.shape.needs {
            match self.provider(need, key) {
                Some(index)
                    if self.ops.get(index).is_some_and(|op| matches!(op.action, Action::Create(_))) =>
                {
                    requires.push(index);
                }
                provider => follows.extend(provider),
            }
        }
        requires.sort_unstable();
        requires.dedup();
        if matches!(action, Action::Update(_)) {
            // Dependants that were created first must not see the change half done.
            follows.extend(self.graph.dependants(key).iter().filter_map(|d| self.up.get(d).copied()));
        }
        let index = self.push(op, action, 1);
        if let Some(planned) = self.ops.get_mut(index) {
            planned.requires = requires;
            planned.follows = follows;
        }
        if let Some(present) = self.graph.get(key).and_then(|node| node.present.as_ref()) {
            // What only the old value needed cannot go unless the change has succeeded.
            self.released.add(&present.held.shape, index);
        }
        self.up.insert(Key::clone(key), index);
        let derived = steps::came_up(self.graph, self.registry, key, &held, Some(operation), None);
        stack.extend(derived.into_iter().rev());
        if created {
            stack.extend(self.graph.dependants(key).into_iter().rev());
        }
    }

    fn base_op(&self, key: &Key) -> Option<usize> {
        let base = self.graph.get(key)?.base.as_ref()?;
        self.up.get(base).copied()
    }

    /// The operation that brings up what satisfies a need; none if it is there without one.
    fn provider(&self, need: &Dependency, of: &Key) -> Option<usize> {
        match &need.target {
            Target::Key(key) => self.up.get(key).copied(),
            Target::AnyOf(any) => {
                let mut first = None;
                for key in self.graph.matches(any, of).take(ANY_OF_CHOICES) {
                    match self.up.get(key) {
                        Some(&index) => first = first.or(Some(index)),
                        None => return None,
                    }
                }
                first
            }
        }
    }

    fn ready(&mut self, key: &Key, held: &Held) -> bool {
        let met = self.met.get(key).copied().unwrap_or(0);
        let more = held.shape.needs.iter().skip(met).take_while(|need| self.graph.is_met(need, key)).count();
        if met + more < held.shape.needs.len() {
            self.met.insert(Key::clone(key), met + more);
            return false;
        }
        true
    }

    fn note_rejected(&mut self, key: &Key) {
        let Some(node) = self.graph.get(key) else { return };
        let Some(rejected) = &node.rejected else { return };
        if !node.fresh && node.state == State::Invalid {
            return;
        }
        let (value, reason) = (rejected.value.clone(), rejected.reason.clone());
        let operation = if node.present.is_some() { Operation::Update } else { Operation::Create };
        let mut op = self.op(operation, key, Some(&value), State::Invalid);
        op.noop = true;
        op.error = Some(reason.clone());
        let base = self.base_op(key);
        let index = self.push(op, Action::SetAside(State::Invalid), 1);
        if let Some(planned) = self.ops.get_mut(index) {
            planned.requires.extend(base);
        }
        steps::set_aside(self.graph, key, State::Invalid, Some(reason));
    }

    /// A value that was there already has just become a derived value of one that came up.
    fn reconsider(&mut self, key: &Key, stack: &mut Vec<Key>) {
        let found = Changes::find(self.graph, self.registry, vec![Key::clone(key)], &|_| true);
        let again: Vec<_> = found.all().cloned().collect();
        self.changes.merge(found);
        let roots = std::mem::take(&mut self.changes.down);
        if !roots.is_empty() {
            self.take_down(roots, 1);
            self.met.clear();
        }
        // Not fresh any more, or it would be looked at for ever.
        self.graph.edit(key, |node| node.fresh = false);
        stack.extend(again.into_iter().rev());
    }

    /// Leaves out what turned out not to be needed.
    fn compact(self) -> Vec<PlanOp> {
        let mut kept = 0;
        let renumbered: Vec<Option<usize>> = self
            .ops
            .iter()
            .map(|op| {
                (!op.dropped).then(|| {
                    kept += 1;
                    kept - 1
                })
            })
            .collect();
        let renumber = |indexes: &mut Vec<usize>| {
            *indexes = indexes.iter().filter_map(|&i| renumbered.get(i).copied().flatten()).collect();
        };
        let mut ops: Vec<_> = self.ops.into_iter().filter(|op| !op.dropped).collect();
        for op in &mut ops {
            renumber(&mut op.requires);
            renumber(&mut op.follows);
        }
        ops
    }
}

fn node_rejected(graph: &Graph, key: &Key) -> bool {
    graph.get(key).is_some_and(|node| node.rejected.is_some())
}

/// Keys in order, each once.
pub(crate) type KeySet = BTreeSet<Key>;
