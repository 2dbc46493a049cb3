//! Which keys this agent configured, across its restarts.
//!
//! The southbound does not say who made a value. After a restart the agent may remove what it made and what is no
//! longer wanted, and has to leave alone what others made; this file tells one from the other. A key is noted before
//! its value is configured and struck out after it is gone, so that it is never missing for something that is there.
//!
//! One line a note, `+key` or `-key`, appended; rewritten when it is mostly history.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The ledger cannot be kept.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {source}; the agent keeps there which configuration is its own, so it has to be writable")]
pub struct LedgerError {
    path: PathBuf,
    source: std::io::Error,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Ledger {
    keys: BTreeSet<String>,
    file: Option<(PathBuf, File)>,
    lines: usize,
}

/// Lines of history that are kept before the file is rewritten.
const HISTORY: usize = 1024;

impl Ledger {
    /// One that forgets everything with the process.
    pub fn in_memory() -> Self {
        Self::default()
    }

    /// Reads the ledger, or begins one.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        let error = |source| LedgerError { path: path.to_path_buf(), source };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(error)?;
        }
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(e) => return Err(error(e)),
        };
        let mut keys = BTreeSet::new();
        for line in text.lines() {
            // A line that was cut off by a crash noted something that was not done yet.
            match (line.strip_prefix('+'), line.strip_prefix('-')) {
                (Some(key), _) => drop(keys.insert(key.to_string())),
                (_, Some(key)) => drop(keys.remove(key)),
                _ => {}
            }
        }
        let mut ledger = Self { keys, file: None, lines: 0 };
        ledger.rewrite(path).map_err(error)?;
        Ok(ledger)
    }

    fn rewrite(&mut self, path: &Path) -> std::io::Result<()> {
        let beside = path.with_extension("new");
        let text: String = self.keys.iter().map(|key| format!("+{key}\n")).collect();
        fs::write(&beside, text)?;
        fs::rename(&beside, path)?;
        self.lines = self.keys.len();
        self.file = Some((path.to_path_buf(), OpenOptions::new().append(true).open(path)?));
        Ok(())
    }

    fn note(&mut self, sign: char, keys: &[&str]) -> Result<(), LedgerError> {
        let Some((path, file)) = &mut self.file else { return Ok(()) };
        let path = path.clone();
        let text: String = keys.iter().map(|key| format!("{sign}{key}\n")).collect();
        let mut written = file.write_all(text.as_bytes());
        self.lines += keys.len();
        if written.is_ok() && self.lines > 2 * self.keys.len() + HISTORY {
            written = self.rewrite(&path);
        }
        written.map_err(|source| LedgerError { path, source })
    }

    /// Notes keys that are about to be configured.
    pub fn add<'a>(&mut self, keys: impl IntoIterator<Item = &'a str>) -> Result<(), LedgerError> {
        let new: Vec<&str> = keys.into_iter().filter(|key| self.keys.insert((*key).to_string())).collect();
        if new.is_empty() {
            return Ok(());
        }
        self.note('+', &new).inspect_err(|_| {
            // Not noted: to be tried again with the next change.
            for key in &new {
                self.keys.remove(*key);
            }
        })
    }

    /// Strikes out keys whose values are gone.
    pub fn remove<'a>(&mut self, keys: impl IntoIterator<Item = &'a str>) -> Result<(), LedgerError> {
        let gone: Vec<&str> = keys.into_iter().filter(|key| self.keys.remove(*key)).collect();
        if gone.is_empty() { Ok(()) } else { self.note('-', &gone) }
    }

    /// Everything that is noted.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_known_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/ledger");
        let mut ledger = Ledger::open(&path).unwrap();
        ledger.add(["a", "b", "c"]).unwrap();
        ledger.remove(["b"]).unwrap();
        drop(ledger);
        assert_eq!(Ledger::open(&path).unwrap().keys().collect::<Vec<_>>(), ["a", "c"]);
    }

    #[test]
    fn the_file_does_not_grow_with_every_change() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger");
        let mut ledger = Ledger::open(&path).unwrap();
        for _ in 0..5 * HISTORY {
            ledger.add(["a"]).unwrap();
            ledger.remove(["a"]).unwrap();
        }
        let lines = std::fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= HISTORY + 2, "{lines}");
    }
}
