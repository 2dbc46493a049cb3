//! From what a source states to what is wanted.
//!
//! A source's changes are taken as a whole: while anything that it states is not good, what was wanted before stays
//! wanted. Only at the start, when nothing was wanted before, is what is good taken by itself; the caller then has
//! to know that the rest is not unwanted.

use std::collections::{BTreeMap, BTreeSet};

use kvstore::{Entry, SourceEvent, Value};
use models::{ModelValue, Registry};

/// A statement that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The key as stated.
    pub key: String,
    /// File and line, or the store.
    pub place: String,
    /// What is wrong.
    pub reason: String,
}

impl std::fmt::Display for Rejected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.place, self.reason)
    }
}

/// What changed in what is wanted.
#[derive(Debug, Default)]
pub(crate) struct Change {
    pub(crate) set: BTreeMap<String, ModelValue>,
    pub(crate) deleted: BTreeSet<String>,
    /// Statements that were not taken. Unless this is the first change, nothing else was either.
    pub(crate) rejected: Vec<Rejected>,
    /// The first change since start, or the first that is good as a whole: everything has to be compared.
    pub(crate) everything: bool,
}

/// Everything that is wanted, and what was stated and could not be taken.
#[derive(Debug)]
pub struct Wanted {
    registry: Registry,
    /// Name of this agent, for keys that say whose they are.
    label: String,
    stated: BTreeMap<String, Entry>,
    /// Stated keys that changed since the last time all was good.
    open: BTreeSet<String>,
    values: BTreeMap<String, ModelValue>,
    /// The stated key of each value's key.
    origin: BTreeMap<String, String>,
    known: bool,
    complete: bool,
    /// Part of what is stated could never be read yet.
    unread: bool,
}

impl Wanted {
    /// Nothing stated yet.
    pub fn new(registry: Registry, label: impl Into<String>) -> Self {
        Self {
            registry,
            label: label.into(),
            stated: BTreeMap::new(),
            open: BTreeSet::new(),
            values: BTreeMap::new(),
            origin: BTreeMap::new(),
            known: false,
            complete: false,
            unread: false,
        }
    }

    /// True once a source has stated something. Before, nothing is known, which is not that nothing is wanted.
    pub fn is_known(&self) -> bool {
        self.known
    }

    /// True when all that is stated was good. While it is not, what is there and not wanted is to be left alone.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// The wanted values by key.
    pub fn values(&self) -> &BTreeMap<String, ModelValue> {
        &self.values
    }

    /// Takes an event of a source.
    pub(crate) fn take(&mut self, event: SourceEvent) -> Change {
        match event {
            SourceEvent::Snapshot { entries, complete, .. } => {
                self.unread = !complete;
                self.open.extend(self.stated.keys().cloned());
                self.open.extend(entries.keys().cloned());
                self.stated = entries;
            }
            SourceEvent::Change { set, deleted, .. } => {
                self.open.extend(set.keys().chain(&deleted).cloned());
                self.stated.retain(|key, _| !deleted.contains(key));
                self.stated.extend(set);
            }
            SourceEvent::Problem(_) | SourceEvent::Recovered => return Change::default(),
        }
        self.evaluate()
    }

    fn evaluate(&mut self) -> Change {
        let mut change = Change::default();
        // Stated key -> key and value.
        let mut good: BTreeMap<String, (String, ModelValue)> = BTreeMap::new();
        for stated in &self.open {
            let Some(entry) = self.stated.get(stated) else { continue };
            let parsed = match models::split_agent_prefix(stated) {
                (Some(label), _) if label != self.label => {
                    Err(format!("{stated} is for agent {label}, this one is {}", self.label))
                }
                _ => match &entry.value {
                    Value::Json(value) => self.registry.parse_json(stated, value).map_err(|e| e.to_string()),
                    Value::Binary(_) => Err(format!("{stated}: expected JSON, found a protobuf message")),
                    Value::Undecodable { reason, position: Some(position) } => {
                        Err(format!("{stated}: {reason} ({position} of the value)"))
                    }
                    Value::Undecodable { reason, position: None } => Err(format!("{stated}: {reason}")),
                },
            };
            match parsed {
                Ok(value) => drop(good.insert(stated.clone(), (value.key(), value))),
                Err(e) => change.rejected.push(Rejected {
                    key: stated.clone(),
                    place: entry.place.clone(),
                    reason: e,
                }),
            }
        }
        self.reject_duplicates(&good, &mut change);
        if !change.rejected.is_empty() && self.known {
            return change;
        }
        change.everything = !self.complete;
        self.known = true;
        self.complete = change.rejected.is_empty() && !self.unread;
        // Keys whose statement is gone or stands under another key now.
        let given: BTreeSet<&String> = good.values().map(|(key, _)| key).collect();
        let gone: Vec<String> = self
            .origin
            .iter()
            .filter(|(key, stated)| self.open.contains(*stated) && !given.contains(key))
            .map(|(key, _)| key.clone())
            .collect();
        for key in gone {
            self.origin.remove(&key);
            self.values.remove(&key);
            change.deleted.insert(key);
        }
        for (stated, (key, value)) in good {
            self.origin.insert(key.clone(), stated);
            if self.values.get(&key) != Some(&value) {
                self.values.insert(key.clone(), value.clone());
                change.set.insert(key, value);
            }
        }
        if change.rejected.is_empty() {
            self.open.clear();
        }
        change
    }

