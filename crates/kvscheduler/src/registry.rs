//! The descriptors: who owns which key, and in which order they are read back.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::descriptor::{Dependency, Invalid, Target};
use crate::erased::{Erased, Shape};
use crate::node::{Held, Node};
use crate::value::{AnyValue, Key};

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
    /// Two descriptors claim the key of an example.
    #[error(transparent)]
    TwoOwners(#[from] TwoOwners),
    /// The key of an example, or a mistake in how keys are told.
    #[error("descriptor {descriptor} has the example {key}, which it does not own")]
    NotOwned {
        /// Whose example it is.
        descriptor: String,
        /// The key of the example.
        key: String,
    },
    /// A misspelt key, or a descriptor that was not registered.
    #[error("{key} of descriptor {descriptor} needs {label}: {target}, which no descriptor can ever provide")]
    Unsatisfiable {
        /// Whose example it is, or from whose example it is derived.
        descriptor: String,
        /// The key of the example.
        key: String,
        /// What the dependency is called.
        label: String,
        /// What would satisfy it.
        target: String,
    },
    /// More than can be told apart.
    #[error("{0} descriptors are too many, {max} can be registered", max = u16::MAX)]
    TooMany(usize),
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
    retrieve_after: Vec<Vec<u16>>,
    plain: Arc<Shape>,
    /// Prefixes of keys that nobody owns and that can exist all the same.
    unowned: Vec<String>,
}

impl Registry {
    /// Checks the descriptors against each other. `external`: prefixes of keys that come by notifications.
    pub(crate) fn new(descriptors: Vec<Arc<dyn Erased>>, external: &[String]) -> Result<Self, RegistryError> {
        if descriptors.len() > usize::from(u16::MAX) {
            return Err(RegistryError::TooMany(descriptors.len()));
        }
        let mut by_name = HashMap::new();
        for (id, descriptor) in (0..=u16::MAX).zip(&descriptors) {
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
        let properties = descriptors.iter().flat_map(|descriptor| descriptor.properties());
        let unowned = external.iter().cloned().chain(properties).collect();
        let registry = Self { descriptors, retrieve_after, plain: Arc::default(), unowned };
        registry.check_cycles()?;
        registry.check_examples()?;
        Ok(registry)
    }

    fn check_cycles(&self) -> Result<(), RegistryError> {
        let mut done = vec![false; self.descriptors.len()];
        loop {
            let mut progress = false;
            for (id, before) in self.retrieve_after.iter().enumerate() {
                let ready = before.iter().all(|&b| done.get(usize::from(b)).copied().unwrap_or(false));
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

    /// Checks that examples belong to one descriptor each, and that what they need can exist.
    fn check_examples(&self) -> Result<(), RegistryError> {
        let mut known: BTreeMap<Key, (u16, Arc<Shape>)> = BTreeMap::new();
        let mut complete = true;
        for (id, descriptor) in self.iter() {
            let mut examples = descriptor.examples();
            complete &= !examples.is_empty();
            for example in &examples {
                if self.owner(&example.key)? != Some(id) {
                    return Err(RegistryError::NotOwned {
                        descriptor: descriptor.name().to_owned(),
                        key: example.key.to_string(),
                    });
                }
            }
            while let Some(kv) = examples.pop() {
                if known.contains_key(&kv.key) {
                    continue;
                }
                let owner = self.owner(&kv.key)?;
                let shape = self.hold_unchecked(owner, &kv.key, &kv.value).shape;
                examples.extend(shape.derived.iter().cloned());
                known.insert(kv.key, (owner.unwrap_or(id), shape));
            }
        }
        for (key, (id, shape)) in &known {
            let possible = |need: &Dependency| match &need.target {
                Target::Key(target) => known.contains_key(target) || self.can_exist(target),
                Target::AnyOf(any) => {
                    let matches =
                        |key: &str, prefix: &String| key.starts_with(prefix.as_str()) && any.accepts(key);
                    // Without all examples it cannot be told.
                    !complete
                        || any.prefixes.iter().any(|prefix| {
                            known.keys().any(|key| matches(key, prefix))
                                || self
                                    .unowned
                                    .iter()
                                    .any(|other| other.starts_with(prefix) || prefix.starts_with(other))
                        })
                }
            };
            if let Some(need) = shape.needs.iter().find(|need| !possible(need)) {
                return Err(RegistryError::Unsatisfiable {
                    descriptor: self.get(*id).map(|d| d.name().to_owned()).unwrap_or_default(),
                    key: key.to_string(),
                    label: need.label.to_string(),
                    target: need.describe(),
                });
            }
        }
        Ok(())
    }

    /// Whether somebody can provide a key: a descriptor, or the southbound by itself.
    pub(crate) fn can_exist(&self, key: &str) -> bool {
        self.unowned.iter().any(|prefix| key.starts_with(prefix.as_str()))
            || !matches!(self.owner(key), Ok(None))
    }

    pub(crate) fn len(&self) -> usize {
        self.descriptors.len()
    }

    pub(crate) fn get(&self, id: u16) -> Option<&Arc<dyn Erased>> {
        self.descriptors.get(usize::from(id))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u16, &Arc<dyn Erased>)> {
        (0..=u16::MAX).zip(&self.descriptors)
    }

    pub(crate) fn retrieve_after(&self, id: u16) -> &[u16] {
        self.retrieve_after.get(usize::from(id)).map_or(&[], Vec::as_slice)
    }

    /// The descriptor of a key.
    pub(crate) fn owner(&self, key: &str) -> Result<Option<u16>, TwoOwners> {
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
    pub(crate) fn hold(&self, owner: Option<u16>, key: &str, value: &AnyValue) -> Result<Held, Invalid> {
        if let Some(descriptor) = owner.and_then(|id| self.get(id)) {
            descriptor.validate(key, value)?;
        }
        Ok(self.hold_unchecked(owner, key, value))
    }

    /// As [`hold`](Self::hold) for a value that is in the southbound already.
    pub(crate) fn hold_unchecked(&self, owner: Option<u16>, key: &str, value: &AnyValue) -> Held {
        let shape = owner.and_then(|id| self.get(id)).map(|descriptor| descriptor.shape(key, value));
        let shape = match shape {
            Some(mut shape) if !shape.needs.is_empty() || !shape.derived.is_empty() => {
                shape.needs.shrink_to_fit();
                shape.derived.shrink_to_fit();
                Arc::new(shape)
            }
            // The same for the many that need nothing.
            _ => Arc::clone(&self.plain),
        };
        Held { value: Arc::clone(value), shape }
    }

    pub(crate) fn of(&self, node: &Node) -> Option<&Arc<dyn Erased>> {
        node.owner.and_then(|id| self.get(id))
    }
}
