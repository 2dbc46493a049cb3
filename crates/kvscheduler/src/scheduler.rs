//! The scheduler: puts the parts together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use tracing::Instrument;

use crate::builder::Builder;
use crate::clock::Clock;
use crate::error::CommitError;
use crate::execute::{self, Outcome, Settings};
use crate::explain::Status;
use crate::graph::Graph;
use crate::plan::{Plan, Planner, Task};
use crate::record::Record;
use crate::resync::{self, ReadBack};
use crate::shared::{Inner, Shared};
use crate::state::State;
use crate::steps;
use crate::transaction::{Kind, Resync, RetryPolicy, Transaction};
use crate::value::{AnyValue, Key};
use crate::view::View;

/// Says whether a key was configured by us in an earlier run.
pub type Ownership = Box<dyn Fn(&str) -> bool + Send + Sync>;

/// Configures values in the order that their dependencies allow, and remembers those that have to wait.
pub struct Scheduler {
    pub(crate) shared: Arc<Shared>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ownership: Ownership,
    pub(crate) width: usize,
    pub(crate) retry: Option<RetryPolicy>,
    /// What was not run because something else failed, by what failed; goes along when that is tried again.
    pub(crate) skipped: BTreeMap<Key, BTreeSet<Key>>,
    pub(crate) recorder: Option<crate::recording::Recorder>,
    pub(crate) stop: Stop,
}

/// Lets what runs come to an end: see [`Scheduler::stop_handle`]. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Operations that run go on to their end; no other is started, now or in a later transaction.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a transaction is going to do.
struct Begun {
    plan: Plan,
    seeds: Vec<Key>,
    /// If it may be reverted.
    before: Vec<Before>,
}

/// What a value of a transaction was before.
struct Before {
    key: Key,
    wanted: Option<AnyValue>,
    rejected: Option<AnyValue>,
    policy: Option<Arc<RetryPolicy>>,
}

impl Scheduler {
    /// A scheduler without descriptors, to which they are added.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// Runs a transaction to its end, whether or not its operations succeed: see [`Record::errors`].
    ///
    /// Once the southbound is lost, values are noted but nothing is run before the next full or downstream resync. The
    /// same holds if the future is dropped before it is done, because it is not known then what was.
    ///
    /// # Errors
    ///
    /// If the transaction cannot be started. Nothing was changed, and the values given are not kept.
    pub async fn commit(&mut self, transaction: Transaction) -> Result<Arc<Record>, CommitError> {
        let seq = self.shared.lock().seq + 1;
        let span = tracing::info_span!("transaction", seq, kind = %transaction.kind);
        let (start, started) = (self.clock.now(), self.clock.monotonic());
        if let Some(recorder) = &self.recorder {
            recorder.transaction(&transaction, start, started);
        }
        let result = self.run(seq, transaction, start, started).instrument(span).await;
        if let Some(recorder) = &self.recorder {
            recorder.end(&result);
        }
        result
    }

