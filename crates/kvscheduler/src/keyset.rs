//! A set of keys that most often has one.

use std::collections::BTreeSet;

use crate::value::Key;

#[derive(Debug, Default)]
pub(crate) enum KeySet {
    #[default]
    None,
    One(Key),
    Many(BTreeSet<Key>),
}

impl KeySet {
    pub(crate) fn insert(&mut self, key: &Key) {
        match self {
            Self::None => *self = Self::One(Key::clone(key)),
            Self::One(one) if one == key => {}
            Self::One(one) => *self = Self::Many(BTreeSet::from([Key::clone(one), Key::clone(key)])),
            Self::Many(keys) => {
                keys.insert(Key::clone(key));
            }
        }
    }

    pub(crate) fn remove(&mut self, key: &Key) {
        match self {
            Self::One(one) if one == key => *self = Self::None,
            Self::Many(keys) => {
                keys.remove(key);
            }
            _ => {}
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::None => true,
            Self::One(_) => false,
            Self::Many(keys) => keys.is_empty(),
        }
    }

    pub(crate) fn sorted(&self) -> Vec<Key> {
        match self {
            Self::None => Vec::new(),
            Self::One(one) => vec![Key::clone(one)],
            Self::Many(keys) => keys.iter().cloned().collect(),
        }
    }
}
