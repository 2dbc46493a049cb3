//! Which keys this agent configured, across its restarts.
//!
//! The southbound does not say who made a value. After a restart the agent may remove what it made and what is no
//! longer wanted, and has to leave alone what others made; this file tells one from the other. A key is noted before
//! its value is configured and struck out after it is gone, so that it is never missing for something that is there.
//!
//! One line a note, `+key<TAB>source` or `-key`, appended; rewritten when it is mostly history. The source is the one
//! that said so: as long as it has not been heard, what it said stands.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kvscheduler::Key;

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
    /// Keys with the names of their sources; empty where that was not noted.
    keys: BTreeMap<Key, Arc<str>>,
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
        let mut keys = BTreeMap::new();
        let mut names: BTreeMap<String, Arc<str>> = BTreeMap::new();
        for line in text.lines() {
            // A line that was cut off by a crash noted something that was not done yet.
            match (line.strip_prefix('+'), line.strip_prefix('-')) {
                (Some(note), _) => {
                    let (key, source) = note.split_once('\t').unwrap_or((note, ""));
                    let source = names.entry(source.to_owned()).or_insert_with(|| source.into());
                    keys.insert(Key::from(plain(key)), Arc::clone(source));
                }
                (_, Some(key)) => drop(keys.remove(plain(key).as_str())),
                _ => {}
            }
        }
        let mut ledger = Self { keys, file: None, lines: 0 };
        ledger.rewrite(path).map_err(error)?;
        Ok(ledger)
    }

    fn rewrite(&mut self, path: &Path) -> std::io::Result<()> {
        let beside = path.with_extension("new");
        let text: String =
            self.keys.iter().map(|(key, source)| format!("+{}\t{source}\n", escaped(key))).collect();
        fs::write(&beside, text)?;
        fs::rename(&beside, path)?;
        self.lines = self.keys.len();
        self.file = Some((path.to_path_buf(), OpenOptions::new().append(true).open(path)?));
        Ok(())
    }

    fn write(&mut self, text: &str, lines: usize) -> Result<(), LedgerError> {
        let Some((path, file)) = &mut self.file else { return Ok(()) };
        let path = path.clone();
        let mut written = file.write_all(text.as_bytes());
        self.lines += lines;
        if written.is_ok() && self.lines > 2 * self.keys.len() + HISTORY {
            written = self.rewrite(&path);
        }
        written.map_err(|source| LedgerError { path, source })
    }

    /// Notes keys that are about to be configured, and who says so.
    pub fn add<'a>(
        &mut self,
        notes: impl IntoIterator<Item = (&'a Key, &'a str)>,
    ) -> Result<(), LedgerError> {
        let mut text = String::new();
        let mut before = Vec::new();
        let mut name: Arc<str> = Arc::from("");
        for (key, source) in notes {
            let known = self.keys.get(key);
            if known.is_some_and(|known| **known == *source) {
                continue;
            }
            if *name != *source {
                name = source.into();
            }
            text.push_str(&format!("+{}\t{source}\n", escaped(key)));
            before.push((key, self.keys.insert(Key::clone(key), Arc::clone(&name))));
        }
        if before.is_empty() {
            return Ok(());
        }
        self.write(&text, before.len()).inspect_err(|_| {
            // Not noted: to be tried again with the next change.
            for (key, known) in before {
                match known {
                    Some(known) => drop(self.keys.insert(Key::clone(key), known)),
                    None => drop(self.keys.remove(key)),
                }
            }
        })
    }

    /// Strikes out keys whose values are gone.
    pub fn remove<'a>(&mut self, keys: impl IntoIterator<Item = &'a str>) -> Result<(), LedgerError> {
        let gone: Vec<&str> = keys.into_iter().filter(|key| self.keys.remove(*key).is_some()).collect();
        if gone.is_empty() {
            return Ok(());
        }
        let text: String = gone.iter().map(|key| format!("-{}\n", escaped(key))).collect();
        self.write(&text, gone.len())
    }

    /// Who said that a key is wanted, if it is noted; empty where that was not noted.
    pub fn source(&self, key: &str) -> Option<&str> {
        self.keys.get(key).map(|source| &**source)
    }

    /// Everything that is noted, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.keys.keys()
    }

    /// The shared form of a key that is noted.
    pub(crate) fn shared(&self, key: &str) -> Option<&Key> {
        self.keys.get_key_value(key).map(|(key, _)| key)
    }
}

/// A key on one line, before a tab.
fn escaped(key: &str) -> Cow<'_, str> {
    if !key.contains(['\\', '\n', '\t']) {
        return key.into();
    }
    key.replace('\\', "\\\\").replace('\n', "\\n").replace('\t', "\\t").into()
}

fn plain(escaped: &str) -> String {
    let mut key = String::with_capacity(escaped.len());
    let mut chars = escaped.chars();
    while let Some(c) = chars.next() {
        key.push(match c {
            '\\' => match chars.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                other => other.unwrap_or('\\'),
            },
            c => c,
        });
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(ledger: &mut Ledger, notes: &[(&str, &str)]) {
        let keys: Vec<(Key, &str)> = notes.iter().map(|(key, source)| (Key::from(*key), *source)).collect();
        ledger.add(keys.iter().map(|(key, source)| (key, *source))).unwrap();
    }

    #[test]
    fn what_was_noted_is_known_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/ledger");
        let mut ledger = Ledger::open(&path).unwrap();
        add(&mut ledger, &[("a", "etcd"), ("b", "etcd"), ("c", "files")]);
        ledger.remove(["b"]).unwrap();
        drop(ledger);
        let ledger = Ledger::open(&path).unwrap();
        assert_eq!(ledger.keys().map(|key| &**key).collect::<Vec<_>>(), ["a", "c"]);
        assert_eq!(["a", "b", "c"].map(|key| ledger.source(key)), [Some("etcd"), None, Some("files")]);
    }

    #[test]
    fn a_key_may_have_anything_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger");
        let keys = ["a\nb", "a\tb", "a\\nb", "\\", "\u{fc}/\u{1f980}"];
        let mut ledger = Ledger::open(&path).unwrap();
        add(&mut ledger, &keys.map(|key| (key, "etcd")));
        let mut ledger = Ledger::open(&path).unwrap();
        assert_eq!(keys.map(|key| ledger.source(key)), [Some("etcd"); 5]);
        ledger.remove(keys).unwrap();
        assert_eq!(Ledger::open(&path).unwrap().keys().count(), 0);
    }

    #[test]
    fn the_file_does_not_grow_with_every_change() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger");
        let mut ledger = Ledger::open(&path).unwrap();
        for _ in 0..5 * HISTORY {
            add(&mut ledger, &[("a", "etcd")]);
            ledger.remove(["a"]).unwrap();
        }
        let lines = std::fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= HISTORY + 2, "{lines}");
    }
}
