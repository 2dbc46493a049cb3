//! What is known of a value, for people.

use std::fmt;

use crate::descriptor::Target;
use crate::graph::{Graph, Node};
use crate::registry::Registry;
use crate::state::{Operation, State};
use crate::value::{AnyValue, Key};

/// What is known of a value.
#[derive(Debug, Clone)]
pub struct Status {
    /// Its key.
    pub key: Key,
    /// The name of its descriptor; none: unimplemented, or a property.
    pub descriptor: Option<String>,
    /// Its state.
    pub state: State,
    /// What is wanted; the last valid value if the newest was refused.
    pub wanted: Option<AnyValue>,
    /// What was refused.
    pub rejected: Option<AnyValue>,
    /// What is there.
    pub present: Option<AnyValue>,
    /// Why the last operation failed or was not run, or why the value was refused.
    pub error: Option<String>,
    /// The last operation.
    pub last_operation: Option<Operation>,
    /// The labels of the dependencies that are not met, with the keys that would.
    pub unmet: Vec<Unmet>,
    /// What it is derived from.
    pub base: Option<Key>,
    /// What is derived from it.
    pub derived: Vec<Key>,
    /// Whether we configured it.
    pub ours: bool,
    /// When it is tried again.
    pub retry_at: Option<std::time::SystemTime>,
}

/// A dependency that is not met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// What it is, in the words of the descriptor.
    pub label: String,
    /// The key that would meet it, or the prefixes.
    pub target: String,
    /// The state of that key; nonexistent for an any-of.
    pub state: State,
    /// Whether anybody asks for that key, or for a value that has it as a derived one. Not known for an any-of.
    pub wanted: bool,
    /// Why it is not there, if it failed or was refused.
    pub error: Option<String>,
}

pub(crate) fn status(graph: &Graph, registry: &Registry, key: &str, node: &Node) -> Status {
    let value = |held: &crate::graph::Held| held.value.clone();
    let needs = node.wanted.as_ref().map(|held| held.shape.needs.as_slice()).unwrap_or_default();
    let unmet = needs.iter().filter(|need| !graph.is_met(need, key)).map(|need| {
        let other = match &need.target {
            Target::Key(key) => graph.get(key),
            Target::AnyOf(_) => None,
        };
        Unmet {
            label: need.label.clone(),
            target: need.describe(),
            state: other.map_or(State::Nonexistent, |other| other.state),
            wanted: other.is_some_and(|other| other.wanted.is_some() || other.rejected.is_some()),
            error: other.and_then(|other| other.error.clone()),
        }
    });
    Status {
        key: key.into(),
        descriptor: registry.of(node).map(|descriptor| descriptor.name().to_owned()),
        state: node.state,
        wanted: node.wanted.as_ref().map(value),
        rejected: node.rejected.as_ref().map(|rejected| rejected.value.clone()),
        present: node.present.as_ref().map(|present| value(&present.held)),
        error: node.error.clone(),
        last_operation: node.last,
        unmet: unmet.collect(),
        base: node.base.clone(),
        derived: node.derived.clone(),
        ours: node.ours,
        retry_at: node.retry.map(|retry| retry.due),
    }
}

impl fmt::Display for Status {
    /// The answer to "why": state, what it waits for, last error.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.key, self.state)?;
        if let Some(base) = &self.base {
            writeln!(f, "  derived from {base}")?;
        }
        for unmet in &self.unmet {
            write!(f, "  waits for {}: {} ({}", unmet.label, unmet.target, unmet.state)?;
            if !unmet.wanted {
                write!(f, ", nobody asks for it")?;
            }
            if let Some(error) = &unmet.error {
                write!(f, ": {error}")?;
            }
            writeln!(f, ")")?;
        }
        match (&self.error, self.last_operation) {
            (Some(error), Some(operation)) if self.state.is_failure() => {
                writeln!(f, "  last {operation} failed: {error}")?;
            }
            (Some(error), _) => writeln!(f, "  {error}")?,
            (None, _) => {}
        }
        Ok(())
    }
}