    /// One value stated under two spellings of its key.
    fn reject_duplicates(&self, good: &BTreeMap<String, (String, ModelValue)>, change: &mut Change) {
        let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
        for (stated, (key, _)) in good {
            let settled =
                self.origin.get(key).filter(|other| !self.open.contains(*other)).map(String::as_str);
            let other = settled.or_else(|| seen.get(key.as_str()).copied());
            if let Some(other) = other.filter(|other| *other != stated) {
                let place = |k: &str| self.stated.get(k).map(|e| e.place.clone()).unwrap_or_default();
                change.rejected.push(Rejected {
                    key: stated.clone(),
                    place: place(stated),
                    reason: format!("{key} stands at {} already, as {other}", place(other)),
                });
            }
            seen.insert(key, stated);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const IF1: &str = "config/vpp/v2/interfaces/if1";
    const IF2: &str = "config/vpp/v2/interfaces/if2";

    fn loopback(name: &str) -> serde_json::Value {
        json!({"name": name, "type": "SOFTWARE_LOOPBACK"})
    }

    fn entries(items: &[(&str, serde_json::Value)]) -> BTreeMap<String, Entry> {
        let entry = |(key, value): &(&str, serde_json::Value)| {
            (key.to_string(), Entry { value: value.clone().into(), place: "a.yaml:1".to_string() })
        };
        items.iter().map(entry).collect()
    }

    fn snapshot(items: &[(&str, serde_json::Value)]) -> SourceEvent {
        SourceEvent::Snapshot { entries: entries(items), complete: true, revision: 1 }
    }

    fn change(items: &[(&str, serde_json::Value)], deleted: &[&str]) -> SourceEvent {
        let deleted = deleted.iter().map(|k| k.to_string()).collect();
        SourceEvent::Change { set: entries(items), deleted, revision: 2 }
    }

    fn wanted() -> Wanted {
        Wanted::new(Registry::builtin().unwrap(), "vpp1")
    }

    #[test]
    fn a_change_with_a_mistake_is_not_taken_at_all() {
        let mut wanted = wanted();
        wanted.take(snapshot(&[(IF1, loopback("if1"))]));
        let misspelled = "config/vpp/v2/interfces/if1";
        let result = wanted.take(change(&[(misspelled, loopback("if1")), (IF2, loopback("if2"))], &[IF1]));
        assert_eq!(result.rejected.len(), 1);
        assert!(result.rejected[0].to_string().starts_with("a.yaml:1: "), "{}", result.rejected[0]);
        assert_eq!(wanted.values().keys().collect::<Vec<_>>(), [IF1]);
        // Once the mistake is gone the rest of that change is taken, too.
        let result = wanted.take(change(&[], &[misspelled]));
        assert_eq!(result.set.keys().collect::<Vec<_>>(), [IF2]);
        assert_eq!(result.deleted.iter().collect::<Vec<_>>(), [IF1]);
    }

    #[test]
    fn at_the_start_what_is_good_is_taken_and_the_rest_is_not_unwanted() {
        let mut wanted = wanted();
        let result =
            wanted.take(snapshot(&[(IF1, json!({"name": "if1", "colour": 1})), (IF2, loopback("if2"))]));
        assert_eq!(result.rejected.len(), 1);
        assert_eq!(wanted.values().keys().collect::<Vec<_>>(), [IF2]);
        assert!(!wanted.is_complete());
        let result = wanted.take(change(&[(IF1, loopback("if1"))], &[]));
        assert!(wanted.is_complete() && result.everything);
        assert_eq!(wanted.values().len(), 2);
    }

    #[test]
    fn a_key_of_another_agent_is_not_taken_for_ours() {
        let mut wanted = wanted();
        let result =
            wanted.take(snapshot(&[("/vnf-agent/vpp2/config/vpp/v2/interfaces/if1", loopback("if1"))]));
        assert!(result.rejected[0].reason.contains("agent vpp2"), "{}", result.rejected[0]);
        assert!(wanted.values().is_empty());
    }

    #[test]
    fn one_value_under_two_spellings_of_its_key_is_a_mistake() {
        let mut wanted = wanted();
        wanted.take(snapshot(&[(IF1, loopback("if1"))]));
        let other = "/vnf-agent/vpp1/config/vpp/v2/interfaces/if1";
        let result = wanted.take(change(&[(other, loopback("if1"))], &[]));
        assert!(result.rejected[0].reason.contains("already"), "{}", result.rejected[0]);
    }
}
