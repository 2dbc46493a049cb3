//! What a descriptor says about its values, and the types it says it with.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::state::Origin;
use crate::value::{Key, KeyValue, Value};

/// How one kind of value is validated, ordered, configured and read back.
///
/// `validate`, `equivalent`, `derived`, `dependencies`, `recreate`, `label` and `owns` are pure functions of their
/// arguments: planning calls them without touching anything. Only the async functions reach the southbound; those
/// of independent values run concurrently.
#[async_trait]
pub trait Descriptor: Send + Sync + 'static {
    /// The type of the values.
    type Value: Value;
    /// What the southbound gives back for a value and what later operations need, for example an index. A type without
    /// content, such as `()`, is in no [`MetadataMap`](crate::MetadataMap).
    type Metadata: Clone + fmt::Debug + Send + Sync + 'static;

    /// The unique name of the descriptor.
    fn name(&self) -> &str;

    /// Whether a key belongs to this descriptor. No key belongs to two.
    fn owns(&self, key: &str) -> bool;

    /// The name under which the metadata of a value is found in the [`MetadataMap`](crate::MetadataMap).
    fn label(&self, key: &str) -> String {
        key.to_owned()
    }

    /// Refuses what the southbound could never take.
    fn validate(&self, _key: &str, _value: &Self::Value) -> Result<(), Invalid> {
        Ok(())
    }

    /// Whether both values mean the same to the southbound, for example because one spells out a default.
    fn equivalent(&self, _key: &str, old: &Self::Value, new: &Self::Value) -> bool {
        let (old, new): (&dyn Value, &dyn Value) = (old, new);
        old.equals(new)
    }

    /// The parts of a value that are configured by themselves, each under its own key. A derived value that no
    /// descriptor owns is a property: it exists as long as its base does, and others can depend on it.
    fn derived(&self, _key: &str, _value: &Self::Value) -> Vec<KeyValue> {
        Vec::new()
    }

    /// What must be there before the value is, and for as long as it is.
    fn dependencies(&self, _key: &str, _value: &Self::Value) -> Vec<Dependency> {
        Vec::new()
    }

    /// Configures a value that is not there.
    async fn create(&self, key: &str, value: &Self::Value) -> Result<Self::Metadata, Failure>;

    /// Changes a value in place. Only called where [`recreate`](Self::recreate) is false.
    async fn update(
        &self,
        key: &str,
        _old: &Self::Value,
        _new: &Self::Value,
        _metadata: &Self::Metadata,
    ) -> Result<Self::Metadata, Failure> {
        Err(Failure::permanent(format!("{} cannot change {key} in place", self.name())))
    }

    /// Whether this change needs the value to be deleted and created again, with everything that depends on it.
    fn recreate(&self, _key: &str, _old: &Self::Value, _new: &Self::Value) -> bool {
        true
    }

    /// Whether operations on a value are part of plans and records. Not for a value that only says something of another
    /// one, for others to depend on, and with which nothing is ever done.
    fn is_shown(&self, _key: &str, _value: &Self::Value) -> bool {
        true
    }

    /// Removes a value.
    async fn delete(&self, key: &str, value: &Self::Value, metadata: &Self::Metadata) -> Result<(), Failure>;

    /// Reads back all values of this kind, ours or not. `None`: they cannot be read back, and what is believed
    /// stays. `correlate` is what is believed to be there (at the first resync: what is wanted), sorted by key, for
    /// attributes that the southbound does not give back.
    async fn retrieve(
        &self,
        _correlate: &[Believed<'_, Self::Value>],
    ) -> Result<Option<Vec<Retrieved<Self::Value, Self::Metadata>>>, Failure> {
        Ok(None)
    }

    /// The names of descriptors whose metadata [`retrieve`](Self::retrieve) looks at.
    fn retrieve_after(&self) -> Vec<String> {
        Vec::new()
    }

    /// Some values with their keys, each kind of dependency in at least one of them. When the descriptor is registered
    /// they are checked: no other descriptor owns such a key, and everything that they need can exist. Without
    /// examples that only shows when there are such values.
    fn examples(&self) -> Vec<(String, Self::Value)> {
        Vec::new()
    }

    /// Prefixes of the keys of those derived values that no descriptor owns.
    fn properties(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A value as the scheduler believes it to be.
#[derive(Debug)]
pub struct Believed<'a, V> {
    /// Its key.
    pub key: &'a str,
    /// The value.
    pub value: &'a V,
}

/// A value as it was read back.
#[derive(Debug, Clone)]
pub struct Retrieved<V, M> {
    /// Its key.
    pub key: String,
    /// The value.
    pub value: V,
    /// Its metadata.
    pub metadata: M,
    /// Who it comes from, where the southbound can tell.
    pub origin: Origin,
}

/// Why a value was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}{}", named(.fields))]
pub struct Invalid {
    /// The fields at fault, as paths in the value.
    pub fields: Vec<String>,
    /// What is wrong with them.
    pub reason: String,
}

impl Invalid {
    /// A reason with the fields that it is about.
    pub fn new<F: Into<String>>(fields: impl IntoIterator<Item = F>, reason: impl Into<String>) -> Self {
        Self { fields: fields.into_iter().map(Into::into).collect(), reason: reason.into() }
    }
}

fn named(fields: &[String]) -> String {
    if fields.is_empty() { String::new() } else { format!(" ({})", fields.join(", ")) }
}

/// Why an operation on the southbound failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What happened, with everything a person needs (return value and its name).
    pub message: String,
    /// Whether trying again later can help.
    pub retriable: bool,
    /// Whether the southbound cannot be reached any more: the rest of the transaction is then not attempted but
    /// left to the resync that follows.
    pub lost: bool,
    /// Whether the southbound as it is now has nothing to do it with, such as a plugin that is not loaded. Nothing was
    /// done. A value that is not there is then unimplemented rather than failed, until the next resync asks again.
    pub unimplemented: bool,
}

