//! What one source states.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use kvscheduler::{AnyValue, Key};
use kvstore::{Entry, SourceEvent, Value};
use models::{ModelMessage, ModelValue, ModelVisitor, Registry};

use crate::ledger::Ledger;

/// Labels of an item: free text that clients attach and filter by.
pub type Labels = BTreeMap<String, String>;

/// What agents write under their own prefix, beside the configuration.
pub const NOT_CONFIGURATION: [&str; 5] =
    ["vpp/status/", "linux/status/", "check/status/", "config-status/", "probe-"];

/// A statement that could not be taken. What was configured for its key stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The key as stated.
    pub key: String,
    /// Name of the source.
    pub source: String,
    /// File and line, or the store with key and revision.
    pub place: String,
    /// What is wrong.
    pub reason: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.reason)
    }
}

/// One item of a source.
#[derive(Debug, Default)]
pub(crate) struct Item {
    /// The last good value; none if there never was one.
    pub(crate) value: Option<AnyValue>,
    /// Why the newest is not good.
    pub(crate) fault: Option<Arc<Fault>>,
    pub(crate) labels: Option<Arc<Labels>>,
    /// How the key is spelled, where that is not the canonical way.
    spelled: Option<Box<str>>,
}

/// What a client wants to state: see [`Stated::put`].
pub(crate) struct Put {
    pub(crate) value: ModelValue,
    pub(crate) labels: Labels,
}

/// What an event has changed.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    /// Values to be looked at again.
    pub(crate) keys: BTreeSet<Key>,
    /// Faults that are new.
    pub(crate) faults: Vec<Arc<Fault>>,
    /// Keys whose faults have changed, also where that they have none any more.
    pub(crate) judged: BTreeSet<Key>,
    /// What may be removed has changed.
    pub(crate) everything: bool,
}

impl Touched {
    pub(crate) fn merge(&mut self, other: Self) {
        self.keys.extend(other.keys);
        self.faults.extend(other.faults);
        self.judged.extend(other.judged);
        self.everything |= other.everything;
    }
}

/// What one source states.
#[derive(Debug, Default)]
pub(crate) struct Stated {
    pub(crate) items: BTreeMap<Key, Item>,
    /// By the key as stated: keys of no model, and second spellings of a key.
    pub(crate) strays: BTreeMap<Key, Arc<Fault>>,
    /// Second spellings, with what they state, by canonical key.
    second: BTreeMap<Key, BTreeMap<String, Entry>>,
    /// Keys as stated that are gone, with the keys of no model that came when they went.
    held: BTreeMap<String, BTreeSet<Key>>,
    /// It has stated something. Before, nothing is known, which is not that nothing is wanted.
    pub(crate) known: bool,
    /// All that it states could be read at least once.
    pub(crate) complete: bool,
}

/// What is needed to understand a statement.
pub(crate) struct Reader<'a> {
    pub(crate) registry: &'a Registry,
    /// Name of this agent.
    pub(crate) label: &'a str,
    /// Name of the source.
    pub(crate) source: &'a str,
    /// Where most keys are known already.
    pub(crate) ledger: &'a Ledger,
}

impl Reader<'_> {
    fn fault(&self, key: &str, place: &str, reason: impl Into<String>) -> Arc<Fault> {
        let (source, place) = (self.source.to_owned(), place.to_owned());
        Arc::new(Fault { key: key.to_owned(), source, place, reason: reason.into() })
    }

    /// The canonical key, or nothing where the key is no configuration at all.
    fn key(&self, stated: &str, place: &str) -> Option<Result<Key, Arc<Fault>>> {
        let (label, key) = models::split_agent_prefix(stated);
        if let Some(other) = label.filter(|label| *label != self.label) {
            let reason = format!("{stated} is for agent {other}, this one is {}", self.label);
            return Some(Err(self.fault(stated, place, reason)));
        }
        if label.is_some() && NOT_CONFIGURATION.iter().any(|prefix| key.starts_with(prefix)) {
            return None;
        }
        let canonical = self.registry.canonical_key(stated);
        let shared = |key: String| self.ledger.shared(&key).cloned().unwrap_or_else(|| Key::from(key));
        Some(canonical.map(shared).map_err(|error| self.fault(stated, place, error.to_string())))
    }

    fn value(&self, stated: &str, entry: &Entry) -> Result<AnyValue, Arc<Fault>> {
        let read = match &entry.value {
            Value::Json(json) => self.registry.parse_json(stated, json).map_err(|e| e.to_string()),
            Value::Binary(bytes) => self.registry.parse_bytes(stated, bytes).map_err(|e| e.to_string()),
            Value::Undecodable { reason, position } => Err(match position {
                Some(position) => format!("{stated}: {position}: {reason}"),
                None => format!("{stated}: {reason}"),
            }),
        };
        read.map(any_value).map_err(|reason| self.fault(stated, &entry.place, reason))
    }
}

