//! Why a transaction was not run.

use crate::registry::TwoOwners;
use crate::transaction::{Kind, Transaction};
use crate::value::Key;

/// Why a transaction was not started. The graph is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// Descriptors disagree on who owns a key of the transaction.
    #[error(transparent)]
    TwoOwners(#[from] TwoOwners),
    /// A derived value is set through the value that it is derived from.
    #[error("{key} is derived from {base} and cannot be set or deleted by itself")]
    DerivedKey {
        /// The key of the transaction.
        key: Key,
        /// What has to be changed instead.
        base: Key,
    },
    /// A downstream resync or a retry takes the values that are known.
    #[error("a {0} takes no values")]
    UnexpectedValues(Kind),
    /// Only a change can be undone.
    #[error("a {0} cannot be reverted on failure, only a change can")]
    Revert(Kind),
    /// The southbound was lost while it was read back.
    #[error("resync abandoned, {descriptor} could not be read back: {message}")]
    Lost {
        /// Which descriptor found out.
        descriptor: String,
        /// What it was told.
        message: String,
    },
    /// The scheduler has ended.
    #[error("the scheduler has ended and takes no transactions any more")]
    Closed,
}

/// Why a transaction was not queued. It is given back whole, to be committed again.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// As many transactions wait already as there may.
    #[error(
        "not queued: {capacity} transactions are waiting already; commit it again later, or wait for space"
    )]
    Full {
        /// How many may wait.
        capacity: usize,
        /// What was not queued.
        transaction: Box<Transaction>,
    },
    /// The scheduler has ended.
    #[error("not queued: the scheduler has ended")]
    Closed {
        /// What was not queued.
        transaction: Box<Transaction>,
    },
}

impl QueueError {
    /// What was not queued.
    pub fn into_transaction(self) -> Transaction {
        match self {
            Self::Full { transaction, .. } | Self::Closed { transaction } => *transaction,
        }
    }
}
