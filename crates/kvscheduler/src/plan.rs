//! Works out what has to be done, in which order.
//!
//! First everything that has to go is taken down, dependants before what they depend on. Then what is wanted comes
//! up: updates, creates, and what becomes possible by them. Updates that never become possible are taken down last.
//! The transaction is played through on the graph, whose changes the caller undoes. Walks use explicit stacks:
//! chains of dependencies can be of any length.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hashbrown::HashMap;

use crate::classify::Changes;
use crate::descriptor::{Dependency, Target};
use crate::graph::Graph;
use crate::node::{Held, Node};
use crate::record::Op;
use crate::registry::Registry;
use crate::released::Released;
use crate::state::{Operation, State};
use crate::steps::{self, Fate};
use crate::value::{AnyValue, Key, same};

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
    /// The southbound told of it. What it is derived from, if it is.
    Observe(Held, Option<Key>),
}

pub(crate) struct PlanOp {
    pub(crate) op: Op,
    pub(crate) action: Action,
    phase: u8,
    requires: Vec<usize>,
    pub(crate) follows: Vec<usize>,
    pub(crate) dropped: bool,
    hidden: bool,
}

impl PlanOp {
    pub(crate) fn is_in(&self, phase: u8) -> bool {
        self.phase == phase
    }
}

/// An operation of a plan.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) key: Key,
    pub(crate) operation: Operation,
    pub(crate) action: Action,
    /// Where it is among those that are shown.
    pub(crate) shown: Option<usize>,
    /// 0: what has to go, 1: what comes, 2: what has to go because it cannot be changed, 3: what of that comes again. A
    /// phase starts when the one before has ended, so that nothing comes up while what it replaces is still there.
    pub(crate) phase: u8,
    /// The operations that must have succeeded before.
    pub(crate) requires: Vec<usize>,
    /// The operations that must have ended before.
    pub(crate) follows: Vec<usize>,
}

/// What is going to be done, in order.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) steps: Vec<Step>,
    pub(crate) shown: Arc<[Op]>,
}

/// What a plan is made for.
pub(crate) struct Task<'a> {
    /// The values to be looked at. Where nothing else decides, the first comes first.
    pub(crate) seeds: Vec<Key>,
    /// What the southbound has told: values that came or changed, and that went.
    pub(crate) observed: Vec<(Key, Option<AnyValue>)>,
    /// Whether a value that was found was configured in an earlier run.
    pub(crate) is_ours: &'a dyn Fn(&str) -> bool,
    /// Operations that failed are tried again.
    pub(crate) retry: bool,
    /// What was done is undone: the order of the seeds is kept.
    pub(crate) revert: bool,
}

pub(crate) struct Planner<'a> {
    pub(crate) graph: &'a mut Graph,
    pub(crate) registry: &'a Registry,
    retry: bool,
    revert: bool,
    /// The phase of what comes up now.
    phase: u8,
    pub(crate) ops: Vec<PlanOp>,
    /// The operation that took a value down, that brings it up, that notes that it waits.
    pub(crate) down: HashMap<Key, usize>,
    pub(crate) released: Released,
    pub(crate) up: HashMap<Key, usize>,
    pub(crate) waiting: BTreeMap<Key, usize>,
    pub(crate) changes: Changes,
    /// Those that were looked at and cannot come, since groups were last looked for.
    pub(crate) unready: BTreeSet<Key>,
    /// The operations that have to end before a value is updated, which they rely on.
    early: HashMap<Key, Vec<usize>>,
    /// How many needs of a value that waits are known to be met; nothing goes while values come up.
    met: HashMap<Key, usize>,
}

impl<'a> Planner<'a> {
    /// Works out what has to be done.
    pub(crate) fn plan(graph: &'a mut Graph, registry: &'a Registry, task: Task<'_>) -> Plan {
        let planner = Self {
            graph,
            registry,
            retry: task.retry,
            revert: task.revert,
            phase: 1,
            ops: Vec::new(),
            down: HashMap::new(),
            released: Released::default(),
            up: HashMap::new(),
            waiting: BTreeMap::new(),
            changes: Changes::default(),
            unready: BTreeSet::new(),
            early: HashMap::new(),
            met: HashMap::new(),
        };
        planner.run(task)
    }

