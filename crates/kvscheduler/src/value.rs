//! Values and keys, whatever their type.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// The name of a value; cheap to clone, shared between all indexes.
pub type Key = Arc<str>;

/// A piece of configuration.
///
/// Implemented for every type that can be compared, shown and shared. `Display` is the one-line rendering of
/// transaction logs, without braces: `name:"if1"`.
pub trait Value: fmt::Debug + fmt::Display + Send + Sync + 'static {
    /// The value as [`Any`], for [`downcast_ref`](trait.Value.html#method.downcast_ref).
    #[doc(hidden)]
    fn as_any(&self) -> &dyn Any;

    /// Whether `other` has the same type and is equal.
    #[doc(hidden)]
    fn equals_any(&self, other: &dyn Value) -> bool;
}

impl<T> Value for T
where
    T: Clone + PartialEq + fmt::Debug + fmt::Display + Send + Sync + 'static,
{
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn equals_any(&self, other: &dyn Value) -> bool {
        other.as_any().downcast_ref::<T>().is_some_and(|other| self == other)
    }
}

// Not `PartialEq`: with it, `Arc<dyn Value>` would itself be a `Value`, and calls would silently pick the Arc.
impl dyn Value {
    /// The value as a `T`, if it is one.
    pub fn downcast_ref<T: Value>(&self) -> Option<&T> {
        self.as_any().downcast_ref::<T>()
    }

    /// Whether both have the same type and are equal.
    pub fn equals(&self, other: &dyn Value) -> bool {
        self.equals_any(other)
    }
}

/// A value of any type, shared.
pub type AnyValue = Arc<dyn Value>;

/// A value with its key.
#[derive(Debug, Clone)]
pub struct KeyValue {
    /// The name of the value.
    pub key: Key,
    /// The value.
    pub value: AnyValue,
}

impl KeyValue {
    /// Pairs a key with a value.
    pub fn new(key: impl Into<Key>, value: impl Value) -> Self {
        Self { key: key.into(), value: Arc::new(value) }
    }
}

/// Equality that needs no comparison when both are the same allocation.
pub(crate) fn same(a: &AnyValue, b: &AnyValue) -> bool {
    Arc::ptr_eq(a, b) || a.equals(b.as_ref())
}
