//! Runs the operations of a plan: those whose prerequisites are done at the same time, up to a bound.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tracing::Instrument;

use crate::clock::Clock;
use crate::descriptor::Failure;
use crate::graph::{Graph, Retry};
use crate::metadata::AnyMetadata;
use crate::plan::{Action, PlanOp};
use crate::record::Op;
use crate::registry::Registry;
use crate::state::{Operation, State};
use crate::steps::{self, Fate};
use crate::transaction::RetryPolicy;
use crate::value::Key;

const PHASES: usize = 3;

/// What execution needs to know apart from the plan.
pub(crate) struct Settings<'a> {
    /// How many operations run at the same time.
    pub(crate) width: usize,
    pub(crate) retry: Option<RetryPolicy>,
    pub(crate) clock: &'a dyn Clock,
    /// The southbound is not to be touched before the next resync.
    pub(crate) parked: bool,
}

pub(crate) struct Outcome {
    /// In the order of the plan.
    pub(crate) executed: Vec<Op>,
    /// What was not run because something else failed.
    pub(crate) skipped: BTreeSet<Key>,
    pub(crate) lost: bool,
}

/// Metadata of a create or an update; nothing of a delete.
type Answer = Result<Option<AnyMetadata>, Failure>;
type Call = BoxFuture<'static, (usize, Answer)>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Todo,
    Succeeded,
    Failed,
    Skipped,
}

struct Run<'a> {
    graph: &'a mut Graph,
    registry: &'a Registry,
    settings: Settings<'a>,
    ops: Vec<PlanOp>,
    progress: Vec<Progress>,
    /// How many prerequisites have not ended.
    waiting: Vec<usize>,
    successors: Vec<Vec<usize>>,
    /// Of each phase: what can start, and how many have not ended.
    ready: [BTreeSet<usize>; PHASES],
    left: [usize; PHASES],
    records: Vec<Option<Op>>,
    skipped: BTreeSet<Key>,
    lost: bool,
}

/// Runs a plan. Every result is applied to the graph and the metadata at once, so that what runs next sees it; the
/// record is in the order of the plan, whatever ended first.
pub(crate) async fn execute(
    graph: &mut Graph,
    registry: &Registry,
    ops: Vec<PlanOp>,
    settings: Settings<'_>,
) -> Outcome {
    let width = settings.width.max(1);
    let mut run = Run::new(graph, registry, ops, settings);
    let mut running: FuturesUnordered<Call> = FuturesUnordered::new();
    loop {
        while running.len() < width
            && let Some(index) = run.next()
        {
            running.extend(run.start(index));
        }
        match running.next().await {
            Some((index, answer)) => run.finish(index, answer),
            None => break,
        }
    }
    run.end()
}

impl<'a> Run<'a> {
    fn new(graph: &'a mut Graph, registry: &'a Registry, ops: Vec<PlanOp>, settings: Settings<'a>) -> Self {
        let mut successors = vec![Vec::new(); ops.len()];
        let mut waiting = Vec::with_capacity(ops.len());
        let mut ready: [BTreeSet<usize>; PHASES] = Default::default();
        let mut left = [0; PHASES];
        for (index, op) in ops.iter().enumerate() {
            for &before in op.requires.iter().chain(&op.follows) {
                if let Some(successors) = successors.get_mut(before) {
                    successors.push(index);
                }
            }
            let count = op.requires.len() + op.follows.len();
            waiting.push(count);
            let phase = usize::from(op.phase);
            if let (Some(ready), 0) = (ready.get_mut(phase), count) {
                ready.insert(index);
            }
            if let Some(left) = left.get_mut(phase) {
                *left += 1;
            }
        }
        Self {
            progress: vec![Progress::Todo; ops.len()],
            records: vec![None; ops.len()],
            skipped: BTreeSet::new(),
            lost: settings.parked,
            graph,
            registry,
            settings,
            ops,
            waiting,
            successors,
            ready,
            left,
        }
    }