    async fn run(
        &mut self,
        seq: u64,
        transaction: Transaction,
        start: SystemTime,
        started: Duration,
    ) -> Result<Arc<Record>, CommitError> {
        let shared = Arc::clone(&self.shared);
        check(&shared, &transaction)?;
        let plan_only = transaction.plan_only;
        let parked = shared.lock().needs_resync;
        let mut read = match transaction.kind {
            Kind::Resync(resync) if resync.reads_back() => Some(self.read_back(&transaction).await?),
            _ => None,
        };
        let resynced = read.is_some();
        let mut record = Record {
            seq,
            kind: transaction.kind,
            description: transaction.description.clone(),
            plan_only,
            start,
            stop: start,
            took: Duration::ZERO,
            planned: Arc::default(),
            executed: Arc::default(),
            times: Vec::new(),
            reverted: false,
            ignored: Vec::new(),
            unread: read.as_ref().map(|read| read.unread.clone()).unwrap_or_default(),
            lost: false,
        };

        let begun = self.begin(&transaction, read.as_mut(), &mut record, (started, parked));
        let Begun { plan, seeds, before } = begun;
        record.planned = Arc::clone(&plan.shown);
        if plan_only {
            if let Some(read) = read {
                read.undo(&shared.registry);
            }
            record.stop = self.clock.now();
            record.took = self.clock.monotonic().saturating_sub(started);
            return Ok(Arc::new(record));
        }
        let unread = read.map(|read| read.unread_owners());

        let refused = transaction.revert && plan.shown.iter().any(|op| op.after == State::Invalid);
        let outcome = if refused {
            // It is known before anything is touched.
            let executed: Vec<_> =
                plan.shown.iter().filter(|op| op.after == State::Invalid).cloned().collect();
            let times = vec![Default::default(); executed.len()];
            Outcome { executed: executed.into(), times, lost: parked && !resynced, ..Outcome::default() }
        } else {
            let settings = self.settings(&transaction, started, parked && !resynced);
            let mut outcome = execute::execute(&shared, &shared.registry, plan, settings).await;
            self.verify(&mut outcome).await;
            if !transaction.revert {
                self.go_on(&transaction, &mut outcome, started).await;
            }
            outcome
        };
        let failed = refused || !outcome.failed.is_empty() || (transaction.revert && outcome.lost);
        let mut lost = outcome.lost;
        record.executed = Arc::clone(&outcome.executed);
        record.times.clone_from(&outcome.times);
        if transaction.revert && failed {
            let undone = self.undo(&transaction, before, &outcome, started, lost).await;
            lost |= undone.lost;
            record.reverted = true;
            record.executed = outcome.executed.iter().chain(undone.executed.iter()).cloned().collect();
            record.times.extend(undone.times);
        } else {
            for (key, cause) in outcome.skipped {
                self.skipped.entry(cause).or_default().insert(key);
            }
        }
        record.lost = lost;
        record.stop = self.clock.now();
        let now = self.clock.monotonic();
        record.took = now.saturating_sub(started);
        let record = Arc::new(record);
        let mut inner = shared.lock();
        let inner = &mut *inner;
        inner.needs_resync = lost;
        if record.kind == Kind::Retry {
            give_up(&mut inner.graph, &seeds, started);
        }
        if let Some(unread) = unread {
            inner.unread = unread;
        }
        if record.lost || record.errors().next().is_some() || matches!(record.kind, Kind::Resync(_)) {
            resync::collect_garbage(&mut inner.graph, &seeds);
        }
        inner.publish();
        inner.history.keep(&record, now, &inner.limits);
        Ok(record)
    }

    async fn read_back(&self, transaction: &Transaction) -> Result<ReadBack, CommitError> {
        let believed = {
            let mut inner = self.shared.lock();
            inner.needs_resync = true;
            resync::believed(&inner.graph, &self.shared.registry, &transaction.values)
        };
        let read = resync::read_back(&self.shared.registry, believed, None, self.recorder.as_ref()).await;
        read.map_err(|lost| CommitError::Lost { descriptor: lost.descriptor, message: lost.failure.message })
    }

    /// Notes what the transaction says and plans it. For a plan only, all is as it was after that, except for the metadata.
    fn begin(
        &mut self,
        transaction: &Transaction,
        read: Option<&mut ReadBack>,
        record: &mut Record,
        (started, parked): (Duration, bool),
    ) -> Begun {
        let plan_only = transaction.plan_only;
        let shared = Arc::clone(&self.shared);
        let mut inner = shared.lock();
        let inner = &mut *inner;
        if plan_only {
            inner.graph.begin();
        } else {
            inner.seq = record.seq;
            inner.observe();
        }
        let before = if transaction.revert { before(&inner.graph, transaction) } else { Vec::new() };
        let mut seeds = self.prepare(inner, transaction, read, started);
        let observed = observed(&inner.graph, transaction, &mut record.ignored);
        if plan_only {
            inner.needs_resync = parked;
        } else {
            inner.publish();
            inner.graph.begin();
            // Until it is known what was done, nobody knows what is there.
            inner.needs_resync = true;
        }
        let retry = transaction.kind == Kind::Retry;
        let plan = loop {
            let plan = self.plan(inner, transaction, seeds.clone(), observed.clone(), (retry, false));
            if self.skipped.is_empty() || plan_only {
                break plan;
            }
            // What was not run because of something that is done now can be done as well.
            let known: BTreeSet<Key> = seeds.iter().cloned().collect();
            let mut more: BTreeSet<Key> = plan.steps.iter().map(|step| Key::clone(&step.key)).collect();
            let planned = more.clone();
            self.take_skipped(&mut more);
            seeds.extend(more.into_iter().filter(|key| !planned.contains(key) && !known.contains(key)));
            if seeds.len() == known.len() {
                break plan;
            }
            inner.graph.begin();
        };
        Begun { plan, seeds, before }
    }