impl Failure {
    /// A failure that may go away by itself.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), retriable: true, lost: false, unimplemented: false }
    }

    /// A failure that the same request will always have.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self { message: message.into(), retriable: false, lost: false, unimplemented: false }
    }

    /// The southbound cannot be reached any more.
    pub fn lost(message: impl Into<String>) -> Self {
        Self { message: message.into(), retriable: true, lost: true, unimplemented: false }
    }

    /// The southbound as it is now has nothing to do it with.
    pub fn unimplemented(message: impl Into<String>) -> Self {
        Self { message: message.into(), retriable: false, lost: false, unimplemented: true }
    }

    /// A failure that may go away by itself, with the text of an error and all its sources.
    pub fn from_error(error: &(dyn Error + 'static)) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            let text = error.to_string();
            // Many errors already repeat their source.
            if !message.contains(&text) {
                message.push_str(": ");
                message.push_str(&text);
            }
            source = error.source();
        }
        Self::new(message)
    }
}

/// Something that must be there.
#[derive(Debug, Clone)]
pub struct Dependency {
    /// What it is, in the words of the descriptor: `interface`, `bridge domain port`.
    pub label: Cow<'static, str>,
    /// The key or keys that satisfy it.
    pub target: Target,
}

/// What satisfies a dependency.
#[derive(Debug, Clone)]
pub enum Target {
    /// The value of this key.
    Key(Key),
    /// Any one of several values.
    AnyOf(AnyOf),
}

/// Any value under one of these prefixes that the predicate, if there is one, accepts.
#[derive(Clone)]
pub struct AnyOf {
    /// Key prefixes.
    pub prefixes: Vec<String>,
    /// A pure function of the key.
    pub predicate: Option<KeyPredicate>,
}

impl AnyOf {
    /// Whether the predicate, if there is one, accepts a key that has one of the prefixes.
    pub(crate) fn accepts(&self, key: &str) -> bool {
        self.predicate.as_ref().is_none_or(|accepts| accepts(key))
    }
}

/// Says yes or no to a key.
pub type KeyPredicate = Arc<dyn Fn(&str) -> bool + Send + Sync>;

impl fmt::Debug for AnyOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyOf")
            .field("prefixes", &self.prefixes)
            .field("predicate", &self.predicate.is_some())
            .finish()
    }
}

impl Dependency {
    /// Needs the value of one key.
    pub fn key(label: impl Into<Cow<'static, str>>, key: impl Into<Key>) -> Self {
        Self { label: label.into(), target: Target::Key(key.into()) }
    }

    /// Needs any value under one of the prefixes.
    pub fn any_of<P: Into<String>>(
        label: impl Into<Cow<'static, str>>,
        prefixes: impl IntoIterator<Item = P>,
    ) -> Self {
        let prefixes = prefixes.into_iter().map(Into::into).collect();
        Self { label: label.into(), target: Target::AnyOf(AnyOf { prefixes, predicate: None }) }
    }

    /// Needs any value under one of the prefixes whose key the predicate accepts.
    pub fn any_of_matching<P: Into<String>>(
        label: impl Into<Cow<'static, str>>,
        prefixes: impl IntoIterator<Item = P>,
        predicate: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Self {
        let prefixes = prefixes.into_iter().map(Into::into).collect();
        let predicate = Some(Arc::new(predicate) as KeyPredicate);
        Self { label: label.into(), target: Target::AnyOf(AnyOf { prefixes, predicate }) }
    }

    /// What satisfies it, as text: the key, or the prefixes.
    pub fn describe(&self) -> String {
        match &self.target {
            Target::Key(key) => key.to_string(),
            Target::AnyOf(any) => format!("any of {}", any.prefixes.join(", ")),
        }
    }
}
