//! What a value can be, and what can be done to it.

use std::fmt;

/// The state of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum State {
    /// Not known at all.
    #[default]
    Nonexistent,
    /// Was configured, but a read-back did not find it.
    Missing,
    /// No descriptor owns the key, or the southbound as it is now cannot do it.
    Unimplemented,
    /// Deleted, or in the middle of being re-created. Does not last.
    Removed,
    /// Wanted and applied.
    Configured,
    /// In the southbound by itself, not by us; never touched, but others can depend on it.
    Obtained,
    /// Ours, found by a read-back, but not configured in this run; the next resync confirms or deletes it.
    Discovered,
    /// Waits for its dependencies.
    Pending,
    /// Refused by validation. A previous, valid value stays configured.
    Invalid,
    /// The last operation failed and is not retried by itself.
    Failed,
    /// The last operation failed and is going to be retried.
    Retrying,
}

impl State {
    /// Whether the last operation failed.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::Retrying)
    }

    /// Whether the value has left, or never was there.
    pub fn is_gone(self) -> bool {
        matches!(self, Self::Nonexistent | Self::Removed)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Nonexistent => "NONEXISTENT",
            Self::Missing => "MISSING",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::Removed => "REMOVED",
            Self::Configured => "CONFIGURED",
            Self::Obtained => "OBTAINED",
            Self::Discovered => "DISCOVERED",
            Self::Pending => "PENDING",
            Self::Invalid => "INVALID",
            Self::Failed => "FAILED",
            Self::Retrying => "RETRYING",
        })
    }
}

/// What is done to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// It is brought up.
    Create,
    /// It is changed in place.
    Update,
    /// It is taken down.
    Delete,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        })
    }
}

/// Who a value in the southbound comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Origin {
    /// The read-back cannot tell.
    #[default]
    Unknown,
    /// Configured by us, in this run or an earlier one.
    Northbound,
    /// There by itself or through somebody else.
    Southbound,
}