    fn settings(&self, transaction: &Transaction, start: Duration, parked: bool) -> Settings {
        Settings {
            width: self.width,
            retry: transaction.retry,
            default_retry: self.retry,
            clock: Arc::clone(&self.clock),
            start,
            parked,
            stop_at_failure: transaction.revert,
            recorder: self.recorder.clone(),
            stop: self.stop.clone(),
        }
    }

    /// Stops the scheduler in the middle of a transaction: what is not run is noted as it is when the southbound is lost.
    pub fn stop_handle(&self) -> Stop {
        self.stop.clone()
    }

    /// Notes what is wanted and what was read back, and gives the values to be looked at.
    fn prepare(
        &mut self,
        inner: &mut Inner,
        transaction: &Transaction,
        read: Option<&mut ReadBack>,
        now: Duration,
    ) -> Vec<Key> {
        let (graph, registry) = (&mut inner.graph, &self.shared.registry);
        if let Kind::Resync(Resync::Full | Resync::Upstream) = transaction.kind {
            for key in graph.keys() {
                let derived = graph.get(&key).is_some_and(|node| node.base.is_some());
                if !derived && !transaction.values.get(&key).is_some_and(Option::is_some) {
                    steps::unwant(graph, &key);
                }
            }
        }
        if transaction.kind != Kind::Notification {
            let policy = transaction.retry.map(Arc::new);
            for (key, value) in &transaction.values {
                let noted = match value {
                    Some(value) => steps::want(graph, registry, key, value, None, policy.as_ref()),
                    None => {
                        steps::unwant(graph, key);
                        if policy.is_some() && graph.get(key).is_some() {
                            graph.edit(key, |node| node.policy.clone_from(&policy));
                        }
                        Ok(())
                    }
                };
                // Owners were checked before; nothing of the transaction is lost here.
                if let Err(error) = noted {
                    tracing::error!(%error, "value not noted");
                }
            }
        }
        if let Some(read) = read {
            read.apply(graph, registry, &self.ownership);
        }
        match transaction.kind {
            Kind::Notification => Vec::new(),
            Kind::Change => {
                let mut seeds: BTreeSet<Key> = transaction.values.keys().cloned().collect();
                if !self.skipped.is_empty() && !transaction.plan_only {
                    self.take_skipped(&mut seeds);
                }
                seeds.into_iter().collect()
            }
            Kind::Resync(_) => {
                if !transaction.plan_only {
                    self.skipped.clear();
                }
                graph.keys()
            }
            Kind::Retry => {
                let due = graph.retrying().take_while(|(due, _)| *due <= now);
                let mut seeds: BTreeSet<Key> = due.map(|(_, key)| Key::clone(key)).collect();
                if !transaction.plan_only {
                    self.take_skipped(&mut seeds);
                }
                seeds.into_iter().collect()
            }
        }
    }

    /// Adds what was not run because one of these failed.
    fn take_skipped(&mut self, seeds: &mut BTreeSet<Key>) {
        let mut stack: Vec<Key> = seeds.iter().cloned().collect();
        while let Some(key) = stack.pop() {
            for skipped in self.skipped.remove(&key).into_iter().flatten() {
                if seeds.insert(Key::clone(&skipped)) {
                    stack.push(skipped);
                }
            }
        }
    }

    fn plan(
        &self,
        inner: &mut Inner,
        transaction: &Transaction,
        mut seeds: Vec<Key>,
        observed: Vec<(Key, Option<AnyValue>)>,
        (retry, revert): (bool, bool),
    ) -> Plan {
        if matches!(transaction.kind, Kind::Resync(_)) {
            // Derived values are reached through what they are derived from.
            let graph = &inner.graph;
            seeds
                .retain(|key| graph.is_orphan(key) || graph.get(key).is_some_and(|node| node.base.is_none()));
        }
        let task = Task { seeds, observed, is_ours: &self.ownership, retry, revert };
        let plan = Planner::plan(&mut inner.graph, &self.shared.registry, task);
        inner.graph.rollback();
        plan
    }

