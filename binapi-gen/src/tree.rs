//! Compares generated files with those that are there, and replaces them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::emit::MARK;
use crate::error::{Error, io};

/// How a folder differs from what it should hold. Paths are below the folder.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Files with other contents.
    pub stale: Vec<PathBuf>,
    /// Files that are not there.
    pub missing: Vec<PathBuf>,
    /// Generated files that should not be there.
    pub superfluous: Vec<PathBuf>,
}

impl Difference {
    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.stale.is_empty() && self.missing.is_empty() && self.superfluous.is_empty()
    }
}

/// Compares a folder with the files that should be in it.
pub fn compare(folder: &Path, files: &BTreeMap<PathBuf, String>) -> Result<Difference, Error> {
    let mut difference = Difference::default();
    for (path, wanted) in files {
        match std::fs::read(folder.join(path)) {
            Ok(found) if found == wanted.as_bytes() => {}
            Ok(_) => difference.stale.push(path.clone()),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => difference.missing.push(path.clone()),
            Err(e) => return Err(io(folder.join(path))(e)),
        }
    }
    let mut present = BTreeSet::new();
    generated(folder, Path::new(""), &mut present)?;
    difference.superfluous = present.into_iter().filter(|path| !files.contains_key(path)).collect();
    Ok(difference)
}

/// Makes a folder hold the files: writes what differs, removes generated files that should not be there.
///
/// All text is at hand before the first byte is written. Each file is written beside its place and renamed, so
/// that none is ever half there.
pub fn replace(folder: &Path, files: &BTreeMap<PathBuf, String>) -> Result<Difference, Error> {
    let difference = compare(folder, files)?;
    for path in difference.stale.iter().chain(&difference.missing) {
        let Some(text) = files.get(path) else { continue };
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(io(parent))?;
        }
        let mut beside = path.clone().into_os_string();
        beside.push(".new");
        let written = std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, &path));
        if written.is_err() {
            let _ = std::fs::remove_file(&beside);
        }
        written.map_err(io(&path))?;
    }
    for path in &difference.superfluous {
        let path = folder.join(path);
        std::fs::remove_file(&path).map_err(io(&path))?;
        // Empty folders go too; one that is not empty stays, which is what the failure means.
        for parent in path.ancestors().skip(1).take_while(|parent| *parent != folder) {
            if std::fs::remove_dir(parent).is_err() {
                break;
            }
        }
    }
    Ok(difference)
}

/// Files below a folder whose first line says that they are generated.
fn generated(root: &Path, below: &Path, found: &mut BTreeSet<PathBuf>) -> Result<(), Error> {
    let folder = root.join(below);
    if !folder.exists() {
        return Ok(());
    }
    for entry in std::fs::read_dir(&folder).map_err(io(&folder))? {
        let entry = entry.map_err(io(&folder))?;
        let path = below.join(entry.file_name());
        if entry.path().is_dir() {
            generated(root, &path, found)?;
        } else {
            let text = std::fs::read(entry.path()).map_err(io(entry.path()))?;
            let mark = MARK.trim_start_matches("// ").as_bytes();
            let first = text.split(|b| *b == b'\n').next().unwrap_or_default();
            if first.ends_with(mark) {
                found.insert(path);
            }
        }
    }
    Ok(())
}
