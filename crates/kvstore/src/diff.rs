//! What has changed between two states of a source.

use std::collections::{BTreeMap, BTreeSet};

use crate::Entry;

/// Changes from one state of a source to another.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Difference {
    /// Values that are new or different.
    pub set: BTreeMap<String, Entry>,
    /// Keys that are gone.
    pub deleted: BTreeSet<String>,
}

impl Difference {
    /// Whether nothing has changed.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.deleted.is_empty()
    }
}

/// Changes from `old` to `new`. A value that is only stated at another place has not changed.
pub fn difference(old: &BTreeMap<String, Entry>, new: &BTreeMap<String, Entry>) -> Difference {
    let set = new
        .iter()
        .filter(|(key, entry)| old.get(*key).is_none_or(|before| before.value != entry.value))
        .map(|(key, entry)| (key.clone(), entry.clone()))
        .collect();
    let deleted = old.keys().filter(|key| !new.contains_key(*key)).cloned().collect();
    Difference { set, deleted }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn state(rows: &[(&str, i64, &str)]) -> BTreeMap<String, Entry> {
        rows.iter()
            .map(|&(key, value, place)| {
                (key.to_owned(), Entry { value: json!(value).into(), place: place.to_owned() })
            })
            .collect()
    }

    #[test]
    fn only_values_count() {
        let old = state(&[("a", 1, "f:1"), ("b", 1, "f:2"), ("c", 1, "f:3")]);
        let new = state(&[("a", 1, "f:9"), ("b", 2, "f:2"), ("d", 1, "f:4")]);
        let changes = difference(&old, &new);
        assert_eq!(changes.set.keys().collect::<Vec<_>>(), ["b", "d"]);
        assert_eq!(changes.deleted.iter().collect::<Vec<_>>(), ["c"]);
        assert!(difference(&new, &new).is_empty());
    }
}
