//! The files of a source: which there are, which have to be read again, and what they state together.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::SETTLE;
use super::parse::{self, Stated};
use super::watch::Happened;
use crate::{Entry, Fault, Place};

/// What a look at the files has given.
pub(super) struct Scan {
    /// What is wrong.
    pub(super) faults: Vec<Fault>,
    /// Whether the files were put together; if not, nothing has changed since the last time.
    pub(super) merged: bool,
    /// What all files state, or stated when they were good last.
    pub(super) entries: BTreeMap<String, Entry>,
    /// Something is stated that could never be read.
    pub(super) unread: bool,
    /// Some file is being written.
    pub(super) writing: bool,
    /// Some file was read.
    pub(super) reread: bool,
    /// Some file has to be looked at again shortly.
    pub(super) unsettled: bool,
    /// The folder itself is not there.
    pub(super) base_missing: bool,
}

/// A file as it was read last.
struct Known {
    /// The file with all links resolved.
    target: PathBuf,
    /// What it stated when it was good last, if it ever was.
    good: Option<Vec<Stated>>,
    /// What is wrong with it by now.
    fault: Option<Fault>,
    /// Changes of it may have been missed.
    stale: bool,
}

/// The files of a source.
pub(super) struct Files {
    /// The folder that they are in.
    base: PathBuf,
    /// The only file that counts, unless the whole folder does.
    only: Option<OsString>,
    known: BTreeMap<OsString, Known>,
    /// To be read again, by event path.
    dirty: BTreeSet<PathBuf>,
    /// Being written, by event path.
    open: BTreeSet<PathBuf>,
    real_base: PathBuf,
}

impl Files {
    pub(super) fn new(path: &Path, folder: bool) -> Self {
        let parent = path.parent().filter(|_| !folder);
        let base = parent.unwrap_or(path).to_owned();
        Self {
            only: parent.and_then(|_| path.file_name()).map(OsString::from),
            real_base: base.clone(),
            base,
            known: BTreeMap::new(),
            dirty: BTreeSet::new(),
            open: BTreeSet::new(),
        }
    }

    /// The folder that the files are in.
    pub(super) fn base(&self) -> &Path {
        &self.base
    }

    /// Folders of the files that are reached through links.
    pub(super) fn link_targets(&self) -> BTreeSet<PathBuf> {
        let folders = self.known.values().filter_map(|known| known.target.parent());
        folders.filter(|folder| *folder != self.real_base).map(Path::to_owned).collect()
    }

    /// Takes in the folder with all links resolved: paths of events are below it.
    pub(super) fn set_real_base(&mut self, real_base: &Path) {
        real_base.clone_into(&mut self.real_base);
    }

    /// Notes an event.
    pub(super) fn note(&mut self, kind: Happened, path: &Path) {
        let path = path.to_owned();
        match kind {
            Happened::Appeared => {
                let complete = fs::symlink_metadata(&path).is_ok_and(|m| m.is_symlink() || m.nlink() > 1);
                if complete {
                    self.open.remove(&path);
                    self.dirty.insert(path);
                } else {
                    self.open.insert(path);
                }
            }
            Happened::Writing => {
                self.open.insert(path);
            }
            Happened::Written | Happened::Renamed => {
                self.open.remove(&path);
                self.dirty.insert(path);
            }
            Happened::Gone => {
                self.open.remove(&path);
            }
            Happened::Attributes => {
                let unread = |known: &&Known| matches!(known.fault, Some(Fault::Unreadable { .. }));
                if self.known.values().filter(unread).any(|known| known.target == path) {
                    self.dirty.insert(path);
                }
            }
        }
    }

    /// Has every file read again: events may have been missed, also those that tell who is writing.
    pub(super) fn reread_all(&mut self) {
        self.known.values_mut().for_each(|known| known.stale = true);
        self.open.clear();
    }

    /// Has the files read again that are reached through links: their folders were not watched until now.
    pub(super) fn reread_linked(&mut self) {
        let linked = |known: &&mut Known| known.target.parent() != Some(self.real_base.as_path());
        self.known.values_mut().filter(linked).for_each(|known| known.stale = true);
    }

    /// Looks at the files and reads those that have changed. Puts together what they state if that may have changed, or
    /// if `whole` asks for it. Of a key that several files state what is `published` of it stays.
    pub(super) fn scan(&mut self, whole: bool, published: Option<&BTreeMap<String, Entry>>) -> Scan {
        let mut scan = Scan {
            faults: Vec::new(),
            merged: false,
            entries: BTreeMap::new(),
            unread: false,
            writing: false,
            reread: false,
            unsettled: false,
            base_missing: false,
        };
        let names = match self.names() {
            Ok(names) => names,
            Err(fault) => {
                scan.base_missing = !self.base.is_dir();
                scan.faults.push(fault);
                return scan;
            }
        };
        let before = self.known.len();
        self.known.retain(|name, _| names.contains(name));
        let removed = self.known.len() != before;
        let dirty = std::mem::take(&mut self.dirty);
        for name in names {
            self.look_at(name, &dirty, &mut scan);
        }
        if whole || removed || scan.reread {
            scan.merged = true;
            self.merge(&mut scan, published);
        }
        scan
    }

