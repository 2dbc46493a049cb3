//! What is wanted of all that the sources state.

use std::collections::BTreeSet;
use std::sync::Arc;

use kvscheduler::{AnyValue, Key};
use kvstore::SourceEvent;
use models::Registry;

use crate::ledger::Ledger;
use crate::stated::{Fault, Labels, Put, Reader, Stated, Touched};

/// Who states something, and whether it is told apart from what others state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Name, such as `etcd`; it stays the same across restarts.
    pub name: String,
    /// Of those that state a value, the one with the highest priority has its way; of equals the one whose name comes
    /// first.
    pub priority: i32,
}

impl Identity {
    /// A source with a priority.
    pub fn new(name: impl Into<String>, priority: i32) -> Self {
        Self { name: name.into(), priority }
    }
}

struct Member {
    identity: Identity,
    stated: Stated,
}

/// What becomes of a key.
#[derive(Debug)]
pub(crate) enum Verdict<'a> {
    /// This value is wanted, as this source says.
    Wanted(&'a AnyValue, &'a str),
    /// It is not known what is wanted: what is configured stays.
    Unknown,
    /// Nobody wants it.
    Unwanted,
}

/// All sources, the one with the highest priority first.
pub(crate) struct Merge {
    registry: Arc<Registry>,
    label: String,
    members: Vec<Member>,
}

impl Merge {
    pub(crate) fn new(registry: Arc<Registry>, label: String) -> Self {
        Self { registry, label, members: Vec::new() }
    }

    /// Adds a source, or finds it.
    pub(crate) fn join(&mut self, identity: Identity) {
        if self.members.iter().any(|member| member.identity.name == identity.name) {
            return;
        }
        self.members.push(Member { identity, stated: Stated::default() });
        self.members.sort_by(|a, b| {
            let (a, b) = (&a.identity, &b.identity);
            b.priority.cmp(&a.priority).then_with(|| a.name.cmp(&b.name))
        });
    }

    /// Takes an event of a source.
    pub(crate) fn take(&mut self, source: &str, event: SourceEvent, ledger: &Ledger) -> Touched {
        let Some(member) = self.members.iter_mut().find(|member| member.identity.name == source) else {
            return Touched::default();
        };
        let reader = Reader { registry: &self.registry, label: &self.label, source, ledger };
        member.stated.take(&reader, event)
    }

    /// Takes what a client states.
    pub(crate) fn put(
        &mut self,
        source: &str,
        items: Vec<(Key, Option<Put>)>,
        overwrite_all: bool,
    ) -> Touched {
        let found = self.members.iter_mut().find(|member| member.identity.name == source);
        found.map(|member| member.stated.put(items, overwrite_all)).unwrap_or_default()
    }

    /// Whether any source has stated anything.
    pub(crate) fn is_known(&self) -> bool {
        self.members.iter().any(|member| member.stated.known)
    }

    /// What is wanted for a key.
    pub(crate) fn verdict(&self, key: &Key, ledger: &Ledger) -> Verdict<'_> {
        let mut unknown = false;
        for member in &self.members {
            let Some(item) = member.stated.items.get(key) else {
                // It was configured as this source said, and the source has not said yet that it is no more.
                if !member.stated.complete && ledger.source(key) == Some(member.identity.name.as_str()) {
                    return Verdict::Unknown;
                }
                continue;
            };
            match &item.value {
                Some(value) => return Verdict::Wanted(value, &member.identity.name),
                None => unknown = true,
            }
        }
        let silent = || self.members.iter().any(|member| !member.stated.complete);
        match unknown || (ledger.source(key) == Some("") && silent()) {
            true => Verdict::Unknown,
            false => Verdict::Unwanted,
        }
    }

    /// Every key that any source states, once.
    pub(crate) fn keys(&self) -> BTreeSet<&Key> {
        self.members.iter().flat_map(|member| member.stated.items.keys()).collect()
    }

    /// What is wrong with the statements about a key.
    pub(crate) fn faults(&self, key: &Key) -> Vec<Arc<Fault>> {
        let of = |member: &Member| {
            let item = member.stated.items.get(key).and_then(|item| item.fault.clone());
            item.or_else(|| member.stated.strays.get(key).cloned())
        };
        self.members.iter().filter_map(of).collect()
    }

    /// The labels of a key, by the source that has its way.
    pub(crate) fn labels(&self, key: &Key) -> Option<Arc<Labels>> {
        let item = self.members.iter().find_map(|member| member.stated.items.get(key))?;
        item.labels.clone()
    }

    /// Whether every source has stated all that it has to state.
    pub(crate) fn is_complete(&self) -> bool {
        self.members.iter().all(|member| member.stated.complete)
    }
}
