//! The descriptors: who owns which key, and in which order they are read back.

use std::collections::HashMap;
use std::sync::Arc;

use crate::descriptor::Invalid;
use crate::erased::{Erased, Shape};
use crate::graph::{Held, Node};
use crate::value::AnyValue;

/// What is wrong with a set of descriptors.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// Names identify descriptors.
    #[error("two descriptors have the name {0}")]
    DuplicateName(String),
    /// A misspelt name, or a descriptor that was not registered.
    #[error("descriptor {descriptor} is to be read back after {name}, which is not registered")]
    UnknownName {
        /// Who asks for the order.
        descriptor: String,
        /// The name that nobody has.
        name: String,
    },
    /// No order of read-back satisfies them.
    #[error("descriptors wait for each other's read-back: {}", .0.join(", "))]
    RetrieveCycle(Vec<String>),
}

/// Two descriptors claim the same key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the key {key} is owned by two descriptors: {first} and {second}")]
pub struct TwoOwners {
    /// The key.
    pub key: String,
    /// The descriptor that was registered first.
    pub first: String,
    /// The other one.
    pub second: String,
}

#[derive(Default)]
pub(crate) struct Registry {
    descriptors: Vec<Arc<dyn Erased>>,
    /// For each descriptor, those that are read back before it.
    retrieve_after: Vec<Vec<usize>>,
}

impl Registry {
    pub(crate) fn new(descriptors: Vec<Arc<dyn Erased>>) -> Result<Self, RegistryError> {
        let mut by_name = HashMap::new();
        for (id, descriptor) in descriptors.iter().enumerate() {
            if by_name.insert(descriptor.name().to_owned(), id).is_some() {
                return Err(RegistryError::DuplicateName(descriptor.name().to_owned()));
            }
        }
        let mut retrieve_after = Vec::with_capacity(descriptors.len());
        for descriptor in &descriptors {
            let mut before = Vec::new();
            for name in descriptor.retrieve_after() {
                match by_name.get(&name) {
                    Some(&id) => before.push(id),
                    None => {
                        let descriptor = descriptor.name().to_owned();
                        return Err(RegistryError::UnknownName { descriptor, name });
                    }
                }
            }
            before.sort_unstable();
            before.dedup();
            retrieve_after.push(before);
        }
        let registry = Self { descriptors, retrieve_after };
        registry.check_cycles()?;
        Ok(registry)
    }

    fn check_cycles(&self) -> Result<(), RegistryError> {
        let mut done = vec![false; self.descriptors.len()];
        loop {
            let mut progress = false;
            for (id, before) in self.retrieve_after.iter().enumerate() {
                let ready = before.iter().all(|&b| done.get(b).copied().unwrap_or(false));
                if let Some(done) = done.get_mut(id)
                    && !*done
                    && ready
                {
                    *done = true;
                    progress = true;
                }
            }
            if !progress {
                break;
            }
        }
        let stuck: Vec<_> = self
            .descriptors
            .iter()
            .zip(&done)
            .filter(|(_, done)| !**done)
            .map(|(descriptor, _)| descriptor.name().to_owned())
            .collect();
        if stuck.is_empty() { Ok(()) } else { Err(RegistryError::RetrieveCycle(stuck)) }
    }

    pub(crate) fn len(&self) -> usize {
        self.descriptors.len()
    }

    pub(crate) fn get(&self, id: usize) -> Option<&Arc<dyn Erased>> {
        self.descriptors.get(id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &Arc<dyn Erased>)> {
        self.descriptors.iter().enumerate()
    }

    pub(crate) fn retrieve_after(&self, id: usize) -> &[usize] {
        self.retrieve_after.get(id).map_or(&[], Vec::as_slice)
    }

    /// The descriptor of a key.
    pub(crate) fn owner(&self, key: &str) -> Result<Option<usize>, TwoOwners> {
        let mut owners = self.iter().filter(|(_, descriptor)| descriptor.owns(key));
        let first = owners.next();
        match (first, owners.next()) {
            (Some((_, first)), Some((_, second))) => Err(TwoOwners {
                key: key.to_owned(),
                first: first.name().to_owned(),
                second: second.name().to_owned(),
            }),
            (first, _) => Ok(first.map(|(id, _)| id)),
        }
    }

    /// Validates a value and works out what it needs and what follows from it.
    pub(crate) fn hold(&self, owner: Option<usize>, key: &str, value: &AnyValue) -> Result<Held, Invalid> {
        if let Some(descriptor) = owner.and_then(|id| self.get(id)) {
            descriptor.validate(key, value)?;
        }
        Ok(self.hold_unchecked(owner, key, value))
    }

    /// As [`hold`](Self::hold) for a value that is in the southbound already.
    pub(crate) fn hold_unchecked(&self, owner: Option<usize>, key: &str, value: &AnyValue) -> Held {
        let shape = owner.and_then(|id| self.get(id)).map_or_else(Shape::default, |d| d.shape(key, value));
        Held { value: Arc::clone(value), shape: Arc::new(shape) }
    }

    pub(crate) fn of(&self, node: &Node) -> Option<&Arc<dyn Erased>> {
        node.owner.and_then(|id| self.get(id))
    }
}
