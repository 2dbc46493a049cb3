//! Reading one file of settings.

use std::path::{Path, PathBuf};

use kvstore::settings::from_yaml;
use serde::de::DeserializeOwned;

/// A file of settings that cannot be taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// It is there and cannot be read.
    #[error("{path}: {reason}", path = path.display())]
    Unreadable { path: PathBuf, reason: std::io::Error },
    /// Something in it is wrong.
    #[error("{path}: {reason}{hint}", path = path.display())]
    Wrong { path: PathBuf, reason: String, hint: String },
}

/// A file that was read.
pub(crate) struct Read<T> {
    pub(crate) path: PathBuf,
    pub(crate) settings: T,
    pub(crate) text: String,
}

/// The path that a name of a file means: itself if there is such a file, else in the folder of settings.
pub(crate) fn resolve(name: &Path, folder: &Path) -> Option<PathBuf> {
    let found = |path: &Path| path.exists();
    if found(name) {
        return Some(name.to_path_buf());
    }
    Some(folder.join(name)).filter(|path| found(path))
}

/// Reads a file; none if it is not there.
pub(crate) fn read<T: DeserializeOwned + Default>(path: &Path) -> Result<Read<T>, FileError> {
    let text = std::fs::read_to_string(path)
        .map_err(|reason| FileError::Unreadable { path: path.to_path_buf(), reason })?;
    if let Some(line) = text.lines().position(indented_by_tab) {
        // What the parser says of tabs is not where they are.
        let reason = format!("line {}: indented by a tab, and YAML knows spaces only", line + 1);
        return Err(FileError::Wrong { path: path.to_path_buf(), reason, hint: String::new() });
    }
    let settings = from_yaml(&text).map_err(|reason| FileError::Wrong {
        path: path.to_path_buf(),
        hint: hint(&reason),
        reason,
    })?;
    Ok(Read { path: path.to_path_buf(), settings, text })
}

fn indented_by_tab(line: &str) -> bool {
    let indent = line.len() - line.trim_start().len();
    line.get(..indent).is_some_and(|indent| indent.contains('\t')) && !line.trim().is_empty()
}

/// The nearest of the keys that were expected, for an unknown one.
fn hint(reason: &str) -> String {
    let Some((_, rest)) = reason.split_once("unknown field `") else { return String::new() };
    let Some((unknown, rest)) = rest.split_once('`') else { return String::new() };
    let Some((_, known)) = rest.split_once("expected ") else { return String::new() };
    let known = known.split(" at line ").next().unwrap_or_default();
    let known = known.trim_start_matches("one of ").split([',', ' ']).map(|key| key.trim_matches('`'));
    let likeness = |key| strsim::jaro_winkler(unknown, key);
    let nearest = known.filter(|key| !key.is_empty()).map(|key| (likeness(key), key));
    let nearest = nearest.max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((likeness, known)) if likeness > 0.7 => format!("; did you mean `{known}`?"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use kvstore::etcd::EtcdConfig;

    use super::*;

    fn read_text(text: &str) -> Result<Read<EtcdConfig>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("etcd.conf");
        std::fs::write(&path, text).unwrap();
        read(&path).map_err(|error| error.to_string())
    }

    #[test]
    fn an_unknown_key_is_named_with_its_place_and_the_nearest() {
        let error = read_text("insecure-transport: true\nendpiont: [a]\n").err().unwrap();
        assert!(error.contains("etcd.conf: ") && error.contains("line 2"), "{error}");
        assert!(error.ends_with("did you mean `endpoints`?"), "{error}");
    }

    #[test]
    fn a_wrong_type_and_a_tab_are_named_with_their_place() {
        let error = read_text("\nsession-ttl: soon\n").err().unwrap();
        assert!(error.contains("line 2"), "{error}");
        let error = read_text("endpoints:\n\t- a\n").err().unwrap();
        assert!(error.contains("line 2: indented by a tab"), "{error}");
    }
}
