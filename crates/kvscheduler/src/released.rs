//! Which deletes have to come before that of a key: those of all values that needed it.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use crate::descriptor::{AnyOf, Target};
use crate::erased::Shape;
use crate::value::Key;

/// What planned deletes set free.
#[derive(Default)]
pub(crate) struct Released {
    keys: HashMap<Key, Vec<usize>>,
    /// Any-of dependencies by prefix.
    prefixes: HashMap<String, Needed>,
    /// How many prefixes there are of each length.
    lengths: BTreeMap<usize, usize>,
}

#[derive(Default)]
struct Needed {
    plain: Vec<usize>,
    choosers: Vec<(AnyOf, usize)>,
}

impl Released {
    /// Notes that this operation deletes a value that needed all this.
    pub(crate) fn add(&mut self, shape: &Shape, index: usize) {
        for need in &shape.needs {
            match &need.target {
                Target::Key(key) => self.keys.entry_ref(key).or_default().push(index),
                Target::AnyOf(any) => {
                    for prefix in &any.prefixes {
                        let needed = self.prefixes.entry_ref(prefix.as_str()).or_insert_with(|| {
                            *self.lengths.entry(prefix.len()).or_default() += 1;
                            Needed::default()
                        });
                        match &any.predicate {
                            Some(_) => needed.choosers.push((any.clone(), index)),
                            None => needed.plain.push(index),
                        }
                    }
                }
            }
        }
    }

    fn needed<'a>(&'a self, key: &'a str) -> impl Iterator<Item = (&'a str, &'a Needed)> {
        let prefixes = self.lengths.range(..=key.len()).filter_map(|(&length, _)| key.get(..length));
        prefixes.filter_map(|prefix| Some((prefix, self.prefixes.get(prefix)?)))
    }

    /// The deletes of those that needed this very key, or accepted it.
    pub(crate) fn by(&self, key: &str) -> Vec<usize> {
        let choosers = self
            .needed(key)
            .flat_map(|(_, needed)| &needed.choosers)
            .filter(|(any, _)| any.accepts(key))
            .map(|(_, index)| *index);
        self.keys.get(key).into_iter().flatten().copied().chain(choosers).collect()
    }

    /// The deletes of those that needed any key like this one.
    pub(crate) fn gate(&self, key: &str) -> Option<Vec<usize>> {
        let all: Vec<usize> = self.needed(key).flat_map(|(_, needed)| needed.plain.iter().copied()).collect();
        (!all.is_empty()).then_some(all)
    }

    /// From here on, this operation stands for all of them.
    pub(crate) fn gated(&mut self, key: &str, gate: usize) {
        let prefixes: Vec<String> = self
            .needed(key)
            .filter(|(_, needed)| !needed.plain.is_empty())
            .map(|(prefix, _)| prefix.to_owned())
            .collect();
        for prefix in prefixes {
            if let Some(needed) = self.prefixes.get_mut(&prefix) {
                needed.plain = vec![gate];
            }
        }
    }
}
