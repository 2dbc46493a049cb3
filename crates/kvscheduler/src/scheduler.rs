//! The scheduler: puts the parts together.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::SystemTime;

use tracing::Instrument;

use crate::clock::{Clock, SystemClock};
use crate::descriptor::Descriptor;
use crate::erased::{Adapter, Erased};
use crate::execute::{self, Settings};
use crate::explain::{self, Status};
use crate::graph::Graph;
use crate::metadata::MetadataMap;
use crate::plan::{PlanOp, Planner};
use crate::record::Record;
use crate::registry::{Registry, RegistryError, TwoOwners};
use crate::resync::{self, ReadBack};
use crate::steps;
use crate::transaction::{Kind, Resync, Transaction};
use crate::value::Key;

/// Says whether a key was configured by us in an earlier run.
pub type Ownership = Box<dyn Fn(&str) -> bool + Send + Sync>;

/// Why a transaction was not started. The graph is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// Descriptors disagree on who owns a key of the transaction.
    #[error(transparent)]
    TwoOwners(#[from] TwoOwners),
    /// A derived value is set through the value that it is derived from.
    #[error("{key} is derived from {base} and cannot be set or deleted by itself")]
    DerivedKey {
        /// The key of the transaction.
        key: Key,
        /// What has to be changed instead.
        base: Key,
    },
    /// A downstream resync or a retry takes the values that are known.
    #[error("a {0} takes no values")]
    UnexpectedValues(Kind),
    /// The southbound was lost while it was read back.
    #[error("resync abandoned, {descriptor} could not be read back: {message}")]
    Lost {
        /// Which descriptor found out.
        descriptor: String,
        /// What it was told.
        message: String,
    },
}

/// Registers descriptors and settings.
pub struct Builder {
    descriptors: Vec<Arc<dyn Erased>>,
    clock: Arc<dyn Clock>,
    ownership: Option<Ownership>,
    width: usize,
    history: usize,
}

impl Builder {
    /// Registers a descriptor whose metadata goes to `map`; clones of it may have been given to other descriptors.
    #[must_use]
    pub fn register<D: Descriptor>(mut self, descriptor: D, map: MetadataMap<D::Metadata>) -> Self {
        self.descriptors.push(Arc::new(Adapter { descriptor, map }));
        self
    }

    /// Registers a descriptor whose metadata no other descriptor looks at.
    #[must_use]
    pub fn register_private<D: Descriptor>(self, descriptor: D) -> Self {
        self.register(descriptor, MetadataMap::new())
    }

    /// Replaces the machine's clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// What was configured in earlier runs. A resync deletes such values if they are not wanted any more; others that it
    /// finds stay.
    #[must_use]
    pub fn ownership(mut self, is_ours: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.ownership = Some(Box::new(is_ours));
        self
    }

    /// How many operations run at the same time; 64 unless set.
    #[must_use]
    pub fn width(mut self, width: usize) -> Self {
        self.width = width;
        self
    }

    /// How many records are kept; 100 unless set.
    #[must_use]
    pub fn history(mut self, records: usize) -> Self {
        self.history = records;
        self
    }

    /// Checks the descriptors against each other.
    pub fn build(self) -> Result<Scheduler, RegistryError> {
        Ok(Scheduler {
            graph: Graph::default(),
            registry: Registry::new(self.descriptors)?,
            clock: self.clock,
            ownership: self.ownership.unwrap_or_else(|| Box::new(|_| false)),
            width: self.width,
            seq: 0,
            history: VecDeque::new(),
            history_limit: self.history,
            skipped: BTreeSet::new(),
            needs_resync: false,
        })
    }
}

/// Configures values in the order that their dependencies allow, and remembers those that have to wait.
pub struct Scheduler {
    graph: Graph,
    registry: Registry,
    clock: Arc<dyn Clock>,
    ownership: Ownership,
    width: usize,
    seq: u64,
    history: VecDeque<Arc<Record>>,
    history_limit: usize,
    /// What was not run because something else failed; goes with the next retry.
    skipped: BTreeSet<Key>,
    needs_resync: bool,
}

impl Scheduler {
    /// A scheduler without descriptors, to which they are added.
    pub fn builder() -> Builder {
        Builder {
            descriptors: Vec::new(),
            clock: Arc::new(SystemClock),
            ownership: None,
            width: 64,
            history: 100,
        }
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
        let seq = self.seq + 1;
        let span = tracing::info_span!("transaction", seq, kind = %transaction.kind);
        self.run(seq, transaction).instrument(span).await
    }

    async fn run(&mut self, seq: u64, transaction: Transaction) -> Result<Arc<Record>, CommitError> {
        self.check(&transaction)?;
        let start = self.clock.now();
        let plan_only = transaction.plan_only;
        let before = self.needs_resync;
        let read = match transaction.kind {
            Kind::Resync(resync) if resync.reads_back() => {
                self.needs_resync = true;
                let read = self.read_back(&transaction).await?;
                self.needs_resync = false;
                Some(read)
            }
            _ => None,
        };
        if plan_only {
            self.graph.begin();
        }
        let seeds = self.prepare(&transaction, read.as_ref(), start);
        if !plan_only {
            self.graph.begin();
        }
        let plan = self.plan(&transaction, seeds.clone());
        self.graph.rollback();
        let planned = plan.iter().filter(|op| op.is_shown()).map(|op| op.op.clone()).collect();
        let unread = read.as_ref().map(|read| read.unread.clone()).unwrap_or_default();

        let mut record = Record {
            seq,
            kind: transaction.kind,
            description: transaction.description,
            plan_only,
            start,
            stop: start,
            planned,
            executed: Vec::new(),
            unread,
            lost: false,
        };
        if plan_only {
            self.needs_resync = before;
            if let Some(read) = read {
                read.undo(&self.registry);
            }
            record.stop = self.clock.now();
            return Ok(Arc::new(record));
        }

        self.seq = seq;
        let settings = Settings {
            width: self.width,
            retry: transaction.retry,
            clock: self.clock.as_ref(),
            parked: self.needs_resync,
        };
        self.needs_resync = true;
        let outcome = execute::execute(&mut self.graph, &self.registry, plan, settings).await;
        self.needs_resync = outcome.lost;
        resync::collect_garbage(&mut self.graph, &seeds);
        self.skipped.extend(outcome.skipped);
        record.executed = outcome.executed;
        record.lost = outcome.lost;
        record.stop = self.clock.now();
        let record = Arc::new(record);
        self.history.push_back(Arc::clone(&record));
        while self.history.len() > self.history_limit {
            self.history.pop_front();
        }
        Ok(record)
    }

