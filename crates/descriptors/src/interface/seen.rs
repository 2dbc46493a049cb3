//! What the last read-back of interfaces saw, for what is derived from them.
//!
//! Not every part follows from the model of an interface that was read back: an interface can be in its VRF before it has
//! the address that it is there for, and modes of queues are stated in several ways. Such parts are read back by
//! themselves, from this.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kvscheduler::{Believed, KeyValue, Origin, Retrieved, Value};
use models::keys::PropertyKey;
use models::proto::ligato::vpp::interfaces::Interface;
use vppcalls::Inventory;

/// Shared by those who read.
#[derive(Clone, Default)]
pub(super) struct Seen(Arc<Mutex<Interfaces>>);

/// All interfaces.
#[derive(Default)]
pub(super) struct Interfaces {
    of: HashMap<String, (Interface, Inventory)>,
}

impl Seen {
    pub(super) fn set(&self, interfaces: impl IntoIterator<Item = (Interface, Inventory)>) {
        let of = interfaces.into_iter().map(|seen| (seen.0.name.clone(), seen));
        *self.lock() = Interfaces { of: of.collect() };
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Interfaces> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Interfaces {
    /// What VPP told of an interface.
    pub(super) fn get(&self, name: &str) -> Option<&Inventory> {
        self.of.get(name).map(|(_, inventory)| inventory)
    }

    /// What is believed, and what follows from the models, as far as it is so. What is believed is ours, also where it
    /// does not follow from the model that was read.
    pub(super) fn there<V: Value + Clone>(
        &self,
        believed: &[Believed<'_, V>],
        is: impl Fn(&str, &V) -> bool,
    ) -> Vec<Retrieved<V, ()>> {
        let mut all: BTreeMap<String, V> = BTreeMap::new();
        let parts = self.of.values().flat_map(|(model, _)| super::derived(model));
        all.extend(parts.filter_map(|p| Some((p.key.to_string(), p.value.downcast_ref::<V>()?.clone()))));
        all.extend(believed.iter().map(|b| (b.key.to_string(), b.value.clone())));
        let there = all.into_iter().filter(|(key, value)| is(key, value));
        let is_believed = |key: &str| believed.binary_search_by(|b| b.key.cmp(key)).is_ok();
        let there = there.map(|(key, value)| match is_believed(&key) {
            true => ours(key, value),
            false => found(key, value),
        });
        there.collect()
    }

    /// Whether an interface is in a VRF, so that others can follow it.
    pub(super) fn is_placed(&self, name: &str) -> bool {
        let placed = |key: PropertyKey<'_>| {
            matches!(key, PropertyKey::InterfaceVrf { .. } | PropertyKey::InheritedVrf { .. })
        };
        self.has_part(name, placed)
    }

    /// Whether an interface is in a VRF for what it has itself.
    pub(super) fn is_numbered(&self, name: &str) -> bool {
        self.has_part(name, |key| matches!(key, PropertyKey::InterfaceVrf { .. }))
    }

    fn has_part(&self, name: &str, is: impl Fn(PropertyKey<'_>) -> bool) -> bool {
        let part = |part: KeyValue| PropertyKey::parse(&part.key).is_some_and(&is);
        self.of.get(name).is_some_and(|(model, _)| super::derived(model).into_iter().any(part))
    }
}

/// What this agent has made.
pub(super) fn ours<V>(key: impl Into<String>, value: V) -> Retrieved<V, ()> {
    Retrieved { origin: Origin::Northbound, ..found(key, value) }
}

pub(super) fn found<V>(key: impl Into<String>, value: V) -> Retrieved<V, ()> {
    Retrieved { key: key.into(), value, metadata: (), origin: Origin::Unknown }
}
