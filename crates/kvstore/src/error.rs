//! What can be wrong with a source, in words that say what to do.

use std::fmt;
use std::path::{Path, PathBuf};

/// A place in a file. Lines and columns count from 1; 0 means that they are not known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// Line, or 0.
    pub line: u64,
    /// Column in characters, or 0.
    pub column: u64,
}

impl Place {
    /// A place in `file`.
    pub fn new(file: &Path, line: u64, column: u64) -> Self {
        Self { file: file.to_owned(), line, column }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        match (self.line, self.column) {
            (0, _) => Ok(()),
            (line, 0) => write!(f, ":{line}"),
            (line, column) => write!(f, ":{line}:{column}"),
        }
    }
}

/// One thing that is wrong with a source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The watched file or folder is not there.
    #[error("{} is not there; create it (a file that says `{{}}` states that nothing is wanted)", path.display())]
    Missing {
        /// The file or folder.
        path: PathBuf,
    },
    /// A file cannot be read.
    #[error("{} cannot be read: {reason}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// A file states nothing at all.
    #[error("{} is empty; write `{{}}` into it if nothing is wanted", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A YAML file ends in the middle of a line.
    #[error("{place} ends without a newline, as a half-written file does; end its last line with a newline")]
    HalfWritten {
        /// The last line.
        place: Place,
    },
    /// A file is not YAML or JSON, or not in the form that is expected.
    #[error("{place}: {}{reason}", key.as_ref().map(|key| format!("key `{key}`: ")).unwrap_or_default())]
    Syntax {
        /// Where.
        place: Place,
        /// Key of the entry, where it is known.
        key: Option<String>,
        /// What is wrong and what was expected.
        reason: String,
    },
    /// One key is stated twice.
    #[error("key `{key}` is stated twice, at {first} and at {second}; remove one of them")]
    Duplicate {
        /// The key.
        key: String,
        /// First place.
        first: Place,
        /// Second place.
        second: Place,
    },
    /// Changes cannot be watched.
    #[error("changes of {} cannot be watched: {reason}", path.display())]
    Unwatchable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// A store is lost.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no connection.
    #[error("{store} cannot be reached: {reason}; {advice}")]
    Unreachable {
        /// Name of the store.
        store: String,
        /// What happened, with each address that was tried.
        reason: String,
        /// What to do.
        advice: String,
    },
    /// Something answers that is not such a store.
    #[error("{store} does not answer as it should: {reason}; {advice}")]
    Protocol {
        /// Name of the store.
        store: String,
        /// What was expected and what came.
        reason: String,
        /// What to do.
        advice: String,
    },
    /// Name, password, token or certificate are not good enough.
    #[error("{store} denies access: {reason}; {advice}")]
    Denied {
        /// Name of the store.
        store: String,
        /// What the store said.
        reason: String,
        /// What to do.
        advice: String,
    },
    /// The store does not do it.
    #[error("{store} refuses: {reason}{}", key.as_ref().map(|key| format!(" (key {key})")).unwrap_or_default())]
    Refused {
        /// Name of the store.
        store: String,
        /// The key it was about, if it was about one.
        key: Option<String>,
        /// What the store said.
        reason: String,
    },
    /// The settings make no sense or name something that is not there.
    #[error("{store}: {field}: {reason}")]
    Settings {
        /// Name of the store.
        store: String,
        /// The setting, by its name in the file.
        field: String,
        /// What is wrong with it and what was expected.
        reason: String,
    },
    /// The file of the embedded store cannot be used.
    #[error("{store}: {reason}; {advice}")]
    File {
        /// Name of the store.
        store: String,
        /// What is wrong.
        reason: String,
        /// What to do.
        advice: String,
    },
}

/// What is wrong with a source.
///
/// What is not concerned is applied: other files of a folder, for example. What was configured because of what can not
/// be read any more stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}; until this is mended what was configured stays", listed(origin, faults))]
pub struct SourceError {
    /// Name of the source.
    pub origin: String,
    /// Everything that is wrong, by file.
    pub faults: Vec<Fault>,
}

fn listed(origin: &str, faults: &[Fault]) -> String {
    let faults_text = faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("; ");
    // A store says its name itself.
    if faults_text.starts_with(origin) { faults_text } else { format!("{origin}: {faults_text}") }
}
