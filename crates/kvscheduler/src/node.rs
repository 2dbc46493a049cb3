//! What is known of one value. There may be a million of them: what most values do not have is boxed.

use std::sync::Arc;
use std::time::Duration;

use crate::erased::Shape;
use crate::metadata::AnyMetadata;
use crate::state::{Operation, State};
use crate::transaction::RetryPolicy;
use crate::value::{AnyValue, Key};

/// A value with what follows from it.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) value: AnyValue,
    pub(crate) shape: Arc<Shape>,
}

/// A value in the southbound.
#[derive(Debug, Clone)]
pub(crate) struct Present {
    pub(crate) held: Held,
    pub(crate) metadata: Option<AnyMetadata>,
}

/// A value that validation refused.
#[derive(Debug, Clone)]
pub(crate) struct Rejected {
    pub(crate) value: AnyValue,
    pub(crate) reason: Arc<str>,
}

/// A failed operation that is going to be tried again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retry {
    pub(crate) policy: RetryPolicy,
    pub(crate) attempt: u32,
    /// On the monotonic clock.
    pub(crate) due: Duration,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Node {
    pub(crate) owner: Option<u16>,
    /// Of a derived value: what it is derived from.
    pub(crate) base: Option<Key>,
    /// The derived values of what is present.
    pub(crate) derived: Vec<Key>,
    /// What should be there: given from outside, or by the base that is present.
    pub(crate) wanted: Option<Held>,
    /// Asked for, but refused. `wanted` is then the last good value.
    pub(crate) rejected: Option<Box<Rejected>>,
    /// What is there.
    pub(crate) present: Option<Present>,
    pub(crate) state: State,
    pub(crate) error: Option<Arc<str>>,
    pub(crate) last: Option<Operation>,
    pub(crate) retry: Option<Box<Retry>>,
    /// How it is to be retried, as the transaction said that asked for it.
    pub(crate) policy: Option<Arc<RetryPolicy>>,
    /// We configured it, in this run or an earlier one, and may thus delete it.
    pub(crate) ours: bool,
    /// An operation on it failed: what is there may not be what we believe.
    pub(crate) uncertain: bool,
    /// Asked for with another value than before, and not yet shown in a record.
    pub(crate) fresh: bool,
    /// About to be taken down, so nothing can count on it.
    pub(crate) leaving: bool,
    /// The southbound told of it by itself.
    pub(crate) notified: bool,
}

impl Node {
    pub(crate) fn available(&self) -> bool {
        self.present.is_some() && !self.leaving
    }

    /// Nothing is known or wanted any more.
    pub(crate) fn is_empty(&self) -> bool {
        self.wanted.is_none() && self.present.is_none() && self.rejected.is_none()
    }

    pub(crate) fn is_property(&self) -> bool {
        self.owner.is_none() && self.base.is_some()
    }

    /// Whether somebody asks for it.
    pub(crate) fn is_asked_for(&self) -> bool {
        self.wanted.is_some() || self.rejected.is_some()
    }
}
