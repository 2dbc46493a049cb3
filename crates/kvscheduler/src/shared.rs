//! What the scheduler and those who look at it share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock::Clock;
use crate::graph::Graph;
use crate::history::{History, Limits};
use crate::registry::Registry;
use crate::watch::Watchers;

pub(crate) struct Inner {
    pub(crate) graph: Graph,
    pub(crate) history: History,
    pub(crate) watchers: Watchers,
    pub(crate) limits: Limits,
    pub(crate) clock: Arc<dyn Clock>,
    /// The transaction that runs, or ran last.
    pub(crate) seq: u64,
    pub(crate) needs_resync: bool,
    /// Whose values the last resync could not read back, and why; no reason where they never can be.
    pub(crate) unread: BTreeMap<u16, Option<String>>,
}

impl Inner {
    /// Has changes of states noted if anybody wants to know them.
    pub(crate) fn observe(&mut self) {
        let wanted = self.limits.events > 0 || !self.watchers.is_empty();
        self.graph.note_changes(wanted);
    }

    /// Tells everybody who wants to know about the states that changed.
    pub(crate) fn publish(&mut self) {
        let changed = self.graph.take_changed();
        if changed.is_empty() {
            return;
        }
        let now = (self.clock.now(), self.clock.monotonic());
        for key in &changed {
            let node = self.graph.get(key);
            self.history.note(key, node, self.seq, now, &self.limits);
            self.watchers.tell(key, node);
        }
    }
}

/// Locked for moments only, never while the southbound works.
pub(crate) struct Shared {
    inner: Mutex<Inner>,
    pub(crate) registry: Registry,
}

impl Shared {
    pub(crate) fn new(registry: Registry, clock: Arc<dyn Clock>, limits: Limits) -> Self {
        let mut inner = Inner {
            graph: Graph::default(),
            history: History::default(),
            watchers: Watchers::default(),
            limits,
            clock,
            seq: 0,
            needs_resync: false,
            unread: BTreeMap::new(),
        };
        inner.observe();
        Self { inner: Mutex::new(inner), registry }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        // A predicate or a descriptor of the user may have panicked while planning: what was played through is undone,
        // and what remains is as it was before.
        self.inner.lock().unwrap_or_else(|poisoned: PoisonError<MutexGuard<'_, Inner>>| {
            let mut inner = poisoned.into_inner();
            inner.graph.rollback();
            inner
        })
    }
}
