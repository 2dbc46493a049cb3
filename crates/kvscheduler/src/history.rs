//! What happened: the last transactions, and the last states of each value. Bounded by count and age.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hashbrown::HashMap;

use crate::node::Node;
use crate::record::Record;
use crate::state::{Operation, State};
use crate::value::{AnyValue, Key};

/// How many operations all kept transactions may have together; the last transaction is kept in any case.
const MOST_OPERATIONS: usize = 1_000_000;

/// How many values that are gone keep their history.
const MOST_GONE: usize = 10_000;

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) records: usize,
    pub(crate) events: usize,
    pub(crate) age: Duration,
}

/// A state that a value had.
#[derive(Debug, Clone)]
pub struct Event {
    /// Since when.
    pub at: SystemTime,
    /// The transaction that brought it.
    pub seq: u64,
    /// The state.
    pub state: State,
    /// The last operation on the value.
    pub operation: Option<Operation>,
    /// Why the operation failed or was not run, or why the value was refused.
    pub error: Option<Arc<str>>,
    /// What was there.
    pub value: Option<AnyValue>,
    pub(crate) monotonic: Duration,
}

#[derive(Default)]
pub(crate) struct History {
    records: VecDeque<(Duration, Arc<Record>)>,
    operations: usize,
    events: HashMap<Key, VecDeque<Event>>,
    gone: VecDeque<Key>,
}

fn size(record: &Record) -> usize {
    let executed = if Arc::ptr_eq(&record.planned, &record.executed) { 0 } else { record.executed.len() };
    record.planned.len() + executed
}

impl History {
    pub(crate) fn keep(&mut self, record: &Arc<Record>, now: Duration, limits: &Limits) {
        if limits.records == 0 {
            return;
        }
        self.operations += size(record);
        self.records.push_back((now, Arc::clone(record)));
        self.forget(now, limits);
    }

    /// Forgets transactions that are too old or too many.
    fn forget(&mut self, now: Duration, limits: &Limits) {
        while let Some((at, oldest)) = self.records.front() {
            let many = self.records.len() > limits.records
                || (self.operations > MOST_OPERATIONS && self.records.len() > 1);
            if !many && now.saturating_sub(*at) <= limits.age {
                break;
            }
            self.operations = self.operations.saturating_sub(size(oldest));
            self.records.pop_front();
        }
    }

    pub(crate) fn records(&mut self, now: Duration, limits: &Limits) -> Vec<Arc<Record>> {
        self.forget(now, limits);
        self.records.iter().map(|(_, record)| Arc::clone(record)).collect()
    }

    /// Notes the state that a value has now; none: it is gone.
    pub(crate) fn note(
        &mut self,
        key: &Key,
        node: Option<&Node>,
        seq: u64,
        (at, monotonic): (SystemTime, Duration),
        limits: &Limits,
    ) {
        if limits.events == 0 {
            return;
        }
        let event = match node {
            Some(node) => Event {
                at,
                seq,
                state: node.state,
                operation: node.last,
                error: node.error.clone(),
                value: node.present.as_ref().map(|present| Arc::clone(&present.held.value)),
                monotonic,
            },
            None => Event {
                at,
                seq,
                state: State::Removed,
                operation: Some(Operation::Delete),
                error: None,
                value: None,
                monotonic,
            },
        };
        let events = self.events.entry_ref(key).or_default();
        let old = |event: &Event| monotonic.saturating_sub(event.monotonic) > limits.age;
        while events.len() >= limits.events || events.front().is_some_and(old) {
            events.pop_front();
        }
        // Most values have few states ever, so room is made as it is needed.
        if events.len() == events.capacity() {
            events.reserve_exact(events.len().max(1));
        }
        events.push_back(event);
        if node.is_none() {
            self.gone.push_back(Key::clone(key));
            if self.gone.len() > MOST_GONE
                && let Some(oldest) = self.gone.pop_front()
                && self.events.get(&oldest).is_some_and(has_gone)
            {
                self.events.remove(&oldest);
            }
        }
    }

    /// The last states of a value, oldest first.
    pub(crate) fn events(&self, key: &str, now: Duration, limits: &Limits) -> Vec<Event> {
        let young = |event: &&Event| now.saturating_sub(event.monotonic) <= limits.age;
        self.events.get(key).into_iter().flatten().filter(young).cloned().collect()
    }
}

fn has_gone(events: &VecDeque<Event>) -> bool {
    events.back().is_some_and(|event| event.state == State::Removed)
}
