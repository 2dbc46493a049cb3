//! What can be wrong with a definition, and how it is told.

use crate::model::Place;

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct Problem {
    /// File and line.
    pub place: Place,
    /// What was found and what was expected.
    pub what: String,
}

/// Why the generator stopped. Nothing is written when it does.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The definitions have mistakes; all that were found.
    #[error("{} in the API definitions:\n{}", count(.0.len()), lines(.0))]
    Definitions(Vec<Problem>),
    /// A file or folder could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The folder has no definitions.
    #[error("{path}: no *.api.json below it; expected a folder like /usr/share/vpp/api")]
    Empty {
        /// Which.
        path: String,
    },
    /// Something else that the caller has to mend.
    #[error("{0}")]
    Usage(String),
}

fn count(n: usize) -> String {
    if n == 1 { "1 mistake".to_string() } else { format!("{n} mistakes") }
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(|p| format!("  {p}")).collect::<Vec<_>>().join("\n")
}

/// A list of problems under construction.
#[derive(Debug, Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Notes one.
    pub fn push(&mut self, place: &Place, what: impl Into<String>) {
        self.0.push(Problem { place: place.clone(), what: what.into() });
    }

    /// Adds those of another list.
    pub fn extend(&mut self, other: impl IntoIterator<Item = Problem>) {
        self.0.extend(other);
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The problems as an error.
    pub fn into_error(self) -> Error {
        Error::Definitions(self.0)
    }

    /// `value` when there is no problem, else all of them.
    pub fn into_result<T>(self, value: T) -> Result<T, Error> {
        if self.0.is_empty() { Ok(value) } else { Err(Error::Definitions(self.0)) }
    }
}

/// Makes an [`Error::Io`] for a path.
pub fn io(path: impl AsRef<std::path::Path>) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.as_ref().display().to_string();
    move |source| Error::Io { path, source }
}