    fn run(mut self, task: Task<'_>) -> Plan {
        let rank: HashMap<Key, usize> = match self.revert {
            true => task.seeds.iter().enumerate().map(|(rank, key)| (Key::clone(key), rank)).collect(),
            false => HashMap::new(),
        };
        self.changes = Changes::find(self.graph, self.registry, task.seeds, task.is_ours);
        let mut roots = std::mem::take(&mut self.changes.down);
        let came = self.observe(task.observed, &mut roots);
        self.take_down(roots, 0);

        let mut order = Vec::new();
        for (key, held, base) in came {
            self.come_by_itself(&key, held, base, &mut order);
        }
        let adopted = self.changes.adopt.iter();
        order.extend(adopted.chain(&self.changes.update).chain(&self.changes.create).cloned());
        if self.revert {
            order.sort_by_key(|key| rank.get(key).copied());
        }
        self.bring_up(order);

        let stuck = std::mem::take(&mut self.changes.update);
        if !stuck.is_empty() {
            self.take_down(stuck.iter().map(|key| (Key::clone(key), Fate::Wait)).collect(), 2);
            // What cannot be changed may still come with others that need what it is to become.
            self.met.clear();
            self.phase = 3;
            for key in &stuck {
                // That they wait has been shown.
                self.graph.edit(key, |node| node.fresh = false);
            }
            self.bring_up(stuck.into_iter().collect());
        }
        // Only now it is certain who waits; until here they had the state they started with.
        let waiting: Vec<_> = self.waiting.keys().cloned().collect();
        for key in waiting {
            steps::set_aside(self.graph, &key, State::Pending, None);
        }
        self.compact()
    }

    pub(crate) fn push(&mut self, op: Op, action: Action, phase: u8, requires: Vec<usize>) -> usize {
        let descriptor = self.graph.get(&op.key).and_then(|node| self.registry.of(node));
        let value = op.new.as_ref().or(op.old.as_ref());
        let unseen = descriptor.zip(value).is_some_and(|(owner, value)| !owner.is_shown(&op.key, value));
        let hidden = unseen || matches!(action, Action::Adopt(_) | Action::Gate);
        self.ops.push(PlanOp { op, action, phase, requires, follows: Vec::new(), dropped: false, hidden });
        self.ops.len() - 1
    }

