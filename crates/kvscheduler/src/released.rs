//! Which deletes have to come before that of a key: those of all values that needed it.

use std::collections::{BTreeMap, HashMap};

use crate::descriptor::{KeyPredicate, Target};
use crate::erased::Shape;

/// What planned deletes set free.
#[derive(Default)]
pub(crate) struct Released {
    keys: HashMap<String, Vec<usize>>,
    /// Prefixes of any-of dependencies without predicate.
    prefixes: BTreeMap<String, Vec<usize>>,
    choosers: Vec<(Vec<String>, KeyPredicate, usize)>,
}

impl Released {
    /// Notes that this operation deletes a value that needed all this.
    pub(crate) fn add(&mut self, shape: &Shape, index: usize) {
        for need in &shape.needs {
            match &need.target {
                Target::Key(key) => self.keys.entry(key.to_string()).or_default().push(index),
                Target::AnyOf(any) => match &any.predicate {
                    Some(predicate) => {
                        self.choosers.push((any.prefixes.clone(), KeyPredicate::clone(predicate), index));
                    }
                    None => {
                        for prefix in &any.prefixes {
                            self.prefixes.entry(prefix.clone()).or_default().push(index);
                        }
                    }
                },
            }
        }
    }

    /// The deletes of those that needed this very key, or accepted it.
    pub(crate) fn by(&self, key: &str) -> Vec<usize> {
        let choosers = self
            .choosers
            .iter()
            .filter(|(prefixes, accepts, _)| {
                prefixes.iter().any(|prefix| key.starts_with(prefix)) && accepts(key)
            })
            .map(|(_, _, index)| *index);
        self.keys.get(key).into_iter().flatten().copied().chain(choosers).collect()
    }

    /// The deletes of those that needed any key like this one.
    pub(crate) fn gate(&self, key: &str) -> Option<Vec<usize>> {
        let matching = self.prefixes.iter().filter(|(prefix, _)| key.starts_with(prefix.as_str()));
        let all: Vec<usize> = matching.flat_map(|(_, indexes)| indexes.iter().copied()).collect();
        (!all.is_empty()).then_some(all)
    }

    /// From here on, this operation stands for all of them.
    pub(crate) fn gated(&mut self, key: &str, gate: usize) {
        for (_, indexes) in self.prefixes.iter_mut().filter(|(prefix, _)| key.starts_with(prefix.as_str())) {
            *indexes = vec![gate];
        }
    }
}
