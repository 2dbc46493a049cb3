//! Looking at a scheduler while it works.

use std::sync::Arc;
use std::time::SystemTime;

use crate::explain::{self, Status};
use crate::export::{GraphFilter, GraphView};
use crate::history::Event;
use crate::record::Record;
use crate::shared::Shared;
use crate::value::Key;
use crate::watch::Watcher;

/// A look at a scheduler. It does not wait for transactions: while one runs, it shows what has been done so far.
#[derive(Clone)]
pub struct View {
    shared: Arc<Shared>,
}

impl View {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// What is known of a value; none if nothing is.
    pub fn status(&self, key: &str) -> Option<Status> {
        let mut inner = self.shared.lock();
        let mut status = explain::status(&inner, &self.shared.registry, key)?;
        status.history = self.events(&mut inner, key);
        Some(status)
    }

    fn events(&self, inner: &mut crate::shared::Inner, key: &str) -> Vec<Event> {
        inner.history.events(key, inner.clock.monotonic(), &inner.limits)
    }

    /// Why a value is in the state it is in, as text: what it waits for and whether anybody asks for that, its last
    /// error, when it is tried again, and the states that it had.
    pub fn explain(&self, key: &str) -> String {
        if let Some(status) = self.status(key) {
            return status.to_string();
        }
        let mut inner = self.shared.lock();
        let events = self.events(&mut inner, key);
        explain::unknown(&inner.graph, &self.shared.registry, key, &events)
    }

    /// The last states of a value, oldest first, also of one that is gone.
    pub fn value_history(&self, key: &str) -> Vec<Event> {
        let mut inner = self.shared.lock();
        self.events(&mut inner, key)
    }

    /// What is known of all values, sorted by key.
    pub fn dump(&self) -> Vec<Status> {
        let inner = self.shared.lock();
        let keys = inner.graph.keys();
        keys.iter().filter_map(|key| explain::status(&inner, &self.shared.registry, key)).collect()
    }

    /// The values and what they need and are derived from, as they are now.
    pub fn graph(&self, filter: &GraphFilter) -> GraphView {
        let nodes = self.shared.lock().graph.snapshot();
        GraphView::new(&nodes, &self.shared.registry, filter)
    }

    /// The last transactions, oldest first.
    pub fn history(&self) -> Vec<Arc<Record>> {
        let mut inner = self.shared.lock();
        let inner = &mut *inner;
        inner.history.records(inner.clock.monotonic(), &inner.limits)
    }

    /// A transaction of the history.
    pub fn transaction(&self, seq: u64) -> Option<Arc<Record>> {
        self.history().into_iter().find(|record| record.seq == seq)
    }

    /// Watches the states of those values whose key the filter accepts.
    pub fn watch(&self, filter: impl Fn(&str) -> bool + Send + Sync + 'static) -> Watcher {
        let mut inner = self.shared.lock();
        let inner = &mut *inner;
        let watcher = inner.watchers.add(&inner.graph, Arc::new(filter));
        inner.publish();
        inner.observe();
        watcher
    }

    /// When the next failed operation is tried again, on the clock on the wall as it stands now.
    pub fn next_retry(&self) -> Option<SystemTime> {
        let inner = self.shared.lock();
        let (due, _) = inner.graph.retrying().next()?;
        inner.clock.now().checked_add(due.saturating_sub(inner.clock.monotonic()))
    }

    /// Whether nothing is run before the next full or downstream resync.
    pub fn needs_resync(&self) -> bool {
        self.shared.lock().needs_resync
    }

    /// All keys that are known, sorted.
    pub fn keys(&self) -> Vec<Key> {
        self.shared.lock().graph.keys()
    }
}
