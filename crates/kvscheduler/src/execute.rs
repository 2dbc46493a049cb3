//! Runs the operations of a plan: those whose prerequisites are done at the same time, up to a bound.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesOrdered;
use hashbrown::HashMap;
use tracing::Instrument;

use crate::clock::Clock;
use crate::descriptor::{Failure, Target};
use crate::erased::Erased;
use crate::graph::Graph;
use crate::metadata::AnyMetadata;
use crate::node::{Held, Present, Retry};
use crate::plan::{Action, Plan, Step};
use crate::record::{Op, OpTime};
use crate::recording::Recorder;
use crate::registry::Registry;
use crate::scheduler::Stop;
use crate::shared::Shared;
use crate::state::{Operation, State};
use crate::steps::{self, Fate};
use crate::transaction::RetryPolicy;
use crate::value::Key;

const PHASES: usize = 4;

/// What execution needs to know apart from the plan.
pub(crate) struct Settings {
    /// How many operations run at the same time.
    pub(crate) width: usize,
    pub(crate) retry: Option<RetryPolicy>,
    /// For values of which no transaction said how they are to be retried.
    pub(crate) default_retry: Option<RetryPolicy>,
    pub(crate) clock: Arc<dyn Clock>,
    /// When the transaction started.
    pub(crate) start: Duration,
    /// The southbound is not to be touched before the next resync.
    pub(crate) parked: bool,
    /// Nothing more is started after the first failure.
    pub(crate) stop_at_failure: bool,
    pub(crate) recorder: Option<Recorder>,
    pub(crate) stop: Stop,
}

#[derive(Default)]
pub(crate) struct Outcome {
    /// In the order of the plan.
    pub(crate) executed: Arc<[Op]>,
    pub(crate) times: Vec<OpTime>,
    /// What failed, but not for the loss of the southbound.
    pub(crate) failed: BTreeSet<Key>,
    /// What was not run because something else failed, and what that was.
    pub(crate) skipped: Vec<(Key, Key)>,
    /// The keys of the operations that succeeded, as they did, and what they are derived from.
    pub(crate) done: Vec<Key>,
    pub(crate) lost: bool,
}

/// Metadata of a create or an update; nothing of a delete.
type Answer = Result<Option<AnyMetadata>, Failure>;

struct Ended {
    index: usize,
    answer: Answer,
    started: Duration,
    ended: Duration,
}

/// What reaches the southbound.
enum Call {
    Create(Held),
    Update(Present, Held),
    Delete(Present),
}

