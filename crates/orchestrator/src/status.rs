//! The state of every value: what the scheduler knows, and what was stated but could not be read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use kvscheduler::{Key, Operation, State, Status, View, Watcher};
use tokio::sync::Notify;

use crate::stated::{Fault, Labels};

/// The state of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueStatus {
    /// Its key; of a statement that belongs to no model, the key as stated.
    pub key: String,
    /// Its state.
    pub state: State,
    /// Why it is not as wanted.
    pub error: Option<String>,
    /// The last operation.
    pub operation: Option<Operation>,
    /// What it waits for.
    pub details: Vec<String>,
    /// The states of what is derived from it.
    pub derived: Vec<ValueStatus>,
}

/// How it stands with a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceState {
    /// It has said nothing yet.
    Waiting,
    /// All that it states is known.
    Followed,
    /// It cannot be read, or not all of it: why. What it stated before stays.
    Away(String),
}

#[derive(Default)]
struct Noted {
    sources: BTreeMap<String, SourceState>,
    faults: BTreeMap<Key, Vec<Arc<Fault>>>,
    labels: BTreeMap<Key, Arc<Labels>>,
    listeners: Vec<Weak<Listener>>,
}

#[derive(Default)]
struct Listener {
    keys: Mutex<BTreeSet<Key>>,
    told: Notify,
}

/// The states of all values. Clones share them. Asking waits for no transaction.
#[derive(Clone)]
pub struct Statuses {
    view: View,
    noted: Arc<Mutex<Noted>>,
}

impl Statuses {
    pub(crate) fn new(view: View) -> Self {
        Self { view, noted: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what is wrong with what is stated about a key.
    pub(crate) fn judge(&self, key: &Key, faults: Vec<Arc<Fault>>) {
        let mut noted = self.lock();
        match faults.is_empty() {
            true => drop(noted.faults.remove(key)),
            false => drop(noted.faults.insert(Key::clone(key), faults)),
        }
        noted.listeners.retain(|listener| {
            let Some(listener) = listener.upgrade() else { return false };
            listener.keys.lock().unwrap_or_else(PoisonError::into_inner).insert(Key::clone(key));
            listener.told.notify_one();
            true
        });
    }

    /// Notes how it stands with a source.
    pub(crate) fn source(&self, name: &str, state: SourceState) {
        self.lock().sources.insert(name.to_owned(), state);
    }

    /// Notes that a source has stated something. What cannot be read of it is told by itself.
    pub(crate) fn heard(&self, name: &str) {
        if let Some(state @ SourceState::Waiting) = self.lock().sources.get_mut(name) {
            *state = SourceState::Followed;
        }
    }

    /// How it stands with the sources, by name.
    pub fn sources(&self) -> BTreeMap<String, SourceState> {
        self.lock().sources.clone()
    }

    pub(crate) fn label(&self, key: &Key, labels: Option<Arc<Labels>>) {
        let mut noted = self.lock();
        match labels {
            Some(labels) => drop(noted.labels.insert(Key::clone(key), labels)),
            None => drop(noted.labels.remove(key)),
        }
    }

    /// The scheduler itself: graph, history, explanations.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// The state of a value; none if nothing is known of it.
    pub fn get(&self, key: &str) -> Option<ValueStatus> {
        let known = self.view.status(key);
        let faults = self.lock().faults.get(key).cloned();
        let mut status = match (&known, &faults) {
            (Some(known), _) => of(known),
            (None, Some(_)) => ValueStatus {
                key: key.to_owned(),
                state: State::Invalid,
                error: None,
                operation: None,
                details: Vec::new(),
                derived: Vec::new(),
            },
            (None, None) => return None,
        };
        if let Some(faults) = faults {
            // What was good before stays configured; what is wanted now could not be read.
            status.state = State::Invalid;
            status.error = Some(faults.iter().map(|fault| fault.to_string()).collect::<Vec<_>>().join("; "));
        }
        let derived = known.into_iter().flat_map(|known| known.derived);
        status.derived =
            derived.filter_map(|child| self.view.status(&child)).map(|child| of(&child)).collect();
        Some(status)
    }

    /// The labels of a value.
    pub fn labels(&self, key: &str) -> Arc<Labels> {
        self.lock().labels.get(key).cloned().unwrap_or_default()
    }

    /// The states of all values that are not derived from others, sorted by key.
    pub fn dump(&self) -> Vec<ValueStatus> {
        let mut all: BTreeMap<Key, ValueStatus> = BTreeMap::new();
        let mut derived: Vec<(Key, ValueStatus)> = Vec::new();
        for status in self.view.dump() {
            match &status.base {
                Some(base) => derived.push((Key::clone(base), of(&status))),
                None => drop(all.insert(Key::clone(&status.key), of(&status))),
            }
        }
        for (base, status) in derived {
            if let Some(base) = all.get_mut(&base) {
                base.derived.push(status);
            }
        }
        let faulty: Vec<Key> = self.lock().faults.keys().cloned().collect();
        for key in faulty {
            if let Some(status) = self.get(&key) {
                all.insert(key, status);
            }
        }
        all.into_values().collect()
    }

    /// Watches the states of all values.
    pub fn watch(&self) -> StatusWatcher {
        let listener = Arc::new(Listener::default());
        let mut noted = self.lock();
        listener.keys.lock().unwrap_or_else(PoisonError::into_inner).extend(noted.faults.keys().cloned());
        listener.told.notify_one();
        noted.listeners.push(Arc::downgrade(&listener));
        drop(noted);
        StatusWatcher { statuses: self.clone(), scheduler: self.view.watch(|_| true), listener }
    }
}

/// Gives the values whose state changed. Who is slow misses states in between, never the last one.
pub struct StatusWatcher {
    statuses: Statuses,
    scheduler: Watcher,
    listener: Arc<Listener>,
}

impl StatusWatcher {
    /// The values, not derived ones, whose state or that of something derived from them has changed since the last call,
    /// with the state that they have now; none for those of which nothing is known any more. None at all: there is
    /// no scheduler any more.
    pub async fn next(&mut self) -> Option<Vec<(Key, Option<ValueStatus>)>> {
        let mut keys: BTreeSet<Key> = BTreeSet::new();
        tokio::select! {
            changes = self.scheduler.next() => keys.extend(changes?.into_iter().map(|change| change.key)),
            () = self.listener.told.notified() => {}
        }
        keys.extend(std::mem::take(&mut *self.listener.keys.lock().unwrap_or_else(PoisonError::into_inner)));
        let bases = keys.into_iter().map(|key| match self.statuses.view.status(&key) {
            Some(Status { base: Some(base), .. }) => base,
            _ => key,
        });
        let bases: BTreeSet<Key> = bases.collect();
        Some(bases.into_iter().map(|key| (Key::clone(&key), self.statuses.get(&key))).collect())
    }
}

fn of(status: &Status) -> ValueStatus {
    let details = status.unmet.iter().map(|unmet| unmet.target.clone()).collect();
    ValueStatus {
        key: status.key.to_string(),
        state: status.state,
        error: status.error.clone(),
        operation: status.last_operation,
        details,
        derived: Vec::new(),
    }
}
