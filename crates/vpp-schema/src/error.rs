//! What can go wrong, and how it is told.

use std::fmt;

/// Where in a message: `route.paths[1].nh.address`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Field(String),
    Index(usize),
}

impl Path {
    /// Puts the field that the rest lies in before it.
    pub(crate) fn within(mut self, field: &str) -> Self {
        self.0.push(Step::Field(field.to_string()));
        self
    }

    /// Puts the element that the rest lies in before it.
    pub(crate) fn within_element(mut self, index: usize) -> Self {
        self.0.push(Step::Index(index));
        self
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Steps were added from the inside out.
        for (i, step) in self.0.iter().rev().enumerate() {
            match step {
                Step::Field(name) if i == 0 => f.write_str(name)?,
                Step::Field(name) => write!(f, ".{name}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// Why a message could not be encoded or decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The release has no such message.
    #[error("VPP {release} has no message {message}")]
    UnknownMessage {
        /// The release.
        release: String,
        /// The name asked for.
        message: String,
    },
    /// The body ends inside a field.
    #[error("{message}: {path} at offset {offset} needs {needed} bytes, {available} are left")]
    Truncated {
        /// The message.
        message: String,
        /// The field.
        path: Path,
        /// Bytes from the start of the body, after the message id.
        offset: usize,
        /// Bytes that the field takes.
        needed: u64,
        /// Bytes that are there.
        available: usize,
    },
    /// A field that the definition does not have.
    #[error("{message}: no field {path}")]
    UnknownField {
        /// The message.
        message: String,
        /// The field.
        path: Path,
    },
    /// A value that the field cannot hold.
    #[error("{message}: {path} wants {expected}, found {found}")]
    Value {
        /// The message.
        message: String,
        /// The field.
        path: Path,
        /// What fits.
        expected: String,
        /// What was given, shortened.
        found: String,
    },
    /// A count that does not agree with its array, or that does not fit its field.
    #[error("{message}: {path} has {elements} elements, its count {counter} says {count}")]
    Count {
        /// The message.
        message: String,
        /// The array.
        path: Path,
        /// Name of the field that counts.
        counter: String,
        /// What it says, or the most that it can say.
        count: u64,
        /// What the array has.
        elements: usize,
    },
}

impl Error {
    /// Adds the field that the error lies in.
    pub(crate) fn within(mut self, field: &str) -> Self {
        if let Some(path) = self.path_mut() {
            *path = std::mem::take(path).within(field);
        }
        self
    }

    /// Adds the element that the error lies in.
    pub(crate) fn within_element(mut self, index: usize) -> Self {
        if let Some(path) = self.path_mut() {
            *path = std::mem::take(path).within_element(index);
        }
        self
    }

    /// Says which message it is about.
    pub(crate) fn of(mut self, name: &str) -> Self {
        match &mut self {
            Self::UnknownMessage { message, .. }
            | Self::Truncated { message, .. }
            | Self::UnknownField { message, .. }
            | Self::Value { message, .. }
            | Self::Count { message, .. } => *message = name.to_string(),
        }
        self
    }

    fn path_mut(&mut self) -> Option<&mut Path> {
        match self {
            Self::UnknownMessage { .. } => None,
            Self::Truncated { path, .. }
            | Self::UnknownField { path, .. }
            | Self::Value { path, .. }
            | Self::Count { path, .. } => Some(path),
        }
    }
}

/// Why definitions could not be made into layouts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("VPP {release}, {owner}.{field}: {what}")]
pub struct SchemaError {
    /// The release.
    pub release: String,
    /// The message or type.
    pub owner: String,
    /// The field.
    pub field: String,
    /// What is wrong with it.
    pub what: String,
}