impl Stated {
    /// Takes an event of the source.
    pub(crate) fn take(&mut self, reader: &Reader<'_>, event: SourceEvent) -> Touched {
        let mut touched = Touched::default();
        match event {
            SourceEvent::Snapshot { entries, complete, .. } => {
                touched.everything = !self.known || (complete && !self.complete);
                (self.known, self.complete) = (true, complete);
                self.replace(reader, entries, &mut touched);
            }
            SourceEvent::Change { set, deleted, .. } => {
                let new = set.iter().filter(|(key, entry)| {
                    let known = self.strays.contains_key(key.as_str());
                    !known && matches!(reader.key(key, &entry.place), Some(Err(_)))
                });
                let misspelled: BTreeSet<Key> = new.map(|(key, _)| Key::from(key.as_str())).collect();
                for key in deleted {
                    // In a store a key is deleted by its name. In a file one that goes while one of no model comes
                    // was most likely misspelled just now.
                    if misspelled.is_empty() || models::split_agent_prefix(&key).0.is_some() {
                        self.held.remove(&key);
                        self.delete(reader, &key, &mut touched);
                    } else {
                        let source = reader.source;
                        tracing::warn!(source, key, "not removed until what came with it is mended");
                        self.held.insert(key, misspelled.clone());
                    }
                }
                for (key, entry) in set {
                    self.held.remove(&key);
                    self.set(reader, key, entry, &mut touched);
                }
                let mended = |strays: &BTreeSet<Key>| !strays.iter().any(|key| self.strays.contains_key(key));
                let free = self.held.iter().filter(|(_, strays)| mended(strays));
                let free: Vec<String> = free.map(|(key, _)| key.clone()).collect();
                for key in free {
                    self.held.remove(&key);
                    self.delete(reader, &key, &mut touched);
                }
            }
            SourceEvent::Problem(_) | SourceEvent::Recovered => {}
        }
        touched
    }

    fn replace(&mut self, reader: &Reader<'_>, entries: BTreeMap<String, Entry>, touched: &mut Touched) {
        let mut seen = BTreeSet::new();
        let mut strays = BTreeSet::new();
        self.held.clear();
        for key in std::mem::take(&mut self.second).into_values().flat_map(BTreeMap::into_keys) {
            self.clear_stray(&key, touched);
        }
        for (stated, entry) in entries {
            match reader.key(&stated, &entry.place) {
                Some(Ok(key)) => {
                    seen.insert(Key::clone(&key));
                    self.set_keyed(reader, key, stated, entry, touched);
                }
                Some(Err(fault)) => {
                    strays.insert(stated);
                    self.stray(fault, touched);
                }
                None => {}
            }
        }
        let gone = self.items.keys().filter(|key| !seen.contains(*key)).cloned();
        for key in gone.collect::<Vec<_>>() {
            self.forget(&key, touched);
        }
        let second = self.second.values().flat_map(BTreeMap::keys);
        strays.extend(second.cloned());
        let gone = self.strays.keys().filter(|key| !strays.contains(&***key)).cloned();
        for key in gone.collect::<Vec<_>>() {
            self.clear_stray(&key, touched);
        }
    }

    fn set(&mut self, reader: &Reader<'_>, stated: String, entry: Entry, touched: &mut Touched) {
        let key = match reader.key(&stated, &entry.place) {
            Some(Ok(key)) => key,
            Some(Err(fault)) => return self.stray(fault, touched),
            None => return,
        };
        self.set_keyed(reader, key, stated, entry, touched);
    }

    fn set_keyed(
        &mut self,
        reader: &Reader<'_>,
        key: Key,
        stated: String,
        entry: Entry,
        touched: &mut Touched,
    ) {
        let known = self.items.get(&key);
        if let Some(known) = known
            && known.spelling(&key) != models::split_agent_prefix(&stated).1
        {
            let first = known.spelling(&key);
            let reason = format!("{key} is stated twice, as {first} and as {stated}; remove one of them");
            self.stray(reader.fault(&stated, &entry.place, reason), touched);
            self.second.entry(key).or_default().insert(stated, entry);
            return;
        }
        self.put_entry(reader, key, stated, entry, touched);
    }