    /// Names of the files that count.
    fn names(&self) -> Result<BTreeSet<OsString>, Fault> {
        if let Some(only) = &self.only {
            let path = self.base.join(only);
            return match fs::symlink_metadata(&path) {
                Ok(_) => Ok(BTreeSet::from([only.clone()])),
                Err(error) => Err(fault(&path, &error)),
            };
        }
        let listing = fs::read_dir(&self.base).map_err(|error| fault(&self.base, &error))?;
        let mut names = BTreeSet::new();
        for entry in listing {
            let name = entry.map_err(|error| fault(&self.base, &error))?.file_name();
            if parse::is_wanted(Path::new(&name)) && !self.base.join(&name).is_dir() {
                names.insert(name);
            }
        }
        Ok(names)
    }

    /// Reads a file if it is new, has changed, or is another one through its link; and if nobody is writing it.
    fn look_at(&mut self, name: OsString, dirty: &BTreeSet<PathBuf>, scan: &mut Scan) {
        let path = self.base.join(&name);
        let target = path.canonicalize().unwrap_or_else(|_| path.clone());
        let in_base = self.real_base.join(&name);
        if self.open.contains(&target) || self.open.contains(&in_base) {
            // Read when it is closed. What is known of it stays.
            scan.writing = true;
            return;
        }
        let announced = dirty.contains(&target) || dirty.contains(&in_base);
        let known = self.known.get(&name);
        let same = known.is_some_and(|known| known.target == target && !known.stale);
        if same && !announced {
            return;
        }
        let outcome = match read(&path, announced) {
            Read::Done(outcome) => outcome,
            Read::Unsettled => {
                scan.unsettled = true;
                if announced {
                    self.dirty.insert(target);
                }
                return;
            }
        };
        scan.reread = true;
        let known = match outcome.and_then(|bytes| parse::parse(&path, &bytes)) {
            Ok(stated) => Known { target, good: Some(stated), fault: None, stale: false },
            Err(fault) => {
                let good = self.known.remove(&name).and_then(|before| before.good);
                Known { target, good, fault: Some(fault), stale: false }
            }
        };
        self.known.insert(name, known);
    }

    /// Puts together what the files state.
    fn merge(&self, scan: &mut Scan, published: Option<&BTreeMap<String, Entry>>) {
        let mut places: BTreeMap<&str, &Place> = BTreeMap::new();
        for known in self.known.values() {
            scan.faults.extend(known.fault.clone());
            scan.unread |= known.good.is_none();
            for Stated { key, value, place } in known.good.iter().flatten() {
                if let Some(first) = places.get(key.as_str()) {
                    scan.faults.push(Fault::Duplicate {
                        key: key.clone(),
                        first: (*first).clone(),
                        second: place.clone(),
                    });
                    // Nobody knows which one is meant.
                    match published.and_then(|published| published.get(key)) {
                        Some(entry) => drop(scan.entries.insert(key.clone(), entry.clone())),
                        None => {
                            scan.entries.remove(key);
                            scan.unread = true;
                        }
                    }
                    continue;
                }
                places.insert(key, place);
                let place = format!("{}:{}", place.file.display(), place.line);
                scan.entries.insert(key.clone(), Entry { value: value.clone().into(), place });
            }
        }
    }
}

enum Read {
    Done(Result<Vec<u8>, Fault>),
    /// It has just changed, or changed while it was read.
    Unsettled,
}

/// Reads a file. One that no event has announced is left alone until it has been unchanged for a moment.
fn read(path: &Path, announced: bool) -> Read {
    let identity = |meta: &Metadata| (meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec());
    let attempt = || -> std::io::Result<Option<Vec<u8>>> {
        let before = fs::metadata(path)?;
        if !before.is_file() {
            return Err(std::io::Error::new(
                ErrorKind::InvalidInput,
                "expected a file, found something else",
            ));
        }
        if !announced && is_fresh(&before) {
            return Ok(None);
        }
        let bytes = fs::read(path)?;
        let after = fs::metadata(path)?;
        Ok((identity(&before) == identity(&after)).then_some(bytes))
    };
    match attempt() {
        Ok(Some(bytes)) => Read::Done(Ok(bytes)),
        Ok(None) => Read::Unsettled,
        Err(error) => Read::Done(Err(fault(path, &error))),
    }
}

/// Whether a file has changed just now. A time in the future is another machine's clock and says nothing.
fn is_fresh(meta: &Metadata) -> bool {
    let age = meta.modified().ok().and_then(|at| SystemTime::now().duration_since(at).ok());
    age.is_some_and(|age| age < SETTLE)
}

fn fault(path: &Path, error: &std::io::Error) -> Fault {
    if error.kind() == ErrorKind::NotFound {
        Fault::Missing { path: path.to_owned() }
    } else {
        Fault::Unreadable { path: path.to_owned(), reason: error.to_string() }
    }
}