impl Call {
    async fn run(self, descriptor: &dyn Erased, key: &str) -> Answer {
        match self {
            Self::Create(held) => descriptor.create(key, &held.value).await.map(Some),
            Self::Update(old, new) => {
                descriptor.update(key, &old.held.value, &new.value, old.metadata).await.map(Some)
            }
            Self::Delete(old) => descriptor.delete(key, &old.held.value, old.metadata).await.map(|()| None),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Todo,
    Succeeded,
    /// Failed, or was not run because the step of this number failed.
    Failed(usize),
}

struct Run<'a> {
    registry: &'a Registry,
    settings: Settings,
    steps: Vec<Step>,
    planned: Arc<[Op]>,
    progress: Vec<Progress>,
    /// How many prerequisites have not ended.
    waiting: Vec<usize>,
    successors: Successors,
    /// Of each phase: what can start, and how many have not ended.
    ready: [BTreeSet<usize>; PHASES],
    left: [usize; PHASES],
    /// What went otherwise than planned.
    deviations: HashMap<usize, Op>,
    times: Vec<OpTime>,
    now: Duration,
    stopped: bool,
    /// Something has not gone as planned.
    astray: bool,
    /// What may still have to be shown in a record.
    fresh: Vec<Key>,
    outcome: Outcome,
}

/// For each step those that come after it, in one piece.
struct Successors {
    from: Vec<usize>,
    all: Vec<usize>,
}

impl Successors {
    fn of(steps: &[Step]) -> Self {
        let mut from = vec![0; steps.len() + 1];
        let edges = |steps: &[Step]| -> Vec<(usize, usize)> {
            let of = |(index, step): (usize, &Step)| {
                let before: Vec<_> = step.requires.iter().chain(&step.follows).map(|&b| (b, index)).collect();
                before
            };
            steps.iter().enumerate().flat_map(of).collect()
        };
        let mut edges = edges(steps);
        edges.sort_unstable();
        for (before, _) in &edges {
            if let Some(count) = from.get_mut(before + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for count in &mut from {
            sum += *count;
            *count = sum;
        }
        Self { from, all: edges.into_iter().map(|(_, after)| after).collect() }
    }

    fn get(&self, index: usize) -> std::ops::Range<usize> {
        let at = |i: usize| self.from.get(i).copied().unwrap_or_default();
        at(index)..at(index + 1)
    }
}

/// Runs a plan. The result of each operation is applied to the graph and the metadata before anything that comes after it
/// is started. Results are applied in the order in which operations were started, whatever ended first, so that the
/// same answers always have the same consequences.
pub(crate) async fn execute(shared: &Shared, registry: &Registry, plan: Plan, settings: Settings) -> Outcome {
    let width = settings.width.max(1);
    let mut run = Run::new(registry, plan, settings);
    let mut running: FuturesOrdered<BoxFuture<'static, Ended>> = FuturesOrdered::new();
    let mut ended = None;
    loop {
        {
            let mut inner = shared.lock();
            if let Some(ended) = ended.take() {
                run.finish_call(&mut inner.graph, ended);
                inner.publish();
            }
            while running.len() < width
                && let Some(index) = run.next()
            {
                if let Some(call) = run.start(&mut inner.graph, index) {
                    running.push_back(call);
                } else {
                    inner.publish();
                }
            }
        }
        ended = running.next().await;
        if ended.is_none() {
            break;
        }
    }
    let mut inner = shared.lock();
    let outcome = run.end(&mut inner.graph);
    inner.publish();
    outcome
}

impl<'a> Run<'a> {
    fn new(registry: &'a Registry, plan: Plan, settings: Settings) -> Self {
        let steps = plan.steps;
        let mut waiting = Vec::with_capacity(steps.len());
        let mut ready: [BTreeSet<usize>; PHASES] = Default::default();
        let mut left = [0; PHASES];
        for (index, step) in steps.iter().enumerate() {
            let count = step.requires.len() + step.follows.len();
            waiting.push(count);
            let phase = usize::from(step.phase);
            if let (Some(ready), 0) = (ready.get_mut(phase), count) {
                ready.insert(index);
            }
            if let Some(left) = left.get_mut(phase) {
                *left += 1;
            }
        }
        Self {
            progress: vec![Progress::Todo; steps.len()],
            successors: Successors::of(&steps),
            times: vec![OpTime::default(); plan.shown.len()],
            planned: plan.shown,
            deviations: HashMap::new(),
            now: settings.start,
            stopped: false,
            astray: false,
            fresh: Vec::new(),
            outcome: Outcome { lost: settings.parked, ..Outcome::default() },
            registry,
            settings,
            steps,
            waiting,
            ready,
            left,
        }
    }

    fn next(&mut self) -> Option<usize> {
        if self.stopped {
            return None;
        }
        let phase = self.left.iter().position(|&left| left > 0)?;
        self.ready.get_mut(phase)?.pop_first()
    }

    /// Starts an operation. One that does not reach the southbound ends at once.
    fn start(&mut self, graph: &mut Graph, index: usize) -> Option<BoxFuture<'static, Ended>> {
        let step = self.steps.get(index)?;
        if let Some((cause, root)) = step.requires.iter().find_map(|&before| self.unfinished(before)) {
            self.skip(graph, index, format!("not run: {cause}"), root);
            return None;
        }
        if let Some((needed_by, root)) = self.still_needed(graph, step) {
            self.skip(graph, index, format!("not run: {needed_by} needs it"), root);
            return None;
        }
        let step = self.steps.get(index)?;
        let node = graph.get(&step.key);
        let descriptor = node.and_then(|node| self.registry.of(node));
        let present = || node.and_then(|node| node.present.clone());
        let call = descriptor.and_then(|descriptor| {
            let call = match &step.action {
                Action::Create(held) => Call::Create(held.clone()),
                Action::Update(held) => Call::Update(present()?, held.clone()),
                Action::Delete(fate) if *fate != Fate::Vanish => Call::Delete(present()?),
                _ => return None,
            };
            Some((Arc::clone(descriptor), call))
        });
        // What may be there after all must not be forgotten before it is known.
        let doubtful = call.is_none()
            && node.is_some_and(|node| node.uncertain)
            && matches!(step.action, Action::Delete(_));
        self.outcome.lost |= self.settings.stop.is_set();
        if self.outcome.lost && (call.is_some() || doubtful) {
            let reason = match self.settings.stop.is_set() {
                true => "not run: the scheduler was told to stop",
                false => "not run: the connection to the southbound is lost",
            };
            self.skip(graph, index, reason.to_owned(), index);
            return None;
        }
        if doubtful && self.outcome.failed.contains(&step.key) {
            let reason = "not run: the operation before failed, and what it left is not known yet";
            self.skip(graph, index, reason.to_owned(), index);
            return None;
        }
        let Some((descriptor, call)) = call else {
            let start = self.now.saturating_sub(self.settings.start);
            if let Some(time) = step.shown.and_then(|shown| self.times.get_mut(shown)) {
                time.start = start;
            }
            self.finish(graph, index, Ok(None));
            return None;
        };
        let key = Key::clone(&step.key);
        let clock = Arc::clone(&self.settings.clock);
        let span = tracing::debug_span!("operation", operation = %step.operation, %key);
        let run = async move {
            let started = clock.monotonic();
            let answer = call.run(descriptor.as_ref(), &key).await;
            Ended { index, answer, started, ended: clock.monotonic() }
        };
        Some(if span.is_disabled() { Box::pin(run) } else { Box::pin(run.instrument(span)) })
    }

    /// Why an operation cannot be relied on, and the step that is to blame.
    fn unfinished(&self, index: usize) -> Option<(String, usize)> {
        let (what, root) = match self.progress.get(index)? {
            Progress::Succeeded => return None,
            Progress::Failed(root) if *root == index => ("failed", index),
            Progress::Failed(root) => ("was not run", *root),
            Progress::Todo => ("was not run", index),
        };
        let step = self.steps.get(index)?;
        Some((format!("{} of {} {what}", step.operation, step.key), root))
    }

    /// Who cannot be without a value that is about to go, because what was to satisfy it instead has not come, and the
    /// step that is to blame.
    fn still_needed(&self, graph: &mut Graph, step: &Step) -> Option<(Key, usize)> {
        let goes = matches!(step.action, Action::Delete(fate) if fate != Fate::Vanish);
        if !goes || !self.astray || graph.get(&step.key).is_none() {
            return None;
        }
        let relying = graph.relying_on(&step.key).into_iter().filter(|key| {
            let goes_too =
                || self.steps.iter().any(|s| s.key == *key && matches!(s.action, Action::Delete(_)));
            let node = graph.get(key).filter(|node| node.state != State::Obtained);
            let present = node.and_then(|node| node.present.as_ref());
            present.is_some_and(|present| graph.is_ready(&present.held.shape, key)) && !goes_too()
        });
        let relying: Vec<Key> = relying.collect();
        let before = graph.edit(&step.key, |node| std::mem::replace(&mut node.leaving, true));
        let left = relying.into_iter().find(|key| {
            let present = graph.get(key).and_then(|node| node.present.as_ref());
            present.is_some_and(|present| !graph.is_ready(&present.held.shape, key))
        });
        graph.edit(&step.key, |node| node.leaving = before);
        let left = left?;
        let needs =
            graph.get(&left).and_then(|node| node.present.as_ref()).map(|there| &there.held.shape.needs);
        let satisfies = |key: &Key| {
            needs.into_iter().flatten().any(|need| match &need.target {
                Target::Key(target) => target == key,
                Target::AnyOf(any) => {
                    any.prefixes.iter().any(|prefix| key.starts_with(prefix.as_str())) && any.accepts(key)
                }
            })
        };
        let failed = self.progress.iter().enumerate().filter(|(i, p)| **p == Progress::Failed(*i));
        let mut roots: Vec<usize> = failed.map(|(i, _)| i).collect();
        roots.sort_by_key(|&root| !self.steps.get(root).is_some_and(|step| satisfies(&step.key)));
        Some((left, roots.first().copied()?))
    }

    fn finish_call(&mut self, graph: &mut Graph, ended: Ended) {
        self.now = ended.ended;
        let Some(step) = self.steps.get(ended.index) else { return };
        let shown = step.shown;
        if let Some(recorder) = &self.settings.recorder {
            recorder.call(step.operation, &step.key, ended.ended, ended.answer.as_ref().err());
        }
        if let Some(time) = shown.and_then(|shown| self.times.get_mut(shown)) {
            time.start = ended.started.saturating_sub(self.settings.start);
            time.took = ended.ended.saturating_sub(ended.started);
        }
        self.finish(graph, ended.index, ended.answer);
    }

    fn finish(&mut self, graph: &mut Graph, index: usize, answer: Answer) {
        let Some(step) = self.steps.get_mut(index) else { return };
        let key = Key::clone(&step.key);
        let action = std::mem::replace(&mut step.action, Action::Gate);
        let (operation, shown) = (step.operation, step.shown);
        let before = graph.get(&key).map_or(State::Nonexistent, |node| node.state);
        let planned = shown.and_then(|shown| self.planned.get(shown));
        let mut deviation = planned.filter(|op| op.before != before).map(|op| Op { before, ..op.clone() });
        // A derived value that was to come and go again, and whose base has not come.
        let never_came = matches!(action, Action::Delete(_)) && graph.get(&key).is_none();
        let progress = match answer {
            Ok(_) if never_came => {
                if let Some(op) = &mut deviation {
                    (op.noop, op.after) = (true, before);
                }
                Progress::Succeeded
            }
            Ok(metadata) => {
                // What it is derived from may have to be looked at again, if this is undone.
                self.outcome.done.extend(graph.get(&key).and_then(|node| node.base.clone()));
                let error = planned.and_then(|op| op.error.clone());
                self.succeed(graph, &key, operation, action, metadata, error.as_deref());
                self.outcome.done.push(key);
                Progress::Succeeded
            }
            Err(failure) => {
                tracing::debug!(%key, %operation, error = %failure, "failed");
                self.outcome.lost |= failure.lost;
                self.astray = true;
                let after = self.fail(graph, &key, operation, &action, &failure);
                let unimplemented = after == State::Unimplemented;
                self.stopped |= self.settings.stop_at_failure && !unimplemented;
                if let Some(op) = planned {
                    let error = Some(failure.message);
                    deviation = Some(Op { before, after, error, noop: unimplemented, ..op.clone() });
                }
                if !failure.lost && !unimplemented {
                    self.outcome.failed.insert(key);
                }
                Progress::Failed(index)
            }
        };
        if let (Some(op), Some(shown)) = (deviation, shown) {
            self.deviations.insert(shown, op);
        }
        self.ended(index, progress);
    }

    fn succeed(
        &mut self,
        graph: &mut Graph,
        key: &Key,
        operation: Operation,
        action: Action,
        metadata: Option<AnyMetadata>,
        error: Option<&str>,
    ) {
        let descriptor = graph.get(key).and_then(|node| self.registry.of(node));
        match action {
            Action::Create(held) | Action::Update(held) => {
                if let (Some(descriptor), Some(metadata)) = (descriptor, &metadata) {
                    descriptor.index(key, metadata);
                }
                let derived = steps::came_up(graph, self.registry, key, &held, Some(operation), metadata);
                self.fresh.extend(derived);
            }
            Action::Adopt(held) => {
                let derived = steps::came_up(graph, self.registry, key, &held, None, None);
                self.fresh.extend(derived);
            }
            Action::Delete(fate) => {
                if let Some(descriptor) = descriptor {
                    descriptor.unindex(key);
                }
                steps::went_down(graph, key, fate);
                self.fresh.push(Key::clone(key));
            }
            Action::Observe(held, base) => {
                let owner = self.registry.owner(key).unwrap_or_default();
                steps::observed(graph, key, owner, base.as_ref(), &held);
            }
            Action::Gate => {}
            Action::SetAside(state) => steps::set_aside(graph, key, state, error.map(Arc::from)),
        }
    }

    /// Notes a failed operation and gives the state that the value has now.
    fn fail(
        &self,
        graph: &mut Graph,
        key: &Key,
        operation: Operation,
        action: &Action,
        failure: &Failure,
    ) -> State {
        let now = self.now;
        let settings = &self.settings;
        graph.edit(key, |node| {
            node.error = Some(failure.message.as_str().into());
            node.last = Some(operation);
            node.fresh = false;
            if failure.unimplemented && node.present.is_none() {
                node.retry = None;
                node.state = State::Unimplemented;
                return node.state;
            }
            node.uncertain = true;
            // What we tried to make is ours, whatever became of it.
            node.ours |= matches!(action, Action::Create(_));
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
            let attempt = node.retry.as_ref().map_or(0, |retry| retry.attempt) + 1;
            let known = node.retry.as_ref().map(|retry| retry.policy);
            let own = node.policy.as_deref().copied();
            let policy = own.or(settings.retry).or(known).or(settings.default_retry);
            let policy = policy.filter(|_| failure.retriable);
            node.retry = policy.and_then(|policy| {
                let due = now.saturating_add(policy.delay(attempt)?);
                Some(Box::new(Retry { policy, attempt, due }))
            });
            node.state = if node.retry.is_some() { State::Retrying } else { State::Failed };
            node.state
        })
    }

    fn skip(&mut self, graph: &mut Graph, index: usize, reason: String, root: usize) {
        let Some(step) = self.steps.get(index) else { return };
        let key = Key::clone(&step.key);
        let shown = step.shown;
        let before = graph.get(&key).map_or(State::Nonexistent, |node| node.state);
        let mut after = before;
        // The derived values of what never came into being are not known at all.
        if !matches!(step.action, Action::Gate) && graph.get(&key).is_some() {
            let unwanted = matches!(step.action, Action::Delete(Fate::Forget));
            after = graph.edit(&key, |node| {
                let waits = node.present.is_none() && node.wanted.is_some();
                let said = node.state.is_failure() || node.state == State::Invalid;
                if waits && !said {
                    node.state = State::Pending;
                }
                if unwanted {
                    node.wanted = None;
                    node.rejected = None;
                }
                if !node.state.is_failure() {
                    node.error = Some(reason.as_str().into());
                }
                node.fresh = false;
                node.state
            });
            if let Some(cause) = self.steps.get(root)
                && !self.outcome.lost
            {
                self.outcome.skipped.push((key, Key::clone(&cause.key)));
            }
        }
        if let Some((shown, op)) = shown.and_then(|shown| Some((shown, self.planned.get(shown)?))) {
            let op = Op { before, after, noop: true, error: Some(reason), ..op.clone() };
            self.deviations.insert(shown, op);
        }
        self.ended(index, Progress::Failed(root));
    }

    fn ended(&mut self, index: usize, progress: Progress) {
        if let Some(slot) = self.progress.get_mut(index) {
            *slot = progress;
        }
        let phase = |step: Option<&Step>| step.map_or(0, |step| usize::from(step.phase));
        if let Some(left) = self.left.get_mut(phase(self.steps.get(index))) {
            *left = left.saturating_sub(1);
        }
        for next in self.successors.get(index) {
            let Some(&next) = self.successors.all.get(next) else { continue };
            let Some(waiting) = self.waiting.get_mut(next) else { continue };
            *waiting = waiting.saturating_sub(1);
            if *waiting == 0
                && let Some(ready) = self.ready.get_mut(phase(self.steps.get(next)))
            {
                ready.insert(next);
            }
        }
    }

    fn end(mut self, graph: &mut Graph) -> Outcome {
        let mut left_out = BTreeSet::new();
        for index in 0..self.steps.len() {
            if self.progress.get(index) != Some(&Progress::Todo) {
                continue;
            }
            if self.stopped {
                left_out.extend(self.steps.get(index).and_then(|step| step.shown));
            } else {
                // A plan has no cycles. If one ever had, its operations would be reported, not forgotten.
                let reason = "not run: the operations of the plan wait for each other";
                self.skip(graph, index, reason.to_owned(), index);
            }
        }
        // The record is complete: what the transaction asked for has been shown.
        for key in self.fresh {
            if graph.get(&key).is_some_and(|node| node.fresh) {
                graph.edit(&key, |node| node.fresh = false);
            }
        }
        self.outcome.executed = if self.deviations.is_empty() && left_out.is_empty() {
            self.planned
        } else {
            let ops = self.planned.iter().enumerate().filter(|(shown, _)| !left_out.contains(shown));
            ops.map(|(shown, op)| self.deviations.remove(&shown).unwrap_or_else(|| op.clone())).collect()
        };
        let times = self.times.into_iter().enumerate();
        self.outcome.times = times.filter(|(i, _)| !left_out.contains(i)).map(|(_, time)| time).collect();
        self.outcome
    }
}