    /// Reads back what failed, so that what is believed of it is true.
    async fn verify(&mut self, outcome: &mut Outcome) {
        if outcome.failed.is_empty() || outcome.lost {
            return;
        }
        let shared = Arc::clone(&self.shared);
        let (scope, believed) = {
            let inner = shared.lock();
            let scope = resync::scope(&inner.graph, &outcome.failed);
            (scope, resync::believed(&inner.graph, &shared.registry, &BTreeMap::new()))
        };
        match resync::read_back(&shared.registry, believed, Some(scope), self.recorder.as_ref()).await {
            Ok(mut read) => {
                let mut inner = shared.lock();
                let inner = &mut *inner;
                let gone = read.apply(&mut inner.graph, &shared.registry, &self.ownership);
                inner.publish();
                // What relies on something that turned out not to be there is looked at when that is tried again.
                let gone = gone.into_iter().chain(outcome.failed.iter().cloned());
                for key in gone.filter(|key| inner.graph.get(key).is_none_or(|node| !node.available())) {
                    let cause = outcome.failed.contains(&key).then_some(&key).or(outcome.failed.first());
                    let Some(cause) = cause else { continue };
                    for other in inner.graph.relying_on(&key) {
                        outcome.skipped.push((other, Key::clone(cause)));
                    }
                }
            }
            Err(lost) => {
                tracing::warn!(descriptor = lost.descriptor, error = %lost.failure, "lost while read back");
                outcome.lost = true;
            }
        }
    }

    /// A delete that failed may have been done all the same. What was not run because of it is run then.
    async fn go_on(&mut self, transaction: &Transaction, outcome: &mut Outcome, started: Duration) {
        let shared = Arc::clone(&self.shared);
        while !outcome.lost {
            let plan = {
                let mut inner = shared.lock();
                let inner = &mut *inner;
                let done = |cause: &Key| inner.graph.get(cause).is_none_or(|node| node.is_empty());
                let (free, held) = std::mem::take(&mut outcome.skipped)
                    .into_iter()
                    .partition::<Vec<_>, _>(|(_, cause)| outcome.failed.contains(cause) && done(cause));
                outcome.skipped = held;
                if free.is_empty() {
                    return;
                }
                let seeds: BTreeSet<Key> = free.into_iter().map(|(key, _)| key).collect();
                inner.graph.begin();
                self.plan(inner, transaction, seeds.into_iter().collect(), Vec::new(), (false, false))
            };
            let settings = self.settings(transaction, started, false);
            let mut more = execute::execute(&shared, &shared.registry, plan, settings).await;
            self.verify(&mut more).await;
            outcome.executed = outcome.executed.iter().chain(more.executed.iter()).cloned().collect();
            outcome.times.extend(more.times);
            outcome.skipped.extend(more.skipped);
            outcome.done.extend(more.done);
            outcome.lost |= more.lost;
            // Only what failed this time can have set something free.
            outcome.failed = more.failed;
        }
    }

    /// Makes the values of a transaction what they were, the last one that was changed first.
    async fn undo(
        &mut self,
        transaction: &Transaction,
        before: Vec<Before>,
        outcome: &Outcome,
        started: Duration,
        lost: bool,
    ) -> Outcome {
        let shared = Arc::clone(&self.shared);
        let plan = {
            let mut inner = shared.lock();
            let inner = &mut *inner;
            let graph = &mut inner.graph;
            let mut done: BTreeSet<&Key> = outcome.done.iter().collect();
            for value in &before {
                let key = &value.key;
                let restored = value.wanted.iter().chain(&value.rejected);
                for restored in restored {
                    if let Err(error) =
                        steps::want(graph, &shared.registry, key, restored, None, value.policy.as_ref())
                    {
                        tracing::error!(%error, "value not noted");
                    }
                }
                if value.wanted.is_none() && value.rejected.is_none() {
                    steps::unwant(graph, key);
                    if !done.contains(key) && graph.get(key).is_some_and(|node| node.is_empty()) {
                        // It never came to be.
                        graph.remove(key);
                    }
                }
            }
            let mut seeds: Vec<Key> = Vec::new();
            for key in outcome.done.iter().rev() {
                if done.remove(key) {
                    seeds.push(Key::clone(key));
                }
            }
            let rest = before.iter().rev().map(|value| &value.key).filter(|key| !outcome.done.contains(key));
            seeds.extend(rest.cloned());
            inner.publish();
            inner.graph.begin();
            self.plan(inner, transaction, seeds, Vec::new(), (false, true))
        };
        let settings = Settings { stop_at_failure: false, ..self.settings(transaction, started, lost) };
        let mut undone = execute::execute(&shared, &shared.registry, plan, settings).await;
        self.verify(&mut undone).await;
        for (key, cause) in std::mem::take(&mut undone.skipped) {
            self.skipped.entry(cause).or_default().insert(key);
        }
        undone
    }