    fn next(&mut self) -> Option<usize> {
        let phase = self.left.iter().position(|&left| left > 0)?;
        self.ready.get_mut(phase)?.pop_first()
    }

    /// Starts an operation. One that does not reach the southbound ends at once.
    fn start(&mut self, index: usize) -> Option<Call> {
        let planned = self.ops.get(index)?;
        if let Some(cause) = planned.requires.iter().find_map(|&before| self.unfinished(before)) {
            self.skip(index, format!("not run: {cause}"));
            return None;
        }
        let key = Key::clone(&planned.op.key);
        let node = self.graph.get(&key);
        let descriptor = node.and_then(|node| self.registry.of(node)).map(Arc::clone);
        let present = node.and_then(|node| node.present.clone());
        let call: Option<BoxFuture<'static, Answer>> = match (&planned.action, descriptor, present) {
            (Action::Create(held), Some(descriptor), _) => {
                let (key, value) = (Key::clone(&key), Arc::clone(&held.value));
                Some(Box::pin(async move { descriptor.create(&key, &value).await.map(Some) }))
            }
            (Action::Update(held), Some(descriptor), Some(present)) => {
                let (key, new) = (Key::clone(&key), Arc::clone(&held.value));
                Some(Box::pin(async move {
                    let old = &present.held.value;
                    descriptor.update(&key, old, &new, present.metadata).await.map(Some)
                }))
            }
            (Action::Delete(_), Some(descriptor), Some(present)) => {
                let key = Key::clone(&key);
                Some(Box::pin(async move {
                    descriptor.delete(&key, &present.held.value, present.metadata).await.map(|()| None)
                }))
            }
            _ => None,
        };
        let Some(call) = call else {
            self.finish(index, Ok(None));
            return None;
        };
        if self.lost {
            self.skip(index, "not run: the connection to the southbound is lost".to_owned());
            return None;
        }
        let span = tracing::debug_span!("operation", operation = %planned.op.operation, %key);
        Some(Box::pin(async move { (index, call.await) }.instrument(span)))
    }

    /// Why an operation cannot be relied on.
    fn unfinished(&self, index: usize) -> Option<String> {
        let what = match self.progress.get(index)? {
            Progress::Succeeded => return None,
            Progress::Failed => "failed",
            Progress::Skipped | Progress::Todo => "was not run",
        };
        let op = &self.ops.get(index)?.op;
        Some(format!("{} of {} {what}", op.operation, op.key))
    }

    fn finish(&mut self, index: usize, answer: Answer) {
        let Some(planned) = self.ops.get(index) else { return };
        let shown = planned.is_shown();
        let (mut op, action) = (planned.op.clone(), planned.action.clone());
        let key = Key::clone(&op.key);
        op.before = self.graph.get(&key).map_or(State::Nonexistent, |node| node.state);
        let progress = match answer {
            Ok(metadata) => {
                self.succeed(&key, &op, action, metadata);
                Progress::Succeeded
            }
            Err(failure) => {
                tracing::debug!(%key, operation = %op.operation, error = %failure, "failed");
                self.lost |= failure.lost;
                op.after = self.fail(&key, op.operation, &action, &failure);
                op.error = Some(failure.message);
                Progress::Failed
            }
        };
        if shown && let Some(record) = self.records.get_mut(index) {
            *record = Some(op);
        }
        self.ended(index, progress);
    }

    fn succeed(&mut self, key: &Key, op: &Op, action: Action, metadata: Option<AnyMetadata>) {
        let descriptor = self.graph.get(key).and_then(|node| self.registry.of(node)).map(Arc::clone);
        match action {
            Action::Create(held) | Action::Update(held) => {
                if let (Some(descriptor), Some(metadata)) = (descriptor, &metadata) {
                    descriptor.index(key, metadata);
                }
                steps::came_up(self.graph, self.registry, key, &held, Some(op.operation), metadata);
            }
            Action::Adopt(held) => {
                steps::came_up(self.graph, self.registry, key, &held, None, None);
            }
            Action::Delete(fate) => {
                if let Some(descriptor) = descriptor {
                    descriptor.unindex(key);
                }
                steps::went_down(self.graph, key, fate);
            }
            Action::Gate => {}
            Action::SetAside(state) => steps::set_aside(self.graph, key, state, op.error.clone()),
        }
    }

    /// Notes a failed operation and gives the state that the value has now.
    fn fail(&mut self, key: &Key, operation: Operation, action: &Action, failure: &Failure) -> State {
        let policy = self.settings.retry;
        let now = self.settings.clock.now();
        self.graph.edit(key, |node| {
            node.error = Some(failure.message.clone());
            node.last = Some(operation);
            node.uncertain = true;
            node.fresh = false;
            if matches!(action, Action::Delete(Fate::Forget)) {
                node.wanted = None;
                node.rejected = None;
            }
            if failure.lost {
                // Not a failure of the value: it waits for the resync.
                if node.present.is_none() {
                    node.state = State::Pending;
                }
                return node.state;
            }
            let attempt = node.retry.map_or(0, |retry| retry.attempt) + 1;
            let policy = policy.or(node.retry.map(|retry| retry.policy)).filter(|_| failure.retriable);
            node.retry = policy.and_then(|policy| {
                Some(Retry { policy, attempt, due: now.checked_add(policy.delay(attempt)?)? })
            });
            node.state = if node.retry.is_some() { State::Retrying } else { State::Failed };
            node.state
        })
    }

    fn skip(&mut self, index: usize, reason: String) {
        let Some(planned) = self.ops.get(index) else { return };
        let shown = planned.is_shown();
        let mut op = planned.op.clone();
        let key = Key::clone(&op.key);
        op.before = self.graph.get(&key).map_or(State::Nonexistent, |node| node.state);
        op.after = op.before;
        op.noop = true;
        op.error = Some(reason.clone());
        // The derived values of what never came into being are not known at all.
        if !matches!(planned.action, Action::Gate) && self.graph.get(&key).is_some() {
            op.after = self.graph.edit(&key, |node| {
                let waits = node.present.is_none() && node.wanted.is_some();
                if waits && !node.state.is_failure() && node.state != State::Invalid {
                    node.state = State::Pending;
                }
                node.error = Some(reason);
                node.fresh = false;
                node.state
            });
            self.skipped.insert(key);
        }
        if shown && let Some(record) = self.records.get_mut(index) {
            *record = Some(op);
        }
        self.ended(index, Progress::Skipped);
    }

    fn ended(&mut self, index: usize, progress: Progress) {
        if let Some(slot) = self.progress.get_mut(index) {
            *slot = progress;
        }
        let phase = |op: Option<&PlanOp>| op.map_or(0, |op| usize::from(op.phase));
        if let Some(left) = self.left.get_mut(phase(self.ops.get(index))) {
            *left = left.saturating_sub(1);
        }
        let successors = self.successors.get_mut(index).map(std::mem::take).unwrap_or_default();
        for next in successors {
            let Some(waiting) = self.waiting.get_mut(next) else { continue };
            *waiting = waiting.saturating_sub(1);
            if *waiting == 0
                && let Some(ready) = self.ready.get_mut(phase(self.ops.get(next)))
            {
                ready.insert(next);
            }
        }
    }

    fn end(mut self) -> Outcome {
        // A plan has no cycles. If one ever had, its operations would be reported, not forgotten.
        for index in 0..self.ops.len() {
            if self.progress.get(index) == Some(&Progress::Todo) {
                self.skip(index, "not run: the operations of the plan wait for each other".to_owned());
            }
        }
        // The record is complete: what the transaction asked for has been shown.
        for op in &self.ops {
            let derived = self.graph.get(&op.op.key).map(|node| node.derived.clone()).unwrap_or_default();
            for key in derived.iter().chain([&op.op.key]) {
                if self.graph.get(key).is_some_and(|node| node.fresh) {
                    self.graph.edit(key, |node| node.fresh = false);
                }
            }
        }
        let executed = self.records.into_iter().flatten().collect();
        Outcome { executed, skipped: self.skipped, lost: self.lost }
    }
}
