//! What a transaction planned and did.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::state::{Operation, State};
use crate::transaction::Kind;
use crate::value::{AnyValue, Key};

/// One operation of a transaction.
#[derive(Debug, Clone)]
pub struct Op {
    /// What is done.
    pub operation: Operation,
    /// To which value.
    pub key: Key,
    /// The value before, of an update or a delete.
    pub old: Option<AnyValue>,
    /// The value after, of a create or an update.
    pub new: Option<AnyValue>,
    /// The state before.
    pub before: State,
    /// The state after.
    pub after: State,
    /// Nothing is done to the southbound.
    pub noop: bool,
    /// The value is derived from another one.
    pub derived: bool,
    /// The value is derived and has no descriptor.
    pub property: bool,
    /// The operation undoes one that was done before a failure.
    pub revert: bool,
    /// The operation was tried before and failed.
    pub retry: bool,
    /// The delete or the create of a value that cannot be changed in place.
    pub recreate: bool,
    /// Why it failed, was not run, or was refused.
    pub error: Option<String>,
}

impl Op {
    /// What is special about the operation, in the order in which it is shown.
    pub fn flags(&self) -> Vec<&'static str> {
        let (before, after) = (self.before, self.after);
        let left = |state| before == state && after != state;
        let pending = (before == State::Pending, after == State::Pending);
        let failing = (before.is_failure(), after.is_failure());
        let invalid = (before == State::Invalid, after == State::Invalid);
        [
            (self.derived && !self.property, "DERIVED"),
            (self.property, "PROPERTY"),
            (self.noop, "NOOP"),
            (self.revert, "REVERT"),
            (self.retry, "RETRY"),
            (self.recreate, "RECREATE"),
            (after == State::Obtained, "OBTAINED"),
            (left(State::Obtained), "WAS-OBTAINED"),
            (after == State::Unimplemented, "UNIMPLEMENTED"),
            (left(State::Unimplemented), "WAS-UNIMPLEMENTED"),
            (before == State::Removed && !self.recreate, "ALREADY-REMOVED"),
            (before == State::Missing && after.is_gone(), "ALREADY-MISSING"),
            (before == State::Missing && !after.is_gone(), "WAS-MISSING"),
            (before == State::Discovered, "DISCOVERED"),
            (pending == (true, true), "STILL-PENDING"),
            (pending == (true, false), "WAS-PENDING"),
            (pending == (false, true), "IS-PENDING"),
            (failing == (true, true), "STILL-FAILING"),
            (failing.0 && after == State::Configured, "FIXED"),
            (failing == (false, true), "FAILED"),
            (invalid == (true, true), "STILL-INVALID"),
            (invalid == (false, true), "INVALID"),
        ]
        .into_iter()
        .filter_map(|(applies, flag)| applies.then_some(flag))
        .collect()
    }

    /// The operation and its flags on one line: `CREATE [DERIVED WAS-PENDING]`.
    pub fn title(&self) -> String {
        let flags = self.flags();
        if flags.is_empty() {
            self.operation.to_string()
        } else {
            format!("{} [{}]", self.operation, flags.join(" "))
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}:", self.title())?;
        writeln!(f, "    - key: {}", self.key)?;
        match (&self.old, &self.new) {
            (Some(old), Some(new)) => {
                writeln!(f, "    - prev-value: {}", braced(old))?;
                writeln!(f, "    - new-value: {}", braced(new))?;
            }
            (Some(value), None) | (None, Some(value)) => writeln!(f, "    - value: {}", braced(value))?,
            (None, None) => {}
        }
        if let Some(error) = &self.error {
            writeln!(f, "    - error: {error}")?;
        }
        Ok(())
    }
}

fn braced(value: &AnyValue) -> String {
    let text = value.to_string();
    if text.is_empty() { "{ }".to_owned() } else { format!("{{ {text} }}") }
}

/// A descriptor whose values could not be read back: what is believed of them stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// The name of the descriptor.
    pub descriptor: String,
    /// Why. None: its values can never be read back.
    pub error: Option<String>,
}

/// When an operation ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpTime {
    /// From the start of the transaction to that of the operation.
    pub start: Duration,
    /// How long it took; zero where nothing was done to the southbound.
    pub took: Duration,
}

/// What a transaction planned and did. `Display` is the transaction log.
#[derive(Debug, Clone)]
pub struct Record {
    /// The number of the transaction, from 1.
    pub seq: u64,
    /// Its kind.
    pub kind: Kind,
    /// What it is for.
    pub description: String,
    /// Whether nothing was executed because only a plan was asked for.
    pub plan_only: bool,
    /// When it started.
    pub start: SystemTime,
    /// When it ended.
    pub stop: SystemTime,
    /// How long it took, whatever the clock on the wall did.
    pub took: Duration,
    /// What was going to be done.
    pub planned: Arc<[Op]>,
    /// What was done; the same as planned if nothing failed.
    pub executed: Arc<[Op]>,
    /// When each of the executed operations ran.
    pub times: Vec<OpTime>,
    /// Whether what was done was undone, because something failed.
    pub reverted: bool,
    /// The keys that the southbound told of and that were not taken, because they are configured from the northbound.
    pub ignored: Vec<Key>,
    /// What a resync could not read back.
    pub unread: Vec<Unread>,
    /// Whether the southbound was lost: what was not run waits for a resync.
    pub lost: bool,
}

impl Record {
    /// The operations that failed, were refused or could not be run for the failure of another.
    pub fn errors(&self) -> impl Iterator<Item = &Op> {
        self.executed.iter().filter(|op| op.error.is_some())
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Transaction #{} ({})", self.seq, self.kind)?;
        if !self.description.is_empty() {
            write!(f, ": {}", self.description)?;
        }
        writeln!(f)?;
        for unread in &self.unread {
            if let Some(error) = &unread.error {
                writeln!(f, "not read back: {} ({error})", unread.descriptor)?;
            }
        }
        for key in &self.ignored {
            writeln!(f, "not taken from the southbound: {key} (it is configured)")?;
        }
        writeln!(f, "planned operations:")?;
        list(f, &self.planned)?;
        if self.plan_only {
            return writeln!(f, "nothing executed: only a plan was asked for");
        }
        writeln!(f, "executed operations (took {:?}):", self.took)?;
        list(f, &self.executed)?;
        if self.reverted {
            writeln!(f, "reverted: what was done before the failure was undone")?;
        }
        if self.lost {
            writeln!(f, "connection to the southbound lost: what was not run waits for a resync")?;
        }
        Ok(())
    }
}

fn list(f: &mut fmt::Formatter<'_>, ops: &[Op]) -> fmt::Result {
    if ops.is_empty() {
        return writeln!(f, "  (none)");
    }
    ops.iter().enumerate().try_for_each(|(i, op)| write!(f, "  {}. {op}", i + 1))
}