    /// The southbound was lost: until the next full or downstream resync values are noted, but nothing is run.
    pub fn park(&mut self) {
        if let Some(recorder) = &self.recorder {
            recorder.park();
        }
        self.shared.lock().needs_resync = true;
    }

    /// Whether nothing is run before the next full or downstream resync.
    pub fn needs_resync(&self) -> bool {
        self.shared.lock().needs_resync
    }

    /// When the next [`Transaction::retry_failed`] has something to do, on the clock on the wall as it stands now.
    pub fn next_retry(&self) -> Option<SystemTime> {
        self.view().next_retry()
    }

    /// A look at the scheduler that can be given away. It does not wait for transactions.
    pub fn view(&self) -> View {
        View::new(Arc::clone(&self.shared))
    }

    /// What is known of a value; none if nothing is.
    pub fn status(&self, key: &str) -> Option<Status> {
        self.view().status(key)
    }

    /// Why a value is in the state it is in, as text.
    pub fn explain(&self, key: &str) -> String {
        self.view().explain(key)
    }

    /// What is known of all values, sorted by key.
    pub fn dump(&self) -> Vec<Status> {
        self.view().dump()
    }

    /// Whether anything is known of a value.
    pub fn knows(&self, key: &str) -> bool {
        self.shared.lock().graph.get(key).is_some()
    }

    /// Whether a value is there, as far as is known.
    pub fn is_present(&self, key: &str) -> bool {
        self.shared.lock().graph.get(key).is_some_and(|node| node.present.is_some())
    }

    /// How many values are known.
    pub fn len(&self) -> usize {
        self.shared.lock().graph.len()
    }

    /// Whether no value is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The last transactions, oldest first.
    pub fn history(&self) -> Vec<Arc<Record>> {
        self.view().history()
    }
}

/// Finds what is wrong with a transaction before anything is touched.
fn check(shared: &Shared, transaction: &Transaction) -> Result<(), CommitError> {
    let takes_values = match transaction.kind {
        Kind::Change | Kind::Notification => true,
        Kind::Resync(resync) => resync.has_values(),
        Kind::Retry => false,
    };
    if !takes_values && !transaction.values.is_empty() {
        return Err(CommitError::UnexpectedValues(transaction.kind));
    }
    if transaction.revert && transaction.kind != Kind::Change {
        return Err(CommitError::Revert(transaction.kind));
    }
    let inner = shared.lock();
    for key in transaction.values.keys() {
        let Some(node) = inner.graph.get(key) else {
            shared.registry.owner(key)?;
            continue;
        };
        if let Some(base) = node.base.as_ref().filter(|_| transaction.kind != Kind::Notification) {
            return Err(CommitError::DerivedKey { key: Key::clone(key), base: Key::clone(base) });
        }
    }
    Ok(())
}

/// What was due and is still as it was has nothing to be tried again.
fn give_up(graph: &mut Graph, keys: &[Key], now: Duration) {
    for key in keys {
        let due = graph.get(key).filter(|node| node.state == State::Retrying);
        if due.and_then(|node| node.retry.as_ref()).is_some_and(|retry| retry.due <= now) {
            graph.edit(key, |node| {
                node.retry = None;
                node.state = State::Failed;
            });
        }
    }
}

fn before(graph: &Graph, transaction: &Transaction) -> Vec<Before> {
    let of = |key: &Key| {
        let node = graph.get(key);
        Before {
            key: Key::clone(key),
            wanted: node.and_then(|node| node.wanted.as_ref()).map(|held| Arc::clone(&held.value)),
            rejected: node.and_then(|node| node.rejected.as_ref()).map(|bad| Arc::clone(&bad.value)),
            policy: node.and_then(|node| node.policy.clone()),
        }
    };
    transaction.values.keys().map(of).collect()
}

/// What a notification tells, without what is configured from the northbound.
fn observed(
    graph: &Graph,
    transaction: &Transaction,
    ignored: &mut Vec<Key>,
) -> Vec<(Key, Option<AnyValue>)> {
    if transaction.kind != Kind::Notification {
        return Vec::new();
    }
    let mut observed = Vec::with_capacity(transaction.values.len());
    for (key, value) in &transaction.values {
        let taken = graph
            .get(key)
            .is_some_and(|node| node.is_asked_for() || node.ours || (node.base.is_some() && !node.notified));
        if taken {
            ignored.push(Key::clone(key));
        } else {
            observed.push((Key::clone(key), value.clone()));
        }
    }
    observed
}
