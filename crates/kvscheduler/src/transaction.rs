//! What is asked of the scheduler.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::value::{AnyValue, Key, Value};

/// What a resync compares, and with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resync {
    /// The transaction has all wanted values; the southbound is read back.
    Full,
    /// The transaction has all wanted values; what is believed of the southbound is trusted.
    Upstream,
    /// The transaction has no values: those known are wanted; the southbound is read back.
    Downstream,
}

impl Resync {
    /// Whether the southbound is read back.
    pub fn reads_back(self) -> bool {
        matches!(self, Self::Full | Self::Downstream)
    }

    /// Whether the transaction has all wanted values.
    pub fn has_values(self) -> bool {
        matches!(self, Self::Full | Self::Upstream)
    }
}

/// The kind of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Some values are set, some deleted.
    Change,
    /// Everything is compared.
    Resync(Resync),
    /// What failed is tried again, as far as it is due.
    Retry,
    /// The southbound tells what came, changed or went by itself.
    Notification,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Change => "change",
            Self::Resync(Resync::Full) => "full resync",
            Self::Resync(Resync::Upstream) => "upstream resync",
            Self::Resync(Resync::Downstream) => "downstream resync",
            Self::Retry => "retry of failed operations",
            Self::Notification => "southbound notification",
        })
    }
}

/// When a failed operation is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The time to the first attempt.
    pub period: Duration,
    /// How many attempts there are; 0: no limit.
    pub max_count: u32,
    /// Whether the time doubles with each attempt.
    pub exponential: bool,
    /// The longest time between two attempts.
    pub max_period: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            period: Duration::from_secs(1),
            max_count: 3,
            exponential: true,
            max_period: Duration::from_secs(60),
        }
    }
}

impl RetryPolicy {
    /// The time until this attempt (counted from 1), or none if there is to be none.
    pub(crate) fn delay(&self, attempt: u32) -> Option<Duration> {
        if self.max_count != 0 && attempt > self.max_count {
            return None;
        }
        let doublings = if self.exponential { attempt.saturating_sub(1).min(31) } else { 0 };
        Some(self.period.saturating_mul(1 << doublings).min(self.max_period))
    }
}

/// Values to set and delete, or a resync, with options.
#[derive(Debug, Clone)]
pub struct Transaction {
    pub(crate) kind: Kind,
    pub(crate) values: BTreeMap<Key, Option<AnyValue>>,
    pub(crate) description: String,
    pub(crate) plan_only: bool,
    pub(crate) retry: Option<RetryPolicy>,
    pub(crate) revert: bool,
}

impl Transaction {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            values: BTreeMap::new(),
            description: String::new(),
            plan_only: false,
            retry: None,
            revert: false,
        }
    }

    pub(crate) fn of_kind(kind: Kind) -> Self {
        Self::new(kind)
    }

    /// Sets some values and deletes others; all else stays as it is.
    pub fn change() -> Self {
        Self::new(Kind::Change)
    }

    /// Compares everything.
    pub fn resync(resync: Resync) -> Self {
        Self::new(Kind::Resync(resync))
    }

    /// Tries again what failed and is due; see [`Scheduler::next_retry`](crate::Scheduler::next_retry).
    pub fn retry_failed() -> Self {
        Self::new(Kind::Retry)
    }

    /// Tells what came, changed or went in the southbound by itself. Such values are there, and others can depend on
    /// them; nothing is ever done to them. What is configured from the northbound is not taken: see
    /// [`Record::ignored`](crate::Record::ignored).
    pub fn notification() -> Self {
        Self::new(Kind::Notification)
    }

    /// The kind of the transaction.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Sets a value. The last one of a key counts.
    #[must_use]
    pub fn set(self, key: impl Into<Key>, value: impl Value) -> Self {
        self.set_any(key, Arc::new(value))
    }

    /// Sets a value whose type is not known here.
    #[must_use]
    pub fn set_any(mut self, key: impl Into<Key>, value: AnyValue) -> Self {
        self.values.insert(key.into(), Some(value));
        self
    }

    /// Deletes a value.
    #[must_use]
    pub fn delete(mut self, key: impl Into<Key>) -> Self {
        self.values.insert(key.into(), None);
        self
    }

    /// What the transaction is for, shown in its record.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Only works out what would be done. A resync still reads the southbound back; nothing is changed or kept.
    #[must_use]
    pub fn plan_only(mut self) -> Self {
        self.plan_only = true;
        self
    }

    /// Has what fails, and may work later, tried again by [`retry_failed`](Self::retry_failed).
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = Some(policy);
        self
    }

    /// If anything fails or is refused, undoes what was done before: the values of this transaction become what they were.
    #[must_use]
    pub fn revert(mut self) -> Self {
        self.revert = true;
        self
    }
}