    /// Finds what is wrong with a transaction before anything is touched.
    fn check(&self, transaction: &Transaction) -> Result<(), CommitError> {
        let takes_values = match transaction.kind {
            Kind::Change => true,
            Kind::Resync(resync) => resync.has_values(),
            Kind::Retry => false,
        };
        if !takes_values && !transaction.values.is_empty() {
            return Err(CommitError::UnexpectedValues(transaction.kind));
        }
        for key in transaction.values.keys() {
            self.registry.owner(key)?;
            if let Some(base) = self.graph.get(key).and_then(|node| node.base.as_ref()) {
                return Err(CommitError::DerivedKey { key: Key::clone(key), base: Key::clone(base) });
            }
        }
        Ok(())
    }

    async fn read_back(&self, transaction: &Transaction) -> Result<ReadBack, CommitError> {
        let believed = resync::believed(&self.graph, &self.registry, &transaction.values);
        resync::read_back(&self.registry, believed)
            .await
            .map_err(|lost| CommitError::Lost { descriptor: lost.descriptor, message: lost.failure.message })
    }

    /// Notes what is wanted and what was read back, and gives the values to be looked at.
    fn prepare(&mut self, transaction: &Transaction, read: Option<&ReadBack>, now: SystemTime) -> Vec<Key> {
        let Self { graph, registry, ownership, .. } = self;
        if let Kind::Resync(Resync::Full | Resync::Upstream) = transaction.kind {
            for key in graph.keys() {
                let derived = graph.get(&key).is_some_and(|node| node.base.is_some());
                if !derived && !transaction.values.get(&key).is_some_and(Option::is_some) {
                    steps::unwant(graph, &key);
                }
            }
        }
        for (key, value) in &transaction.values {
            let noted = match value {
                Some(value) => steps::want(graph, registry, key, value, None),
                None => {
                    steps::unwant(graph, key);
                    Ok(())
                }
            };
            // Owners were checked before; nothing of the transaction is lost here.
            if let Err(error) = noted {
                tracing::error!(%error, "value not noted");
            }
        }
        if let Some(read) = read {
            read.apply(graph, registry, ownership);
        }
        match transaction.kind {
            Kind::Change => transaction.values.keys().cloned().collect(),
            Kind::Resync(_) => {
                self.skipped.clear();
                graph.keys()
            }
            Kind::Retry => {
                let due = graph.retrying().filter(|(_, retry)| retry.due <= now);
                let mut seeds: BTreeSet<Key> = due.map(|(key, _)| Key::clone(key)).collect();
                if !seeds.is_empty() {
                    seeds.append(&mut self.skipped);
                }
                seeds.into_iter().collect()
            }
        }
    }

    fn plan(&mut self, transaction: &Transaction, seeds: Vec<Key>) -> Vec<PlanOp> {
        let mut seeds = seeds;
        if matches!(transaction.kind, Kind::Resync(_)) {
            // Derived values are reached through what they are derived from.
            seeds.retain(|key| self.graph.get(key).is_some_and(|node| node.base.is_none()));
        }
        let retry = transaction.kind == Kind::Retry;
        Planner::new(&mut self.graph, &self.registry, retry).run(seeds, &self.ownership)
    }

    /// The southbound was lost: until the next full or downstream resync values are noted, but nothing is run.
    pub fn park(&mut self) {
        self.needs_resync = true;
    }

    /// Whether nothing is run before the next full or downstream resync.
    pub fn needs_resync(&self) -> bool {
        self.needs_resync
    }

    /// When the next [`Transaction::retry_failed`] has something to do.
    pub fn next_retry(&self) -> Option<SystemTime> {
        self.graph.retrying().map(|(_, retry)| retry.due).min()
    }

    /// What is known of a value; none if nothing is.
    pub fn status(&self, key: &str) -> Option<Status> {
        self.graph.get(key).map(|node| explain::status(&self.graph, &self.registry, key, node))
    }

    /// Why a value is in the state it is in, as text.
    pub fn explain(&self, key: &str) -> String {
        match self.status(key) {
            Some(status) => status.to_string(),
            None => format!("{key}: NONEXISTENT\n  nobody asks for it, and it was not found\n"),
        }
    }

    /// What is known of all values, sorted by key.
    pub fn dump(&self) -> Vec<Status> {
        self.graph.keys().iter().filter_map(|key| self.status(key)).collect()
    }

    /// How many values are known.
    pub fn len(&self) -> usize {
        self.graph.len()
    }

    /// Whether no value is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The last transactions, oldest first.
    pub fn history(&self) -> impl DoubleEndedIterator<Item = &Arc<Record>> {
        self.history.iter()
    }
}