    pub(crate) fn op(&self, operation: Operation, key: &Key, new: Option<&AnyValue>, after: State) -> Op {
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
            revert: self.revert,
            retry: self.retry,
            recreate: false,
            error: None,
        }
    }

    /// Works out what a notification changes: what has gone by itself is added to `roots`, what came is given, bases
    /// before their derived values.
    fn observe(
        &mut self,
        observed: Vec<(Key, Option<AnyValue>)>,
        roots: &mut Vec<(Key, Fate)>,
    ) -> Vec<(Key, Held, Option<Key>)> {
        let mut came = Vec::new();
        let mut stack: Vec<_> = observed.into_iter().rev().map(|(key, value)| (key, value, None)).collect();
        while let Some((key, value, base)) = stack.pop() {
            let node = self.graph.get(&key);
            let known = node.and_then(|node| node.present.as_ref());
            let Some(value) = value else {
                if known.is_some() {
                    roots.push((key, Fate::Vanish));
                }
                continue;
            };
            if known.is_some_and(|present| same(&present.held.value, &value)) {
                continue;
            }
            // A key that two descriptors claim belongs to the first; a transaction with it is refused before.
            let owner = self.registry.owner(&key).unwrap_or_default();
            let held = self.registry.hold_unchecked(owner, &key, &value);
            let before = node.map(|node| node.derived.as_slice()).unwrap_or_default();
            let gone = before.iter().filter(|child| !held.shape.derived.iter().any(|kv| kv.key == **child));
            roots.extend(gone.map(|child| (Key::clone(child), Fate::Vanish)));
            for kv in held.shape.derived.iter().rev() {
                if steps::can_derive(self.graph, &kv.key, &key) {
                    stack.push((Key::clone(&kv.key), Some(Arc::clone(&kv.value)), Some(Key::clone(&key))));
                }
            }
            came.push((key, held, base));
        }
        came
    }

    fn come_by_itself(&mut self, key: &Key, held: Held, base: Option<Key>, then: &mut Vec<Key>) {
        let there = self.graph.get(key).is_some_and(|node| node.present.is_some());
        let operation = if there { Operation::Update } else { Operation::Create };
        let mut op = self.op(operation, key, Some(&held.value), State::Obtained);
        let owner = self.registry.owner(key).unwrap_or_default();
        op.derived = base.is_some();
        op.property = base.is_some() && owner.is_none();
        let requires = base.as_ref().and_then(|base| self.up.get(base).copied()).into_iter().collect();
        steps::observed(self.graph, key, owner, base.as_ref(), &held);
        let index = self.push(op, Action::Observe(held, base), self.phase, requires);
        self.up.insert(Key::clone(key), index);
        then.extend(self.graph.waiting_for(key));
    }

    fn bring_up(&mut self, order: Vec<Key>) {
        let mut stack: Vec<Key> = order.into_iter().rev().collect();
        self.visit_all(&mut stack);
        loop {
            // What is left waits for something that is not there, or for each other.
            let group = self.find_group();
            if group.is_empty() {
                break;
            }
            for key in group {
                let absent = self.graph.get(&key).filter(|node| node.present.is_none());
                if let Some(wanted) = absent.and_then(|node| node.wanted.clone()) {
                    self.create(&key, wanted, &mut stack);
                    // Those that are not in the circle themselves come as they always do.
                    self.visit_all(&mut stack);
                }
            }
        }
    }

    fn visit_all(&mut self, stack: &mut Vec<Key>) {
        while let Some(key) = stack.pop() {
            self.visit(&key, stack);
        }
    }

    /// Whether it is derived from something that has yet to come or to change.
    pub(crate) fn is_early(&self, key: &Key) -> bool {
        self.graph.get(key).and_then(|node| node.base.as_ref()).is_some_and(|base| {
            let there = self.graph.get(base).is_some_and(Node::available);
            !there || self.changes.update.contains(base) || self.changes.adopt.contains(base)
        })
    }

    fn visit(&mut self, key: &Key, stack: &mut Vec<Key>) {
        let Some(node) = self.graph.get(key) else { return };
        if node.base.is_some() && self.is_early(key) {
            // The base goes first, and brings its derived values here again.
            return;
        }
        if node.rejected.is_some() {
            self.note_rejected(key);
        }
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
                let down = self.down.get(key).copied().into_iter().collect();
                self.push(op, Action::SetAside(State::Unimplemented), self.phase, down);
                steps::set_aside(self.graph, key, State::Unimplemented, None);
            }
        } else if self.ready(key, &wanted) {
            self.create(key, wanted, stack);
        } else {
            self.unready.insert(Key::clone(key));
            if (fresh || state != State::Pending) && !self.waiting.contains_key(key) {
                let mut op = self.op(Operation::Create, key, Some(&wanted.value), State::Pending);
                op.noop = true;
                let before = self.base_op(key).into_iter().chain(self.down.get(key).copied()).collect();
                let index = self.push(op, Action::SetAside(State::Pending), self.phase, before);
                self.waiting.insert(Key::clone(key), index);
            }
        }
    }

    fn create(&mut self, key: &Key, wanted: Held, stack: &mut Vec<Key>) {
        if let Some(planned) = self.waiting.remove(key).and_then(|i| self.ops.get_mut(i)) {
            planned.dropped = true;
        }
        let rejected = self.graph.get(key).is_some_and(|node| node.rejected.is_some());
        let after = if rejected { State::Invalid } else { State::Configured };
        let mut op = self.op(Operation::Create, key, Some(&wanted.value), after);
        let down = self.down.get(key).and_then(|&i| self.ops.get(i));
        op.recreate = down.is_some_and(|down| matches!(down.action, Action::Delete(Fate::Recreate)));
        self.come(key, op, Action::Create(wanted), stack);
    }

    /// Plans an operation after which the value is there, and goes on with what follows from it.
    fn come(&mut self, key: &Key, op: Op, action: Action, stack: &mut Vec<Key>) {
        let (Action::Create(held) | Action::Update(held) | Action::Adopt(held)) = &action else { return };
        let held = held.clone();
        let operation = op.operation;
        let created = matches!(action, Action::Create(_));
        let (mut requires, mut follows) = (Vec::new(), Vec::new());
        requires.extend(self.base_op(key));
        if !self.down.is_empty() {
            // What has to go before: the value itself, and derived values that it no longer has.
            requires.extend(self.down.get(key).copied());
            requires.extend(self.children(key).iter().filter_map(|child| self.down.get(child).copied()));
        }
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
        // Dependants that were created first must not see the change half done.
        if !self.early.is_empty() {
            follows.extend(self.early.remove(key).into_iter().flatten());
        }
        let index = self.push(op, action, self.phase, requires);
        if let Some(planned) = self.ops.get_mut(index) {
            planned.follows = follows;
        }
        for need in held.shape.needs.iter().filter(|_| !self.changes.update.is_empty()) {
            let target = match &need.target {
                Target::Key(key) => Some(key),
                Target::AnyOf(any) => self.graph.matches(any, key).next(),
            };
            if let Some(target) = target.filter(|target| self.changes.update.contains(*target)) {
                self.early.entry_ref(target).or_default().push(index);
            }
        }
        if !created && let Some(present) = self.graph.get(key).and_then(|node| node.present.as_ref()) {
            // What only the old value needed cannot go unless the change has succeeded.
            self.released.add(&present.held.shape, index);
        }
        self.up.insert(Key::clone(key), index);
        let derived = steps::came_up(self.graph, self.registry, key, &held, Some(operation), None);
        stack.extend(derived.into_iter().rev());
        if created {
            stack.extend(self.graph.waiting_for(key).into_iter().rev());
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
        let (value, reason) = (Arc::clone(&rejected.value), Arc::clone(&rejected.reason));
        let operation = if node.present.is_some() { Operation::Update } else { Operation::Create };
        let mut op = self.op(operation, key, Some(&value), State::Invalid);
        op.noop = true;
        op.error = Some(reason.to_string());
        let before = self.base_op(key).into_iter().chain(self.down.get(key).copied()).collect();
        self.push(op, Action::SetAside(State::Invalid), self.phase, before);
        steps::set_aside(self.graph, key, State::Invalid, Some(reason));
    }

    /// A value that was there already has just become a derived value of one that came up.
    fn reconsider(&mut self, key: &Key, stack: &mut Vec<Key>) {
        let found = Changes::find(self.graph, self.registry, vec![Key::clone(key)], &|_| true);
        let again: Vec<_> = found.all().cloned().collect();
        self.changes.merge(found);
        let roots = std::mem::take(&mut self.changes.down);
        if !roots.is_empty() {
            self.take_down(roots, self.phase);
            self.met.clear();
        }
        // Not fresh any more, or it would be looked at for ever.
        self.graph.edit(key, |node| node.fresh = false);
        stack.extend(again.into_iter().rev());
    }

    /// Leaves out what turned out not to be needed.
    fn compact(self) -> Plan {
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
        let renumber = |indexes: Vec<usize>| -> Vec<usize> {
            if kept == renumbered.len() || indexes.is_empty() {
                return indexes;
            }
            indexes.iter().filter_map(|&i| renumbered.get(i).copied().flatten()).collect()
        };
        let mut shown = Vec::with_capacity(kept);
        let mut steps = Vec::with_capacity(kept);
        for planned in self.ops.into_iter().filter(|op| !op.dropped) {
            let hidden = planned.hidden;
            steps.push(Step {
                key: Key::clone(&planned.op.key),
                operation: planned.op.operation,
                action: planned.action,
                shown: (!hidden).then_some(shown.len()),
                phase: planned.phase,
                requires: renumber(planned.requires),
                follows: renumber(planned.follows),
            });
            if !hidden {
                shown.push(planned.op);
            }
        }
        Plan { steps, shown: shown.into() }
    }
}

/// Keys in order, each once.
pub(crate) type SortedKeys = BTreeSet<Key>;