    fn put_entry(
        &mut self,
        reader: &Reader<'_>,
        key: Key,
        stated: String,
        entry: Entry,
        touched: &mut Touched,
    ) {
        let read = reader.value(&stated, &entry);
        let (_, plain) = models::split_agent_prefix(&stated);
        let spelled = (plain != &*key).then(|| plain.into());
        let item = self.items.entry(Key::clone(&key)).or_default();
        item.spelled = spelled;
        match read {
            Ok(value) => {
                if item.fault.take().is_some() {
                    touched.judged.insert(Key::clone(&key));
                }
                let same = item.value.as_ref().is_some_and(|known| known.equals(value.as_ref()));
                if !same {
                    item.value = Some(value);
                    touched.keys.insert(key);
                }
            }
            Err(fault) => {
                if item.fault.as_ref() != Some(&fault) {
                    touched.judged.insert(key);
                    touched.faults.push(Arc::clone(&fault));
                }
                item.fault = Some(fault);
            }
        }
    }

    fn delete(&mut self, reader: &Reader<'_>, stated: &str, touched: &mut Touched) {
        self.clear_stray(stated, touched);
        let Some(Ok(key)) = reader.key(stated, "") else { return };
        if let Some(second) = self.second.get_mut(&key)
            && second.remove(stated).is_some()
        {
            if second.is_empty() {
                self.second.remove(&key);
            }
            return;
        }
        self.forget(&key, touched);
        // Who was second is first now.
        if let Some(mut second) = self.second.remove(&key)
            && let Some((stated, entry)) = second.pop_first()
        {
            self.clear_stray(&stated, touched);
            if !second.is_empty() {
                self.second.insert(Key::clone(&key), second);
            }
            self.put_entry(reader, key, stated, entry, touched);
        }
    }

    fn forget(&mut self, key: &Key, touched: &mut Touched) {
        if let Some(item) = self.items.remove(key) {
            touched.keys.insert(Key::clone(key));
            if item.fault.is_some() {
                touched.judged.insert(Key::clone(key));
            }
        }
    }

    fn stray(&mut self, fault: Arc<Fault>, touched: &mut Touched) {
        let key = Key::from(fault.key.as_str());
        touched.judged.insert(Key::clone(&key));
        if self.strays.insert(key, Arc::clone(&fault)).as_ref() != Some(&fault) {
            touched.faults.push(fault);
        }
    }

    fn clear_stray(&mut self, stated: &str, touched: &mut Touched) {
        if let Some((key, _)) = self.strays.remove_entry(stated) {
            touched.judged.insert(key);
        }
    }

    /// Takes what a client states. `None` takes an item away.
    pub(crate) fn put(&mut self, items: Vec<(Key, Option<Put>)>, overwrite_all: bool) -> Touched {
        let mut touched = Touched { everything: false, ..Touched::default() };
        (self.known, self.complete) = (true, true);
        if overwrite_all {
            let kept: BTreeSet<&Key> = items.iter().map(|(key, _)| key).collect();
            let gone: Vec<Key> = self.items.keys().filter(|key| !kept.contains(key)).cloned().collect();
            for key in gone {
                self.forget(&key, &mut touched);
            }
        }
        for (key, put) in items {
            let Some(put) = put else {
                self.forget(&key, &mut touched);
                continue;
            };
            let labels = (!put.labels.is_empty()).then(|| Arc::new(put.labels));
            let item = Item { value: Some(any_value(put.value)), labels, ..Item::default() };
            self.items.insert(Key::clone(&key), item);
            touched.keys.insert(key);
        }
        touched
    }
}

impl Item {
    fn spelling<'a>(&'a self, key: &'a Key) -> &'a str {
        self.spelled.as_deref().unwrap_or(key)
    }
}

struct Shared;

impl ModelVisitor for Shared {
    type Output = AnyValue;

    fn visit<M: ModelMessage>(self, value: M) -> AnyValue {
        Arc::new(value)
    }
}

/// A value as the scheduler takes it.
pub(crate) fn any_value(value: ModelValue) -> AnyValue {
    value.visit(Shared)
}
